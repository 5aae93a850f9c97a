/* model/plan_verify: what an enemy may send. One valid plan, and everything that can be wrong with it. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../boundary/hosts.h"
#include "model/plan.h"

static const char policy[] =
	"version: 1\nname: all\nfiles:\n  - read: host\n  - read: /srv/data\n    as: /data\n  - scratch: /work\ncwd: /work\n"
	"proc: pid\nlimits: {memory: 64M, swap: 0, pids: 8, cpus: 1, io_read: 1M, nice: 5}\n"
	"network:\n  mode: host\n  connect: [443]\n"
	"hardening: {mdwe: true, no_tsc: true, spec: strict, core_sched: on}\n"
	"syscalls: {allow: [\"@default\"]}\n";

/* The plan ends where memory does, so that reading on is noticed. */
struct edge {
	char *map;
	size_t bytes;
	struct plan *plan;
};

static int set_up(void **state)
{
	__attribute__((cleanup(sketch_done))) struct sketch sketch = SKETCH_NONE;
	struct edge *edge = mem_alloc(sizeof(*edge));
	const size_t page = 4096, bytes = (sizeof(struct plan) + page - 1) / page * page;
	struct err e = ERR_INIT;

	sketch.host = host_root_v2();
	sketch.pty = false;
	sketch_policy(&sketch, policy);
	assert_int_equal(sketch_plan(&sketch, "container", &e), 0);
	edge->bytes = bytes + page;
	edge->map = mmap(NULL, edge->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(edge->map != MAP_FAILED);
	assert_int_equal(mprotect(edge->map + bytes, page, PROT_NONE), 0);
	edge->plan = (struct plan *)(void *)(edge->map + bytes - sizeof(struct plan));
	memcpy(edge->plan, sketch.rung.plan, sizeof(struct plan));
	*state = edge;
	return 0;
}

static int tear_down(void **state)
{
	struct edge *edge = *state;

	munmap(edge->map, edge->bytes);
	free(edge);
	return 0;
}

static int verify(const struct plan *plan, struct err *e)
{
	return plan_verify(plan, sizeof(*plan), plan->n_fds, &ceiling_default, e);
}

static void expect_refusal(const struct plan *plan, const char *why)
{
	struct err e = ERR_INIT;
	const char *said;

	if (verify(plan, &e) == 0)
		fail_msg("accepted, though: %s", why);
	assert_int_equal(e.kind, ERR_DENIED);
	/* "step 12 (bind): why"; which step it is depends on the policy. */
	said = strncmp(e.text, "step ", 5) ? e.text : strchr(e.text, '(');
	assert_non_null(said);
	assert_string_equal(said, why);
}

static uint32_t find(const struct plan *plan, enum plan_op op)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == op)
			return i;
	fail_msg("the plan has no step %s", plan_op_row(op)->name);
	return 0;
}

static void what_a_boundary_plans_is_accepted(void **state)
{
	struct edge *edge = *state;
	struct err e = ERR_INIT;

	assert_int_equal(verify(edge->plan, &e), 0);
	assert_int_equal(e.kind, ERR_NONE);
}

/* ---- one field of one step ---- */

enum field { F_OP, F_FD, F_S, F_T, F_FLAGS, F_N, F_M };

static void set(struct step *step, enum field field, uint64_t value)
{
	switch (field) {
	case F_OP: step->op = (uint16_t)value; break;
	case F_FD: step->fd = (uint16_t)value; break;
	case F_S: step->s = (uint32_t)value; break;
	case F_T: step->t = (uint32_t)value; break;
	case F_FLAGS: step->flags = (uint32_t)value; break;
	case F_N: step->n = value; break;
	case F_M: step->m = value; break;
	}
}

#define FOREIGN   "an operand that the operation does not have is not zero"
#define RANGE     "a number is out of range"
#define OUTSIDE   "a string lies outside the plan"
#define UNSENT    "a descriptor that was not sent"
#define KNIFE     "only selftest may take a layer away"
#define TOO_MUCH  "more than root's ceiling allows"
#define ZERO      "a number that must not be zero is"
#define FILTER    "the filter lies outside the plan"
#define WAITS     "a filter without a listener waits for nobody"
#define ARGUMENTS "arguments or environment lie outside the plan"

