/* boundary/gvisor: the container around runsc, the bundle that it is given, and what is refused.
 * Golden files: tests/golden/plan/gvisor-*.txt; UPDATE_GOLDEN=1 rewrites them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cmocka.h>
#include <jansson.h>

#include "boundary/floor.h"
#include "boundary/gvisor/bundle.h"
#include "planned.h"

#define OWN_SKETCH __attribute__((cleanup(sketch_done))) struct sketch
#define HEAD "version: 1\nname: test\n"
#define TAIL "syscalls: {allow: [\"@default\"]}\n"

static const char grants[] =
	HEAD "files:\n  - read: host\n  - read: /srv/data\n    as: /data\n  - read: /srv/in.txt\n  - write: /work\n"
	"    as: /out\n    exec: true\n  - scratch: /tmp\n    size: 1M\ncwd: /out\n"
	"limits: {memory: 64M, pids: 8, files: 32, fsize: 1M, stack: 1M}\nenv: {set: {A: b}}\n" TAIL;

static const struct {
	const char *golden, *policy;
	struct host (*host)(void);
} plans[] = {
	{ "gvisor-default-root-v2", "default", host_root_v2 },
	{ "gvisor-default-user-v2", "default", host_user_v2 },
	{ "gvisor-grants", grants, host_root_v2 },
	{ "gvisor-old-landlock", "default", host_old_landlock },
	{ "gvisor-image", HEAD "files:\n  - read: image\nimage: /img\n" TAIL, host_root_v2 },
};

static int plan(struct sketch *sketch, const char *policy, struct err *e)
{
	sketch->passes_none = true;
	sketch_policy(sketch, policy);
	return sketch_plan(sketch, "gvisor", e);
}

static void a_plan_matches_its_golden_file_and_may_run(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		OWN(str) text = STR_NONE;

		sketch.host = plans[i].host();
		sketch.passes_none = true;
		sketch_policy(&sketch, plans[i].policy);
		planned_text(&sketch, "gvisor", plans[i].golden, &text);
		expect_golden(plans[i].golden, str_text(&text));
	}
}

static void runsc_has_its_own_calls_whatever_the_policy_says(void **state)
{
	static const uint16_t needed[] = { SYS_execve, SYS_mount, SYS_pivot_root, SYS_ptrace, SYS_clone, SYS_memfd_create };
	static const uint16_t refused[] = { SYS_bpf, SYS_setns, SYS_io_uring_setup, SYS_keyctl, SYS_open_by_handle_at,
					    SYS_process_vm_readv, SYS_fsopen, SYS_move_mount, SYS_perf_event_open,
					    SYS_userfaultfd, SYS_init_module, SYS_clone3, SYS_shmget, SYS_mknod, SYS_chmod };
	OWN_SKETCH sketch = SKETCH_NONE;
	struct err e = ERR_INIT;

	(void)state;
	sketch.host = host_root_v2();
	assert_int_equal(plan(&sketch, HEAD "files:\n  - read: host\nsyscalls: {allow: [\"@startup\"]}\n", &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		assert_true(planned_allows(&sketch, needed[i]));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (planned_allows(&sketch, refused[i]))
			fail_msg("call %u is allowed", refused[i]);
}

/* The config.json of the plan, parsed. */
static json_t *config_of(const struct sketch *sketch)
{
	const struct plan *const plan = sketch->rung.plan;

	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == OP_FILE && strstr(plan_string(plan, plan->steps[i].s), "config.json"))
			return json_loads(plan_string(plan, plan->steps[i].t), JSON_REJECT_DUPLICATES, NULL);
	return NULL;
}

