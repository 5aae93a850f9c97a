/* Profiles become the program that runc would load, and what could not be compiled is told. */
#include "format/oci_read.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "model/filter.h"

#define ARCH_64 0xc000003e
#define ARCH_32 0x40000003
#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))

static void read_good(const char *text, struct subject *out)
{
	struct err e = ERR_INIT;

	if (oci_read("x", text, strlen(text), out, &e) < 0)
		fail_msg("%s", e.text);
}

static uint32_t answer(const struct subject *subject, uint32_t arch, uint32_t nr, uint64_t arg0)
{
	const struct seccomp_data data = { .nr = (int)nr, .arch = arch, .args = { arg0 } };
	bool valid;

	assert_int_equal(subject->n_filters, 1);
	return filter_run(subject->filters[0].program, subject->filters[0].n, &data, &valid);
}

/* A profile around entries of syscalls. */
#define PROFILE(entries) \
	"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [" entries "]}"
#define READ "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\"}"

static void rules_answer_as_they_are_written(void **state)
{
	static const struct { const char *text; uint32_t nr; uint64_t arg0; uint32_t answer; } rows[] = {
		{ PROFILE(READ), SYS_read, 0, SECCOMP_RET_ALLOW },
		{ PROFILE(READ), SYS_write, 0, ERRNO(EPERM) },
		{ "{\"DEFAULTACTION\": \"SCMP_ACT_ERRNO\", \"defaulterrnoret\": 38}", SYS_read, 0, ERRNO(ENOSYS) },
		{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrno\": \"ENOSYS\", \"defaultErrnoRet\": 1}",
		  SYS_read, 0, ERRNO(ENOSYS) },
		{ PROFILE("{\"name\": \"read\", \"action\": \"SCMP_ACT_KILL\", \"names\": null}"), SYS_read, 0,
		  SECCOMP_RET_KILL_THREAD },
		{ PROFILE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": \"EACCES\"}"), SYS_read, 0,
		  ERRNO(EACCES) },
		{ PROFILE("{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, "
			  "\"value\": 40, \"op\": \"SCMP_CMP_NE\"}]}"), SYS_socket, 40, ERRNO(EPERM) },
		/* libseccomp compares 64 bits, the kernel reads 32: the hole that lint must find. */
		{ PROFILE("{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, "
			  "\"value\": 40, \"op\": \"SCMP_CMP_NE\"}]}"), SYS_socket, 0x100000028, SECCOMP_RET_ALLOW },
		{ PROFILE("{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, "
			  "\"value\": 255, \"valueTwo\": 2, \"op\": \"SCMP_CMP_MASKED_EQ\"}]}"), SYS_socket, 0x302,
		  SECCOMP_RET_ALLOW },
		/* One argument twice: each condition is a rule of its own, and one is enough. */
		{ PROFILE("{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": ["
			  "{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"},"
			  "{\"index\": 0, \"value\": 2, \"op\": \"SCMP_CMP_EQ\"}]}"), SYS_socket, 2, SECCOMP_RET_ALLOW },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(subject) subject = SUBJECT_NONE;

		read_good(rows[i].text, &subject);
		assert_int_equal(subject.kind, SUBJECT_OCI);
		if (subject.n_missing)
			fail_msg("row %zu: %s", i, subject.missing[0]);
		if (answer(&subject, ARCH_64, rows[i].nr, rows[i].arg0) != rows[i].answer)
			fail_msg("row %zu: 0x%x", i, answer(&subject, ARCH_64, rows[i].nr, rows[i].arg0));
	}
}

static void a_rule_that_equals_the_default_is_no_rule(void **state)
{
	OWN(subject) with = SUBJECT_NONE, without = SUBJECT_NONE;

	(void)state;
	read_good(PROFILE(READ ", {\"names\": [\"ptrace\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1}"), &with);
	read_good(PROFILE(READ), &without);
	assert_int_equal(with.filters[0].n, without.filters[0].n);
	assert_memory_equal(with.filters[0].program, without.filters[0].program, with.filters[0].n * 8);
	assert_int_equal(subject_line_of(&with, SYS_ptrace)->line, 1);
}

