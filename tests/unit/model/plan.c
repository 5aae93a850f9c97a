/* model/plan: order, bounds, text, layers, and selftest's knife.
 * Golden file: tests/golden/plan/without.txt; UPDATE_GOLDEN=1 rewrites it. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../boundary/hosts.h"
#include "model/plan.h"

static void plan_done(struct plan **plan)
{
	plan_free(*plan);
}
#define OWN_PLAN __attribute__((cleanup(plan_done))) struct plan

static void finish(struct plan *plan)
{
	struct err e = ERR_INIT;

	assert_int_equal(plan_finish(plan, &e), 0);
}

static void expect_text(const struct plan *plan, const char *expected)
{
	OWN(str) text = STR_NONE;

	plan_text(plan, &text);
	assert_string_equal(str_text(&text), expected);
}

/* ---- the table ---- */

static void each_operation_has_a_row_and_others_none(void **state)
{
	(void)state;
	assert_null(plan_op_row(OP_NONE));
	assert_null(plan_op_row(OPS));
	assert_null(plan_op_row((enum plan_op)0xffff));
	for (enum plan_op op = OP_NONE + 1; op < OPS; op++) {
		const struct op_row *row = plan_op_row(op);

		assert_non_null(row);
		assert_int_equal(strspn(row->operands, "stfgnm"), strlen(row->operands));
		assert_true(row->layer <= LAYERS);
		for (enum plan_op other = op + 1; other < OPS; other++)
			assert_string_not_equal(row->name, plan_op_row(other)->name);
	}
}

/* The host's side first, then the box's, then the program's: nobody hands a step back. */
static void a_later_phase_is_never_on_an_earlier_side(void **state)
{
	unsigned side = SIDE_HOST;

	(void)state;
	for (unsigned phase = 0; phase <= PHASE_EXEC; phase++) {
		for (enum plan_op op = OP_NONE + 1; op < OPS; op++)
			if (plan_op_row(op)->phase == phase) {
				assert_true(plan_op_row(op)->side >= side);
				side = plan_op_row(op)->side;
			}
	}
	assert_int_equal(side, SIDE_GUEST);
}

/* Rights go in the one safe order: Landlock needs no_new_privs, the filters forbid what was before. */
static void the_last_phases_are_those_that_take_rights(void **state)
{
	static const enum plan_op order[] = { OP_PIVOT, OP_CAPS, OP_LANDLOCK, OP_FLOOR, OP_SECCOMP,
					      OP_EXEC };

	(void)state;
	for (size_t i = 1; i < ARRAY_SIZE(order); i++)
		assert_true(plan_op_row(order[i - 1])->phase < plan_op_row(order[i])->phase);
	assert_true(plan_op_row(OP_RLIMIT)->phase < plan_op_row(OP_FLOOR)->phase);
	assert_int_equal(plan_op_row(OP_EXEC)->phase, PHASE_EXEC);
}

/* ---- order and bounds ---- */

static void steps_come_by_phase_and_within_one_as_they_were_added(void **state)
{
	OWN_PLAN *plan = plan_new();

	(void)state;
	srand(1);
	for (uint32_t i = 0; i < 4000; i++)
		plan_add(plan, (enum plan_op)(OP_NONE + 1 + rand() % (OPS - 1)), .n = i);
	finish(plan);
	assert_int_equal(plan->n_steps, 4000);
	for (uint32_t i = 1; i < plan->n_steps; i++) {
		const struct step *before = &plan->steps[i - 1], *step = &plan->steps[i];
		const unsigned was = plan_op_row(before->op)->phase, is = plan_op_row(step->op)->phase;

		assert_true(was < is || (was == is && before->n < step->n));
	}
}

static void finishing_twice_changes_nothing(void **state)
{
	OWN_PLAN *plan = plan_new();
	OWN(str) once = STR_NONE;
	OWN(str) twice = STR_NONE;

	(void)state;
	plan_add(plan, OP_PIVOT);
	plan_add(plan, OP_DIR, .s = "/a", .n = 0755);
	plan_add(plan, OP_DIR, .s = "/b", .n = 0755);
	plan_add(plan, OP_NS, .flags = CLONE_NEWNS);
	finish(plan);
	plan_text(plan, &once);
	finish(plan);
	plan_text(plan, &twice);
	assert_string_equal(str_text(&once), str_text(&twice));
}

