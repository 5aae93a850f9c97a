/* Which service is talked to, and who is talking. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"

#define SETTING_URL "http://127.0.0.1:8086"     /* where `ward serve` listens by itself */

/* What was said; NULL: nothing. Borrowed. */
struct setting_words {
	const char *url;        /* "http://127.0.0.1:8086", "https://host", "unix:/path" */
	const char *key_file;
	const char *key;        /* itself: of the environment, never of the command line */
	const char *config;     /* a directory: the key file looked for last is KEY in it */
};

struct setting {
	struct arena arena;
	const char *url;        /* without a '/' at its end */
	const char *socket;     /* path of the service's socket, NULL: by the network */
	const char *key;
	bool is_near;           /* this machine: no proxy may come in between */
};
#define SETTING_NONE ((struct setting){ .is_near = false })

void setting_done(struct setting *setting);

/* Checks the address and finds the key. A key is not read from a file that others can read, and not sent in the clear
 * to another machine.
 *
 * Errors: ERR_USAGE, ERR_DENIED, ERR_MISSING, ERR_SYSTEM */
MUST_USE int setting_read(const struct setting_words *words, struct setting *out, struct err *e);
