/* Regions in words. Shows the shortest of several true descriptions; refuses to round: what is too long
 * is counted or said to be many, never left out. */
#include "judge/describe.h"

#include <inttypes.h>
#include <linux/audit.h>
#include <stdio.h>

#include "base/mem.h"
#include "model/syscalls.h"

#define RUNS 16         /* values or ranges that are still read */
#define CUBES 4
#define PARTS 32
#define CLAUSE 512      /* bytes of one alternative */
#define IP_ARG 6        /* region_split(): the instruction pointer */

struct telling {
	struct regions *store;
	uint32_t nr;
	struct str *out;
	size_t clauses, told, more;
};

/* One argument's values. */
struct values {
	struct region in;
	unsigned arg, bits;     /* 64 when the high word matters */
	uint32_t nr;
};

static void add_value(const struct values *values, uint64_t value, struct str *out)
{
	char text[160];

	/* A number whose high word counts must not be cut to what the kernel reads. */
	if (values->arg == IP_ARG || (values->bits == 64 && value >> 32))
		snprintf(text, sizeof(text), "%#" PRIx64, value);
	else
		syscalls_format_arg(values->nr, values->arg, value, text, sizeof(text));
	str_add(out, text);
}

static void add_item(const struct values *values, uint64_t value, bool is_first, bool is_last,
		     struct str *out)
{
	str_add(out, is_first ? "" : is_last ? " or " : ", ");
	add_value(values, value, out);
}

/* Two neighbours are two values, more are a range. */
static void add_runs(const struct values *values, const struct run *runs, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++) {
		const bool is_pair = runs[i].high == runs[i].low + 1, is_last = i + 1 == n;

		add_item(values, runs[i].low, !i, is_last && !is_pair, out);
		if (is_pair) {
			add_item(values, runs[i].high, false, is_last, out);
		} else if (runs[i].high != runs[i].low) {
			str_add(out, " to ");
			add_value(values, runs[i].high, out);
		}
	}
}

static void add_name(const struct values *values, struct str *out)
{
	if (values->arg == IP_ARG)
		str_add(out, "the caller's address");
	else
		str_addf(out, "arg%u", values->arg);
}

static void add_cube(const struct values *values, const struct cube *cube, const char *verb,
		     struct str *out)
{
	const enum word word = word_arg_hi(values->arg);

	add_name(values, out);
	str_addf(out, " & %#" PRIx64 " %s %#" PRIx64,
		 (uint64_t)cube->mask[word] << 32 | cube->mask[word + 1], verb,
		 (uint64_t)cube->value[word] << 32 | cube->value[word + 1]);
}

static bool add_cubes(struct regions *store, const struct values *values, struct region set,
		      const char *verb, const char *between, size_t most, struct str *out)
{
	struct cube cubes[CUBES];
	const size_t n = region_cubes(store, set, cubes, most);

	if (!n || n > most)
		return false;
	for (size_t i = 0; i < n; i++) {
		str_add(out, i ? between : "");
		add_cube(values, &cubes[i], verb, out);
	}
	return true;
}

static bool add_list(struct regions *store, const struct values *values, struct region set,
		     const char *verb, size_t most, struct str *out)
{
	struct run runs[RUNS];
	const size_t n = region_runs(store, set, values->arg, values->bits, runs, most);

	if (!n || n > most)
		return false;
	add_name(values, out);
	str_addf(out, " %s ", verb);
	add_runs(values, runs, n, out);
	return true;
}

/* false: with masks, which show by themselves how much is compared. */
static bool add_set(struct regions *store, const struct values *values, struct str *out)
{
	const struct region not_in = region_not(store, values->in);
	struct run runs[RUNS];
	const size_t n_in = region_runs(store, values->in, values->arg, values->bits, runs, RUNS);
	const size_t n_out = region_runs(store, not_in, values->arg, values->bits, runs, RUNS);
	struct run first[1];

	/* All but one value is no range: "is not 0" rather than "1 to 0xffffffff". */
	if (n_out == 1 && runs[0].low == runs[0].high && add_list(store, values, not_in, "is not", 1, out))
		return true;
	if (add_list(store, values, values->in, "is", 1, out) ||
	    add_list(store, values, not_in, "is not", 1, out))
		return true;
	if (add_cubes(store, values, values->in, "is", " or ", 1, out) ||
	    add_cubes(store, values, not_in, "is not", " and ", 1, out))
		return false;
	if ((n_out < n_in && add_list(store, values, not_in, "is none of", RUNS, out)) ||
	    add_list(store, values, values->in, "is", RUNS, out) ||
	    add_list(store, values, not_in, "is none of", RUNS, out))
		return true;
	if (add_cubes(store, values, values->in, "is", " or ", CUBES, out) ||
	    add_cubes(store, values, not_in, "is not", " and ", CUBES, out))
		return false;
	region_runs(store, values->in, values->arg, values->bits, first, 1);
	add_name(values, out);
	str_add(out, " is one of many values, the least ");
	add_value(values, first[0].low, out);
	return true;
}

