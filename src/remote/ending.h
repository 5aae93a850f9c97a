/* A job as the service shows it, for whoever waits for its end. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"

/* True for a state that stays. */
bool ending_is_final(const char *state);

/* What `ward run` would exit with: the program's own code; 128 + N for signal N; 124 for a limit of time, memory,
 * output or processes; 159 for a refused call; 125 when it did not run to an end of its own: cancelled, rejected,
 * never started. */
int ending_code(const json_t *job);

/* Appends one line: state, reason, and what it took. */
void ending_text(const json_t *job, struct str *out);
