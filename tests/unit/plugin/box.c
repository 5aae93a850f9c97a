/* plugin/box: the policies are policies, and say what they are for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "model/policy.h"
#include "plugin/box.h"

static const struct manifest manifest = { .name = "counter", .limits = { [PLUGIN_MEMORY] = 16 << 20 } };

static void read_policy(const struct str *text, struct policy *policy)
{
	struct err e = ERR_INIT;

	if (policy_read("box", str_text(text), text->len, policy, &e) < 0)
		fail_msg("%s\n%s", e.text, str_text(text));
}

static bool allows(const struct policy *policy, unsigned nr, uint64_t prot)
{
	const uint64_t args[6] = { 0, 0, prot, MAP_PRIVATE | MAP_ANONYMOUS };

	return filter_judge(&policy->syscalls, nr, args, NULL) == FILTER_ALLOW;
}

static void a_compiled_plugin_makes_no_memory_executable(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(box_of_worker(&manifest, "/somewhere/counter", &text, &e), 0);
	read_policy(&text, &policy);
	assert_true(allows(&policy, SYS_mmap, PROT_READ | PROT_WRITE) && allows(&policy, SYS_mprotect, PROT_NONE));
	assert_false(allows(&policy, SYS_mmap, PROT_READ | PROT_EXEC));
	assert_false(allows(&policy, SYS_mprotect, PROT_READ | PROT_WRITE | PROT_EXEC));
	assert_int_not_equal(filter_judge(&policy.syscalls, SYS_mmap, (const uint64_t[6]){ [3] = MAP_SHARED | MAP_ANONYMOUS }, NULL), FILTER_ALLOW);
	assert_false(allows(&policy, SYS_openat, 0) || allows(&policy, SYS_socket, 0) || allows(&policy, SYS_clone, 0));
	assert_int_equal(policy.n_grants, 1);
	assert_string_equal(policy.grants[0].what, "/somewhere/counter");
	assert_string_equal(policy.grants[0].as, BOX_PROGRAM);
}

static void an_engine_has_a_box_without_files(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(box_of_worker(&manifest, NULL, &text, &e), 0);
	read_policy(&text, &policy);
	assert_int_equal(policy.n_grants, 0);
	assert_non_null(strstr(str_text(&text), "boundary: wasm"));
}

static void a_path_that_would_be_more_than_a_path_is_refused(void **state)
{
	static const char *const paths[] = { "relative", "/a\"b", "/a\\b", "/a\nb", "/a\x7f" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		OWN(str) text = STR_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(box_of_worker(&manifest, paths[i], &text, &e), -1);
		assert_int_equal(e.kind, ERR_UNSUPPORTED);
	}
}

static void the_compiler_writes_into_memory_alone(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	OWN(str) text = STR_NONE;

	(void)state;
	box_of_compiler(&text);
	read_policy(&text, &policy);
	for (size_t i = 0; i < policy.n_grants; i++)
		assert_true(policy.grants[i].kind == GRANT_READ || policy.grants[i].kind == GRANT_EXEC || policy.grants[i].kind == GRANT_SCRATCH);
	assert_true(policy.values[KEY_NETWORK].n == NETWORK_NONE && policy.values[KEY_CPU].set && policy.values[KEY_MEMORY].set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_compiled_plugin_makes_no_memory_executable),
		cmocka_unit_test(an_engine_has_a_box_without_files),
		cmocka_unit_test(a_path_that_would_be_more_than_a_path_is_refused),
		cmocka_unit_test(the_compiler_writes_into_memory_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
