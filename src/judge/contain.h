/* The threat model behind one word (own, known, hostile), and what contains it. Pure. */
#pragma once

#include <stdbool.h>

#include "judge/threat.h"

/* Fills in what the word leaves open, never in favour of a weaker boundary.
 *
 * word    THREAT_OWN, THREAT_KNOWN or THREAT_HOSTILE of a policy
 * form    WORD_FORM_NATIVE, ..._JS
 * shared  others, who may attack each other, run beside it */
void contain_model(int word, enum threat_word form, bool shared, struct threat *out);

/* The first thing the threat demands that this boundary does not hold; NULL: it contains the threat. */
const struct demand *contain_unmet(const struct threat *threat, int boundary);
