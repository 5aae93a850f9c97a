/* model/filter_cases: the pieces of a policy cover every call once, and say what the filters say. */
#include "model/filter_cases.h"

#include "near_calls.h"

#define CALLS 50000

static void compare(const struct near_sets *sets, const char *name)
{
	OWN(filter_cases) cases = FILTER_CASES_NONE;
	struct err e = ERR_INIT;
	uint64_t seed = 0x63617365;

	if (filter_cases(&sets->rows, &sets->floor, &cases, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	for (size_t i = 0; i < CALLS; i++) {
		uint32_t nr, said = cases.otherwise;
		uint64_t args[6];
		size_t n = 0;

		near_call(sets, &nr, args, &seed);
		if (!syscalls_name(nr))
			continue;
		for (size_t k = 0; k < cases.n; k++)
			if (cases.at[k].nr == nr && filter_case_holds(&cases.at[k], args)) {
				said = cases.at[k].word;
				n++;
			}
		assert_in_range(n, 0, 1);
		if (said != near_answer(sets, nr, args))
			fail_msg("%s: call %u: %#x, not %#x", name, nr, said,
				 near_answer(sets, nr, args));
	}
	print_message("# %s: %zu cases, %d calls compared\n", name, cases.n, CALLS);
}

static void every_built_in_policy_is_cut_without_loss(void **state)
{
	(void)state;
	near_each(compare);
}

static const char ordered[] =
	"version: 1\nsyscalls:\n  default: kill\n  allow: [execve, read]\n  rules:\n"
	"    - {call: fcntl, when: {arg1: {mask: 0xf0, is: 0x30}}, action: errno}\n"
	"    - {call: fcntl, when: {arg1: [0x31, 0x41]}}\n"
	"    - {call: socket, when: {arg0: [AF_INET, AF_ALG], arg1: SOCK_STREAM}}\n";

static void an_earlier_row_takes_from_a_later_one(void **state)
{
	struct near_sets sets;
	OWN(filter_cases) cases = FILTER_CASES_NONE;
	const uint64_t early[6] = { 0, 0x31 }, late[6] = { 0, 0x41 };
	struct err e = ERR_INIT;
	size_t n_early = 0, n_late = 0, n_plain = 0;

	(void)state;
	near_read(&sets, ordered, strlen(ordered));
	compare(&sets, "ordered");
	assert_int_equal(filter_cases(&sets.rows, &sets.floor, &cases, &e), 0);
	for (size_t i = 0; i < cases.n; i++) {
		const bool is_fcntl = cases.at[i].nr == 72;

		n_early += is_fcntl && filter_case_holds(&cases.at[i], early) &&
			   cases.at[i].word == (SECCOMP_RET_ERRNO | 1 /* EPERM */);
		n_late += is_fcntl && filter_case_holds(&cases.at[i], late) &&
			  cases.at[i].word == SECCOMP_RET_ALLOW;
		n_plain += filter_case_is_plain(&cases.at[i]);
	}
	assert_int_equal(n_early, 1);
	assert_int_equal(n_late, 1);
	assert_int_equal(n_plain, 4); /* execve, read, and the ways to end */
	near_done(&sets);
}

#define SCATTERED \
	"[0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f, 0x00ff00ff00ff00ff, " \
	"0x0000ffff0000ffff]"
static const char scattered[] =
	"version: 1\nsyscalls:\n  default: kill\n  allow: [execve]\n  rules:\n"
	"    - call: pwrite64\n      action: errno\n"
	"      when: {arg1: " SCATTERED ", arg2: " SCATTERED ", arg3: " SCATTERED "}\n"
	"    - {call: pwrite64, action: allow}\n";

static void a_call_that_falls_into_too_many_pieces_is_refused(void **state)
{
	struct near_sets sets;
	struct filter_cases cases = FILTER_CASES_NONE;
	struct err e = ERR_INIT;

	(void)state;
	near_read(&sets, scattered, strlen(scattered));
	assert_int_equal(filter_cases(&sets.rows, &sets.floor, &cases, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_non_null(strstr(e.text, "pwrite64"));
	assert_null(cases.at);
	near_done(&sets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_built_in_policy_is_cut_without_loss),
		cmocka_unit_test(an_earlier_row_takes_from_a_later_one),
		cmocka_unit_test(a_call_that_falls_into_too_many_pieces_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
