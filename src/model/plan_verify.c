/* Decides whether a plan may run. Pure, allocates nothing, believes nothing: the plan may come from
 * an enemy, and what is accepted here is done with privilege. */
#include <linux/filter.h>
#include <sched.h>
#include <string.h>

#include "base/mem.h"
#include "model/filter.h"
#include "model/plan.h"

#define NS_FLAGS (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define LANDLOCK_FILE_RIGHTS 0xffffu    /* bits the newest ABI knows; the kernel refuses what it does not */
#define LANDLOCK_PORT_RIGHTS 3u
#define LANDLOCK_SCOPES      3u
#define MANY (UINT64_C(1) << 50)        /* beyond any size ward accepts */
#define ID_MAX 0xfffffffeu

const struct ceiling ceiling_default = {
	.memory_max = UINT64_C(1) << 40, .swap_max = UINT64_C(1) << 40, .pids_max = 4194304,
	.cpus_max = 1024000, .io_max = UINT64_C(1) << 40, .boxes_max = 1024, .boxes_per_user = 256,
};

/* The ranges of a step's numbers; what a row's operands do not name is checked to be zero. */
static const struct {
	uint32_t flags;
	uint64_t n_max, m_max;
	bool s_path, n_at_least_one;
} bounds[OPS] = {
	[OP_NS] = { .flags = NS_FLAGS },
	[OP_IDMAP] = { .flags = 1, .n_max = ID_MAX, .m_max = ID_MAX },
	[OP_CGROUP] = { .flags = 1 },
	[OP_CGROUP_LIMIT] = { .flags = 7, .n_max = MANY },
	[OP_ROOT] = { .n_max = MANY, .m_max = MANY },
	[OP_DIR] = { .n_max = 01777, .s_path = true },
	[OP_SYMLINK] = { .s_path = true },
	[OP_FILE] = { .n_max = 0777, .s_path = true },
	[OP_BIND] = { .flags = BIND_ALL, .s_path = true },
	[OP_TMPFS] = { .flags = BIND_ALL, .n_max = MANY, .m_max = MANY, .s_path = true },
	[OP_PROC] = { .flags = 3, .s_path = true },
	[OP_DEVPTS] = { .s_path = true },
	[OP_PTY] = { .n_max = UINT32_MAX, .s_path = true },
	[OP_NICE] = { .n_max = 19 },
	/* Nobody is root in a box: not inside, and by the map not outside either. */
	[OP_IDENTITY] = { .n_max = ID_MAX, .m_max = ID_MAX, .n_at_least_one = true },
	[OP_FLOOR] = { .n_max = BPF_MAXINSNS, .n_at_least_one = true },
	[OP_STDIO] = { .n_max = 2 },
	[OP_CHDIR] = { .s_path = true },
	[OP_PASS] = { .n_max = 1048576 },
	[OP_RLIMIT] = { .flags = 15, .n_max = UINT64_MAX, .m_max = UINT64_MAX },
	[OP_SPECULATION] = { .flags = 1 },
	[OP_CAPS] = { .flags = 3 },
	[OP_LANDLOCK] = { .flags = LANDLOCK_SCOPES, .n_max = LANDLOCK_FILE_RIGHTS, .m_max = LANDLOCK_PORT_RIGHTS },
	[OP_LANDLOCK_PATH] = { .flags = 1, .n_max = LANDLOCK_FILE_RIGHTS, .s_path = true },
	[OP_LANDLOCK_PORT] = { .n_max = 65535, .m_max = LANDLOCK_PORT_RIGHTS },
	[OP_SECCOMP] = { .flags = FILTER_LISTENER | FILTER_WAIT, .n_max = BPF_MAXINSNS, .n_at_least_one = true },
	[OP_EXEC] = { .n_max = 65536, .m_max = 65536, .n_at_least_one = true },
};

