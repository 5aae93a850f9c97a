/* model/filter_run: the evaluator takes what the kernel takes, and computes what it computes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "filter_sets.h"
#include "model/filter.h"

#define LOAD(offset)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define SET_A(k)          BPF_STMT(BPF_LD | BPF_IMM, k)
#define SET_X(k)          BPF_STMT(BPF_LDX | BPF_IMM, k)
#define WITH_X(op)        BPF_STMT(BPF_ALU | (op) | BPF_X, 0)
#define WITH(op, k)       BPF_STMT(BPF_ALU | (op) | BPF_K, k)
#define RETURN(k)         BPF_STMT(BPF_RET | BPF_K, k)

/* Each leaves a number in A; the test turns it into an errno. */
static const struct {
	struct sock_filter insns[8];
	size_t n;
	uint32_t a;
} sums[] = {
	{ { SET_A(7) }, 1, 7 },
	{ { SET_A(7), WITH(BPF_ADD, 5) }, 2, 12 },
	{ { SET_A(7), WITH(BPF_SUB, 8), WITH(BPF_AND, 0xff) }, 3, 0xff },
	{ { SET_A(7), SET_X(3), WITH_X(BPF_MUL) }, 3, 21 },
	{ { SET_A(0xfffffff0), SET_X(0x1000000), WITH_X(BPF_DIV) }, 3, 0xff },
	{ { SET_A(1), SET_X(33), WITH_X(BPF_LSH) }, 3, 2 },
	{ { SET_A(0x800), SET_X(36), WITH_X(BPF_RSH) }, 3, 0x80 },
	{ { SET_A(6), SET_X(3), WITH_X(BPF_XOR) }, 3, 5 },
	{ { SET_A(6), WITH(BPF_OR, 9) }, 2, 15 },
	{ { SET_A(0xffffff00), BPF_STMT(BPF_ALU | BPF_NEG, 0) }, 2, 0x100 },
	{ { SET_A(9), BPF_STMT(BPF_MISC | BPF_TAX, 0), SET_A(1), BPF_STMT(BPF_ST, 3),
	    BPF_STMT(BPF_MISC | BPF_TXA, 0) }, 5, 9 },
	{ { SET_A(9), BPF_STMT(BPF_ST, 15), SET_A(1), BPF_STMT(BPF_LD | BPF_MEM, 15) }, 4, 9 },
	{ { SET_X(9), BPF_STMT(BPF_STX, 2), SET_X(1), BPF_STMT(BPF_LDX | BPF_MEM, 2),
	    BPF_STMT(BPF_MISC | BPF_TXA, 0) }, 5, 9 },
	{ { BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0) }, 1, 64 },
	{ { BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0) }, 2, 64 },
	{ { LOAD(16), WITH(BPF_AND, 0xff) }, 2, 0x44 },         /* args[0], low word first */
	{ { LOAD(20), WITH(BPF_AND, 0xff) }, 2, 0x22 },
	{ { SET_A(5), SET_X(5), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1), SET_A(1) }, 4, 1 },
	{ { SET_A(5), SET_X(4), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 1, 0), SET_A(1) }, 4, 5 },
	{ { SET_A(5), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 5, 1, 0), SET_A(1) }, 3, 5 },
	{ { SET_A(5), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1), SET_A(1) }, 3, 5 },
	{ { SET_A(5), BPF_STMT(BPF_JMP | BPF_JA, 1), SET_A(1) }, 3, 5 },
};

/* Answers sum i with an errno for one call that does nothing, and allows the rest. */
static struct program sum_program(size_t i)
{
	const struct sock_filter head[] = {
		LOAD(0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpmsg, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
	};
	const struct sock_filter tail[] = {
		WITH(BPF_AND, 0xfff), WITH(BPF_OR, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct program program = { .n = ARRAY_SIZE(head) + sums[i].n + ARRAY_SIZE(tail) };

	memcpy(program.insns, head, sizeof(head));
	memcpy(program.insns + ARRAY_SIZE(head), sums[i].insns,
	       sums[i].n * sizeof(struct sock_filter));
	memcpy(program.insns + ARRAY_SIZE(head) + sums[i].n, tail, sizeof(tail));
	return program;
}

static const uint64_t sum_args[6] = { 0x1111112233333344 };

static void the_evaluator_computes(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
		const struct program program = sum_program(i);

		assert_int_equal(filter_check(program.insns, program.n, &e), 0);
		assert_int_equal(answer(&program, SYS_getpmsg, sum_args),
				 SECCOMP_RET_ERRNO | sums[i].a);
	}
}

static void dividing_by_zero_ends_the_program_with_zero(void **state)
{
	const struct sock_filter program[] = { SET_A(1), SET_X(0), WITH_X(BPF_DIV),
					       RETURN(SECCOMP_RET_ALLOW) };
	const struct seccomp_data data = { .nr = 0 };
	bool valid;

	(void)state;
	assert_int_equal(filter_run(program, 4, &data, &valid), 0);
	assert_true(valid);
}

/* Programs the kernel does not take, and whether running them notices. */
static const struct {
	struct sock_filter insns[4];
	size_t n;
	bool runs;
} broken[] = {
	{ { { 0, 0, 0, 0 } }, 0, false },
	{ { SET_A(1) }, 1, false },
	{ { LOAD(0), BPF_STMT(BPF_JMP | BPF_JA, 1), RETURN(0) }, 3, false },
	{ { LOAD(0), BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX), RETURN(0) }, 3, false },
	{ { LOAD(0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), RETURN(0) }, 3, false },
	{ { LOAD(0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 255), RETURN(0) }, 3, false },
	{ { LOAD(64), RETURN(0) }, 2, false },
	{ { LOAD(2), RETURN(0) }, 2, false },
	{ { LOAD(UINT32_MAX - 3), RETURN(0) }, 2, false },
	{ { BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RETURN(0) }, 2, false },
	{ { BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RETURN(0) }, 2, false },
	{ { BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), RETURN(0) }, 2, false },
	{ { BPF_STMT(BPF_LD | BPF_MEM, 0), RETURN(0) }, 2, false },
	{ { BPF_STMT(BPF_ST, 16), RETURN(0) }, 2, false },
	{ { WITH(BPF_DIV, 0), RETURN(0) }, 2, false },
	{ { WITH(BPF_LSH, 32), RETURN(0) }, 2, false },
	{ { WITH(BPF_MOD, 3), RETURN(0) }, 2, false },
	{ { BPF_STMT(BPF_RET | BPF_X, 0) }, 1, true },
	{ { BPF_STMT(0x106, 0) }, 1, true },
	{ { RETURN(0), SET_A(1) }, 2, true },
	{ { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_ST, 0),
	    BPF_STMT(BPF_LD | BPF_MEM, 0), RETURN(0) }, 4, true },
};

