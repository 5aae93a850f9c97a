/* One request, from its head to the end of its answer. A handler answers with one of request_*(), now or in a later call
 * from the loop; until then the connection is suspended and the request stays. */
#pragma once

#include <microhttpd.h>
#include <stdarg.h>

#include "api/front.h"
#include "api/problem.h"
#include "api/route.h"
#include "base/str.h"
#include "store/store_tenant.h"

struct inner;
typedef void request_over(struct request *request);

struct request {
	struct front *front;
	struct MHD_Connection *connection;
	struct client *client;
	struct inner *inner;            /* it came from another request (inner.h): connection and client are NULL */
	const struct route *route;      /* NULL: none was found */
	const char *parts[ROUTE_PARTS];
	const char *method, *path;      /* as they came; of the connection */
	struct arena arena;
	struct str body;
	char id[STORE_ID_TEXT];
	struct store_key key;           /* tenant 0: no key was asked for */
	struct store_tenant tenant;
	struct digest session;          /* if is_session: by which the key was found */
	bool is_head, is_suspended, is_begun, is_session;
	bool is_counted;                /* one of a burst of wrong keys: has no line of its own in the log */
	uint64_t began_us, body_len;

	struct MHD_Response *answer;
	unsigned status;
	const char *text;               /* of the answer, for who is inside; NULL: bytes without one */
	size_t text_len;

	struct store_id job;            /* that {id} names, or that was made */
	bool is_replay;                 /* of a create that was answered before */
	struct watcher watcher;
	uint64_t due_us;                /* of a wait; 0: does not wait */
	request_over *over;
	struct request *next_waiting, **waiting_at;

	void *own;                      /* the handler's */
	void (*drop)(void *own);        /* releases it with the request */
};

/* Answers. The first one counts; each is the last thing a handler does with the request. */
void request_json(struct request *request, unsigned status, struct json *json);
void request_text(struct request *request, unsigned status, const char *type, const char *text, size_t len);
void request_fail(struct request *request, const char *code, const char *field, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* With Retry-After. */
void request_fail_for(struct request *request, const char *code, uint64_t retry_ms, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Bytes first..first + len of a file, which is taken; -1 is one without bytes. Whoever is inside gets as many as it may. */
void request_file(struct request *request, unsigned status, int fd, uint64_t first, uint64_t len);
/* Any response of MHD's; taken. */
void request_answer(struct request *request, unsigned status, struct MHD_Response *response);
/* The same for a file of the dashboard: it may load the others, and be kept while its ETag holds. */
void request_page(struct request *request, unsigned status, struct MHD_Response *response);
/* The store, or the kernel, could not. Logged; the client learns that, not what. */
void request_broken(struct request *request, const struct err *e);

/* The end of a request: its line in the log, and all that it held. */
void request_log(struct request *request);
void request_free(struct request *request);

/* One header of the answer that was given, before the handler returns. */
void request_header(struct request *request, const char *name, const char *value);

/* Waits: over() is called once, when due_us (loop_now_us()) has come, unless the request was answered before. */
void request_wait(struct request *request, uint64_t due_us, request_over *over);
void request_wait_end(struct request *request);
/* For the loop: calls over() for whatever is due; for all of them when the front is ending. */
void request_wait_over(struct front *front);

/* Parameters of the URL, decoded. NULL: not given. */
const char *request_query(struct request *request, const char *name);
const char *request_header_in(const struct request *request, const char *name);

/* Accept is there and has a part that begins with the type; parameters do not count. */
bool request_accepts(const struct request *request, const char *type);

/* Each answers with a problem and returns false when the parameter is not what it should be.
 *
 * wait   "10s", "250ms", "10"; at most a minute
 * limit  1..200 */
bool request_query_wait(struct request *request, uint64_t *wait_ms);
bool request_query_limit(struct request *request, size_t *limit);
bool request_query_bool(struct request *request, const char *name, bool *out);
bool request_query_number(struct request *request, const char *name, uint64_t *out);

/* {id} of the path, as request->job, if this tenant has that job; else answers 404. With `out`, the job. */
struct store_job;
bool request_job(struct request *request, struct store_job *out);