static const struct mutation {
	enum plan_op op;
	enum field field;
	uint64_t value;
	const char *why;
} mutations[] = {
#include "plan_bad.def"
};

static void each_single_mutation_is_refused_for_its_reason(void **state)
{
	struct edge *edge = *state;

	for (size_t i = 0; i < ARRAY_SIZE(mutations); i++) {
		struct step *step = &edge->plan->steps[find(edge->plan, mutations[i].op)];
		const struct step was = *step;

		set(step, mutations[i].field, mutations[i].value);
		expect_refusal(edge->plan, mutations[i].why);
		*step = was;
	}
	what_a_boundary_plans_is_accepted(state);
}

static void the_knife_is_accepted_where_the_ceiling_says_so(void **state)
{
	static const struct {
		enum plan_op op;
		uint32_t flags;
		bool accepted;
	} rows[] = {
		{ OP_PROC, PROC_WHOLE, true }, { OP_PROC, PROC_OF_HOST, true }, { OP_PROC, 3, false },
		{ OP_CAPS, CAPS_ALL_AMBIENT, true }, { OP_CAPS, CAPS_ADMIN_UNTIL_EXEC, true },
		{ OP_CAPS, 3, false },
	};
	struct edge *edge = *state;
	struct ceiling ceiling = ceiling_default;

	ceiling.knife = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = ERR_INIT;
		struct step *step = &edge->plan->steps[find(edge->plan, rows[i].op)];

		step->flags = rows[i].flags;
		assert_int_equal(plan_verify(edge->plan, sizeof(*edge->plan), edge->plan->n_fds, &ceiling, &e),
				 rows[i].accepted ? 0 : -1);
		step->flags = 0;
	}
}

/* ---- paths ---- */

static void a_path_is_absolute_and_what_it_seems(void **state)
{
	static const struct {
		const char *path;
		bool accepted;
	} rows[] = {
		{ "/", true },          { "/a", true },         { "/a/b", true },
		{ "/..a", true },       { "/a..", true },       { "/...", true },
		{ "/.a", true },        { "/a b\n", true },     { "/a/.b/..c", true },
		{ "a", false },         { "./a", false },       { "../a", false },
		{ "//", false },        { "//a", false },       { "/a//b", false },
		{ "/a/", false },       { "/.", false },        { "/..", false },
		{ "/a/..", false },     { "/a/../b", false },   { "/a/.", false },
		{ "/./a", false },      { "\\a", false },       { " /a", false },
	};
	static const enum plan_op ops[] = { OP_DIR, OP_SYMLINK, OP_FILE, OP_BIND, OP_TMPFS, OP_PROC, OP_CHDIR,
					    OP_LANDLOCK_PATH };
	struct edge *edge = *state;
	struct plan *plan = edge->plan;
	const uint32_t at = plan->n_bytes;

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
			struct step *step = &plan->steps[find(plan, ops[i])];
			const uint32_t was = step->s;
			struct err e = ERR_INIT;

			strcpy(plan->bytes + at, rows[k].path);
			plan->n_bytes = at + (uint32_t)strlen(rows[k].path) + 1;
			step->s = at;
			if ((verify(plan, &e) == 0) != rows[k].accepted)
				fail_msg("%s %s: %s", plan_op_row(ops[i])->name, rows[k].path, e.text);
			step->s = was;
			plan->n_bytes = at;
		}
}

/* ---- the whole ---- */