static void architectures_come_from_the_list_or_the_map(void **state)
{
	static const struct { const char *arches; uint32_t x32, i386; } rows[] = {
		{ "\"flags\": []", SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_THREAD },
		{ "\"architectures\": [\"SCMP_ARCH_X86\"]", SECCOMP_RET_KILL_THREAD, SECCOMP_RET_ALLOW },
		{ "\"archMap\": [{\"architecture\": \"SCMP_ARCH_AARCH64\", \"subArchitectures\": [\"SCMP_ARCH_ARM\"]}, "
		  "{\"architecture\": \"SCMP_ARCH_X86_64\", \"subArchitectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"]}]",
		  SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(subject) subject = SUBJECT_NONE;

		snprintf(text, sizeof(text), "{\"defaultAction\": \"SCMP_ACT_ERRNO\", %s, \"syscalls\": [" READ "]}",
			 rows[i].arches);
		read_good(text, &subject);
		assert_int_equal(answer(&subject, ARCH_64, SYS_read, 0), SECCOMP_RET_ALLOW);
		assert_int_equal(answer(&subject, ARCH_64, 0x40000000, 0), rows[i].x32);
		assert_int_equal(answer(&subject, ARCH_32, 3, 0), rows[i].i386);
	}
}

static void entries_count_for_the_context_they_name(void **state)
{
	static const struct { const char *condition; uint64_t caps; uint32_t kernel; bool counts; } rows[] = {
		{ "\"includes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}", 0, 0, false },
		{ "\"includes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}", 1 << 21, 0, true },
		{ "\"includes\": {\"caps\": [\"CAP_SYS_ADMIN\", \"CAP_CHOWN\"]}", 1 << 21, 0, false },
		{ "\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\", \"CAP_CHOWN\"]}", 1 << 21, 0, false },
		{ "\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}, \"includes\": {}", 0, 0, true },
		{ "\"includes\": {\"arches\": [\"amd64\", \"x32\"]}", 0, 0, true },
		{ "\"includes\": {\"arches\": [\"arm\"]}", 0, 0, false },
		{ "\"excludes\": {\"arches\": [\"s390\"]}", 0, 0, true },
		{ "\"includes\": {\"minKernel\": \"4.8\"}", 0, 0x040700, false },
		{ "\"includes\": {\"minKernel\": \"4.8\"}", 0, 0x060100, true },
		{ "\"excludes\": {\"minKernel\": \"4.8\"}", 0, 0x060100, false },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(subject) subject = SUBJECT_NONE;

		subject.context.caps = rows[i].caps;
		subject.context.kernel = rows[i].kernel;
		snprintf(text, sizeof(text), PROFILE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", %s}"),
			 rows[i].condition);
		read_good(text, &subject);
		if ((answer(&subject, ARCH_64, SYS_read, 0) == SECCOMP_RET_ALLOW) != rows[i].counts)
			fail_msg("row %zu", i);
	}
}

static void what_cannot_be_compiled_is_told(void **state)
{
	static const struct { const char *text, *missing; } rows[] = {
		{ PROFILE("{\"names\": [\"read\",\n\"frobnicate\"], \"action\": \"SCMP_ACT_ALLOW\"}"),
		  "x:2: unknown system call 'frobnicate'" },
		{ PROFILE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_MAYBE\"}"), "unknown action 'SCMP_ACT_MAYBE'" },
		{ PROFILE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"op\": \"<\"}]}"),
		  "unknown operator '<'" },
		{ PROFILE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"when\": 1}"), "unknown key 'when'" },
		{ PROFILE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"caps\": [\"CAP_X\"]}}"),
		  "unknown capability 'CAP_X'" },
		{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"flags\": [\"F\"]}", "unknown flag 'F'" },
		{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_Z80\"]}",
		  "unknown architecture 'SCMP_ARCH_Z80'" },
		{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"sycalls\": []}", "unknown key 'sycalls'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(subject) subject = SUBJECT_NONE;

		read_good(rows[i].text, &subject);
		if (!subject.n_missing || !strstr(subject.missing[0], rows[i].missing))
			fail_msg("row %zu: %s", i, subject.n_missing ? subject.missing[0] : "nothing");
	}
}

static void what_is_wrong_is_refused_with_its_place(void **state)
{
	static const struct { const char *text, *error; } rows[] = {
		{ "", "x:1:1: not JSON" },
		{ "[]", "neither a seccomp profile nor" },
		{ "[{\"a\": 1}]", "neither a seccomp profile nor" },
		{ "{}", "without 'defaultAction'" },
		{ "{\"defaultAction\": 1}", "unknown action '1' as the default" },
		{ "{\"defaultAction\":\n\"SCMP_ACT_NO\"}", "x:2:1: unknown action 'SCMP_ACT_NO' as the default" },
		{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": {}}", "syscalls wants a list" },
		{ PROFILE("1"), "an entry of syscalls wants a map" },
		{ PROFILE("{\"names\": [\"read\"]}"), "without 'action'" },
		{ PROFILE("{\"names\": \"read\", \"action\": \"SCMP_ACT_ALLOW\"}"), "names wants a list" },
		{ PROFILE("{\"name\": \"a\", \"names\": [\"b\"], \"action\": \"SCMP_ACT_ALLOW\"}"), "both 'name' and 'names'" },
		{ PROFILE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 6, "
			  "\"op\": \"SCMP_CMP_EQ\"}]}"), "arguments 0 to 5" },
		{ PROFILE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"value\": -1}]}"),
		  "value wants a number" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_X86\"], "
		  "\"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\"}]}", "both 'architectures' and 'archMap'" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultAction\": \"SCMP_ACT_KILL\"}", "duplicate key" },
		{ "{\"linux\": {\"seccomp\": []}}", "a seccomp profile wants a map" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(subject) subject = SUBJECT_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(oci_read("x", rows[i].text, strlen(rows[i].text), &subject, &e), -1);
		if (!strstr(e.text, rows[i].error))
			fail_msg("row %zu: %s", i, e.text);
	}
}

