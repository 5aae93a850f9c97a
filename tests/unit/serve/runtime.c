/* serve/runtime: from a job document to what its box is told to run. */
#include "serve/runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The steps of a document as one line: words joined by '|', steps by ';', '*' before one for a parked interpreter. */
static void show(const char *document, char *out, size_t cap)
{
	struct runtime_step steps[JOB_STEPS + 1];
	struct job_fault fault = { .code = "" };
	OWN(job_spec) spec = JOB_SPEC_NONE;
	OWN(arena) arena = { .blocks = NULL };
	size_t n, len = 0;

	if (job_spec_read(document, strlen(document), &spec, &fault) < 0)
		fail_msg("%s: %s %s", document, fault.field, fault.detail);
	n = runtime_steps(runtime_find(spec.runtime), &spec, steps, &arena, &fault);
	if (!n)
		snprintf(out, cap, "%s", fault.field);
	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(out + len, cap - len, "%s%s%s", i ? ";" : "", steps[i].is_parked ? "*" : "",
					steps[i].is_build ? "build:" : "");
		for (const char *const *word = steps[i].argv; *word; word++)
			len += (size_t)snprintf(out + len, cap - len, "%s%s", word == steps[i].argv ? "" : "|", *word);
	}
}

#define FILE_AT(path) "{\"path\":\"" path "\",\"text\":\"x\"}"

static void a_job_without_steps_runs_as_its_runtime_says(void **state)
{
	static const struct {
		const char *document, *wanted;
	} rows[] = {
		{ "{\"runtime\":\"python\",\"files\":[" FILE_AT("a.py") "],\"args\":[\"1\",\"2\"]}", "*a.py|1|2" },
		{ "{\"runtime\":\"python\",\"files\":[" FILE_AT("b.py") "," FILE_AT("main.py") "]}", "*main.py" },
		{ "{\"runtime\":\"python\",\"files\":[" FILE_AT("b.py") "," FILE_AT("c.py") "]}", "/files" },
		{ "{\"runtime\":\"python\"}", "/files" },
		{ "{\"runtime\":\"node\",\"files\":[" FILE_AT("x.js") "]}", "*x.js" },
		{ "{\"runtime\":\"bash\",\"files\":[" FILE_AT("x.sh") "]}", "bash|x.sh" },
		{ "{\"runtime\":\"c\",\"files\":[" FILE_AT("x.c") "],\"args\":[\"1\"]}",
		  "build:gcc|-O2|-pipe|-o|a.out|x.c|-lm;./a.out|1" },
		{ "{\"runtime\":\"js\",\"files\":[" FILE_AT("lib.mjs") "," FILE_AT("main.js") "],\"args\":[\"1\"]}", "main.js|1" },
		{ "{\"runtime\":\"js\",\"files\":[" FILE_AT("a.mjs") "]}", "a.mjs" },
		{ "{\"runtime\":\"js\",\"files\":[" FILE_AT("a.js") "],\"steps\":[{\"argv\":[\"ls\"]}]}", "/steps" },
		{ "{\"runtime\":\"js\",\"files\":[" FILE_AT("a.js") "],\"outputs\":[{\"path\":\"x\"}]}", "/outputs" },
		{ "{\"runtime\":\"js\",\"files\":[" FILE_AT("a.js") "],\"stdin\":{\"live\":true}}", "/stdin" },
		{ "{\"runtime\":\"wasm\",\"files\":[" FILE_AT("a.wasm") "],\"args\":[\"1\"],\"outputs\":[{\"path\":\"x\"}],"
		  "\"env\":{\"LD_PRELOAD\":\"x\"},\"stdin\":{\"live\":true}}", "*wasm|--write=/work:/|--|a.wasm|a.wasm|1" },
		{ "{\"runtime\":\"wasm\",\"files\":[" FILE_AT("a.wasm") "],\"steps\":[{\"argv\":[\"ls\"]}]}", "/steps" },
		{ "{\"runtime\":\"wasm\",\"files\":[" FILE_AT("a.wasm") "],\"tty\":{\"rows\":2,\"cols\":2},"
		  "\"stdin\":{\"live\":true}}", "/tty" },
		{ "{\"runtime\":\"exec\",\"files\":[" FILE_AT("x") "]}", "/steps" },
		{ "{\"runtime\":\"exec\",\"steps\":[{\"argv\":[\"ls\",\"-l\"]}]}", "ls|-l" },
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		show(rows[i].document, line, sizeof(line));
		assert_string_equal(line, rows[i].wanted);
	}
}

/* What the interpreter would have read at its start cannot be told to one that has started. */
static void only_a_plain_start_is_for_the_parked_interpreter(void **state)
{
	static const struct {
		const char *document, *wanted;
	} rows[] = {
		{ "{\"runtime\":\"python\",\"steps\":[{\"argv\":[\"python3\",\"m.py\",\"-v\"]}]}", "*m.py|-v" },
		{ "{\"runtime\":\"python\",\"steps\":[{\"argv\":[\"python3\",\"-O\",\"m.py\"]}]}", "python3|-O|m.py" },
		{ "{\"runtime\":\"python\",\"steps\":[{\"argv\":[\"python3\"]}]}", "python3" },
		{ "{\"runtime\":\"python\",\"steps\":[{\"argv\":[\"/usr/bin/python3\",\"m.py\"]}]}", "/usr/bin/python3|m.py" },
		{ "{\"runtime\":\"python\",\"steps\":[{\"argv\":[\"python3\",\"m.py\"]}],\"env\":{\"PYTHONHASHSEED\":\"0\"}}",
		  "python3|m.py" },
		{ "{\"runtime\":\"python\",\"steps\":[{\"argv\":[\"ls\"]},{\"argv\":[\"python3\",\"m.py\"]}]}", "ls;python3|m.py" },
		{ "{\"runtime\":\"bash\",\"steps\":[{\"argv\":[\"python3\",\"m.py\"]}]}", "python3|m.py" },
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		show(rows[i].document, line, sizeof(line));
		assert_string_equal(line, rows[i].wanted);
	}
}

static void every_runtime_is_found_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; runtime_at(i); i++)
		assert_ptr_equal(runtime_find(runtime_at(i)->name), runtime_at(i));
	assert_null(runtime_find("cobol"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_without_steps_runs_as_its_runtime_says),
		cmocka_unit_test(only_a_plain_start_is_for_the_parked_interpreter),
		cmocka_unit_test(every_runtime_is_found_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
