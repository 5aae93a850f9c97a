/* The rules about a filter as a whole, each on a filter that breaks it and on one that does not. */
#include "judge/lint.h"

#include <errno.h>
#include <asm/unistd_x32.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "lint_subject.h"

static void run(const struct subject *subject, struct lint *out)
{
	struct err e = ERR_INIT;

	if (lint_run(subject, 0, out, &e) < 0)
		fail_msg("%s", e.text);
}

/* Whether a program has a finding, which is copied out. */
#define FINDS(id, ...) ({ \
		OWN(subject) subject_ = SUBJECT_NONE; \
		OWN(lint) lint_ = LINT_NONE; \
		ADD_PROGRAM(&subject_, __VA_ARGS__); \
		run(&subject_, &lint_); \
		find(&lint_, (id)) != NULL; \
	})

enum { READ = 0, SOCKET = 41, PTRACE = 101, CHMOD = 90, FCHMODAT2 = 452, CLONE3 = 435, RSEQ = 334,
       OPEN = 2, SECCOMP = 317 };

static void an_architecture_that_is_not_looked_at_is_found(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;
	const struct finding *finding;

	(void)state;
	/* 26 is msync here and ptrace to int 0x80. */
	ADD_PROGRAM(&subject, LOAD_NR, IF_EQ(26, 0, 1), ALLOW_IT, KILL_IT);
	run(&subject, &lint);
	finding = find(&lint, "abi.arch-unchecked");
	assert_non_null(finding);
	assert_int_equal(finding->severity, SEVERITY_CRITICAL);
	assert_int_equal(finding->call.arch, AUDIT_ARCH_I386);
	assert_int_equal(finding->call.nr, 26);
	assert_non_null(strstr(finding->text, "ptrace"));
	assert_string_equal(finding->detail, "the filter takes it for msync");
	assert_false(FINDS("abi.arch-unchecked", CHECKED, IF_EQ(26, 0, 1), ALLOW_IT, KILL_IT));
}

static void an_architecture_that_is_waved_through_is_found(void **state)
{
	(void)state;
	assert_true(FINDS("abi.arch-unchecked", LOAD_ARCH, IF_EQ(AUDIT_ARCH_X86_64, 1, 0), ALLOW_IT, KILL_IT));
}

static void a_32_bit_table_with_less_care_is_found(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;

	(void)state;
	ADD_PROGRAM(&subject, LOAD_ARCH, IF_EQ(AUDIT_ARCH_I386, 0, 3), LOAD_NR, IF_EQ(26, 0, 1), ALLOW_IT,
		    KILL_IT);
	run(&subject, &lint);
	assert_non_null(find(&lint, "abi.i386-gap"));
	assert_string_equal(find(&lint, "abi.i386-gap")->names[0], "ptrace");
	assert_null(find(&lint, "abi.arch-unchecked"));
}

static void socketcall_is_found_where_families_are_chosen(void **state)
{
	(void)state;
	assert_true(FINDS("abi.i386-socketcall", LOAD_ARCH, IF_EQ(AUDIT_ARCH_I386, 0, 3), LOAD_NR,
			  IF_EQ(102, 0, 1), ALLOW_IT, KILL_IT));
	assert_false(FINDS("abi.i386-socketcall", LOAD_ARCH, IF_EQ(AUDIT_ARCH_I386, 0, 3), LOAD_NR,
			   IF_EQ(103, 0, 1), ALLOW_IT, KILL_IT));
}

static void x32_is_found_in_a_list_of_what_is_refused(void **state)
{
	(void)state;
	assert_true(FINDS("abi.x32", LOAD_ARCH, IF_EQ(AUDIT_ARCH_X86_64, 1, 0), KILL_IT, LOAD_NR,
			  IF_EQ(PTRACE, 0, 1), KILL_IT, ALLOW_IT));
	assert_false(FINDS("abi.x32", CHECKED, IF_EQ(PTRACE, 0, 1), KILL_IT, ALLOW_IT));
}

