/* boundary/floor: the second filter, run the way the kernel runs it, alone and beside a policy's. */
#include <errno.h>
#include <linux/audit.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "hosts.h"
#include "boundary/floor.h"
#include "model/syscalls.h"

#define X32 0x40000000

/* The instructions of the floor, in a plan. */
static int set_up(void **state)
{
	struct plan *plan = plan_new();
	struct err e = ERR_INIT;

	assert_int_equal(floor_add(plan, NULL, &e), 0);
	*state = plan;
	return 0;
}

static int tear_down(void **state)
{
	plan_free(*state);
	return 0;
}

static uint32_t run(const struct plan *plan, uint32_t step, uint32_t arch, uint32_t nr, const uint64_t args[6])
{
	struct seccomp_data data = { .nr = (int)nr, .arch = arch };
	const void *program = plan_string(plan, plan->steps[step].s);
	bool valid = false;
	uint32_t said;

	memcpy(data.args, args, sizeof(data.args));
	said = filter_run(program, plan->steps[step].n, &data, &valid);
	assert_true(valid);
	return said;
}

static uint32_t floor_says(void **state, uint32_t nr, const uint64_t args[6])
{
	return run(*state, 0, AUDIT_ARCH_X86_64, nr, args);
}

static void the_floor_is_a_filter_the_kernel_accepts(void **state)
{
	const struct plan *plan = *state;
	struct err e = ERR_INIT;

	assert_int_equal(plan->n_steps, 1);
	assert_int_equal(plan->steps[0].op, OP_FLOOR);
	assert_int_equal(filter_check((const void *)plan_string(plan, plan->steps[0].s), plan->steps[0].n, &e), 0);
}

static void a_forbidden_call_is_refused_whatever_its_arguments(void **state)
{
	static const uint64_t values[] = { 0, 1, 2, 10, 0x5412, UINT32_MAX, UINT64_MAX, UINT64_C(1) << 32 };
	size_t n = 0;

	for (; floor_call_at(n) >= 0; n++)
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			const uint64_t args[6] = { values[i], values[i], values[i], values[i], values[i], values[i] };

			if (floor_says(state, (uint32_t)floor_call_at(n), args) != SECCOMP_RET_USER_NOTIF)
				fail_msg("%s", syscalls_name((uint32_t)floor_call_at(n)));
		}
	assert_true(n > 50);
	assert_int_equal(floor_call_at(n), -1);
	assert_int_equal(floor_call_at(SIZE_MAX), -1);
}

static bool is_forbidden(uint32_t nr)
{
	for (size_t i = 0; floor_call_at(i) >= 0; i++)
		if ((uint32_t)floor_call_at(i) == nr)
			return true;
	return false;
}

/* A call the floor does not name is the policy's affair. */
static void every_other_call_is_allowed(void **state)
{
	const uint64_t args[6] = { 1 }; /* AF_UNIX; no flags of clone above the lowest */

	for (uint32_t nr = 0; nr < 1000; nr++)
		if (!is_forbidden(nr) && nr != SYS_clone3 && nr != SYS_personality)
			if (floor_says(state, nr, args) != SECCOMP_RET_ALLOW)
				fail_msg("%u %s", nr, syscalls_name(nr) ? syscalls_name(nr) : "");
}

