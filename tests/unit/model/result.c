/* model/result: the exit code of each end, and the three ways a result is written. */
#include "model/result.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/json.h"
#include "boundary/boundary.h"
#include "monitor/monitor.h"

#define HAVE_ALL (USAGE_CPU | USAGE_MEMORY | USAGE_PIDS | USAGE_IO | USAGE_OOM | USAGE_REFUSED)

static struct result ran(enum verdict verdict, int exit_code, int signal)
{
	return (struct result){ .verdict = verdict, .stage = STAGE_RUN, .exit_code = exit_code,
				.signal = signal };
}

static void codes_are_those_of_the_manual(void **state)
{
	const struct {
		struct result result;
		int code;
	} rows[] = {
		{ ran(VERDICT_OK, 0, 0), 0 },
		{ ran(VERDICT_NONZERO, 1, 0), 1 },
		{ ran(VERDICT_NONZERO, 124, 0), 124 },
		{ ran(VERDICT_NONZERO, 255, 0), 255 },
		{ ran(VERDICT_SIGNAL, -1, SIGKILL), 137 },
		{ ran(VERDICT_LIMIT_WALL, -1, SIGKILL), 124 },
		{ ran(VERDICT_LIMIT_WALL, 0, 0), 124 },
		{ ran(VERDICT_LIMIT_CPU, -1, SIGXCPU), 124 },
		{ ran(VERDICT_LIMIT_OUTPUT, -1, SIGKILL), 124 },
		{ ran(VERDICT_LIMIT_MEMORY, -1, SIGKILL), 137 },
		{ ran(VERDICT_LIMIT_MEMORY, 1, 0), 1 },
		{ ran(VERDICT_LIMIT_PIDS, 2, 0), 2 },
		{ ran(VERDICT_LIMIT_DISK, -1, SIGXFSZ), 128 + SIGXFSZ },
		{ ran(VERDICT_DENIED_SYSCALL, -1, SIGSYS), 159 },
		{ ran(VERDICT_INTERNAL, 0, 0), 125 },
		{ { .verdict = VERDICT_SETUP, .exit_code = -1 }, 125 },
		{ { .verdict = VERDICT_SETUP, .stage = STAGE_EXEC, .err.sys = ENOENT }, 127 },
		{ { .verdict = VERDICT_SETUP, .stage = STAGE_EXEC, .err.sys = ENOTDIR }, 127 },
		{ { .verdict = VERDICT_SETUP, .stage = STAGE_EXEC, .err.sys = EACCES }, 126 },
		{ { .verdict = VERDICT_SETUP, .stage = STAGE_EXEC, .err.sys = ENOEXEC }, 126 },
		/* what cannot be, is not a success */
		{ { 0 }, 125 },
		{ ran(VERDICT_OK, 3, 0), 125 },
		{ ran(VERDICT_OK, -1, 0), 125 },
		{ ran(VERDICT_NONZERO, 0, 0), 125 },
		{ ran(VERDICT_NONZERO, -1, 0), 125 },
		{ ran(VERDICT_SIGNAL, -1, 0), 125 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(result_exit_code(&rows[i].result), rows[i].code);
}

static void every_verdict_has_its_own_name(void **state)
{
	(void)state;
	for (int i = 0; i < VERDICTS; i++) {
		assert_non_null(verdict_name(i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(verdict_name(i), verdict_name(k));
	}
	assert_string_equal(verdict_name(99), "internal");
}

static struct result example(void)
{
	struct result result = ran(VERDICT_LIMIT_MEMORY, -1, SIGKILL);

	result.policy_name = "default";
	result.boundary = "container";
	result.wall_us = 1234567;
	result.setup_us = 900;
	result.cpu_us = 1000999;
	result.memory_peak_bytes = 4096 * 1024;
	result.oom_kills = 2;
	result.have = USAGE_CPU | USAGE_MEMORY | USAGE_OOM;
	result.killed = true;
	result.layers = LAYER_BIT(LAYER_USERNS) | LAYER_BIT(LAYER_SECCOMP);
	result.notes = NOTE_SAME_USER;
	result.n_denials = 1;
	result.denials[0] = (struct denial){
		.nr = SYS_socket, .line = 12, .origin = "policy", .act = FILTER_ERRNO,
		.sys = EACCES, .args = { 38, 5, 0 }, .count = 3,
	};
	result.ward_code = result_exit_code(&result);
	return result;
}

static void assert_has(const struct str *text, const char *wanted)
{
	if (!strstr(str_text(text), wanted))
		fail_msg("no '%s' in: %s", wanted, str_text(text));
}

static void assert_lacks(const struct str *text, const char *unwanted)
{
	if (strstr(str_text(text), unwanted))
		fail_msg("'%s' in: %s", unwanted, str_text(text));
}

static void json_tells_it_all_on_one_line(void **state)
{
	static const char *const wanted[] = {
		("{\"schema\":1,\"verdict\":\"limit.memory\",\"stage\":\"run\",\"exit\":null,"
		 "\"signal\":9,\"signal_name\":\"SIGKILL\",\"ward_exit\":137,\"killed\":true,"),
		"\"wall_us\":1234567,", "\"cpu_us\":1000999,", "\"oom_kills\":2,\"oom\":true,",
		"\"layers\":[\"userns\",\"seccomp\"]", "\"errno\":\"EACCES\"",
		"\"line\":12", "\"count\":3",
		"\"args\":[\"0x26\",\"0x5\",", "\"policy\":\"default\"", "own user id",
	};
	static const char *const unwanted[] = {
		"pids_peak", "pids_refused", "read_bytes", "waited", "error", "policy_source",
	};
	const struct result result = example();
	OWN(str) out = STR_NONE;

	(void)state;
	result_json(&result, &out);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_has(&out, wanted[i]);
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		assert_lacks(&out, unwanted[i]);
	assert_ptr_equal(strchr(str_text(&out), '\n'), str_text(&out) + out.len - 1);
}

/* One counter at a time: its bit brings it in, and no other. This also holds the bits of
 * model/result.c and monitor/monitor.h together. */
static void a_counter_that_was_not_read_is_absent(void **state)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} rows[] = {
		{ USAGE_CPU, "\"cpu_us\"" },       { USAGE_CPU, "\"user_us\"" },
		{ USAGE_MEMORY, "\"memory_peak_bytes\"" }, { USAGE_PIDS, "\"pids_peak\"" },
		{ USAGE_IO, "\"read_bytes\"" },    { USAGE_IO, "\"write_bytes\"" },
		{ USAGE_OOM, "\"oom\"" },          { USAGE_REFUSED, "\"pids_refused\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct result result = ran(VERDICT_OK, 0, 0);
		OWN(str) with = STR_NONE;
		OWN(str) without = STR_NONE;

		result.have = rows[i].bit;
		result_json(&result, &with);
		assert_has(&with, rows[i].name);
		result.have = HAVE_ALL & ~rows[i].bit;
		result_json(&result, &without);
		assert_lacks(&without, rows[i].name);
	}
}

static void times_found_by_waiting_say_so(void **state)
{
	struct result result = ran(VERDICT_OK, 0, 0);
	OWN(str) out = STR_NONE;

	(void)state;
	result.cpu_us = 5;
	result.memory_peak_bytes = 6;
	result_json(&result, &out);
	assert_has(&out, "\"waited_cpu_us\":5,\"waited_rss_peak_bytes\":6");
}

static void isolate_files_follow_its_manual(void **state)
{
	const struct {
		struct result result;
		const char *text;
	} rows[] = {
		{ ran(VERDICT_OK, 0, 0), "time-wall:0.000\nexitcode:0\n" },
		{ ran(VERDICT_NONZERO, 3, 0),
		  "time-wall:0.000\nexitcode:3\nstatus:RE\nmessage:Exited with error status 3\n" },
		{ ran(VERDICT_SIGNAL, -1, 11),
		  "time-wall:0.000\nexitsig:11\nstatus:SG\nmessage:Caught fatal signal 11\n" },
		{ { .verdict = VERDICT_LIMIT_CPU, .stage = STAGE_RUN, .exit_code = -1, .signal = 9,
		    .killed = true, .cpu_us = 2001000, .wall_us = 2100999,
		    .memory_peak_bytes = 3 << 20 },
		  "time:2.001\ntime-wall:2.100\nmax-rss:3072\nexitsig:9\nkilled:1\nstatus:TO\n"
		  "message:Time limit exceeded\n" },
		{ { .verdict = VERDICT_LIMIT_MEMORY, .stage = STAGE_RUN, .exit_code = -1,
		    .signal = 9, .have = HAVE_ALL, .oom_kills = 1, .memory_peak_bytes = 3 << 20 },
		  "time:0.000\ntime-wall:0.000\ncg-mem:3072\ncg-oom-killed:1\nexitsig:9\n"
		  "status:SG\nmessage:limit.memory\n" },
		{ { .verdict = VERDICT_SETUP, .exit_code = -1,
		    .err = { .kind = ERR_SYSTEM, .text = "mount:\nstatus:OK" } },
		  "status:XX\nmessage:mount:?status:OK\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(str) out = STR_NONE;

		result_isolate(&rows[i].result, &out);
		assert_string_equal(str_text(&out), rows[i].text);
	}
}

static void people_hear_of_what_was_stopped_and_of_nothing_else(void **state)
{
	struct result user = ran(VERDICT_SIGNAL, -1, SIGINT);
	const struct result quiet[] = { ran(VERDICT_OK, 0, 0), ran(VERDICT_NONZERO, 1, 0) };
	struct result result = example();
	OWN(str) out = STR_NONE;
	OWN(str) none = STR_NONE;
	OWN(str) asked = STR_NONE;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quiet); i++)
		result_text(&quiet[i], false, &none);
	assert_string_equal(str_text(&none), "");
	result_text(&result, false, &out);
	assert_has(&out, "stopped: the memory limit (limits.memory) was reached, SIGKILL\n"
			 "refused: socket(");
	assert_has(&out, ": EACCES (policy line 12), 3 times\n");
	assert_lacks(&out, "layers:");
	user.ended_by_user = true;
	result_text(&user, false, &asked);
	assert_string_equal(str_text(&asked), "stopped: ward was asked to end, SIGINT\n");
}

static void the_long_form_lists_layers_and_notes(void **state)
{
	struct result result = ran(VERDICT_OK, 0, 0);
	OWN(str) out = STR_NONE;

	(void)state;
	result.layers = LAYER_BIT(LAYER_NNP);
	result.notes = NOTE_NO_REPORT;
	result_text(&result, true, &out);
	assert_has(&out, "verdict ok, exit 0; ");
	assert_has(&out, "\nlayers: no-new-privs\n");
	assert_has(&out, "\nnote: refused system calls are not recorded\n");
}

static void hostile_text_cannot_add_a_line(void **state)
{
	struct result result = ran(VERDICT_INTERNAL, -1, 0);
	OWN(str) out = STR_NONE;
	OWN(str) json = STR_NONE;

	(void)state;
	result.err = (struct err){ .kind = ERR_BUG, .text = "a\nb\033[2J\177" };
	result.policy_source = "x\ny\033";
	result_text(&result, false, &out);
	assert_string_equal(str_text(&out), "stopped: ward failed: a?b?[2J?\n");
	result_json(&result, &json);
	assert_null(strchr(str_text(&json), '\033'));
	assert_ptr_equal(strchr(str_text(&json), '\n'), str_text(&json) + json.len - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_the_manual),
		cmocka_unit_test(every_verdict_has_its_own_name),
		cmocka_unit_test(json_tells_it_all_on_one_line),
		cmocka_unit_test(a_counter_that_was_not_read_is_absent),
		cmocka_unit_test(times_found_by_waiting_say_so),
		cmocka_unit_test(isolate_files_follow_its_manual),
		cmocka_unit_test(people_hear_of_what_was_stopped_and_of_nothing_else),
		cmocka_unit_test(the_long_form_lists_layers_and_notes),
		cmocka_unit_test(hostile_text_cannot_add_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
