/* boundary/wasm: the container around the engine, what of the policy reaches the module, and what is refused.
 * Golden files: tests/golden/plan/wasm-*.txt; UPDATE_GOLDEN=1 rewrites them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "planned.h"

#define OWN_SKETCH __attribute__((cleanup(sketch_done))) struct sketch
#define HEAD "version: 1\nname: test\n"
#define TAIL "syscalls: {allow: [\"@default\"]}\n"

static const char grants[] =
	HEAD "files:\n  - read: host\n  - read: /srv/data\n    as: /data\n  - write: /work\n    as: /out\n    exec: true\n"
	"  - scratch: /tmp\n    size: 1M\ncwd: /out\nproc: pid\nnetwork: host\nlimits: {memory: 64M}\n"
	"env: {set: {A: b}, keep: [LANG]}\n" TAIL;

static const struct {
	const char *golden, *policy;
	struct host (*host)(void);
} plans[] = {
	{ "wasm-default-root-v2", "default", host_root_v2 },
	{ "wasm-default-user", "default", host_user },
	{ "wasm-grants", grants, host_root_v2 },
};

static void a_plan_matches_its_golden_file_and_may_run(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		OWN(str) text = STR_NONE;

		sketch.host = plans[i].host();
		sketch.host.engine_libs = "/opt/v8";
		sketch_policy(&sketch, plans[i].policy);
		planned_text(&sketch, "wasm", plans[i].golden, &text);
		expect_golden(plans[i].golden, str_text(&text));
	}
}

static void the_engine_has_its_own_calls_whatever_the_policy_says(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;
	struct err e = ERR_INIT;

	(void)state;
	sketch.host = host_root_v2();
	sketch_policy(&sketch, "default");
	assert_int_equal(sketch_plan(&sketch, "wasm", &e), 0);
	assert_true(planned_allows(&sketch, SYS_openat2) && planned_allows(&sketch, SYS_mprotect) && planned_allows(&sketch, SYS_execve));
	assert_false(planned_allows(&sketch, SYS_socket) || planned_allows(&sketch, SYS_clone) || planned_allows(&sketch, SYS_fork));
	assert_false(planned_allows(&sketch, SYS_chmod) || planned_allows(&sketch, SYS_kill) || planned_allows(&sketch, SYS_ptrace));
}

/* A plug-in's process has no WASI to serve: no call that takes a path once it runs, and no file of the policy's. */
static void a_plugin_has_one_descriptor_and_no_grant(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;
	OWN_SKETCH none = SKETCH_NONE;
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;

	(void)state;
	sketch.host = host_root_v2();
	sketch_policy(&sketch, grants);
	sketch.is_plugin = true;
	if (sketch_plan(&sketch, "wasm", &e) < 0)
		fail_msg("%s", e.text);
	plan_text(sketch.rung.plan, &text);
	assert_non_null(strstr(str_text(&text), "/ward/ward-v8"));
	assert_null(strstr(str_text(&text), "/guest/"));
	assert_null(strstr(str_text(&text), "module.wasm"));
	assert_true(planned_allows(&sketch, SYS_sendmsg) && planned_allows(&sketch, SYS_setitimer) && planned_allows(&sketch, SYS_execve));
	assert_false(planned_allows(&sketch, SYS_openat2) || planned_allows(&sketch, SYS_unlinkat) || planned_allows(&sketch, SYS_recvmsg));
	assert_string_equal(sketch.rung.payload->argv[1], "plugin");
	assert_string_equal(sketch.rung.payload->argv[2], "7");
	assert_null(sketch.rung.payload->argv[3]);

	none.host = host_root_v2();
	sketch_policy(&none, "default");
	none.is_plugin = none.passes_none = true;
	assert_int_equal(sketch_plan(&none, "wasm", &e), -1);
	assert_non_null(strstr(e.text, "write --pass-fd N once"));
}

static enum filter_act judge(const struct sketch *sketch, uint32_t nr, uint64_t third)
{
	const uint64_t arguments[6] = { 0, 0, third };
	const struct filter_row *row;

	return filter_judge(&sketch->rung.filter, nr, arguments, &row);
}