/* Equal care is no hole, and still a door nobody uses. */
static void x32_with_the_same_list_is_for_information(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;

	(void)state;
	ADD_PROGRAM(&subject, LOAD_ARCH, IF_EQ(AUDIT_ARCH_X86_64, 1, 0), KILL_IT, LOAD_NR,
		    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xbfffffff), IF_EQ(READ, 0, 1), ALLOW_IT, KILL_IT);
	run(&subject, &lint);
	assert_non_null(find(&lint, "abi.x32"));
	assert_int_equal(find(&lint, "abi.x32")->severity, SEVERITY_INFO);
}

/* As libseccomp compares: both words. */
static void a_64_bit_comparison_of_32_bits_is_found(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;
	const struct finding *finding;

	(void)state;
	ADD_PROGRAM(&subject, CHECKED, IF_EQ(SOCKET, 0, 5), LOAD_HIGH(0), IF_EQ(0, 0, 3), LOAD_LOW(0),
		    IF_EQ(AF_VSOCK, 0, 1), FAIL(EPERM), ALLOW_IT);
	run(&subject, &lint);
	finding = find(&lint, "abi.width");
	assert_non_null(finding);
	assert_int_equal((uint32_t)finding->call.args[0], AF_VSOCK);
	assert_true(finding->call.args[0] >> 32);
	/* And so the family is reachable after all. */
	assert_non_null(find(&lint, "net.vsock"));
}

/* Each comparison with a number of 64 bits is 64 ways to differ, and two of them 4096. */
static void many_comparisons_are_looked_at_in_full(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;

	(void)state;
	ADD_PROGRAM(&subject, CHECKED, IF_EQ(SOCKET, 0, 13), LOAD_HIGH(0), IF_EQ(0, 0, 2), LOAD_LOW(0),
		    IF_EQ(AF_VSOCK, 8, 0), LOAD_HIGH(1), IF_EQ(0, 0, 2), LOAD_LOW(1), IF_EQ(3, 4, 0),
		    LOAD_HIGH(2), IF_EQ(0, 0, 3), LOAD_LOW(2), IF_EQ(9, 0, 1), FAIL(EPERM), ALLOW_IT);
	run(&subject, &lint);
	assert_non_null(find(&lint, "abi.width"));
	assert_int_equal(lint.n_gaps, 0);
}

static void a_comparison_of_the_low_word_is_not(void **state)
{
	(void)state;
	assert_false(FINDS("abi.width", CHECKED, IF_EQ(SOCKET, 0, 3), LOAD_LOW(0), IF_EQ(AF_VSOCK, 0, 1),
			   FAIL(EPERM), ALLOW_IT));
	/* Allowing one 64-bit value errs on the safe side. */
	assert_false(FINDS("abi.width", CHECKED, IF_EQ(SOCKET, 0, 5), LOAD_HIGH(0), IF_EQ(0, 0, 3),
			   LOAD_LOW(0), IF_EQ(AF_UNIX, 0, 1), ALLOW_IT, FAIL(EPERM)));
	/* AT_FDCWD as a C program passes it. */
	assert_false(FINDS("abi.width", CHECKED, IF_EQ(257, 0, 5), LOAD_HIGH(0), IF_EQ(0xffffffff, 0, 3),
			   LOAD_LOW(0), IF_EQ(0xffffff9c, 0, 1), ALLOW_IT, FAIL(EPERM)));
}

static void a_pointer_that_is_compared_is_found(void **state)
{
	(void)state;
	assert_true(FINDS("abi.pointer-arg", CHECKED, IF_EQ(OPEN, 0, 3), LOAD_LOW(0), IF_EQ(0x1000, 0, 1),
			  ALLOW_IT, KILL_IT));
	assert_false(FINDS("abi.pointer-arg", CHECKED, IF_EQ(302, 0, 5), LOAD_LOW(2), IF_EQ(0, 0, 3),
			   LOAD_HIGH(2), IF_EQ(0, 0, 1), ALLOW_IT, KILL_IT));
}

static void what_is_not_listed_is_found_when_it_is_allowed(void **state)
{
	(void)state;
	assert_true(FINDS("abi.default-allow", CHECKED, IF_EQ(PTRACE, 0, 1), KILL_IT, ALLOW_IT));
	assert_true(FINDS("abi.default-allow", CHECKED, IF_GE(460, 0, 1), ALLOW_IT, KILL_IT));
	assert_false(FINDS("abi.default-allow", CHECKED, IF_EQ(READ, 0, 1), ALLOW_IT, KILL_IT));
}

