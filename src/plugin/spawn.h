/* Starts ward with descriptors of its own and nothing else of this process. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define SPAWN_PASS 8
#define SPAWN_FIRST 3   /* the number that pass[0] gets; the others follow */

struct spawn {
	const char *ward;               /* path of the program */
	const char *const *words;       /* its words, from argv[0] on; end with NULL */
	int policy, output, errors;     /* its 0, 1 and 2; output -1: /dev/null */
	int pass[SPAWN_PASS];
	size_t n_pass;
};

MUST_USE int spawn_ward(const struct spawn *how, pid_t *out, struct err *e);

/* Waits for it; its status, or -1 when somebody else has reaped it. */
int spawn_wait(pid_t pid);

/* A memory file to read from its start; a descriptor above those that a child gets. */
MUST_USE int spawn_text(const char *name, const void *bytes, size_t len, struct err *e);

/* The last line of what was written to a memory file. */
void spawn_last_words(int errors_fd, char *out, size_t cap);
