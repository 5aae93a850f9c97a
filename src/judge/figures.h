/* What boundaries cost: measured by `ward bench`, written to its file and read back, or published by
 * others, with the source. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"
#include "judge/strength.h"

enum figure_kind { FIGURE_NONE, FIGURE_MEASURED, FIGURE_PUBLISHED };
struct figure {
	enum figure_kind kind;
	uint64_t start_p50_us, start_p99_us;    /* from spawn to reaped; published: p50 = p99 = the bound */
	uint64_t launches;              /* timed */
	uint64_t rate_milli;            /* launches a second with every processor busy, in thousandths; 0: not known */
	uint64_t idle_bytes;            /* of memory, for a box that sleeps; 0: not known */
	const char *source;             /* of a published one, or why there is none; else NULL */
};

/* One run of the benchmark. All zero is the empty one. */
struct figures {
	struct figure spawn;                            /* the program without any boundary */
	struct figure boundaries[STRENGTH_BOUNDARIES];
	const char *host;               /* "Linux 6.18.5, 2 processors, ..."; in the arena */
	struct arena arena;
};
void figures_done(struct figures *figures);

/* What others say of a boundary; kind FIGURE_NONE with a source that says why there is nothing. */
struct figure figures_published(int boundary);

/* The measured one, else the published one. figures: NULL, nothing was measured. */
struct figure figures_of(const struct figures *figures, int boundary);

/* The q-th percentile (nearest rank) of n > 0 durations, which are sorted by it. */
uint64_t figures_percentile(uint64_t *durations, size_t n, unsigned q);

/* Both ways: the file of `ward bench`.
 *
 * Errors: ERR_USAGE, ERR_LIMIT, ERR_UNSUPPORTED for another schema, as "name:line:column: ..." */
void figures_json(const struct figures *figures, struct str *out);
MUST_USE int figures_read(const char *name, const char *text, size_t len, struct figures *out,
			  struct err *e);

/* Appends "1.53 ms", "61 us", "0.4 MiB"; "-" for 0. */
void figures_time(uint64_t us, struct str *out);
void figures_memory(uint64_t bytes, struct str *out);
