/* Why: calls by filter and line, paths by mounts and Landlock, addresses by every layer that judges them. */
#include "judge/why.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/policy.h"

static const struct sock_filter allow_all[] = { { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW } };
/* ioctl: TIOCSTI and everything of i386 is refused. */
static const struct sock_filter no_sti[] = {
	{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 4 },
	{ BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 0xc000003e },
	{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 },
	{ BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 16 },
	{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 24 },
	{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x5412 },
	{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM },
	{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
};

struct scene {
	struct regions *store;
	struct subject subject;
};

static void scene_done(struct scene *scene)
{
	regions_free(scene->store);
	subject_done(&scene->subject);
}

static void ask(struct scene *scene, const char *text, struct why *why)
{
	struct call_text call;
	struct err e = ERR_INIT;

	assert_int_equal(call_text_read(text, &call, &e), 0);
	assert_int_equal(why_call(scene->store, &scene->subject, NULL, &call, why, &e), 0);
}

static void the_filter_that_refuses_is_named(void **state)
{
	OWN(scene) scene = { regions_new(REGIONS_NODES), { .kind = SUBJECT_BPF, .name = "x.bpf" } };
	OWN(why) why = WHY_NONE, fine = WHY_NONE, foreign = WHY_NONE;

	(void)state;
	subject_add_filter(&scene.subject, "first", allow_all, 1);
	subject_add_filter(&scene.subject, "second", no_sti, ARRAY_SIZE(no_sti));
	subject_add_line(&scene.subject, 16, 7, 3, "deny ioctl");
	ask(&scene, "ioctl(0, TIOCSTI, 0)", &why);
	assert_true(why.is_refused);
	assert_string_equal(why.answer, "refused: errno EPERM");
	assert_int_equal(why.n_checks, 2);
	assert_false(why.checks[0].refuses);
	assert_true(why.checks[1].refuses);
	assert_string_equal(why.checks[1].layer, "second");
	assert_string_equal(why.checks[1].from, "x.bpf:7: deny ioctl");
	ask(&scene, "ioctl(0, TCGETS, 0)", &fine);
	assert_false(fine.is_refused);
	ask(&scene, "i386:54", &foreign);
	assert_true(foreign.is_refused);
}

static void of_many_filters_those_that_allow_are_counted(void **state)
{
	OWN(scene) scene = { regions_new(REGIONS_NODES), { .kind = SUBJECT_SYSTEMD, .name = "x.service" } };
	OWN(why) why = WHY_NONE;

	(void)state;
	for (unsigned i = 0; i < 7; i++)
		subject_add_filter(&scene.subject, "other", allow_all, 1);
	subject_add_filter(&scene.subject, "LockDown", no_sti, ARRAY_SIZE(no_sti));
	ask(&scene, "ioctl(0, TIOCSTI, 0)", &why);
	assert_int_equal(why.n_checks, 2);
	assert_string_equal(why.checks[0].layer, "LockDown");
	assert_string_equal(why.checks[1].says, "7 filters let it through");
}

static void free_arguments_are_told_apart(void **state)
{
	OWN(scene) scene = { regions_new(REGIONS_NODES), { .kind = SUBJECT_BPF, .name = "x.bpf" } };
	OWN(why) why = WHY_NONE, given = WHY_NONE;
	OWN(str) text = STR_NONE;

	(void)state;
	subject_add_filter(&scene.subject, "one", no_sti, ARRAY_SIZE(no_sti));
	ask(&scene, "ioctl", &why);
	assert_true(why.is_mixed && why.is_refused);
	why_text(&why, &text);
	assert_non_null(strstr(str_text(&text), "when arg1 is TIOCSTI\n"));
	assert_non_null(strstr(str_text(&text), "when arg1 is not TIOCSTI\n"));
	ask(&scene, "ioctl(_, TIOCSTI)", &given);
	assert_true(given.is_refused && !given.is_mixed);
}

static void without_a_filter_all_is_allowed(void **state)
{
	OWN(scene) scene = { regions_new(REGIONS_NODES), { .kind = SUBJECT_PROCESS, .name = "process 7" } };
	OWN(why) why = WHY_NONE;

	(void)state;
	ask(&scene, "ptrace(0, 1, 0, 0)", &why);
	assert_false(why.is_refused);
	assert_string_equal(why.checks[0].says, "there is no filter");
}

/* A box with /usr read-only, /tmp its own and not executable, one file, a link, and Landlock over it. */
static struct plan *small_plan(bool with_landlock)
{
	struct plan *const plan = plan_new();
	struct err e = ERR_INIT;

	plan_add(plan, OP_NS, .flags = 0x40000000);
	plan_add(plan, OP_ROOT, .n = 4096, .m = 16);
	plan_add(plan, OP_BIND, .s = "/usr", .t = "/usr", .fd_plus_one = 4, .flags = BIND_RDONLY);
	plan_add(plan, OP_SYMLINK, .s = "/bin", .t = "usr/bin");
	plan_add(plan, OP_DIR, .s = "/etc", .n = 0755);
	plan_add(plan, OP_FILE, .s = "/etc/passwd", .t = "x", .n = 0644);
	plan_add(plan, OP_TMPFS, .s = "/tmp", .n = 4096, .m = 16, .flags = BIND_NOEXEC);
	if (with_landlock) {
		plan_add(plan, OP_LANDLOCK, .n = 0xffff, .m = 3);
		plan_add(plan, OP_LANDLOCK_PATH, .s = "/usr", .n = 13);
		plan_add(plan, OP_LANDLOCK_PATH, .s = "/tmp", .n = 0xfffe);
		plan_add(plan, OP_LANDLOCK_PORT, .n = 443, .m = 2);
	}
	assert_int_equal(plan_finish(plan, &e), 0);
	return plan;
}

static void a_path_is_judged_by_mounts_and_landlock(void **state)
{
	static const struct { const char *path; enum why_access access; const char *answer, *question; } rows[] = {
		{ "/usr/lib/x", WHY_READ, "allowed", "read /usr/lib/x" },
		{ "/bin/sh", WHY_EXEC, "allowed", "exec /usr/bin/sh" },
		{ "//usr/./lib/../bin//sh", WHY_EXEC, "allowed", "exec /usr/bin/sh" },
		{ "/usr/lib/x", WHY_WRITE, "refused by mountns", "write /usr/lib/x" },
		{ "/tmp/x", WHY_CREATE, "allowed", "create /tmp/x" },
		{ "/tmp/x", WHY_EXEC, "refused by mountns", "exec /tmp/x" },
		{ "/home/me", WHY_READ, "refused by mountns", "read /home/me" },
		{ "/etc/shadow", WHY_READ, "refused by mountns", "read /etc/shadow" },
		{ "/etc/passwd", WHY_READ, "refused by landlock", "read /etc/passwd" },
		{ "/etc/passwd", WHY_WRITE, "refused by rootfs", "write /etc/passwd" },
		{ "/", WHY_LIST, "refused by landlock", "list /" },
		{ "/tmp/../..", WHY_LIST, "refused by landlock", "list /" },
	};
	struct plan *const plan = small_plan(true);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(why) why = WHY_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(why_path(plan, NULL, rows[i].path, rows[i].access, &why, &e), 0);
		assert_string_equal(why.question, rows[i].question);
		if (strcmp(why.answer, rows[i].answer) != 0)
			fail_msg("%s: %s", rows[i].question, why.answer);
	}
	plan_free(plan);
}

