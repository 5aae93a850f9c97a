/* The evaluator against an independent oracle: an interpreter, and the kernel itself. */
#include "judge/eval.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/filter.h"
#include "random_filter.h"

/* WARD_ORACLE_CALLS: how many random calls in all; the default is for every day. */
static uint64_t wanted_calls(void)
{
	const char *const text = getenv("WARD_ORACLE_CALLS");

	return text ? strtoull(text, NULL, 10) : 400000;
}

static uint32_t expected(const struct sock_filter *program, size_t n, const struct seccomp_data *call)
{
	bool is_valid = false;
	const uint32_t word = filter_run(program, n, call, &is_valid);

	assert_true(is_valid);
	return word;
}

static void compare(const struct regions *store, const struct answers *answers, uint32_t word,
		    const struct seccomp_data *call)
{
	unsigned in = 0;
	uint16_t data = 0;

	for (unsigned i = 0; i < ANSWERS; i++)
		in += region_has(store, answers->of[i], call);
	assert_int_equal(in, 1);
	assert_int_equal(eval_at(store, answers, call, &data), answer_of(word));
	assert_int_equal(data, word & SECCOMP_RET_DATA);
}

static void every_answer_is_the_interpreters(void **state)
{
	const uint64_t calls = wanted_calls();
	struct dice dice = { 0x77a7d };
	unsigned filters = 0, over = 0;
	uint64_t done = 0;

	(void)state;
	while (filters < 200 || done < calls) {
		struct sock_filter program[160];
		const uint32_t n = 8 + below(&dice, 150);
		struct regions *const store = regions_new(REGIONS_NODES / 32);
		struct answers answers = ANSWERS_NONE;
		struct err e = ERR_INIT;

		any_filter(&dice, program, n, filters % 2);
		if (eval_program(store, program, n, &answers, &e) < 0) {
			assert_int_equal(e.kind, ERR_LIMIT);
			over++;
		} else {
			for (unsigned i = 0; i < calls / 200 + 1; i++, done++) {
				const struct seccomp_data call = any_call(&dice, program, n);

				compare(store, &answers, expected(program, n, &call), &call);
			}
			filters++;
		}
		regions_free(store);
	}
	print_message("%u filters, %llu calls, %u over the budget\n", filters, (unsigned long long)done, over);
	assert_true(over < filters);
}

/* As seccomp_run_filters() does it. */
static uint32_t stacked(struct sock_filter (*programs)[64], const uint32_t *n, size_t filters,
			const struct seccomp_data *call)
{
	uint32_t word = SECCOMP_RET_ALLOW;

	for (size_t i = filters; i-- > 0;) {
		const uint32_t one = expected(programs[i], n[i], call);

		if ((int32_t)(one & SECCOMP_RET_ACTION_FULL) < (int32_t)(word & SECCOMP_RET_ACTION_FULL))
			word = one;
	}
	return word;
}

static void of_several_filters_the_strictest_wins(void **state)
{
	struct dice dice = { 0x51ac };

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		struct sock_filter programs[3][64];
		uint32_t n[3];
		struct regions *const store = regions_new(REGIONS_NODES);
		OWN(subject) subject = SUBJECT_NONE;
		struct answers answers = ANSWERS_NONE;
		struct err e = ERR_INIT;

		for (unsigned i = 0; i < 3; i++) {
			n[i] = 8 + below(&dice, 50);
			any_filter(&dice, programs[i], n[i], false);
			subject_add_filter(&subject, "random", programs[i], n[i]);
		}
		assert_int_equal(eval_subject(store, &subject, &answers, &e), 0);
		for (unsigned i = 0; i < 1000; i++) {
			const struct seccomp_data call = any_call(&dice, programs[i % 3], n[i % 3]);
			const uint32_t word = stacked(programs, n, 3, &call);
			uint16_t data;

			assert_int_equal(eval_at(store, &answers, &call, &data), answer_of(word));
			if (answer_of(word) != ANSWER_ALLOW)
				assert_int_equal(data, word & SECCOMP_RET_DATA);
		}
		regions_free(store);
	}
}

/* ---- the kernel ---- */

#define UNUSED 600      /* no system call has this number or the 64 behind it: allowed, it is ENOSYS */
#define KERNEL_CALLS 400

/* Everything below UNUSED is allowed, so that the child can go on; above, a random filter whose
 * actions are errno or allow. Returns the length. */
