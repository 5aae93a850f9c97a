/* Collects what crosses, and puts the most dangerous first. Reads facts, runs nothing. */
#include "judge/surface.h"

#include <inttypes.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "judge/selftest.h"
#include "judge/surface_making.h"

#define L(layer) LAYER_BIT(LAYER_##layer)
#define FILTERS (L(SECCOMP) | L(FLOOR))

/* A question to the filter: does this call pass when (argument & mask) == value? mask 0: with any. */
struct ask {
	uint32_t nr;
	unsigned arg;
	uint64_t mask, value;
};
#define ASKS 8
#define CALL(name) { .nr = SYS_##name }
#define FAMILY(n) { .nr = SYS_socket, .arg = 0, .mask = UINT32_MAX, .value = (n) }
#define NEWUSER(call) { .nr = SYS_##call, .arg = 0, .mask = 0x10000000, .value = 0x10000000 }

static const struct ask nothing[ASKS] = { { .nr = 0 } };
static const struct ask tracing[ASKS] = { CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev),
					  CALL(pidfd_getfd), CALL(process_madvise) };
static const struct ask signals[ASKS] = { CALL(kill), CALL(tkill), CALL(tgkill), CALL(rt_sigqueueinfo),
					  CALL(rt_tgsigqueueinfo), CALL(pidfd_send_signal) };
static const struct ask internet[ASKS] = { FAMILY(2), FAMILY(10) };
static const struct ask local[ASKS] = { FAMILY(1) };
static const struct ask namespaces[ASKS] = { NEWUSER(unshare), NEWUSER(clone), CALL(clone3), CALL(setns) };
static const struct ask sysv[ASKS] = { CALL(shmget), CALL(shmat), CALL(semget), CALL(msgget), CALL(msgrcv) };
static const struct ask queues[ASKS] = { CALL(mq_open) };
static const struct ask keys[ASKS] = { CALL(keyctl), CALL(add_key), CALL(request_key) };
static const struct ask priorities[ASKS] = { CALL(setpriority), CALL(ioprio_set), CALL(sched_setscheduler),
					     CALL(sched_setattr), CALL(sched_setaffinity) };
static const struct ask clocks[ASKS] = { CALL(settimeofday), CALL(clock_settime), CALL(adjtimex),
					 CALL(clock_adjtime) };

