/* Questions about the other doors to the same calls: the 32-bit table behind int 0x80, and x32. */
#include <linux/audit.h>

#include "base/mem.h"
#include "judge/lint_ask.h"
#include "model/syscalls.h"

#define X32_NUMBERS 512
#define SOCKETCALL  102 /* i386; asm/unistd_32.h */

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

/* ---- i386 ---- */

/* How i386 calls are judged. */
enum door { DOOR_CLOSED, DOOR_OWN, DOOR_UNCHECKED };

/* Unchecked: judged by the number as x86-64's are, or let through whatever it is. */
static enum door door_of(struct asking *asking)
{
	const uint32_t last = lint_last_number();
	bool is_open = false, is_native = true, is_everything = true;

	for (uint32_t nr = 0; nr <= last; nr++) {
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
	const struct danger danger = lint_entry("abi.arch-unchecked");
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
	const struct danger danger = lint_entry("abi.i386-gap");
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
	const struct danger danger = lint_entry("abi.i386-socketcall");
	struct finding *finding;

	if (region_is_empty(passes_i386(asking, SOCKETCALL)) ||
	    region_is_same(asking_passes(asking, NR_socket), REGION_ALL))
		return;
	finding = asking_add(asking, &danger, danger.severity, NR_socket);
	call_i386(asking, finding, "socketcall", SOCKETCALL);
}

void lint_i386(struct asking *asking)
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
			  region_minus(asking->store, asking_passes(asking, nr | SYSCALLS_X32),
				       asking_passes(asking, native)));
}

void lint_x32(struct asking *asking)
{
	const struct danger danger = lint_entry("abi.x32");
	struct region best = REGION_NONE;
	uint32_t best_nr = 0, seen = 0;
	int most = -1;
	struct finding *finding;

	for (uint32_t nr = 0; nr < X32_NUMBERS + ARRAY_SIZE(x32); nr++) {
		const struct region gained = x32_gain(asking, nr);

		if (!seen && !region_is_empty(asking_passes(asking, nr | SYSCALLS_X32)))
			seen = nr | SYSCALLS_X32;
		if (!region_is_empty(gained) && (int)danger_of_call(native_of(nr)) > most) {
			most = (int)danger_of_call(native_of(nr));
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
	finding_pick(asking, finding, AUDIT_ARCH_X86_64, best_nr | SYSCALLS_X32, best);
	finding->text = arena_printf(&asking->out->arena, "x32 number %#x: %s", best_nr | SYSCALLS_X32,
				     syscalls_name(native_of(best_nr)));
	finding->detail = "the native call with these arguments is refused";
}
