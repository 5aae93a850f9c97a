/* format/systemd_write: a drop-in lets no call through that the policy refuses, unless it was asked to, and
 * then it says which. */
#include "format/systemd_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "boxes.h"
#include "format/systemd_read.h"
#include "judge/eval.h"

/* What passes the unit as systemd would load it, and what of that the policy refuses. */
static struct region wider_than(struct regions *store, const struct boxed *made, struct region *passes)
{
	OWN(subject) subject = SUBJECT_NONE;
	struct answers theirs = ANSWERS_NONE, ours = ANSWERS_NONE;
	struct err e = ERR_INIT;

	if (systemd_read("unit", boxed_out(made), made->text.out.len, &subject, &e) < 0 ||
	    eval_subject(store, &subject, &theirs, &e) < 0 ||
	    eval_program(store, made->program, made->box.n, &ours, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(subject.n_filters > 0);
	*passes = eval_passes(store, &theirs, true);
	assert_false(regions_are_full(store));
	return region_minus(store, *passes, eval_passes(store, &ours, true));
}

static void count_numbers(void *at, uint32_t low, uint32_t high, struct region arguments)
{
	(void)arguments;
	*(size_t *)at += high - low + 1;
}

static void nothing_passes_that_the_policy_refuses(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(near_policies); p++) {
		struct regions *const store = regions_new(REGIONS_NODES);
		struct boxed *const made = boxed_builtin("systemd", near_policies[p]);
		struct region passes;
		struct seccomp_data point;
		size_t n = 0;

		if (region_pick(store, wider_than(store, made, &passes), &point))
			fail_msg("%s: call %d of %#x passes", near_policies[p], point.nr, point.arch);
		region_each_number(store, passes, 0xc000003e, SYSCALLS_NUMBERS - 1, count_numbers, &n);
		assert_in_range(n, 20, 400);
		print_message("# %s: %zu calls pass\n", near_policies[p], n);
		assert_true(boxed_has_note(made, false, "cannot test arguments"));
		boxed_free(made);
		regions_free(store);
	}
}

struct wider {
	const struct boxed *made;
	size_t n;
};

static void check_named(void *at, uint32_t low, uint32_t high, struct region arguments)
{
	struct wider *const wider = at;

	(void)arguments;
	for (uint32_t nr = low; nr <= high; nr++, wider->n++) {
		char note[80];

		snprintf(note, sizeof(note), "%s is let through whole", syscalls_name(nr));
		if (!boxed_has_note(wider->made, true, note))
			fail_msg("%s is wider, and nobody says so", syscalls_name(nr));
	}
}

static void whole_calls_are_named_when_they_are_let_through(void **state)
{
	size_t len = 0;
	const char *const text = policy_builtin("default", &len);
	struct regions *const store = regions_new(REGIONS_NODES);
	struct boxed *const made = boxed_write("systemd", text, len, "default", boxed_nothing, true);
	struct wider wider = { .made = made };
	struct region passes;

	(void)state;
	region_each_number(store, wider_than(store, made, &passes), 0xc000003e, SYSCALLS_NUMBERS - 1, check_named,
			   &wider);
	assert_in_range(wider.n, 10, 60);
	assert_true(boxed_has_note(made, true, "clone is let through whole; the policy tests its arguments, "
					       "which in part holds RestrictNamespaces"));
	boxed_free(made);
	regions_free(store);
}

static void directives_follow_the_policy(void **state)
{
	static const char *const says[] = {
		"SystemCallArchitectures=native\n", "SystemCallErrorNumber=ENOSYS\n", "NoNewPrivileges=yes\n",
		"CapabilityBoundingSet=\n", "MemoryMax=134217728\n", "MemorySwapMax=0\n", "TasksMax=7\n",
		"CPUQuota=150%\n", "RuntimeMaxSec=90000ms\n", "LimitNOFILE=64\n", "LimitCPU=3\n",
		"TemporaryFileSystem=/:ro\n", "BindReadOnlyPaths=-/usr\n", "BindReadOnlyPaths=/srv/in:/in\n",
		"NoExecPaths=/in\n", "BindPaths=/srv/out:/out\n", "SocketBindDeny=any\n",
		"SocketBindAllow=tcp:8080\n", "RestrictAddressFamilies=AF_INET\n", "WorkingDirectory=/out\n",
		"Environment=\"WHO=a b\"\n", "PassEnvironment=LANG\n", "SystemCallFilter=read execve exit exit_group\n", "SystemCallFilter=~mmap ",
		"LockPersonality=yes\n",
		"TemporaryFileSystem=/tmp:mode=1777,nosuid,nodev,size=1048576,nr_inodes=16384,noexec\n",
	};
	struct boxed *const made = boxed_text(
		"systemd",
		"version: 1\nlimits: {memory: 128M, swap: 0, pids: 7, cpus: 1.5, wall: 90s, cpu: 2500ms, files: 64}\n"
		"network: {mode: host, connect: [443], bind: [8080]}\ncwd: /out\n"
		"files:\n  - read: host\n  - {read: /srv/in, as: /in}\n  - {write: /srv/out, as: /out}\n"
		"  - {scratch: /tmp, size: 1M}\n  - {read: \"/srv/a b\"}\n"
		"env: {keep: [LANG], set: {WHO: \"a b\", PERCENT: \"100%\"}}\n"
		"syscalls:\n  default: errno\n  allow: [execve, read]\n  rules:\n"
		"    - {call: socket, when: {arg0: AF_INET}}\n"
		"    - {call: personality, action: errno}\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(says); i++)
		if (!strstr(boxed_out(made), says[i]))
			fail_msg("'%s' is missing in\n%s", says[i], boxed_out(made));
	assert_null(strstr(boxed_out(made), "PrivateNetwork"));
	assert_null(strstr(boxed_out(made), "100%"));
	assert_true(boxed_has_note(made, true, "network.connect"));
	assert_true(boxed_has_note(made, true, "LimitCPU"));
	assert_true(boxed_has_note(made, false, "/srv/a b"));
	assert_true(boxed_has_note(made, false, "PERCENT"));
	for (size_t i = 0; i < made->text.n_notes; i++)
		assert_non_null(strstr(boxed_out(made), made->text.notes[i].text));
	boxed_free(made);
}

static void a_policy_that_lets_through_becomes_a_list_of_refusals(void **state)
{
	struct boxed *const made = boxed_text("systemd", "version: 1\nsyscalls:\n  default: log\n"
							  "  allow: [execve]\n  rules:\n"
							  "    - {call: kill, action: errno, errno: ESRCH}\n");

	(void)state;
	assert_non_null(strstr(boxed_out(made), "SystemCallFilter=~"));
	assert_non_null(strstr(boxed_out(made), " mount:ENOSYS"));
	assert_non_null(strstr(boxed_out(made), "kill:ESRCH"));
	assert_non_null(strstr(boxed_out(made), "ioctl:ENOSYS"));
	assert_null(strstr(boxed_out(made), "SystemCallFilter=read"));
	boxed_free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_passes_that_the_policy_refuses),
		cmocka_unit_test(whole_calls_are_named_when_they_are_let_through),
		cmocka_unit_test(directives_follow_the_policy),
		cmocka_unit_test(a_policy_that_lets_through_becomes_a_list_of_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