static const char *text_at(json_t *object, const char *name)
{
	const char *const text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static json_t *mount_at(json_t *config, const char *at)
{
	json_t *const mounts = json_object_get(config, "mounts");

	for (size_t i = 0; i < json_array_size(mounts); i++)
		if (strcmp(text_at(json_array_get(mounts, i), "destination"), at) == 0)
			return json_array_get(mounts, i);
	return NULL;
}

static bool has_option(json_t *mount, const char *word)
{
	json_t *const options = json_object_get(mount, "options");

	for (size_t i = 0; i < json_array_size(options); i++)
		if (strcmp(json_string_value(json_array_get(options, i)), word) == 0)
			return true;
	return false;
}

static void a_grant_is_a_mount_with_the_rights_it_gives(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;
	struct err e = ERR_INIT;
	json_t *config, *data, *out, *tmp;

	(void)state;
	sketch.host = host_root_v2();
	assert_int_equal(plan(&sketch, grants, &e), 0);
	config = config_of(&sketch);
	assert_non_null(config);
	data = mount_at(config, "/data");
	out = mount_at(config, "/out");
	tmp = mount_at(config, "/tmp");
	assert_true(has_option(data, "ro") && has_option(data, "noexec") && !has_option(data, "rw"));
	assert_string_equal(text_at(data, "source"), BUNDLE_ROOT "/data");
	assert_true(has_option(out, "rw") && !has_option(out, "noexec"));
	assert_true(has_option(tmp, "size=1048576") && has_option(tmp, "noexec") && has_option(tmp, "nosuid"));
	assert_null(mount_at(config, "/usr"));
	assert_string_equal(text_at(json_object_get(config, "root"), "path"), BUNDLE_ROOT);
	json_decref(config);
}

/* Unasked, runsc makes a /tmp that anybody may fill. */
static void a_policy_without_scratch_leaves_nothing_to_write_to(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;
	struct err e = ERR_INIT;
	json_t *config;

	(void)state;
	sketch.host = host_root_v2();
	assert_int_equal(plan(&sketch, HEAD "files:\n  - read: host\n" TAIL, &e), 0);
	config = config_of(&sketch);
	assert_true(has_option(mount_at(config, "/tmp"), "ro"));
	assert_null(mount_at(config, "/dev/shm"));
	json_decref(config);
}

static uint64_t user_in(json_t *config)
{
	return (uint64_t)json_integer_value(json_object_get(json_object_get(json_object_get(config, "process"), "user"), "uid"));
}

static void the_program_is_nobody_special_and_has_no_capability(void **state)
{
	static const struct {
		const char *policy;
		uint64_t user;
	} rows[] = {
		{ "default", 1000 },
		{ HEAD "files:\n  - read: host\nidentity: {uid: 77}\n" TAIL, 77 },
		{ HEAD "files:\n  - read: host\n  - write: /work\n" TAIL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		struct err e = ERR_INIT;
		json_t *config, *process, *sets;
		const char *name;
		json_t *set;

		sketch.host = host_root_v2();
		assert_int_equal(plan(&sketch, rows[i].policy, &e), 0);
		assert_int_equal(!!(sketch.rung.notes & NOTE_GUEST_ROOT), rows[i].user == 0);
		config = config_of(&sketch);
		assert_int_equal(user_in(config), rows[i].user);
		process = json_object_get(config, "process");
		assert_true(json_is_true(json_object_get(process, "noNewPrivileges")));
		sets = json_object_get(process, "capabilities");
		assert_int_equal(json_object_size(sets), 5);
		json_object_foreach(sets, name, set)
			assert_int_equal(json_array_size(set), 0);
		json_decref(config);
	}
}

/* Those of each process are the inner kernel's; on runsc itself they would break it. */
static void limits_of_a_process_are_the_inner_kernels(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;
	struct err e = ERR_INIT;
	json_t *config;
	size_t found = 0;

	(void)state;
	sketch.host = host_root_v2();
	assert_int_equal(plan(&sketch, grants, &e), 0);
	for (uint32_t i = 0; i < sketch.rung.plan->n_steps; i++) {
		const struct step *const step = &sketch.rung.plan->steps[i];

		assert_false(step->op == OP_RLIMIT && (step->flags == RLIMIT_NOFILE || step->flags == RLIMIT_FSIZE ||
						       step->flags == RLIMIT_STACK || step->flags == RLIMIT_AS));
		assert_false(step->op == OP_CGROUP_LIMIT && step->flags == LIMIT_MEMORY && step->n != 64u << 20);
	}
	config = config_of(&sketch);
	json_t *const rlimits = json_object_get(json_object_get(config, "process"), "rlimits");
	for (size_t i = 0; i < json_array_size(rlimits); i++) {
		json_t *const row = json_array_get(rlimits, i);

		found += strcmp(text_at(row, "type"), "RLIMIT_NOFILE") == 0 &&
			 json_integer_value(json_object_get(row, "hard")) == 32;
		found += strcmp(text_at(row, "type"), "RLIMIT_FSIZE") == 0 &&
			 json_integer_value(json_object_get(row, "hard")) == 1 << 20;
	}
	assert_int_equal(found, 2);
	json_decref(config);
}

static void what_gvisor_cannot_hold_is_refused_with_a_fix(void **state)
{
	static const struct {
		const char *policy, *cause;
	} rows[] = {
		{ HEAD "files:\n  - read: host\nnetwork: host\n" TAIL, "use network: none" },
		{ HEAD "files:\n  - read: host\nhardening: {mdwe: true}\n" TAIL, "hardening.mdwe" },
		{ HEAD "files:\n  - read: host\nhardening: {no_tsc: true}\n" TAIL, "hardening.no_tsc" },
		{ HEAD "files:\n  - read: host\n  - read: /srv/link\n" TAIL, "symbolic link" },
		{ HEAD "files:\n  - read: host\n  - write: /srv/sock\n" TAIL, "only files and directories" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		struct err e = ERR_INIT;

		sketch.host = host_root_v2();
		assert_int_equal(plan(&sketch, rows[i].policy, &e), -1);
		if (!strstr(e.text, rows[i].cause))
			fail_msg("'%s' does not say '%s'", e.text, rows[i].cause);
	}
}

static void a_passed_descriptor_and_tracing_are_refused(void **state)
{
	(void)state;
	for (int traced = 0; traced < 2; traced++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		struct err e = ERR_INIT;

		sketch.host = host_root_v2();
		sketch.passes_none = sketch.observed = traced;
		sketch_policy(&sketch, "default");
		assert_int_equal(sketch_plan(&sketch, "gvisor", &e), -1);
		assert_int_equal(e.kind, ERR_UNSUPPORTED);
		assert_non_null(strstr(e.text, traced ? "-b container" : "descriptor"));
	}
}

/* JSON cannot carry it, and a replacement character would be another argument. */
static void an_argument_that_json_cannot_say_is_refused(void **state)
{
	static const char *const argv[] = { "/bin/echo", "a\xff", NULL };
	static const char *const envp[] = { "PATH=/bin", NULL };
	OWN_SKETCH sketch = SKETCH_NONE;
	OWN(str) text = STR_NONE;
	struct payload payload = { .argv = argv, .envp = envp };
	struct rung rung = { .policy = &sketch.policy, .payload = &payload };
	struct err e = ERR_INIT;

	(void)state;
	sketch_policy(&sketch, "default");
	assert_int_equal(bundle_write(&rung, &text, &e), -1);
	assert_non_null(strstr(e.text, "UTF-8"));
	payload.argv = envp;
	assert_int_equal(bundle_write(&rung, &text, &e), 0);
}

static void a_command_line_beyond_the_plan_is_refused(void **state)
{
	static char large[800u << 10];
	const char *const argv[] = { "/bin/echo", large, NULL };
	static const char *const envp[] = { NULL };
	OWN_SKETCH sketch = SKETCH_NONE;
	OWN(str) text = STR_NONE;
	const struct payload payload = { .argv = argv, .envp = envp };
	const struct rung rung = { .policy = &sketch.policy, .payload = &payload };
	struct err e = ERR_INIT;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	sketch_policy(&sketch, "default");
	assert_int_equal(bundle_write(&rung, &text, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
}

static void without_runsc_the_fix_is_named(void **state)
{
	struct host host = host_root_v2();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(boundary_find("gvisor")->probe(&host, &e), 0);
	*host.runsc = '\0';
	strcpy(host.runsc_why, "no runsc; apt-get install runsc");
	assert_int_equal(boundary_find("gvisor")->probe(&host, &e), -1);
	assert_non_null(strstr(e.text, "apt-get install"));
	host.userns = false;
	strcpy(host.userns_why, "switched off");
	assert_int_equal(boundary_find("gvisor")->probe(&host, &e), -1);
	assert_non_null(strstr(e.text, "switched off"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_matches_its_golden_file_and_may_run),
		cmocka_unit_test(runsc_has_its_own_calls_whatever_the_policy_says),
		cmocka_unit_test(a_grant_is_a_mount_with_the_rights_it_gives),
		cmocka_unit_test(a_policy_without_scratch_leaves_nothing_to_write_to),
		cmocka_unit_test(the_program_is_nobody_special_and_has_no_capability),
		cmocka_unit_test(limits_of_a_process_are_the_inner_kernels),
		cmocka_unit_test(what_gvisor_cannot_hold_is_refused_with_a_fix),
		cmocka_unit_test(a_passed_descriptor_and_tracing_are_refused),
		cmocka_unit_test(an_argument_that_json_cannot_say_is_refused),
		cmocka_unit_test(a_command_line_beyond_the_plan_is_refused),
		cmocka_unit_test(without_runsc_the_fix_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