static uint32_t harmless_filter(struct dice *dice, struct sock_filter *program)
{
	const uint32_t n = 8 + below(dice, 100);

	program[0] = K(BPF_LD | BPF_W | BPF_ABS, 0);
	program[1] = K(BPF_JMP | BPF_JGE | BPF_K, UNUSED);
	program[1].jt = 1;
	program[2] = K(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	any_filter(dice, program + 3, n, false);
	for (uint32_t i = 3; i < n + 3; i++)
		if (program[i].code == (BPF_RET | BPF_K))
			program[i].k = program[i].k & 1 ? SECCOMP_RET_ALLOW :
							 SECCOMP_RET_ERRNO | (1 + (program[i].k & 31));
	return n + 3;
}

static void make_calls(const struct sock_filter *program, uint32_t n, const struct seccomp_data *calls,
		       volatile int *results)
{
	const struct sock_fprog all = { .len = (unsigned short)n, .filter = (struct sock_filter *)(uintptr_t)program };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) < 0)
		_exit(1);
	for (unsigned i = 0; i < KERNEL_CALLS; i++) {
		const __u64 *const a = calls[i].args;

		results[i] = syscall(calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno : 0;
	}
	_exit(0);
}

static void compare_with_kernel(struct dice *dice, volatile int *results)
{
	struct sock_filter program[160];
	struct seccomp_data calls[KERNEL_CALLS];
	const uint32_t n = harmless_filter(dice, program);
	struct regions *const store = regions_new(REGIONS_NODES);
	struct answers answers = ANSWERS_NONE;
	struct err e = ERR_INIT;
	int status = 0;
	pid_t child;

	assert_int_equal(eval_program(store, program, n, &answers, &e), 0);
	for (unsigned i = 0; i < KERNEL_CALLS; i++) {
		calls[i] = any_call(dice, program, n);
		calls[i].arch = AUDIT_ARCH_X86_64;
		calls[i].nr = UNUSED + (int)below(dice, 64);
	}
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		make_calls(program, n, calls, results);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (unsigned i = 0; i < KERNEL_CALLS; i++) {
		struct region rest = region_call(store, AUDIT_ARCH_X86_64, (uint32_t)calls[i].nr);
		uint16_t data = 0;
		const enum answer answer = eval_at(store, &answers, &calls[i], &data);

		/* Only the kernel knows where the call came from: ask for no more than it fixes. */
		rest = region_and(store, rest, answers.of[answer]);
		assert_false(region_is_empty(rest));
		assert_int_equal(results[i], answer == ANSWER_ALLOW ? ENOSYS : data);
	}
	regions_free(store);
}

/* Programs that look at the instruction pointer are left out: the test cannot choose it. */
static bool looks_at_place(const struct sock_filter *program, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (program[i].code == (BPF_LD | BPF_W | BPF_ABS) && (program[i].k == 8 || program[i].k == 12))
			return true;
	return false;
}

static void every_answer_is_the_kernels(void **state)
{
	const size_t bytes = KERNEL_CALLS * sizeof(int);
	int *const results = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct dice dice = { 0xbeef };
	unsigned filters = 0;

	(void)state;
	assert_ptr_not_equal(results, MAP_FAILED);
	while (filters < 40) {
		struct sock_filter program[160];
		struct dice peek = dice;

		if (looks_at_place(program, harmless_filter(&peek, program))) {
			dice = peek;
			continue;
		}
		compare_with_kernel(&dice, results);
		filters++;
	}
	munmap(results, bytes);
}

/* ---- what people ask ---- */

static void a_sought_call_is_found_with_its_width(void **state)
{
	/* The mistake of comparing all 64 bits: socket's family is an int to the kernel. */
	static const struct sock_filter program[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 41 },
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 20 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0 },
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 16 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 40 },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct regions *const store = regions_new(REGIONS_NODES);
	struct answers answers = ANSWERS_NONE;
	struct err e = ERR_INIT;
	struct region vsock;
	struct seccomp_data call;

	(void)state;
	assert_int_equal(eval_program(store, program, ARRAY_SIZE(program), &answers, &e), 0);
	vsock = region_and(store, region_call(store, AUDIT_ARCH_X86_64, 41),
			   region_arg(store, 0, UINT32_MAX, 40));
	vsock = region_and(store, vsock, answers.of[ANSWER_ALLOW]);
	assert_true(region_pick(store, vsock, &call));
	assert_int_equal(call.nr, 41);
	assert_int_equal(call.args[0] >> 32, 1);
	assert_int_equal((uint32_t)call.args[0], 40);
	vsock = region_and(store, vsock, region_arg(store, 0, UINT64_MAX, 40));
	assert_true(region_is_empty(vsock));
	regions_free(store);
}

