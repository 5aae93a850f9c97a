/* cmd/subject_find: what a word of the command line means, and that filters are those of a run. */
#include "cmd/subject_find.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define WORDS 8

static const struct opt options[] = { FOUND_ROWS, COMMAND_HELP };

/* As `ward lint words...` would, with at most one operand. */
static int find(const char *const *words, struct found *out, struct err *e)
{
	struct opt_reader reader = { .table = options, .n = ARRAY_SIZE(options) };
	struct opt_hit hits[WORDS];
	struct args args = { .hits = hits };
	int more;

	reader.argv = (char *const *)(uintptr_t)words;
	while ((more = opt_next(&reader, &hits[args.n_hits], e)) > 0)
		args.n_hits++;
	assert_int_equal(more, 0);
	return subject_find(&args, words[reader.at], out, e);
}

/* find() of what is right; a host without boundaries cannot plan it. */
static void find_good(const char *const *words, struct found *out)
{
	struct err e = ERR_INIT;

	if (find(words, out, &e) == 0)
		return;
	if (e.kind != ERR_UNSUPPORTED && e.kind != ERR_SYSTEM)
		fail_msg("%s", e.text);
	print_message("[  SKIPPED ] %s\n", e.text);
	skip();
}

static void put(const char *path, const char *text, size_t len)
{
	FILE *const file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

#define PROFILE \
	"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [\"mount\"], " \
	"\"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}}]}"

static int set_up(void **state)
{
	static char directory[] = "/tmp/ward-subject-find-XXXXXX";
	static const char good[] = "version: 1\nfiles: [{read: host}]\nsyscalls:\n"
				   "  default: kill\n"
				   "  rules:\n"
				   "    - {call: socket, when: {arg0: AF_UNIX}}\n"
				   "  allow: [\"@default\", msgget] # why: scripts\n";

	*state = mkdtemp(directory);
	if (!*state || chdir(directory) < 0 || setenv("XDG_CONFIG_HOME", directory, 1) < 0)
		return -1;
	put("good.yaml", good, strlen(good));
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", (const char *)*state);
	return chdir("/") < 0 || system(command) != 0 ? -1 : 0;
}

static uint32_t answer(const struct subject_filter *filter, int nr)
{
	const struct seccomp_data data = { .nr = nr, .arch = 0xc000003e };
	bool valid;

	return filter_run(filter->program, filter->n, &data, &valid);
}

static void a_policy_has_the_filters_of_its_plan(void **state)
{
	const char *const words[] = { "default", NULL };
	OWN(found) found = FOUND_NONE;

	(void)state;
	find_good(words, &found);
	assert_int_equal(found.subject.kind, SUBJECT_POLICY);
	assert_string_equal(found.subject.name, "default (built in)");
	assert_int_equal(found.subject.n_filters, 2);
	assert_string_equal(found.subject.filters[0].name, "floor");
	assert_string_equal(found.subject.filters[1].name, "policy");
	assert_int_equal(answer(&found.subject.filters[0], SYS_ptrace), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(answer(&found.subject.filters[0], SYS_read), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&found.subject.filters[1], SYS_read), SECCOMP_RET_ALLOW);
	assert_string_equal(found.subject.context.boundary, "container");
	assert_int_equal(found.subject.context.own_net, KNOWN_YES);
	assert_int_equal(found.subject.context.no_new_privs, KNOWN_YES);
	assert_true(found.subject.context.caps_known && !found.subject.context.caps);
	assert_true(found.subject.n_lines > 100);
}

static void the_boundary_of_a_flag_is_the_one_that_is_judged(void **state)
{
	const char *const words[] = { "-b", "process", NULL };
	OWN(found) found = FOUND_NONE;

	(void)state;
	find_good(words, &found);
	assert_string_equal(found.subject.context.boundary, "process");
	assert_int_equal(found.subject.context.own_mount, KNOWN_NO);
}

static void a_call_has_the_line_that_decides_it(void **state)
{
	const char *const words[] = { "good.yaml", NULL };
	OWN(found) found = FOUND_NONE;
	const struct subject_line *line;

	(void)state;
	find_good(words, &found);
	line = subject_line_of(&found.subject, SYS_msgget);
	assert_int_equal(line->line, 7);
	assert_string_equal(line->text, "allow msgget");
	line = subject_line_of(&found.subject, SYS_read);
	assert_string_equal(line->text, "allow @default");
	assert_string_equal(subject_why_of(&found.subject, line->line), "scripts");
	line = subject_line_of(&found.subject, SYS_socket);
	assert_int_equal(line->line, 6);
	line = subject_line_of(&found.subject, 1000);
	assert_string_equal(line->text, "default kill");
	assert_int_equal(line->line, 4);
}

static void a_file_is_what_its_bytes_say(void **state)
{
	static const struct { const char *words[WORDS]; enum subject_kind kind; } rows[] = {
		{ { "profile.yaml" }, SUBJECT_OCI },
		{ { "./numbers" }, SUBJECT_BPF },
		{ { "--as", "bpf", "./numbers" }, SUBJECT_BPF },
		{ { "x.service" }, SUBJECT_SYSTEMD },
		{ { "--as=oci", "-p", "profile.yaml" }, SUBJECT_OCI },
	};

	(void)state;
	put("profile.yaml", PROFILE, strlen(PROFILE));
	put("numbers", "6 0 0 0\n", 8);
	put("x.service", "[Service]\nRestrictRealtime=yes\nSystemCallArchitectures=native x86 x32\n", 67);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(found) found = FOUND_NONE;
		struct err e = ERR_INIT;

		if (find(rows[i].words, &found, &e) < 0)
			fail_msg("row %zu: %s", i, e.text);
		assert_int_equal(found.subject.kind, rows[i].kind);
		assert_true(found.subject.n_filters > 0);
		assert_int_not_equal(found.subject.context.kernel, 0);
		assert_null(found.fit.plan);
	}
}

