/* The place that a plan makes. Reads the steps, so that it cannot say other than what will be done. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/str.h"
#include "judge/place.h"
#include "model/host.h"
#include "model/note.h"

struct reading {
	struct place *place;
	const struct plan *plan;
	const struct step *step;
	struct str ports;
};

static const char *text_of(const struct reading *r, uint32_t offset)
{
	return plan_string(r->plan, offset);
}

static void read_bind(struct reading *r)
{
	const uint32_t given = r->step->flags;

	place_add_mount(r->place, &(struct place_mount){
		.at = text_of(r, r->step->s),
		.from = text_of(r, r->step->t),
		.type = "bind",
		.flags = (given & BIND_RDONLY ? 0u : PLACE_WRITE) | (given & BIND_NOEXEC ? 0u : PLACE_EXEC) |
			 (given & BIND_DEV ? PLACE_DEV : 0u) | (given & BIND_FILE ? PLACE_FILE : 0u),
	});
}

static void read_tmpfs(struct reading *r)
{
	place_add_mount(r->place, &(struct place_mount){
		.at = text_of(r, r->step->s),
		.type = "tmpfs",
		.flags = PLACE_WRITE | (r->step->flags & BIND_NOEXEC ? 0u : PLACE_EXEC),
		.bytes = r->step->n,
	});
}

static void read_root(struct reading *r)
{
	place_add_mount(r->place, &(struct place_mount){ .at = "/", .type = "tmpfs", .bytes = r->step->n });
}

static void read_proc(struct reading *r)
{
	place_add_mount(r->place, &(struct place_mount){
		.at = text_of(r, r->step->s), .type = "proc", .flags = PLACE_WRITE,
		.from = r->step->flags == PROC_OF_HOST ? "/proc" : NULL,
	});
}

static void read_devpts(struct reading *r)
{
	place_add_mount(r->place, &(struct place_mount){
		.at = text_of(r, r->step->s), .type = "devpts", .flags = PLACE_WRITE | PLACE_DEV,
	});
}

static void lock_mount(struct place *place, const char *at)
{
	for (size_t i = 0; i < place->n_mounts; i++)
		if (strcmp(place->mounts[i].at, at) == 0)
			place->mounts[i].flags |= PLACE_LOCKED;
}

/* Beside mounts Landlock's rules say what is less than the mount allows; where there are none, they are the
 * list of what can be opened. Source: linux/landlock.h */
static void read_rule(struct reading *r)
{
	const uint64_t rights = r->step->n, writing = UINT64_C(0x77b2);

	if (r->plan->boundary != BOUNDARY_PROCESS && !(rights & writing))
		lock_mount(r->place, text_of(r, r->step->s));
	if (r->plan->boundary != BOUNDARY_PROCESS)
		return;
	place_add_mount(r->place, &(struct place_mount){
		.at = text_of(r, r->step->s),
		.from = text_of(r, r->step->s),
		.type = strncmp(text_of(r, r->step->s), "/dev/", 5) == 0 ? "device" : "bind",
		.flags = (rights & writing ? PLACE_WRITE : 0u) | (rights & 1 ? PLACE_EXEC : 0u),
	});
}

static void read_landlock(struct reading *r)
{
	if (r->step->flags == 3)
		r->place->holds |= PLACE_SCOPED;
	if (r->step->m)
		r->place->holds |= PLACE_PORTS;
}

static void read_port(struct reading *r)
{
	str_addf(&r->ports, "%s%s %" PRIu64, r->ports.len ? ", " : "",
		 r->step->m & 1 ? "serve on" : "connect to", r->step->n);
}

static void read_limit(struct reading *r)
{
	static const uint8_t kinds[PLAN_LIMITS] = {
		[LIMIT_MEMORY] = PLACE_MEMORY, [LIMIT_SWAP] = PLACE_SWAP,   [LIMIT_PIDS] = PLACE_PIDS,
		[LIMIT_CPUS] = PLACE_CPUS,     [LIMIT_IO_READ] = PLACE_IO, [LIMIT_IO_WRITE] = PLACE_IO,
		[LIMIT_CPU_TIME] = PLACE_LIMITS,
	};

	if (r->step->flags >= PLAN_LIMITS || kinds[r->step->flags] == PLACE_LIMITS)
		return;
	r->place->bounds[kinds[r->step->flags]].whole = KNOWN_YES;
	r->place->bounds[kinds[r->step->flags]].n = r->step->n;
}

