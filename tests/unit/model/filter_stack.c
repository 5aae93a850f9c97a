/* model/filter_stack: one program that answers as policy and floor do. */
#include "filter_sets.h"
#include "near_calls.h"

#define CALLS 50000

static void compare(const struct near_sets *sets, const char *name)
{
	struct program program;
	struct err e = ERR_INIT;
	uint64_t seed = 0x77617264;
	size_t n_allowed = 0;

	if (filter_stack(&sets->rows, &sets->floor, program.insns, BPF_MAXINSNS, &program.n, &e) < 0 ||
	    filter_check(program.insns, program.n, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	assert_false(filter_notifies(program.insns, program.n));
	for (size_t i = 0; i < CALLS; i++) {
		uint64_t args[6];
		uint32_t nr;

		near_call(sets, &nr, args, &seed);
		if (answer(&program, nr, args) != near_answer(sets, nr, args))
			fail_msg("%s: call %u: %#x, not %#x", name, nr, answer(&program, nr, args),
				 near_answer(sets, nr, args));
		n_allowed += near_answer(sets, nr, args) == SECCOMP_RET_ALLOW;
	}
	assert_in_range(n_allowed, CALLS / 10, CALLS - CALLS / 10);
	print_message("# %s: %zu instructions, %d calls compared, %zu allowed\n", name, program.n, CALLS,
		      n_allowed);
}

static void every_built_in_policy_is_answered_as_the_two_filters_do(void **state)
{
	(void)state;
	near_each(compare);
}

static const char logging[] =
	"version: 1\nsyscalls:\n  default: log\n  allow: [\"@default\"]\n  rules:\n"
	"    - call: [socket, personality, clone]\n      action: log\n"
	"    - {call: kill, action: notify, errno: ESRCH}\n"
	"    - {call: ioctl, when: {arg1: [TIOCSTI, TCGETS]}}\n";

static void the_floor_holds_under_a_policy_that_lets_everything_through(void **state)
{
	const uint64_t netlink[6] = { 16 }, sti[6] = { 0, 0x5412 }, plain[6] = { 0, 0x5401 };
	struct near_sets sets;
	struct program program;
	struct err e = ERR_INIT;

	(void)state;
	near_read(&sets, logging, strlen(logging));
	compare(&sets, "logging");
	assert_int_equal(filter_stack(&sets.rows, &sets.floor, program.insns, BPF_MAXINSNS, &program.n, &e),
			 0);
	assert_int_equal(answer(&program, SYS_socket, netlink), SECCOMP_RET_ERRNO | 38);
	assert_int_equal(answer(&program, SYS_mount, plain), SECCOMP_RET_ERRNO | 38);
	assert_int_equal(answer(&program, SYS_ioctl, sti), SECCOMP_RET_ERRNO | 38);
	assert_int_equal(answer(&program, SYS_ioctl, plain), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&program, SYS_kill, plain), SECCOMP_RET_ERRNO | 3 /* ESRCH */);
	assert_int_equal(answer(&program, SYS_mq_open, plain), SECCOMP_RET_LOG);
	near_done(&sets);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct near_sets sets;
	struct sock_filter small[100];
	struct err e = ERR_INIT;
	size_t n = 7;

	(void)state;
	near_builtin(&sets, "default");
	assert_int_equal(filter_stack(&sets.rows, &sets.floor, small, ARRAY_SIZE(small), &n, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(n, 7);
	near_done(&sets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_built_in_policy_is_answered_as_the_two_filters_do),
		cmocka_unit_test(the_floor_holds_under_a_policy_that_lets_everything_through),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
