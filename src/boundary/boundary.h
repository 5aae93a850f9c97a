/* One rung of the ladder: a pure function from policy and payload to a plan. Opens nothing, changes
 * nothing; what must be opened is listed in the openings, which the caller opens as itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/host.h"
#include "model/note.h"
#include "model/plan.h"
#include "model/policy.h"

/* What to run. Borrowed. The first descriptors sent along are stdin, stdout, stderr (indices 0..2)
 * and then those of pass (3..). */
struct payload {
	const char *const *argv, *const *envp;
	const char *program_path;       /* absolute, of the file argv[0] names; for boundaries that read it themselves */
	const int *pass_numbers;        /* the number each passed descriptor has inside */
	size_t n_pass;
	bool is_plugin;                 /* a host calls it over the descriptor that is passed. Boundary wasm: argv[0] is a
					 * name alone, and the module comes there; container: the program that was
					 * made of the module */
	bool is_compiled;               /* boundary wasm: the file that argv[0] names is what `ward precompile` made of a
					 * module, a program, and not the module */
	bool pty;                       /* a terminal of its own instead of stdin, stdout, stderr */
	bool makes_terminals;           /* the program may make pseudo-terminals, of the box's own instance */
	uint32_t pty_size;              /* rows << 16 | columns it begins with, 0: not known */
	bool in_place;                  /* what is inside has the path it has outside: selftest alone, for a box
					 * that it takes the mounts of */
	bool in_kernels_place;          /* the program runs where the boundary's own kernel would, by the host's: selftest
					 * alone, for a box that it takes that kernel away from */
	enum payload_guest {
		GUEST_PROGRAM,          /* argv[0], once */
		GUEST_REQUESTS,         /* argv[0] answers each line of standard input */
		GUEST_ZYGOTE            /* none: guests are ordered on the first passed descriptor */
	} guest;                        /* the last two: of boundary js; the last: of wasm too, and then a program_path
					 * is the module of all its guests */
	bool tells_sockets;             /* ward is told before a socket is made: of boxes whose network may have been
					 * another's, in which nobody ever had one */
	bool serves;                    /* GUEST_ZYGOTE of boundary js: its guests may fork for requests, and so are one
					 * tenant's */
	bool observed;                  /* every call is asked about and goes on unless the floor or the
					 * boundary refuses it: `ward trace` alone, never a policy */
};

/* What is known of a host path before planning; found by the caller (stat), so that planning is pure. */
enum path_kind { PATH_ABSENT, PATH_FILE, PATH_DIR, PATH_LINK, PATH_DEVICE };
struct path_info {
	enum path_kind kind;
	uint32_t uid;
	char link[256];                 /* target, for PATH_LINK */
};
struct surroundings {
	/* Looks at an absolute host path without following a final link. */
	struct path_info (*look)(void *at, const char *path);
	void *at;
};

struct opened_path {                    /* a row of the list the caller must open */
	const char *path;               /* borrowed from the plan's bytes or the policy */
	bool directory, follow;
};

/* What a program that makes a sandbox of its own asks of the container around it. No rules for files: under
 * Landlock's nobody mounts; and namespaces may be made inside. */
struct jail {
	const char *below;              /* where the files lie that the sandbox shows: "/rootfs" */
	const uint16_t *calls;          /* that the floor refuses everybody else */
	size_t n_calls;
};

struct rung {                           /* everything plan() needs and fills */
	const struct policy *policy;
	const struct payload *payload;
	const struct host *host;
	const struct surroundings *around;
	struct plan *plan;
	const struct jail *jail;        /* NULL: the program is no sandbox */
	struct opened_path *open;       /* to be opened by the caller; index + first_fd = plan fd */
	size_t n_open, cap_open;
	uint16_t first_fd;              /* 3 + n_pass */
	const char *last_parent;        /* of the grant before, while planning */
	struct filter_set filter;       /* filled: the rows that were compiled, for judging refused calls */
	uint32_t notes;                 /* enum note: what is weaker than usual, for result and -v */
	bool reserves;                  /* the program reserves addresses that it never uses: they are no memory */
	struct arena arena;
};
void rung_done(struct rung *rung);

struct boundary {
	const char *name, *summary;
	bool has_mounts;                /* a root of its own: grants appear where the policy says */
	bool reads_program;             /* argv[0] is a file for an engine, not for the kernel to execute */
	bool has_kernel;                /* a kernel of its own answers the program's calls: runsc */
	/* 0 if this host can run it, else -1 with cause and fix in e. Pure. */
	int (*probe)(const struct host *host, struct err *e);
	/* Appends steps. Pure but for rung->around. */
	int (*plan)(struct rung *rung, struct err *e);
};

/* The boundary of a name; NULL when this build has none. */
const struct boundary *boundary_find(const char *name);
const struct boundary *boundary_at(size_t i);
