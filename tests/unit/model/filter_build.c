/* model/filter_build: the compiled program answers what the judge says. */
#include <errno.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "filter_sets.h"
#include "model/filter.h"
#include "model/syscalls.h"

struct random {
	uint64_t state;
};

static uint64_t draw(struct random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state;
}

static uint64_t below(struct random *random, uint64_t n)
{
	return draw(random) % n;
}

/* Numbers near the places where comparing goes wrong. */
static uint64_t edge(struct random *random)
{
	static const uint64_t edges[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x1000, 0x5412, 0x7fff, 0x8000, 0xffff, 0x10000,
		0x7fffffff, 0x80000000, 0xffffff9c, 0xffffffff, 0x100000000, 0x100000001,
		0x7fffffffffffffff, 0x8000000000000000, 0xffffffff00000000, 0xffffffffffffff9c,
		UINT64_MAX,
	};
	const uint64_t value = edges[below(random, ARRAY_SIZE(edges))];

	switch (below(random, 8)) {
	case 0:
		return value + 1;
	case 1:
		return value - 1;
	case 2:
		return value ^ UINT64_C(1) << below(random, 64);
	case 3:
		return draw(random);
	default:
		return value;
	}
}

/* Wide and narrow arguments, 16-bit modes, unknown numbers, the last before x32. */
static const uint32_t numbers[] = { 0,  1,  2,   9,   16,  41,  56,  90,        157,
				    202, 257, 268, 302, 317, 450, 471, 472, 5000, 0x3fffffff };

static struct filter_row random_row(struct random *random)
{
	struct filter_row row = { .nr = numbers[below(random, ARRAY_SIZE(numbers))],
				  .act = (uint8_t)below(random, FILTER_ACTS),
				  .quiet = !below(random, 3), .fallback = !below(random, 4),
				  .sys = (uint16_t)below(random, 5) };

	if (below(random, 8))
		row.n_tests = (uint8_t)(1 + below(random, FILTER_TESTS));
	if (below(random, 2) && row.n_tests > 2)
		row.n_tests = 2;
	for (size_t i = 0; i < row.n_tests; i++) {
		struct filter_test *test = &row.tests[i];

		test->arg = (uint8_t)below(random, 6);
		test->op = (uint8_t)below(random, FILTER_GT + 1);
		test->mask = below(random, 2) ? UINT64_MAX : edge(random);
		test->value = below(random, 2) ? edge(random) : edge(random) & test->mask;
	}
	return row;
}

static void fill(struct random *random, struct filter_set *set)
{
	const size_t n = below(random, below(random, 8) ? 12 : 120);

	set->otherwise = (uint8_t)below(random, FILTER_ACTS);
	set->otherwise_sys = (uint16_t)below(random, 3);
	set->report = below(random, 2);
	for (size_t i = 0; i < n; i++) {
		struct filter_row row = random_row(random);

		/* Neighbours that begin alike share their tests. */
		if (i && row.n_tests && !below(random, 3)) {
			row.nr = set->rows[i - 1].nr;
			memcpy(row.tests, set->rows[i - 1].tests,
			       (size_t)below(random, FILTER_TESTS + 1) * sizeof(*row.tests));
		}
		filter_add(set, &row);
	}
}

/* A call that is likely to be near one of the set's tests. */
static uint32_t aim(struct random *random, const struct filter_set *set, uint64_t args[6])
{
	const struct filter_row *row = set->n_rows ?
		&set->rows[below(random, set->n_rows)] : NULL;

	for (size_t i = 0; i < 6; i++)
		args[i] = edge(random);
	if (!row || !below(random, 8))
		return (uint32_t)(below(random, 4) ? below(random, 480) : edge(random));
	for (size_t i = 0; i < row->n_tests; i++) {
		const struct filter_test *test = &row->tests[i];

		if (below(random, 4))
			args[test->arg] = (args[test->arg] & ~test->mask) | test->value;
		if (!below(random, 4))
			args[test->arg] += below(random, 3) - 1;
	}
	return row->nr + (uint32_t)(below(random, 16) ? 0 : below(random, 3) - 1);
}

static void a_program_answers_what_the_judge_says_of_any_set(void **state)
{
	struct random random = { .state = 0x9e3779b97f4a7c15 };

	(void)state;
	for (size_t round = 0; round < 20000; round++) {
		OWN(filter_set) set = FILTER_SET_NONE;
		struct program program;

		fill(&random, &set);
		program = built(&set);
		for (size_t i = 0; i < 100; i++) {
			uint64_t args[6];
			const uint32_t nr = aim(&random, &set, args);
			const struct filter_row *row;
			const enum filter_act act = filter_judge(&set, nr, args, &row);

			assert_int_equal(answer(&program, nr, args),
					 word_for(&set, act, row, nr));
		}
	}
}

