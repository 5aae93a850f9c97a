/* Reads what /proc has of a running process. Decides nothing: judge/place_process.h does. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "judge/place_process.h"

struct process_look {
	struct process_facts facts;     /* its strings are in the arena */
	size_t cap_fds;
	struct arena arena;
};
#define PROCESS_LOOK_NONE ((struct process_look){ .facts = { .pid = 0 } })
void process_look_done(struct process_look *look);

/* What cannot be read stays NULL or unknown. Everything is read by one descriptor of /proc/PID, so that it
 * is of one process, also when the number is given to another one meanwhile.
 *
 * Errors: ERR_MISSING when there is no such process, also when it ends while it is looked at */
MUST_USE int process_look(int pid, struct process_look *out, struct err *e);