static const struct {
	uint32_t nr;
	uint64_t args[3];
	bool refused;
} judged[] = {
	{ SYS_clone, { 0 }, false },
	{ SYS_clone, { CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | 0x11 }, false },
	{ SYS_clone, { CLONE_VFORK | CLONE_VM | 17 }, false },
	{ SYS_clone, { CLONE_NEWUSER | 17 }, true },
	{ SYS_clone, { CLONE_NEWNS }, true },
	{ SYS_clone, { CLONE_NEWPID }, true },
	{ SYS_clone, { CLONE_NEWNET }, true },
	{ SYS_clone, { CLONE_NEWIPC }, true },
	{ SYS_clone, { CLONE_NEWUTS }, true },
	{ SYS_clone, { CLONE_NEWCGROUP }, true },
	{ SYS_clone, { CLONE_NEWUSER | UINT64_C(1) << 40 }, true },
	{ SYS_clone3, { 0 }, true },
	{ SYS_clone3, { UINT64_MAX, UINT64_MAX, UINT64_MAX }, true },
	{ SYS_personality, { 0 }, false },
	{ SYS_personality, { UINT32_MAX }, false },             /* only asks */
	{ SYS_personality, { 0x0040000 }, true },               /* ADDR_NO_RANDOMIZE */
	{ SYS_personality, { 0x0400000 }, true },               /* READ_IMPLIES_EXEC */
	{ SYS_personality, { 0x0400000 | UINT64_C(1) << 32 }, true },
	{ SYS_socketpair, { 1 }, false },
	{ SYS_socketpair, { 2 }, true },
	{ SYS_socketpair, { 1 | UINT64_C(1) << 32 }, false },   /* the kernel sees 1 */
	{ SYS_ioctl, { 0, 0x5412 }, true },                     /* TIOCSTI */
	{ SYS_ioctl, { 0, 0x5412 | UINT64_C(1) << 32 }, true },
	{ SYS_ioctl, { 0, 0x5412 | UINT64_C(0xffffffff) << 32 }, true },
	{ SYS_ioctl, { 0, 0x541c }, true },                     /* TIOCLINUX */
	{ SYS_ioctl, { 0, 0x541d }, true },                     /* TIOCCONS */
	{ SYS_ioctl, { 0, 0x5423 }, true },                     /* TIOCSETD */
	{ SYS_ioctl, { 0x5412, 0x5401 }, false },               /* TCGETS of descriptor 0x5412 */
	{ SYS_ioctl, { 0, 0x5413 }, false },                    /* TIOCGWINSZ */
};

static void a_call_judged_by_an_argument_is_judged_by_the_kernels_width(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
		const uint64_t args[6] = { judged[i].args[0], judged[i].args[1], judged[i].args[2] };
		const uint32_t said = floor_says(state, judged[i].nr, args);

		assert_int_equal(floor_allows(judged[i].nr, args), !judged[i].refused);
		if (said != (judged[i].refused ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW))
			fail_msg("row %zu: %#x", i, said);
	}
}

static void sockets_are_local_or_internet_and_nothing_else(void **state)
{
	for (uint64_t high = 0; high < 2; high++)
		for (uint64_t family = 0; family <= 45; family++) {
			const uint64_t args[6] = { family | high << 32, 1, 0 };
			const bool known = family == 1 || family == 2 || family == 10;

			assert_int_equal(floor_says(state, SYS_socket, args),
					 known ? SECCOMP_RET_ALLOW : SECCOMP_RET_USER_NOTIF);
		}
}

static void foreign_calls_kill(void **state)
{
	static const uint32_t archs[] = { AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0, UINT32_MAX };
	const uint64_t args[6] = { 0 };

	for (uint32_t nr = 0; nr < 512; nr++) {
		assert_int_equal(floor_says(state, X32 | nr, args), SECCOMP_RET_KILL_PROCESS);
		for (size_t i = 0; i < ARRAY_SIZE(archs); i++)
			assert_int_equal(run(*state, 0, archs[i], nr, args), SECCOMP_RET_KILL_PROCESS);
	}
}

/* ---- beside a policy ---- */

