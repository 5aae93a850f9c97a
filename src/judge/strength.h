/* The six boundaries as properties: what each holds, what it can run, in the order of what it costs. Pure. */
#pragma once

#include <stdint.h>

#include "model/policy_key.h"

#define STRENGTH_BOUNDARIES ((int)BOUNDARY_AUTO)        /* process to js, as in the policy's key */

enum property {
	PROPERTY_RIGHTS, PROPERTY_NAMES, PROPERTY_USE, PROPERTY_KERNEL, PROPERTY_SECOND,
	PROPERTY_RECORD, PROPERTY_CORE, PROPERTY_CACHE,
	PROPERTIES
};
enum holds { HOLDS_NO, HOLDS_PARTLY, HOLDS_YES };

/* "kernel", and what it would take: "one bug in the host's kernel". */
const char *property_name(enum property property);
const char *property_attack(enum property property);
/* "no", "partly", "yes" */
const char *holds_name(enum holds holds);

/* Whether, and why. */
enum holds strength_holds(int boundary, enum property property);
const char *strength_because(int boundary, enum property property);

struct strength {
	const char *name;
	const char *breaks;     /* what an attacker with any code has to break to reach the host */
	uint64_t forms, needs;  /* words of code.form it runs, of needs it can give */
	const char *cannot;     /* why it gives no more */
};
const struct strength *strength_of(int boundary);

/* The boundary of a name, -1: none. */
int strength_find(const char *name);

/* From the cheapest to the dearest, i < STRENGTH_BOUNDARIES: what a start costs, then memory. */
int strength_by_cost(int i);
