/* What is found in a filter, and what is not. */
#include "judge/lint.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "judge/region.h"
#include "lint_subject.h"
#include "model/policy.h"
#include "random_filter.h"

static void run_within(const struct subject *subject, size_t nodes, struct lint *out)
{
	struct err e = ERR_INIT;

	if (lint_run_within(subject, 0, nodes, out, &e) < 0)
		fail_msg("%s", e.text);
}

static void run(const struct subject *subject, struct lint *out)
{
	run_within(subject, REGIONS_NODES, out);
}

/* Whether the filters let a call through, as the kernel would decide. */
static bool passes(const struct subject *subject, const struct seccomp_data *call)
{
	for (size_t i = 0; i < subject->n_filters; i++) {
		bool is_valid = false;
		const uint32_t word = filter_run(subject->filters[i].program, subject->filters[i].n, call,
						 &is_valid) & SECCOMP_RET_ACTION_FULL;

		if (!is_valid || (word != SECCOMP_RET_ALLOW && word != SECCOMP_RET_LOG))
			return false;
	}
	return true;
}

static void check_examples(const struct subject *subject, const struct lint *lint)
{
	for (size_t i = 0; i < lint->n; i++) {
		const struct finding *const finding = &lint->findings[i];

		if (finding->has_call && passes(subject, &finding->call) == finding->is_refusal)
			fail_msg("%s: %s does not prove it", finding->danger.id, finding->text);
	}
}

static void nothing_in_force_is_one_finding(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;

	(void)state;
	run(&subject, &lint);
	assert_int_equal(lint.n, 1);
	assert_string_equal(lint.findings[0].danger.id, "set.no-filter");
	assert_int_equal(lint.findings[0].severity, SEVERITY_CRITICAL);
	assert_true(lint.findings[0].n_edits);
}

/* Every question of the data has a filter that answers it with yes: the one that allows everything. */
static void a_filter_that_allows_everything_has_every_finding(void **state)
{
	OWN(subject) subject = { .kind = SUBJECT_BPF };
	OWN(lint) lint = LINT_NONE;
	struct danger danger;

	(void)state;
	ADD_PROGRAM(&subject, ALLOW_IT);
	run(&subject, &lint);
	for (size_t i = 0; danger_at(i, &danger); i++) {
		size_t asked = 0;

		for (size_t j = 0; j < danger.n_reaches; j++)
			asked += !danger.reaches[j].is_named_only;
		if (asked && !find(&lint, danger.id))
			fail_msg("%s is not found", danger.id);
	}
	assert_non_null(find(&lint, "abi.arch-unchecked"));
	assert_non_null(find(&lint, "abi.default-allow"));
	check_examples(&subject, &lint);
}

static void findings_come_worst_first_and_have_edits(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;

	(void)state;
	ADD_PROGRAM(&subject, ALLOW_IT);
	for (int kind = SUBJECT_POLICY; kind < SUBJECT_KINDS; kind++) {
		OWN(lint) now = LINT_NONE;

		subject.kind = (enum subject_kind)kind;
		run(&subject, &now);
		for (size_t i = 0; i < now.n; i++) {
			assert_true(!i || now.findings[i - 1].severity >= now.findings[i].severity);
			assert_true(now.findings[i].n_edits);
			assert_true(!now.findings[i].has_call || now.findings[i].text);
		}
	}
}

static void every_refusal_has_no_finding_that_counts(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;

	(void)state;
	ADD_PROGRAM(&subject, KILL_IT);
	run(&subject, &lint);
	assert_int_equal(lint_count(&lint, SEVERITY_LOW), 0);
	check_examples(&subject, &lint);
}

#define ROW(name)      { .nr = nr_of(name), .act = FILTER_ALLOW }
#define ROW_IF(name, ...) \
	{ .nr = nr_of(name), .act = FILTER_ALLOW, .n_tests = 1, .tests = { __VA_ARGS__ } }
#define WHEN(arg, mask, value) { arg, FILTER_EQ, mask, value }

/* A filter as a server puts around the part that talks to strangers before they have logged in: what it
 * inherits, memory, time. */
