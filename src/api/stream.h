/* An answer that grows, with its job or with what the whole service tells. Its reader is never waited for: what it has not taken yet lies in the job's files,
 * not in memory; while there is nothing new its connection is suspended. */
#pragma once

#include "api/request.h"
#include "api/tail.h"

#define STREAMS_MAX   2048
#define STREAM_PIECE  16384     /* bytes of an output at once */

/* What a stream is woken by. */
enum stream_topic { STREAM_JOB, STREAM_OVERVIEW, STREAM_ALERTS, STREAM_TOPICS };

struct stream;
/* Appends what there is to `pending`, or sets is_over. Called when everything before was taken. */
typedef void stream_fill(struct stream *stream);
/* Appends something that keeps the connection alive; NULL: nothing can be said. */
typedef void stream_beat(struct stream *stream);

struct stream {
	struct stream *next, **at;
	struct request *request;
	struct watcher watcher;
	enum stream_topic topic;
	struct tail tail;       /* of a job's */
	struct str pending;
	size_t sent;
	stream_fill *fill;
	stream_beat *beat;
	uint64_t follower, spoke_us;
	bool is_paused, is_over;
	void *own;              /* in the request's arena */
};

/* Answers the request, whose job is known, with a stream; or that there are too many. */
struct stream *stream_open(struct request *request, const char *type, stream_fill *fill, stream_beat *beat, void *own);

/* The same for a topic that is no job's. */
struct stream *stream_open_on(struct request *request, enum stream_topic topic, const char *type, stream_fill *fill,
			      stream_beat *beat, void *own);
/* Appends a server-sent event; the second takes the whole object and frees it. data  one line, as JSON is */
void stream_put(struct stream *stream, const char *id, const char *kind, const char *data, size_t len);
void stream_put_numbered(struct stream *stream, uint64_t id, const char *kind, struct json *json);
/* Appends a comment, which every reader of events passes over. */
stream_beat stream_still_here;
/* There is something new on it: whoever listens is asked to fill. */
void streams_wake(struct front *front, enum stream_topic topic);

/* For the loop, now and then: beats, and ends streams of jobs that were removed and of keys that have ended. */
void streams_beat(struct front *front);
/* All of them end; what they have not said is asked for again. */
void streams_end(struct front *front);
