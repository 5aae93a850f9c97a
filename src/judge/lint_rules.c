/* Questions about a filter as a whole: the other doors to the same calls, comparisons that can be
 * evaded, and what it says to calls it does not know. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "judge/lint_ask.h"
#include "model/syscalls.h"

#define X32_BIT      0x40000000u
#define X32_NUMBERS  512
#define CUBES        1024
#define SOCKETCALL   102        /* i386; asm/unistd_32.h */

enum {
#define CALL(name, number, heat, args) NR_##name = number,
#include "model/syscalls.def"
#undef CALL
};

/* A number of another table, and the native call of the same effect. */
struct twin {
	uint16_t nr, native;
};

static const struct twin i386[] = {
#define X32(...)
#define I386(name, number) { number, NR_##name },
#include "judge/abi.def"
#undef I386
#undef X32
};

static const struct twin x32[] = {
#define I386(...)
#define X32(name, number) { number, NR_##name },
#include "judge/abi.def"
#undef I386
#undef X32
};

static struct danger entry(const char *id)
{
	struct danger danger = { .id = id };

	danger_find(id, &danger);
	return danger;
}

static struct region passes_i386(struct asking *asking, uint32_t nr)
{
	return region_at(asking->store, asking->passes, AUDIT_ARCH_I386, nr);
}

/* 32-bit code has nothing in the high words. */
static struct region low_words(struct asking *asking)
{
	struct region all = REGION_ALL;

	for (unsigned arg = 0; arg < 6; arg++)
		all = region_and(asking->store, all,
				 region_word(asking->store, word_arg_hi(arg), UINT32_MAX, 0));
	return all;
}

/* ---- other tables ---- */

/* How i386 calls are judged. */
enum door { DOOR_CLOSED, DOOR_OWN, DOOR_UNCHECKED };

static uint32_t last_number(void)
{
	uint32_t last = 0;

	for (size_t i = 0; syscalls_name_at(i); i++) {
		const uint32_t nr = (uint32_t)syscalls_number(syscalls_name_at(i));

		last = nr > last ? nr : last;
	}
	return last;
}

/* Unchecked: judged by the number as x86-64's are, or let through whatever it is. */
static enum door door_of(struct asking *asking)
{
	bool is_open = false, is_native = true, is_everything = true;

	for (uint32_t nr = 0; nr <= last_number(); nr++) {
		const struct region there = passes_i386(asking, nr);

		is_open |= !region_is_empty(there);
		is_native &= region_is_same(there, asking_passes(asking, nr));
		is_everything &= region_is_same(there, REGION_ALL);
	}
	if (!is_open)
		return DOOR_CLOSED;
	return is_native || is_everything ? DOOR_UNCHECKED : DOOR_OWN;
}

static void call_i386(struct asking *asking, struct finding *finding, const char *name, uint32_t nr)
{
	finding_pick(asking, finding, AUDIT_ARCH_I386, nr,
		     region_and(asking->store, passes_i386(asking, nr), low_words(asking)));
	finding->text = arena_printf(&asking->out->arena, "int 0x80 with number %u: %s of the 32-bit table",
				     nr, name);
}

static bool gets_through(struct asking *asking, const struct twin *twin)
{
	const struct region there = region_and(asking->store, passes_i386(asking, twin->nr),
					       low_words(asking));

	return !region_is_empty(region_minus(asking->store, there, asking_passes(asking, twin->native)));
}

/* Of the calls that the 32-bit door lets through and the other does not, the first; then any. */
static void tell_unchecked(struct asking *asking)
{
	const struct danger danger = entry("abi.arch-unchecked");
	const struct twin *shown = NULL;
	struct finding *finding;

	for (size_t i = 0; i < ARRAY_SIZE(i386); i++) {
		if (gets_through(asking, &i386[i])) {
			shown = &i386[i];
			break;
		}
		if (!shown && !region_is_empty(passes_i386(asking, i386[i].nr)))
			shown = &i386[i];
	}
	finding = asking_add(asking, &danger, danger.severity, SUBJECT_ANY);
	if (!shown)
		return;
	call_i386(asking, finding, syscalls_name(shown->native), shown->nr);
	if (syscalls_name(shown->nr) && gets_through(asking, shown))
		finding->detail = arena_printf(&asking->out->arena, "the filter takes it for %s",
					       syscalls_name(shown->nr));
}

