/* Requests without a connection. Who asked is told from the loop, never from within the handler that answered: handlers
 * add headers to an answer they have given. */
#include "api/inner.h"

#include <string.h>
#include <strings.h>

#include "api/admit.h"

struct inner {
	struct request *request;
	struct inner *next;             /* in the list of those that were answered */
	struct inner_word query[INNER_WORDS], headers[INNER_WORDS];
	inner_done *done;
	void *at;
};

static void copy_words(struct arena *arena, const struct inner_word from[INNER_WORDS], struct inner_word to[INNER_WORDS])
{
	for (size_t i = 0; i < INNER_WORDS; i++)
		if (from[i].name && from[i].value)
			to[i] = (struct inner_word){ from[i].name, arena_copy(arena, from[i].value, strlen(from[i].value)) };
}

static const char *find(const struct inner_word words[INNER_WORDS], const char *name)
{
	for (size_t i = 0; i < INNER_WORDS; i++)
		if (words[i].name && !strcasecmp(words[i].name, name))
			return words[i].value;
	return NULL;
}

const char *inner_query(const struct inner *inner, const char *name)
{
	return find(inner->query, name);
}

const char *inner_header(const struct inner *inner, const char *name)
{
	return find(inner->headers, name);
}

const char *inner_answer_header(const struct request *inner, const char *name)
{
	return MHD_get_response_header(inner->answer, name);
}

void inner_answered(struct request *request)
{
	struct inner **at = &request->front->inners;

	while (*at)
		at = &(*at)->next;
	*at = request->inner;
}

static struct request *make(struct request *outer, const struct inner_call *call, inner_done *done, void *at)
{
	struct request *const request = mem_alloc(sizeof(*request));
	struct inner *const inner = arena_alloc(&request->arena, sizeof(*inner));

	request->front = outer->front;
	request->inner = inner;
	request->began_us = loop_now_us();
	request->method = route_method_name(call->method);
	request->path = arena_copy(&request->arena, call->path, strlen(call->path));
	memcpy(request->id, outer->id, sizeof(request->id));
	request->key = outer->key;
	request->tenant = outer->tenant;
	request->session = outer->session;
	request->is_session = outer->is_session;
	*inner = (struct inner){ .request = request, .done = done, .at = at };
	copy_words(&request->arena, call->query, inner->query);
	copy_words(&request->arena, call->headers, inner->headers);
	return request;
}

/* As admit_head() does it, but for what only a head has. */
static bool admit(struct request *request, const struct inner_call *call)
{
	unsigned allowed;

	if (request->front->is_ending)
		request_fail_for(request, "shutting_down", 2000, "the service is ending; try again");
	else if (route_find(call->method, request->path, &request->arena, &request->route, request->parts, &allowed) != 1)
		request_fail(request, "not_found", NULL, "there is no such thing");
	else if (call->len > request->route->body_max)
		request_fail(request, "payload_too_large", NULL, "this takes a body of at most %zu bytes", request->route->body_max);
	else
		(void)admit_scope(request);
	return !request->answer;
}

struct request *inner_begin(struct request *outer, const struct inner_call *call, inner_done *done, void *at)
{
	struct request *const request = make(outer, call, done, at);

	if (!admit(request, call))
		return request;
	request->body_len = call->len;
	request->body.max = call->len ? call->len : 1;
	str_add_bytes(&request->body, call->body ? call->body : "", call->len);
	request->route->handle(request);
	return request;
}

void inner_hurry(struct request *inner)
{
	request_over *const over = inner->over;

	if (!inner->waiting_at)
		return;
	request_wait_end(inner);
	over(inner);
}

bool inner_turn(struct front *front)
{
	bool has_told = false;

	while (front->inners) {
		struct inner *const inner = front->inners;
		struct request *const request = inner->request;

		front->inners = inner->next;
		inner->done(inner->at, request);
		request_log(request);
		request_free(request);
		has_told = true;
	}
	return has_told;
}
