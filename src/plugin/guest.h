/* A plug-in's host functions, on the worker's side: its copy of the namespace, its log, its counters. Knows the seam
 * and no engine. */
#pragma once

#include "plugin/functions.h"
#include "plugin/shelf.h"
#include "plugin/wire.h"
#include "wasm/engine.h"

struct guest {
	struct wire_hello terms;
	struct wire *wire;
	const char *embedder[64];       /* names of the embedder's functions; borrowed */
	struct shelf shelf;
	uint8_t *journal;               /* lines of the call, then puts */
	size_t cap_journal, n_journal;
	uint64_t log_left, calls_left, lines_dropped;
	uint64_t now_ms;                /* when the call began */
	enum wire_end end;              /* why a function ended the call; WIRE_OK: none did */
	struct engine_why why;
};

/* Takes the host's terms. The guest is all zero before. */
void guest_init(struct guest *guest, const struct wire_hello *terms, struct wire *wire);

/* What engine_load() is given. */
struct engine_host guest_host(struct guest *guest);

/* Before each call, and before the module starts. */
void guest_begin(struct guest *guest);

/* Takes back what is left of a line's budget as a line of the host's own, and writes the puts of a call that has
 * succeeded; false when they do not fit, which is a mistake of ours. */
bool guest_finish(struct guest *guest, bool has_succeeded);