static void a_path_that_is_none_is_refused(void **state)
{
	struct plan *const plan = small_plan(false);
	char *const text = mem_alloc(9000);
	OWN(why) why = WHY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(why_path(plan, NULL, "usr/bin", WHY_READ, &why, &e), -1);
	for (size_t i = 0; i < 8998; i++)
		text[i] = i % 2 ? 'a' : '/';
	assert_int_equal(why_path(plan, NULL, text, WHY_READ, &why, &e), -1);
	assert_int_equal(why_access_find("w"), WHY_WRITE);
	assert_int_equal(why_access_find("create"), WHY_CREATE);
	assert_int_equal(why_access_find("rw"), WHY_ACCESSES);
	free(text);
	plan_free(plan);
}

static void an_address_passes_every_layer_or_none(void **state)
{
	static const struct { const char *address; bool bind, ports; const char *answer; } rows[] = {
		{ "example.org:443", false, true, "refused by netns" },
		{ "127.0.0.1:443", false, true, "allowed" },
		{ "[::1]:80", false, true, "refused by landlock" },
		{ "0.0.0.0:443", true, true, "refused by landlock" },
		{ "0.0.0.0:443", true, false, "allowed" },
	};
	OWN(scene) scene = { regions_new(REGIONS_NODES), { .kind = SUBJECT_POLICY, .name = "p" } };
	struct plan *const plans[] = { small_plan(false), small_plan(true) };
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(why) why = WHY_NONE;

		assert_int_equal(why_host(scene.store, &scene.subject, plans[rows[i].ports], rows[i].address,
					  rows[i].bind, &why, &e), 0);
		if (strcmp(why.answer, rows[i].answer) != 0)
			fail_msg("%s: %s", rows[i].address, why.answer);
	}
	for (size_t i = 0; i < 5; i++) {
		static const char *const bad[] = { "example.org", ":80", "a:99999", "a:b", "[::1:80" };
		OWN(why) why = WHY_NONE;

		assert_int_equal(why_host(scene.store, &scene.subject, plans[0], bad[i], false, &why, &e), -1);
	}
	plan_free(plans[0]);
	plan_free(plans[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_filter_that_refuses_is_named),
		cmocka_unit_test(of_many_filters_those_that_allow_are_counted),
		cmocka_unit_test(free_arguments_are_told_apart),
		cmocka_unit_test(without_a_filter_all_is_allowed),
		cmocka_unit_test(a_path_is_judged_by_mounts_and_landlock),
		cmocka_unit_test(a_path_that_is_none_is_refused),
		cmocka_unit_test(an_address_passes_every_layer_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
