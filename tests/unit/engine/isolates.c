/* engine/isolates: what a wait status of a guest means, whatever the guest says of itself. */
#include "engine/isolates.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void an_end_is_named_by_what_the_kernel_tells(void **state)
{
	static const struct {
		int status;
		bool killed;
		enum verdict verdict;
	} rows[] = {
		{ ISOLATE_CODE_OK << 8, false, VERDICT_OK },
		{ ISOLATE_CODE_ERROR << 8, false, VERDICT_NONZERO },
		{ ISOLATE_CODE_CHANNEL << 8, false, VERDICT_NONZERO },
		{ ISOLATE_CODE_MEMORY << 8, false, VERDICT_LIMIT_MEMORY },
		{ ISOLATE_CODE_SETUP << 8, false, VERDICT_SETUP },
		{ 255 << 8, false, VERDICT_NONZERO },
		{ SIGPROF, false, VERDICT_LIMIT_CPU },
		{ SIGALRM, false, VERDICT_LIMIT_WALL },
		{ SIGSYS | 0x80, false, VERDICT_DENIED_SYSCALL },
		{ SIGSEGV, false, VERDICT_SIGNAL },
		{ SIGKILL, false, VERDICT_LIMIT_MEMORY },
		{ SIGKILL, true, VERDICT_SIGNAL },
		{ SIGPROF, true, VERDICT_LIMIT_CPU },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(isolates_verdict(rows[i].status, rows[i].killed), rows[i].verdict);
}

static void the_channel_is_a_pair_of_packets(void **state)
{
	struct err e = ERR_INIT;
	int ends[2];

	(void)state;
	assert_int_equal(isolates_pair(ends, &e), 0);
	assert_true(ends[0] >= 0 && ends[1] >= 0 && ends[0] != ends[1]);
	isolates_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_end_is_named_by_what_the_kernel_tells),
		cmocka_unit_test(the_channel_is_a_pair_of_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
