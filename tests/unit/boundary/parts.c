/* boundary/parts: limits, Landlock, hardening and the last steps, as any boundary adds them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "hosts.h"
#include "boundary/floor.h"
#include "boundary/parts.h"

#define OWN_SKETCH __attribute__((cleanup(sketch_done))) struct sketch
#define HEAD "version: 1\nname: test\n"
#define TAIL "syscalls: {allow: [\"@default\"]}\n"

static const struct step *find(const struct plan *plan, enum plan_op op, uint32_t flags)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == op && plan->steps[i].flags == flags)
			return &plan->steps[i];
	return NULL;
}

static void expect_plan(struct sketch *sketch, const char *policy)
{
	struct err e = ERR_INIT;

	sketch_policy(sketch, policy);
	if (sketch_plan(sketch, "container", &e) < 0)
		fail_msg("%s", e.text);
}

/* ---- limits ---- */

static void a_box_limit_is_what_the_policy_says_and_pids_count_the_first_process(void **state)
{
	static const struct {
		enum plan_limit limit;
		uint64_t n;
	} rows[] = {
		{ LIMIT_MEMORY, 64 << 20 }, { LIMIT_SWAP, 0 },  { LIMIT_PIDS, 9 }, { LIMIT_CPUS, 1500 },
		{ LIMIT_IO_READ, 1 << 20 }, { LIMIT_IO_WRITE, 2 << 20 }, { LIMIT_CPU_TIME, 0 },
	};
	OWN_SKETCH sketch = SKETCH_NONE;

	(void)state;
	sketch.host = host_root_v2();
	expect_plan(&sketch, HEAD "limits: {memory: 64M, swap: 0, pids: 8, cpus: 1.5, io_read: 1M, io_write: 2M}\n" TAIL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct step *step = find(sketch.rung.plan, OP_CGROUP_LIMIT, rows[i].limit);

		assert_non_null(step);
		assert_true(step->n == rows[i].n);
	}
	assert_int_equal(sketch.rung.notes & NOTE_RLIMITS_ONLY, 0);
}

static void a_policy_without_box_limits_needs_no_cgroup(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;

	(void)state;
	sketch.host = host_user();
	expect_plan(&sketch, HEAD "limits: {files: 9}\n" TAIL);
	assert_true((plan_layers(sketch.rung.plan) & (LAYER_BIT(LAYER_CG_MEMORY) | LAYER_BIT(LAYER_CG_PIDS))) == 0);
	assert_int_equal(sketch.rung.notes & NOTE_RLIMITS_ONLY, 0);
}

static void with_the_fallback_a_process_is_limited_instead_and_it_is_said(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;

	(void)state;
	sketch.host = host_user();
	expect_plan(&sketch, HEAD "fallback: [rlimits]\nlimits: {memory: 64M, pids: 8}\n" TAIL);
	assert_true(sketch.rung.notes & NOTE_RLIMITS_ONLY);
	assert_null(find(sketch.rung.plan, OP_CGROUP_LIMIT, LIMIT_MEMORY));
	assert_non_null(find(sketch.rung.plan, OP_RLIMIT, RLIMIT_AS));
	assert_true(find(sketch.rung.plan, OP_RLIMIT, RLIMIT_AS)->n == 64 << 20);
}

static void the_process_limit_leaves_room_for_the_cgroup_to_speak_first(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;
	const struct step *data;

	(void)state;
	sketch.host = host_root_v2();
	expect_plan(&sketch, HEAD "limits: {memory: 1G}\n" TAIL);
	assert_null(find(sketch.rung.plan, OP_RLIMIT, RLIMIT_AS));
	data = find(sketch.rung.plan, OP_RLIMIT, RLIMIT_DATA);
	assert_non_null(data);
	assert_true(data->n > UINT64_C(1) << 30);
}