static void counts_that_cannot_be_are_refused(void **state)
{
	struct edge *edge = *state;
	struct plan *plan = edge->plan;
	const struct {
		uint32_t *count, value;
	} rows[] = {
		{ &plan->n_steps, 0 },          { &plan->n_steps, PLAN_STEPS + 1 },
		{ &plan->n_steps, UINT32_MAX }, { &plan->n_bytes, 0 },
		{ &plan->n_bytes, PLAN_BYTES + 1 }, { &plan->n_bytes, UINT32_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint32_t was = *rows[i].count;

		*rows[i].count = rows[i].value;
		expect_refusal(plan, "the plan's counts are out of range");
		*rows[i].count = was;
	}
}

static void descriptors_are_those_that_came_along(void **state)
{
	struct edge *edge = *state;
	struct plan *plan = edge->plan;
	const uint32_t n = plan->n_fds;
	struct err e = ERR_INIT;

	assert_int_equal(plan_verify(plan, sizeof(*plan), n - 1, &ceiling_default, &e), -1);
	assert_string_equal(e.text, "the plan's counts are out of range");
	assert_int_equal(plan_verify(plan, sizeof(*plan), n + 1, &ceiling_default, &e), -1);
	plan->n_fds = PLAN_FDS + 1;
	expect_refusal(plan, "the plan's counts are out of range");
	plan->n_fds = n - 1; /* the last one is not there, and a step wants it */
	expect_refusal(plan, "(bind): " UNSENT);
}

/* Nothing may be read before the size is known to suffice. */
static void a_plan_of_the_wrong_size_is_not_looked_at(void **state)
{
	struct edge *edge = *state;
	const struct plan *nothing = (const void *)(edge->map + edge->bytes - 4096);
	struct err e = ERR_INIT;
	char expected[80];

	assert_int_equal(plan_verify(nothing, 0, 0, &ceiling_default, &e), -1);
	assert_int_equal(plan_verify(nothing, sizeof(struct plan) - 1, 0, &ceiling_default, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	snprintf(expected, sizeof(expected), "the plan is %zu bytes long, %zu are needed",
		 sizeof(struct plan) - 1, sizeof(struct plan));
	assert_string_equal(e.text, expected);
}

static void strings_end_inside_the_plan(void **state)
{
	struct edge *edge = *state;
	struct plan *plan = edge->plan;

	plan->bytes[0] = 'x';
	expect_refusal(plan, "the plan's strings are not terminated");
	plan->bytes[0] = '\0';
	plan->bytes[plan->n_bytes - 1] = 'x';
	expect_refusal(plan, "the plan's strings are not terminated");
}

static void a_full_plan_is_read_to_its_last_byte_and_no_further(void **state)
{
	struct edge *edge = *state;
	struct plan *plan = edge->plan;
	struct step *chdir = &plan->steps[find(plan, OP_CHDIR)], *exec = &plan->steps[plan->n_steps - 1];

	memset(plan->bytes + plan->n_bytes, 'a', PLAN_BYTES - plan->n_bytes);
	plan->n_bytes = PLAN_BYTES;
	expect_refusal(plan, "the plan's strings are not terminated");
	plan->bytes[PLAN_BYTES - 1] = '\0';
	plan->bytes[PLAN_BYTES - 3] = '/';
	chdir->s = PLAN_BYTES - 3;
	what_a_boundary_plans_is_accepted(state);
	exec->s = PLAN_BYTES - 3;
	exec->n = 2;
	expect_refusal(plan, "(exec): " ARGUMENTS);
	exec->n = 1;
	what_a_boundary_plans_is_accepted(state);
	exec->s = PLAN_BYTES - 1;
	what_a_boundary_plans_is_accepted(state); /* one empty argument: execve will say what it thinks */
}

static void a_filter_must_lie_aligned_and_whole(void **state)
{
	struct edge *edge = *state;
	struct plan *plan = edge->plan;
	struct step *step = &plan->steps[find(plan, OP_SECCOMP)];
	const uint32_t was = step->s;

	for (uint32_t off = 1; off < 8; off++) {
		step->s = was + off;
		expect_refusal(plan, "(seccomp): " FILTER);
	}
	step->s = (plan->n_bytes - 1) / 8 * 8;
	expect_refusal(plan, "(seccomp): " FILTER);
}

static void exec_comes_once_and_last(void **state)
{
	struct edge *edge = *state;
	struct plan *plan = edge->plan;
	const struct step exec = plan->steps[plan->n_steps - 1];

	plan->steps[plan->n_steps++] = exec;
	expect_refusal(plan, "(exec): something follows it");
	plan->n_steps -= 2;
	expect_refusal(plan, "the plan does not end in exec");
	plan->steps[plan->n_steps++] = (struct step){ .op = OP_PIVOT, .fd = PLAN_NO_FD };
	expect_refusal(plan, "(pivot): out of order");
}

static void phases_may_not_go_back(void **state)
{
	struct edge *edge = *state;
	struct plan *plan = edge->plan;
	unsigned tried = 0;

	for (uint32_t i = 1; i < plan->n_steps; i++) {
		const struct step before = plan->steps[i - 1], step = plan->steps[i];
		struct err e = ERR_INIT;

		if (plan_op_row(before.op)->phase == plan_op_row(step.op)->phase)
			continue;
		plan->steps[i - 1] = step;
		plan->steps[i] = before;
		assert_int_equal(verify(plan, &e), -1);
		assert_true(strstr(e.text, "out of order") || strstr(e.text, "something follows it"));
		plan->steps[i - 1] = before;
		plan->steps[i] = step;
		tried++;
	}
	assert_true(tried > 10);
}

static void drop_step(struct plan *plan, enum plan_op op)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == op) {
			memmove(&plan->steps[i], &plan->steps[i + 1],
				(plan->n_steps - i - 1) * sizeof(struct step));
			plan->n_steps--;
			i--;
		}
}

static void a_ceiling_that_wants_layers_and_limits_gets_them(void **state)
{
	static const struct {
		enum plan_op op;
		const char *why;
	} rows[] = {
		{ OP_CAPS, "the plan lacks the layer 'caps', which every box has" },
		{ OP_NO_NEW_PRIVS, "the plan lacks the layer 'no-new-privs', which every box has" },
		{ OP_FLOOR, "the plan lacks the layer 'seccomp-floor', which every box has" },
		{ OP_SECCOMP, "the plan lacks the layer 'seccomp', which every box has" },
		{ OP_FDS, "the plan lacks the layer 'fds', which every box has" },
		{ OP_SESSION, "the plan lacks the layer 'session', which every box has" },
		{ OP_CGROUP_LIMIT, "the ceiling requires cgroup limits of memory and pids" },
	};
	struct edge *edge = *state;
	struct plan *plan = edge->plan, *copy = mem_alloc(sizeof(*copy));
	struct ceiling ceiling = ceiling_default;
	struct err e = ERR_INIT;

	ceiling.layers_required = ceiling.cgroup_required = true;
	memcpy(copy, plan, sizeof(*copy));
	assert_int_equal(plan_verify(plan, sizeof(*plan), plan->n_fds, &ceiling, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		drop_step(plan, rows[i].op);
		assert_int_equal(plan_verify(plan, sizeof(*plan), plan->n_fds, &ceiling, &e), -1);
		assert_string_equal(e.text, rows[i].why);
		assert_int_equal(verify(plan, &e), 0);
		memcpy(plan, copy, sizeof(*plan));
	}
	free(copy);
}

static void an_empty_ceiling_allows_no_limit_at_all(void **state)
{
	static const struct ceiling nothing;
	struct edge *edge = *state;
	struct err e = ERR_INIT;

	assert_int_equal(plan_verify(edge->plan, sizeof(*edge->plan), edge->plan->n_fds, &nothing, &e), -1);
	assert_non_null(strstr(e.text, "(cgroup-limit): " TOO_MUCH));
}

/* ---- random bytes ---- */

static void check_path(const char *path)
{
	assert_int_equal(path[0], '/');
	assert_null(strstr(path, "//"));
	assert_null(strstr(path, "/../"));
	assert_true(!path[1] || path[strlen(path) - 1] != '/');
}

static bool has(const struct op_row *row, char letter)
{
	return strchr(row->operands, letter) != NULL;
}

/* What the walkers rely on, written down a second time and without plan_verify's tables. */
static void check_step(const struct plan *plan, const struct step *step)
{
	const struct op_row *row = plan_op_row(step->op);

	assert_true(step->s < plan->n_bytes && step->t < plan->n_bytes);
	assert_true((has(row, 's') || !step->s) && (has(row, 't') || !step->t));
	assert_true((has(row, 'n') || !step->n) && (has(row, 'm') || !step->m));
	assert_true(has(row, 'g') || !step->flags);
	assert_true(has(row, 'f') ? step->fd < plan->n_fds : step->fd == PLAN_NO_FD);
	if (row->phase == PHASE_MOUNT && has(row, 's'))
		check_path(plan_string(plan, step->s));
	if (step->op == OP_CGROUP_LIMIT)
		assert_true(step->flags < PLAN_LIMITS && step->n <= UINT64_C(1) << 40);
	if (step->op == OP_IDENTITY)
		assert_true(step->n > 0 && step->m > 0 && step->n < UINT32_MAX && step->m < UINT32_MAX);
	if (step->op == OP_PROC || step->op == OP_CAPS)
		assert_int_equal(step->flags, 0);
	if (step->op == OP_SECCOMP)
		assert_int_not_equal(step->flags, FILTER_WAIT);
	if (step->op == OP_SECCOMP || step->op == OP_FLOOR)
		assert_true(step->n && step->n <= 4096 && step->s % 8 == 0 && step->s + step->n * 8 <= plan->n_bytes);
}

static void check_list(const struct plan *plan, uint32_t at, uint64_t n)
{
	for (; n; n--) {
		assert_true(at < plan->n_bytes);
		at += (uint32_t)strlen(plan->bytes + at) + 1;
		assert_true(at <= plan->n_bytes);
	}
}

static void check_accepted(const struct plan *plan)
{
	const struct step *last = &plan->steps[plan->n_steps - 1];
	unsigned phase = 0;

	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		const struct op_row *row = plan_op_row(step->op);

		assert_non_null(row);
		assert_true(row->phase >= phase);
		phase = row->phase;
		assert_true((step->op == OP_EXEC) == (step == last));
		check_step(plan, step);
	}
	check_list(plan, last->s, last->n);
	check_list(plan, last->t, last->m);
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Mostly the counts and the steps; sometimes the strings and the filters. */
static size_t place(const struct plan *plan, uint64_t *seed)
{
	const size_t steps = offsetof(struct plan, steps), bytes = offsetof(struct plan, bytes);

	switch (next(seed) % 8) {
	case 0: return next(seed) % steps;
	case 1: case 2: return bytes + next(seed) % (plan->n_bytes % PLAN_BYTES + 1);
	default: return steps + next(seed) % 200 * sizeof(struct step) + next(seed) % sizeof(struct step);
	}
}

static void random_changes_never_make_a_plan_that_breaks_the_rules(void **state)
{
	struct edge *edge = *state;
	struct plan *plan = edge->plan;
	unsigned accepted = 0;
	uint64_t seed = 88172645463325252u;

	for (unsigned round = 0; round < 100000; round++) {
		struct { size_t at; char was; } undo[4];
		const size_t n = 1 + next(&seed) % ARRAY_SIZE(undo);
		struct err e = ERR_INIT;

		for (size_t i = 0; i < n; i++) {
			char *byte = (char *)plan + (undo[i].at = place(plan, &seed));

			undo[i].was = *byte;
			*byte = next(&seed) % 2 ? (char)next(&seed) : (char)(*byte ^ (1 << next(&seed) % 8));
		}
		if (verify(plan, &e) == 0) {
			check_accepted(plan);
			accepted++;
		}
		for (size_t i = n; i-- > 0;)
			((char *)plan)[undo[i].at] = undo[i].was;
	}
	assert_true(accepted > 1000); /* else nothing was tried */
	what_a_boundary_plans_is_accepted(state);
}

#define with_plan(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_plan(what_a_boundary_plans_is_accepted),
		with_plan(each_single_mutation_is_refused_for_its_reason),
		with_plan(the_knife_is_accepted_where_the_ceiling_says_so),
		with_plan(a_path_is_absolute_and_what_it_seems),
		with_plan(counts_that_cannot_be_are_refused),
		with_plan(descriptors_are_those_that_came_along),
		with_plan(a_plan_of_the_wrong_size_is_not_looked_at),
		with_plan(strings_end_inside_the_plan),
		with_plan(a_full_plan_is_read_to_its_last_byte_and_no_further),
		with_plan(a_filter_must_lie_aligned_and_whole),
		with_plan(exec_comes_once_and_last),
		with_plan(phases_may_not_go_back),
		with_plan(a_ceiling_that_wants_layers_and_limits_gets_them),
		with_plan(an_empty_ceiling_allows_no_limit_at_all),
		with_plan(random_changes_never_make_a_plan_that_breaks_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
