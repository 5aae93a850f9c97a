/* A process made for one attempt, and what became of it. */
#pragma once

#include "probe/outcome.h"

struct scene;

/* What ward-probe exits with when it is run as "ward-probe rights", by itself and for itself. */
enum { SPAWN_PLAIN = 43, SPAWN_GAINED = 42 };

/* Executes a copy of ward-probe (or a script that names one). Allowed when it ran; *code is then
 * its exit status, SPAWN_PLAIN or SPAWN_GAINED; code may be NULL.
 *
 * Where no second process may be made this one is replaced, and the copy writes the record: with
 * `code` that rights were gained, without that it ran. */
struct outcome spawn_program(const struct scene *scene, const struct attempt_row *row,
			     const char *path, int *code);

/* What the copy is told as its only argument; NULL-terminated, in memory of the caller. */
void spawn_arguments(const struct scene *scene, const struct attempt_row *row, bool about_rights,
		     const char *path, char word[64], char *argv[3]);

/* Runs a function in a child, which may be killed for it. OUTCOME_NONE, with a detail, when there
 * can be no child: that is no answer, and the harness tries again without one. */
struct outcome spawn_call(struct outcome (*call)(void *at), void *at);

/* A file in memory; where plain ones are refused, one that is sealed against being executed by
 * path. */
int spawn_memfd(unsigned flags);
