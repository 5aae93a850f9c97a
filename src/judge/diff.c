/* The difference of two filter stacks. A point where they disagree is picked, everything that disagrees
 * in the same way is taken out with it, until nothing is left: so the list is complete, or the budget
 * is reached and that is said. */
#include "judge/diff.h"

#include <inttypes.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/policy_explain.h"
#include "model/syscalls.h"

#define LAST_NUMBER 511 /* of a table: what lies behind is looked at in one piece */
#define REST 16         /* numbers behind it that are told singly */

void diff_done(struct diff *diff)
{
	free(diff->calls);
	free(diff->settings);
	arena_done(&diff->arena);
	*diff = DIFF_NONE;
}

/* ---- calls ---- */

struct comparing {
	struct regions *store;
	struct answers a, b;
	struct diff *out;
	struct difference like; /* what the numbers being visited have in common */
	uint32_t arch;          /* of the table being visited */
	size_t first;           /* of out->calls that belongs to it */
};

/* The program sees the data of these. */
static bool shows_data(enum answer answer)
{
	return answer == ANSWER_ERRNO || answer == ANSWER_TRAP || answer == ANSWER_TRACE;
}

/* Where one side gives this answer, with this data where the program sees it. */
static struct region given(struct regions *store, const struct answers *side, enum answer answer,
			   uint16_t data)
{
	struct region r = side->of[answer];

	for (unsigned i = 0; shows_data(answer) && i < 16; i++)
		r = data >> i & 1 ? region_and(store, r, side->data[i]) : region_minus(store, r, side->data[i]);
	return r;
}

static struct region disagreement(struct comparing *c)
{
	struct regions *const s = c->store;
	struct region r = REGION_NONE;

	for (unsigned i = 0; i < ANSWERS; i++) {
		const struct region both = region_and(s, c->a.of[i], c->b.of[i]);

		r = region_or(s, r, region_minus(s, c->a.of[i], c->b.of[i]));
		for (unsigned bit = 0; shows_data((enum answer)i) && bit < 16; bit++) {
			const struct region one = region_choose(s, c->a.data[bit], region_not(s, c->b.data[bit]),
								c->b.data[bit]);

			r = region_or(s, r, region_and(s, both, one));
		}
	}
	return r;
}

static void add_call(struct comparing *c, enum difference_of of, uint32_t low, uint32_t high,
		     struct region arguments)
{
	struct diff *const out = c->out;
	struct difference *one;
	struct region here;

	out->calls = mem_grow(out->calls, &out->cap_calls, out->n_calls + 1, sizeof(*out->calls));
	one = &out->calls[out->n_calls++];
	*one = c->like;
	one->of = of;
	one->arch = c->arch;
	one->low = low;
	one->high = high;
	one->arguments = arguments;
	here = region_and(c->store, arguments, region_call(c->store, c->arch, low));
	region_pick(c->store, here, &one->example);
}

/* Has a name to be told by, rather than be one of a run. */
static bool has_name(uint32_t arch, uint32_t nr)
{
	return arch == AUDIT_ARCH_X86_64 && syscalls_name(nr & ~SYSCALLS_X32);
}

/* One more number: a name of its own, or the next of a run that is alike. */
static void add_number(struct comparing *c, uint32_t nr, struct region arguments)
{
	struct difference *const last = c->out->n_calls > c->first ? &c->out->calls[c->out->n_calls - 1] : NULL;

	if (last && last->high + 1 == nr && !has_name(c->arch, nr) && !has_name(c->arch, last->high) &&
	    region_is_same(last->arguments, arguments))
		last->high = nr;
	else
		add_call(c, OF_ONE, nr, nr, arguments);
}

/* Numbers no table has: one run when they are all alike, some of them singly when not. */
static void take_rest(struct comparing *c, struct region rest, uint32_t end)
{
	struct regions *const s = c->store;
	const struct region arch = region_word(s, WORD_ARCH, UINT32_MAX, c->arch);
	struct seccomp_data point;

	for (unsigned i = 0; region_pick(s, rest, &point); i++) {
		const uint32_t nr = (uint32_t)point.nr;
		const struct region arguments = region_at(s, rest, c->arch, nr);
		struct region run = region_and(s, arch, region_range(s, WORD_NR, nr, end));

		run = region_and(s, run, arguments);
		add_number(c, nr, arguments);
		if (region_is_same(run, rest) || i == REST) {
			struct difference *const last = &c->out->calls[c->out->n_calls - 1];

			last->of = i == REST ? OF_SOME_FROM : OF_EVERY_FROM;
			last->high = end;
			return;
		}
		rest = region_minus(s, rest, region_call(s, c->arch, nr));
	}
}

