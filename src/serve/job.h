/* The job document (POST /v1/jobs), checked: what a tenant asks for, in bounded numbers and strings. Reading it
 * looks at shapes alone: nothing of a tenant is opened, resolved or run. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "serve/window.h"

#define JOB_DOCUMENT_MAX ((size_t)8 << 20)      /* more than that goes into blobs */
#define JOB_DEPTH        32     /* of JSON */
#define JOB_NAME_MAX     64     /* [A-Za-z0-9._-]: name, runtime, step id, label key */
#define JOB_LABELS       16
#define JOB_LABEL_MAX    128    /* bytes of a label's value */
#define JOB_FILES        256
#define JOB_PATH_MAX     255    /* bytes of a path, 16 parts at most */
#define JOB_STEPS        16
#define JOB_ARGS         256
#define JOB_ARG_MAX      ((size_t)64 << 10)
#define JOB_ENV          128
#define JOB_OUTPUTS      32
#define JOB_ATTEMPTS     5
#define JOB_DIGEST 64           /* SHA-256 in lower-case hexadecimal digits */
/* Bytes, or the digest of a blob of the same tenant, or (standard input alone) what comes while the job runs. */
enum job_source { JOB_EMPTY, JOB_BYTES, JOB_BLOB, JOB_LIVE };
struct job_bytes {
	enum job_source source;
	const char *at;         /* JOB_BYTES: any bytes, also NUL; one NUL behind them is not counted */
	size_t len;
	char blob[JOB_DIGEST + 1];
};

struct job_file {
	const char *path;       /* relative, no "." or "..", no control bytes; unique in the job */
	bool is_executable;
	struct job_bytes bytes;
};

struct job_step {
	const char *id;         /* unique in the job; "0", "1", ... where none was given */
	const char **argv;      /* argc >= 1, NULL behind the last */
	size_t argc;
	struct job_bytes input; /* standard input */
};
struct job_pair {
	const char *name, *value;
};

struct job_output {
	const char *pattern;    /* as a path, with * and ? inside a part */
	uint64_t max_bytes;     /* of one file */
	uint32_t max_files;
};

/* 0: the default of the runtime. The order of job_limits.def. */
struct job_limits {
#define LIMIT(name, least, most, what) uint64_t name;
#include "serve/job_limits.def"
#undef LIMIT
	bool kill_at_output_limit;      /* false: what is above the limit is counted and left out */
};

enum job_boundary { JOB_AUTO, JOB_CONTAINER, JOB_GVISOR, JOB_MICROVM, JOB_WASM, JOB_JS, JOB_BOUNDARIES };

struct job_spec {
	struct arena arena;     /* all that the pointers point to */
	const char *name;       /* "" without one */
	const char *runtime, *version;  /* "python@3.11" is "python" and "3.11"; version NULL: the newest here */
	enum job_boundary boundary;
	struct job_pair *labels, *env;
	size_t n_labels, n_env;
	struct job_file *files;
	size_t n_files;
	/* Without steps the runtime's own: they get args and input. With steps, args and input are empty. */
	struct job_step *steps;
	size_t n_steps;
	const char **args;
	size_t n_args;
	struct job_bytes input;
	struct job_window tty;          /* steps with live input have a terminal of that size; rows 0: pipes */
	struct job_limits limits;
	struct job_output *outputs;
	size_t n_outputs;
	uint32_t priority;      /* 0..9, 9 first; 5 where none was given */
	uint32_t max_attempts;  /* 1..JOB_ATTEMPTS, of starts that failed by no fault of the job's */
	uint64_t ttl_s;         /* the job's data are kept for that long after its end */
	int64_t deadline_ms;    /* UTC since 1970: not started later than that; 0 = none */
	/* The same: sorted keys, no blanks. Hashed for idempotency, kept by the store, read by job_spec_read_again(). */
	const char *canonical;
	size_t canonical_len;
};
#define JOB_SPEC_NONE ((struct job_spec){ .n_files = 0 })

/* Why a document is refused. */
struct job_fault {
	const char *code;       /* a constant: invalid_json, unknown_field, invalid_value, limit_above_ceiling,
	                         * egress_not_permitted, not_supported, payload_too_large */
	char field[256];        /* JSON pointer (RFC 6901); "" is the whole document */
	char detail[368];       /* one line; control bytes are escaped */
};

void job_spec_done(struct job_spec *spec);

/* Reads a document. Returns 0, or -1 with *fault and nothing to release.
 * json[len]  strict JSON: no duplicate keys, JOB_DEPTH levels, UTF-8, no NUL in a string
 * *spec      job_spec_done() releases it */
MUST_USE int job_spec_read(const char *json, size_t len, struct job_spec *spec, struct job_fault *fault);
/* With the same outcome, of what is canonical: that is not written once more, spec->canonical stays NULL. */
MUST_USE int job_spec_read_again(const char *canonical, size_t len, struct job_spec *spec, struct job_fault *fault);

/* "auto", "container", ...; and back: JOB_BOUNDARIES when there is none of that name. */
const char *job_boundary_name(enum job_boundary boundary);
enum job_boundary job_boundary_find(const char *name);

/* True for [A-Za-z0-9._-], 1 to JOB_NAME_MAX bytes. */
bool job_name_is_valid(const char *name);
/* "2026-11-21T18:00:00.250Z" (RFC 3339) to milliseconds since 1970; false for other texts. */
bool job_moment_read(const char *text, int64_t *out_ms);