/* So that what selftest finds out about native code in the engine's place holds for a compiled module as well. */
static void a_compiled_module_has_no_call_that_the_engine_has_not(void **state)
{
	OWN_SKETCH compiled = SKETCH_NONE;
	OWN_SKETCH engine = SKETCH_NONE;
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;

	(void)state;
	compiled.host = engine.host = host_root_v2();
	sketch_policy(&compiled, grants);
	sketch_policy(&engine, grants);
	compiled.is_compiled = true;
	if (sketch_plan(&engine, "wasm", &e) < 0 || sketch_plan(&compiled, "wasm", &e) < 0)
		fail_msg("%s", e.text);
	for (uint32_t nr = 0; nr < 512; nr++)
		if (planned_allows(&compiled, nr) && !planned_allows(&engine, nr))
			fail_msg("call %u", nr);
	assert_int_equal(judge(&compiled, SYS_mmap, 3), FILTER_ALLOW);
	assert_int_equal(judge(&compiled, SYS_mprotect, 3), FILTER_ALLOW);
	assert_int_not_equal(judge(&compiled, SYS_mmap, 5), FILTER_ALLOW);
	assert_int_not_equal(judge(&compiled, SYS_mprotect, 5), FILTER_ALLOW);
	assert_int_not_equal(judge(&compiled, SYS_pkey_mprotect, 5), FILTER_ALLOW);
	plan_text(compiled.rung.plan, &text);
	assert_non_null(strstr(str_text(&text), "/ward/module"));
	assert_null(strstr(str_text(&text), "/usr/lib"));
	assert_null(strstr(str_text(&text), "ward-v8"));
	assert_string_equal(compiled.rung.payload->argv[0], "/ward/module");
}

/* The engine reserves gigabytes of addresses that it never uses. */
static void without_a_cgroup_data_is_limited_and_not_addresses(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;
	struct err e = ERR_INIT;
	bool data = false;

	(void)state;
	sketch.host = host_user();
	sketch_policy(&sketch, "default");
	assert_int_equal(sketch_plan(&sketch, "wasm", &e), 0);
	for (uint32_t i = 0; i < sketch.rung.plan->n_steps; i++) {
		const struct step *const step = &sketch.rung.plan->steps[i];

		assert_false(step->op == OP_RLIMIT && step->flags == RLIMIT_AS);
		data |= step->op == OP_RLIMIT && step->flags == RLIMIT_DATA && step->n == 512u << 20;
	}
	assert_true(data);
}

static void a_module_that_is_not_there_is_left_to_the_engine(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;
	struct err e = ERR_INIT;

	(void)state;
	sketch.host = host_root_v2();
	sketch.program_path = "/absent.wasm";
	sketch_policy(&sketch, "default");
	assert_int_equal(sketch_plan(&sketch, "wasm", &e), 0);
	for (size_t i = 0; i < sketch.rung.n_open; i++)
		assert_string_not_equal(sketch.rung.open[i].path, "/absent.wasm");
}

static const struct {
	const char *policy, *program, *text;
} refused[] = {
	{ HEAD "files:\n  - read: /srv/in.txt\n    as: /in\n" TAIL, NULL,
	  "test.yaml:4: /srv/in.txt is a file, and a module can be given directories only; grant the one it is in" },
	{ HEAD "files:\n  - read: /absent\n" TAIL, NULL,
	  "test.yaml:4: /absent does not exist; create it or take the grant out" },
	{ HEAD "image: /img\nfiles:\n  - read: image\n" TAIL, NULL,
	  "test.yaml:5: a module sees directories that are granted to it, not an image; grant them one by one" },
	{ HEAD "hardening: {mdwe: true}\n" TAIL, NULL,
	  "hardening.mdwe: the engine makes machine code of a module, in memory that it writes; take it out of the "
	  "policy, compile the module before (`ward precompile`), or use boundary: container for a program" },
	{ HEAD TAIL, "/srv/data", "/srv/data is no file; name the WebAssembly module itself" },
	{ HEAD TAIL, "/srv/link", "/srv/link is no file; name the WebAssembly module itself" },
};

static void what_a_module_cannot_have_is_refused_with_the_fix(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		struct err e = ERR_INIT;

		sketch.host = host_root_v2();
		sketch.program_path = refused[i].program;
		sketch_policy(&sketch, refused[i].policy);
		assert_int_equal(sketch_plan(&sketch, "wasm", &e), -1);
		assert_string_equal(e.text, refused[i].text);
	}
}

static void without_an_engine_there_is_no_such_boundary(void **state)
{
	const struct boundary *const wasm = boundary_find("wasm");
	struct host host = host_root_v2();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(wasm->probe(&host, &e), 0);
	*host.engine = '\0';
	strcpy(host.engine_why, "no engine");
	assert_int_equal(wasm->probe(&host, &e), -1);
	assert_string_equal(e.text, "no engine");
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	host = host_root_v2();
	host.userns = false;
	assert_int_equal(wasm->probe(&host, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_matches_its_golden_file_and_may_run),
		cmocka_unit_test(the_engine_has_its_own_calls_whatever_the_policy_says),
		cmocka_unit_test(a_compiled_module_has_no_call_that_the_engine_has_not),
		cmocka_unit_test(a_plugin_has_one_descriptor_and_no_grant),
		cmocka_unit_test(without_a_cgroup_data_is_limited_and_not_addresses),
		cmocka_unit_test(a_module_that_is_not_there_is_left_to_the_engine),
		cmocka_unit_test(what_a_module_cannot_have_is_refused_with_the_fix),
		cmocka_unit_test(without_an_engine_there_is_no_such_boundary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
