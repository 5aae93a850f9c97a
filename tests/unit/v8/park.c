/* v8/park: an engine that waits says so once, and runs what it is told then or nothing. The engine is played here. */
#include "v8/park.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "module/job.h"
#include "module/run.h"

#define REPORT 5        /* where the played engine says what it was given */

static bool is_cold;

int run_warm(struct err *e)
{
	return is_cold ? err_set(e, ERR_SYSTEM, "no engine") : 0;
}

int run_module(const struct wasm_job *job, struct err *e)
{
	(void)e;
	dprintf(REPORT, "%s %s %s %llu %s", job->module, job->argv[0], job->argv[1], (unsigned long long)job->memory_bytes,
		job->envp[0]);
	_exit(7);
}

struct end {
	int status;
	char said[256], answer[8];
	ssize_t answered;
};

static struct end park(const char *words, size_t len)
{
	struct end end = { .status = 0 };
	int orders[2], answers[2], report[2];

	assert_true(pipe(orders) == 0 && pipe(answers) == 0 && pipe(report) == 0);
	const pid_t pid = fork();

	if (pid == 0) {
		struct err e = ERR_INIT;
		const int ends[] = { dup(orders[0]), dup(answers[1]), dup(report[1]) };

		/* Out of the way of each other first. */
		for (int i = 0; i < 3; i++)
			dup2(ends[i], 100 + i);
		for (int i = 0; i < 3; i++)
			dup2(100 + i, 3 + i);
		close_range(6, ~0u, 0);
		(void)!park_run(&e);
		dprintf(REPORT, "%s", e.text);
		_exit(9);
	}
	close(orders[0]);
	close(answers[1]);
	close(report[1]);
	end.answered = read(answers[0], end.answer, sizeof(end.answer));
	assert_int_equal(write(orders[1], words, len), len);
	close(orders[1]);
	assert_true(read(report[0], end.said, sizeof(end.said) - 1) >= 0);
	assert_true(waitpid(pid, &end.status, 0) == pid);
	close(answers[0]);
	close(report[0]);
	return end;
}

#define WORDS "1\0NAME=value\0wasm\0--memory=4096\0--\0/m.wasm\0called\0first"

static void it_says_once_that_it_is_warm_and_runs_what_it_is_told(void **state)
{
	const struct end end = park(WORDS, sizeof(WORDS));

	(void)state;
	assert_true(end.answered == 1 && end.answer[0] == 'R');
	assert_string_equal(end.said, "/m.wasm called first 4096 NAME=value");
	assert_int_equal(WEXITSTATUS(end.status), 7);
}

static void nobody_who_wants_it_is_no_failure(void **state)
{
	const struct end end = park("", 0);

	(void)state;
	assert_true(WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0);
	assert_string_equal(end.said, "");
}

static void words_that_are_none_are_not_run(void **state)
{
	static const struct {
		const char *words;
		size_t len;
	} rows[] = {
		{ "x\0/m.wasm", 10 }, { "9\0A=1", 6 }, { "0\0wasm\0--unknown\0/m.wasm\0m", 27 }, { "0\0/m.wa", 7 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct end end = park(rows[i].words, rows[i].len);

		assert_int_equal(WEXITSTATUS(end.status), 9);
		assert_true(end.said[0] != '\0');
	}
}

static void without_an_engine_it_does_not_say_that_it_waits(void **state)
{
	(void)state;
	is_cold = true;
	const struct end end = park("", 0);

	is_cold = false;
	assert_int_equal(end.answered, 0);
	assert_string_equal(end.said, "no engine");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_once_that_it_is_warm_and_runs_what_it_is_told),
		cmocka_unit_test(nobody_who_wants_it_is_no_failure),
		cmocka_unit_test(words_that_are_none_are_not_run),
		cmocka_unit_test(without_an_engine_it_does_not_say_that_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
