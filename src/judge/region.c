/* Reduced ordered binary decision diagrams over the 512 bits of a point, the most significant bit of the
 * first word first: comparisons of words then take one node a bit, and conditions on different words
 * stand one above the other instead of multiplying.
 * Source: Bryant, "Graph-Based Algorithms for Boolean Function Manipulation" (IEEE ToC C-35-8, 1986);
 * Brace, Rudell, Bryant, "Efficient Implementation of a BDD Package" (DAC 1990). */
#include "judge/region.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define WORD_BITS 32
#define LEVELS (WORDS * WORD_BITS)      /* the level of both ends */
#define NO 0u
#define YES 1u

struct node {
	uint32_t level;
	uint32_t clear, set;    /* where the bit of this level leads */
};

/* One remembered answer of choose(). */
struct memory {
	uint32_t when, yes, no, result;
};

struct regions {
	struct node *nodes;
	size_t n, cap, max;
	uint32_t *slots;        /* hash table of nodes, 0 = free; n_slots is a power of two */
	size_t n_slots;
	struct memory *memory;  /* direct-mapped, n_memory is a power of two */
	size_t n_memory;
	bool is_full;
};

#define MEMORY_LEAST ((size_t)1 << 12)
#define MEMORY_MOST ((size_t)1 << 20)

static uint32_t hash(uint32_t a, uint32_t b, uint32_t c)
{
	uint64_t h = (uint64_t)a * 0x9e3779b97f4a7c15u;

	h = (h ^ (h >> 29) ^ b) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (h >> 32) ^ c) * 0x94d049bb133111ebu;
	return (uint32_t)(h >> 32);
}

struct regions *regions_new(size_t nodes)
{
	struct regions *store = mem_alloc(sizeof(*store));

	store->max = nodes > UINT32_MAX ? UINT32_MAX : nodes;
	store->nodes = mem_grow(NULL, &store->cap, 2, sizeof(*store->nodes));
	store->nodes[NO] = (struct node){ LEVELS, NO, NO };
	store->nodes[YES] = (struct node){ LEVELS, YES, YES };
	store->n = 2;
	store->n_slots = MEMORY_LEAST;
	store->slots = mem_alloc(store->n_slots * sizeof(*store->slots));
	store->n_memory = MEMORY_LEAST;
	store->memory = mem_alloc(store->n_memory * sizeof(*store->memory));
	return store;
}

void regions_free(struct regions *store)
{
	if (!store)
		return;
	free(store->nodes);
	free(store->slots);
	free(store->memory);
	free(store);
}

bool regions_are_full(const struct regions *store)
{
	return store->is_full;
}

size_t regions_used(const struct regions *store)
{
	return store->n;
}

static uint32_t *slot_of(struct regions *store, const struct node *node)
{
	size_t i = hash(node->level, node->clear, node->set);

	for (;; i++) {
		uint32_t *const slot = &store->slots[i & (store->n_slots - 1)];

		if (!*slot || memcmp(&store->nodes[*slot], node, sizeof(*node)) == 0)
			return slot;
	}
}

/* Twice the table, and of the memory too while it is small: what it forgets is only time. */
static void widen(struct regions *store)
{
	free(store->slots);
	store->n_slots *= 2;
	store->slots = mem_alloc(store->n_slots * sizeof(*store->slots));
	for (uint32_t i = 2; i < store->n; i++)
		*slot_of(store, &store->nodes[i]) = i;
	if (store->n_memory < MEMORY_MOST) {
		free(store->memory);
		store->n_memory *= 2;
		store->memory = mem_alloc(store->n_memory * sizeof(*store->memory));
	}
}