/* Jumps go forward, so one pass finds all that is entered from the first instruction. */
static void check_reach(const struct program *program)
{
	bool reached[BPF_MAXINSNS + 256] = { true };

	for (size_t i = 0; i < program->n; i++) {
		const struct sock_filter *insn = &program->insns[i];

		if (!reached[i] && BPF_CLASS(insn->code) == BPF_LD)
			fail_msg("the load at %zu of %zu is never run", i, program->n);
		if (!reached[i] || BPF_CLASS(insn->code) == BPF_RET)
			continue;
		if (BPF_CLASS(insn->code) != BPF_JMP)
			reached[i + 1] = true;
		else if (BPF_OP(insn->code) == BPF_JA)
			reached[i + 1 + insn->k] = true;
		else
			reached[i + 1 + insn->jt] = reached[i + 1 + insn->jf] = true;
	}
}

static void no_load_of_a_group_is_there_for_nothing(void **state)
{
	struct program program;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; syscalls_group_at(i); i++) {
		OWN(filter_set) set = FILTER_SET_NONE;

		assert_int_equal(filter_add_name(&set, syscalls_group_at(i), 1, &e), 0);
		program = built(&set);
		check_reach(&program);
	}
}

static void the_rest_of_a_set_comes_behind_it(void **state)
{
	struct random random = { .state = 0x853c49e6748fea9b };

	(void)state;
	for (size_t round = 0; round < 1000; round++) {
		OWN(filter_set) first = FILTER_SET_NONE;
		OWN(filter_set) rest = FILTER_SET_NONE;
		OWN(filter_set) all = FILTER_SET_NONE;
		struct program chained, flat;

		fill(&random, &first);
		fill(&random, &rest);
		all.otherwise = first.otherwise;
		all.otherwise_sys = first.otherwise_sys;
		all.report = first.report;
		filter_add_set(&all, &first);
		filter_add_set(&all, &rest);
		first.rest = &rest;
		chained = built(&first);
		flat = built(&all);
		assert_int_equal(chained.n, flat.n);
		assert_memory_equal(chained.insns, flat.insns, flat.n * sizeof(*flat.insns));
	}
}

static void a_foreign_architecture_and_x32_are_killed(void **state)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct program program;
	struct seccomp_data data = { .nr = SYS_read, .arch = AUDIT_ARCH_I386 };
	const uint64_t none[6] = { 0 };
	bool valid;

	(void)state;
	set.otherwise = FILTER_ALLOW;
	set.report = true;
	program = built(&set);
	assert_int_equal(filter_run(program.insns, program.n, &data, &valid),
			 SECCOMP_RET_KILL_PROCESS);
	assert_true(valid);
	assert_int_equal(answer(&program, 0x40000000 | SYS_read, none), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(answer(&program, 0x3fffffff, none), SECCOMP_RET_ALLOW);
	assert_int_equal(filter_judge(&set, 0x40000000, none, NULL), FILTER_KILL);
}

/* Only that they are told is new: what is refused and what is allowed stays. */
static void a_set_that_tells_asks_about_allowed_sockets_alone(void **state)
{
	static const struct {
		uint32_t nr;
		uint64_t family;
		uint32_t silent, telling;
	} rows[] = {
		{ SYS_socket, 1, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF },
		{ SYS_socket, 2, SECCOMP_RET_LOG, SECCOMP_RET_USER_NOTIF },
		{ SYS_socket, 16, SECCOMP_RET_ERRNO | EACCES, SECCOMP_RET_ERRNO | EACCES },
		{ SYS_socketpair, 1, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF },
		{ SYS_read, 1, SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW },
		{ SYS_mount, 1, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_PROCESS },
	};
	OWN(filter_set) set = FILTER_SET_NONE;

	(void)state;
	filter_add(&set, &(struct filter_row){ .nr = SYS_socket, .act = FILTER_ALLOW, .n_tests = 1, .tests = { { 0, FILTER_EQ, UINT64_MAX, 1 } } });
	filter_add(&set, &(struct filter_row){ .nr = SYS_socket, .act = FILTER_LOG, .n_tests = 1, .tests = { { 0, FILTER_EQ, UINT64_MAX, 2 } } });
	filter_add(&set, &(struct filter_row){ .nr = SYS_socket, .act = FILTER_ERRNO, .sys = EACCES });
	filter_add(&set, &(struct filter_row){ .nr = SYS_socketpair, .act = FILTER_ALLOW });
	filter_add(&set, &(struct filter_row){ .nr = SYS_read, .act = FILTER_ALLOW });
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint64_t args[6] = { rows[i].family };
		struct program program;

		set.tells = false;
		program = built(&set);
		assert_int_equal(answer(&program, rows[i].nr, args), rows[i].silent);
		set.tells = true;
		program = built(&set);
		assert_int_equal(answer(&program, rows[i].nr, args), rows[i].telling);
	}
}

