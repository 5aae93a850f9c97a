/* What will be done to the machine for one box, in order. No pointers: a plan can be sent, hashed,
 * compared, printed and verified. No branches, no loops, no variables: when one is wanted, the answer
 * is a new operation. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "model/layer.h"

enum plan_phase {
	PHASE_NS,       /* while the box's first process is cloned */
	PHASE_IDMAP, PHASE_CGROUP,
	PHASE_IDENTITY, /* early: files the box makes must have an owner its user namespace knows */
	PHASE_NET, PHASE_MOUNT,
	PHASE_BORN,     /* from here on the box is in its cgroup */
	PHASE_PIVOT, PHASE_TERMINAL, PHASE_RESOURCE,
	PHASE_PROGRAM, PHASE_CAPS, PHASE_LANDLOCK, PHASE_RLIMIT, PHASE_FLOOR, PHASE_SECCOMP, PHASE_EXEC
};
enum plan_side { SIDE_HOST, SIDE_BOX, SIDE_GUEST };

enum plan_op {
	OP_NONE,        /* so that a zeroed step is never a valid one */
#define OP(id, name, phase, side, layer, operands) OP_##id,
#include "model/plan_ops.def"
#undef OP
	OPS
};

enum plan_limit {
	LIMIT_MEMORY, LIMIT_SWAP, LIMIT_PIDS, LIMIT_CPUS /* thousandths */, LIMIT_IO_READ, LIMIT_IO_WRITE,
	LIMIT_CPU_TIME /* nothing is written, but processor time must be countable */,
	PLAN_LIMITS
};

enum plan_bind {
	BIND_RDONLY = 1, BIND_NOEXEC = 2, BIND_DEV = 4 /* a device node */, BIND_FILE = 8 /* the target is a file */,
	BIND_REC = 16 /* with what is mounted beneath */, BIND_OWNER = 32 /* the owner's files appear as the box's */
};
#define BIND_ALL (BIND_RDONLY | BIND_NOEXEC | BIND_DEV | BIND_FILE | BIND_REC | BIND_OWNER)


/* Zero is what every box gets; the others are selftest's ways of taking a layer away, and WHOLE is what a sandbox
 * in the box needs to mount its own. */
enum plan_proc { PROC_OWN_PIDS, PROC_WHOLE, PROC_OF_HOST };
enum plan_caps { CAPS_NONE, CAPS_ALL_AMBIENT, CAPS_ADMIN_UNTIL_EXEC };

#define PLAN_NO_FD 0xffff

struct step {
	uint16_t op;            /* enum plan_op */
	uint16_t fd;            /* index into the descriptors sent along, PLAN_NO_FD = none */
	uint32_t s, t;          /* offsets in bytes[]; 0 = none (bytes[0] is always NUL) */
	uint32_t flags;
	uint64_t n, m;
};

#define PLAN_STEPS 12288        /* 2,000 grants make about 6,000 steps */
#define PLAN_BYTES (1024 * 1024)
#define PLAN_FDS   2560

struct plan {
	uint32_t n_steps, n_bytes, n_fds, boundary;
	struct step steps[PLAN_STEPS];
	char bytes[PLAN_BYTES];
};

/* One row of plan_ops.def. */
struct op_row {
	const char *name;
	uint8_t phase, side;
	uint8_t layer;
	const char *operands;
};
const struct op_row *plan_op_row(enum plan_op op);

/* A zeroed plan in memory of its own, pages untouched until used; plan_free accepts NULL. */
struct plan *plan_new(void);
void plan_free(struct plan *plan);

/* Appends a step behind the last one of the same or an earlier phase, so that boundaries may add in
 * any order. Fields not named in the row are ignored by nobody: plan_verify refuses them.
 * A full plan is remembered and reported by plan_finish(). */
struct plan_args {
	const char *s, *t;
	uint16_t fd_plus_one;   /* 0 = none */
	uint32_t flags;
	uint64_t n, m;
};
void plan_add_step(struct plan *plan, enum plan_op op, struct plan_args args);
#define plan_add(plan, op, ...) plan_add_step(plan, op, (struct plan_args){ __VA_ARGS__ })

/* Puts raw bytes into the plan; the offset goes into step.s by way of plan_add_bytes. */
void plan_add_bytes(struct plan *plan, enum plan_op op, const void *bytes, size_t len, struct plan_args args);

/* In the fourth argument of ward's own execve, which has three: a filter that asks ward about every call
 * lets the marked one pass, because nobody listens yet. Whoever else says it has one execve unrecorded. */
#define PLAN_EXEC_MARK UINT64_C(0x776172642d657865)

/* Flags of SECCOMP. WAIT: only a signal that kills interrupts a call while ward is being asked about it;
 * where the kernel knows that (Linux 5.19). */
enum plan_filter { FILTER_LISTENER = 1, FILTER_WAIT = 2 };

/* Adds the EXEC step. argv and envp are NULL-terminated; argv[0] is looked up in PATH of envp when it
 * has no slash. */
void plan_add_exec(struct plan *plan, const char *const *argv, const char *const *envp);

/* Sorts by phase (stable). Errors: ERR_LIMIT when something did not fit. */
MUST_USE int plan_finish(struct plan *plan, struct err *e);

/* The string at an offset; "" for 0. */
static inline const char *plan_string(const struct plan *plan, uint32_t offset)
{
	return plan->bytes + offset;
}

/* The layers one step installs, none where selftest's knife has made it harmless. */
uint64_t plan_step_layers(const struct step *step);

/* The layers the plan's steps install (with those that hang on numbers: namespaces, cgroup limits). */
uint64_t plan_layers(const struct plan *plan);

/* Removes every step that installs a layer: selftest's knife, nobody else's. Steps that are needed
 * for others (mkdir, pivot) stay as harmless as they can be. Errors: ERR_UNSUPPORTED when the box
 * could not run at all without it. */
MUST_USE int plan_without(struct plan *plan, enum layer layer, struct err *e);

/* The canonical text form: one step a line, "phase side name operands". Golden tests and --dry-run. */
void plan_text(const struct plan *plan, struct str *out);

/* What root allows plans to ask for. An all-zero ceiling allows nothing. */
struct ceiling {
	uint64_t memory_max, swap_max, pids_max, cpus_max, io_max, boxes_max, boxes_per_user;
	bool cgroup_required;   /* a plan without cgroup memory and pids limits is refused */
	bool layers_required;   /* a plan without the layers every box has is refused */
	bool knife;             /* selftest: steps that take layers away are accepted */
};
extern const struct ceiling ceiling_default;      /* generous numbers; requires nothing */

/* May this plan run? No side effects, no allocation; any bytes may be given.
 *
 * size  of the memory plan lies in; n_fds of descriptors that came with it
 * Errors: ERR_DENIED, naming the step and what is wrong with it */
MUST_USE int plan_verify(const struct plan *plan, size_t size, size_t n_fds,
			 const struct ceiling *ceiling, struct err *e);
