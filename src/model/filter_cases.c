/* Cuts the space of arguments along the tests of rows, in the order rows are tried: what a row takes is
 * gone for those behind it. Refuses to go on when a call falls into too many pieces. */
#include "model/filter_cases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/filter_rows.h"
#include "model/syscalls.h"

void filter_cases_done(struct filter_cases *cases)
{
	free(cases->at);
	*cases = FILTER_CASES_NONE;
}

static void add(struct filter_cases *list, const struct filter_case *one)
{
	list->at = mem_grow(list->at, &list->cap, list->n + 1, sizeof(*list->at));
	list->at[list->n++] = *one;
}

bool filter_case_holds(const struct filter_case *one, const uint64_t args[6])
{
	for (size_t i = 0; i < 6; i++)
		if ((args[i] & one->mask[i]) != one->value[i])
			return false;
	return true;
}

bool filter_case_is_plain(const struct filter_case *one)
{
	static const uint64_t none[6];

	return memcmp(one->mask, none, sizeof(none)) == 0;
}

/* What of a piece a test takes and what it leaves. */
struct cut {
	struct filter_cases *hit, *miss;
};

/* Goes down the bits of an argument from the highest. The piece keeps the part whose bits so far are
 * those of the test's value; what differs is decided there and then. */
static void cut_bits(const struct filter_test *test, bool is_order, struct filter_case piece,
		     const struct cut *cut)
{
	uint64_t *const mask = &piece.mask[test->arg], *const value = &piece.value[test->arg];

	for (uint64_t bit = UINT64_C(1) << 63; bit; bit >>= 1) {
		const uint64_t wanted = test->value & bit;
		/* In an order, a bit that is 0 where the value's is 1 makes the whole smaller. */
		struct filter_cases *const other = is_order && wanted ? cut->hit : cut->miss;

		if (!(test->mask & bit)) {
			if (!wanted)
				continue;
			add(other, &piece);
			return;
		}
		if (*mask & bit) {
			if ((*value & bit) == wanted)
				continue;
			add(other, &piece);
			return;
		}
		*mask |= bit;
		*value |= wanted ^ bit;
		add(other, &piece);
		*value ^= bit;
	}
	add(cut->hit, &piece);
}

static void cut_piece(uint32_t nr, const struct filter_test *test, const struct filter_case *piece,
		      struct cut cut)
{
	struct filter_test exact;
	const enum filter_fit fit = filter_narrow(nr, test, &exact);
	const bool is_turned = test->op == FILTER_NE || test->op == FILTER_GT;
	const bool is_order = test->op == FILTER_LE || test->op == FILTER_GT;

	if (fit != FIT_DEPENDS) {
		add(fit == FIT_ALWAYS ? cut.hit : cut.miss, piece);
		return;
	}
	if (is_turned)
		cut = (struct cut){ cut.miss, cut.hit };
	cut_bits(&exact, is_order, *piece, &cut);
}

/* Gives the pieces a row takes its word; *left keeps the others. */
static void take_row(const struct filter_row *row, uint32_t word, struct filter_cases *left,
		     struct filter_cases *out)
{
	struct filter_cases hit = TAKE(*left, FILTER_CASES_NONE);

	for (size_t t = 0; t < row->n_tests; t++) {
		struct filter_cases next = FILTER_CASES_NONE;

		for (size_t i = 0; i < hit.n; i++)
			cut_piece(row->nr, &row->tests[t], &hit.at[i], (struct cut){ &next, left });
		filter_cases_done(&hit);
		hit = next;
	}
	for (size_t i = 0; i < hit.n; i++) {
		hit.at[i].word = word;
		add(out, &hit.at[i]);
	}
	filter_cases_done(&hit);
}

/* What a set, all of whose rows are this call's, says of the pieces in *left, which is empty afterwards. */
static int judge_pieces(const struct filter_set *set, uint32_t nr, struct filter_cases *left,
			struct filter_cases *out, struct err *e)
{
	for (enum filter_turn turn = TURN_FIRST; turn < TURNS; turn++)
		for (size_t i = 0; i < set->n_rows && left->n; i++) {
			const struct filter_row *const row = &set->rows[i];

			if (filter_turn(row) != turn)
				continue;
			take_row(row, filter_word(set, row), left, out);
			if (left->n + out->n > FILTER_CASES_MAX)
				return err_set(e, ERR_LIMIT, "the rules for %s fall into more than "
					       "%d pieces", syscalls_name(nr), FILTER_CASES_MAX);
		}
	for (size_t i = 0; i < left->n; i++) {
		left->at[i].word = filter_word(set, NULL);
		add(out, &left->at[i]);
	}
	filter_cases_done(left);
	return 0;
}

/* Of what the policy lets through, the floor's part is refused. */
static int put_floor(const struct filter_set *floor, uint32_t nr, const struct filter_cases *said,
		     struct filter_cases *out, struct err *e)
{
	for (size_t i = 0; i < said->n; i++) {
		OWN(filter_cases) left = FILTER_CASES_NONE;
		OWN(filter_cases) below = FILTER_CASES_NONE;

		if (!filter_word_passes(said->at[i].word)) {
			add(out, &said->at[i]);
			continue;
		}
		add(&left, &said->at[i]);
		if (judge_pieces(floor, nr, &left, &below, e) < 0)
			return -1;
		for (size_t k = 0; k < below.n; k++) {
			if (filter_word_passes(below.at[k].word))
				below.at[k].word = said->at[i].word;
			add(out, &below.at[k]);
		}
	}
	return 0;
}

