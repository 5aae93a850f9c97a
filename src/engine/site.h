/* Where in the program a system call is made: the instruction, and who called the library it lies in.
 * Looked at for the first calls of each place only: a place that calls a million times costs four looks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/peek.h"
#include "model/record.h"

#define SITE_LOOKS 4                    /* at one instruction: a wrapper of the C library has many callers */
#define SITE_LOOKS_CALL 32              /* for one call number: new processes have new addresses */
#define SITE_SLOTS 16384

struct site_looker {
	int proc_fd;
	struct peek_maps maps;          /* of the task looked at last */
	uint16_t looks[RECORD_CALLS];
	struct site_seen {
		uint64_t at;
		uint32_t nr;
		uint32_t n;
	} seen[SITE_SLOTS];
};

/* Whether this call's place is worth a look; counts that it was asked. */
bool site_is_news(struct site_looker *looker, uint32_t nr, uint64_t at);

/* The mappings of a task, read once until it executes (site_forget()) or an address is not in them. */
const struct peek_map *site_map(struct site_looker *looker, int tid, uint64_t at);
void site_forget(struct site_looker *looker, int tid);

/* Fills *out, whose texts live until the next call. The caller is found on the stack: the first word that
 * points behind a call that leaves its file, else behind any call of another file. Functions without frame
 * pointers leave nothing better, and a stale word may be older than the call it is taken for. */
void site_look(struct site_looker *looker, int tid, uint64_t at, struct record_site *out);

/* Gives the places of a record the names of their functions, as far as the files can be opened and have
 * them. */
void site_name_all(struct record *record);