static void what_the_kernel_refuses_is_refused(void **state)
{
	static const struct sock_filter falls_off[] = { { BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 } };
	struct regions *const store = regions_new(REGIONS_NODES);
	struct answers answers = ANSWERS_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(eval_program(store, falls_off, 1, &answers, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	regions_free(store);
}

static void what_does_not_fit_the_budget_is_said(void **state)
{
	/* The product of two arguments, compared: exponential for any diagram. */
	static const struct sock_filter program[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 16 },
		{ BPF_MISC | BPF_TAX, 0, 0, 0 },
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 24 },
		{ BPF_ALU | BPF_MUL | BPF_X, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x12345677 },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS },
	};
	struct regions *const store = regions_new(100000);
	struct answers answers = ANSWERS_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(eval_program(store, program, ARRAY_SIZE(program), &answers, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_true(regions_are_full(store));
	assert_true(regions_used(store) <= 100000);
	regions_free(store);
}

/* ---- the longest there are ---- */

static void chain_of_numbers(struct dice *dice, struct sock_filter *program)
{
	(void)dice;
	program[0] = K(BPF_LD | BPF_W | BPF_ABS, 0);
	for (uint32_t i = 1; i < BPF_MAXINSNS - 1; i += 2) {
		program[i] = (struct sock_filter){ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, i };
		program[i + 1] = K(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (i & 0xff));
	}
	program[BPF_MAXINSNS - 1] = K(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

static void masks_of_all_arguments(struct dice *dice, struct sock_filter *program)
{
	for (uint32_t i = 0; i < BPF_MAXINSNS - 3; i += 3) {
		program[i] = K(BPF_LD | BPF_W | BPF_ABS, 16 + 4 * below(dice, 12));
		program[i + 1] = (struct sock_filter){ BPF_JMP | BPF_JSET | BPF_K, 0, 1, 1u << below(dice, 32) |
						       1u << below(dice, 32) };
		program[i + 2] = below(dice, 3) ? K(BPF_JMP | BPF_JA, 3 * below(dice, 8)) :
						  K(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (i & 0xff));
	}
	for (uint32_t i = BPF_MAXINSNS - 28; i < BPF_MAXINSNS; i++)
		program[i] = K(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

/* Every sum carries into the next word: what the order of the words is worst for. */
static void sums_of_all_arguments(struct dice *dice, struct sock_filter *program)
{
	program[0] = K(BPF_LDX | BPF_IMM, 1);
	for (uint32_t i = 1; i < BPF_MAXINSNS - 3; i += 3) {
		program[i] = K(BPF_LD | BPF_W | BPF_ABS, 16 + 4 * below(dice, 12));
		program[i + 1] = K(BPF_ALU | BPF_ADD | BPF_X, 0);
		program[i + 2] = K(BPF_MISC | BPF_TAX, 0);
	}
	program[BPF_MAXINSNS - 3] = (struct sock_filter){ BPF_JMP | BPF_JGT | BPF_K, 1, 0, 0x12345678 };
	program[BPF_MAXINSNS - 2] = K(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program[BPF_MAXINSNS - 1] = K(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
}

static void random_easy(struct dice *dice, struct sock_filter *program)
{
	any_filter(dice, program, BPF_MAXINSNS, false);
}

static void random_hard(struct dice *dice, struct sock_filter *program)
{
	any_filter(dice, program, BPF_MAXINSNS, true);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void the_longest_filters_are_judged_or_refused(void **state)
{
	static const struct {
		const char *name;
		void (*make)(struct dice *dice, struct sock_filter *program);
	} kinds[] = {
		{ "a chain of numbers", chain_of_numbers }, { "masks of arguments", masks_of_all_arguments },
		{ "sums of arguments", sums_of_all_arguments }, { "random, easy", random_easy },
		{ "random, hard", random_hard },
	};
	struct dice dice = { 0x10e6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct sock_filter program[BPF_MAXINSNS];
		struct regions *const store = regions_new(REGIONS_NODES / 8);
		struct answers answers = ANSWERS_NONE;
		struct err e = ERR_INIT;
		double begun;
		int got;

		kinds[i].make(&dice, program);
		assert_int_equal(filter_check(program, BPF_MAXINSNS, &e), 0);
		begun = seconds();
		got = eval_program(store, program, BPF_MAXINSNS, &answers, &e);
		print_message("%s: %s, %.2f s, %zu nodes\n", kinds[i].name, got < 0 ? "over the budget" : "exact",
			      seconds() - begun, regions_used(store));
		assert_true(got == 0 || e.kind == ERR_LIMIT);
		for (unsigned j = 0; got == 0 && j < 2000; j++) {
			const struct seccomp_data call = any_call(&dice, program, BPF_MAXINSNS);

			compare(store, &answers, expected(program, BPF_MAXINSNS, &call), &call);
		}
		regions_free(store);
	}
}

static void no_filter_allows_everything(void **state)
{
	static const struct subject nothing = { .name = "process 1" };
	struct regions *const store = regions_new(REGIONS_NODES);
	struct answers answers = ANSWERS_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(eval_subject(store, &nothing, &answers, &e), 0);
	assert_true(region_is_same(answers.of[ANSWER_ALLOW], REGION_ALL));
	assert_true(region_is_same(eval_passes(store, &answers, false), REGION_ALL));
	regions_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_is_the_interpreters),
		cmocka_unit_test(of_several_filters_the_strictest_wins),
		cmocka_unit_test(every_answer_is_the_kernels),
		cmocka_unit_test(a_sought_call_is_found_with_its_width),
		cmocka_unit_test(what_the_kernel_refuses_is_refused),
		cmocka_unit_test(what_does_not_fit_the_budget_is_said),
		cmocka_unit_test(the_longest_filters_are_judged_or_refused),
		cmocka_unit_test(no_filter_allows_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
