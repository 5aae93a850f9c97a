/* judge/selftest: what counts as refused, what as claimed, and which refusals hang on one layer. */
#include "judge/selftest.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/mem.h"

static const struct attempt_row *row_of(const char *id)
{
	const struct attempt_row *const row = attempt_find(id);

	assert_non_null(row);
	return row;
}

static enum selftest_cell cell_of(const struct selftest_scope *scope, const char *id,
				  enum outcome_kind kind, int sys)
{
	const struct selftest_record record = { .kind = kind, .sys = sys, .begun = true };

	return selftest_cell(scope, row_of(id), &record);
}

static void every_id_is_unique_and_a_word(void **state)
{
	(void)state;
	assert_true(attempt_count() >= 120);
	for (size_t i = 0; i < attempt_count(); i++) {
		const struct attempt_row *const row = attempt_at(i);

		assert_ptr_equal(attempt_find(row->id), row);
		assert_int_equal(strspn(row->id, "abcdefghijklmnopqrstuvwxyz0123456789-"),
				 strlen(row->id));
		assert_true(strlen(row->id) <= 20);
		assert_true(strlen(row->what) > 3);
	}
	assert_null(attempt_at(attempt_count()));
}

static void every_group_but_none_is_empty(void **state)
{
	size_t count[GROUPS] = { 0 };

	(void)state;
	for (size_t i = 0; i < attempt_count(); i++)
		count[attempt_at(i)->group]++;
	for (unsigned group = 0; group < GROUPS; group++) {
		assert_true(count[group] > 0);
		assert_non_null(attempt_group_name((enum attempt_group)group));
	}
}

static void a_control_is_claimed_by_nobody_and_an_operation_by_somebody(void **state)
{
	(void)state;
	for (size_t i = 0; i < attempt_count(); i++)
		assert_int_equal(attempt_is_control(attempt_at(i)), attempt_at(i)->claims == 0);
}

/* Native code stands in the engine's place: what it can do there and no guest can is the engine's alone. */
static void what_the_engine_alone_refuses_has_a_reason_or_is_a_finding(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	const struct selftest_scope native = { .policy = &policy, .claimant = CLAIM_CONTAINER };
	const struct selftest_scope scope = {
		.policy = &policy, .claimant = CLAIM_CONTAINER | CLAIM_WASM, .has_engine = true,
	};

	(void)state;
	assert_int_equal(cell_of(&scope, "tsc", OUTCOME_ALLOWED, 0), CELL_ENGINE);
	assert_int_equal(cell_of(&scope, "write-exec-map", OUTCOME_ALLOWED, 0), CELL_ENGINE);
	assert_int_equal(cell_of(&scope, "clock-fine", OUTCOME_ALLOWED, 0), CELL_ENGINE);
	assert_int_equal(cell_of(&scope, "secret-read", OUTCOME_ALLOWED, 0), CELL_POSSIBLE);
	assert_int_equal(cell_of(&scope, "wasm-dotdot", OUTCOME_ALLOWED, 0), CELL_POSSIBLE);
	assert_int_equal(cell_of(&scope, "wasm-dotdot", OUTCOME_REFUSED, EPERM), CELL_HELD);
	assert_int_equal(cell_of(&native, "tsc", OUTCOME_ALLOWED, 0), CELL_NOT_APPLICABLE);
	assert_int_equal(cell_of(&native, "clock-fine", OUTCOME_ALLOWED, 0), CELL_NOT_APPLICABLE);
}

/* gVisor's kernel does it, to things of its own; a container that lets it happen lets it happen to the host. */
static void what_a_kernel_of_its_own_answers_has_a_reason_or_is_a_finding(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	const struct selftest_scope host = { .policy = &policy, .claimant = CLAIM_CONTAINER | CLAIM_GVISOR };
	const struct selftest_scope scope = {
		.policy = &policy, .claimant = CLAIM_CONTAINER | CLAIM_GVISOR, .has_kernel = true,
	};

	(void)state;
	assert_int_equal(cell_of(&scope, "dev-tun", OUTCOME_ALLOWED, 0), CELL_KERNEL);
	assert_int_equal(cell_of(&scope, "dev-tun", OUTCOME_REFUSED, EACCES), CELL_HELD);
	assert_int_equal(cell_of(&scope, "secret-read", OUTCOME_ALLOWED, 0), CELL_POSSIBLE);
	assert_int_equal(cell_of(&scope, "mount", OUTCOME_ALLOWED, 0), CELL_POSSIBLE);
	assert_int_equal(cell_of(&host, "dev-tun", OUTCOME_ALLOWED, 0), CELL_POSSIBLE);
}

