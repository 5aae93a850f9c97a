/* Streams: woken by moves of the job (the store) and by bytes of it (the dispatcher), read by libmicrohttpd. */
#include "api/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/holder.h"
#include "serve/dispatch.h"

#define BEAT_US 15000000

static void resume(struct stream *stream)
{
	if (!stream->is_paused)
		return;
	stream->is_paused = false;
	MHD_resume_connection(stream->request->connection);
}

static void moved(struct watcher *watcher, const struct store_change *change)
{
	(void)change;
	resume(watcher->owner);
}

static void live(void *at, enum live kind, const char *bytes, size_t len, uint64_t offset)
{
	struct stream *const stream = at;

	(void)bytes;
	(void)len;
	(void)offset;
	if (kind == LIVE_END)
		stream->follower = 0;
	resume(stream);
}

/* Only a job that runs has somebody to listen to; before that the store's watch tells. */
static void listen_to_job(struct stream *stream)
{
	struct dispatch *const dispatch = stream->request->front->dispatch;

	if (!stream->follower && stream->topic == STREAM_JOB)
		stream->follower = dispatch_follow(dispatch, &stream->tail.job, live, stream);
}

static ssize_t read_stream(void *at, uint64_t offset, char *bytes, size_t max)
{
	struct stream *const stream = at;
	size_t n;

	(void)offset;
	if (stream->sent == stream->pending.len) {
		str_done(&stream->pending);
		stream->sent = 0;
		if (!stream->is_over)
			stream->fill(stream);
	}
	n = stream->pending.len - stream->sent;
	if (n) {
		n = n < max ? n : max;
		memcpy(bytes, stream->pending.at + stream->sent, n);
		stream->sent += n;
		stream->spoke_us = loop_now_us();
		return (ssize_t)n;
	}
	if (stream->is_over)
		return MHD_CONTENT_READER_END_OF_STREAM;
	listen_to_job(stream);
	stream->is_paused = true;
	MHD_suspend_connection(stream->request->connection);
	return 0;
}

static void stream_free(void *at)
{
	struct stream *const stream = at;
	struct front *const front = stream->request->front;

	if (stream->follower)
		dispatch_unfollow(front->dispatch, stream->follower);
	watch_end(&stream->watcher);
	tail_done(&stream->tail);
	str_done(&stream->pending);
	*stream->at = stream->next;
	if (stream->next)
		stream->next->at = stream->at;
	front->n_streams--;
	free(stream);
}

struct stream *stream_open_on(struct request *request, enum stream_topic topic, const char *type, stream_fill *fill,
			      stream_beat *beat, void *own)
{
	struct front *const front = request->front;
	struct MHD_Response *response;
	struct stream *stream;

	if (front->n_streams >= STREAMS_MAX) {
		request_fail_for(request, "too_many_streams", 5000, "%d streams are open", STREAMS_MAX);
		return NULL;
	}
	stream = mem_alloc(sizeof(*stream));
	*stream = (struct stream){ .request = request, .topic = topic, .fill = fill, .beat = beat, .own = own, .spoke_us = loop_now_us(),
				   .tail = tail_of(front, request->tenant.id, &request->job), .next = front->streams, .at = &front->streams };
	if (front->streams)
		front->streams->at = &stream->next;
	front->streams = stream;
	front->n_streams++;
	request->drop = stream_free;
	request->own = stream;
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_PIECE, read_stream, stream, NULL);
	if (!response)
		mem_fail();
	/* Else libmicrohttpd ends a body that HEAD does not have, and the client takes that for its next answer's beginning. */
	if (request->is_head)
		(void)MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	(void)MHD_add_response_header(response, "Content-Type", type);
	request_answer(request, MHD_HTTP_OK, response);
	request_header(request, "X-Accel-Buffering", "no");
	return stream;
}

struct stream *stream_open(struct request *request, const char *type, stream_fill *fill, stream_beat *beat, void *own)
{
	struct stream *const stream = stream_open_on(request, STREAM_JOB, type, fill, beat, own);

	if (!stream)
		return NULL;
	stream->watcher.wake = moved;
	stream->watcher.owner = stream;
	watch_begin(&request->front->watch, &stream->watcher, &request->job);
	return stream;
}

void stream_put(struct stream *stream, const char *id, const char *kind, const char *data, size_t len)
{
	str_addf(&stream->pending, "id: %s\nevent: %s\ndata: ", id, kind);
	str_add_bytes(&stream->pending, data, len);
	str_add(&stream->pending, "\n\n");
}

void stream_put_numbered(struct stream *stream, uint64_t id, const char *kind, struct json *json)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, id);
	stream_put(stream, text, kind, json_written(json), json->out.len);
	json_done(json);
}

void stream_still_here(struct stream *stream)
{
	str_add(&stream->pending, ": still here\n\n");
}

void streams_wake(struct front *front, enum stream_topic topic)
{
	for (struct stream *stream = front->streams; stream; stream = stream->next)
		if (stream->topic == topic)
			resume(stream);
}

/* Its job was removed. */
static bool is_orphan(const struct stream *stream)
{
	const struct request *const request = stream->request;
	OWN(arena) arena = { .total = 0 };
	struct err e = ERR_INIT;
	struct store_job job;

	return stream->topic == STREAM_JOB &&
	       store_job_get(request->front->store, request->tenant.id, &stream->tail.job, &arena, &job, &e) == 0;
}

void streams_beat(struct front *front)
{
	const uint64_t now = loop_now_us();
	struct holder_answer last = { .holds = false };

	for (struct stream *stream = front->streams; stream; stream = stream->next) {
		const struct holder holder = holder_of(stream->request);

		if (!holder_holds(front, &holder, &last)) {
			stream->is_over = true;
			resume(stream);
			continue;
		}
		if (!stream->is_paused || now - stream->spoke_us < BEAT_US)
			continue;
		if (is_orphan(stream))
			stream->is_over = true;
		else if (stream->beat)
			stream->beat(stream);
		resume(stream);
	}
}

void streams_end(struct front *front)
{
	for (struct stream *stream = front->streams; stream; stream = stream->next) {
		stream->is_over = true;
		resume(stream);
	}
}
