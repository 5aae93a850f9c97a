/* What a job wrote: bytes as they are, for programs. A terminal is not told what they mean: they are an attachment of no
 * type, which no browser runs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/mixed.h"
#include "api/range.h"
#include "api/send_file.h"
#include "api/stream.h"
#include "base/fd.h"
#include "serve/spool.h"

struct raw {
	unsigned which;
	uint64_t offset;
};

static bool has_ended(struct stream *stream)
{
	OWN(arena) arena = { .total = 0 };
	struct err e = ERR_INIT;
	struct store_job job;
	const int found = store_job_get(stream->request->front->store, stream->request->tenant.id, &stream->tail.job, &arena, &job, &e);

	return found != 1 || job_state_is_final(job.state);
}

/* Whether it has ended is asked before the bytes are: what is written after that would be missed otherwise. */
static void fill(struct stream *stream)
{
	struct raw *const raw = stream->own;
	const bool ended = has_ended(stream);
	char bytes[STREAM_PIECE];
	const size_t n = tail_read(&stream->tail, raw->which, raw->offset, bytes, sizeof(bytes));

	raw->offset += n;
	str_add_bytes(&stream->pending, bytes, n);
	stream->is_over = !n && ended;
}

static void send_kept(struct request *request, unsigned which)
{
	struct tail tail = tail_of(request->front, request->tenant.id, &request->job);
	char bytes[SPOOL_SMALL];
	const ssize_t n = tail_small(&tail, which, 0, bytes, sizeof(bytes));
	OWN_FD int fd = n < 0 ? tail_open(&tail, which) : -1;

	if (fd >= 0)
		send_file(request, TAKE_FD(fd), NULL, NULL);
	else
		send_bytes(request, bytes, n < 0 ? 0 : (size_t)n);
	tail_done(&tail);
}

static void answer(struct request *request, unsigned which)
{
	struct raw *const raw = arena_alloc(&request->arena, sizeof(*raw));
	bool follow;

	raw->which = which;
	if (!request_query_bool(request, "follow", &follow) || !request_job(request, NULL))
		return;
	if (follow) {
		if (stream_open(request, "application/octet-stream", fill, NULL, raw))
			request_header(request, "Content-Disposition", "attachment");
		return;
	}
	send_kept(request, which);
}

void api_output_stdout(struct request *request)
{
	answer(request, TAIL_OUT);
}

void api_output_stderr(struct request *request)
{
	answer(request, TAIL_ERR);
}

/* -- both -- */

struct both {
	struct mixed mixed;
	bool follow;
};

static void fill_both(struct stream *stream)
{
	struct both *const both = stream->own;
	const bool ended = !both->follow || has_ended(stream);
	char bytes[STREAM_PIECE];
	unsigned which;
	bool is_whole;
	const size_t n = mixed_peek(&both->mixed, &stream->tail, bytes, sizeof(bytes), &which, &is_whole);

	both->mixed.offsets[which] += n;
	str_add_bytes(&stream->pending, bytes, n);
	stream->is_over = !n && ended;
}

/* How long it is shows when it has been put together: there are no ranges of it. */
void api_output_combined(struct request *request)
{
	struct both *const both = arena_alloc(&request->arena, sizeof(*both));

	if (!request_query_bool(request, "follow", &both->follow) || !request_job(request, NULL) ||
	    !stream_open(request, "application/octet-stream", fill_both, NULL, both))
		return;
	request_header(request, "Content-Disposition", "attachment");
	request_header(request, "Accept-Ranges", "none");
}