static uint32_t make(struct regions *store, uint32_t level, uint32_t clear, uint32_t set)
{
	const struct node node = { level, clear, set };
	uint32_t *slot;

	if (clear == set)
		return clear;
	slot = slot_of(store, &node);
	if (*slot)
		return *slot;
	if (store->n >= store->max) {
		store->is_full = true;
		return NO;
	}
	store->nodes = mem_grow(store->nodes, &store->cap, store->n + 1, sizeof(*store->nodes));
	store->nodes[store->n] = node;
	*slot = (uint32_t)store->n++;
	if (store->n * 2 > store->n_slots) {
		const uint32_t made = *slot;

		widen(store);
		return made;
	}
	return *slot;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t branch(const struct regions *store, uint32_t at, uint32_t level, bool is_set)
{
	const struct node *const node = &store->nodes[at];

	if (node->level != level)
		return at;
	return is_set ? node->set : node->clear;
}

/* Goes down one level each time, so at most LEVELS deep. */
static uint32_t choose(struct regions *store, uint32_t when, uint32_t yes, uint32_t no)
{
	struct memory *known;
	uint32_t level, clear, set, result;

	if (when == YES || yes == no)
		return yes;
	if (when == NO)
		return no;
	if (yes == YES && no == NO)
		return when;
	if (store->is_full)
		return NO;
	known = &store->memory[hash(when, yes, no) & (store->n_memory - 1)];
	if (known->when == when && known->yes == yes && known->no == no)
		return known->result;
	level = least(store->nodes[when].level,
		      least(store->nodes[yes].level, store->nodes[no].level));
	clear = choose(store, branch(store, when, level, false), branch(store, yes, level, false),
		       branch(store, no, level, false));
	set = choose(store, branch(store, when, level, true), branch(store, yes, level, true),
		     branch(store, no, level, true));
	result = make(store, level, clear, set);
	if (store->is_full)
		return NO;
	/* The memory may have moved meanwhile. */
	store->memory[hash(when, yes, no) & (store->n_memory - 1)] =
		(struct memory){ when, yes, no, result };
	return result;
}

struct region region_choose(struct regions *store, struct region when, struct region yes,
			    struct region no)
{
	return (struct region){ choose(store, when.node, yes.node, no.node) };
}

struct region region_and(struct regions *store, struct region a, struct region b)
{
	return (struct region){ choose(store, a.node, b.node, NO) };
}

struct region region_or(struct regions *store, struct region a, struct region b)
{
	return (struct region){ choose(store, a.node, YES, b.node) };
}

struct region region_not(struct regions *store, struct region a)
{
	return (struct region){ choose(store, a.node, NO, YES) };
}

struct region region_minus(struct regions *store, struct region a, struct region b)
{
	return (struct region){ choose(store, b.node, NO, a.node) };
}

static uint32_t level_of(enum word word, unsigned bit)
{
	return (uint32_t)word * WORD_BITS + (WORD_BITS - 1 - bit);
}

struct region region_bit(struct regions *store, enum word word, unsigned bit)
{
	return (struct region){ make(store, level_of(word, bit), NO, YES) };
}

/* The bits of one word above `below`, from the least (the deepest) up. */
static uint32_t word_on(struct regions *store, enum word word, uint32_t mask, uint32_t value,
			uint32_t below)
{
	for (unsigned bit = 0; bit < WORD_BITS; bit++) {
		if (!(mask >> bit & 1))
			continue;
		below = value >> bit & 1 ? make(store, level_of(word, bit), NO, below) :
					   make(store, level_of(word, bit), below, NO);
	}
	return below;
}

struct region region_word(struct regions *store, enum word word, uint32_t mask, uint32_t value)
{
	if (value & ~mask)
		return REGION_NONE;
	return (struct region){ word_on(store, word, mask, value, YES) };
}

/* word <= bound, or word >= bound. */
static uint32_t bounded(struct regions *store, enum word word, uint32_t bound, bool at_most)
{
	uint32_t below = YES;

	for (unsigned bit = 0; bit < WORD_BITS; bit++) {
		const bool is_set = bound >> bit & 1;

		if (is_set)
			below = make(store, level_of(word, bit), at_most ? YES : NO, below);
		else
			below = make(store, level_of(word, bit), below, at_most ? NO : YES);
	}
	return below;
}

struct region region_range(struct regions *store, enum word word, uint32_t low, uint32_t high)
{
	const struct region from = { bounded(store, word, low, false) };
	const struct region to = { bounded(store, word, high, true) };

	return low > high ? REGION_NONE : region_and(store, from, to);
}

struct region region_arg(struct regions *store, unsigned arg, uint64_t mask, uint64_t value)
{
	uint32_t below;

	if (value & ~mask)
		return REGION_NONE;
	below = word_on(store, word_arg_lo(arg), (uint32_t)mask, (uint32_t)value, YES);
	return (struct region){ word_on(store, word_arg_hi(arg), (uint32_t)(mask >> 32),
					(uint32_t)(value >> 32), below) };
}

struct region region_call(struct regions *store, uint32_t arch, uint32_t nr)
{
	const uint32_t below = word_on(store, WORD_NR, UINT32_MAX, nr, YES);

	return (struct region){ word_on(store, WORD_ARCH, UINT32_MAX, arch, below) };
}

static void words_of(const struct seccomp_data *point, uint32_t words[WORDS])
{
	words[WORD_ARCH] = point->arch;
	words[WORD_NR] = (uint32_t)point->nr;
	words[WORD_IP_HI] = (uint32_t)(point->instruction_pointer >> 32);
	words[WORD_IP_LO] = (uint32_t)point->instruction_pointer;
	for (unsigned arg = 0; arg < 6; arg++) {
		words[word_arg_hi(arg)] = (uint32_t)(point->args[arg] >> 32);
		words[word_arg_lo(arg)] = (uint32_t)point->args[arg];
	}
}

static void point_of(const uint32_t words[WORDS], struct seccomp_data *point)
{
	*point = (struct seccomp_data){
		.arch = words[WORD_ARCH],
		.nr = (int)words[WORD_NR],
		.instruction_pointer = (uint64_t)words[WORD_IP_HI] << 32 | words[WORD_IP_LO],
	};
	for (unsigned arg = 0; arg < 6; arg++)
		point->args[arg] = (uint64_t)words[word_arg_hi(arg)] << 32 | words[word_arg_lo(arg)];
}

/* The bit of a word a level stands for. */
static uint32_t bit_of(uint32_t level)
{
	return 1u << (WORD_BITS - 1 - level % WORD_BITS);
}

/* Goes down one level each time; what a node became is remembered in map (0 = not yet, else that + 1). */
static uint32_t forget(struct regions *store, uint32_t at, enum word word, uint32_t mask, uint32_t *map)
{
	const uint32_t level = store->nodes[at].level;
	uint32_t clear, set;

	if (level >= level_of(word, 0) + 1)
		return at;
	if (map[at])
		return map[at] - 1;
	clear = forget(store, store->nodes[at].clear, word, mask, map);
	set = forget(store, store->nodes[at].set, word, mask, map);
	if (level / WORD_BITS == (uint32_t)word && (bit_of(level) & mask))
		map[at] = choose(store, clear, YES, set) + 1;
	else
		map[at] = make(store, level, clear, set) + 1;
	return map[at] - 1;
}

struct region region_forget(struct regions *store, struct region a, enum word word, uint32_t mask)
{
	OWN_MEM uint32_t *map = mem_alloc(store->n * sizeof(*map));

	return (struct region){ forget(store, a.node, word, mask, map) };
}

bool region_has(const struct regions *store, struct region a, const struct seccomp_data *point)
{
	uint32_t words[WORDS];
	uint32_t at = a.node;

	words_of(point, words);
	while (store->nodes[at].level < LEVELS) {
		const uint32_t level = store->nodes[at].level;

		at = words[level / WORD_BITS] & bit_of(level) ? store->nodes[at].set :
								store->nodes[at].clear;
	}
	return at == YES;
}

bool region_pick(const struct regions *store, struct region a, struct seccomp_data *point)
{
	uint32_t words[WORDS] = { 0 };
	uint32_t at = a.node;

	if (at == NO)
		return false;
	/* Reduced diagrams have no node that leads to NO alone: whatever is not NO has a point. */
	while (store->nodes[at].level < LEVELS) {
		const struct node *const node = &store->nodes[at];

		if (node->clear != NO) {
			at = node->clear;
			continue;
		}
		words[node->level / WORD_BITS] |= bit_of(node->level);
		at = node->set;
	}
	point_of(words, point);
	return true;
}

/* Follows one word's value down. */
static uint32_t under(const struct regions *store, uint32_t at, enum word word, uint32_t value)
{
	while (store->nodes[at].level / WORD_BITS == (uint32_t)word) {
		const struct node *const node = &store->nodes[at];

		at = value & bit_of(node->level) ? node->set : node->clear;
	}
	return at;
}

struct region region_at(struct regions *store, struct region a, uint32_t arch, uint32_t nr)
{
	return (struct region){ under(store, under(store, a.node, WORD_ARCH, arch), WORD_NR, nr) };
}

void region_each_number(struct regions *store, struct region a, uint32_t arch, uint32_t last,
			region_visit *visit, void *at)
{
	const uint32_t root = under(store, a.node, WORD_ARCH, arch);
	uint32_t low = 0;

	for (uint32_t nr = 0; nr <= last; nr++) {
		const uint32_t here = under(store, root, WORD_NR, nr);

		if (nr < last && under(store, root, WORD_NR, nr + 1) == here)
			continue;
		if (here != NO)
			visit(at, low, nr, (struct region){ here });
		low = nr + 1;
		if (nr == last)
			break;
	}
}

struct listing {
	const struct regions *store;
	struct cube path, *out;
	size_t cap, n;
};

/* At most LEVELS deep. */
static void list(struct listing *listing, uint32_t at)
{
	const struct node *const node = &listing->store->nodes[at];
	const uint32_t word = node->level / WORD_BITS;

	if (at == NO || listing->n > listing->cap)
		return;
	if (at == YES) {
		if (listing->n < listing->cap)
			listing->out[listing->n] = listing->path;
		listing->n++;
		return;
	}
	listing->path.mask[word] |= bit_of(node->level);
	list(listing, node->clear);
	listing->path.value[word] |= bit_of(node->level);
	list(listing, node->set);
	listing->path.mask[word] &= ~bit_of(node->level);
	listing->path.value[word] &= ~bit_of(node->level);
}

size_t region_cubes(const struct regions *store, struct region a, struct cube *out, size_t cap)
{
	struct listing listing = { .store = store, .out = out, .cap = cap };

	list(&listing, a.node);
	return listing.n;
}

/* ---- arguments ---- */

static uint32_t first_level(unsigned arg)
{
	return (uint32_t)word_arg_hi(arg) * WORD_BITS;
}

enum word region_first_word(const struct regions *store, struct region a)
{
	return (enum word)(store->nodes[a.node].level / WORD_BITS);
}

/* The nodes that follow one argument, each once. */
struct rests {
	const struct regions *store;
	uint32_t end;           /* the first level behind the argument */
	uint32_t *nodes;
	size_t n, cap;
	bool is_over;
	uint32_t *seen;         /* a set of nodes inside the argument, open addressing, 0 = free */
	size_t n_seen, cap_seen;
};

static bool is_new(struct rests *rests, uint32_t at)
{
	size_t i = hash(at, 0, 0);

	while (rests->seen[i & (rests->cap_seen - 1)]) {
		if (rests->seen[i & (rests->cap_seen - 1)] == at)
			return false;
		i++;
	}
	rests->seen[i & (rests->cap_seen - 1)] = at;
	rests->is_over |= ++rests->n_seen > rests->cap_seen / 2;
	return true;
}

/* At most 64 deep. */
static void gather(struct rests *rests, uint32_t at)
{
	if (at == NO || rests->is_over || !is_new(rests, at))
		return;
	if (rests->store->nodes[at].level < rests->end) {
		gather(rests, rests->store->nodes[at].clear);
		gather(rests, rests->store->nodes[at].set);
	} else if (rests->n == rests->cap) {
		rests->is_over = true;
	} else {
		rests->nodes[rests->n++] = at;
	}
}

/* The diagram above `end` with `rest` made YES and every other end NO. At most 64 deep; equal parts
 * are met again and again, so what was made is remembered in map (0 = not yet, else the node + 1). */
static uint32_t only(struct regions *store, uint32_t at, uint32_t end, uint32_t rest, uint32_t *map)
{
	uint32_t clear, set;

	if (at == rest)
		return YES;
	if (store->nodes[at].level >= end)
		return NO;
	if (map[at])
		return map[at] - 1;
	clear = only(store, store->nodes[at].clear, end, rest, map);
	set = only(store, store->nodes[at].set, end, rest, map);
	map[at] = make(store, store->nodes[at].level, clear, set) + 1;
	return map[at] - 1;
}

size_t region_split(struct regions *store, struct region a, unsigned arg, struct part *out, size_t cap)
{
	uint32_t seen[4096] = { 0 }, nodes[64];
	struct rests rests = { .store = store, .end = first_level(arg) + 2 * WORD_BITS, .nodes = nodes,
			       .cap = cap < ARRAY_SIZE(nodes) ? cap : ARRAY_SIZE(nodes),
			       .seen = seen, .cap_seen = ARRAY_SIZE(seen) };
	const size_t known = store->n;

	gather(&rests, a.node);
	if (rests.is_over)
		return 0;
	for (size_t i = 0; i < rests.n; i++) {
		OWN_MEM uint32_t *map = mem_alloc(known * sizeof(*map));

		out[i].rest.node = nodes[i];
		out[i].values.node = only(store, a.node, rests.end, nodes[i], map);
	}
	return rests.n;
}

struct runs {
	const struct regions *store;
	uint32_t first;         /* level of the most significant bit that counts */
	unsigned bits;
	struct run *out;
	size_t cap, n;
};

static void add_run(struct runs *runs, uint64_t low, uint64_t high)
{
	if (runs->n && runs->n <= runs->cap && runs->out[runs->n - 1].high + 1 == low) {
		runs->out[runs->n - 1].high = high;
		return;
	}
	if (runs->n < runs->cap)
		runs->out[runs->n] = (struct run){ low, high };
	runs->n += runs->n <= runs->cap;
}

/* All values that begin with the `depth` bits of prefix, in order. At most 64 deep. */
static void walk_runs(struct runs *runs, uint32_t at, unsigned depth, uint64_t prefix)
{
	const unsigned left = runs->bits - depth;

	if (at == NO || runs->n > runs->cap)
		return;
	if (at == YES) {
		const uint64_t low = left == 64 ? 0 : prefix << left;

		add_run(runs, low, low | (left ? UINT64_MAX >> (64 - left) : 0));
		return;
	}
	walk_runs(runs, branch(runs->store, at, runs->first + depth, false), depth + 1, prefix << 1);
	walk_runs(runs, branch(runs->store, at, runs->first + depth, true), depth + 1, prefix << 1 | 1);
}

size_t region_runs(const struct regions *store, struct region values, unsigned arg, unsigned bits,
		   struct run *out, size_t cap)
{
	struct runs runs = { .store = store, .first = first_level(arg) + 64 - bits, .bits = bits, .out = out,
			     .cap = cap };

	walk_runs(&runs, values.node, 0, 0);
	return runs.n;
}
