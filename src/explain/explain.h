/* A service's configuration on this host, as a page: what stands between whom, and what is left. Made from what the
 * service itself uses: plans, filters, the table of settings; nothing here decides anything. Pure. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "explain/doc.h"
#include "judge/surface.h"
#include "model/host.h"
#include "model/plan.h"
#include "model/subject.h"
#include "serve/config.h"
#include "serve/order.h"

enum explain_part {
#define PROCESS(id, ...) PART_##id,
#include "explain/processes.def"
#undef PROCESS
	PARTS
};

enum explain_fact {
#define FACT(id) FACTS_##id,
#include "explain/facts.def"
#undef FACT
	EXPLAIN_FACTS
};
#define FACT_BIT(id) (UINT64_C(1) << FACTS_##id)

/* How many calls get past filters, and the worst of them; made by explain_conclude(). */
struct explain_reach {
	struct place place;
	struct surface surface;
};

struct explain_process {
	bool is_absent;
	const char *runs_as;            /* "uid 2147418112" */
	const char *rights;             /* "none", "CAP_KILL, CAP_DAC_OVERRIDE" */
	const char *files;              /* what Landlock leaves it */
	struct subject subject;         /* its filter; none: n_filters is 0 */
	struct explain_reach reach;
};

/* Boxes of one boundary whose plans say the same. */
struct explain_box {
	int boundary;
	const char *runtimes;           /* "python, node" */
	uint64_t layers;
	uint32_t notes;
	const struct order_class *first;
	struct subject subject;
	struct explain_reach reach;     /* its place is the caller's to fill: place_from_plan() */
};

struct explain {
	const char *version, *listen, *state, *metrics;         /* metrics: NULL = none */
	const struct config *config;
	const struct host *host;
	const struct order_class *classes;
	size_t n_classes;
	struct explain_box *boxes;
	size_t n_boxes;
	struct explain_process processes[PARTS];
	size_t connections, boxes_max;
	bool has_decoys, is_root;
	/* concluded */
	uint64_t facts;
	const char *details[EXPLAIN_FACTS];     /* what was configured; NULL: nothing to quote */
	struct arena arena;
};
#define EXPLAIN_NONE ((struct explain){ .version = NULL })
void explain_done(struct explain *explain);

/* From what was filled in to what it means. */
void explain_conclude(struct explain *explain);

/* Whether something could not be judged. */
bool explain_is_partial(const struct explain *explain);

/* colour  for a terminal, in the text alone */
void explain_write(const struct explain *explain, enum doc_form form, bool colour, struct str *out);