/* With gVisor gone what it did to its own things is done to the host's: the reason for the one is none for the other. */
static void what_its_kernel_answered_is_a_finding_when_it_is_gone(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	OWN(selftest_report) report = {
		.scope = { .policy = &policy, .claimant = CLAIM_CONTAINER | CLAIM_GVISOR, .has_kernel = true },
	};
	struct selftest_column *const column = report.columns = mem_alloc(sizeof(*column));
	const struct attempt_row *const row = attempt_find("dev-tun"), *const tracing = attempt_find("ptrace-child");

	(void)state;
	report.n_columns = 1;
	selftest_pass_init(&report.pass);
	selftest_pass_init(&column->pass);
	column->layer = GUARD_GVISOR;
	assert_string_equal(selftest_guard_name(GUARD_GVISOR), "gvisor");
	report.pass.records[attempt_index(row)].kind = column->pass.records[attempt_index(row)].kind = OUTCOME_ALLOWED;
	assert_true(selftest_opens(&report, column, row));
	assert_null(selftest_residual(report.scope.claimant, row, GUARD_GVISOR));
	column->pass.records[attempt_index(tracing)].kind = OUTCOME_ALLOWED;
	assert_true(selftest_opens(&report, column, tracing));
	assert_non_null(selftest_residual(report.scope.claimant, tracing, GUARD_GVISOR));
	assert_int_equal(selftest_count(&report).undocumented, 1);
	assert_int_equal(selftest_code(&report), 1);
}

/* A policy for native code may list open and not openat2; the seal has it the other way round. */
static void in_an_engines_place_a_control_may_use_the_call_that_is_left(void **state)
{
	struct filter_row rows[] = { { .nr = SYS_openat2, .act = FILTER_ALLOW } };
	const struct policy policy = { .syscalls = { .rows = rows, .n_rows = 1, .otherwise = FILTER_KILL } };
	struct selftest_scope scope = { .policy = &policy, .claimant = CLAIM_CONTAINER };
	const char *why;

	(void)state;
	assert_false(selftest_claims(&scope, attempt_find("can-read"), &why));
	scope.has_engine = true;
	assert_true(selftest_claims(&scope, attempt_find("can-read"), &why));
	assert_false(selftest_claims(&scope, attempt_find("can-null"), &why));
}

static void refused_killed_allowed_and_silent_are_told_apart(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	const struct selftest_scope scope = { .policy = &policy, .claimant = CLAIM_CONTAINER };

	(void)state;
	assert_int_equal(cell_of(&scope, "mount", OUTCOME_REFUSED, EPERM), CELL_HELD);
	assert_int_equal(cell_of(&scope, "mount", OUTCOME_KILLED, SIGSYS), CELL_HELD);
	assert_int_equal(cell_of(&scope, "mount", OUTCOME_ALLOWED, 0), CELL_POSSIBLE);
	assert_int_equal(cell_of(&scope, "mount", OUTCOME_NONE, 0), CELL_UNKNOWN);
	assert_int_equal(cell_of(&scope, "mount", OUTCOME_SKIPPED, 0), CELL_NOT_APPLICABLE);
}

static void not_being_allowed_to_ask_proves_nothing(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	const struct selftest_scope scope = { .policy = &policy, .claimant = CLAIM_CONTAINER };

	(void)state;
	assert_int_equal(cell_of(&scope, "new-privs", OUTCOME_KILLED, SIGSYS), CELL_NOT_APPLICABLE);
	assert_int_equal(cell_of(&scope, "new-privs", OUTCOME_REFUSED, ENOSYS),
			 CELL_NOT_APPLICABLE);
	assert_int_equal(cell_of(&scope, "new-privs", OUTCOME_REFUSED, 0), CELL_HELD);
}

static void a_control_must_work_where_the_policy_allows_its_call(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	const struct selftest_scope scope = { .policy = &policy, .claimant = CLAIM_CONTAINER };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(cell_of(&scope, "can-getpid", OUTCOME_KILLED, SIGSYS),
			 CELL_NOT_APPLICABLE);
	assert_int_equal(filter_add_name(&policy.syscalls, "getpid", 1, &e), 0);
	assert_int_equal(cell_of(&scope, "can-getpid", OUTCOME_KILLED, SIGSYS), CELL_BROKEN);
	assert_int_equal(cell_of(&scope, "can-getpid", OUTCOME_ALLOWED, 0), CELL_WORKS);
}

static void what_a_boundary_does_not_claim_is_no_failure(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	const struct selftest_scope process = { .policy = &policy, .claimant = CLAIM_PROCESS };
	const struct selftest_scope container = { .policy = &policy, .claimant = CLAIM_CONTAINER };

	(void)state;
	assert_int_equal(cell_of(&process, "secret-stat", OUTCOME_ALLOWED, 0), CELL_NOT_APPLICABLE);
	assert_int_equal(cell_of(&container, "secret-stat", OUTCOME_ALLOWED, 0), CELL_POSSIBLE);
	assert_int_equal(cell_of(&process, "secret-stat", OUTCOME_REFUSED, ENOENT), CELL_HELD);
}

