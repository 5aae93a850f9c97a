/* Concrete calls that lie where rules change their mind: the values that rows test, one beside them, with
 * bits set that the kernel throws away, and anything at all. For comparing two readings of a policy. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "boundary/floor.h"
#include "boundary/parts.h"
#include "model/filter.h"
#include "model/policy.h"
#include "model/syscalls.h"

static const char *const near_policies[] = { "strict", "default", "contest", "build" };

struct near_sets {
	struct policy policy;
	struct filter_set rows, floor;
};

static inline void near_read(struct near_sets *sets, const char *text, size_t len)
{
	struct err e = ERR_INIT;

	*sets = (struct near_sets){ .policy = POLICY_NONE, .rows = FILTER_SET_NONE };
	if (policy_read("test", text, len, &sets->policy, &e) < 0 ||
	    parts_filter_rows(&sets->policy, NULL, 0, &sets->rows, &e) < 0)
		fail_msg("%s", e.text);
	floor_rows(&sets->floor);
}

static inline void near_builtin(struct near_sets *sets, const char *name)
{
	size_t len = 0;
	const char *const text = policy_builtin(name, &len);

	near_read(sets, text, len);
}

static inline void near_done(struct near_sets *sets)
{
	filter_set_done(&sets->rows);
	filter_set_done(&sets->floor);
	policy_done(&sets->policy);
}

/* Calls check() with each of the built-in policies. */
static inline void near_each(void (*check)(const struct near_sets *sets, const char *name))
{
	for (size_t i = 0; i < ARRAY_SIZE(near_policies); i++) {
		struct near_sets sets;

		near_builtin(&sets, near_policies[i]);
		check(&sets, near_policies[i]);
		near_done(&sets);
	}
}

/* xorshift64*: the same calls in every run. */
static inline uint64_t near_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint64_t near_value(const struct near_sets *sets, uint32_t nr, unsigned arg, uint64_t *seed)
{
	const struct filter_set *const set = near_random(seed) & 1 ? &sets->rows : &sets->floor;
	size_t at = near_random(seed) % set->n_rows;
	const uint64_t twist = near_random(seed);
	uint64_t value = near_random(seed);

	for (size_t i = 0; i < set->n_rows; i++, at = at + 1 < set->n_rows ? at + 1 : 0) {
		const struct filter_row *const row = &set->rows[at];

		for (size_t t = 0; row->nr == nr && t < row->n_tests; t++)
			if (row->tests[t].arg == arg)
				value = row->tests[t].value | (twist & 64 ? value & ~row->tests[t].mask : 0);
	}
	value += twist % 8 == 0 ? 1 : twist % 8 == 1 ? UINT64_MAX : 0;
	value ^= twist % 8 == 2 ? UINT64_C(1) << (twist >> 8) % 64 : 0;
	value |= twist % 8 == 3 ? near_random(seed) << 32 : 0;
	return twist % 8 == 4 ? near_random(seed) : value;
}

static inline void near_call(const struct near_sets *sets, uint32_t *nr, uint64_t args[6], uint64_t *seed)
{
	const struct filter_set *const set = near_random(seed) % 4 ? &sets->rows : &sets->floor;

	*nr = near_random(seed) % 16 ? set->rows[near_random(seed) % set->n_rows].nr :
				       (uint32_t)(near_random(seed) % 480);
	for (unsigned arg = 0; arg < 6; arg++)
		args[arg] = near_value(sets, *nr, arg, seed);
}

/* What the kernel answers of policy and floor stacked when nobody listens, said once more. */
static inline uint32_t near_answer(const struct near_sets *sets, uint32_t nr, const uint64_t args[6])
{
	const struct filter_row *row;
	const enum filter_act act = filter_judge(&sets->rows, nr, args, &row);

	if (act == FILTER_KILL)
		return SECCOMP_RET_KILL_PROCESS;
	if (act != FILTER_ALLOW && act != FILTER_LOG)
		return SECCOMP_RET_ERRNO | filter_errno(&sets->rows, row);
	if (filter_judge(&sets->floor, nr, args, NULL) != FILTER_ALLOW)
		return SECCOMP_RET_ERRNO | 38 /* ENOSYS */;
	return act == FILTER_ALLOW ? SECCOMP_RET_ALLOW : SECCOMP_RET_LOG;
}