static int refuse(const struct step *step, uint32_t at, const char *why, struct err *e)
{
	const struct op_row *row = plan_op_row(step->op);

	return err_set(e, ERR_DENIED, "step %u (%s): %s", at, row ? row->name : "unknown", why);
}

/* Absolute, and what it seems: no empty, "." or ".." part, no trailing slash. */
static bool is_normal_path(const char *path)
{
	const char *part = path;

	if (*part != '/')
		return false;
	if (!part[1])
		return true;
	while (*part) {
		const size_t len = strcspn(++part, "/");

		if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && !strncmp(part, "..", 2)))
			return false;
		part += len;
	}
	return true;
}

static bool names(const struct op_row *row, char letter)
{
	return strchr(row->operands, letter) != NULL;
}

/* Each operand the row names is in range, each other is zero: one encoding per plan. */
static const char *operands_fault(const struct plan *plan, const struct step *step,
				  const struct op_row *row, size_t n_fds)
{
	if (step->s >= plan->n_bytes || step->t >= plan->n_bytes)
		return "a string lies outside the plan";
	if ((step->s && !names(row, 's')) || (step->t && !names(row, 't')) ||
	    (step->flags && !names(row, 'g')) || (step->n && !names(row, 'n')) ||
	    (step->m && !names(row, 'm')))
		return "an operand that the operation does not have is not zero";
	if (names(row, 'f') ? step->fd >= n_fds : step->fd != PLAN_NO_FD)
		return "a descriptor that was not sent";
	if (step->flags & ~bounds[step->op].flags || step->n > bounds[step->op].n_max ||
	    step->m > bounds[step->op].m_max)
		return "a number is out of range";
	if (bounds[step->op].n_at_least_one && (!step->n || (step->op == OP_IDENTITY && !step->m)))
		return "a number that must not be zero is";
	if (bounds[step->op].s_path && !is_normal_path(plan_string(plan, step->s)))
		return "a path is not absolute and normal";
	return NULL;
}

/* True when n strings in a row begin at `at` and end inside the plan. */
static bool is_list(const struct plan *plan, uint32_t at, uint64_t n)
{
	for (; n; n--) {
		if (at == 0 || at >= plan->n_bytes)
			return false;
		at += (uint32_t)strlen(plan->bytes + at) + 1; /* bytes[] ends in NUL */
	}
	return true;
}

static const char *program_fault(const struct plan *plan, const struct step *step)
{
	struct err ignored;

	if (step->s % 8 || step->s == 0 || step->n * 8 > plan->n_bytes - step->s)
		return "the filter lies outside the plan";
	if (filter_check((const void *)(plan->bytes + step->s), step->n, &ignored) < 0)
		return "the filter is not one the kernel would accept";
	return NULL;
}

/* Indexed by enum plan_limit: the offset of the ceiling's field. */
static uint64_t limit_max(const struct ceiling *ceiling, uint32_t limit)
{
	const uint64_t max[PLAN_LIMITS] = {
		[LIMIT_MEMORY] = ceiling->memory_max, [LIMIT_SWAP] = ceiling->swap_max,
		[LIMIT_PIDS] = ceiling->pids_max,     [LIMIT_CPUS] = ceiling->cpus_max,
		[LIMIT_IO_READ] = ceiling->io_max,    [LIMIT_IO_WRITE] = ceiling->io_max,
	};

	return limit < PLAN_LIMITS ? max[limit] : 0;
}

