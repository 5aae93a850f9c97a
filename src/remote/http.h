/* One request to the service and its answer, by libcurl: no redirects, no cookies, no other protocol, no proxy to
 * this machine. Knows nothing of jobs. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "remote/setting.h"

struct http;

/* Takes bytes of a good answer as they come; -1 ends the request. */
typedef int http_sink(void *at, const char *bytes, size_t len);
/* Called about once a second while something is waited for; -1 ends the request. */
typedef int http_tick(void *at);

#define HTTP_MORE 2
struct http_call {
	const char *method, *path;      /* path with its query */
	const char *accept;             /* NULL: application/json */
	const char *idempotency_key;    /* NULL: none */
	const char *type, *body;        /* body NULL: none */
	size_t len;
	struct {
		const char *name, *value;       /* further headers; value NULL: none */
	} more[HTTP_MORE];
	long patience_ms;               /* for the whole answer; 0: as long as any wait of ours takes */
	int upload_fd;                  /* instead of a body, when upload_len is not 0: read from its beginning */
	uint64_t upload_len;
	bool is_stream;                 /* lasts as long as it lasts; the service says every 15 s that it lives */
	http_sink *sink;                /* NULL: into the answer's body */
	http_tick *tick;
	void *at;                       /* theirs */
};

#define HTTP_BODY_MAX ((size_t)16 << 20)
struct http_answer {
	long status;
	struct str body;
	uint64_t retry_ms;      /* the service's Retry-After; 0: it said nothing */
	bool is_ended;          /* by sink or tick, before its end */
};
#define HTTP_ANSWER_NONE ((struct http_answer){ .body = { .max = HTTP_BODY_MAX } })
void http_answer_done(struct http_answer *answer);

/* The setting is borrowed for as long as the connection lives. */
MUST_USE int http_new(const struct setting *setting, struct http **out, struct err *e);
void http_free(struct http *http);

/* Errors: ERR_SYSTEM when there was no whole answer: whether the service has done what was asked is then not known.
 * ERR_LIMIT: the answer is larger than anything expected. Any status is a success here. */
MUST_USE int http_do(struct http *http, const struct http_call *call, struct http_answer *out, struct err *e);