static void ask_i386_gap(struct asking *asking)
{
	const struct danger danger = entry("abi.i386-gap");
	struct finding *finding = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(i386); i++) {
		if (!gets_through(asking, &i386[i]))
			continue;
		if (!finding) {
			finding = asking_add(asking, &danger, danger.severity, i386[i].native);
			call_i386(asking, finding, syscalls_name(i386[i].native), i386[i].nr);
		}
		finding_name(asking, finding, syscalls_name(i386[i].native));
	}
}

static void ask_socketcall(struct asking *asking)
{
	const struct danger danger = entry("abi.i386-socketcall");
	struct finding *finding;

	if (region_is_empty(passes_i386(asking, SOCKETCALL)) ||
	    region_is_same(asking_passes(asking, NR_socket), REGION_ALL))
		return;
	finding = asking_add(asking, &danger, danger.severity, NR_socket);
	call_i386(asking, finding, "socketcall", SOCKETCALL);
}

static void ask_i386(struct asking *asking)
{
	switch (door_of(asking)) {
	case DOOR_CLOSED:
		break;
	case DOOR_UNCHECKED:
		tell_unchecked(asking);
		break;
	case DOOR_OWN:
		ask_i386_gap(asking);
		ask_socketcall(asking);
		break;
	}
}

/* The native number of an x32 call, bit 30 taken off. */
static uint32_t native_of(uint32_t nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(x32); i++)
		if (x32[i].nr == nr)
			return x32[i].native;
	return nr;
}

/* Without bits that the kernel does not read. */
static struct region plain_arguments(struct asking *asking, uint32_t nr)
{
	struct region all = REGION_ALL;

	for (unsigned arg = 0; arg < 6; arg++) {
		const uint64_t width = UINT64_MAX >> (64 - 8 * syscalls_arg_bytes(nr, arg));

		all = region_and(asking->store, all, region_arg(asking->store, arg, ~width, 0));
	}
	return all;
}

/* What the x32 entry lets through and the native one does not. */
static struct region x32_gain(struct asking *asking, uint32_t nr)
{
	const uint32_t native = native_of(nr);

	if (!syscalls_name(native))
		return REGION_NONE;
	return region_and(asking->store, plain_arguments(asking, native),
			  region_minus(asking->store, asking_passes(asking, nr | X32_BIT),
				       asking_passes(asking, native)));
}

/* Higher is the better example: what the data calls worst. */
static int interest(uint32_t nr)
{
	struct danger danger;
	int most = 0;

	for (size_t i = 0; danger_at(i, &danger); i++)
		for (size_t j = 0; j < danger.n_reaches; j++)
			if (danger.reaches[j].nr == nr && !danger.reaches[j].is_named_only &&
			    (int)danger.severity > most)
				most = (int)danger.severity;
	return most;
}

static void ask_x32(struct asking *asking)
{
	const struct danger danger = entry("abi.x32");
	struct region best = REGION_NONE;
	uint32_t best_nr = 0, seen = 0;
	int most = -1;
	struct finding *finding;

	for (uint32_t nr = 0; nr < X32_NUMBERS + ARRAY_SIZE(x32); nr++) {
		const struct region gained = x32_gain(asking, nr);

		if (!seen && !region_is_empty(asking_passes(asking, nr | X32_BIT)))
			seen = nr | X32_BIT;
		if (!region_is_empty(gained) && interest(native_of(nr)) > most) {
			most = interest(native_of(nr));
			best = gained;
			best_nr = nr;
		}
	}
	if (most < 0 && !seen)
		return;
	finding = asking_add(asking, &danger, most < 0 ? SEVERITY_INFO : danger.severity, SUBJECT_ANY);
	if (most < 0) {
		finding_pick(asking, finding, AUDIT_ARCH_X86_64, seen, asking_passes(asking, seen));
		finding->detail = "the list holds for x32 as well; nearly no program needs it";
		return;
	}
	finding_pick(asking, finding, AUDIT_ARCH_X86_64, best_nr | X32_BIT, best);
	finding->text = arena_printf(&asking->out->arena, "x32 number %#x: %s", best_nr | X32_BIT,
				     syscalls_name(native_of(best_nr)));
	finding->detail = "the native call with these arguments is refused";
}

/* ---- comparisons ---- */

/* A call that gets through and one that does not, which differ in bits that do not count. */
struct pair {
	struct seccomp_data passes, refused;
};

static struct region region_of(struct asking *asking, const struct cube *cube)
{
	struct region all = REGION_ALL;