static void an_empty_plan_can_be_finished_and_says_nothing(void **state)
{
	OWN_PLAN *plan = plan_new();

	(void)state;
	finish(plan);
	assert_int_equal(plan->n_steps, 0);
	assert_true(plan_layers(plan) == 0);
	expect_text(plan, "");
	plan_free(NULL);
}

static void a_step_too_many_is_reported_at_the_end(void **state)
{
	OWN_PLAN *plan = plan_new();
	struct err e = ERR_INIT;

	(void)state;
	for (int i = 0; i < PLAN_STEPS; i++)
		plan_add(plan, OP_PIVOT);
	finish(plan); /* exactly full */
	plan_add(plan, OP_PIVOT);
	plan_add_bytes(plan, OP_FLOOR, "", 1, (struct plan_args){ .n = 1 });
	plan_add_exec(plan, (const char *const[]){ "x", NULL }, (const char *const[]){ NULL });
	assert_int_equal(plan_finish(plan, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_string_equal(e.text, "the plan needs more than 12288 steps; grant directories instead "
				    "of single files");
}

static void add_text(struct plan *plan, const char *text)
{
	plan_add(plan, OP_CHDIR, .s = text);
}

static void add_bytes(struct plan *plan, const char *text)
{
	plan_add_bytes(plan, OP_FLOOR, text, strlen(text), (struct plan_args){ .n = 1 });
}

static void add_argument(struct plan *plan, const char *text)
{
	plan_add_exec(plan, (const char *const[]){ "x", text, NULL }, (const char *const[]){ NULL });
}

static void add_variable(struct plan *plan, const char *text)
{
	plan_add_exec(plan, (const char *const[]){ "x", NULL }, (const char *const[]){ text, NULL });
}

static void a_byte_too_many_is_reported_at_the_end(void **state)
{
	void (*const ways[])(struct plan *plan, const char *text) = { add_text, add_bytes, add_argument,
								      add_variable };
	char *const text = mem_alloc(PLAN_BYTES + 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		OWN_PLAN *plan = plan_new();
		struct err e = ERR_INIT;

		memset(text, 'a', PLAN_BYTES);
		text[PLAN_BYTES] = '\0';
		ways[i](plan, text);
		/* What would fit again later does not make it whole. */
		plan_add(plan, OP_CHDIR, .s = "/");
		assert_int_equal(plan_finish(plan, &e), -1);
		assert_int_equal(e.kind, ERR_LIMIT);
		assert_string_equal(e.text, "the plan's paths, arguments and environment need more "
					    "than 1024 KiB");
	}
	free(text);
}

static void the_last_byte_can_be_used(void **state)
{
	OWN_PLAN *plan = plan_new();
	char *const text = mem_alloc(PLAN_BYTES);

	(void)state;
	memset(text, 'a', PLAN_BYTES - 2); /* the NUL at 0 and this one's own */
	add_text(plan, text);
	finish(plan);
	assert_int_equal(plan->n_bytes, PLAN_BYTES);
	assert_string_equal(plan_string(plan, plan->steps[0].s), text);
	free(text);
}

static void instructions_lie_on_eight_bytes_whatever_came_before(void **state)
{
	const char *const texts[] = { "", "a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		OWN_PLAN *plan = plan_new();
		const uint64_t program[2] = { 0x1122334455667788, 6 };

		plan_add(plan, OP_CHDIR, .s = texts[i]);
		plan_add_bytes(plan, OP_FLOOR, program, sizeof(program), (struct plan_args){ .n = 2 });
		assert_int_equal(plan->steps[1].s % 8, 0);
		assert_int_not_equal(plan->steps[1].s, 0);
		assert_memory_equal(plan_string(plan, plan->steps[1].s), program, sizeof(program));
		assert_int_equal(plan->bytes[plan->n_bytes - 1], 0);
	}
}

/* ---- text ---- */

static void a_step_is_one_line(void **state)
{
	static const struct {
		enum plan_op op;
		struct plan_args args;
		const char *text;
	} rows[] = {
		{ OP_PIVOT, { 0 }, "box   pivot\n" },
		{ OP_NS, { .flags = 0x10 }, "host  ns             flags=0x10\n" },
		{ OP_IDMAP, { .n = 1, .m = 2, .flags = 1 }, "host  idmap          n=1 m=2 flags=0x1\n" },
		{ OP_DIR, { .s = "/a", .n = 0755 }, "box   dir            /a n=493\n" },
		{ OP_BIND, { .s = "/in", .t = "/out", .fd_plus_one = 1, .flags = 1 },
		  "box   bind           /in /out fd=0 flags=0x1\n" },
		{ OP_STDIO, { .fd_plus_one = 3, .n = 2 }, "guest stdio          n=2 fd=2\n" },
		{ OP_FILE, { .s = "/f", .n = 0644 }, "box   file           /f \"\" n=420\n" },
		{ OP_CHDIR, { .s = "two words" }, "guest chdir          \"two words\"\n" },
		{ OP_CHDIR, { .s = "a\nguest caps" }, "guest chdir          \"a\\x0aguest caps\"\n" },
		{ OP_CHDIR, { .s = "say \"x\\\"" }, "guest chdir          \"say \\\"x\\\\\\\"\"\n" },
		{ OP_CHDIR, { .s = "\x1b[2J\xff\x7f" }, "guest chdir          \"\\x1b[2J\\xff\\x7f\"\n" },
		{ OP_CHDIR, { .s = "\"" }, "guest chdir          \"\\\"\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN_PLAN *plan = plan_new();

		plan_add_step(plan, rows[i].op, rows[i].args);
		expect_text(plan, rows[i].text);
	}
}

static void two_plans_that_differ_read_differently(void **state)
{
	static const char *const pairs[][2] = {
		{ "a b", "c" }, { "a", "b c" }, { "a", "b" }, { "a\" \"b", "c" }, { "a", "\"b\"" },
		{ "", "a" }, { "a", "" }, { "a\\", "b" }, { "a\\\\", "b" }, { "a\n", "b" }, { "a\\x0a", "b" },
	};
	char *texts[ARRAY_SIZE(pairs)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		OWN_PLAN *plan = plan_new();
		OWN(str) text = STR_NONE;

		plan_add(plan, OP_SYMLINK, .s = pairs[i][0], .t = pairs[i][1]);
		plan_text(plan, &text);
		texts[i] = strdup(str_text(&text));
		for (size_t before = 0; before < i; before++)
			assert_string_not_equal(texts[before], texts[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		free(texts[i]);
}

static void arguments_and_variables_are_listed_one_by_one(void **state)
{
	static const struct {
		const char *argv[4], *envp[3], *text;
	} rows[] = {
		{ { "true" }, { NULL }, "guest exec           argv=[true] env=[]\n" },
		{ { "a", "b c", "" }, { "X=1", "Y=" }, "guest exec           argv=[a \"b c\" \"\"] env=[X=1 Y=]\n" },
		{ { "" }, { "" }, "guest exec           argv=[\"\"] env=[\"\"]\n" },
		{ { "a] env=[" }, { NULL }, "guest exec           argv=[\"a] env=[\"] env=[]\n" },
		{ { NULL }, { NULL }, "guest exec           argv=[] env=[]\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN_PLAN *plan = plan_new();

		plan_add_exec(plan, rows[i].argv, rows[i].envp);
		expect_text(plan, rows[i].text);
	}
}

static void a_filter_is_told_from_another_by_its_digest(void **state)
{
	OWN_PLAN *plan = plan_new();
	OWN(str) text = STR_NONE;
	const uint64_t programs[2] = { 1, 2 };
	const char *first, *second;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		plan_add_bytes(plan, OP_SECCOMP, &programs[i], 8, (struct plan_args){ .n = 1, .flags = 1 });
	plan_text(plan, &text);
	first = strstr(str_text(&text), "digest=");
	assert_non_null(first);
	second = strstr(first + 1, "digest=");
	assert_non_null(second);
	assert_memory_not_equal(first, second, strlen("digest=0123456789abcdef"));
	assert_memory_equal(first + strlen("digest=0123456789abcdef"), " flags=0x1\n", 11);
}

/* ---- layers ---- */

static uint64_t layers_of(enum plan_op op, uint32_t flags)
{
	OWN_PLAN *plan = plan_new();

	plan_add(plan, op, .flags = flags);
	return plan_layers(plan);
}

static void a_step_installs_the_layers_of_its_row_and_its_numbers(void **state)
{
	static const struct {
		enum plan_op op;
		uint32_t flags;
		uint64_t layers;
	} rows[] = {
		{ OP_NS, 0, 0 },
		{ OP_NS, CLONE_NEWUSER, LAYER_BIT(LAYER_USERNS) },
		{ OP_NS, CLONE_NEWNS | CLONE_NEWPID, LAYER_BIT(LAYER_MOUNTNS) | LAYER_BIT(LAYER_PIDNS) },
		{ OP_NS, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
		  LAYER_BIT(LAYER_NETNS) | LAYER_BIT(LAYER_IPCNS) | LAYER_BIT(LAYER_UTSNS) },
		{ OP_CGROUP, 0, 0 },
		{ OP_CGROUP_LIMIT, LIMIT_MEMORY, LAYER_BIT(LAYER_CG_MEMORY) },
		{ OP_CGROUP_LIMIT, LIMIT_SWAP, LAYER_BIT(LAYER_CG_SWAP) },
		{ OP_CGROUP_LIMIT, LIMIT_PIDS, LAYER_BIT(LAYER_CG_PIDS) },
		{ OP_CGROUP_LIMIT, LIMIT_CPUS, LAYER_BIT(LAYER_CG_CPU) },
		{ OP_CGROUP_LIMIT, LIMIT_IO_READ, LAYER_BIT(LAYER_CG_IO) },
		{ OP_CGROUP_LIMIT, LIMIT_IO_WRITE, LAYER_BIT(LAYER_CG_IO) },
		{ OP_CGROUP_LIMIT, LIMIT_CPU_TIME, 0 },
		{ OP_CGROUP_LIMIT, PLAN_LIMITS, 0 },
		{ OP_LANDLOCK, 3, 0 }, /* rules that nobody enters hold nothing */
		{ OP_LANDLOCK_ON, 0, LAYER_BIT(LAYER_LANDLOCK) },
		{ OP_CAPS, CAPS_NONE, LAYER_BIT(LAYER_CAPS) },
		{ OP_PROC, PROC_OWN_PIDS, LAYER_BIT(LAYER_PROC) },
		{ OP_EXEC, 0, 0 },
	};
	uint64_t all = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(layers_of(rows[i].op, rows[i].flags) == rows[i].layers);
		all |= rows[i].layers;
	}
	for (enum plan_op op = OP_NONE + 1; op < OPS; op++)
		all |= layers_of(op, 0);
	/* Each layer can be installed by something. */
	assert_true(all == LAYER_BIT(LAYERS) - 1);
}

/* Every layer there is, in one plan. */
static void sketch_everything(struct sketch *sketch)
{
	struct err e = ERR_INIT;

	sketch->host = host_root_v2();
	sketch->pty = true;
	sketch_policy(sketch, "version: 1\nname: all\nfiles:\n  - read: host\n  - scratch: /work\ncwd: /work\n"
			      "proc: pid\nlimits: {memory: 64M, swap: 0, pids: 8, cpus: 1, io_read: 1M, nice: 5}\n"
			      "hardening: {mdwe: true, no_tsc: true, spec: strict, core_sched: on}\n"
			      "syscalls: {allow: [\"@default\"]}\n");
	assert_int_equal(sketch_plan(sketch, "container", &e), 0);
	assert_true(plan_layers(sketch->rung.plan) == LAYER_BIT(LAYERS) - 1);
}

/* Lines that went and lines that changed; steps keep their order, so one pass is enough. */
static void add_difference(const char *was, const char *is, struct str *out)
{
	static const char *const changing[] = { "host  ns ", "box   proc ", "guest caps ", "box   identity " };

	while (*was) {
		const size_t len = strcspn(was, "\n") + 1, other = strcspn(is, "\n") + 1;
		bool changed = false;

		if (len == other && !memcmp(was, is, len)) {
			was += len;
			is += len;
			continue;
		}
		for (size_t i = 0; i < ARRAY_SIZE(changing); i++)
			changed |= !strncmp(was, changing[i], strlen(changing[i])) &&
				   !strncmp(is, changing[i], strlen(changing[i]));
		str_add(out, "-");
		str_add_bytes(out, was, len);
		was += len;
		if (!changed)
			continue;
		str_add(out, "+");
		str_add_bytes(out, is, other);
		is += other;
	}
	assert_string_equal(is, ""); /* nothing is ever added */
}

static void cut(const struct sketch *sketch, enum layer layer, struct str *out)
{
	OWN_PLAN *plan = plan_new();
	OWN(str) was = STR_NONE;
	OWN(str) is = STR_NONE;
	OWN(str) difference = STR_NONE;
	struct ceiling ceiling = ceiling_default;
	struct err e = ERR_INIT;

	memcpy(plan, sketch->rung.plan, sizeof(*plan));
	assert_int_equal(plan_without(plan, layer, &e), 0);
	ceiling.knife = true;
	if (plan_verify(plan, sizeof(*plan), plan->n_fds, &ceiling, &e) < 0)
		fail_msg("without %s: %s", layer_name(layer), e.text);
	plan_text(sketch->rung.plan, &was);
	plan_text(plan, &is);
	add_difference(str_text(&was), str_text(&is), &difference);
	assert_true(difference.len > 0);
	str_addf(out, "without %s\n", layer_name(layer));
	cut_digests(str_text(&difference), out);
}

static void taking_a_layer_away_leaves_a_plan_that_can_run(void **state)
{
	__attribute__((cleanup(sketch_done))) struct sketch sketch = SKETCH_NONE;
	OWN(str) text = STR_NONE;

	(void)state;
	sketch_everything(&sketch);
	for (enum layer layer = 0; layer < LAYERS; layer++)
		cut(&sketch, layer, &text);
	expect_golden("without", str_text(&text));
}

/* The result must not claim what the knife took; NEED says which layers cannot be had without it. */
static void a_layer_that_was_taken_away_is_not_claimed(void **state)
{
	__attribute__((cleanup(sketch_done))) struct sketch sketch = SKETCH_NONE;

	(void)state;
	sketch_everything(&sketch);
	for (enum layer layer = 0; layer < LAYERS; layer++) {
		OWN_PLAN *plan = plan_new();
		struct err e = ERR_INIT;

		memcpy(plan, sketch.rung.plan, sizeof(*plan));
		assert_int_equal(plan_without(plan, layer, &e), 0);
		if (plan_layers(plan) & LAYER_BIT(layer))
			fail_msg("without %s the plan still claims it", layer_name(layer));
	}
}

static void a_layer_that_is_not_there_cannot_be_taken_away(void **state)
{
	OWN_PLAN *plan = plan_new();

	(void)state;
	plan_add(plan, OP_CGROUP);
	for (enum layer layer = 0; layer < LAYERS; layer++) {
		struct err e = ERR_INIT;
		char expected[80];

		assert_int_equal(plan_without(plan, layer, &e), -1);
		assert_int_equal(e.kind, ERR_UNSUPPORTED);
		snprintf(expected, sizeof(expected), "the plan has no layer '%s'", layer_name(layer));
		assert_string_equal(e.text, expected);
	}
	assert_int_equal(plan->n_steps, 1);
}

static void without_a_user_namespace_the_box_is_who_it_was_outside(void **state)
{
	__attribute__((cleanup(sketch_done))) struct sketch sketch = SKETCH_NONE;
	struct err e = ERR_INIT;

	(void)state;
	sketch_everything(&sketch);
	assert_int_equal(plan_without(sketch.rung.plan, LAYER_USERNS, &e), 0);
	for (uint32_t i = 0; i < sketch.rung.plan->n_steps; i++) {
		const struct step *step = &sketch.rung.plan->steps[i];

		assert_int_not_equal(step->op, OP_IDMAP);
		if (step->op == OP_NS)
			assert_int_equal(step->flags & CLONE_NEWUSER, 0);
		if (step->op == OP_IDENTITY)
			assert_true(step->n == 2000123 && step->m == 2000123);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation_has_a_row_and_others_none),
		cmocka_unit_test(a_later_phase_is_never_on_an_earlier_side),
		cmocka_unit_test(the_last_phases_are_those_that_take_rights),
		cmocka_unit_test(steps_come_by_phase_and_within_one_as_they_were_added),
		cmocka_unit_test(finishing_twice_changes_nothing),
		cmocka_unit_test(an_empty_plan_can_be_finished_and_says_nothing),
		cmocka_unit_test(a_step_too_many_is_reported_at_the_end),
		cmocka_unit_test(a_byte_too_many_is_reported_at_the_end),
		cmocka_unit_test(the_last_byte_can_be_used),
		cmocka_unit_test(instructions_lie_on_eight_bytes_whatever_came_before),
		cmocka_unit_test(a_step_is_one_line),
		cmocka_unit_test(two_plans_that_differ_read_differently),
		cmocka_unit_test(arguments_and_variables_are_listed_one_by_one),
		cmocka_unit_test(a_filter_is_told_from_another_by_its_digest),
		cmocka_unit_test(a_step_installs_the_layers_of_its_row_and_its_numbers),
		cmocka_unit_test(taking_a_layer_away_leaves_a_plan_that_can_run),
		cmocka_unit_test(a_layer_that_was_taken_away_is_not_claimed),
		cmocka_unit_test(a_layer_that_is_not_there_cannot_be_taken_away),
		cmocka_unit_test(without_a_user_namespace_the_box_is_who_it_was_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
