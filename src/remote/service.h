/* The service as a client of /v1 talks to it: JSON both ways, one sentence for a refusal, and another try where trying
 * again cannot do a thing twice. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "remote/http.h"

struct service {
	struct http *http;
	uint64_t patience_ms;           /* how long a service that does not answer, or is full, is asked again */
	/* While something is waited for: -1 gives up. why is NULL when all is well. May be NULL. */
	int (*waits)(void *at, const char *why);
	void *at;
};

/* Bytes of an idempotency key that nobody else uses, and of its text. */
#define SERVICE_KEY_TEXT 33
MUST_USE int service_make_key(char out[SERVICE_KEY_TEXT], struct err *e);

/* An answer 2xx as a value, which json_decref() releases. GET, and what has an idempotency key, is tried again when
 * the connection breaks, the service is full or ends (429, 503): what is asked again under the same key happens once.
 *
 * Errors: what http_do() says, or the service's own words: ERR_DENIED (401, 403), ERR_MISSING (404), ERR_CONFLICT
 * (409), ERR_LIMIT (413, 429, 503), ERR_USAGE (other 4xx), ERR_SYSTEM */
MUST_USE int service_ask(struct service *service, struct http_call *call, json_t **out, struct err *e);

/* The same for bytes: into call->sink, once. */
MUST_USE int service_bytes(struct service *service, struct http_call *call, struct err *e);

/* What an answer that is no 2xx says. */
int service_refusal(const struct http_answer *answer, struct err *e);

/* Appends the text as one part of a path or a query. */
void service_escape(const char *text, struct str *out);