static void a_small_filter_of_a_careful_server_is_clean(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;
	const struct filter_row rows[] = {
		ROW("brk"), ROW("close"), ROW("exit"), ROW("exit_group"), ROW("getpid"), ROW("getrandom"),
		ROW("gettimeofday"), ROW("munmap"), ROW("poll"), ROW("ppoll"), ROW("read"), ROW("write"),
		ROW("writev"), ROW("shutdown"), ROW("rt_sigprocmask"), ROW("getuid"), ROW("geteuid"),
		ROW("mremap"), ROW("nanosleep"), ROW("time"),
		ROW_IF("mmap", WHEN(2, PROT_EXEC, 0)),
		ROW_IF("mprotect", WHEN(2, PROT_EXEC, 0)),
		ROW_IF("madvise", WHEN(2, UINT64_MAX, MADV_DONTNEED)),
		ROW_IF("madvise", WHEN(2, UINT64_MAX, MADV_FREE)),
		ROW_IF("futex", WHEN(1, 0x7f, FUTEX_WAIT)),
		ROW_IF("futex", WHEN(1, 0x7f, FUTEX_WAKE)),
		ROW_IF("clock_gettime", { 0, FILTER_LE, UINT64_MAX, 11 }),
	};

	(void)state;
	add_rows(&subject, rows, ARRAY_SIZE(rows), FILTER_KILL);
	run(&subject, &lint);
	for (size_t i = 0; i < lint.n; i++)
		if (lint.findings[i].severity > SEVERITY_LOW)
			fail_msg("%s: %s", lint.findings[i].danger.id, lint.findings[i].text);
	assert_null(find(&lint, "mem.wx"));
	assert_null(find(&lint, "ipc.futex"));
}

/* Deny lists the usual way. */
static void one_request_of_a_call_is_found_and_the_rest_is_not(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;
	const struct filter_row rows[] = {
		ROW("read"), ROW_IF("ioctl", WHEN(1, UINT64_MAX, TIOCSTI)),
		ROW_IF("ioctl", WHEN(1, UINT64_MAX, TCGETS)),
	};
	const struct finding *finding;

	(void)state;
	add_rows(&subject, rows, ARRAY_SIZE(rows), FILTER_KILL);
	run(&subject, &lint);
	finding = find(&lint, "tty.sti");
	assert_non_null(finding);
	assert_string_equal(finding->text, "ioctl(0, TIOCSTI, 0)");
	assert_null(find(&lint, "tty.linux"));
	assert_null(find(&lint, "ioctl.broad"));
	check_examples(&subject, &lint);
}

static enum severity of_ptrace(const struct subject *subject)
{
	OWN(lint) lint = LINT_NONE;

	run(subject, &lint);
	return find(&lint, "proc.ptrace") ? find(&lint, "proc.ptrace")->severity : SEVERITY_NONE;
}

static void surroundings_lower_the_severity_and_say_so(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;
	const struct filter_row rows[] = { ROW("ptrace"), ROW("kill"), ROW("init_module") };

	(void)state;
	add_rows(&subject, rows, ARRAY_SIZE(rows), FILTER_KILL);
	assert_int_equal(of_ptrace(&subject), SEVERITY_CRITICAL);
	subject.context.own_pid = KNOWN_YES;
	assert_int_equal(of_ptrace(&subject), SEVERITY_MEDIUM);
	run(&subject, &lint);
	assert_string_equal(find(&lint, "proc.ptrace")->eased, "critical elsewhere; here there is a PID namespace of its own");
	assert_null(find(&lint, "proc.signals"));
	assert_int_equal(find(&lint, "host.module")->severity, SEVERITY_CRITICAL);
}

static void a_missing_capability_counts(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) with = LINT_NONE;
	OWN(lint) without = LINT_NONE;
	const struct filter_row rows[] = { ROW("init_module") };

	(void)state;
	add_rows(&subject, rows, ARRAY_SIZE(rows), FILTER_KILL);
	subject.context.caps_known = true;
	subject.context.caps = UINT64_C(1) << CAP_SYS_MODULE;
	run(&subject, &with);
	assert_int_equal(find(&with, "host.module")->severity, SEVERITY_CRITICAL);
	subject.context.caps = UINT64_C(1) << CAP_NET_RAW;
	run(&subject, &without);
	assert_int_equal(find(&without, "host.module")->severity, SEVERITY_LOW);
}

static void what_is_assumed_counts_and_is_kept(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;
	const struct filter_row rows[] = { ROW("ptrace") };
	struct err e = ERR_INIT;

	(void)state;
	add_rows(&subject, rows, ARRAY_SIZE(rows), FILTER_KILL);
	assert_int_equal(lint_run(&subject, FACT_OWN_PID, &lint, &e), 0);
	assert_int_equal(find(&lint, "proc.ptrace")->severity, SEVERITY_MEDIUM);
	assert_int_equal(lint.assumed, FACT_OWN_PID);
}