	for (enum word word = 0; word < WORDS; word++)
		all = region_and(asking->store, all,
				 region_word(asking->store, word, cube->mask[word], cube->value[word]));
	return all;
}

/* Looks among `able` for a call that is refused as soon as bits of `ignored` in argument arg change, to
 * another one of `instead`. false: there is none; that not all was looked at is a gap. */
static bool find_pair(struct asking *asking, struct region passes, struct region able,
		      struct region instead, unsigned arg, uint64_t ignored, struct pair *out)
{
	OWN_MEM struct cube *cubes = mem_raw(CUBES * sizeof(*cubes));
	const size_t n = region_cubes(asking->store, able, cubes, CUBES);

	for (size_t i = 0; i < n && i < CUBES; i++) {
		struct cube wide = cubes[i];
		struct region refused;

		wide.mask[word_arg_hi(arg)] &= ~(uint32_t)(ignored >> 32);
		wide.mask[word_arg_lo(arg)] &= ~(uint32_t)ignored;
		wide.value[word_arg_hi(arg)] &= wide.mask[word_arg_hi(arg)];
		wide.value[word_arg_lo(arg)] &= wide.mask[word_arg_lo(arg)];
		refused = region_minus(asking->store,
				       region_and(asking->store, region_of(asking, &wide), instead),
				       passes);
		if (!region_pick(asking->store, refused, &out->refused))
			continue;
		out->passes = out->refused;
		out->passes.args[arg] = (out->refused.args[arg] & ~ignored) |
			(((uint64_t)cubes[i].value[word_arg_hi(arg)] << 32 |
			  cubes[i].value[word_arg_lo(arg)]) & ignored);
		if (region_has(asking->store, able, &out->passes))
			return true;
	}
	if (n > CUBES)
		asking_gap(asking, "an argument is compared in more ways than are looked at");
	return false;
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
	const struct danger danger = entry(comparison->is_pointer ? "abi.pointer-arg" : "abi.width");
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

static void ask_comparisons(struct asking *asking)
{
	OWN(looked) looked = { .n = 0 };

	for (size_t i = 0; syscalls_name_at(i); i++)
		ask_arguments(asking, &looked, (uint32_t)syscalls_number(syscalls_name_at(i)));
}

/* ---- what is not listed ---- */

static void ask_default(struct asking *asking)
{
	struct regions *const store = asking->store;
	const struct region unknown =
		region_and(store, region_word(store, WORD_ARCH, UINT32_MAX, AUDIT_ARCH_X86_64),
			   region_range(store, WORD_NR, last_number() + 1, X32_BIT - 1));
	struct seccomp_data call;
	struct danger danger;

	if (!region_pick(store, region_and(store, unknown, asking->passes), &call))
		return;
	danger = entry("abi.default-allow");
	finding_call(asking, asking_add(asking, &danger, danger.severity, SUBJECT_ANY), &call);
}

struct said {
	enum answer answer;
	uint16_t data;
};

/* The answer to one call with these arguments. */
static struct said said(struct asking *asking, uint32_t nr, struct region arguments)
{
	struct seccomp_data call = { .nr = 0 };
	struct said out = { .answer = ANSWER_KILL_PROCESS };

