/* The compiler: from rules to a classic BPF program. Refuses to emit a program the kernel would not
 * take.
 *
 * Code is written backwards, from the last instruction to the first. Jumps in BPF only go forward,
 * so the distance of every jump is known when it is written, and one that is too far for 8 bits
 * gets a stepping stone right behind it. A place in the program is counted from its end. */
#include <errno.h>
#include <linux/audit.h>
#include <string.h>

#include "model/filter.h"
#include "model/filter_rows.h"
#include "model/syscalls.h"

#define REACH     250   /* of a jump: 255, less the stepping stones between it and its target */
#define RETURNS   16
#define POSITION  0x3fffffff    /* bits of a sort key */
#define LOOK_BACK 64
#define ANY_WORD  UINT32_MAX

/* Where code can be entered. `warm` is for a jump from where the accumulator holds `word` of
 * seccomp_data under `mask` already; `cold` loads it first, and is 0 until somebody needs that. */
struct entry {
	size_t cold, warm;
	uint32_t word, mask;
};

struct code {
	struct sock_filter *end;        /* instruction i from the end is end[-i] */
	size_t cap, n;
	bool full;
	struct { uint32_t word; size_t at; } returns[RETURNS];   /* the latest of each kind */
	size_t n_returns;
};

/* A row as it is compiled: those that can never apply are gone. */
struct step {
	const struct filter_row *row;
	uint32_t word;                  /* SECCOMP_RET_* */
};

/* Numbers from low up to the next leaf's low. */
struct leaf {
	uint32_t low;
	uint32_t word;                  /* when no step applies */
	size_t first, n;                /* steps */
	uint32_t weight;
};

struct node {
	size_t low, high;               /* leaves [low, high) */
	size_t split;                   /* the first leaf of the right side; 0 = a single leaf */
	size_t left, right;             /* nodes */
	size_t at;                      /* place in the program */
};

struct build {
	const struct filter_set *set;
	struct step *steps;
	size_t n_steps;
	struct leaf *leaves;
	size_t n_leaves;
	struct code code;
};

static void emit(struct code *code, uint16_t op, uint32_t k, size_t yes, size_t no)
{
	if (code->n == code->cap) {
		code->full = true;
		return;
	}
	code->n++;
	code->end[-(ptrdiff_t)code->n] =
		(struct sock_filter){ op, (uint8_t)yes, (uint8_t)no, k };
}

/* The place of a return of this word, an earlier one where it is in reach. */
static size_t emit_return(struct code *code, uint32_t word)
{
	size_t i = 0;

	while (i < code->n_returns && code->returns[i].word != word)
		i++;
	if (i < code->n_returns && code->n - code->returns[i].at < REACH)
		return code->returns[i].at;
	emit(code, BPF_RET | BPF_K, word, 0, 0);
	if (i == code->n_returns && i < RETURNS)
		code->n_returns++;
	if (i < RETURNS) {
		code->returns[i].word = word;
		code->returns[i].at = code->n;
	}
	return code->n;
}

/* A place with the same effect that a jump written next can reach. */
static size_t near(struct code *code, size_t at)
{
	const size_t gap = code->n - at;

	if (gap <= REACH || code->full)
		return at;
	if (code->end[-(ptrdiff_t)at].code == (BPF_RET | BPF_K))
		return emit_return(code, code->end[-(ptrdiff_t)at].k);
	emit(code, BPF_JMP | BPF_JA, (uint32_t)gap, 0, 0);
	return code->n;
}

static void emit_jump(struct code *code, uint16_t op, uint32_t k, size_t yes, size_t no)
{
	yes = near(code, yes);
	no = near(code, no);
	emit(code, (uint16_t)(BPF_JMP | BPF_K | op), k, code->n - yes, code->n - no);
}

static size_t enter(struct code *code, struct entry *entry)
{
	if (entry->cold)
		return entry->cold;
	if (code->n != entry->warm)
		emit(code, BPF_JMP | BPF_JA, (uint32_t)(code->n - entry->warm), 0, 0);
	if (entry->mask != UINT32_MAX)
		emit(code, BPF_ALU | BPF_AND | BPF_K, entry->mask, 0, 0);
	emit(code, BPF_LD | BPF_W | BPF_ABS, entry->word, 0, 0);
	return entry->cold = code->n;
}

static size_t pick(struct code *code, struct entry *entry, uint32_t word, uint32_t mask)
{
	return entry->word == word && entry->mask == mask ? entry->warm : enter(code, entry);
}