static void capabilities_of_a_profile_are_said(void **state)
{
	static const struct { const char *words[WORDS]; uint32_t answer; const char *error; } rows[] = {
		{ { "profile.yaml" }, SECCOMP_RET_ERRNO | EPERM, NULL },
		{ { "--caps=CAP_KILL,sys_admin", "profile.yaml" }, SECCOMP_RET_ALLOW, NULL },
		{ { "--caps=docker", "profile.yaml" }, SECCOMP_RET_ERRNO | EPERM, NULL },
		{ { "--caps=all", "profile.yaml" }, SECCOMP_RET_ALLOW, NULL },
		{ { "--caps=CAP_KIL", "profile.yaml" }, 0, "no capability 'CAP_KIL'" },
		{ { "--as=elf", "profile.yaml" }, 0, "unknown format 'elf'" },
	};

	(void)state;
	put("profile.yaml", PROFILE, strlen(PROFILE));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(found) found = FOUND_NONE;
		struct err e = ERR_INIT;
		const int rc = find(rows[i].words, &found, &e);

		if (rc < 0 && (!rows[i].error || !strstr(e.text, rows[i].error)))
			fail_msg("row %zu: %s", i, e.text);
		assert_int_equal(rc, rows[i].error ? -1 : 0);
		if (!rc)
			assert_int_equal(answer(&found.subject.filters[0], SYS_mount), rows[i].answer);
	}
}

static void what_cannot_be_judged_is_refused_in_one_line(void **state)
{
	static const struct { const char *words[WORDS], *error; } rows[] = {
		{ { "./absent.yaml" }, "no such file" },
		{ { "absent" }, "no policy is named" },
		{ { "/dev/null" }, "not a regular file" },
		{ { "bad.yaml" }, "bad.yaml:2:1: unknown key 'nmae'" },
		{ { "pid:0" }, "'0' is no process" },
		{ { "--pid=1x" }, "'1x' is no process" },
		{ { "--pid=4194304" }, "there is no process 4194304" },
		{ { "--pid=1", "-p", "default" }, "named twice" },
		{ { "-p", "default", "strict" }, "named twice" },
		{ { "cut.json" }, "cut.json:1:19: not JSON: it ends too early" },
		{ { "-p", "bad.yaml" }, "bad.yaml:2:1: unknown key 'nmae'" },
		{ { "-p", "strict", "--set=limits.memory=1T" }, "--widen" },
	};

	(void)state;
	put("cut.json", "{\"defaultAction\": ", 18);
	put("bad.yaml", "version: 1\nnmae: x\n", 19);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(found) found = FOUND_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(find(rows[i].words, &found, &e), -1);
		if (!strstr(e.text, rows[i].error))
			fail_msg("row %zu: %s", i, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_has_the_filters_of_its_plan),
		cmocka_unit_test(the_boundary_of_a_flag_is_the_one_that_is_judged),
		cmocka_unit_test(a_call_has_the_line_that_decides_it),
		cmocka_unit_test(a_file_is_what_its_bytes_say),
		cmocka_unit_test(capabilities_of_a_profile_are_said),
		cmocka_unit_test(what_cannot_be_judged_is_refused_in_one_line),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
