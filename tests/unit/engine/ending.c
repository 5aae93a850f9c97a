/* engine/ending: which cause wins, and that nothing but an exit with 0 is a success. */
#include "engine/ending.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "boundary/gvisor/failed.h"

#define EXITED(code) ((code) << 8)
#define IN_GVISOR { .started = true, .ended = true, .status = GVISOR_FAILED, .stop = VERDICT_OK, .in_gvisor = true }
#define RAN(by, how) { .started = true, .ended = true, .status = how, .stop = by }

static void the_first_cause_wins(void **state)
{
	static const struct {
		struct ending ending;
		uint64_t oom_kills, pids_refused, cpu_us;
		enum verdict verdict;
		int exit_code, signal;
	} rows[] = {
		{ RAN(VERDICT_OK, EXITED(0)), 0, 0, 0, VERDICT_OK, 0, 0 },
		{ RAN(VERDICT_OK, EXITED(0)), 1, 1, 0, VERDICT_OK, 0, 0 },
		{ RAN(VERDICT_OK, EXITED(3)), 0, 0, 0, VERDICT_NONZERO, 3, 0 },
		{ RAN(VERDICT_OK, EXITED(3)), 1, 1, 0, VERDICT_LIMIT_MEMORY, 3, 0 },
		{ RAN(VERDICT_OK, EXITED(3)), 0, 1, 0, VERDICT_LIMIT_PIDS, 3, 0 },
		{ RAN(VERDICT_OK, SIGSEGV), 0, 0, 0, VERDICT_SIGNAL, -1, SIGSEGV },
		{ RAN(VERDICT_OK, SIGABRT | 0x80), 0, 0, 0, VERDICT_SIGNAL, -1, SIGABRT },
		{ RAN(VERDICT_OK, SIGSYS), 1, 1, 0, VERDICT_DENIED_SYSCALL, -1, SIGSYS },
		{ RAN(VERDICT_OK, SIGXFSZ), 0, 0, 0, VERDICT_LIMIT_DISK, -1, SIGXFSZ },
		{ RAN(VERDICT_OK, EXITED(0)), 0, 0, 1000000, VERDICT_OK, 0, 0 },
		{ RAN(VERDICT_OK, EXITED(0)), 0, 0, 1000001, VERDICT_LIMIT_CPU, 0, 0 },
		{ RAN(VERDICT_OK, SIGKILL), 0, 0, 1100000, VERDICT_LIMIT_CPU, -1, SIGKILL },
		/* ward stopped it */
		{ RAN(VERDICT_LIMIT_WALL, EXITED(0)), 1, 1, 9000000,
		  VERDICT_LIMIT_WALL, 0, 0 },
		{ { .started = true, .stop = VERDICT_LIMIT_OUTPUT, .killed = true }, 1, 1, 0,
		  VERDICT_LIMIT_OUTPUT, -1, SIGKILL },
		{ { .started = true, .stop = VERDICT_DENIED_SYSCALL, .killed = true }, 0, 0, 0,
		  VERDICT_DENIED_SYSCALL, -1, SIGSYS },
		{ { .started = true, .stop = VERDICT_SIGNAL, .killed = true }, 0, 0, 0,
		  VERDICT_SIGNAL, -1, SIGKILL },
		/* the user asked for the end */
		{ RAN(VERDICT_SIGNAL, EXITED(0)), 0, 0, 0, VERDICT_OK, 0, 0 },
		{ RAN(VERDICT_SIGNAL, EXITED(4)), 0, 0, 0, VERDICT_NONZERO, 4, 0 },
		{ RAN(VERDICT_SIGNAL, SIGTERM), 0, 0, 0, VERDICT_SIGNAL, -1, SIGTERM },
		/* the first process is gone */
		{ { .started = true, .stop = VERDICT_OK }, 0, 0, 0, VERDICT_INTERNAL, -1, 0 },
		{ { .started = true, .stop = VERDICT_OK }, 1, 0, 0,
		  VERDICT_LIMIT_MEMORY, -1, SIGKILL },
		{ { .stop = VERDICT_OK }, 0, 0, 0, VERDICT_SETUP, -1, 0 },
		/* a status that says nothing: stopped, continued */
		{ RAN(VERDICT_OK, 0x137f), 0, 0, 0, VERDICT_INTERNAL, -1, 0 },
		{ RAN(VERDICT_OK, 0xffff), 0, 0, 0, VERDICT_INTERNAL, -1, 0 },
		/* something of ours broke */
		{ { .started = true, .ended = true, .stop = VERDICT_OK, .broken = true }, 0, 0, 0,
		  VERDICT_INTERNAL, 0, 0 },
		{ { .stop = VERDICT_OK, .broken = true }, 0, 0, 0, VERDICT_SETUP, -1, 0 },
		/* gVisor failed, by itself or because of a limit; elsewhere the signal is the program's own */
		{ IN_GVISOR, 0, 0, 0, VERDICT_INTERNAL, -1, GVISOR_FAILED },
		{ IN_GVISOR, 1, 0, 0, VERDICT_LIMIT_MEMORY, -1, GVISOR_FAILED },
		{ IN_GVISOR, 0, 1, 0, VERDICT_LIMIT_PIDS, -1, GVISOR_FAILED },
		{ RAN(VERDICT_OK, GVISOR_FAILED), 0, 0, 0, VERDICT_SIGNAL, -1, GVISOR_FAILED },
	};
	struct policy policy = POLICY_NONE;

	(void)state;
	policy.values[KEY_CPU] = (struct policy_value){ .set = true, .n = 1000 };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct result result = {
			.stage = rows[i].ending.started ? STAGE_RUN : STAGE_SETUP, .exit_code = -1,
			.oom_kills = rows[i].oom_kills, .pids_refused = rows[i].pids_refused,
			.cpu_us = rows[i].cpu_us,
		};

		ending_judge(&rows[i].ending, &policy, &result);
		assert_int_equal(result.verdict, rows[i].verdict);
		assert_int_equal(result.exit_code, rows[i].exit_code);
		assert_int_equal(result.signal, rows[i].signal);
		if (result.verdict != VERDICT_OK)
			assert_int_not_equal(result_exit_code(&result), 0);
	}
}

/* Whatever the fields say: only one combination is a success. */
static void success_needs_an_exit_with_0_of_a_program_left_alone(void **state)
{
	const struct policy policy = POLICY_NONE;

	(void)state;
	for (unsigned bits = 0; bits < 16; bits++)
		for (int status = 0; status < 0x10000; status++) {
			const struct ending ending = {
				.started = bits & 1, .ended = bits & 2, .broken = bits & 4,
				.stop = bits & 8 ? VERDICT_LIMIT_WALL : VERDICT_OK,
				.status = status,
			};
			struct result result = { .stage = STAGE_RUN, .exit_code = -1 };

			ending_judge(&ending, &policy, &result);
			if (result_exit_code(&result) == 0)
				assert_true(bits == 3 && status == 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_cause_wins),
		cmocka_unit_test(success_needs_an_exit_with_0_of_a_program_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
