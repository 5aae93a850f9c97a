/* model/filter: the compiled program, the judge and the kernel say the same of every call. */
#include "model/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/syscalls.h"

struct program {
	struct sock_filter insns[BPF_MAXINSNS];
	size_t n;
};

static struct program built(const struct filter_set *set)
{
	struct program program;
	struct err e = ERR_INIT;

	if (filter_build(set, program.insns, BPF_MAXINSNS, &program.n, &e) < 0 ||
	    filter_check(program.insns, program.n, &e) < 0)
		fail_msg("%s", e.text);
	return program;
}

static uint32_t answer(const struct program *program, uint32_t nr, const uint64_t args[6])
{
	struct seccomp_data data = { .nr = (int)nr, .arch = AUDIT_ARCH_X86_64 };
	uint32_t word;
	bool valid;

	memcpy(data.args, args, sizeof(data.args));
	word = filter_run(program->insns, program->n, &data, &valid);
	assert_true(valid);
	return word;
}

/* What the header promises for a verdict, written down a second time. */
static uint32_t word_for(const struct filter_set *set, enum filter_act act,
			 const struct filter_row *row, uint32_t nr)
{
	const bool is_told = set->report && !(row && row->quiet);

	if (nr >= 0x40000000)
		return SECCOMP_RET_KILL_PROCESS;
	if (act == FILTER_ALLOW)
		return SECCOMP_RET_ALLOW;
	if (act == FILTER_LOG)
		return SECCOMP_RET_LOG;
	if (is_told || (act == FILTER_NOTIFY && !(row && row->quiet)))
		return SECCOMP_RET_USER_NOTIF;
	if (act == FILTER_KILL)
		return SECCOMP_RET_KILL_PROCESS;
	return SECCOMP_RET_ERRNO | filter_errno(set, row);
}

/* ---- golden rows ---- */

static uint64_t value_of(char *word)
{
	uint64_t all = 0;
	char *rest = NULL;

	for (char *part = strtok_r(word, "|", &rest); part; part = strtok_r(NULL, "|", &rest)) {
		uint64_t value = 0;
		char digits[64] = "";
		size_t n = 0;

		for (const char *at = part; *at && n < sizeof(digits) - 1; at++)
			if (*at != '_')
				digits[n++] = *at;
		if (part[0] >= '0' && part[0] <= '9')
			value = strtoull(digits, NULL, 0);
		else if (!syscalls_constant(part, &value))
			fail_msg("unknown constant %s", part);
		all |= value;
	}
	return all;
}

static uint16_t errno_of(const char *name)
{
	for (uint16_t sys = 1; sys < 200; sys++)
		if (strerrorname_np(sys) && !strcmp(strerrorname_np(sys), name))
			return sys;
	fail_msg("unknown errno %s", name);
	return 0;
}

/* "allow NAME", "otherwise ACT [ERRNO]", "report"; false for anything else. */
static bool directive(struct filter_set *set, char *const words[], size_t n)
{
	static const char *const acts[] = { "allow", "log", "notify", "errno", "kill" };
	struct err e = ERR_INIT;

	if (!strcmp(words[0], "report")) {
		set->report = true;
		return true;
	}
	if (!strcmp(words[0], "allow")) {
		if (filter_add_name(set, words[1], 1, &e) < 0)
			fail_msg("%s", e.text);
		return true;
	}
	if (strcmp(words[0], "otherwise") != 0)
		return false;
	for (uint8_t act = 0; act < FILTER_ACTS; act++)
		if (!strcmp(words[1], acts[act]))
			set->otherwise = act;
	set->otherwise_sys = n > 2 ? errno_of(words[2]) : 0;
	return true;
}

/* "CALL ARG... -> VERDICT [ERRNO]", see tests/golden/filter. */
static void check_row(const struct filter_set *set, const struct program *program,
		      char *const words[], size_t n, const char *where)
{
	const int known = syscalls_number(words[0]);
	const uint32_t nr = known < 0 ? (uint32_t)strtoul(words[0], NULL, 0) : (uint32_t)known;
	const struct filter_row *row;
	enum filter_act act;
	uint64_t args[6] = { 0 };
	char said[64], wanted[64];
	size_t i = 1;
	uint32_t word;

	for (; i < n && i < 7 && strcmp(words[i], "->") != 0; i++)
		args[i - 1] = value_of(words[i]);
	if (i + 1 >= n || strcmp(words[i], "->") != 0)
		fail_msg("%s: not a row", where);
	snprintf(wanted, sizeof(wanted), "%s%s%s", words[i + 1], i + 2 < n ? " " : "",
		 i + 2 < n ? words[i + 2] : "");
	act = filter_judge(set, nr, args, &row);
	word = answer(program, nr, args);
	if (word != word_for(set, act, row, nr))
		fail_msg("%s: the program answers %#x, the judge means %#x", where, word,
			 word_for(set, act, row, nr));
	snprintf(said, sizeof(said), "%s%s%s",
		 word == SECCOMP_RET_USER_NOTIF ? "notify " : act == FILTER_ERRNO ? "errno " : "",
		 act == FILTER_ALLOW ? "allow" : act == FILTER_LOG ? "log" :
		 act == FILTER_KILL ? "kill" : "",
		 act == FILTER_ERRNO ? strerrorname_np(filter_errno(set, row)) : "");
	if (strcmp(said, wanted) != 0)
		fail_msg("%s: %s, not %s", where, said, wanted);
}

