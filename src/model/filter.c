/* Sets of system call rules: adding rows, and what a set says of a call. Refuses to guess names. */
#include "model/filter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "model/filter_rows.h"
#include "model/syscalls.h"

void filter_set_done(struct filter_set *set)
{
	free(set->rows);
	*set = FILTER_SET_NONE;
}

static void reserve(struct filter_set *set, size_t more)
{
	set->rows = mem_grow(set->rows, &set->cap_rows, set->n_rows + more, sizeof(*set->rows));
}

void filter_add(struct filter_set *set, const struct filter_row *row)
{
	assert(row->n_tests <= FILTER_TESTS && row->act < FILTER_ACTS);
	for (size_t i = 0; i < row->n_tests; i++)
		assert(row->tests[i].arg < 6 && row->tests[i].op <= FILTER_GT);
	reserve(set, 1);
	set->rows[set->n_rows++] = *row;
}

size_t filter_count(const struct filter_set *set)
{
	size_t n = 0;

	for (; set; set = set->rest)
		n += set->n_rows;
	return n;
}

const struct filter_row *filter_row_at(const struct filter_set *set, size_t i)
{
	for (; i >= set->n_rows; set = set->rest)
		i -= set->n_rows;
	return &set->rows[i];
}

void filter_add_set(struct filter_set *set, const struct filter_set *from)
{
	const size_t n = filter_count(from);

	reserve(set, n);
	for (size_t i = 0; i < n; i++)
		set->rows[set->n_rows++] = *filter_row_at(from, i);
}

static int unknown(const char *name, struct err *e)
{
	const char *(*const at)(size_t i) = *name == '@' ? syscalls_group_at : syscalls_name_at;
	const char *const kind = *name == '@' ? "group of system calls" : "system call";
	struct str_near near = STR_NEAR(name);

	for (size_t i = 0; at(i); i++)
		str_near_offer(&near, at(i));
	if (str_near_best(&near))
		return err_set(e, ERR_USAGE, "unknown %s '%.40s' (did you mean '%s'?)", kind, name,
			       str_near_best(&near));
	return err_set(e, ERR_USAGE, "unknown %s '%.40s'", kind, name);
}

/* The group's name as the table has it, which lives as long as the program. */
static const char *group_name(const char *name)
{
	size_t i = 0;

	while (strcmp(syscalls_group_at(i), name) != 0)
		i++;
	return syscalls_group_at(i);
}

static void add_group(struct filter_set *set, const struct filter_row *rows, size_t n,
		      const char *origin, uint32_t line)
{
	reserve(set, n);
	memcpy(set->rows + set->n_rows, rows, n * sizeof(*rows));
	for (size_t i = set->n_rows; i < set->n_rows + n; i++) {
		set->rows[i].origin = origin;
		set->rows[i].line = line;
	}
	set->n_rows += n;
}

int filter_add_name(struct filter_set *set, const char *name, uint32_t line, struct err *e)
{
	size_t n = 0;
	const struct filter_row *rows = syscalls_group(name, &n);
	const int nr = syscalls_number(name);

	if (!rows && nr < 0)
		return unknown(name, e);
	if (!rows) {
		const struct filter_row row = { .nr = (uint32_t)nr, .act = FILTER_ALLOW,
						.line = line, .origin = "policy" };

		filter_add(set, &row);
		return 0;
	}
	add_group(set, rows, n, group_name(name), line);
	return 0;
}

enum filter_fit filter_narrow(uint32_t nr, const struct filter_test *test, struct filter_test *out)
{
	const unsigned bits = 8 * syscalls_arg_bytes(nr, test->arg);
	const uint64_t width = UINT64_MAX >> (64 - bits);
	uint64_t value = test->value;

