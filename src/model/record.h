/* What a traced program did: system calls with arguments and places, files, hosts, capabilities. Made by
 * `ward trace`, kept as JSON, merged, and read by whoever derives a policy. Pure data, bounded: a program
 * that does too much makes a record that says it is cut, never one that grows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#define RECORD_CALLS  512               /* numbers from here on belong to no call there is */
#define RECORD_VALUES 16                /* of one argument */
#define RECORD_SITES  8                 /* of one call */
#define RECORD_FILES  16384
#define RECORD_HOSTS  256
#define RECORD_CAPS   64
#define RECORD_WORDS  64                /* of argv that are kept */
#define RECORD_TEXT   ((size_t)2 << 20) /* of all names and paths together */
#define RECORD_BYTES  ((size_t)16 << 20)/* of a record in JSON; its reader refuses more */
/* Bits. */
enum record_phase { PHASE_START = 1, PHASE_STEADY = 2 };

/* The values an argument had, on the width the kernel reads (syscalls_arg_bytes()). */
struct record_arg {
	uint64_t values[RECORD_VALUES]; /* distinct, sorted */
	uint8_t n;
	bool more;                      /* there were others */
	uint64_t all, any;              /* bits that every value had, that any had */
};

/* A place in a file that is mapped: of an instruction. Texts are clean: no control byte in them. */
struct record_place {
	const char *module;             /* path inside the box, "[vdso]" and such; NULL: not known */
	uint64_t offset;                /* in the file */
	const char *symbol;             /* the function's name where the file has one, else NULL */
};
struct record_site {
	struct record_place at;         /* the call instruction: mostly the C library's */
	struct record_place by;         /* who called that library; module NULL: not found, or no library */
	uint64_t count;                 /* of the calls whose site was looked at */
	uint8_t phases;
};

struct record_call {
	uint64_t count;                 /* 0: it was not made; refused ones included */
	uint64_t refused;               /* by ward: the policy's rules or the floor */
	uint8_t phases, n_sites;
	bool sites_more;
	struct record_arg args[6];
	struct record_site *sites;      /* in the order they were first met */
};

enum record_access {
	ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_CREATE = 4, ACCESS_EXEC = 8, ACCESS_STAT = 16, ACCESS_LIST = 32,
	ACCESS_UNLINK = 64, RECORD_ACCESSES = 7
};
const char *record_access_name(unsigned bit);   /* "read" of 0 ..; NULL past the end */
struct record_file {
	const char *path;               /* absolute and normal, as the program sees it */
	bool is_odd;                    /* it had bytes no policy can say: '?' stands for them */
	bool exists, is_dir;            /* right before the last call that named it */
	uint8_t access, phases;
	uint64_t count;
};

enum record_family { FAMILY_UNIX, FAMILY_INET, FAMILY_INET6, FAMILY_OTHER, RECORD_FAMILIES };
const char *record_family_name(enum record_family family);      /* "unix", ...; NULL past the end */
struct record_host {
	enum record_family family;
	const char *address;            /* "127.0.0.1", "::1", "/run/x.sock", "@abstract"; "" of OTHER */
	uint16_t port;
	bool connects, binds;           /* connect, or a datagram sent there; bind */
	uint8_t phases;
	uint64_t count;
};

/* A capability that a call asked for. Confined programs have none: it follows from call and arguments. */
struct record_cap {
	uint32_t cap, nr;               /* CAP_*; the call */
	bool maybe;                     /* only in some cases: for a file of somebody else's, say */
	uint64_t count;
};

/* All zero is the empty record. */
struct record {
	const char *argv[RECORD_WORDS]; /* of the first run */
	size_t n_argv;
	const char *policy, *boundary;
	uint32_t runs;
	const char *cut;                /* what of it is missing, the first time; NULL: it is complete */
	uint64_t unknown;               /* calls with numbers past RECORD_CALLS, all refused */
	struct record_call calls[RECORD_CALLS];
	struct record_file *files;      /* in the order they were first met */
	size_t n_files, cap_files;
	struct record_host hosts[RECORD_HOSTS];
	struct record_cap caps[RECORD_CAPS];
	size_t n_hosts, n_caps;
	uint32_t *slots;                /* private: find a file by its path */
	struct arena arena;             /* owns every text and every site */
};

void record_done(struct record *record);
/* Each copies what it is given; what there is no room for marks the record as cut. */
void record_add_call(struct record *record, uint32_t nr, const uint64_t args[6], uint8_t phase, bool refused);
void record_add_site(struct record *record, uint32_t nr, const struct record_site *site);
void record_add_file(struct record *record, const struct record_file *file);
void record_add_host(struct record *record, const struct record_host *host);
void record_add_cap(struct record *record, const struct record_cap *cap);
void record_set_text(struct record *record, const char **field, const char *text);
void record_cut(struct record *record, const char *why);
void record_merge(struct record *into, const struct record *from);

/* One document, schema ward.record.1; record_read() takes it back and nothing else.
 *
 * Errors: ERR_USAGE, ERR_LIMIT; one line with the name, the place and the cause */
void record_write(const struct record *record, struct json *out);
MUST_USE int record_read(const char *name, const char *text, size_t len, struct record *out, struct err *e);
