/* Questions about comparisons that can be evaded: of bits the kernel does not read, and of addresses. */
#include <linux/audit.h>
#include <stdlib.h>

#include "base/mem.h"
#include "judge/lint_ask.h"
#include "model/syscalls.h"

/* A call that gets through and one that does not, which differ in bits that do not count. */
struct pair {
	struct seccomp_data passes, refused;
};

/* Where everything is as in a call, but for the bits of `open` in argument arg. */
static struct region beside(struct asking *asking, const struct seccomp_data *call, unsigned arg, uint64_t open)
{
	struct regions *const store = asking->store;
	struct region all = region_word(store, WORD_IP_HI, UINT32_MAX, (uint32_t)(call->instruction_pointer >> 32));

	all = region_and(store, all,
			 region_word(store, WORD_IP_LO, UINT32_MAX, (uint32_t)call->instruction_pointer));
	for (unsigned i = 0; i < 6; i++) {
		const uint64_t mask = i == arg ? ~open : UINT64_MAX;

		all = region_and(store, all, region_arg(store, i, mask, call->args[i] & mask));
	}
	return all;
}

/* Looks among `able` for a call that is refused as soon as bits of `ignored` in argument arg change, to
 * another one of `instead`. */
static bool find_pair(struct asking *asking, struct region passes, struct region able,
		      struct region instead, unsigned arg, uint64_t ignored, struct pair *out)
{
	struct regions *const store = asking->store;
	const struct region high = region_forget(store, able, word_arg_hi(arg), (uint32_t)(ignored >> 32));
	const struct region any = region_forget(store, high, word_arg_lo(arg), (uint32_t)ignored);
	const struct region refused = region_minus(store, region_and(store, any, instead), passes);

	return region_pick(store, refused, &out->refused) &&
	       region_pick(store, region_and(store, able, beside(asking, &out->refused, arg, ignored)),
			   &out->passes);
}

static struct region ones(struct asking *asking, enum word word, uint32_t mask)
{
	return region_word(asking->store, word, mask, mask);
}

/* Values that a C program makes of a negative number: all bits above equal the sign. */
static struct region is_extended(struct asking *asking, unsigned arg)
{
	return region_and(asking->store, ones(asking, word_arg_hi(arg), UINT32_MAX),
			  ones(asking, word_arg_lo(arg), UINT32_C(1) << 31));
}

static void call_pair(struct asking *asking, struct finding *finding, uint32_t nr, const struct pair *pair)
{
	struct seccomp_data call = pair->passes;

	call.arch = AUDIT_ARCH_X86_64;
	call.nr = (int)nr;
	finding_call(asking, finding, &call);
}

/* One comparison to be looked at: argument arg of all calls that get through with the same arguments. */
struct comparison {
	struct region passes;
	unsigned arg;
	bool is_pointer;
	uint64_t ignored;
	size_t found;           /* its finding's place plus one; 0: nothing was found */
};

static bool find_comparison(struct asking *asking, const struct comparison *comparison, struct pair *out)
{
	struct regions *const store = asking->store;
	const unsigned arg = comparison->arg;
	const struct region plain = region_arg(store, arg, comparison->ignored, 0);
	const struct region other = region_not(store, plain);

	/* An address beside another one; a number beside itself with higher bits. */
	if (comparison->is_pointer)
		return find_pair(asking, comparison->passes, region_and(store, comparison->passes, other), other,
				 arg, comparison->ignored, out);
	return find_pair(asking, comparison->passes,
			 region_and(store, comparison->passes,
				    region_minus(store, other, is_extended(asking, arg))),
			 plain, arg, comparison->ignored, out);
}

static void look(struct asking *asking, struct comparison *comparison, uint32_t nr)
{
	const struct danger danger = lint_entry(comparison->is_pointer ? "abi.pointer-arg" : "abi.width");
	struct finding *finding;
	struct pair pair;

	if (!find_comparison(asking, comparison, &pair))
		return;
	finding = asking_add(asking, &danger, danger.severity, nr);
	comparison->found = asking->out->n;
	call_pair(asking, finding, nr, &pair);
	finding->detail = arena_printf(&asking->out->arena,
				       comparison->is_pointer ?
				       "argument %u is an address: %#llx passes, %#llx does not" :
				       "argument %u is %#llx: with %#llx, the same to the kernel, the filter "
				       "refuses the call",
				       comparison->arg, (unsigned long long)pair.passes.args[comparison->arg],
				       (unsigned long long)pair.refused.args[comparison->arg]);
}

/* What was looked at; many calls get through with the same arguments. */
struct looked {
	struct comparison *all;
	size_t n, cap;
};

static void looked_done(struct looked *looked)
{
	free(looked->all);
}

static const struct comparison *look_once(struct asking *asking, struct looked *looked,
					  struct comparison comparison, uint32_t nr)
{
	for (size_t i = 0; i < looked->n; i++) {
		const struct comparison *const known = &looked->all[i];

		if (region_is_same(known->passes, comparison.passes) && known->arg == comparison.arg &&
		    known->is_pointer == comparison.is_pointer && known->ignored == comparison.ignored)
			return known;
	}
	look(asking, &comparison, nr);
	looked->all = mem_grow(looked->all, &looked->cap, looked->n + 1, sizeof(*looked->all));
	looked->all[looked->n] = comparison;
	return &looked->all[looked->n++];
}

/* One finding of each kind for a call is enough. */
static void ask_arguments(struct asking *asking, struct looked *looked, uint32_t nr)
{
	struct comparison comparison = { .passes = asking_passes(asking, nr) };
	bool is_found[2] = { false };

	if (region_is_empty(comparison.passes) || region_is_same(comparison.passes, REGION_ALL))
		return;
	for (unsigned arg = 0; arg < 6; arg++) {
		const unsigned bytes = syscalls_arg_bytes(nr, arg);
		const struct comparison *seen;

		comparison.arg = arg;
		comparison.is_pointer = syscalls_arg_is_pointer(nr, arg);
		comparison.ignored = comparison.is_pointer ? UINT64_MAX : ~(UINT64_MAX >> (64 - 8 * bytes));
		if (!comparison.ignored || is_found[comparison.is_pointer])
			continue;
		seen = look_once(asking, looked, comparison, nr);
		if (seen->found)
			finding_name(asking, &asking->out->findings[seen->found - 1], syscalls_name(nr));
		is_found[comparison.is_pointer] = seen->found;
	}
}

void lint_comparisons(struct asking *asking)
{
	OWN(looked) looked = { .n = 0 };

	for (size_t i = 0; syscalls_name_at(i); i++)
		ask_arguments(asking, &looked, (uint32_t)syscalls_number(syscalls_name_at(i)));
}