	if ((value | width) == UINT64_MAX && (value >> (bits - 1) & 1))
		value &= width;
	*out = *test;
	out->mask &= width;
	out->value = value;
	switch (test->op) {
	case FILTER_EQ:
		return value & ~out->mask ? FIT_NEVER :
		       out->mask ? FIT_DEPENDS : FIT_ALWAYS;
	case FILTER_NE:
		return value & ~out->mask ? FIT_ALWAYS :
		       out->mask ? FIT_DEPENDS : FIT_NEVER;
	case FILTER_LE:
		return value >= out->mask ? FIT_ALWAYS : FIT_DEPENDS;
	default:
		return value >= out->mask ? FIT_NEVER : FIT_DEPENDS;
	}
}

static bool holds(uint32_t nr, const struct filter_test *test, const uint64_t args[6])
{
	struct filter_test exact;
	const enum filter_fit fit = filter_narrow(nr, test, &exact);
	const uint64_t arg = args[test->arg] & exact.mask;

	if (fit != FIT_DEPENDS)
		return fit == FIT_ALWAYS;
	switch (exact.op) {
	case FILTER_EQ:
		return arg == exact.value;
	case FILTER_NE:
		return arg != exact.value;
	case FILTER_LE:
		return arg <= exact.value;
	default:
		return arg > exact.value;
	}
}

static bool applies(const struct filter_row *row, const uint64_t args[6])
{
	for (size_t i = 0; i < row->n_tests; i++)
		if (!holds(row->nr, &row->tests[i], args))
			return false;
	return true;
}

enum filter_turn filter_turn(const struct filter_row *row)
{
	return !row->fallback ? TURN_FIRST : row->n_tests ? TURN_SECOND : TURN_LAST;
}

enum filter_act filter_judge(const struct filter_set *set, uint32_t nr, const uint64_t args[6],
			     const struct filter_row **row)
{
	const struct filter_row *found[TURNS] = { NULL };
	const size_t n_rows = nr < FILTER_X32 ? filter_count(set) : 0;
	const struct filter_row *first;

	for (size_t i = 0; i < n_rows && !found[TURN_FIRST]; i++) {
		const struct filter_row *next = filter_row_at(set, i);

		if (next->nr == nr && !found[filter_turn(next)] && applies(next, args))
			found[filter_turn(next)] = next;
	}
	first = found[TURN_FIRST] ? found[TURN_FIRST] :
		found[TURN_SECOND] ? found[TURN_SECOND] : found[TURN_LAST];
	if (row)
		*row = first;
	if (nr >= FILTER_X32)
		return FILTER_KILL;
	return (enum filter_act)(first ? first->act : set->otherwise);
}

/* Whether a row applies as far as the known arguments tell: FIT_DEPENDS when others are tested too. */
static enum filter_fit fits(const struct filter_row *row, const uint64_t args[6], unsigned known)
{
	enum filter_fit fit = FIT_ALWAYS;

	for (size_t i = 0; i < row->n_tests; i++)
		if (known >> row->tests[i].arg & 1) {
			if (!holds(row->nr, &row->tests[i], args))
				return FIT_NEVER;
		} else {
			fit = FIT_DEPENDS;
		}
	return fit;
}

static bool is_allowing(uint8_t act)
{
	return act == FILTER_ALLOW || act == FILTER_LOG;
}

bool filter_may_allow(const struct filter_set *set, uint32_t nr, const uint64_t args[6], unsigned known)
{
	const size_t n_rows = filter_count(set);

	if (nr >= FILTER_X32)
		return false;
	for (enum filter_turn turn = TURN_FIRST; turn < TURNS; turn++)
		for (size_t i = 0; i < n_rows; i++) {
			const struct filter_row *const row = filter_row_at(set, i);
			const enum filter_fit fit = row->nr == nr && filter_turn(row) == turn ?
						    fits(row, args, known) : FIT_NEVER;

			if (fit != FIT_NEVER && is_allowing(row->act))
				return true;
			if (fit == FIT_ALWAYS)
				return false;
		}
	return is_allowing(set->otherwise);
}

uint16_t filter_errno(const struct filter_set *set, const struct filter_row *row)
{
	const uint16_t sys = row ? row->sys : set->otherwise_sys;

	return sys ? sys : ENOSYS;
}
