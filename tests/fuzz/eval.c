/* Fuzz: any program the kernel would take is evaluated, and described; the interpreter must agree. */
#include <stdlib.h>
#include <string.h>

#include "judge/describe.h"
#include "judge/eval.h"
#include "model/filter.h"

#define MOST 64
#define NODES 60000     /* small, so that many inputs reach it: that must be survived too */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void compare(const struct regions *store, const struct answers *answers, const struct sock_filter *program,
		    size_t n, const struct seccomp_data *call)
{
	bool is_valid;
	const uint32_t word = filter_run(program, n, call, &is_valid);
	uint16_t data = 0;

	if (!is_valid || eval_at(store, answers, call, &data) != answer_of(word) ||
	    data != (word & SECCOMP_RET_DATA))
		abort();
}

/* What a region says of itself must hold: its plainest point is in it. */
static void look(struct regions *store, struct region r)
{
	struct seccomp_data point;
	OWN(str) text = STR_NONE;

	if (!region_pick(store, r, &point))
		return;
	if (!region_has(store, r, &point) && !regions_are_full(store))
		abort();
	describe_arguments(store, region_at(store, r, point.arch, (uint32_t)point.nr), (uint32_t)point.nr, 4, &text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sock_filter program[MOST];
	struct seccomp_data call = { .nr = 0 };
	struct answers answers = ANSWERS_NONE;
	struct err e = ERR_INIT;
	struct regions *store;
	size_t n_program;

	if (n < sizeof(call))
		return 0;
	memcpy(&call, bytes, sizeof(call));
	n_program = (n - sizeof(call)) / sizeof(*program);
	n_program = n_program < MOST ? n_program : MOST;
	memcpy(program, bytes + sizeof(call), n_program * sizeof(*program));
	store = regions_new(NODES);
	if (eval_program(store, program, n_program, &answers, &e) == 0) {
		compare(store, &answers, program, n_program, &call);
		for (unsigned i = 0; i < ANSWERS; i++)
			look(store, answers.of[i]);
	}
	regions_free(store);
	return 0;
}