static void add_condition(struct regions *store, const struct values *values, struct str *out)
{
	const unsigned bytes = values->arg == IP_ARG ? 8 : syscalls_arg_bytes(values->nr, values->arg);

	if (!add_set(store, values, out))
		return;
	if (bytes < 8 && values->bits == 64)
		str_add(out, " (of all 64 bits, where the kernel reads 32)");
	else if (bytes == 8 && values->bits == 32)
		str_add(out, " (of the low 32 bits)");
}

static void tell_clause(struct telling *telling, const char *clause)
{
	if (telling->told == telling->clauses) {
		telling->more++;
		return;
	}
	str_add(telling->out, telling->told ? "; or " : "");
	str_add(telling->out, *clause ? clause : "any arguments");
	telling->told++;
}

/* clause: what is said of earlier arguments. At most seven deep: one for each argument. */
static void tell(struct telling *telling, struct region rest, const char *clause)
{
	const enum word word = region_first_word(telling->store, rest);
	const unsigned arg = word < WORDS ? (word - WORD_ARG_HI) / 2 : 0;
	struct part parts[PARTS];
	size_t n;

	if (region_is_same(rest, REGION_ALL)) {
		tell_clause(telling, clause);
		return;
	}
	n = region_split(telling->store, rest, arg, parts, PARTS);
	if (!n) {
		OWN(str) text = { .max = CLAUSE };

		str_addf(&text, "%s%sarg%u together with later ones is one of many combinations", clause,
			 *clause ? " and " : "", arg);
		tell_clause(telling, str_text(&text));
	}
	for (size_t i = 0; i < n; i++) {
		const bool is_wide = region_first_word(telling->store, parts[i].values) ==
				     word_arg_hi(arg);
		const struct values values = { parts[i].values, arg, is_wide ? 64 : 32, telling->nr };
		OWN(str) text = { .max = CLAUSE };

		str_addf(&text, "%s%s", clause, *clause ? " and " : "");
		/* The other values of this argument lead to the same. */
		if (region_is_same(parts[i].values, REGION_ALL))
			text.len -= *clause ? 5 : 0;
		else
			add_condition(telling->store, &values, &text);
		tell(telling, parts[i].rest, str_text(&text));
	}
}

void describe_arguments(struct regions *store, struct region arguments, uint32_t nr, size_t clauses,
			struct str *out)
{
	struct telling telling = { .store = store, .nr = nr, .out = out, .clauses = clauses };

	if (region_is_empty(arguments)) {
		str_add(out, "never");
		return;
	}
	tell(&telling, arguments, "");
	if (telling.more)
		str_addf(out, "; or in %zu other case%s", telling.more, telling.more == 1 ? "" : "s");
}

static const char *prefix_of(uint32_t arch, uint32_t nr)
{
	if (arch == AUDIT_ARCH_I386)
		return "i386: ";
	if (arch != AUDIT_ARCH_X86_64)
		return "another architecture: ";
	return nr & SYSCALLS_X32 ? "x32: " : "";
}

/* What the kernel throws away of an argument a filter may well look at: then all of it is shown. */
static void add_argument(uint32_t nr, unsigned arg, uint64_t value, struct str *out)
{
	const struct values values = { .arg = arg, .bits = syscalls_arg_bytes(nr, arg) < 8 ? 64 : 32, .nr = nr };

	add_value(&values, value, out);
}

void describe_call(const struct seccomp_data *call, char *out, size_t cap)
{
	const uint32_t nr = (uint32_t)call->nr, number = nr & ~SYSCALLS_X32;
	OWN(str) text = STR_NONE;

	str_add(&text, prefix_of(call->arch, nr));
	/* Numbers of i386 mean other calls, and their arguments have other widths. */
	if (call->arch != AUDIT_ARCH_X86_64) {
		str_addf(&text, "syscall %" PRIu32 " (arch %#" PRIx32 ")", nr, call->arch);
	} else {
		if (syscalls_name(number))
			str_addf(&text, "%s(", syscalls_name(number));
		else
			str_addf(&text, "syscall_%" PRIu32 "(", number);
		for (unsigned i = 0; i < syscalls_arg_count(number); i++) {
			str_add(&text, i ? ", " : "");
			add_argument(number, i, call->args[i], &text);
		}
		str_add(&text, ")");
	}
	snprintf(out, cap, "%s", str_text(&text));
}

void describe_numbers(uint32_t arch, uint32_t low, uint32_t high, char *out, size_t cap)
{
	const char *const name = arch == AUDIT_ARCH_X86_64 ? syscalls_name(low & ~SYSCALLS_X32) : NULL;

	if (low == high && name)
		snprintf(out, cap, "%s%s", prefix_of(arch, low), name);
	else if (low == high)
		snprintf(out, cap, "%snumber %" PRIu32, prefix_of(arch, low), low);
	else
		snprintf(out, cap, "%snumbers %" PRIu32 " to %" PRIu32, prefix_of(arch, low), low, high);
}