static size_t check_file(const char *path)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct program program = { .n = 0 };
	FILE *file = fopen(path, "re");
	char line[512], where[640];
	size_t n_rows = 0, n_lines = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *words[12], *rest = NULL;
		size_t n = 0;

		snprintf(where, sizeof(where), "%s:%zu", path, ++n_lines);
		line[strcspn(line, "#\n")] = '\0';
		for (char *word = strtok_r(line, " \t", &rest); word && n < 12;
		     word = strtok_r(NULL, " \t", &rest))
			words[n++] = word;
		if (!n || (!program.n && directive(&set, words, n)))
			continue;
		if (!program.n)
			program = built(&set);
		check_row(&set, &program, words, n, where);
		n_rows++;
	}
	fclose(file);
	return n_rows;
}

static void every_golden_row_is_answered_as_written(void **state)
{
	const char *root = getenv("WARD_SOURCE");
	char pattern[512];
	glob_t found;
	size_t n = 0;

	(void)state;
	snprintf(pattern, sizeof(pattern), "%s/tests/golden/filter/*.tests", root ? root : ".");
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		n += check_file(found.gl_pathv[i]);
	globfree(&found);
	assert_true(n > 150);
}

/* ---- random sets ---- */

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
		const struct filter_row row = random_row(random);

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

/* ---- single properties ---- */

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
	static const char *const names[] = { "read", "write", "mmap", "newfstatat", "close", "getpid",
					     "rt_sigprocmask", "epoll_wait", "tgkill", "recvmsg" };
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

static void a_refusal_never_looks_like_success(void **state)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	const struct filter_row row = { .nr = 1, .act = FILTER_ERRNO };
	const uint64_t none[6] = { 0 };
	struct program program;

	(void)state;
	filter_add(&set, &row);
	set.otherwise = FILTER_ERRNO;
	program = built(&set);
	assert_int_equal(answer(&program, 1, none), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(answer(&program, 2, none), SECCOMP_RET_ERRNO | ENOSYS);
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

static void an_unknown_name_is_refused_with_the_nearest(void **state)
{
	static const struct { const char *name, *text; } rows[] = {
		{ "opnat", "unknown system call 'opnat' (did you mean 'openat'?)" },
		{ "@defualt", "unknown group of system calls '@defualt' (did you mean '@default'?)" },
		{ "xyzzyxyzzyxyzzy", "unknown system call 'xyzzyxyzzyxyzzy'" },
		{ "", "unknown system call ''" },
		{ "@", "unknown group of system calls '@'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(filter_set) set = FILTER_SET_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(filter_add_name(&set, rows[i].name, 1, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_string_equal(e.text, rows[i].text);
		assert_int_equal(set.n_rows, 0);
	}
}

/* ---- the evaluator ---- */

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

/* A program that answers sum i with an errno for one call that does nothing, and allows the rest. */
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

/* ---- the kernel as an oracle ---- */

static bool install(const struct sock_filter *program, size_t n)
{
	const struct sock_fprog fprog = { (unsigned short)n, (struct sock_filter *)(uintptr_t)program };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog) == 0;
}

/* Runs check(shared) in a child that may install filters; skips where that is impossible. The child
 * writes its findings to *shared, since a filter may leave it no call but exit. */
static void in_child(void (*check)(size_t *shared), size_t *shared)
{
	const struct sock_filter harmless = RETURN(SECCOMP_RET_ALLOW);
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !install(&harmless, 1))
			_exit(77);
		check(shared);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skipped: this kernel or sandbox lets no filter be installed\n");
		skip();
	}
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static size_t *shared_new(void)
{
	void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(shared != MAP_FAILED);
	return shared;
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
		long rc;

		nr = idle[which].nr;
		if (has_fd)
			a[0] |= 0xffffffff;
		act = filter_judge(&set, nr, a, &row);
		rc = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (rc != -1 || errno != (act == FILTER_ALLOW ? (has_fd ? EBADF : ENOSYS) : row->sys))
			shared[1]++;
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

static void compare_sums(size_t *shared)
{
	for (size_t i = ARRAY_SIZE(sums); i--;) {
		const struct program program = sum_program(i);
		uint64_t again[6];

		/* Filters stack up and the lowest errno word wins only among equals, so each runs in
		 * its own grandchild. */
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

/* The kernel's truncation is what the widths in syscalls.def claim: one bit too high changes nothing. */
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
		cmocka_unit_test(every_golden_row_is_answered_as_written),
		cmocka_unit_test(a_program_answers_what_the_judge_says_of_any_set),
		cmocka_unit_test(a_foreign_architecture_and_x32_are_killed),
		cmocka_unit_test(every_group_fits_into_a_program),
		cmocka_unit_test(all_groups_together_fit_into_a_program),
		cmocka_unit_test(the_kernel_can_see_which_calls_need_no_filter),
		cmocka_unit_test(jumps_over_any_distance_arrive),
		cmocka_unit_test(too_many_rules_are_refused),
		cmocka_unit_test(a_refusal_never_looks_like_success),
		cmocka_unit_test(a_listener_is_needed_only_when_ward_is_asked),
		cmocka_unit_test(an_unknown_name_is_refused_with_the_nearest),
		cmocka_unit_test(the_evaluator_computes),
		cmocka_unit_test(dividing_by_zero_ends_the_program_with_zero),
		cmocka_unit_test(a_broken_program_is_refused),
		cmocka_unit_test(the_kernel_answers_what_the_judge_says),
		cmocka_unit_test(the_kernel_computes_as_the_evaluator_does),
		cmocka_unit_test(the_kernel_takes_exactly_what_the_check_takes),
		cmocka_unit_test(the_kernel_takes_no_broken_program),
		cmocka_unit_test(a_high_bit_evades_no_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
