/* A process made for one attempt, and what became of it. */
#pragma once

#include "probe/outcome.h"

/* What ward-probe exits with when it is run as "ward-probe rights", by itself and for itself. */
enum { SPAWN_PLAIN = 43, SPAWN_GAINED = 42 };

/* Executes a copy of ward-probe (or a script that names it). Allowed when it ran; *code is then its exit
 * status, SPAWN_PLAIN or SPAWN_GAINED. code may be NULL. */
struct outcome spawn_program(const char *path, int *code);

/* Runs a function in a child, which may be killed for it. */
struct outcome spawn_call(struct outcome (*call)(void *at), void *at);
