/* The advice: from a threat model to the cheapest boundary that contains its attacker, with reasons. It
 * never trades containment for cost, and never for what this host happens to have. Pure. */
#pragma once

#include "judge/figures.h"
#include "judge/threat.h"
#include "model/layer.h"
#include "model/policy.h"

/* What is judged. Borrowed. */
struct advise_case {
	struct threat *threat;          /* the word of POWER is added */
	const struct figures *figures;  /* NULL: nothing was measured */
	const char *missing[STRENGTH_BOUNDARIES]; /* why this build or host cannot run it; NULL: it can */
	int proposed;                   /* a boundary somebody wants to use, -1: none */
	const struct policy *policy;    /* to be held against the threat, NULL: none */
	const char *policy_name;
	uint64_t layers;                /* LAYER_BIT()s a box of it would have here, 0: not known */
};

struct advise_row {
	const struct demand *fails[PROPERTIES]; /* demands it does not meet; NULL: it does */
	size_t n_fails;
	uint64_t lacks;                 /* words of form and needs that it cannot serve */
	bool contains;                  /* meets every demand */
	bool serves;                    /* and runs what the threat model says */
	struct figure figure;
	bool is_slow, is_large;         /* its figures are known and above what may be spent */
};

#define ADVISE_TEXTS 16
struct advise_text {
	const char *what, *how;
};

struct advice {
	const struct advise_case *of;
	const char *power_why;
	const struct demand *demands[PROPERTIES];
	struct advise_row rows[STRENGTH_BOUNDARIES];
	int chosen;                     /* -1: no boundary does; impossible says why */
	const char *impossible;
	bool is_refused;                /* the proposed boundary does not contain or cannot serve */
	struct advise_text around[ADVISE_TEXTS], remains[ADVISE_TEXTS], gaps[ADVISE_TEXTS];
	size_t n_around, n_remains, n_gaps;
};

void advise(const struct advise_case *of, struct advice *out);

/* True when the advised boundary can be used now, and neither proposal nor policy falls short. */
bool advise_is_met(const struct advice *advice);

/* Its tables, in advise_rules.c: what belongs around the chosen boundary, what remains behind it, and what the
 * policy leaves open. */
void advise_surround(struct advice *advice);

/* Three ways to say it. */
void advise_text(const struct advice *advice, struct str *out);
void advise_json(const struct advice *advice, struct str *out);
void advise_doc(const struct advice *advice, struct str *out);

/* For all three: "needs nested, which ..." of what a row lacks, and where a figure comes from. */
void advise_lacks(const struct advise_row *row, struct str *out);
const char *advise_origin(const struct figure *figure);