static void a_broken_program_is_refused(void **state)
{
	const struct seccomp_data data = { .nr = 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		struct err e = ERR_INIT;
		bool valid = true;

		assert_int_equal(filter_check(broken[i].insns, broken[i].n, &e), -1);
		if (broken[i].runs)
			continue;
		assert_int_equal(filter_run(broken[i].insns, broken[i].n, &data, &valid),
				 SECCOMP_RET_KILL_PROCESS);
		assert_false(valid);
	}
}
static void a_listener_is_needed_only_when_ward_is_asked(void **state)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct program program;

	(void)state;
	program = built(&set);
	assert_false(filter_notifies(program.insns, program.n));
	set.report = true;
	program = built(&set);
	assert_true(filter_notifies(program.insns, program.n));
}
static void compare_sums(size_t *shared)
{
	for (size_t i = ARRAY_SIZE(sums); i--;) {
		const struct program program = sum_program(i);
		uint64_t again[6];

		/* Filters stack up and the newest errno wins, so each gets its own process. */
		const pid_t child = fork();

		if (child) {
			waitpid(child, NULL, 0);
			continue;
		}
		memcpy(again, sum_args, sizeof(again));
		if (install(program.insns, program.n) &&
		    syscall(SYS_getpmsg, again[0], again[1], again[2], again[3], again[4]) == -1 &&
		    (uint32_t)errno == sums[i].a)
			shared[i]++;
		_exit(0);
	}
}

static void the_kernel_computes_as_the_evaluator_does(void **state)
{
	size_t *shared = shared_new();

	(void)state;
	in_child(compare_sums, shared);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++)
		assert_int_equal(shared[i], 1);
	munmap(shared, 4096);
}

/* Every one-byte instruction with operands at the edges, jumped over and so never executed. */
static void compare_checks(size_t *shared)
{
	static const uint32_t operands[] = { 0, 1, 3, 4, 15, 16, 31, 32, 60, 62, 64, 0xfffff000 };

	for (uint32_t code = 0; code <= 0x1ff; code++)
		for (size_t i = 0; i < ARRAY_SIZE(operands); i++) {
			const struct sock_filter program[] = {
				BPF_STMT(BPF_JMP | BPF_JA, 1),
				{ (uint16_t)code, 1, 0, operands[i] },
				RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_ALLOW),
			};
			struct err e = ERR_INIT;
			const bool is_taken = install(program, 4);

			if (is_taken != (filter_check(program, 4, &e) == 0) && !shared[1]++)
				shared[2] = code << 16 | operands[i];
			shared[0] += is_taken;
		}
}

static void the_kernel_takes_exactly_what_the_check_takes(void **state)
{
	size_t *shared = shared_new();

	(void)state;
	in_child(compare_checks, shared);
	assert_true(shared[0] > 100);
	if (shared[1])
		fail_msg("%zu instructions differ, first %#zx", shared[1], shared[2]);
	munmap(shared, 4096);
}

static void the_kernel_refuses_what_is_broken_here(size_t *shared)
{
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		shared[0] += install(broken[i].insns, broken[i].n);
}

static void the_kernel_takes_no_broken_program(void **state)
{
	size_t *shared = shared_new();

	(void)state;
	in_child(the_kernel_refuses_what_is_broken_here, shared);
	assert_int_equal(shared[0], 0);
	munmap(shared, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_evaluator_computes),
		cmocka_unit_test(dividing_by_zero_ends_the_program_with_zero),
		cmocka_unit_test(a_broken_program_is_refused),
		cmocka_unit_test(a_listener_is_needed_only_when_ward_is_asked),
		cmocka_unit_test(the_kernel_computes_as_the_evaluator_does),
		cmocka_unit_test(the_kernel_takes_exactly_what_the_check_takes),
		cmocka_unit_test(the_kernel_takes_no_broken_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
