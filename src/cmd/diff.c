/* `ward diff`: what two policies, profiles or processes allow differently. */
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/say.h"
#include "cmd/subject_find.h"
#include "judge/diff.h"

enum diff_id { DIFF_JSON = FOUND_IDS };
static const struct opt options[] = {
	FOUND_ROWS,
	{ .name = "json", .group = "Output", .id = DIFF_JSON, .help = "as one JSON object" },
	COMMAND_HELP,
};

static void add_layers(const struct found *a, const struct found *b, struct diff *diff)
{
	uint64_t before, after;

	if (!a->fit.plan || !b->fit.plan)
		return;
	before = plan_layers(a->fit.plan);
	after = plan_layers(b->fit.plan);
	for (unsigned i = 0; i < LAYERS; i++)
		diff_setting(diff, "layer", before & LAYER_BIT(i) & ~after ? layer_name((enum layer)i) : NULL,
			     after & LAYER_BIT(i) & ~before ? layer_name((enum layer)i) : NULL);
}

static int show(const struct args *args, struct regions *store, const struct diff *diff,
		const struct found *a, const struct found *b, struct err *e)
{
	OWN(str) text = STR_NONE;

	if (args_has(args, DIFF_JSON)) {
		OWN(json) json = JSON_NONE;

		diff_json(store, diff, a->subject.name, b->subject.name, &json);
		json_put_line(&json);
		return say_out(STDOUT_FILENO, "standard output", &json.out, e);
	}
	diff_text(store, diff, a->subject.name, b->subject.name, &text);
	return say_out(STDOUT_FILENO, "standard output", &text, e);
}

static int compare(const struct args *args, struct regions *store, struct err *e)
{
	OWN(found) a = FOUND_NONE, b = FOUND_NONE;
	OWN(diff) diff = DIFF_NONE;
	bool is_incomplete;

	if (subject_find(args, args->operands[0], &a, e) < 0 || subject_find(args, args->operands[1], &b, e) < 0)
		return -1;
	if (diff_calls(store, &a.subject, &b.subject, &diff, e) < 0) {
		say(SAY_ERROR, "%s", e->text);
		return CODE_INCOMPLETE;
	}
	diff_policies(a.subject.policy, b.subject.policy, &diff);
	diff_contexts(&a.subject.context, &b.subject.context, &diff);
	add_layers(&a, &b, &diff);
	if (show(args, store, &diff, &a, &b, e) < 0)
		return -1;
	is_incomplete = found_tell_missing(&a);
	is_incomplete = found_tell_missing(&b) || is_incomplete;        /* both are told */
	if (is_incomplete)
		return CODE_INCOMPLETE;
	return diff_is_empty(&diff) ? 0 : CODE_FINDINGS;
}

int command_diff_run(struct args *args, struct err *e)
{
	struct regions *store;
	int code;

	if (args->n_operands != 2)
		return err_set(e, ERR_USAGE, "two things to compare are needed: policies, profiles, filters or "
					     "processes");
	store = regions_new(REGIONS_NODES);
	code = compare(args, store, e);
	regions_free(store);
	return code;
}

const struct command command_diff = {
	.name = "diff",
	.summary = "show what two policies, filters or processes allow differently",
	.usage = "[option]... A B",
	.about = "The comparison is exact: of every system call there can be, with every argument. Each "
		 "difference comes with a call that shows it. Exit code: 0 no difference, 1 differences, 2 "
		 "usage or unreadable input, 3 the comparison is incomplete.",
	.options = options,
	.trouble = CODE_USAGE,
};
