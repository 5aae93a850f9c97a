/* What is known of the place where code runs: of a box that a plan would make, or of a process that
 * /proc tells of. surface.h judges both by the same rules. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "judge/nest.h"
#include "model/layer.h"
#include "model/plan.h"
#include "model/subject.h"

/* Facts beside the layers, in the same masks: a layer may be there and not do this. */
#define PLACE_SCOPED      LAYER_BIT(LAYERS)             /* Landlock keeps signals and abstract sockets inside */
#define PLACE_OWN_USER    LAYER_BIT(LAYERS + 1)         /* outside it is a user that is nobody else */
#define PLACE_NO_TERMINAL LAYER_BIT(LAYERS + 2)         /* no terminal, or one of its own */
#define PLACE_ONE_THREAD  LAYER_BIT(LAYERS + 3)         /* cores are not shared by threads (no SMT) */
#define PLACE_PORTS       LAYER_BIT(LAYERS + 4)         /* Landlock lists the only TCP ports */
#define PLACE_NOT_ROOT    LAYER_BIT(LAYERS + 5)         /* outside it is not user 0 */
#define PLACE_NO_CAPS     LAYER_BIT(LAYERS + 6)         /* it has none now; the layer says that exec gives none, either */
#define PLACE_OFFLINE     LAYER_BIT(LAYERS + 7)         /* no interface but a loopback */
_Static_assert(LAYERS + 8 <= 64, "one mask");

enum place_mount_flag {
	PLACE_WRITE = 1, PLACE_EXEC = 2, PLACE_SUID = 4, PLACE_DEV = 8, PLACE_FILE = 16,
	PLACE_LOCKED = 32 /* Landlock lets nothing be written there, whatever the mount says */
};
struct place_mount {
	const char *at;         /* inside */
	const char *from;       /* of the host; NULL: a file system of its own */
	const char *type;       /* "tmpfs", "proc", "devpts", "ext4"; "bind": some tree of the host */
	uint32_t flags;         /* enum place_mount_flag */
	uint64_t bytes;         /* all it can hold; 0: no bound is known */
};

enum place_fd_flag { PLACE_READS = 1, PLACE_WRITES = 2, PLACE_WARD = 4 /* the other end is ward's */ };
struct place_fd {
	int number;
	const char *what;       /* "standard output", "pipe:[812]", "/var/log/x" */
	uint32_t flags;         /* enum place_fd_flag */
};

/* Of one limit: cgroup or process, and whether there is one. */
enum place_limit {
	PLACE_MEMORY, PLACE_SWAP, PLACE_PIDS, PLACE_CPUS, PLACE_IO, PLACE_CPU_TIME, PLACE_WALL, PLACE_FILES,
	PLACE_FSIZE, PLACE_LIMITS
};
struct place_bound {
	enum known whole;       /* a limit of all its processes together */
	enum known each;        /* a limit of each process */
	uint64_t n;             /* the tighter one that is known, in the unit of the policy's key */
};

struct place {
	const char *name;       /* "policy default (built in)", "process 812 (sshd)" */
	const char *boundary;   /* "container", ...; NULL: not ward's, or not known */
	bool is_ward;           /* made by ward: keeper, pipes and listener are known */
	bool is_hostile;        /* the policy says so */
	uint64_t holds;         /* LAYER_BITs and PLACE_* bits known to hold */
	uint64_t unknown;       /* those of which nothing is known */
	uint64_t caps;          /* that it has; 0 when PLACE_NO_CAPS holds */
	struct place_mount *mounts;
	size_t n_mounts, cap_mounts;
	bool mounts_cut, fds_cut;
	struct place_fd *fds;
	size_t n_fds, cap_fds;
	struct place_bound bounds[PLACE_LIMITS];
	const char *ports;      /* "connect to 443, serve on 8080", where PLACE_PORTS holds */
	uint64_t n_variables, n_arguments;
	bool reports_calls;     /* refused calls are told to ward */
	uint32_t listening, abstract;   /* sockets of others in its network namespace, where it is not its own */
	struct nest nest;       /* what stands in it, where ward made it */
	const char **missing;   /* what could not be read, each a sentence */
	size_t n_missing, cap_missing;
	struct arena arena;     /* owns every string above */
};
#define PLACE_NONE ((struct place){ .name = NULL })

void place_done(struct place *place);

/* Each copies what it is given. A list takes PLACE_LISTED entries, and says when there were more. */
#define PLACE_LISTED 4096
void place_add_mount(struct place *place, const struct place_mount *mount);
void place_add_fd(struct place *place, const struct place_fd *fd);
void place_add_missing(struct place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The box a plan makes. host: what it was planned for. */
struct host;
void place_from_plan(struct place *place, const struct plan *plan, const struct policy *policy,
		     const struct host *host, uint32_t notes);
