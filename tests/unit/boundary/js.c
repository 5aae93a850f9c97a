/* boundary/js: the container around the engine, what of the policy reaches the script, and what is refused.
 * Golden files: tests/golden/plan/js-*.txt; UPDATE_GOLDEN=1 rewrites them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "planned.h"

#define OWN_SKETCH __attribute__((cleanup(sketch_done))) struct sketch
#define HEAD "version: 1\nname: test\n"
#define TAIL "syscalls: {allow: [\"@default\"]}\n"

static const char grants[] =
	HEAD "files:\n  - read: host\n  - read: /srv/data\n    as: /data\n  - scratch: /tmp\n    size: 1M\ncwd: /data\n"
	"proc: pid\nnetwork: host\nlimits: {memory: 64M, cpu: 2s, wall: 3s, pids: 64}\njs: {eval: true, jit: false}\n"
	"env: {set: {A: b}, keep: [LANG]}\n" TAIL;

static const struct {
	const char *golden, *policy;
} plans[] = {
	{ "js-default-root-v2", "default" },
	{ "js-strict-root-v2", "strict" },
	{ "js-grants", grants },
};

static void a_plan_matches_its_golden_file_and_may_run(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		OWN(str) text = STR_NONE;

		sketch.host = host_root_v2();
		sketch_policy(&sketch, plans[i].policy);
		planned_text(&sketch, "js", plans[i].golden, &text);
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
	assert_int_equal(sketch_plan(&sketch, "js", &e), 0);
	assert_true(planned_allows(&sketch, SYS_clone) && planned_allows(&sketch, SYS_mprotect) && planned_allows(&sketch, SYS_execve));
	assert_false(planned_allows(&sketch, SYS_socket) || planned_allows(&sketch, SYS_connect) || planned_allows(&sketch, SYS_clone3));
	assert_false(planned_allows(&sketch, SYS_chmod) || planned_allows(&sketch, SYS_unlink) || planned_allows(&sketch, SYS_ptrace));
}

static const struct {
	const char *policy, *program, *text;
} refused[] = {
	{ HEAD "files:\n  - write: /work\n" TAIL, NULL,
	  "test.yaml:4: a script writes no files; take the grant out, and let the script hand its result to ward.output()" },
	{ HEAD "files:\n  - read: /absent\n" TAIL, NULL,
	  "test.yaml:4: /absent does not exist; create it or take the grant out" },
	{ HEAD "image: /img\nfiles:\n  - read: image\n" TAIL, NULL,
	  "test.yaml:5: a script sees modules that are granted to it, not an image; grant them one by one" },
	{ HEAD "hardening: {mdwe: true}\njs: {wasm: true}\n" TAIL, NULL,
	  "js.wasm: the engine makes machine code of a module, which hardening.mdwe forbids; take one of them out" },
	{ HEAD TAIL, "/srv/data", "/srv/data is no file; name the script itself" },
};

static void what_a_script_cannot_have_is_refused_with_the_fix(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		struct err e = ERR_INIT;

		sketch.host = host_root_v2();
		sketch.program_path = refused[i].program;
		sketch_policy(&sketch, refused[i].policy);
		assert_int_equal(sketch_plan(&sketch, "js", &e), -1);
		assert_string_equal(e.text, refused[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_matches_its_golden_file_and_may_run),
		cmocka_unit_test(the_engine_has_its_own_calls_whatever_the_policy_says),
		cmocka_unit_test(what_a_script_cannot_have_is_refused_with_the_fix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
