/* The system calls that reach the kernel, and where their arguments are held. Asks the filters alone. */
#include <inttypes.h>
#include <linux/audit.h>
#include <stdio.h>
#include <string.h>

#include "judge/describe.h"
#include "judge/surface_making.h"
#include "model/syscalls.h"

#define CLAUSES 2       /* alternatives told of one call */
#define NUMBERS 1024    /* beyond the last known call */

static const char *arguments_in_words(struct making *m, uint32_t nr, struct region arguments)
{
	struct str text = STR_NONE;
	const char *copy;

	if (region_is_same(arguments, REGION_ALL))
		return "";
	describe_arguments(m->store, arguments, nr, CLAUSES, &text);
	copy = arena_copy(&m->surface->arena, str_text(&text), text.len);
	str_done(&text);
	return copy;
}

static void add_call(struct making *m, uint32_t nr, const char *arguments)
{
	surface_add(m, &(struct surface_item){
		.kind = SURFACE_CALL,
		.severity = SEVERITY_INFO,
		.rank = nr,
		.flow = FLOW_IN | FLOW_OUT,
		.name = syscalls_name(nr),
		.detail = arguments,
		.reason = "",
		.close = "",
		.guards = m->place->holds & LAYER_BIT(LAYER_SECCOMP),
	});
}

/* A run of numbers; those that no kernel knows end in ENOSYS. */
static void add_run(void *at, uint32_t low, uint32_t high, struct region arguments)
{
	struct making *const m = at;

	for (uint32_t nr = low; nr <= high; nr++) {
		if (!syscalls_name(nr))
			continue;
		add_call(m, nr, arguments_in_words(m, nr, arguments));
		m->surface->calls++;
	}
}

/* The other doors to the same kernel: 32-bit calls, and x32 numbers. */
static void add_doors(struct making *m)
{
	const struct region foreign =
		region_word(m->store, WORD_ARCH, UINT32_MAX, AUDIT_ARCH_I386);
	const struct region x32 = region_and(m->store, region_word(m->store, WORD_ARCH, UINT32_MAX, AUDIT_ARCH_X86_64),
					     region_word(m->store, WORD_NR, SYSCALLS_X32, SYSCALLS_X32));
	const struct {
		struct region calls;
		const char *name, *detail;
	} doors[] = {
		{ foreign, "32-bit system calls", "int 0x80" },
		{ x32, "x32 system calls", "numbers with bit 30" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(doors); i++) {
		const bool open = !region_is_empty(region_and(m->store, doors[i].calls, m->passes));

		surface_add(m, &(struct surface_item){
			.kind = SURFACE_KERNEL,
			.state = m->knows_calls && open ? SURFACE_OPEN :
				 !m->knows_calls || regions_are_full(m->store) ? SURFACE_UNKNOWN : SURFACE_CLOSED,
			.severity = SEVERITY_HIGH,
			.rank = 100 + i,
			.flow = FLOW_IN | FLOW_OUT | FLOW_RIGHT,
			.name = doors[i].name,
			.detail = doors[i].detail,
			.reason = "the same kernel by other numbers: what the filter refuses by its x86-64 number "
				  "may have another one here",
			.close = "refuse every architecture but x86-64, and numbers from 0x40000000 on: every "
				 "filter of ward does",
			.guards = open ? 0 : m->place->holds & (LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_FLOOR)),
			.attempts = i ? "call-x32" : "call-i386",
		});
	}
}

static void add_kernel(struct making *m)
{
	struct arena *const arena = &m->surface->arena;
	size_t known = 0;

	for (uint32_t nr = 0; nr < NUMBERS; nr++)
		known += syscalls_name(nr) != NULL;
	surface_add(m, &(struct surface_item){
		.kind = SURFACE_KERNEL,
		.state = SURFACE_OPEN,
		.severity = m->place->is_hostile ? SEVERITY_CRITICAL : SEVERITY_HIGH,
		.flow = FLOW_IN | FLOW_OUT | FLOW_RIGHT,
		.name = "the host's kernel",
		.detail = m->knows_calls ? arena_printf(arena, "%zu of %zu system calls reach it",
							m->surface->calls, known) :
					   "nobody knows how many system calls reach it",
		.reason = "it is shared: one bug in what any of its calls runs is a way out past every layer, "
			  "because the layers are that kernel",
		.close = "allow fewer groups of calls; for hostile native code a boundary with less kernel in "
			 "reach (a user-space kernel, a virtual machine)",
		.guards = m->place->holds & (LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_FLOOR)),
	});
}

static void count_run(void *at, uint32_t low, uint32_t high, struct region arguments)
{
	size_t *const n = at;

	(void)arguments;
	for (uint32_t nr = low; nr <= high; nr++)
		*n += syscalls_name(nr) != NULL;
}

/* Somebody else answers: what, no filter says. */
static void add_supervised(struct making *m)
{
	size_t n = 0;

	region_each_number(m->store, m->asks, AUDIT_ARCH_X86_64, NUMBERS - 1, count_run, &n);
	if (n)
		surface_add(m, &(struct surface_item){
			.kind = SURFACE_KERNEL,
			.state = SURFACE_UNKNOWN,
			.severity = SEVERITY_MEDIUM,
			.rank = 200,
			.flow = FLOW_IN | FLOW_OUT | FLOW_RIGHT,
			.name = "calls that a supervisor answers",
			.detail = arena_printf(&m->surface->arena, "%zu system calls", n),
			.reason = "the filter asks another process (a listener or a tracer), which may refuse them, let "
				  "them go on or do them itself",
			.close = "",
		});
}

void surface_add_calls(struct making *m)
{
	if (m->knows_calls)
		region_each_number(m->store, m->passes, AUDIT_ARCH_X86_64, NUMBERS - 1, add_run, m);
	if (m->knows_calls)
		add_supervised(m);
	add_doors(m);
	m->knows_calls = m->knows_calls && !regions_are_full(m->store);
	add_kernel(m);
}
