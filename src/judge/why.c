/* Why a call is allowed or refused: each filter is asked by itself, then all as the kernel stacks them. */
#include "judge/why.h"

#include <linux/audit.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/describe.h"
#include "judge/eval.h"
#include "model/syscalls.h"

#define CLAUSES 12
#define FEW 4           /* filters that are told one by one */
enum { LAYER_COLUMN = 2, SAYS_COLUMN = 20, FROM_COLUMN = 50 };

void why_done(struct why *why)
{
	free(why->checks);
	arena_done(&why->arena);
	*why = WHY_NONE;
}

static const char *keep(struct why *why, const char *text)
{
	return text ? arena_copy(&why->arena, text, strlen(text)) : NULL;
}

void why_add_check(struct why *why, const char *layer, bool refuses, const char *from,
		   const char *format, ...)
{
	char text[2048];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	why->checks = mem_grow(why->checks, &why->cap_checks, why->n_checks + 1, sizeof(*why->checks));
	why->checks[why->n_checks++] = (struct why_check){
		.layer = keep(why, layer), .refuses = refuses, .says = keep(why, text), .from = keep(why, from),
	};
}

/* The layer a filter of ward's is; a stranger's filter is called by its own name. */
static const char *layer_of(const struct subject *subject, const struct subject_filter *filter)
{
	if (subject->kind != SUBJECT_POLICY)
		return filter->name;
	return strcmp(filter->name, "floor") == 0 ? layer_name(LAYER_FLOOR) : layer_name(LAYER_SECCOMP);
}

static const char *line_text(struct why *why, const struct subject *subject, const struct subject_line *line)
{
	if (!line)
		return NULL;
	if (!line->line)
		return line->text;
	return arena_printf(&why->arena, "%s:%u: %s", subject->name, line->line, line->text);
}

static bool is_foreign(const struct call_text *call)
{
	return call->arch != AUDIT_ARCH_X86_64 || call->nr & SYSCALLS_X32;
}

/* The row that decides knows its line better than the list of lines does. */
static const char *from_of(struct why *why, const struct subject *subject,
			   const struct subject_filter *filter, const struct filter_set *rows,
			   const struct call_text *call)
{
	const struct filter_row *row = NULL;

	if (is_foreign(call))
		return subject->kind == SUBJECT_POLICY ? "other ABIs than x86-64 are ended" : NULL;
	if (subject->kind == SUBJECT_POLICY && strcmp(filter->name, "floor") == 0)
		return "no policy can allow it";
	if (!rows)
		return line_text(why, subject, subject_line_of(subject, call->nr));
	filter_judge(rows, call->nr, call->args, &row);
	if (!row)
		return line_text(why, subject, subject_line_of(subject, SUBJECT_ANY));
	for (size_t i = 0; i < subject->n_lines; i++)
		if (subject->lines[i].nr == row->nr && subject->lines[i].line == row->line)
			return line_text(why, subject, &subject->lines[i]);
	return row->origin;
}

static struct seccomp_data point_of(const struct call_text *call)
{
	struct seccomp_data point = { .nr = (int)call->nr, .arch = call->arch };

	for (unsigned i = 0; i < 6; i++)
		point.args[i] = call->args[i];
	return point;
}

/* Every argument the call has is given. */
static bool is_whole(const struct call_text *call)
{
	const unsigned n = call->arch == AUDIT_ARCH_X86_64 ? syscalls_arg_count(call->nr & ~SYSCALLS_X32) : 6;

	return (call->given & ((1u << n) - 1)) == (1u << n) - 1;
}

static bool is_refusal(enum answer answer)
{
	return answer < ANSWER_LOG;
}

static struct region asked(struct regions *store, const struct call_text *call)
{
	struct region r = region_call(store, call->arch, call->nr);

	for (unsigned i = 0; i < 6; i++)
		if (call->given >> i & 1)
			r = region_and(store, r, region_arg(store, i, UINT64_MAX, call->args[i]));
	return r;
}

static void answer_whole(const struct regions *store, const struct answers *all,
			 const struct seccomp_data *point, struct why *out)
{
	OWN(str) text = STR_NONE;
	uint16_t data = 0;
	const enum answer answer = eval_at(store, all, point, &data);

	out->is_refused = is_refusal(answer);
	str_add(&text, out->is_refused ? "refused: " : "allowed");
	if (out->is_refused)
		answer_write(answer, data, &text);
	else if (answer == ANSWER_LOG)
		str_add(&text, ", and logged");
	out->answer = keep(out, str_text(&text));
}

/* Of many filters (a unit has one for each directive and ABI) those that let it through are counted.
 * Returns how many were. */