/* Compares 32 bits of seccomp_data. */
static struct entry emit_compare(struct code *code, uint32_t word, uint32_t mask, uint16_t op,
				 uint32_t value, struct entry *yes, struct entry *no)
{
	const bool is_one_bit = op == BPF_JEQ && value == mask && !(mask & (mask - 1));
	const bool is_set = op == BPF_JEQ && mask != UINT32_MAX && (!value || is_one_bit);
	struct entry entry = { .word = word, .mask = is_set ? UINT32_MAX : mask };
	const size_t if_yes = pick(code, yes, word, entry.mask);
	const size_t if_no = pick(code, no, word, entry.mask);

	if (is_set && !value)
		emit_jump(code, BPF_JSET, mask, if_no, if_yes);
	else if (is_set)
		emit_jump(code, BPF_JSET, mask, if_yes, if_no);
	else
		emit_jump(code, op, value, if_yes, if_no);
	entry.warm = code->n;
	return entry;
}

/* Compares an argument: its low word, its high word, or both. Little endian (x86-64). */
static struct entry emit_test(struct code *code, const struct filter_test *test, struct entry *yes,
			      struct entry *no)
{
	const uint32_t low = (uint32_t)offsetof(struct seccomp_data, args) + 8u * test->arg;
	const uint32_t mask = (uint32_t)test->mask, mask_high = (uint32_t)(test->mask >> 32);
	const uint32_t value = (uint32_t)test->value, value_high = (uint32_t)(test->value >> 32);
	const bool is_order = test->op == FILTER_GT || test->op == FILTER_LE;
	const bool is_turned = test->op == FILTER_NE || test->op == FILTER_LE;
	struct entry *const hit = is_turned ? no : yes, *const miss = is_turned ? yes : no;
	struct entry rest = is_order ? *miss : *hit;    /* when the high words are equal */
	struct entry equal;

	if (mask)
		rest = emit_compare(code, low, mask, is_order ? BPF_JGT : BPF_JEQ, value, hit,
				    miss);
	if (!mask_high)
		return rest;
	equal = emit_compare(code, low + 4, mask_high, BPF_JEQ, value_high, &rest, miss);
	if (!is_order)
		return equal;
	return emit_compare(code, low + 4, mask_high, BPF_JGT, value_high, hit, &equal);
}

static struct entry entry_return(struct code *code, uint32_t word)
{
	const size_t at = emit_return(code, word);

	return (struct entry){ at, at, ANY_WORD, 0 };
}

static bool is_same_test(const struct filter_test *a, const struct filter_test *b)
{
	return a->arg == b->arg && a->op == b->op && a->mask == b->mask && a->value == b->value;
}

/* The rows of one call: the last is written first, and each falls to the one after it. Neighbours
 * that begin with the same test share it, so this calls itself, once for each test a row can have.
 *
 * depth      tests that hold already
 * otherwise  where the last row falls */
static struct entry emit_steps(struct code *code, const struct step *steps, size_t n, size_t depth,
			       struct entry *otherwise)
{
	struct entry entry, *next = otherwise;

	while (n) {
		const struct filter_row *row = steps[n - 1].row;
		const struct filter_test *test = &row->tests[depth];
		size_t first = n - 1;
		struct filter_test exact;
		struct entry hit;

		if (row->n_tests == depth) {
			entry = entry_return(code, steps[--n].word);
			next = &entry;
			continue;
		}
		while (first && steps[first - 1].row->n_tests > depth &&
		       is_same_test(&steps[first - 1].row->tests[depth], test))
			first--;
		hit = emit_steps(code, steps + first, n - first, depth + 1, next);
		entry = filter_narrow(row->nr, test, &exact) == FIT_DEPENDS ?
				emit_test(code, &exact, &hit, next) : hit;
		next = &entry;
		n = first;
	}
	return *next;
}

static size_t emit_leaf(struct code *code, const struct step *steps, size_t n, uint32_t otherwise)
{
	struct entry last = entry_return(code, otherwise);
	struct entry first = emit_steps(code, steps, n, 0, &last);

	return enter(code, &first);
}

uint32_t filter_word(const struct filter_set *set, const struct filter_row *row)
{
	const uint8_t act = row ? row->act : set->otherwise;
	const bool quiet = row && row->quiet;

	if (set->tells && row && syscalls_makes_socket(row->nr) && (act == FILTER_ALLOW || act == FILTER_LOG))
		return SECCOMP_RET_USER_NOTIF;
	switch (act) {
	case FILTER_ALLOW:
		return SECCOMP_RET_ALLOW;
	case FILTER_LOG:
		return SECCOMP_RET_LOG;
	case FILTER_NOTIFY:
		if (!quiet)
			return SECCOMP_RET_USER_NOTIF;
		break;
	default:
		/* Ward only ever answers these with a refusal, never with "continue", so this is safe for
		 * calls whose arguments are pointers, execve included: nothing it reads decides
		 * anything. If ward dies the kernel answers ENOSYS, a refusal too. The one caller
		 * that may not be asked about is ward's own exec before anyone listens. */
		if (set->report && !quiet)
			return SECCOMP_RET_USER_NOTIF;
	}
	if (act == FILTER_KILL)
		return SECCOMP_RET_KILL_PROCESS;
	return SECCOMP_RET_ERRNO | filter_errno(set, row);
}