/* Numbers of one table of calls, from base on. */
static void take_table(struct comparing *c, struct region r, uint32_t arch, uint32_t base, uint32_t end)
{
	struct regions *const s = c->store;
	const struct region table = region_and(s, r, region_word(s, WORD_ARCH, UINT32_MAX, arch));

	c->arch = arch;
	c->first = c->out->n_calls;
	for (uint32_t nr = base; nr <= base + LAST_NUMBER; nr++) {
		const struct region arguments = region_at(s, table, arch, nr);

		if (!region_is_empty(arguments))
			add_number(c, nr, arguments);
	}
	take_rest(c, region_and(s, table, region_range(s, WORD_NR, base + LAST_NUMBER + 1, end)), end);
}

/* Everything of `r`, all of it answered in the same two ways. */
static void take_all(struct comparing *c, struct region r)
{
	struct regions *const s = c->store;
	static const uint32_t known[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
	struct region other = r;
	struct seccomp_data point;

	take_table(c, r, AUDIT_ARCH_X86_64, 0, SYSCALLS_X32 - 1);
	take_table(c, r, AUDIT_ARCH_X86_64, SYSCALLS_X32, UINT32_MAX);
	take_table(c, r, AUDIT_ARCH_I386, 0, UINT32_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		other = region_minus(s, other, region_word(s, WORD_ARCH, UINT32_MAX, known[i]));
	if (!region_pick(s, other, &point))
		return;
	c->arch = point.arch;
	add_call(c, OF_OTHER_ARCH, (uint32_t)point.nr, (uint32_t)point.nr,
		 region_at(s, other, point.arch, (uint32_t)point.nr));
}

static int rank(const struct difference *one)
{
	const bool before = one->before >= ANSWER_LOG, after = one->after >= ANSWER_LOG;

	return after && !before ? 0 : before && !after ? 1 : 2;
}

static int by_weight(const void *left, const void *right)
{
	const struct difference *const a = left, *const b = right;

	if (rank(a) != rank(b))
		return rank(a) - rank(b);
	/* x86-64 first: the highest number of the architectures we know. */
	if (a->arch != b->arch)
		return a->arch > b->arch ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	if (a->before != b->before)
		return (int)a->before - (int)b->before;
	if (a->after != b->after)
		return (int)a->after - (int)b->after;
	return a->data_after - b->data_after;
}

int diff_calls(struct regions *store, const struct subject *a, const struct subject *b,
	       struct diff *out, struct err *e)
{
	struct comparing c = { .store = store, .out = out };
	struct seccomp_data point;
	struct region left, same_way;

	if (eval_subject(store, a, &c.a, e) < 0 || eval_subject(store, b, &c.b, e) < 0)
		return -1;
	left = disagreement(&c);
	while (region_pick(store, left, &point)) {
		c.like.before = eval_at(store, &c.a, &point, &c.like.data_before);
		c.like.after = eval_at(store, &c.b, &point, &c.like.data_after);
		same_way = region_and(store, left, given(store, &c.a, c.like.before, c.like.data_before));
		same_way = region_and(store, same_way, given(store, &c.b, c.like.after, c.like.data_after));
		take_all(&c, same_way);
		left = region_minus(store, left, same_way);
	}
	if (regions_are_full(store))
		return err_set(e, ERR_LIMIT, "%s and %s: the filters are too intricate to be compared exactly "
			       "within the memory budget", a->name, b->name);
	if (out->n_calls)
		qsort(out->calls, out->n_calls, sizeof(*out->calls), by_weight);
	return 0;
}

/* ---- settings ---- */

void diff_setting(struct diff *out, const char *key, const char *before, const char *after)
{
	struct setting_difference *one;

	if ((before && after && strcmp(before, after) == 0) || (!before && !after))
		return;
	out->settings = mem_grow(out->settings, &out->cap_settings, out->n_settings + 1, sizeof(*out->settings));
	one = &out->settings[out->n_settings++];
	one->key = arena_copy(&out->arena, key, strlen(key));
	one->before = before ? arena_copy(&out->arena, before, strlen(before)) : NULL;
	one->after = after ? arena_copy(&out->arena, after, strlen(after)) : NULL;
}

struct setting {
	const char *key, *value;
	bool is_matched;
};
struct settings {
	struct setting *at;
	size_t n, cap;
	struct arena arena;
};

static void settings_done(struct settings *settings)
{
	free(settings->at);
	arena_done(&settings->arena);
}

static void collect(void *at, const char *key, const char *value, const struct origin *from)
{
	struct settings *const settings = at;

	(void)from;
	/* What the rules mean is compared exactly; how they are written does not matter. */
	if (strcmp(key, "syscalls") == 0 || strcmp(key, "name") == 0)
		return;
	settings->at = mem_grow(settings->at, &settings->cap, settings->n + 1, sizeof(*settings->at));
	settings->at[settings->n++] = (struct setting){
		.key = arena_copy(&settings->arena, key, strlen(key)),
		.value = arena_copy(&settings->arena, value, strlen(value)),
	};
}

/* A setting there can be one of has a dotted key or none; lists repeat their key ("files read"). */
static struct setting *partner(struct settings *settings, const struct setting *of, bool same_value)
{
	for (size_t i = 0; i < settings->n; i++) {
		struct setting *const one = &settings->at[i];

		if (!one->is_matched && strcmp(one->key, of->key) == 0 &&
		    (!same_value || strcmp(one->value, of->value) == 0))
			return one;
	}
	return NULL;
}

void diff_policies(const struct policy *a, const struct policy *b, struct diff *out)
{
	OWN(settings) before = { .at = NULL }, after = { .at = NULL };

	if (!a || !b)
		return;
	policy_each_setting(a, collect, &before);
	policy_each_setting(b, collect, &after);
	for (size_t i = 0; i < before.n; i++) {
		struct setting *const same = partner(&after, &before.at[i], true);

		if (same)
			before.at[i].is_matched = same->is_matched = true;
	}
	for (size_t i = 0; i < before.n; i++) {
		struct setting *const one = &before.at[i];
		struct setting *const other = one->is_matched || strchr(one->key, ' ') ? NULL :
					      partner(&after, one, false);

		if (one->is_matched)
			continue;
		if (other)
			other->is_matched = true;
		diff_setting(out, one->key, one->value, other ? other->value : NULL);
	}
	for (size_t i = 0; i < after.n; i++)
		if (!after.at[i].is_matched)
			diff_setting(out, after.at[i].key, NULL, after.at[i].value);
}

static const struct {
	const char *key;
	size_t at;
} facts[] = {
#define FACT(name, member) { name, offsetof(struct subject_context, member) }
	FACT("own user namespace", own_user), FACT("own pid namespace", own_pid),
	FACT("own network namespace", own_net), FACT("own mount namespace", own_mount),
	FACT("own ipc namespace", own_ipc), FACT("own uts namespace", own_uts),
	FACT("own cgroup namespace", own_cgroup), FACT("own terminal", own_terminal),
	FACT("no new privileges", no_new_privs), FACT("landlock", landlock),
	FACT("mdwe", mdwe),
#undef FACT
};

static const char *known_text(enum known known)
{
	return known == KNOWN_YES ? "yes" : known == KNOWN_NO ? "no" : NULL;
}

void diff_contexts(const struct subject_context *a, const struct subject_context *b, struct diff *out)
{
	char before[32], after[32];

	diff_setting(out, "boundary", a->boundary, b->boundary);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		enum known x, y;

		memcpy(&x, (const char *)a + facts[i].at, sizeof(x));
		memcpy(&y, (const char *)b + facts[i].at, sizeof(y));
		/* What is not known of one cannot differ. */
		if (x != KNOWN_NOT && y != KNOWN_NOT)
			diff_setting(out, facts[i].key, known_text(x), known_text(y));
	}
	if (!a->caps_known || !b->caps_known)
		return;
	snprintf(before, sizeof(before), "%#" PRIx64, a->caps);
	snprintf(after, sizeof(after), "%#" PRIx64, b->caps);
	diff_setting(out, "capabilities", before, after);
}
