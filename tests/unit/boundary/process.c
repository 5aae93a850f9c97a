/* boundary/process: the plan for hosts where nothing else is possible, and what it refuses.
 * Golden files: tests/golden/plan/process-*.txt; UPDATE_GOLDEN=1 rewrites them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "planned.h"

#define OWN_SKETCH __attribute__((cleanup(sketch_done))) struct sketch
#define HEAD "version: 1\nname: test\n"
#define TAIL "syscalls: {allow: [\"@default\", \"@sysv-ipc\"]}\n"

static const char grants[] =
	HEAD "files:\n  - read: host\n  - read: /srv/data\n  - exec: /srv/tool\n  - write: /work\n    exec: true\n"
	"cwd: /work\nlimits: {memory: 64M, pids: 8, cpu: 1500ms}\nsyscalls: {allow: [\"@default\"]}\n";

static const struct {
	const char *golden, *policy;
	struct host (*host)(void);
} plans[] = {
	{ "process-strict-root-v2", "strict", host_root_v2 },
	{ "process-default-root-v1", "default", host_root_v1 },
	{ "process-default-user", "default", host_user },
	{ "process-contest-user-v2", "contest", host_user_v2 },
	{ "process-build-old-landlock", "build", host_old_landlock },
	{ "process-grants", grants, host_user },
};

static void a_plan_matches_its_golden_file_and_may_run(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		OWN(str) text = STR_NONE;

		sketch.host = plans[i].host();
		sketch_policy(&sketch, plans[i].policy);
		planned_text(&sketch, "process", plans[i].golden, &text);
		planned_notes(&sketch, &text);
		expect_golden(plans[i].golden, str_text(&text));
	}
}

static const struct {
	const char *policy;
	uint32_t abi;
	enum err_kind kind;
	const char *text;
} refusals[] = {
	{ HEAD "files:\n  - read: /srv/none\n" TAIL, 6, ERR_MISSING,
	  "test.yaml:4: /srv/none does not exist; create it or take the grant out" },
	{ HEAD "files:\n  - read: /srv/data\n    as: /data\n" TAIL, 6, ERR_UNSUPPORTED,
	  "test.yaml:4: the process boundary has no mounts: /srv/data cannot appear as /data" },
	{ HEAD "image: /img\nfiles:\n  - read: image\n" TAIL, 6, ERR_UNSUPPORTED,
	  "test.yaml:5: the process boundary has no mounts: image cannot appear as /" },
	{ HEAD "files:\n  - write: /work\n" TAIL, 2, ERR_UNSUPPORTED,
	  "test.yaml:4: writing under the process boundary needs Landlock ABI 3 (Linux 6.2); this kernel has 2" },
	{ HEAD "syscalls: {allow: [\"@default\", bpf]}\n", 6, ERR_DENIED,
	  "the policy allows bpf, which ward gives no box; take it out of syscalls.allow and syscalls.rules" },
};

static void what_cannot_be_had_is_refused_with_cause_and_fix(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		struct err e = ERR_INIT;

		sketch.host = host_root_v2();
		sketch.host.landlock_abi = refusals[i].abi;
		sketch_policy(&sketch, refusals[i].policy);
		assert_int_equal(sketch_plan(&sketch, "process", &e), -1);
		assert_string_equal(e.text, refusals[i].text);
		assert_int_equal(e.kind, refusals[i].kind);
	}
}

static void root_that_cannot_become_somebody_else_is_refused(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;
	struct err e = ERR_INIT;

	(void)state;
	sketch.host = host_root_v2();
	sketch.host.root = sketch.host.may_setuid = false;
	sketch_policy(&sketch, "default");
	assert_int_equal(sketch_plan(&sketch, "process", &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_string_equal(e.text, "root without CAP_SETUID and CAP_SETGID cannot become anybody else; run ward as "
				    "an ordinary user, or give it those capabilities");
}

static void without_landlock_there_is_no_process_boundary(void **state)
{
	struct host host = host_no_landlock();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(boundary_find("process")->probe(&host, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "process needs Landlock"));
	host.landlock_abi = 1;
	host.userns = false;
	assert_int_equal(boundary_find("process")->probe(&host, &e), 0);
}

/* ---- what Landlock cannot see is refused by rows that come before the policy's ---- */

static const struct {
	uint32_t nr;
	uint64_t args[3];
	uint32_t abi;
	bool own_identity, refused;
} judged[] = {
	{ SYS_chmod, { 0 }, 6, true, true },
	{ SYS_fchmodat, { 0 }, 6, true, true },
	{ 452 /* fchmodat2 */, { 0 }, 6, true, true },
	{ SYS_chown, { 0 }, 6, true, true },
	{ SYS_setxattr, { 0 }, 6, true, true },
	{ SYS_utimensat, { 3, 0x1000 }, 6, true, true },
	{ SYS_utimensat, { 3, 0 }, 6, true, false },    /* futimens */
	{ SYS_socket, { 1 }, 6, true, true },
	{ SYS_socket, { 1 | UINT64_C(1) << 32 }, 6, true, true },
	{ SYS_shmget, { 0 }, 6, true, true },
	{ SYS_read, { 0 }, 1, false, false },
	{ SYS_openat, { 0, 0, 01000 }, 3, true, false },
	{ SYS_openat, { 0, 0, 01001 }, 2, true, true }, /* O_TRUNC before ABI 3 */
	{ SYS_openat, { 0, 0, 0 }, 2, true, false },
	{ SYS_open, { 0, 01000 }, 2, true, true },
	{ SYS_truncate, { 0 }, 2, true, true },
	{ SYS_openat2, { 0 }, 2, true, true },
	{ SYS_kill, { 1, 9 }, 5, false, true },
	{ SYS_tgkill, { 1, 1, 9 }, 5, false, true },
	{ SYS_pidfd_send_signal, { 1, 9 }, 5, false, true },
	{ SYS_kill, { 1, 9 }, 6, false, false },
	{ SYS_kill, { 1, 9 }, 5, true, true },
	{ SYS_exit_group, { 0 }, 1, false, false },
};

static void what_nothing_else_guards_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		struct err e = ERR_INIT;
		const struct filter_row *row;
		enum filter_act act;
		uint64_t args[6] = { judged[i].args[0], judged[i].args[1], judged[i].args[2] };

		sketch.host = judged[i].own_identity ? host_root_v2() : host_user();
		sketch.host.landlock_abi = judged[i].abi;
		sketch_policy(&sketch, HEAD "syscalls: {allow: [\"@default\", \"@net-client\", \"@sysv-ipc\", truncate, kill, chown, setxattr]}\n");
		assert_int_equal(sketch_plan(&sketch, "process", &e), 0);
		act = filter_judge(&sketch.rung.filter, judged[i].nr, args, &row);
		if ((act != FILTER_ALLOW) != judged[i].refused)
			fail_msg("row %zu (call %u): %d", i, judged[i].nr, act);
		if (judged[i].refused) {
			assert_non_null(row);
			assert_string_equal(row->origin, "process");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_matches_its_golden_file_and_may_run),
		cmocka_unit_test(what_cannot_be_had_is_refused_with_cause_and_fix),
		cmocka_unit_test(root_that_cannot_become_somebody_else_is_refused),
		cmocka_unit_test(without_landlock_there_is_no_process_boundary),
		cmocka_unit_test(what_nothing_else_guards_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
