/* model/plan_tree: what is taken out of a plan, and what stays a box's own.
 * Golden file: tests/golden/plan/tree.txt; UPDATE_GOLDEN=1 rewrites it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../boundary/hosts.h"
#include "model/plan_tree.h"

static const char policy[] =
	"version: 1\nname: tree\nfiles:\n  - read: host\n  - read: /srv/data\n    as: /data\n  - write: /srv/data\n    as: /out\n"
	"  - scratch: /work\n  - read: /srv/data\n    as: /work/data\n  - exec: /srv/tool\n    as: /decoys/own\n"
	"cwd: /work\nproc: pid\nlimits: {memory: 64M, swap: 0, pids: 8}\n"
	"syscalls: {allow: [\"@default\"]}\n";
static const char *const own[] = { "/decoys/own", "/nowhere" };

struct parted {
	struct sketch sketch;
	struct plan *tree, *box;
};

static int set_up(void **state)
{
	struct parted *parted = mem_alloc(sizeof(*parted));
	struct err e = ERR_INIT;

	*parted = (struct parted){ .sketch = SKETCH_NONE, .tree = plan_new(), .box = plan_new() };
	parted->sketch.host = host_root_v2();
	sketch_policy(&parted->sketch, policy);
	if (sketch_plan(&parted->sketch, "container", &e) < 0)
		print_error("%s\n", e.text);
	assert_int_equal(plan_take_tree(parted->sketch.rung.plan, own, ARRAY_SIZE(own), "tree", parted->tree, parted->box, &e), 0);
	*state = parted;
	return 0;
}

static int tear_down(void **state)
{
	struct parted *parted = *state;

	plan_free(parted->tree);
	plan_free(parted->box);
	sketch_done(&parted->sketch);
	free(parted);
	return 0;
}

static void both_parts_are_these(void **state)
{
	const struct parted *parted = *state;
	OWN(str) text = STR_NONE;
	OWN(str) cut = STR_NONE;

	plan_text(parted->tree, &text);
	str_add(&text, "---\n");
	plan_text(parted->box, &text);
	cut_digests(str_text(&text), &cut);
	expect_golden("tree", str_text(&cut));
}

static void a_box_that_begins_with_a_tree_is_accepted_with_its_descriptor(void **state)
{
	const struct parted *parted = *state;
	const struct plan *const box = parted->box;
	struct err e = ERR_INIT;

	assert_int_equal(box->n_fds, parted->sketch.rung.plan->n_fds + 1);
	assert_int_equal(plan_verify(box, sizeof(*box), box->n_fds, &ceiling_default, &e), 0);
	assert_int_equal(plan_verify(box, sizeof(*box), box->n_fds - 1, &ceiling_default, &e), -1);
	assert_int_equal(plan_layers(box), plan_layers(parted->sketch.rung.plan));
}

/* A tree is for many boxes: nothing in it is written, made for one, or shown with the identity of one. */
static void nothing_in_a_tree_is_a_boxs_own(void **state)
{
	const struct parted *parted = *state;

	assert_int_equal(parted->tree->steps[0].op, OP_ROOT);
	for (uint32_t i = 1; i < parted->tree->n_steps; i++) {
		const struct step *const step = &parted->tree->steps[i];

		assert_true(step->op == OP_DIR || step->op == OP_SYMLINK || step->op == OP_FILE || step->op == OP_BIND);
		if (step->op != OP_BIND)
			continue;
		assert_false(step->flags & BIND_OWNER);
		assert_true(step->flags & (BIND_RDONLY | BIND_DEV));
		assert_string_not_equal(plan_string(parted->tree, step->s), own[0]);
	}
}

static void a_plan_without_a_root_has_no_tree(void **state)
{
	__attribute__((cleanup(sketch_done))) struct sketch sketch = SKETCH_NONE;
	struct plan *tree = plan_new(), *box = plan_new();
	struct err e = ERR_INIT;

	(void)state;
	sketch.host = host_root_v2();
	sketch_policy(&sketch, "default");
	assert_int_equal(sketch_plan(&sketch, "process", &e), 0);
	assert_int_equal(plan_take_tree(sketch.rung.plan, NULL, 0, "tree", tree, box, &e), 0);
	assert_int_equal(tree->n_steps, 0);
	assert_int_equal(box->n_steps, sketch.rung.plan->n_steps);
	plan_free(tree);
	plan_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_parts_are_these, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_box_that_begins_with_a_tree_is_accepted_with_its_descriptor, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_in_a_tree_is_a_boxs_own, set_up, tear_down),
		cmocka_unit_test(a_plan_without_a_root_has_no_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