static void every_group_fits_into_a_program(void **state)
{
	(void)state;
	for (size_t i = 0; syscalls_group_at(i); i++) {
		OWN(filter_set) set = FILTER_SET_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(filter_add_name(&set, syscalls_group_at(i), 7, &e), 0);
		assert_int_equal(set.rows[0].line, 7);
		assert_string_equal(set.rows[0].origin, syscalls_group_at(i));
		assert_true(built(&set).n < 1024);
		set.report = true;
		assert_true(built(&set).n < 1024);
	}
}

static void all_groups_together_fit_into_a_program(void **state)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; syscalls_group_at(i); i++)
		assert_int_equal(filter_add_name(&set, syscalls_group_at(i), 1, &e), 0);
	assert_true(built(&set).n < 1024);
}

/* The kernel's own test for its bitmap of calls that need no filter at all: it follows loads of the
 * number and the architecture, and gives up at anything else (kernel/seccomp.c,
 * seccomp_is_const_allow). */
static bool is_always_allowed(const struct program *program, uint32_t nr)
{
	uint32_t a = 0;

	for (size_t i = 0; i < program->n; i++) {
		const struct sock_filter *insn = &program->insns[i];
		bool jumps;

		switch (insn->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (insn->k != offsetof(struct seccomp_data, nr) &&
			    insn->k != offsetof(struct seccomp_data, arch))
				return false;
			a = insn->k ? AUDIT_ARCH_X86_64 : nr;
			continue;
		case BPF_RET | BPF_K:
			return insn->k == SECCOMP_RET_ALLOW;
		case BPF_JMP | BPF_JA:
			i += insn->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			jumps = a == insn->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			jumps = a >= insn->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			jumps = a > insn->k;
			break;
		default:
			return false;
		}
		i += jumps ? insn->jt : insn->jf;
	}
	return false;
}

static void the_kernel_can_see_which_calls_need_no_filter(void **state)
{
	static const char *const names[] = { "read", "write", "mmap", "newfstatat", "close",
					     "getpid", "rt_sigprocmask", "epoll_wait", "tgkill",
					     "recvmsg" };
	OWN(filter_set) set = FILTER_SET_NONE;
	struct err e = ERR_INIT;
	struct program program;

	(void)state;
	assert_int_equal(filter_add_name(&set, "@default", 1, &e), 0);
	program = built(&set);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(is_always_allowed(&program, (uint32_t)syscalls_number(names[i])));
	assert_false(is_always_allowed(&program, SYS_ioctl));
	assert_false(is_always_allowed(&program, SYS_ptrace));
}

static void jumps_over_any_distance_arrive(void **state)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct program program;

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		struct filter_row row = { .nr = 16 + i % 3, .act = FILTER_ERRNO,
					  .sys = (uint16_t)(1 + i), .n_tests = 2 };

		row.tests[0] = (struct filter_test){ 1, FILTER_EQ, UINT64_MAX, i };
		row.tests[1] = (struct filter_test){ 2, FILTER_GT, UINT64_MAX, 1000 };
		filter_add(&set, &row);
	}
	program = built(&set);
	for (uint32_t i = 0; i < 300; i++) {
		const uint64_t args[6] = { 0, i, 1001 }, not_quite[6] = { 0, i, 1000 };

		assert_int_equal(answer(&program, 16 + i % 3, args), SECCOMP_RET_ERRNO | (1 + i));
		assert_int_equal(answer(&program, 16 + i % 3, not_quite),
				 SECCOMP_RET_KILL_PROCESS);
		assert_int_equal(answer(&program, 19, args), SECCOMP_RET_KILL_PROCESS);
	}
}

