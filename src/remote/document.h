/* The job document (POST /v1/jobs), made of words and files. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"

/* Up to here a file's bytes stand in the document; larger ones are blobs, which are sent before it. */
#define DOCUMENT_INLINE ((uint64_t)256 << 10)
#define DOCUMENT_FILES  256
#define DOCUMENT_PAIRS  128

struct document_pair {
	const char *name, *value;
};

/* A file here, and its place in the job; the descriptor is ours. */
struct document_file {
	const char *path, *as;
	int fd;                 /* -1: none */
	uint64_t bytes;
	bool is_executable, is_blob;
	struct digest digest;   /* of a blob */
};

/* Borrowed strings; NULL, 0: not said. */
struct document {
	const char *name, *runtime, *boundary, *deadline;
	struct document_file *files;
	size_t n_files, cap_files;
	struct document_file input;     /* standard input; fd -1: none */
	struct document_pair *env, *labels;
	size_t n_env, cap_env, n_labels, cap_labels;
	const char **outputs;
	size_t n_outputs, cap_outputs;
	char *const *argv;
	size_t argc;
	bool has_step;          /* argv is a command of its own; false: the arguments of the runtime's program */
	uint64_t cpu_ms, wall_ms, mem_bytes, disk_bytes, stdout_bytes, stderr_bytes, pids, cpus_milli;
	bool is_live;           /* standard input comes while the job runs */
	uint32_t tty;           /* a terminal of that size: rows << 16 | columns; 0 = none */
	uint64_t priority, attempts, ttl_s;     /* priority counts from 1 here: 0 is "not said" */
};
#define DOCUMENT_NONE ((struct document){ .input = { .fd = -1 } })
void document_done(struct document *document);

/* Opens PATH[:AS] and adds it; AS is the last part of PATH where it is missing.
 *
 * Errors: ERR_USAGE, ERR_LIMIT, ERR_SYSTEM */
MUST_USE int document_add_file(struct document *document, const char *spec, struct err *e);
/* Standard input from a file. */
MUST_USE int document_set_input(struct document *document, const char *path, struct err *e);
/* NAME=VALUE. */
MUST_USE int document_add_pair(struct document_pair **pairs, size_t *n, size_t *cap, const char *spec, struct err *e);

/* Reads the files and appends the document. Blobs are named by their digests only. */
MUST_USE int document_write(struct document *document, struct str *out, struct err *e);