static const struct crossing {
	const char *name;
	enum surface_kind kind;
	enum severity severity;
	uint32_t flow;
	uint64_t any, all;
	const struct ask *asks;
	const char *attempts, *detail, *reason, *close;
} crossings[] = {
#define CROSSING(name, kind, severity, flow, any, all, asks, attempts, detail, reason, close) \
	{ name, SURFACE_##kind, SEVERITY_##severity, flow, any, all, asks, attempts, detail, reason, close },
#include "judge/surface.def"
#undef CROSSING
};

static const struct channel {
	const char *name;
	uint64_t moot, layers;
	const char *reason, *with, *without;
} channels[] = {
#define CHANNEL(name, moot, layers, reason, with, without) { name, moot, layers, reason, with, without },
#include "judge/channel.def"
#undef CHANNEL
};

void surface_done(struct surface *surface)
{
	free(surface->items);
	free(surface->missing);
	arena_done(&surface->arena);
	*surface = SURFACE_NONE;
}

void surface_add(struct making *m, const struct surface_item *item)
{
	struct surface *const s = m->surface;

	s->items = mem_grow(s->items, &s->cap_items, s->n_items + 1, sizeof(*s->items));
	s->items[s->n_items] = *item;
	if (!item->detail)
		s->items[s->n_items].detail = "";
	s->n_items++;
}

void surface_add_missing(struct making *m, const char *text)
{
	struct surface *const s = m->surface;

	s->missing = mem_grow(s->missing, &s->cap_missing, s->n_missing + 1, sizeof(*s->missing));
	s->missing[s->n_missing++] = arena_copy(&s->arena, text, strlen(text));
}

/* Is there such a call in the region? */
static bool has(struct making *m, const struct ask *ask, struct region among)
{
	struct region at = region_call(m->store, AUDIT_ARCH_X86_64, ask->nr);

	if (ask->mask)
		at = region_and(m->store, at, region_arg(m->store, ask->arg, ask->mask, ask->value));
	return !region_is_empty(region_and(m->store, at, among));
}

/* What the filter does with the calls of a list. */
enum passing { PASS_NOBODY_KNOWS, PASS_SOME, PASS_NONE };

/* PASS_SOME for the empty list: no filter can stop what is no call. (Number 0 is read, in no list.) */
static enum passing ask_filter(struct making *m, const struct ask *asks)
{
	enum passing passing = PASS_NONE;

	if (!asks[0].nr)
		return PASS_SOME;
	if (!m->knows_calls)
		return PASS_NOBODY_KNOWS;
	for (size_t i = 0; i < ASKS && asks[i].nr; i++) {
		if (has(m, &asks[i], m->passes))
			return PASS_SOME;
		if (has(m, &asks[i], m->asks))
			passing = PASS_NOBODY_KNOWS;
	}
	/* A question that did not fit has no answer, which looks like "none". */
	return regions_are_full(m->store) ? PASS_NOBODY_KNOWS : passing;
}

/* The attempt a list of words begins with, which is then taken from it; NULL at its end. */
static const struct attempt_row *next_attempt(const char **words)
{
	const size_t len = strcspn(*words, " ");
	char id[64];

	if (!len || len >= sizeof(id))
		return NULL;
	memcpy(id, *words, len);
	id[len] = '\0';
	*words += len + strspn(*words + len, " ");
	return attempt_find(id);
}

static uint64_t layers_of(const char *attempts)
{
	const struct attempt_row *row;
	uint64_t layers = 0;

	while (attempts && (row = next_attempt(&attempts)))
		layers |= row->layers;
	return layers;
}

/* What is known of who listens there, or of the rights. */
static const char *detail_of(struct making *m, const struct crossing *row)
{
	struct arena *const arena = &m->surface->arena;

	if (row->asks == internet && m->place->listening)
		return arena_printf(arena, "%" PRIu32 " TCP ports listen there", m->place->listening);
	if (row->kind == SURFACE_NETWORK && row->asks == local && !(row->any & L(MOUNTNS)) && m->place->abstract)
		return arena_printf(arena, "%" PRIu32 " names are in use there", m->place->abstract);
	return row->any & PLACE_NO_CAPS && row->asks == nothing ? surface_caps_words(m) : row->detail;
}

/* Over the host it hangs on which ones they are; in a user namespace of its own they only reach code. */
static enum severity severity_of(const struct making *m, const struct crossing *row)
{
	return row->any == (PLACE_NO_CAPS | L(USERNS)) && row->asks == nothing ? surface_caps_severity(m->place) :
									   row->severity;
}

static void add_crossing(struct making *m, const struct crossing *row, unsigned rank)
{
	const uint64_t holds = m->place->holds, unknown = m->place->unknown;
	const enum passing passing = ask_filter(m, row->asks);
	const bool by_filter = passing == PASS_NONE;
	const bool by_layer = (row->any & holds) || (row->all && (row->all & holds) == row->all);
	const bool unsure = ((row->any | row->all) & unknown) || passing == PASS_NOBODY_KNOWS;
	/* Landlock before its scopes is a layer, and does not do this. */
	const uint64_t idle = row->any & PLACE_SCOPED & ~holds ? L(LANDLOCK) : 0;
	const uint64_t guards = (layers_of(row->attempts) | row->any | row->all | (by_filter ? FILTERS : 0)) & ~idle;

	surface_add(m, &(struct surface_item){
		.kind = row->kind,
		.state = by_filter || by_layer ? SURFACE_CLOSED : unsure ? SURFACE_UNKNOWN : SURFACE_OPEN,
		.severity = severity_of(m, row),
		.rank = rank,
		.flow = row->flow,
		.name = row->name,
		.detail = detail_of(m, row),
		.reason = row->reason,
		.close = row->close,
		.guards = guards & holds & (by_filter ? UINT64_MAX : ~FILTERS) & (LAYER_BIT(LAYERS) - 1),
		.attempts = row->attempts,
	});
}

static void add_channel(struct making *m, const struct channel *row, unsigned rank)
{
	struct arena *const arena = &m->surface->arena;
	const uint64_t guards = row->layers & m->place->holds;
	const bool moot = row->moot & m->place->holds;
	const bool unsure = !guards && (row->layers & m->place->unknown);

	surface_add(m, &(struct surface_item){
		.kind = SURFACE_CHANNEL,
		.state = SURFACE_ALWAYS,
		.severity = SEVERITY_LOW,
		.rank = rank,
		.flow = FLOW_IN | FLOW_OUT,
		.name = row->name,
		.detail = arena_printf(arena, "%s", moot ? "this processor has one thread a core" :
				       guards ? row->with : unsure ? "not known what was done" : row->without),
		.reason = row->reason,
		.close = "",
		.guards = guards,
	});
}

static int by_danger(const void *a, const void *b)
{
	const struct surface_item *const x = a, *const y = b;
	const int group_x = x->state <= SURFACE_UNKNOWN ? 0 : (int)x->state;
	const int group_y = y->state <= SURFACE_UNKNOWN ? 0 : (int)y->state;

	if (group_x != group_y)
		return group_x - group_y;
	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->state != y->state)
		return (int)x->state - (int)y->state;
	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void judge_filters(struct making *m, const struct subject *subject)
{
	struct answers answers = ANSWERS_NONE;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < subject->n_missing; i++)
		surface_add_missing(m, subject->missing[i]);
	m->knows_calls = m->has_answers = !subject->n_missing && eval_subject(m->store, subject, &answers, &e) == 0;
	if (m->knows_calls)
		m->passes = eval_passes(m->store, &answers, false);
	if (m->knows_calls && !m->place->is_ward)
		m->asks = region_or(m->store, answers.of[ANSWER_NOTIFY], answers.of[ANSWER_TRACE]);
	m->knows_calls = m->knows_calls && !regions_are_full(m->store);
	if (e.kind != ERR_NONE)
		surface_add_missing(m, e.text);
}