static void a_call_the_policy_lists_is_no_claim_of_the_filter(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	const struct selftest_scope scope = {
		.policy = &policy,
		.claimant = CLAIM_CONTAINER,
		.layers = LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_IPCNS),
	};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(filter_add_name(&policy.syscalls, "cachestat", 1, &e), 0);
	assert_int_equal(filter_add_name(&policy.syscalls, "shmget", 1, &e), 0);
	assert_int_equal(cell_of(&scope, "cachestat", OUTCOME_ALLOWED, 0), CELL_NOT_APPLICABLE);
	/* Another layer stands before this one, so the promise does too. */
	assert_int_equal(cell_of(&scope, "shm-marker", OUTCOME_ALLOWED, 0), CELL_POSSIBLE);
}

static void a_grant_makes_its_place_no_claim(void **state)
{
	struct grant grants[] = { { .kind = GRANT_READ, .what = "/x", .as = "/home/me/project" } };
	const struct policy policy = { .grants = grants, .n_grants = 1 };

	(void)state;
	assert_false(selftest_is_ungranted(&policy, "/home"));
	assert_false(selftest_is_ungranted(&policy, "/home/me/project/src"));
	assert_false(selftest_is_ungranted(&policy, "/home/me/project"));
	assert_true(selftest_is_ungranted(&policy, "/home/me/projects"));
	assert_true(selftest_is_ungranted(&policy, "/var"));
}

static void a_limit_is_claimed_when_it_is_stated(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	const struct selftest_scope scope = { .policy = &policy, .claimant = CLAIM_CONTAINER };

	(void)state;
	assert_int_equal(cell_of(&scope, "memory", OUTCOME_ALLOWED, 0), CELL_NOT_APPLICABLE);
	policy.values[KEY_MEMORY].set = true;
	assert_int_equal(cell_of(&scope, "memory", OUTCOME_ALLOWED, 0), CELL_POSSIBLE);
}

static void settle(struct selftest_record *out, bool begun, const struct result *result)
{
	OWN(selftest_pass) pass = SELFTEST_PASS_NONE;
	const struct attempt_row *const row = row_of("memory");

	selftest_pass_init(&pass);
	pass.records[attempt_index(row)].begun = begun;
	selftest_settle(&pass, row, result);
	*out = pass.records[attempt_index(row)];
}

static void a_box_that_was_ended_settles_its_attempt(void **state)
{
	struct selftest_record record;

	(void)state;
	settle(&record, true,
	       &(struct result){ .verdict = VERDICT_LIMIT_MEMORY, .signal = SIGKILL });
	assert_int_equal(record.kind, OUTCOME_KILLED);
	settle(&record, true,
	       &(struct result){ .verdict = VERDICT_DENIED_SYSCALL, .signal = SIGSYS });
	assert_int_equal(record.kind, OUTCOME_KILLED);
	assert_int_equal(record.sys, SIGSYS);
}

static void a_box_that_never_ran_or_hung_settles_nothing(void **state)
{
	struct selftest_record record;

	(void)state;
	settle(&record, false,
	       &(struct result){ .verdict = VERDICT_LIMIT_MEMORY, .signal = SIGKILL });
	assert_int_equal(record.kind, OUTCOME_NONE);
	settle(&record, true, &(struct result){ .verdict = VERDICT_SETUP });
	assert_int_equal(record.kind, OUTCOME_NONE);
	settle(&record, true, &(struct result){ .verdict = VERDICT_LIMIT_WALL, .signal = SIGKILL });
	assert_int_equal(record.kind, OUTCOME_NONE);
	settle(&record, true, &(struct result){ .verdict = VERDICT_OK });
	assert_int_equal(record.kind, OUTCOME_NONE);
}

/* One operation, one layer taken away. */
struct matrix {
	struct policy policy;
	struct selftest_report report;
};

static void matrix_init(struct matrix *matrix, enum layer layer)
{
	*matrix = (struct matrix){ .policy = POLICY_NONE };
	matrix->report.scope =
		(struct selftest_scope){ .policy = &matrix->policy, .claimant = CLAIM_CONTAINER };
	selftest_pass_init(&matrix->report.pass);
	matrix->report.columns = mem_alloc(sizeof(*matrix->report.columns));
	matrix->report.n_columns = 1;
	matrix->report.columns[0].layer = layer;
	selftest_pass_init(&matrix->report.columns[0].pass);
}

static void matrix_set(struct matrix *matrix, const char *id, enum outcome_kind whole,
		       enum outcome_kind without)
{
	const size_t i = attempt_index(row_of(id));

	matrix->report.pass.records[i] = (struct selftest_record){ .kind = whole, .begun = true };
	matrix->report.columns[0].pass.records[i] =
		(struct selftest_record){ .kind = without, .begun = true };
}