/* RLIMIT_CPU is in whole seconds: rounded up, or a program would lose time it was given. */
static void processor_time_is_rounded_up_to_seconds(void **state)
{
	static const struct {
		const char *cpu;
		uint64_t soft;
	} rows[] = { { "1ms", 1 }, { "999ms", 1 }, { "1s", 1 }, { "1001ms", 2 }, { "10s", 10 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		const struct step *step;
		char text[200];

		snprintf(text, sizeof(text), HEAD "fallback: [rlimits]\nlimits: {cpu: %s, memory: 64M}\n" TAIL,
			 rows[i].cpu);
		sketch.host = host_user(); /* nothing else counts */
		expect_plan(&sketch, text);
		step = find(sketch.rung.plan, OP_RLIMIT, RLIMIT_CPU);
		assert_non_null(step);
		assert_true(step->n == rows[i].soft && step->m > step->n);
	}
}

/* ---- Landlock ---- */

static void landlock_asks_for_no_right_the_kernel_does_not_know(void **state)
{
	static const struct {
		uint32_t abi;
		uint64_t files, ports;
		uint32_t scopes;
		bool is_old;
	} rows[] = {
		{ 1, 0x1fff, 0, 0, true },  { 2, 0x3fff, 0, 0, true },  { 3, 0x7fff, 0, 0, true },
		{ 4, 0x7fff, 3, 0, true },  { 5, 0xffff, 3, 0, true },  { 6, 0xffff, 3, 3, false },
		{ 7, 0xffff, 3, 3, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		const struct step *step;

		sketch.host = host_root_v2();
		sketch.host.landlock_abi = rows[i].abi;
		expect_plan(&sketch, "default");
		step = find(sketch.rung.plan, OP_LANDLOCK, rows[i].scopes);
		assert_non_null(step);
		assert_true(step->n == rows[i].files && step->m == rows[i].ports);
		assert_int_equal((sketch.rung.notes & NOTE_LANDLOCK_OLD) != 0, rows[i].is_old);
		for (uint32_t k = 0; k < sketch.rung.plan->n_steps; k++)
			if (sketch.rung.plan->steps[k].op == OP_LANDLOCK_PATH)
				assert_true((sketch.rung.plan->steps[k].n & ~rows[i].files) == 0);
	}
}

static void without_landlock_nothing_is_planned_of_it(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;

	(void)state;
	sketch.host = host_no_landlock();
	expect_plan(&sketch, "default");
	for (uint32_t i = 0; i < sketch.rung.plan->n_steps; i++)
		assert_int_not_equal(plan_op_row(sketch.rung.plan->steps[i].op)->phase, PHASE_LANDLOCK);
}

/* ---- the program ---- */

static void a_terminal_takes_the_place_of_the_three_streams(void **state)
{
	(void)state;
	for (int pty = 0; pty < 2; pty++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		unsigned streams = 0;

		sketch.host = host_root_v2();
		sketch.pty = pty;
		expect_plan(&sketch, "build");
		for (uint32_t i = 0; i < sketch.rung.plan->n_steps; i++)
			streams += sketch.rung.plan->steps[i].op == OP_STDIO;
		assert_int_equal(streams, pty ? 0 : 3);
		assert_int_equal(find(sketch.rung.plan, OP_PTY, 0) != NULL, pty);
		assert_non_null(find(sketch.rung.plan, OP_PASS, 0));
		assert_int_equal(find(sketch.rung.plan, OP_PASS, 0)->fd, 3);
	}
}

static enum filter_act judge(const struct sketch *sketch, uint32_t nr, uint64_t arg2)
{
	const uint64_t args[6] = { 0, 0, arg2 };
	const struct filter_row *row;

	return filter_judge(&sketch->rung.filter, nr, args, &row);
}

static void mdwe_is_two_layers_where_the_kernel_has_it_and_one_elsewhere(void **state)
{
	(void)state;
	for (int have = 0; have < 2; have++) {
		OWN_SKETCH sketch = SKETCH_NONE;

		sketch.host = host_root_v2();
		sketch.host.mdwe = have;
		expect_plan(&sketch, HEAD "hardening: {mdwe: true}\n" TAIL);
		assert_int_equal(find(sketch.rung.plan, OP_MDWE, 0) != NULL, have);
		assert_int_equal((sketch.rung.notes & NOTE_MDWE_FILTER) != 0, !have);
		assert_int_not_equal(judge(&sketch, SYS_mmap, 7), FILTER_ALLOW);
		assert_int_equal(judge(&sketch, SYS_mmap, 3), FILTER_ALLOW);
		assert_int_equal(judge(&sketch, SYS_mmap, 5), FILTER_ALLOW);
		assert_int_not_equal(judge(&sketch, SYS_mprotect, 5), FILTER_ALLOW);
		assert_int_equal(judge(&sketch, SYS_mprotect, 1), FILTER_ALLOW);
	}
}

static void ending_is_always_allowed(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;

	(void)state;
	sketch.host = host_root_v2();
	expect_plan(&sketch, HEAD "syscalls: {default: kill, allow: [execve]}\n");
	assert_int_equal(judge(&sketch, SYS_exit_group, 0), FILTER_ALLOW);
	assert_int_equal(judge(&sketch, SYS_exit, 0), FILTER_ALLOW);
	assert_int_not_equal(judge(&sketch, SYS_read, 0), FILTER_ALLOW);
}

static void refusals_are_recorded_when_a_listener_can_be_had_and_wanted(void **state)
{
	static const struct {
		const char *report;
		bool listener, recorded;
	} rows[] = { { "denials", true, true }, { "denials", false, false }, { "none", true, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		char text[200];

		snprintf(text, sizeof(text), HEAD "syscalls: {report: %s, allow: [\"@default\"]}\n", rows[i].report);
		sketch.host = host_root_v2();
		sketch.host.seccomp_notify = rows[i].listener;
		expect_plan(&sketch, text);
		assert_int_equal(find(sketch.rung.plan, OP_SECCOMP, 1) != NULL, rows[i].recorded);
		assert_int_equal((sketch.rung.notes & NOTE_NO_REPORT) == 0, rows[i].recorded);
	}
}

static uint32_t answer_to(const struct plan *plan, uint32_t nr, const uint64_t args[6])
{
	const struct step *const step = find(plan, OP_SECCOMP, FILTER_LISTENER | FILTER_WAIT);
	struct seccomp_data data = { .nr = (int)nr, .arch = 0xc000003e };
	bool valid;

	assert_non_null(step);
	memcpy(data.args, args, sizeof(data.args));
	return filter_run((const struct sock_filter *)plan_string(plan, step->s), step->n, &data, &valid);
}

/* Only its sockets are told before they are made; without a listener nothing is, and ward can see that. */
static void who_is_told_of_sockets_is_told_of_nothing_else_that_is_allowed(void **state)
{
	static const bool listener[] = { true, false };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(listener); i++) {
		const uint64_t any[6] = { 1, 1 };
		OWN_SKETCH sketch = SKETCH_NONE;

		sketch.host = host_root_v2();
		sketch.host.seccomp_notify = listener[i];
		sketch.tells_sockets = true;
		expect_plan(&sketch, HEAD "syscalls: {default: errno, allow: [\"@default\"]}\n");
		assert_int_equal(sketch.rung.filter.tells, listener[i]);
		assert_int_equal(find(sketch.rung.plan, OP_SECCOMP, FILTER_LISTENER | FILTER_WAIT) != NULL, listener[i]);
		assert_int_equal(filter_judge(&sketch.rung.filter, SYS_socket, any, NULL), FILTER_ALLOW);
		if (!listener[i])
			continue;
		assert_int_equal(answer_to(sketch.rung.plan, SYS_socket, any), SECCOMP_RET_USER_NOTIF);
		assert_int_equal(answer_to(sketch.rung.plan, SYS_socketpair, any), SECCOMP_RET_USER_NOTIF);
		assert_int_equal(answer_to(sketch.rung.plan, SYS_read, any), SECCOMP_RET_ALLOW);
		assert_int_equal(answer_to(sketch.rung.plan, SYS_accept4, any), SECCOMP_RET_ALLOW);
	}
}

static void speculation_is_restricted_for_hostile_programs_where_it_can_be(void **state)
{
	static const struct {
		const char *policy;
		bool possible, planned;
	} rows[] = {
		{ HEAD "threat: hostile\nhardening: {spec: auto}\n" TAIL, true, true },
		{ HEAD "threat: hostile\nhardening: {spec: auto}\n" TAIL, false, false },
		{ HEAD "threat: own\nhardening: {spec: auto}\n" TAIL, true, false },
		{ HEAD "threat: own\nhardening: {spec: strict}\n" TAIL, true, true },
		{ HEAD "threat: hostile\nhardening: {spec: off}\n" TAIL, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;

		sketch.host = host_root_v2();
		sketch.host.spec_store = rows[i].possible;
		expect_plan(&sketch, rows[i].policy);
		assert_int_equal((plan_layers(sketch.rung.plan) & LAYER_BIT(LAYER_SPEC)) != 0, rows[i].planned);
	}
}

static uint32_t answer_of(const struct plan *plan, uint32_t nr, uint64_t arg3)
{
	return answer_to(plan, nr, (const uint64_t[6]){ [3] = arg3 });
}

/* The filter asks, and the rows by which ward answers are those that no tracing may take away. */
static void an_observed_program_is_asked_about_and_the_floor_still_judges(void **state)
{
	static const char *const boundaries[] = { "container", "process" };
	const uint64_t any[6] = { 0 }, inet[6] = { 38 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++) {
		OWN_SKETCH sketch = SKETCH_NONE;
		struct err e = ERR_INIT;

		sketch.host = host_root_v2();
		sketch.observed = true;
		sketch_policy(&sketch, HEAD "syscalls: {default: kill, allow: [\"@strict\"]}\n");
		assert_int_equal(sketch_plan(&sketch, boundaries[i], &e), 0);
		assert_true(sketch.rung.notes & NOTE_OBSERVED);
		assert_int_equal(answer_of(sketch.rung.plan, SYS_read, 0), SECCOMP_RET_USER_NOTIF);
		assert_int_equal(answer_of(sketch.rung.plan, SYS_mount, 0), SECCOMP_RET_USER_NOTIF);
		assert_int_equal(answer_of(sketch.rung.plan, SYS_execve, 0), SECCOMP_RET_USER_NOTIF);
		assert_int_equal(answer_of(sketch.rung.plan, SYS_execve, PLAN_EXEC_MARK), SECCOMP_RET_ALLOW);
		assert_int_equal(answer_of(sketch.rung.plan, SYS_exit_group, 0), SECCOMP_RET_ALLOW);
		assert_int_equal(filter_judge(&sketch.rung.filter, SYS_read, any, NULL), FILTER_ALLOW);
		assert_int_equal(filter_judge(&sketch.rung.filter, SYS_fork, any, NULL), FILTER_ALLOW);
		for (size_t k = 0; floor_call_at(k) >= 0; k++)
			assert_int_not_equal(filter_judge(&sketch.rung.filter, (uint32_t)floor_call_at(k), any, NULL),
					     FILTER_ALLOW);
		assert_int_not_equal(filter_judge(&sketch.rung.filter, SYS_socket, inet, NULL), FILTER_ALLOW);
		assert_int_not_equal(filter_judge(&sketch.rung.filter, SYS_clone3, any, NULL), FILTER_ALLOW);
		/* What the process boundary cannot guard otherwise. */
		assert_int_equal(filter_judge(&sketch.rung.filter, SYS_chmod, any, NULL) == FILTER_ALLOW, i == 0);
	}
}

static void a_kernel_that_cannot_ask_cannot_be_traced_on(void **state)
{
	OWN_SKETCH sketch = SKETCH_NONE;
	struct err e = ERR_INIT;

	(void)state;
	sketch.host = host_root_v2();
	sketch.host.seccomp_notify = false;
	sketch.observed = true;
	sketch_policy(&sketch, HEAD TAIL);
	assert_int_equal(sketch_plan(&sketch, "container", &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
}

/* What was opened is named by a copy: the policy may go before the descriptors do. */
static void a_path_to_open_is_the_rungs_own(void **state)
{
	struct rung rung = { .first_fd = 5 };
	char path[] = "/a/b";

	(void)state;
	assert_int_equal(parts_open(&rung, path, true, false), 6); /* one more than the index, see plan_args */
	assert_int_equal(parts_open(&rung, "/c", false, true), 7);
	memset(path, 'x', sizeof(path) - 1);
	assert_string_equal(rung.open[0].path, "/a/b");
	assert_true(rung.open[0].directory && !rung.open[0].follow);
	assert_true(!rung.open[1].directory && rung.open[1].follow);
	rung_done(&rung);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_box_limit_is_what_the_policy_says_and_pids_count_the_first_process),
		cmocka_unit_test(a_policy_without_box_limits_needs_no_cgroup),
		cmocka_unit_test(with_the_fallback_a_process_is_limited_instead_and_it_is_said),
		cmocka_unit_test(the_process_limit_leaves_room_for_the_cgroup_to_speak_first),
		cmocka_unit_test(processor_time_is_rounded_up_to_seconds),
		cmocka_unit_test(landlock_asks_for_no_right_the_kernel_does_not_know),
		cmocka_unit_test(without_landlock_nothing_is_planned_of_it),
		cmocka_unit_test(a_terminal_takes_the_place_of_the_three_streams),
		cmocka_unit_test(mdwe_is_two_layers_where_the_kernel_has_it_and_one_elsewhere),
		cmocka_unit_test(ending_is_always_allowed),
		cmocka_unit_test(refusals_are_recorded_when_a_listener_can_be_had_and_wanted),
		cmocka_unit_test(speculation_is_restricted_for_hostile_programs_where_it_can_be),
		cmocka_unit_test(who_is_told_of_sockets_is_told_of_nothing_else_that_is_allowed),
		cmocka_unit_test(an_observed_program_is_asked_about_and_the_floor_still_judges),
		cmocka_unit_test(a_kernel_that_cannot_ask_cannot_be_traced_on),
		cmocka_unit_test(a_path_to_open_is_the_rungs_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