static size_t check_whole(const struct regions *store, const struct subject *subject, size_t i,
			  const struct answers *one, const struct filter_set *rows,
			  const struct call_text *call, struct why *out)
{
	const struct subject_filter *const filter = &subject->filters[i];
	const struct seccomp_data point = point_of(call);
	uint16_t data = 0;
	const enum answer answer = eval_at(store, one, &point, &data);
	const bool is_floor = subject->kind == SUBJECT_POLICY && strcmp(filter->name, "floor") == 0;
	OWN(str) text = STR_NONE;

	if (answer == ANSWER_ALLOW && subject->n_filters > FEW)
		return 1;
	answer_write(answer, data, &text);
	why_add_check(out, layer_of(subject, filter), is_refusal(answer),
		      is_floor && !is_refusal(answer) ? NULL : from_of(out, subject, filter, rows, call), "%s",
		      str_text(&text));
	return 0;
}

/* One line for each way all filters together answer. */
static void check_free(struct regions *store, const struct subject *subject, const struct answers *all,
		       const struct call_text *call, struct why *out)
{
	struct region left = asked(store, call);
	struct seccomp_data point;
	bool is_allowed = false;

	while (region_pick(store, left, &point) && out->n_checks < 64) {
		uint16_t data = 0;
		const enum answer answer = eval_at(store, all, &point, &data);
		struct region same = region_and(store, left, all->of[answer]);
		OWN(str) text = STR_NONE, when = STR_NONE;

		for (unsigned i = 0; answer == ANSWER_ERRNO && i < 16; i++)
			same = data >> i & 1 ? region_and(store, same, all->data[i]) :
					       region_minus(store, same, all->data[i]);
		answer_write(answer, data, &text);
		describe_arguments(store, region_at(store, same, call->arch, call->nr), call->nr & ~SYSCALLS_X32,
				   CLAUSES, &when);
		why_add_check(out, str_text(&text), is_refusal(answer), NULL, "when %s", str_text(&when));
		out->is_refused |= is_refusal(answer);
		is_allowed |= !is_refusal(answer);
		left = region_minus(store, left, same);
	}
	out->is_mixed = out->is_refused && is_allowed;
	if (out->n_checks == 1) {
		out->checks[0].says = "whatever else its arguments are";
		if (!is_foreign(call))
			out->checks[0].from = line_text(out, subject, subject_line_of(subject, call->nr));
	}
	out->answer = out->is_mixed ? "depends on its arguments" : is_allowed ? "allowed" : "refused";
}

static const char *name_call(struct why *why, const struct call_text *call)
{
	const struct seccomp_data point = point_of(call);
	char text[256];

	if (is_whole(call))
		describe_call(&point, text, sizeof(text));
	else
		describe_numbers(call->arch, call->nr, call->nr, text, sizeof(text));
	return keep(why, text);
}

int why_call(struct regions *store, const struct subject *subject, const struct filter_set *rows,
	     const struct call_text *call, struct why *out, struct err *e)
{
	const struct seccomp_data point = point_of(call);
	struct answers all = ANSWERS_NONE;
	size_t more = 0;

	if (eval_subject(store, subject, &all, e) < 0)
		return -1;
	out->question = name_call(out, call);
	if (!is_whole(call)) {
		check_free(store, subject, &all, call, out);
		return regions_are_full(store) ? err_set(e, ERR_LIMIT, "%s: too intricate to be judged exactly",
							 subject->name) : 0;
	}
	answer_whole(store, &all, &point, out);
	for (size_t i = 0; i < subject->n_filters; i++) {
		struct answers one = ANSWERS_NONE;

		if (eval_program(store, subject->filters[i].program, subject->filters[i].n, &one, e) < 0)
			return -1;
		more += check_whole(store, subject, i, &one, rows, call, out);
	}
	if (more)
		why_add_check(out, "others", false, NULL, "%zu filter%s let it through", more, more == 1 ? "" : "s");
	if (!subject->n_filters)
		why_add_check(out, "none", false, NULL, "there is no filter");
	return 0;
}

void why_text(const struct why *why, struct str *out)
{
	str_addf(out, "%s: %s\n", why->question, why->answer);
	for (size_t i = 0; i < why->n_checks; i++) {
		const struct why_check *const check = &why->checks[i];

		str_addf(out, "%*s%s", LAYER_COLUMN, "", check->layer);
		str_pad(out, SAYS_COLUMN);
		str_add(out, check->says);
		if (check->from) {
			str_pad(out, FROM_COLUMN);
			str_add(out, check->from);
		}
		str_add(out, "\n");
	}
}

void why_json(const struct why *why, struct json *out)
{
	json_put_object(out, NULL);
	json_put_text(out, "schema", "ward.why.1");
	json_put_text(out, "question", why->question);
	json_put_text(out, "answer", why->answer);
	json_put_bool(out, "refused", why->is_refused);
	json_put_bool(out, "mixed", why->is_mixed);
	json_put_array(out, "checks");
	for (size_t i = 0; i < why->n_checks; i++) {
		json_put_object(out, NULL);
		json_put_text(out, "layer", why->checks[i].layer);
		json_put_bool(out, "refuses", why->checks[i].refuses);
		json_put_text(out, "says", why->checks[i].says);
		json_put_text(out, "from", why->checks[i].from);
		json_put_end(out);
	}
	json_put_end(out);
	json_put_end(out);
}