static void an_operation_on_one_layer_needs_a_reason(void **state)
{
	struct matrix matrix;

	(void)state;
	matrix_init(&matrix, LAYER_CAPS);
	matrix_set(&matrix, "mount", OUTCOME_REFUSED, OUTCOME_REFUSED);
	assert_int_equal(selftest_code(&matrix.report), 0);
	matrix_set(&matrix, "caps-held", OUTCOME_REFUSED, OUTCOME_ALLOWED);
	assert_int_equal(selftest_count(&matrix.report).single, 1);
	assert_int_equal(selftest_code(&matrix.report), 0);
	matrix_set(&matrix, "mount", OUTCOME_REFUSED, OUTCOME_ALLOWED);
	assert_int_equal(selftest_count(&matrix.report).undocumented, 1);
	assert_int_equal(selftest_code(&matrix.report), 1);
	selftest_report_done(&matrix.report);
}

static void an_attempt_without_an_answer_fails_unless_it_cannot_be_made(void **state)
{
	static const struct { enum layer layer; const char *id; int code; } rows[] = {
		{ LAYER_CAPS, "mount", 1 },
		{ LAYER_ROOTFS, "mount", 1 },
		{ LAYER_CAPS, "tty-sti", 1 },
		{ LAYER_ROOTFS, "tty-sti", 0 },  /* no box has a terminal without these */
		{ LAYER_SESSION, "tty-sti", 0 },
		{ LAYER_SECCOMP, "tty-sti", 1 }, /* the layer that refuses it */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct matrix matrix;

		matrix_init(&matrix, rows[i].layer);
		matrix_set(&matrix, rows[i].id, OUTCOME_REFUSED, OUTCOME_NONE);
		assert_int_equal(selftest_code(&matrix.report), rows[i].code);
		selftest_report_done(&matrix.report);
	}
}

static void a_residual_of_one_boundary_is_none_of_the_other(void **state)
{
	(void)state;
	assert_non_null(selftest_residual(CLAIM_PROCESS, row_of("secret-read"), LAYER_LANDLOCK));
	assert_null(selftest_residual(CLAIM_CONTAINER, row_of("secret-read"), LAYER_LANDLOCK));
	assert_null(selftest_residual(CLAIM_CONTAINER, row_of("mount"), LAYER_CAPS));
}

static void the_exit_code_tells_failure(void **state)
{
	struct matrix matrix;

	(void)state;
	matrix_init(&matrix, LAYER_CAPS);
	matrix_set(&matrix, "mount", OUTCOME_ALLOWED, OUTCOME_ALLOWED);
	assert_int_equal(selftest_code(&matrix.report), 1);
	matrix_set(&matrix, "mount", OUTCOME_NONE, OUTCOME_NONE);
	assert_int_equal(selftest_code(&matrix.report), 1);
	matrix_set(&matrix, "mount", OUTCOME_SKIPPED, OUTCOME_SKIPPED);
	assert_int_equal(selftest_code(&matrix.report), 0);
	selftest_report_done(&matrix.report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_id_is_unique_and_a_word),
		cmocka_unit_test(every_group_but_none_is_empty),
		cmocka_unit_test(a_control_is_claimed_by_nobody_and_an_operation_by_somebody),
		cmocka_unit_test(what_the_engine_alone_refuses_has_a_reason_or_is_a_finding),
		cmocka_unit_test(what_a_kernel_of_its_own_answers_has_a_reason_or_is_a_finding),
		cmocka_unit_test(what_its_kernel_answered_is_a_finding_when_it_is_gone),
		cmocka_unit_test(in_an_engines_place_a_control_may_use_the_call_that_is_left),
		cmocka_unit_test(refused_killed_allowed_and_silent_are_told_apart),
		cmocka_unit_test(not_being_allowed_to_ask_proves_nothing),
		cmocka_unit_test(a_control_must_work_where_the_policy_allows_its_call),
		cmocka_unit_test(what_a_boundary_does_not_claim_is_no_failure),
		cmocka_unit_test(a_call_the_policy_lists_is_no_claim_of_the_filter),
		cmocka_unit_test(a_grant_makes_its_place_no_claim),
		cmocka_unit_test(a_limit_is_claimed_when_it_is_stated),
		cmocka_unit_test(a_box_that_was_ended_settles_its_attempt),
		cmocka_unit_test(a_box_that_never_ran_or_hung_settles_nothing),
		cmocka_unit_test(an_operation_on_one_layer_needs_a_reason),
		cmocka_unit_test(an_attempt_without_an_answer_fails_unless_it_cannot_be_made),
		cmocka_unit_test(a_residual_of_one_boundary_is_none_of_the_other),
		cmocka_unit_test(the_exit_code_tells_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