/* Joins two pieces that differ in one bit alone, that both test. */
static bool join(struct filter_case *a, const struct filter_case *b)
{
	uint64_t differ = 0;
	size_t at = 0, n = 0;

	if (a->word != b->word || memcmp(a->mask, b->mask, sizeof(a->mask)) != 0)
		return false;
	for (size_t i = 0; i < 6; i++)
		if (a->value[i] != b->value[i]) {
			differ = a->value[i] ^ b->value[i];
			at = i;
			n++;
		}
	if (n != 1 || (differ & (differ - 1)))
		return false;
	a->mask[at] &= ~differ;
	a->value[at] &= ~differ;
	return true;
}

static void join_all(struct filter_cases *list)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < list->n; i++)
			for (size_t k = i + 1; k < list->n; k++)
				if (join(&list->at[i], &list->at[k])) {
					list->at[k--] = list->at[--list->n];
					changed = true;
				}
	}
}

static int by_place(const void *a, const void *b)
{
	const struct filter_case *const x = a, *const y = b;

	if (x->word != y->word)
		return x->word < y->word ? -1 : 1;
	for (size_t i = 0; i < 6; i++) {
		if (x->value[i] != y->value[i])
			return x->value[i] < y->value[i] ? -1 : 1;
		if (x->mask[i] != y->mask[i])
			return x->mask[i] < y->mask[i] ? -1 : 1;
	}
	return 0;
}

static int judge_call(const struct filter_set *policy, const struct filter_set *floor, uint32_t nr,
		      struct filter_cases *out, struct err *e)
{
	const struct filter_case all = { .nr = nr };
	OWN(filter_cases) left = FILTER_CASES_NONE;
	OWN(filter_cases) said = FILTER_CASES_NONE;
	OWN(filter_cases) both = FILTER_CASES_NONE;

	add(&left, &all);
	if (judge_pieces(policy, nr, &left, &said, e) < 0 ||
	    put_floor(floor, nr, &said, &both, e) < 0)
		return -1;
	join_all(&both);
	qsort(both.at, both.n, sizeof(*both.at), by_place);
	for (size_t i = 0; i < both.n; i++)
		if (both.at[i].word != out->otherwise)
			add(out, &both.at[i]);
	return 0;
}

/* The rows of a set by number, each call's in their order. */
struct by_number {
	struct filter_set set;
	size_t first[SYSCALLS_NUMBERS + 1];
};

static void sort_rows(const struct filter_set *set, struct by_number *out)
{
	size_t at[SYSCALLS_NUMBERS + 1];

	out->set = *set;
	out->set.rows = mem_alloc((set->n_rows + 1) * sizeof(*out->set.rows));
	memset(out->first, 0, sizeof(out->first));
	for (size_t i = 0; i < set->n_rows; i++)
		if (set->rows[i].nr < SYSCALLS_NUMBERS)
			out->first[set->rows[i].nr + 1]++;
	for (size_t nr = 0; nr < SYSCALLS_NUMBERS; nr++)
		out->first[nr + 1] += out->first[nr];
	memcpy(at, out->first, sizeof(at));
	for (size_t i = 0; i < set->n_rows; i++)
		if (set->rows[i].nr < SYSCALLS_NUMBERS)
			out->set.rows[at[set->rows[i].nr]++] = set->rows[i];
}

static struct filter_set rows_of(const struct by_number *sorted, uint32_t nr)
{
	struct filter_set of = sorted->set;

	of.rows += sorted->first[nr];
	of.n_rows = sorted->first[nr + 1] - sorted->first[nr];
	return of;
}

int filter_cases(const struct filter_set *policy, const struct filter_set *floor,
		 struct filter_cases *out, struct err *e)
{
	struct by_number policy_rows, floor_rows;
	int rc = 0;

	OWN(filter_set) above = FILTER_SET_NONE;
	OWN(filter_set) below = FILTER_SET_NONE;
	OWN(filter_cases) cases = FILTER_CASES_NONE;

	filter_set_silence(policy, &above);
	filter_set_silence(floor, &below);
	cases.otherwise = filter_word(&above, NULL);
	sort_rows(&above, &policy_rows);
	sort_rows(&below, &floor_rows);
	for (uint32_t nr = 0; nr < SYSCALLS_NUMBERS && rc == 0; nr++) {
		const struct filter_set above_of = rows_of(&policy_rows, nr), below_of = rows_of(&floor_rows, nr);

		if (syscalls_name(nr))
			rc = judge_call(&above_of, &below_of, nr, &cases, e);
	}
	free(policy_rows.set.rows);
	free(floor_rows.set.rows);
	if (rc == 0)
		*out = TAKE(cases, FILTER_CASES_NONE);
	return rc;
}