static void documented(const char *comment, size_t wanted_ptrace, size_t wanted_bpf)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;
	const struct filter_row rows[] = { ROW("ptrace"), ROW("bpf") };

	add_rows(&subject, rows, ARRAY_SIZE(rows), FILTER_KILL);
	subject_add_line(&subject, nr_of("ptrace"), 7, 3, "allow ptrace");
	subject_add_line(&subject, nr_of("bpf"), 7, 11, "allow bpf");
	subject_add_why(&subject, 7, comment);
	run(&subject, &lint);
	assert_int_equal(find(&lint, "proc.ptrace")->documented != NULL, wanted_ptrace);
	assert_int_equal(find(&lint, "host.bpf")->documented != NULL, wanted_bpf);
	assert_int_equal(find(&lint, "proc.ptrace")->line->line, 7);
	assert_int_equal(lint_count(&lint, SEVERITY_HIGH), 2 - wanted_ptrace - wanted_bpf);
}

static void a_comment_documents_and_silences(void **state)
{
	(void)state;
	documented("a debugger runs here", 1, 1);
	documented("note: a debugger runs here", 1, 1);
	documented("proc.ptrace: a debugger runs here", 1, 0);
	documented("host.bpf, proc.ptrace: a tracer runs here", 1, 1);
	documented("tty.sti: nothing to do with these", 0, 0);
}

static void what_could_not_be_judged_is_a_gap(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;

	(void)state;
	ADD_PROGRAM(&subject, KILL_IT);
	subject_add_missing(&subject, "unknown system call 'frobnicate'");
	run(&subject, &lint);
	assert_int_equal(lint.n_gaps, 1);
	assert_non_null(strstr(lint.gaps[0], "frobnicate"));
}

/* The product of two arguments, which no diagram holds. */
static void a_filter_that_is_too_large_is_a_gap_and_not_clean(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;

	(void)state;
	ADD_PROGRAM(&subject, LOAD_LOW(0), BPF_STMT(BPF_MISC | BPF_TAX, 0), LOAD_LOW(1),
		    BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0), IF_EQ(0x12345677, 0, 1), KILL_IT, ALLOW_IT);
	run_within(&subject, REGIONS_NODES / 16, &lint);
	assert_true(lint.n_gaps > 0);
}

static void a_program_the_kernel_would_refuse_is_an_error(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(lint) lint = LINT_NONE;
	struct err e = ERR_INIT;

	(void)state;
	ADD_PROGRAM(&subject, IF_EQ(1, 200, 0), ALLOW_IT);
	assert_int_equal(lint_run(&subject, 0, &lint, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
}

static void examples_prove_their_findings_in_any_filter(void **state)
{
	struct dice dice = { 0x11174 };
	size_t findings = 0;

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		OWN(subject) subject = SUBJECT_NONE;
		OWN(lint) lint = LINT_NONE;
		struct sock_filter program[160];
		const uint32_t n = 20 + below(&dice, ARRAY_SIZE(program) - 20);

		any_filter(&dice, program, n, false);
		subject_add_filter(&subject, "random", program, n);
		run_within(&subject, REGIONS_NODES / 16, &lint);
		check_examples(&subject, &lint);
		findings += lint.n;
	}
	assert_true(findings > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_in_force_is_one_finding),
		cmocka_unit_test(a_filter_that_allows_everything_has_every_finding),
		cmocka_unit_test(findings_come_worst_first_and_have_edits),
		cmocka_unit_test(every_refusal_has_no_finding_that_counts),
		cmocka_unit_test(a_small_filter_of_a_careful_server_is_clean),
		cmocka_unit_test(one_request_of_a_call_is_found_and_the_rest_is_not),
		cmocka_unit_test(surroundings_lower_the_severity_and_say_so),
		cmocka_unit_test(a_missing_capability_counts),
		cmocka_unit_test(what_is_assumed_counts_and_is_kept),
		cmocka_unit_test(a_comment_documents_and_silences),
		cmocka_unit_test(what_could_not_be_judged_is_a_gap),
		cmocka_unit_test(a_filter_that_is_too_large_is_a_gap_and_not_clean),
		cmocka_unit_test(a_program_the_kernel_would_refuse_is_an_error),
		cmocka_unit_test(examples_prove_their_findings_in_any_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