static bool are_equal(const struct filter_row *a, const struct filter_row *b)
{
	if (a->n_tests != b->n_tests)
		return false;
	for (size_t i = 0; i < a->n_tests; i++)
		if (!is_same_test(&a->tests[i], &b->tests[i]))
			return false;
	return true;
}

/* Adds a row to a leaf's steps unless it can never apply; one that always does closes the leaf. */
static bool step_add(struct build *build, struct leaf *leaf, const struct filter_row *row)
{
	struct filter_test exact;
	size_t first = leaf->first;
	bool is_always = true;

	for (size_t i = 0; i < row->n_tests; i++) {
		const enum filter_fit fit = filter_narrow(row->nr, &row->tests[i], &exact);

		if (fit == FIT_NEVER)
			return false;
		is_always &= fit == FIT_ALWAYS;
	}
	if (is_always) {
		leaf->word = filter_word(build->set, row);
		return true;
	}
	/* Two groups often bring the same row, and the second can never apply. A policy with more
	 * rows for one call than this looks back is not made of groups. */
	if (leaf->n > LOOK_BACK)
		first = build->n_steps - LOOK_BACK;
	for (size_t i = first; i < build->n_steps; i++)
		if (are_equal(build->steps[i].row, row))
			return false;
	build->steps[build->n_steps++] = (struct step){ row, filter_word(build->set, row) };
	leaf->n++;
	return false;
}

/* Since Linux 5.11 a call that is allowed whatever its arguments are is found in a bitmap and never
 * reaches the program (kernel/seccomp.c, seccomp_cache_check_allow), so its heat hardly counts. */
static void leaf_add(struct build *build, struct leaf leaf)
{
	struct leaf *last = build->n_leaves ? &build->leaves[build->n_leaves - 1] : NULL;

	while (leaf.n && build->steps[leaf.first + leaf.n - 1].word == leaf.word) {
		leaf.n--;
		build->n_steps--;
	}
	leaf.weight = 1 + (leaf.n ? leaf.weight : leaf.weight / 16);
	if (last && !last->n && !leaf.n && last->word == leaf.word)
		last->weight += leaf.weight;
	else
		build->leaves[build->n_leaves++] = leaf;
}

/* Sorts by bits 30..61, a byte at a time, and keeps the order of equals. Numbers are small, so two
 * passes do; qsort() took half of the compiler's time. */
static void sort_keys(uint64_t *keys, uint64_t *spare, size_t n)
{
	for (unsigned shift = 30; n && shift < 62; shift += 8) {
		size_t starts[257] = { 0 };

		for (size_t i = 0; i < n; i++)
			starts[(keys[i] >> shift & 255) + 1]++;
		if (starts[(keys[0] >> shift & 255) + 1] == n)
			continue;
		for (size_t i = 1; i < 256; i++)
			starts[i] += starts[i - 1];
		for (size_t i = 0; i < n; i++)
			spare[starts[keys[i] >> shift & 255]++] = keys[i];
		memcpy(keys, spare, n * sizeof(*keys));
	}
}

/* Rows in the order they are tried, as number, turn, position. Returns how many count. */
static size_t order_rows(const struct filter_set *set, size_t n_rows, uint64_t *keys)
{
	OWN_MEM uint64_t *spare = mem_raw(n_rows * sizeof(*spare));
	size_t n = 0;

	for (size_t i = 0; i < n_rows; i++) {
		const struct filter_row *row = filter_row_at(set, i);

		if (row->nr < FILTER_X32)
			keys[n++] = (uint64_t)row->nr << 32 | (uint64_t)filter_turn(row) << 30 |
				    (uint32_t)i;
	}
	sort_keys(keys, spare, n);
	return n;
}

/* Covers all numbers from 0 up with leaves. */
static void make_leaves(struct build *build, const uint64_t *keys, size_t n)
{
	const uint32_t otherwise = filter_word(build->set, NULL);
	uint32_t covered = 0;

	for (size_t i = 0; i < n;) {
		const uint32_t nr = (uint32_t)(keys[i] >> 32);
		struct leaf leaf = { .low = nr, .word = otherwise, .first = build->n_steps,
				     .weight = syscalls_heat(nr) };
		bool is_closed = false;

		if (covered < nr)
			leaf_add(build, (struct leaf){ .low = covered, .word = otherwise });
		for (; i < n && keys[i] >> 32 == nr; i++)
			if (!is_closed)
				is_closed = step_add(build, &leaf,
						     filter_row_at(build->set, keys[i] & POSITION));
		leaf_add(build, leaf);
		covered = nr + 1;
	}
	leaf_add(build, (struct leaf){ .low = covered, .word = otherwise });
}