static void a_policy_that_allows_a_forbidden_call_is_found(void **state)
{
	static const struct {
		const char *name, *conflict;
	} rows[] = {
		{ "ptrace", "ptrace" }, { "bpf", "bpf" },       { "mount", "mount" }, { "keyctl", "keyctl" },
		{ "unshare", "unshare" }, { "read", NULL },     { "clone", NULL },    { "ioctl", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(filter_set) set = FILTER_SET_NONE;
		struct err e = ERR_INIT;
		const char *said;

		assert_int_equal(filter_add_name(&set, rows[i].name, 0, &e), 0);
		said = floor_conflict(&set, NULL);
		assert_int_equal(said != NULL, rows[i].conflict != NULL);
		if (said)
			assert_string_equal(said, rows[i].conflict);
	}
	for (size_t i = 0; floor_call_at(i) >= 0; i++) {
		OWN(filter_set) set = FILTER_SET_NONE;
		struct filter_row row = { .nr = (uint32_t)floor_call_at(i), .act = FILTER_LOG };

		filter_add(&set, &row);
		assert_non_null(floor_conflict(&set, NULL));
		set.rows[0].act = FILTER_ERRNO; /* a refusal is no conflict */
		assert_null(floor_conflict(&set, NULL));
	}
}

static void no_group_of_calls_conflicts_with_the_floor(void **state)
{
	(void)state;
	for (size_t i = 0; syscalls_group_at(i); i++) {
		OWN(filter_set) set = FILTER_SET_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(filter_add_name(&set, syscalls_group_at(i), 0, &e), 0);
		if (floor_conflict(&set, NULL))
			fail_msg("%s allows %s", syscalls_group_at(i), floor_conflict(&set, NULL));
	}
}

/* kernel/seccomp.c, seccomp_run_filters(): the newest filter first, a later one wins only when its
 * action is strictly less permissive, as a signed number. */
static uint32_t both_say(const struct plan *plan, uint32_t floor, uint32_t policy, uint32_t nr, const uint64_t args[6],
			 bool *by_policy)
{
	const uint32_t newer = run(plan, policy, AUDIT_ARCH_X86_64, nr, args);
	const uint32_t older = run(plan, floor, AUDIT_ARCH_X86_64, nr, args);
	const int32_t a = (int32_t)(newer & SECCOMP_RET_ACTION_FULL), b = (int32_t)(older & SECCOMP_RET_ACTION_FULL);

	*by_policy = a <= b;
	return *by_policy ? newer : older;
}

static uint32_t find(const struct plan *plan, enum plan_op op)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == op)
			return i;
	fail();
	return 0;
}

static const struct {
	const char *policy;
	bool listener;
	uint32_t nr, said;
	bool by_policy;
} pairs[] = {
	/* unlisted with report: the policy's notification ties, and the newer filter wins: recorded */
	{ "errno", true, SYS_ptrace, SECCOMP_RET_USER_NOTIF, true },
	{ "kill", true, SYS_ptrace, SECCOMP_RET_USER_NOTIF, true },
	/* nobody listens: the policy's own answer is stronger than the floor's */
	{ "errno", false, SYS_ptrace, SECCOMP_RET_ERRNO | ENOSYS, true },
	{ "kill", false, SYS_ptrace, SECCOMP_RET_KILL_PROCESS, true },
	/* what only the floor refuses is refused by it */
	{ "log", false, SYS_ptrace, SECCOMP_RET_USER_NOTIF, false },
	/* and what the floor does not name is the policy's alone */
	{ "kill", false, SYS_read, SECCOMP_RET_ALLOW, true },
	{ "log", false, SYS_fsync, SECCOMP_RET_LOG, true },
};

static void a_refusal_of_the_policys_own_wins_over_the_floor(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		__attribute__((cleanup(sketch_done))) struct sketch sketch = SKETCH_NONE;
		const uint64_t args[6] = { 0 };
		struct err e = ERR_INIT;
		const struct plan *plan;
		bool by_policy;
		char text[256];
		uint32_t said;

		snprintf(text, sizeof(text), "version: 1\nname: t\nsyscalls:\n  default: %s\n  allow: [\"@startup\", read]\n",
			 pairs[i].policy);
		sketch.host = host_root_v2();
		sketch.host.seccomp_notify = pairs[i].listener;
		sketch_policy(&sketch, text);
		assert_int_equal(sketch_plan(&sketch, "container", &e), 0);
		plan = sketch.rung.plan;
		assert_true(find(plan, OP_FLOOR) < find(plan, OP_SECCOMP));
		said = both_say(plan, find(plan, OP_FLOOR), find(plan, OP_SECCOMP), pairs[i].nr, args, &by_policy);
		if (said != pairs[i].said || by_policy != pairs[i].by_policy)
			fail_msg("row %zu: %#x, by %s", i, said, by_policy ? "policy" : "floor");
	}
}

#define with_floor(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_floor(the_floor_is_a_filter_the_kernel_accepts),
		with_floor(a_forbidden_call_is_refused_whatever_its_arguments),
		with_floor(every_other_call_is_allowed),
		with_floor(a_call_judged_by_an_argument_is_judged_by_the_kernels_width),
		with_floor(sockets_are_local_or_internet_and_nothing_else),
		with_floor(foreign_calls_kill),
		cmocka_unit_test(a_policy_that_allows_a_forbidden_call_is_found),
		cmocka_unit_test(no_group_of_calls_conflicts_with_the_floor),
		cmocka_unit_test(a_refusal_of_the_policys_own_wins_over_the_floor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
