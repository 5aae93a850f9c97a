/* Several requests to the service under way at once, each on a connection of its own, and descriptors of the caller's
 * waited for beside them. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "remote/http.h"

#define RELAY_SLOTS 24

struct relay;

/* One has ended. `e` NULL: there is an answer, of any status. Both are gone when the function returns; it may begin
 * others. */
typedef void relay_ended(void *at, void *tag, const struct http_answer *answer, const char *session, const struct err *e);

/* The setting is borrowed. */
MUST_USE int relay_new(const struct setting *setting, relay_ended *ended, void *at, struct relay **out, struct err *e);
/* What is under way is given up. */
void relay_free(struct relay *relay);

size_t relay_busy(const struct relay *relay);

/* Posts the body, which is taken. Not when all slots are busy: asserted.
 *
 * words  as in struct http_call's `more`; borrowed for the call */
struct relay_word {
	const char *name, *value;
};
void relay_post(struct relay *relay, const char *path, struct str *body, const struct relay_word words[HTTP_MORE], void *tag);

/* Waits until something can be done, one of `fds` is ready (revents), or the time is up; tells what has ended.
 *
 * Errors: ERR_SYSTEM */
MUST_USE int relay_turn(struct relay *relay, struct curl_waitfd *fds, unsigned n_fds, int wait_ms, struct err *e);