/* Where to cut leaves [low, high) so that both sides weigh about the same. */
static size_t cut(const uint32_t *sums, size_t low, size_t high)
{
	const uint32_t half = sums[low] + (sums[high] - sums[low]) / 2;
	size_t at = low + 1;

	while (at + 1 < high && sums[at] < half)
		at++;
	/* The leaf that contains the middle goes to the side it lies on more. */
	if (at > low + 1 && sums[at] > half && sums[at] - half > half - sums[at - 1])
		at--;
	return at;
}

/* A tree over the leaves, a node before its left side and that before its right one: a tree over m
 * leaves has 2m - 1 nodes, so the places are known beforehand. Returns the number of nodes. */
static size_t make_nodes(const struct build *build, struct node *nodes, const uint32_t *sums)
{
	const size_t n_nodes = 2 * build->n_leaves - 1;

	nodes[0] = (struct node){ .high = build->n_leaves };
	for (size_t i = 0; i < n_nodes; i++) {
		struct node *node = &nodes[i];

		if (node->high - node->low < 2)
			continue;
		node->split = cut(sums, node->low, node->high);
		node->left = i + 1;
		node->right = i + 2 * (node->split - node->low);
		nodes[node->left] = (struct node){ .low = node->low, .high = node->split };
		nodes[node->right] = (struct node){ .low = node->split, .high = node->high };
	}
	return n_nodes;
}

/* How many calls a leaf is about. Installing a program makes the kernel run it once for each call there
 * is (kernel/seccomp.c, seccomp_cache_prepare), so that weighs, too. */
static uint32_t breadth(const struct build *build, size_t i)
{
	const uint32_t low = build->leaves[i].low;
	const uint32_t high = i + 1 < build->n_leaves ? build->leaves[i + 1].low : UINT32_MAX;

	return (high < SYSCALLS_NUMBERS ? high : SYSCALLS_NUMBERS) -
	       (low < SYSCALLS_NUMBERS ? low : SYSCALLS_NUMBERS);
}

static size_t emit_tree(struct build *build)
{
	OWN_MEM struct node *nodes = mem_alloc(2 * build->n_leaves * sizeof(*nodes));
	OWN_MEM uint32_t *sums = mem_alloc((build->n_leaves + 1) * sizeof(*sums));
	size_t n;

	for (size_t i = 0; i < build->n_leaves; i++)
		sums[i + 1] = sums[i] + build->leaves[i].weight + breadth(build, i);
	n = make_nodes(build, nodes, sums);
	while (n--) {
		struct node *node = &nodes[n];
		const struct leaf *leaf = &build->leaves[node->low];

		if (!node->split) {
			node->at = emit_leaf(&build->code, build->steps + leaf->first, leaf->n,
					     leaf->word);
			continue;
		}
		emit_jump(&build->code, BPF_JGE, build->leaves[node->split].low,
			  nodes[node->right].at, nodes[node->left].at);
		node->at = build->code.n;
	}
	return nodes[0].at;
}

/* What every program begins with. The order matters: a number means nothing before the
 * architecture is known, and x32 calls carry the same architecture (CVE-2014-0038). */
static void emit_head(struct code *code, size_t tree)
{
	size_t number;

	emit_jump(code, BPF_JGE, FILTER_X32, emit_return(code, SECCOMP_RET_KILL_PROCESS), tree);
	emit(code, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	number = code->n;
	emit_jump(code, BPF_JEQ, AUDIT_ARCH_X86_64, number,
		  emit_return(code, SECCOMP_RET_KILL_PROCESS));
	emit(code, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
}

int filter_build(const struct filter_set *set, struct sock_filter *out, size_t cap, size_t *n_out,
		 struct err *e)
{
	const size_t n_rows = filter_count(set);
	OWN_MEM uint64_t *keys = mem_raw(n_rows * sizeof(*keys));
	OWN_MEM struct step *steps = mem_raw(n_rows * sizeof(*steps));
	OWN_MEM struct leaf *leaves = mem_raw((2 * n_rows + 1) * sizeof(*leaves));
	struct build build = { .set = set, .steps = steps, .leaves = leaves };

	if (cap > BPF_MAXINSNS)
		cap = BPF_MAXINSNS;
	build.code.end = out + cap;
	build.code.cap = cap;
	make_leaves(&build, keys, order_rows(set, n_rows, keys));
	emit_head(&build.code, emit_tree(&build));
	if (build.code.full)
		return err_set(e, ERR_LIMIT,
			       "the system call rules need more than %zu filter instructions", cap);
	*n_out = build.code.n;
	memmove(out, build.code.end - build.code.n, build.code.n * sizeof(*out));
	return 0;
}