	region_pick(asking->store, arguments, &call);
	call.arch = AUDIT_ARCH_X86_64;
	call.nr = (int)nr;
	out.answer = eval_at(asking->store, &asking->answers, &call, &out.data);
	return out;
}

/* Refused, and not just because nobody listed it: otherwise part of the call is allowed, or its answer
 * is another one. ENOSYS sends programs to another spelling, on purpose. */
static bool is_refused_on_purpose(struct asking *asking, const struct danger_reach *spelling)
{
	const struct region where = asking_where(asking, spelling);
	const struct region passes = asking_passes(asking, spelling->nr);
	const struct said here = said(asking, spelling->nr, where);
	const struct said other = said(asking, last_number() + 1, REGION_ALL);

	if (!region_is_empty(region_and(asking->store, passes, where)))
		return false;
	if (here.answer == ANSWER_ERRNO && here.data == ENOSYS)
		return false;
	return !region_is_empty(passes) || here.answer != other.answer || here.data != other.data;
}

static void ask_class(struct asking *asking, const struct danger_class *class)
{
	const struct danger_reach *refused = NULL;
	struct danger danger;
	struct finding *finding;

	for (size_t i = 0; i < class->n; i++) {
		const struct danger_reach *const spelling = class->spellings[i];
		const struct region there = region_and(asking->store, asking_passes(asking, spelling->nr),
						       asking_where(asking, spelling));

		if (!refused && is_refused_on_purpose(asking, spelling))
			refused = spelling;
		if (!refused || region_is_empty(there))
			continue;
		danger = entry("abi.alt-gap");
		finding = asking_add(asking, &danger, danger.severity, spelling->nr);
		finding_pick(asking, finding, AUDIT_ARCH_X86_64, spelling->nr, there);
		finding_name(asking, finding, syscalls_name(spelling->nr));
		finding->detail = arena_printf(&asking->out->arena, "%s: %s is refused, %s is not",
					       class->what, syscalls_name(refused->nr),
					       syscalls_name(spelling->nr));
		return;
	}
}

static void ask_classes(struct asking *asking)
{
	struct danger_class class;

	for (size_t i = 0; danger_class_at(i, &class); i++)
		ask_class(asking, &class);
}

/* ---- answers that break programs ---- */

static void refused_call(struct asking *asking, struct finding *finding, uint32_t nr)
{
	finding->is_refusal = true;
	if (!finding->has_call)
		finding_pick(asking, finding, AUDIT_ARCH_X86_64, nr, REGION_ALL);
	finding_name(asking, finding, syscalls_name(nr));
}

static void ask_probes(struct asking *asking)
{
	static const uint16_t probes[] = { NR_clone3, NR_openat2, NR_faccessat2, NR_fchmodat2, NR_statx,
					   NR_rseq, NR_close_range, NR_epoll_pwait2, NR_getrandom };
	const struct danger danger = entry("abi.errno-choice");
	struct finding *finding = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		const struct said answer = said(asking, probes[i], REGION_ALL);

		if (answer.answer != ANSWER_ERRNO || answer.data == ENOSYS ||
		    !region_is_empty(asking_passes(asking, probes[i])))
			continue;
		if (!finding) {
			finding = asking_add(asking, &danger, danger.severity, probes[i]);
			finding->detail = arena_printf(&asking->out->arena, "the answer is %s",
						       strerrorname_np(answer.data) ?: "another error");
		}
		refused_call(asking, finding, probes[i]);
	}
}

static void ask_killed(struct asking *asking, const char *id, const uint16_t *numbers, size_t n)
{
	const struct danger danger = entry(id);
	struct finding *finding = NULL;

	for (size_t i = 0; i < n; i++) {
		if (said(asking, numbers[i], REGION_ALL).answer > ANSWER_KILL_THREAD)
			continue;
		if (!finding)
			finding = asking_add(asking, &danger, danger.severity, numbers[i]);
		finding->detail = "the filter kills for it";
		refused_call(asking, finding, numbers[i]);
	}
}

static void ask_landlock(struct asking *asking)
{
	const struct region install = region_arg(asking->store, 0, UINT32_MAX, SECCOMP_SET_MODE_FILTER);
	const struct danger danger = entry("lsm.landlock");

	if (!region_is_empty(asking_passes(asking, NR_landlock_restrict_self)) ||
	    region_is_empty(region_and(asking->store, asking_passes(asking, NR_seccomp), install)))
		return;
	refused_call(asking, asking_add(asking, &danger, danger.severity, NR_landlock_restrict_self),
		     NR_landlock_restrict_self);
}

static void ask_uprobe(struct asking *asking)
{
	static const uint16_t numbers[] = { NR_uprobe, NR_uretprobe };

	ask_killed(asking, "host.uprobe", numbers, ARRAY_SIZE(numbers));
}

static void ask_rseq(struct asking *asking)
{
	static const uint16_t numbers[] = { NR_rseq };

	ask_killed(asking, "time.rseq-membarrier", numbers, ARRAY_SIZE(numbers));
}

static void ask_privileges(struct asking *asking)
{
	const struct danger danger = entry("set.no-new-privs");

	if (asking->subject->context.no_new_privs == KNOWN_NO)
		asking_add(asking, &danger, danger.severity, SUBJECT_ANY);
}

lint_rule *lint_rule_at(size_t i)
{
	static lint_rule *const rules[] = {
		ask_privileges, ask_i386, ask_x32, ask_comparisons, ask_default, ask_classes,
		ask_probes, ask_uprobe, ask_rseq, ask_landlock,
	};

	return i < ARRAY_SIZE(rules) ? rules[i] : NULL;
}

void lint_no_filter(struct asking *asking)
{
	const struct danger danger = entry("set.no-filter");

	asking_add(asking, &danger, danger.severity, SUBJECT_ANY);
}