static void read_rlimit(struct reading *r)
{
	static const struct {
		uint32_t resource;
		enum place_limit limit;
	} rows[] = {
		{ RLIMIT_AS, PLACE_MEMORY },   { RLIMIT_DATA, PLACE_MEMORY }, { RLIMIT_NPROC, PLACE_PIDS },
		{ RLIMIT_CPU, PLACE_CPU_TIME }, { RLIMIT_NOFILE, PLACE_FILES }, { RLIMIT_FSIZE, PLACE_FSIZE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct place_bound *const bound = &r->place->bounds[rows[i].limit];

		if (rows[i].resource != r->step->flags)
			continue;
		bound->each = KNOWN_YES;
		if (bound->whole != KNOWN_YES)
			bound->n = r->step->n;
	}
}

static void read_stdio(struct reading *r)
{
	static const char *const names[] = { "standard input", "standard output", "standard error" };

	if (r->step->n < 3)
		place_add_fd(r->place, &(struct place_fd){
			.number = (int)r->step->n, .what = names[r->step->n],
			.flags = PLACE_WARD | (r->step->n ? PLACE_WRITES : PLACE_READS),
		});
}

static void read_pass(struct reading *r)
{
	place_add_fd(r->place, &(struct place_fd){
		.number = (int)r->step->n, .what = "passed by number", .flags = PLACE_READS | PLACE_WRITES,
	});
}

static void read_pty(struct reading *r)
{
	place_add_fd(r->place, &(struct place_fd){
		.what = "a terminal of its own", .flags = PLACE_READS | PLACE_WRITES | PLACE_WARD,
	});
}

static void read_seccomp(struct reading *r)
{
	r->place->reports_calls = r->step->flags;
}

static void read_exec(struct reading *r)
{
	r->place->n_arguments = r->step->n;
	r->place->n_variables = r->step->m;
}

/* A step that is not here adds no crossing: it makes the place, or takes something away. */
static void (*const readers[OPS])(struct reading *r) = {
	[OP_BIND] = read_bind,       [OP_TMPFS] = read_tmpfs,
	[OP_ROOT] = read_root,       [OP_PROC] = read_proc,
	[OP_DEVPTS] = read_devpts,   [OP_LANDLOCK] = read_landlock,
	[OP_LANDLOCK_PATH] = read_rule, [OP_LANDLOCK_PORT] = read_port,
	[OP_CGROUP_LIMIT] = read_limit, [OP_RLIMIT] = read_rlimit,
	[OP_STDIO] = read_stdio,     [OP_PASS] = read_pass,
	[OP_PTY] = read_pty,         [OP_SECCOMP] = read_seccomp,
	[OP_EXEC] = read_exec,
};

/* What ward itself watches: it stops the box, whatever the kernel's limits say. */
static void read_clocks(struct place *place, const struct policy *policy)
{
	static const struct {
		enum policy_key key;
		enum place_limit limit;
	} rows[] = { { KEY_CPU, PLACE_CPU_TIME }, { KEY_WALL, PLACE_WALL } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (policy->values[rows[i].key].set) {
			place->bounds[rows[i].limit].whole = KNOWN_YES;
			place->bounds[rows[i].limit].n = policy_n(policy, rows[i].key);
		}
}

void place_from_plan(struct place *place, const struct plan *plan, const struct policy *policy,
		     const struct host *host, uint32_t notes)
{
	struct reading r = { .place = place, .plan = plan };

	place->is_ward = true;
	place->is_hostile = policy->values[KEY_THREAT].set && policy_n(policy, KEY_THREAT) == THREAT_HOSTILE;
	place->holds = plan_layers(plan) | PLACE_NO_TERMINAL | PLACE_NOT_ROOT |
		       (plan_layers(plan) & LAYER_BIT(LAYER_CAPS) ? PLACE_NO_CAPS : 0) |
		       (plan_layers(plan) & LAYER_BIT(LAYER_NETNS) ? PLACE_OFFLINE : 0) |
		       (host->smt ? 0 : PLACE_ONE_THREAD) | (notes & NOTE_SAME_USER ? 0 : PLACE_OWN_USER);
	for (size_t i = 0; i < PLACE_LIMITS; i++)
		place->bounds[i] = (struct place_bound){ .whole = KNOWN_NO, .each = KNOWN_NO };
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		r.step = &plan->steps[i];
		if (readers[r.step->op])
			readers[r.step->op](&r);
	}
	read_clocks(place, policy);
	nest_read(plan, &place->arena, &place->nest);
	if (r.ports.len)
		place->ports = arena_copy(&place->arena, str_text(&r.ports), r.ports.len);
	str_done(&r.ports);
}