void surface_make(struct surface *surface, const struct place *place, const struct subject *subject,
		  struct regions *store)
{
	struct making m = { .surface = surface, .place = place, .store = store, .has_filter = subject->n_filters };

	surface->place = place;
	for (size_t i = 0; i < place->n_missing; i++)
		surface_add_missing(&m, place->missing[i]);
	judge_filters(&m, subject);
	surface_add_calls(&m);
	if (m.knows_calls)
		surface_rate_calls(&m, subject);
	surface_add_files(&m);
	surface_add_starter(&m);
	surface_add_limits(&m);
	for (unsigned i = 0; i < ARRAY_SIZE(crossings); i++)
		add_crossing(&m, &crossings[i], i);
	for (unsigned i = 0; i < ARRAY_SIZE(channels); i++)
		add_channel(&m, &channels[i], i);
	surface->calls_known = m.knows_calls && !regions_are_full(store);
	if (m.has_answers && regions_are_full(store))
		surface_add_missing(&m, "the filters are too large to be judged completely");
	qsort(surface->items, surface->n_items, sizeof(*surface->items), by_danger);
}

const struct surface_item *surface_worst(const struct surface *surface)
{
	for (size_t i = 0; i < surface->n_items; i++)
		if (surface->items[i].state == SURFACE_OPEN)
			return &surface->items[i];
	return NULL;
}

int surface_code(const struct surface *surface, bool has_threshold, enum severity threshold)
{
	bool unsure = surface->n_missing || !surface->calls_known;

	for (size_t i = 0; i < surface->n_items && has_threshold; i++) {
		const struct surface_item *const item = &surface->items[i];

		if (item->severity < threshold)
			continue;
		if (item->state == SURFACE_OPEN)
			return 1;
		unsure |= item->state == SURFACE_UNKNOWN;
	}
	return unsure ? 3 : 0;
}

/* The claimant whose reasons apply. */
static uint32_t claimant_of(const struct place *place)
{
	return place->boundary && strcmp(place->boundary, "process") == 0 ? CLAIM_PROCESS : CLAIM_CONTAINER;
}

const char *surface_without(struct surface *surface, const struct surface_item *item, enum layer layer)
{
	const uint64_t others = item->guards & ~LAYER_BIT(layer);
	const char *words = item->attempts ? item->attempts : "", *why = NULL;
	const struct attempt_row *row;
	struct str text = STR_NONE;
	const char *copy;

	while ((row = next_attempt(&words)))
		if (!(row->layers & others) && (row->layers & LAYER_BIT(layer)) && !why)
			why = selftest_residual(claimant_of(surface->place), row, layer);
	if (!item->attempts)
		return "";
	if (why)
		return why;
	for (unsigned i = 0; i < LAYERS; i++)
		if (others & LAYER_BIT(i))
			str_addf(&text, "%s%s", text.len ? ", " : "", layer_name((enum layer)i));
	str_add(&text, !others ? "nothing else is known to refuse it" :
		       others & (others - 1) ? " still refuse it" : " still refuses it");
	copy = arena_copy(&surface->arena, str_text(&text), text.len);
	str_done(&text);
	return copy;
}

/* Names: for programs, and for people. */
static const struct {
	const char *name, *title;
} kinds[SURFACE_KINDS] = {
	[SURFACE_KERNEL] = { "kernel", "the kernel and rights in it" },
	[SURFACE_CALL] = { "call", "system calls" },
	[SURFACE_FILE] = { "file", "files" },
	[SURFACE_DEVICE] = { "device", "devices and kernel files" },
	[SURFACE_NETWORK] = { "network", "network" },
	[SURFACE_PROCESS] = { "process", "processes and shared memory" },
	[SURFACE_STARTER] = { "starter", "whoever started it" },
	[SURFACE_RESOURCE] = { "resource", "resources of the machine" },
	[SURFACE_CLOCK] = { "clock", "clocks" },
	[SURFACE_CHANNEL] = { "channel", "on no list, and crosses" },
};

const char *surface_kind_name(enum surface_kind kind)
{
	return kind < SURFACE_KINDS ? kinds[kind].name : NULL;
}

const char *surface_kind_title(enum surface_kind kind)
{
	return kind < SURFACE_KINDS ? kinds[kind].title : NULL;
}

const char *surface_state_name(enum surface_state state)
{
	static const char *const names[SURFACE_STATES] = { "open", "unknown", "always", "closed" };

	return state < SURFACE_STATES ? names[state] : NULL;
}