static void a_runtime_configuration_says_where_it_runs(void **state)
{
	static const char text[] =
		"{\"ociVersion\": \"1.0\", \"root\": {\"path\": \"x\\ny\"}, \"mounts\": [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]],\n"
		"\"process\": {\"args\": [\"a\\nb\"], \"noNewPrivileges\": true, \"terminal\": true,\n"
		"  \"capabilities\": {\"bounding\": [\"CAP_KILL\"], \"ambient\": null}},\n"
		"\"linux\": {\"resources\": {}, \"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"network\", \"path\": \"/x\"}],\n"
		"  \"seccomp\": {\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [\n"
		"    {\"names\": [\"ptrace\"], \"action\": \"SCMP_ACT_ERRNO\", \"comment\": \"why:  debuggers\"}]}}}";
	OWN(subject) subject = SUBJECT_NONE;
	const struct subject_context *const context = &subject.context;

	(void)state;
	read_good(text, &subject);
	assert_int_equal(subject.n_missing, 0);
	assert_int_equal(answer(&subject, ARCH_64, SYS_ptrace, 0), ERRNO(EPERM));
	assert_true(context->caps_known && context->caps == 1 << 5);
	assert_int_equal(context->no_new_privs, KNOWN_YES);
	assert_int_equal(context->own_terminal, KNOWN_YES);
	assert_int_equal(context->own_pid, KNOWN_YES);
	assert_int_equal(context->own_net, KNOWN_NOT);
	assert_int_equal(context->own_user, KNOWN_NO);
	assert_int_equal(subject_line_of(&subject, SYS_ptrace)->line, 6);
	assert_string_equal(subject_line_of(&subject, SYS_ptrace)->text, "syscalls[0]: SCMP_ACT_ERRNO");
	assert_string_equal(subject_why_of(&subject, 6), "debuggers");
	assert_string_equal(subject_line_of(&subject, SYS_read)->text, "defaultAction SCMP_ACT_ALLOW");
}

static void a_configuration_without_a_profile_allows_everything(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;

	(void)state;
	read_good("{\"ociVersion\": \"1.0\", \"linux\": {\"seccomp\": null}}", &subject);
	assert_int_equal(subject.n_filters, 0);
	assert_int_equal(subject.n_missing, 0);
}

/* What Podman gives every container, where its package is installed. */
static void the_installed_profile_compiles_whole(void **state)
{
	static const char path[] = "/usr/share/containers/seccomp.json";
	FILE *const file = fopen(path, "r");
	OWN(subject) subject = SUBJECT_NONE;
	static char text[1 << 17];
	size_t len;

	(void)state;
	if (!file) {
		print_message("[  SKIPPED ] %s: install golang-github-containers-common\n", path);
		skip();
	}
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	read_good(text, &subject);
	for (size_t i = 0; i < subject.n_missing; i++)
		print_message("%s\n", subject.missing[i]);
	assert_int_equal(answer(&subject, ARCH_64, SYS_read, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&subject, ARCH_64, SYS_bpf, 0), ERRNO(EPERM));
	assert_int_equal(answer(&subject, ARCH_32, 3, 0), SECCOMP_RET_ALLOW);
	print_message("%zu instructions, %zu lines\n", subject.filters[0].n, subject.n_lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_answer_as_they_are_written),
		cmocka_unit_test(a_rule_that_equals_the_default_is_no_rule),
		cmocka_unit_test(architectures_come_from_the_list_or_the_map),
		cmocka_unit_test(entries_count_for_the_context_they_name),
		cmocka_unit_test(what_cannot_be_compiled_is_told),
		cmocka_unit_test(what_is_wrong_is_refused_with_its_place),
		cmocka_unit_test(a_runtime_configuration_says_where_it_runs),
		cmocka_unit_test(a_configuration_without_a_profile_allows_everything),
		cmocka_unit_test(the_installed_profile_compiles_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