static void too_many_rules_are_refused(void **state)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct sock_filter out[BPF_MAXINSNS];
	struct err e = ERR_INIT;
	size_t n = 99;

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		struct filter_row row = { .nr = 16, .act = FILTER_ALLOW, .n_tests = 1 };

		row.tests[0] = (struct filter_test){ 1, FILTER_EQ, UINT64_MAX, 2 * i };
		filter_add(&set, &row);
	}
	assert_int_equal(filter_build(&set, out, BPF_MAXINSNS, &n, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(n, 99);
	set.n_rows = 10;
	assert_int_equal(filter_build(&set, out, 8, &n, &e), -1);
	assert_int_equal(filter_build(&set, out, 64, &n, &e), 0);
}
/* Calls that change nothing whatever their arguments: unimplemented ones, whose arguments have 8
 * bytes, and ones on descriptor -1. */
static const struct { uint32_t nr; bool has_fd; } idle[] = {
	{ SYS_getpmsg, false }, { SYS_afs_syscall, false }, { SYS_tuxcall, false },
	{ SYS_fcntl, true }, { SYS_ioctl, true }, { SYS_fchmod, true }, { SYS_fadvise64, true },
};

static void compare_with_kernel(size_t *shared)
{
	struct random random = { .state = 0xd1b54a32d192ed03 };
	OWN(filter_set) set = FILTER_SET_NONE;
	struct program program;

	set.otherwise = FILTER_ALLOW;
	for (size_t i = 0; i < 120; i++) {
		struct filter_row row = random_row(&random);

		row.nr = idle[below(&random, ARRAY_SIZE(idle))].nr;
		row.act = below(&random, 2) ? FILTER_ERRNO : FILTER_ALLOW;
		row.sys = (uint16_t)(200 + i);
		if (row.n_tests)
			filter_add(&set, &row);
	}
	program = built(&set);
	if (!install(program.insns, program.n))
		return;
	for (size_t i = 0; i < 20000; i++) {
		uint64_t a[6];
		const size_t which = below(&random, ARRAY_SIZE(idle));
		const struct filter_row *row;
		const bool has_fd = idle[which].has_fd;
		uint32_t nr = aim(&random, &set, a);
		enum filter_act act;
		int wanted;
		long rc;

		nr = idle[which].nr;
		if (has_fd)
			a[0] |= 0xffffffff;
		act = filter_judge(&set, nr, a, &row);
		rc = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		wanted = act != FILTER_ALLOW ? row->sys : has_fd ? EBADF : ENOSYS;
		shared[1] += rc != -1 || errno != wanted;
		shared[0]++;
		shared[2] += act == FILTER_ERRNO;
	}
}

static void the_kernel_answers_what_the_judge_says(void **state)
{
	size_t *shared = shared_new();

	(void)state;
	in_child(compare_with_kernel, shared);
	assert_int_equal(shared[0], 20000);
	assert_int_equal(shared[1], 0);
	assert_in_range(shared[2], 2000, 18000);
	munmap(shared, 4096);
}
/* The kernel truncates as the widths in syscalls.def claim: one bit too high changes nothing. */
static void try_widths(size_t *shared)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct err e = ERR_INIT;
	struct program program;

	if (filter_add_name(&set, "@default", 1, &e) < 0)
		return;
	set.otherwise = FILTER_ERRNO;
	program = built(&set);
	if (!install(program.insns, program.n))
		return;
	shared[0] = syscall(SYS_socket, 0x100000028, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT;
	shared[1] = syscall(SYS_ioctl, 0, 0x100005412, "") < 0 && errno == ENOTTY;
	shared[2] = syscall(SYS_chmod, "/", 0x10000 | 04755) < 0 && errno == EPERM;
	shared[3] = syscall(SYS_clone, 0x110000000, 0, 0, 0, 0) < 0 && errno == EPERM;
	shared[4] = syscall(SYS_personality, 0x1ffffffff) >= 0;
	shared[5] = syscall(SYS_ptrace, 0, 0, 0, 0) < 0 && errno == ENOSYS;
	shared[6] = syscall(SYS_getppid) > 0;
}

static void a_high_bit_evades_no_rule(void **state)
{
	size_t *shared = shared_new();

	(void)state;
	in_child(try_widths, shared);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(shared[i], 1);
	munmap(shared, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_answers_what_the_judge_says_of_any_set),
		cmocka_unit_test(no_load_of_a_group_is_there_for_nothing),
		cmocka_unit_test(the_rest_of_a_set_comes_behind_it),
		cmocka_unit_test(a_foreign_architecture_and_x32_are_killed),
		cmocka_unit_test(a_set_that_tells_asks_about_allowed_sockets_alone),
		cmocka_unit_test(every_group_fits_into_a_program),
		cmocka_unit_test(all_groups_together_fit_into_a_program),
		cmocka_unit_test(the_kernel_can_see_which_calls_need_no_filter),
		cmocka_unit_test(jumps_over_any_distance_arrive),
		cmocka_unit_test(too_many_rules_are_refused),
		cmocka_unit_test(the_kernel_answers_what_the_judge_says),
		cmocka_unit_test(a_high_bit_evades_no_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
