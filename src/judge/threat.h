/* From a threat model to what its attacker can bring, and to what a boundary must then hold. Pure. */
#pragma once

#include "judge/strength.h"
#include "model/threat.h"

/* Sets the word of POWER. Returns why. */
const char *threat_conclude(struct threat *threat);

/* One thing a boundary must hold. */
struct demand {
	enum property property;
	enum holds least;
	uint64_t when;          /* as for threat_is(), with the word of POWER set */
	const char *why;
};

/* The i-th rule, NULL past the end. */
const struct demand *threat_rule(size_t i);

/* The rules a threat meets, the strictest for each property; NULL: nothing is demanded. */
void threat_demands(const struct threat *threat, const struct demand *out[PROPERTIES]);
