/* A request of /v1 that comes from inside: from another request, which speaks another language. It goes through the table
 * of routes, the same check of scope and the same handlers as one from outside, has its own line in the log, and there is
 * no second way in. Its key is that of the outer one, of whose share it already took. */
#pragma once

#include "api/request.h"

#define INNER_WORDS    3
#define INNER_FILE_MAX ((size_t)1 << 20)        /* of a file that is the answer: ask for pieces */

struct inner_word {
	const char *name, *value;
};
struct inner_call {
	enum route_method method;
	const char *path;                       /* still encoded */
	struct inner_word query[INNER_WORDS];   /* decoded */
	struct inner_word headers[INNER_WORDS];
	const char *body;
	size_t len;
};

/* The answer: status, text, text_len, inner_answer_header(). It is gone when the function returns, and never comes before
 * inner_begin() has returned. May begin others. */
typedef void inner_done(void *at, struct request *inner);

/* The outer request must not be answered before all of its inner ones were. */
struct request *inner_begin(struct request *outer, const struct inner_call *call, inner_done *done, void *at);
/* One that waits is answered with what there is now. */
void inner_hurry(struct request *inner);
/* A header of its answer; NULL: none. Borrowed. */
const char *inner_answer_header(const struct request *inner, const char *name);

/* For the loop: tells who asked. True when there was something to tell. */
bool inner_turn(struct front *front);

/* For request.c. */
const char *inner_query(const struct inner *inner, const char *name);
const char *inner_header(const struct inner *inner, const char *name);
void inner_answered(struct request *request);
