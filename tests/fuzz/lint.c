/* Fuzz: any program the kernel would take is linted and shown; each example must prove its finding, as the
 * interpreter sees it. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "judge/lint.h"
#include "model/filter.h"
#include "require.h"

#define MOST  96
#define NODES 40000     /* small, so that many inputs reach it: what was found before must hold as well */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(const struct subject *subject, const struct finding *finding)
{
	bool is_valid = false, passes = true;

	for (size_t i = 0; finding->has_call && i < subject->n_filters; i++) {
		const uint32_t action = filter_run(subject->filters[i].program, subject->filters[i].n,
						   &finding->call, &is_valid) & SECCOMP_RET_ACTION_FULL;

		passes &= action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
	}
	require_that(!finding->has_call || passes != finding->is_refusal);
	require_that(finding->n_edits > 0);
}

static void show(const struct subject *subject, const struct lint *lint)
{
	const struct lint_report report = { .subject = subject, .lint = lint };
	OWN(json) json = JSON_NONE;
	OWN(str) text = STR_NONE;

	lint_show(&report, SEVERITY_INFO, true, &text);
	lint_put_sarif(&report, 1, SEVERITY_INFO, &json);
	require_that(json.depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sock_filter program[MOST];
	OWN(subject) subject = { .name = "fuzz.bpf" };
	OWN(lint) lint = LINT_NONE;
	struct err e = ERR_INIT;
	size_t n_program;

	if (!n)
		return 0;
	subject.kind = (enum subject_kind)(bytes[0] % SUBJECT_KINDS);
	n_program = (n - 1) / sizeof(*program);
	n_program = n_program < MOST ? n_program : MOST;
	memcpy(program, bytes + 1, n_program * sizeof(*program));
	/* Two halves are a stack of two, when both return. */
	subject_add_filter(&subject, "all", program, n_program);
	if (bytes[0] & 0x80)
		subject_add_filter(&subject, "half", program, n_program / 2);
	if (lint_run_within(&subject, 0, NODES, &lint, &e) < 0)
		return 0;
	for (size_t i = 0; i < lint.n; i++)
		check(&subject, &lint.findings[i]);
	show(&subject, &lint);
	return 0;
}
