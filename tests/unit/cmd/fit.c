/* cmd/fit: a weaker boundary is used when the host refuses the stronger and the policy names it. */
#include "cmd/fit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* An ordinary host that can do everything. */
static const struct host able = {
	.kernel = 0x060800,
	.landlock_abi = 5,
	.uid = 1000,
	.gid = 1000,
	.userns = true,
	.seccomp_notify = true,
	.mdwe = true,
	.spec_store = true,
	.spec_branch = true,
	.timens = true,
	.cgroupns = true,
	.idmap = true,
	.cgroup = HOST_CGROUP_V2,
	.cgroup_limits = 0x7f,
};

#define SYSCALLS "syscalls: {allow: ['@default']}\nfiles: [{read: host}]\n"

static void read_policy(const char *text, struct policy *out)
{
	struct err e = ERR_INIT;

	if (policy_read("test", text, strlen(text), out, &e) < 0)
		fail_msg("%s", e.text);
}

static int fit_text(const char *text, const struct host *host, struct fit *fit, struct err *e)
{
	static const char *const argv[] = { "true", NULL }, *const envp[] = { "PATH=/bin", NULL };
	const struct payload payload = { .argv = argv, .envp = envp };
	OWN(policy) policy = POLICY_NONE;
	struct host copy = *host;

	read_policy(text, &policy);
	return fit_make(&policy, &payload, &copy, fit, e);
}

static void a_host_that_can_runs_what_the_policy_says(void **state)
{
	static const struct {
		const char *text, *boundary;
	} rows[] = {
		{ "version: 1\n" SYSCALLS, "container" },
		{ "version: 1\nboundary: auto\nthreat: known\n" SYSCALLS, "container" },
		{ "version: 1\nboundary: auto\nthreat: own\n" SYSCALLS, "container" },
		{ "version: 1\nboundary: process\n" SYSCALLS, "process" },
		{ "version: 1\nfallback: [process]\n" SYSCALLS, "container" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(fit) fit = FIT_NONE;
		struct err e = ERR_INIT;

		if (fit_text(rows[i].text, &able, &fit, &e) < 0)
			fail_msg("row %zu: %s", i, e.text);
		assert_string_equal(fit.boundary->name, rows[i].boundary);
		assert_int_equal(fit.fell.kind, ERR_NONE);
		assert_true(fit.plan->n_steps > 0);
	}
}

/* Nobody guesses a threat, and what this host lacks makes no weaker boundary do. */
static void auto_takes_what_contains_the_threat_or_nothing(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ "version: 1\nboundary: auto\n" SYSCALLS, "states none" },
		{ "version: 1\nboundary: auto\nthreat: hostile\n" SYSCALLS, "gvisor" },
	};
	struct host host = able;

	(void)state;
	host.runsc[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(fit) fit = FIT_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(fit_text(rows[i].text, &host, &fit, &e), -1);
		if (!strstr(e.text, rows[i].wanted))
			fail_msg("row %zu: %s", i, e.text);
	}
}

static void without_namespaces_only_a_named_fallback_runs(void **state)
{
	static const struct {
		const char *text, *boundary;
	} rows[] = {
		{ "version: 1\n" SYSCALLS, NULL },
		{ "version: 1\nboundary: auto\nthreat: known\n" SYSCALLS, NULL },
		{ "version: 1\nfallback: [rlimits]\n" SYSCALLS, NULL },
		{ "version: 1\nfallback: [process]\n" SYSCALLS, "process" },
		{ "version: 1\nboundary: auto\nthreat: known\nfallback: [process]\n" SYSCALLS, "process" },
		{ "version: 1\nfallback: [process]\nrequire: [mountns]\n" SYSCALLS, NULL },
	};
	struct host host = able;

	(void)state;
	host.userns = false;
	snprintf(host.userns_why, sizeof(host.userns_why), "switched off; sysctl kernel.x=1");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(fit) fit = FIT_NONE;
		struct err e = ERR_INIT;
		const int rc = fit_text(rows[i].text, &host, &fit, &e);

		if (rc < 0 && rows[i].boundary)
			fail_msg("row %zu: %s", i, e.text);
		assert_int_equal(rc, rows[i].boundary ? 0 : -1);
		assert_non_null(
			strstr(rc < 0 ? e.text : fit.fell.text, rc < 0 ? "" : "switched off"));
		assert_true(rc < 0 || strcmp(fit.boundary->name, rows[i].boundary) == 0);
	}
}