static const char *meaning_fault(const struct plan *plan, const struct step *step,
				 const struct ceiling *ceiling)
{
	if (step->op == OP_CGROUP_LIMIT && step->flags >= PLAN_LIMITS)
		return "no such limit";
	if (step->op == OP_CGROUP_LIMIT && step->n > limit_max(ceiling, step->flags))
		return "more than root's ceiling allows";
	if (((step->op == OP_PROC && step->flags != PROC_WHOLE) || step->op == OP_CAPS) && step->flags && !ceiling->knife)
		return "only selftest may take a layer away";
	if (step->op == OP_PROC && step->flags > PROC_OF_HOST)
		return "no such kind of /proc";
	if (step->op == OP_CAPS && step->flags > CAPS_ADMIN_UNTIL_EXEC)
		return "no such way to keep capabilities";
	if (step->op == OP_IDMAP && (!step->n || !step->m) && !ceiling->knife)
		return "root is nobody's identity, inside or outside";
	if (step->op == OP_SECCOMP && step->flags == FILTER_WAIT)
		return "a filter without a listener waits for nobody";
	if (step->op == OP_SECCOMP || step->op == OP_FLOOR)
		return program_fault(plan, step);
	if (step->op == OP_EXEC &&
	    (!is_list(plan, step->s, step->n) || !is_list(plan, step->t, step->m)))
		return "arguments or environment lie outside the plan";
	if (step->op == OP_RLIMIT && step->n > step->m)
		return "the soft limit is above the hard one";
	return NULL;
}

/* What every plan must have had by its end, beside EXEC as the last step. */
static int verify_whole(const struct plan *plan, uint64_t seen_limits, const struct ceiling *ceiling,
			struct err *e)
{
	const uint64_t required = LAYER_BIT(LAYER_CAPS) | LAYER_BIT(LAYER_NNP) | LAYER_BIT(LAYER_FLOOR) |
				  LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_FDS) | LAYER_BIT(LAYER_SESSION);
	const uint64_t missing = required & ~plan_layers(plan);

	if (plan->steps[plan->n_steps - 1].op != OP_EXEC)
		return err_set(e, ERR_DENIED, "the plan does not end in exec");
	if (ceiling->layers_required && missing)
		return err_set(e, ERR_DENIED, "the plan lacks the layer '%s', which every box has",
			       layer_name((enum layer)__builtin_ctzll(missing)));
	if (ceiling->cgroup_required && (seen_limits & 5u) != 5u)
		return err_set(e, ERR_DENIED, "the ceiling requires cgroup limits of memory and pids");
	return 0;
}

static int verify_size(const struct plan *plan, size_t size, size_t n_fds, struct err *e)
{
	if (size < sizeof(*plan))
		return err_set(e, ERR_DENIED, "the plan is %zu bytes long, %zu are needed", size, sizeof(*plan));
	if (plan->n_steps == 0 || plan->n_steps > PLAN_STEPS || plan->n_bytes == 0 ||
	    plan->n_bytes > PLAN_BYTES || plan->n_fds != n_fds || n_fds > PLAN_FDS)
		return err_set(e, ERR_DENIED, "the plan's counts are out of range");
	if (plan->bytes[0] || plan->bytes[plan->n_bytes - 1])
		return err_set(e, ERR_DENIED, "the plan's strings are not terminated");
	return 0;
}

int plan_verify(const struct plan *plan, size_t size, size_t n_fds, const struct ceiling *ceiling,
		struct err *e)
{
	uint64_t seen_limits = 0;
	unsigned phase = 0;

	if (verify_size(plan, size, n_fds, e) < 0)
		return -1;
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		const struct op_row *row = plan_op_row(step->op);
		const char *fault;

		if (!row)
			return refuse(step, i, "unknown operation", e);
		if (row->phase < phase)
			return refuse(step, i, "out of order", e);
		phase = row->phase;
		fault = operands_fault(plan, step, row, n_fds);
		if (!fault)
			fault = meaning_fault(plan, step, ceiling);
		if (!fault && step->op == OP_EXEC && i + 1 != plan->n_steps)
			fault = "something follows it";
		if (fault)
			return refuse(step, i, fault, e);
		if (step->op == OP_CGROUP_LIMIT)
			seen_limits |= UINT64_C(1) << step->flags;
	}
	return verify_whole(plan, seen_limits, ceiling, e);
}
