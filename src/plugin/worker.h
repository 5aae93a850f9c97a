/* A worker: `ward run` with an engine in its box, and our end of the socket to it. Whatever comes from there is
 * bytes of somebody who may have been broken into. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "plugin/manifest.h"
#include "plugin/wire.h"

struct worker {
	struct wire wire;
	pid_t pid;              /* of ward; 0: none */
	int errors_fd;          /* a memory file with what ward and the worker said; -1: none */
	bool has_news;          /* it has seen no snapshot yet, or its own copy is not the host's any more */
};
#define WORKER_NONE ((struct worker){ .wire = { .fd = -1 }, .errors_fd = -1 })

/* What a worker runs. */
struct worker_code {
	const uint8_t *module;
	size_t len;
	const char *compiled;   /* path of the program that was made of the module; NULL: an engine compiles the module */
};

/* Starts a box for the plug-in and sends it terms, module and names.
 *
 * ward  path of the program
 * Errors: ERR_SYSTEM, ERR_MISSING; what the module does wrong comes with WIRE_READY */
MUST_USE int worker_start(const char *ward, const struct manifest *manifest, const struct worker_code *code,
			  struct worker *out, struct err *e);

/* Ends it, at once, and waits. Fine for WORKER_NONE. */
void worker_end(struct worker *worker);

/* After an error of wire.h: waits for the end and says why it ended, from ward's exit code and its last words.
 *
 * e  in: what the wire said; out: with the reason
 * Returns true when a limit was the reason. */
bool worker_post_mortem(struct worker *worker, struct err *e);
