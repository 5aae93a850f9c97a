/* All that crosses the boundary of a place, the most dangerous first: what, which way, which layer
 * guards it, why it matters, how to close it. Text, JSON and the drawing come from one struct. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "judge/danger.h"
#include "judge/eval.h"
#include "judge/place.h"

/* What kind of thing crosses; the drawing gives each its zone. */
enum surface_kind {
	SURFACE_KERNEL,         /* the kernel as a whole, identities, rights */
	SURFACE_CALL,           /* one system call */
	SURFACE_FILE,           /* a tree of the host, or space to write in */
	SURFACE_DEVICE,         /* device nodes, /proc, /sys */
	SURFACE_NETWORK,
	SURFACE_PROCESS,        /* signals, shared memory, queues, keys */
	SURFACE_STARTER,        /* descriptors, terminal, environment: whoever started it */
	SURFACE_RESOURCE,       /* what it can exhaust */
	SURFACE_CLOCK,
	SURFACE_CHANNEL,        /* on no list, and crosses: caches, contention, bugs */
	SURFACE_KINDS
};

enum surface_state {
	SURFACE_OPEN,           /* crosses */
	SURFACE_UNKNOWN,        /* could not be found out: not taken for closed */
	SURFACE_ALWAYS,         /* no layer ends it; reason says what was done about it */
	SURFACE_CLOSED,         /* stopped by `guards` */
	SURFACE_STATES
};

enum surface_flow { FLOW_IN = 1 /* into the box */, FLOW_OUT = 2, FLOW_RIGHT = 4 /* power over what is outside */ };

struct surface_item {
	enum surface_kind kind;
	enum surface_state state;
	enum severity severity; /* open; of what is closed: were it open */
	unsigned rank;          /* among equal severities, least first */
	uint32_t flow;          /* enum surface_flow */
	const char *name;       /* "/usr", "socket", "signals" */
	const char *detail;     /* "read-only, nosuid, nodev", "when argument 0 is 1"; "" = none */
	const char *reason;     /* a sentence without its full stop */
	const char *close;      /* what to write in the policy, or to do; "" = nothing can be done */
	uint64_t guards;        /* LAYER_BITs on the way of it */
	const char *attempts;   /* words: what selftest tries here; NULL = nothing */
};

struct surface {
	const struct place *place;      /* borrowed */
	struct surface_item *items;     /* the most dangerous first, closed ones last */
	size_t n_items, cap_items;
	size_t calls;                   /* that reach the kernel; calls_known false: nobody knows */
	bool calls_known;
	const char **missing;           /* of the place and of the filters: what could not be judged */
	size_t n_missing, cap_missing;
	struct arena arena;             /* owns every string above but the place's */
};
#define SURFACE_NONE ((struct surface){ .place = NULL })
void surface_done(struct surface *surface);

/* place    borrowed as long as the surface
 * subject  its filters
 * store    for the questions to the filters
 * Never fails: what cannot be evaluated is unknown, and listed in missing */
void surface_make(struct surface *surface, const struct place *place, const struct subject *subject,
		  struct regions *store);

/* The first item, what people are told first; NULL when nothing crosses. */
const struct surface_item *surface_worst(const struct surface *surface);

/* 0; 1 when something open is at or above the threshold; 3 when that could not be found out. */
int surface_code(const struct surface *surface, bool has_threshold, enum severity threshold);

/* What happens when one of an item's guards is gone, as selftest knows it: the other layers that refuse
 * the same attempts, or why that is accepted. "" when selftest tries nothing there. */
const char *surface_without(struct surface *surface, const struct surface_item *item, enum layer layer);

const char *surface_kind_name(enum surface_kind kind);         /* "file" */
const char *surface_kind_title(enum surface_kind kind);        /* "files" */
const char *surface_state_name(enum surface_state state);      /* "open" */

/* For people: one sentence first. all: the quiet calls and what is closed, too. */
void surface_text(struct surface *surface, bool all, bool colour, struct str *out);
/* One JSON object on one line, "schema": "ward.surface.1". */
void surface_json(struct surface *surface, struct str *out);
/* A drawing of the boundary, SVG 1.1 without scripts, the same bytes for the same surface. */
void surface_svg(const struct surface *surface, struct str *out);
