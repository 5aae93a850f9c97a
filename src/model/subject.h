/* What the analysis commands judge: the filters of a policy, a profile, a unit or a process, and what
 * stands around them. Readers in format/ and cmd/ fill it; judge/ reads it. Pure data. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "model/policy.h"

enum subject_kind {
	SUBJECT_POLICY,         /* a policy of ward */
	SUBJECT_OCI,            /* a seccomp profile in OCI, Docker or Podman JSON */
	SUBJECT_SYSTEMD,        /* a unit file */
	SUBJECT_BPF,            /* struct sock_filter, as bytes or as numbers in text */
	SUBJECT_PROCESS,        /* read back from a running one */
	SUBJECT_KINDS
};

struct subject_filter {
	const char *name;               /* "policy", "floor", "SystemCallFilter", "filter 2 of 3" */
	struct sock_filter *program;    /* n instructions; in the subject's arena */
	size_t n;
};

/* A place where the source speaks of a call. */
struct subject_line {
	uint32_t nr;                    /* x86-64 number; SUBJECT_ANY: the default, or all calls */
	uint32_t line, column;          /* 0: the format has none */
	const char *text;               /* as people wrote it: "allow @default", "syscalls[3].names" */
};
#define SUBJECT_ANY UINT32_MAX

/* A comment "# why: ..." of the source: it silences and documents what is found on its line. */
struct subject_why {
	uint32_t line;
	const char *text;
};

/* What is known of the place where the filters will be in force. Severity hangs on it. */
enum known { KNOWN_NOT, KNOWN_NO, KNOWN_YES };
struct subject_context {
	const char *boundary;           /* "container", "process"; NULL: not ward's, or not known */
	enum known own_user, own_pid, own_net, own_mount, own_ipc, own_uts, own_cgroup;
	enum known own_terminal;        /* no terminal of anybody else's can be reached */
	enum known no_new_privs;
	enum known landlock;
	enum known mdwe;                /* PR_SET_MDWE: the kernel refuses writable-and-executable memory */
	bool caps_known;
	uint64_t caps;                  /* bounding or effective, whichever is larger; CAP_* bits */
	uint32_t kernel;                /* 6.8.0 is 0x060800; 0 = not known */
};

/* All zero is the empty subject. */
struct subject {
	enum subject_kind kind;
	const char *name;               /* "profile.json", "policy default (built in)", "process 812" */
	struct subject_filter *filters; /* oldest first, as they were installed */
	size_t n_filters, cap_filters;
	struct subject_line *lines;     /* any order */
	size_t n_lines, cap_lines;
	struct subject_why *whys;
	size_t n_whys, cap_whys;
	struct subject_context context;
	bool calls_are_fixed;           /* by the boundary's engine, whatever the policy says of calls */
	struct policy *policy;          /* SUBJECT_POLICY only, owned; else NULL */
	const char **missing;           /* what of the source could not be judged ("unknown system call
					 * 'frobnicate' in syscalls[2]"): the analysis is then incomplete */
	size_t n_missing, cap_missing;
	struct arena arena;             /* owns every string and program above */
};
#define SUBJECT_NONE ((struct subject){ .kind = SUBJECT_POLICY })

void subject_done(struct subject *subject);

/* Each copies what it is given. */
void subject_add_filter(struct subject *subject, const char *name, const struct sock_filter *program,
			size_t n);
void subject_add_line(struct subject *subject, uint32_t nr, uint32_t line, uint32_t column,
		      const char *text);
void subject_add_why(struct subject *subject, uint32_t line, const char *text);
/* Those of a text whose comments begin with '#'. On a line of its own one speaks of the next line that
 * says something. */
void subject_add_whys(struct subject *subject, const char *text, size_t len);
/* The first SUBJECT_MISSING are kept, and that there were more. */
#define SUBJECT_MISSING 1000
void subject_add_missing(struct subject *subject, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The line that speaks of a call, the last one of several; that of SUBJECT_ANY when none does, NULL when
 * there is none either. */
const struct subject_line *subject_line_of(const struct subject *subject, uint32_t nr);

/* The comment that silences what is found on a line, NULL: none. */
const char *subject_why_of(const struct subject *subject, uint32_t line);