static const char *first_path(const struct fit *fit)
{
	return fit->rung.policy->grants[1].what;
}

static void a_grant_behind_a_link_of_roots_has_its_real_path(void **state)
{
	static const char *const boundaries[] = { "container", "process" };
	char text[256], target[16];

	(void)state;
	if (readlink("/bin", target, sizeof(target)) != 7)
		skip(); /* no merged /usr: no link of root's that is everywhere */
	for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++) {
		OWN(fit) fit = FIT_NONE;
		struct err e = ERR_INIT;

		snprintf(text, sizeof(text), "version: 1\nboundary: %s\nsyscalls: {allow: "
			 "['@default']}\nfiles: [{read: host}, {read: /bin/true}]\n", boundaries[i]);
		if (fit_text(text, &able, &fit, &e) < 0)
			fail_msg("%s: %s", boundaries[i], e.text);
		assert_string_equal(first_path(&fit), "/usr/bin/true");
	}
}

static void only_files_and_directories_are_granted(void **state)
{
	static const struct { const char *name, *error; } rows[] = {
		{ "fifo", "pipe" }, { "link", "symbolic link" }, { "link/x", "symbolic link" },
	};
	char place[] = "/tmp/ward-fit-XXXXXX", path[64], text[256];

	(void)state;
	assert_non_null(mkdtemp(place));
	snprintf(path, sizeof(path), "%s/fifo", place);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/link", place);
	assert_int_equal(symlink("/usr", path), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(fit) fit = FIT_NONE;
		struct err e = ERR_INIT;

		snprintf(text, sizeof(text), "version: 1\nsyscalls: {allow: ['@default']}\n"
			 "files: [{read: host}, {read: %s/%s}]\n", place, rows[i].name);
		assert_int_equal(fit_text(text, &able, &fit, &e), -1);
		if (!strstr(e.text, rows[i].error) || !strstr(e.text, "test:3"))
			fail_msg("%s: %s", rows[i].name, e.text);
	}
	unlink(path);
	snprintf(path, sizeof(path), "%s/fifo", place);
	unlink(path);
	rmdir(place);
}

static void a_policy_that_is_wrong_does_not_fall(void **state)
{
	OWN(fit) fit = FIT_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(fit_text("version: 1\nfallback: [process]\nsyscalls: {allow: "
				  "['@default']}\n"
				  "files: [{read: host}, {read: /absent/file}]\n",
				  &able, &fit, &e),
			 -1);
	assert_int_equal(e.kind, ERR_MISSING);
	assert_null(fit.plan);
}

static void a_required_layer_is_in_the_plan_or_nothing_runs(void **state)
{
	OWN(fit) fit = FIT_NONE;
	struct host host = able;
	struct err e = ERR_INIT;

	(void)state;
	host.landlock_abi = 0;
	assert_int_equal(fit_text("version: 1\nrequire: [landlock]\n" SYSCALLS, &host, &fit, &e),
			 -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "landlock"));
}

static void a_boundary_of_another_build_is_named(void **state)
{
	OWN(fit) fit = FIT_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(fit_text("version: 1\nboundary: microvm\n" SYSCALLS, &able, &fit, &e), -1);
	assert_non_null(strstr(e.text, "no boundary 'microvm'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_that_can_runs_what_the_policy_says),
		cmocka_unit_test(auto_takes_what_contains_the_threat_or_nothing),
		cmocka_unit_test(without_namespaces_only_a_named_fallback_runs),
		cmocka_unit_test(a_grant_behind_a_link_of_roots_has_its_real_path),
		cmocka_unit_test(only_files_and_directories_are_granted),
		cmocka_unit_test(a_policy_that_is_wrong_does_not_fall),
		cmocka_unit_test(a_required_layer_is_in_the_plan_or_nothing_runs),
		cmocka_unit_test(a_boundary_of_another_build_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
