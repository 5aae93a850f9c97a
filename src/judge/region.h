/* Sets of system calls, exact: which architecture, number and arguments reach an answer. A point is what
 * the kernel shows a filter (struct seccomp_data) without the instruction pointer's meaning: sixteen
 * words of 32 bits. A region is a set of points, held as a binary decision diagram over their bits, so
 * that union, intersection, difference and "is there one?" are exact for any filter. Pure. */
#pragma once

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The words of a point, in the order of the diagram: what filters ask first comes first. */
enum word {
	WORD_ARCH,
	WORD_NR,
	WORD_ARG_HI,            /* of argument 0; WORD_ARG_LO follows, then those of the next argument */
	WORD_ARG_LO,
	WORD_IP_HI = WORD_ARG_HI + 12,
	WORD_IP_LO,
	WORDS
};
static inline enum word word_arg_hi(unsigned arg) { return (enum word)(WORD_ARG_HI + 2 * arg); }
static inline enum word word_arg_lo(unsigned arg) { return (enum word)(WORD_ARG_LO + 2 * arg); }

/* Lives as long as its store. Equal sets of one store have equal nodes. */
struct region {
	uint32_t node;
};
#define REGION_NONE ((struct region){ 0 })
#define REGION_ALL ((struct region){ 1 })

/* Holds every region of one question. */
struct regions;

/* nodes  the budget: some 24 bytes each; REGIONS_NODES fits any filter met so far */
#define REGIONS_NODES ((size_t)4 << 20)
struct regions *regions_new(size_t nodes);
void regions_free(struct regions *store);

/* The budget was reached: every region made since is NONE and means nothing. Whoever draws a conclusion
 * asks first; it stays so for the life of the store. */
bool regions_are_full(const struct regions *store);
size_t regions_used(const struct regions *store);       /* nodes */

struct region region_and(struct regions *store, struct region a, struct region b);
struct region region_or(struct regions *store, struct region a, struct region b);
struct region region_minus(struct regions *store, struct region a, struct region b);
struct region region_not(struct regions *store, struct region a);
/* Points of `yes` where `when` holds, of `no` elsewhere. */
struct region region_choose(struct regions *store, struct region when, struct region yes,
			    struct region no);

static inline bool region_is_empty(struct region a) { return a.node == 0; }
static inline bool region_is_same(struct region a, struct region b) { return a.node == b.node; }

/* Where one bit (0 = least) of a word is set. */
struct region region_bit(struct regions *store, enum word word, unsigned bit);
/* Where (word & mask) == value. Empty when value has bits outside mask. */
struct region region_word(struct regions *store, enum word word, uint32_t mask, uint32_t value);
/* Where low <= word <= high, unsigned. */
struct region region_range(struct regions *store, enum word word, uint32_t low, uint32_t high);
/* Where (argument & mask) == value; the kernel reads 4 bytes of many arguments: then mask 0xffffffff. */
struct region region_arg(struct regions *store, unsigned arg, uint64_t mask, uint64_t value);
/* One call of x86-64, any arguments: AUDIT_ARCH_X86_64 and the number. */
struct region region_call(struct regions *store, uint32_t arch, uint32_t nr);

/* The points that become points of the region by other values of these bits of a word. */
struct region region_forget(struct regions *store, struct region a, enum word word, uint32_t mask);

bool region_has(const struct regions *store, struct region a, const struct seccomp_data *point);

/* A point of the region, the plainest there is: the least words, from the first on. false: it is empty. */
bool region_pick(const struct regions *store, struct region a, struct seccomp_data *point);

/* What of the region lies at one architecture and number, as a set of arguments alone (any arch, any nr). */
struct region region_at(struct regions *store, struct region a, uint32_t arch, uint32_t nr);

/* Calls visit() for each run of numbers of `arch`, up to `last`, that share one set of arguments (never the
 * empty one), in order of number. low and high are inclusive. */
typedef void region_visit(void *at, uint32_t low, uint32_t high, struct region arguments);
void region_each_number(struct regions *store, struct region a, uint32_t arch, uint32_t last,
			region_visit *visit, void *at);

/* A region of arguments taken apart by one of them: for each part the values of that argument, and what
 * must hold of the others then. Disjoint, together the region. arg 6 is the instruction pointer; earlier
 * arguments must not matter any more.
 *
 * Returns how many there are, at most cap; 0 for an empty region or when there are more than cap. */
struct part {
	struct region values, rest;
};
size_t region_split(struct regions *store, struct region a, unsigned arg, struct part *out, size_t cap);

/* The first word, in the order above, that matters; WORDS for all and for nothing. */
enum word region_first_word(const struct regions *store, struct region a);

/* Values of one argument as runs, in order. bits is 32 when the high word is to be ignored (it must not
 * matter), else 64. Returns how many there are, at most cap + 1: then there are more. */
struct run {
	uint64_t low, high;
};
size_t region_runs(const struct regions *store, struct region values, unsigned arg, unsigned bits,
		   struct run *out, size_t cap);

/* The region as a list of boxes: for each word a mask and a value, (word & mask) == value, disjoint and
 * together the region. Stops after cap and returns how many there would have been, at most cap + 1. */
struct cube {
	uint32_t mask[WORDS], value[WORDS];
};
size_t region_cubes(const struct regions *store, struct region a, struct cube *out, size_t cap);