static void another_spelling_is_found_beside_a_refusal_that_was_meant(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;

	(void)state;
	ADD_PROGRAM(&subject, CHECKED, IF_EQ(CHMOD, 0, 1), FAIL(EPERM), IF_EQ(FCHMODAT2, 0, 1), ALLOW_IT,
		    KILL_IT);
	run(&subject, &lint);
	assert_non_null(find(&lint, "abi.alt-gap"));
	assert_string_equal(find(&lint, "abi.alt-gap")->detail,
			    "setting the set-user-ID bit of a file: chmod is refused, fchmodat2 is not");
	/* Not listed: nobody meant to refuse it. */
	assert_false(FINDS("abi.alt-gap", CHECKED, IF_EQ(FCHMODAT2, 0, 1), ALLOW_IT, KILL_IT));
	/* Sent elsewhere. */
	assert_false(FINDS("abi.alt-gap", CHECKED, IF_EQ(CHMOD, 0, 1), FAIL(ENOSYS), IF_EQ(FCHMODAT2, 0, 1),
			   ALLOW_IT, KILL_IT));
}

static void an_answer_that_programs_do_not_expect_is_found(void **state)
{
	(void)state;
	assert_true(FINDS("abi.errno-choice", CHECKED, IF_EQ(CLONE3, 0, 1), FAIL(EPERM), KILL_IT));
	assert_false(FINDS("abi.errno-choice", CHECKED, IF_EQ(CLONE3, 0, 1), FAIL(ENOSYS), KILL_IT));
	assert_true(FINDS("time.rseq-membarrier", CHECKED, KILL_IT));
	assert_false(FINDS("time.rseq-membarrier", CHECKED, IF_EQ(RSEQ, 0, 1), FAIL(ENOSYS), KILL_IT));
	assert_true(FINDS("lsm.landlock", CHECKED, IF_EQ(SECCOMP, 0, 1), ALLOW_IT, KILL_IT));
	assert_false(FINDS("lsm.landlock", CHECKED, KILL_IT));
}

static void missing_no_new_privs_is_found_where_it_is_known(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) known = LINT_NONE;
	OWN(lint) unknown = LINT_NONE;

	(void)state;
	ADD_PROGRAM(&subject, KILL_IT);
	run(&subject, &unknown);
	assert_null(find(&unknown, "set.no-new-privs"));
	subject.context.no_new_privs = KNOWN_NO;
	run(&subject, &known);
	assert_non_null(find(&known, "set.no-new-privs"));
}

/* Ours against the header's. */
static void numbers_of_x32_are_the_kernels(void **state)
{
	static const struct {
		unsigned ours, theirs;
	} rows[] = {
#define __X32_SYSCALL_BIT 0
#define I386(...)
#define X32(name, number) { number, __NR_##name },
#include "judge/abi.def"
#undef I386
#undef X32
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(rows[i].ours, rows[i].theirs & 0xfff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_architecture_that_is_not_looked_at_is_found),
		cmocka_unit_test(an_architecture_that_is_waved_through_is_found),
		cmocka_unit_test(a_32_bit_table_with_less_care_is_found),
		cmocka_unit_test(socketcall_is_found_where_families_are_chosen),
		cmocka_unit_test(x32_is_found_in_a_list_of_what_is_refused),
		cmocka_unit_test(x32_with_the_same_list_is_for_information),
		cmocka_unit_test(a_64_bit_comparison_of_32_bits_is_found),
		cmocka_unit_test(many_comparisons_are_looked_at_in_full),
		cmocka_unit_test(a_comparison_of_the_low_word_is_not),
		cmocka_unit_test(a_pointer_that_is_compared_is_found),
		cmocka_unit_test(what_is_not_listed_is_found_when_it_is_allowed),
		cmocka_unit_test(another_spelling_is_found_beside_a_refusal_that_was_meant),
		cmocka_unit_test(an_answer_that_programs_do_not_expect_is_found),
		cmocka_unit_test(missing_no_new_privs_is_found_where_it_is_known),
		cmocka_unit_test(numbers_of_x32_are_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
