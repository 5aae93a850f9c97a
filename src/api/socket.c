/* GET /v1/jobs/{id}/io. From the client: binary frames are standard input, text frames are orders ({"type":"eof"},
 * {"type":"signal","signal":"INT"},
 * {"type":"resize","rows":24,"cols":80}). To the client: binary frames begin with a byte, 1 for standard output and 2 for
 * standard error; text frames tell states, errors and the end. Nothing is kept for a client that does not read: output
 * stays in the job's files, and what a job does not read is not taken from the client. */
#include "api/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nettle/sha1.h>
#include <wslay/wslay.h>

#include "api/handlers.h"
#include "api/holder.h"
#include "api/request.h"
#include "api/signal_field.h"
#include "api/tail.h"
#include "serve/base64.h"
#include "serve/dispatch.h"
#include "serve/job_parts.h"

#define MESSAGE_MAX ((size_t)64 << 10)
#define QUEUE_MAX   ((size_t)64 << 10)
#define INPUT_MAX   (2 * MESSAGE_MAX + 8192)    /* less than a message, one more, and what wslay has read behind it */
#define EVENTS      64

struct socket_job {
	struct socket_job *next, **at;
	struct front *front;
	struct holder holder;
	uint64_t tenant, version, follower, offsets[TAILS];
	struct watcher watcher;
	struct tail tail;
	int fd;
	struct MHD_UpgradeResponseHandle *handle;
	wslay_event_context_ptr frames;
	char *extra;                    /* bytes that came with the request's head */
	size_t extra_at, extra_len;
	struct str input;               /* taken from the client, not by the job yet */
	bool is_due, is_broken, is_ending, input_ends;
	bool has_more;                  /* output that did not fit into wslay's queue */
};

/* -- wslay's ends -- */

static ssize_t receive(wslay_event_context_ptr frames, uint8_t *bytes, size_t len, int flags, void *at)
{
	struct socket_job *const s = at;
	ssize_t n;

	(void)flags;
	/* One call of wslay's takes all messages there are: what the job has not taken stays with the client. */
	if (s->input.len >= MESSAGE_MAX) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (s->extra_at < s->extra_len) {
		n = (ssize_t)(len < s->extra_len - s->extra_at ? len : s->extra_len - s->extra_at);
		memcpy(bytes, s->extra + s->extra_at, (size_t)n);
		s->extra_at += (size_t)n;
		return n;
	}
	n = recv(s->fd, bytes, len, MSG_DONTWAIT);
	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t transmit(wslay_event_context_ptr frames, const uint8_t *bytes, size_t len, int flags, void *at)
{
	struct socket_job *const s = at;
	const ssize_t n = send(s->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	(void)flags;
	if (n < 0)
		wslay_event_set_error(frames, errno == EAGAIN || errno == EINTR ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return n;
}

static void queue(struct socket_job *s, uint8_t opcode, const void *bytes, size_t len)
{
	const struct wslay_event_msg message = { opcode, bytes, len };

	s->is_broken |= wslay_event_queue_msg(s->frames, &message) != 0;
}

static void tell(struct socket_job *s, struct json *json)
{
	json_put_end(json);
	queue(s, WSLAY_TEXT_FRAME, json_written(json), json->out.len);
	json_done(json);
}

static void tell_error(struct socket_job *s, const char *code, const char *detail)
{
	struct json json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "type", "error");
	json_put_text(&json, "code", code);
	json_put_text(&json, "detail", detail);
	tell(s, &json);
}

/* -- orders -- */

struct order_in {
	int signal;             /* first: what signal_field() fills */
	bool is_eof, is_signal, is_resize;
	struct job_window window;
};

static int read_type(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct order_in *const order = into;
	const char *const word = json_is_string(value) ? json_string_value(value) : "";

	order->is_eof = !strcmp(word, "eof");
	order->is_signal = !strcmp(word, "signal");
	order->is_resize = !strcmp(word, "resize");
	return order->is_eof || order->is_signal || order->is_resize ? 0 :
	       fields_fault(r, at, "invalid_value", "must be eof, signal or resize");
}

static int read_side(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return job_part_side(r, at, value, &((struct order_in *)into)->window);
}

static void resize(struct socket_job *s, const struct job_window *window)
{
	if (!window->rows || !window->cols || !dispatch_resize(s->front->dispatch, &s->tail.job, window))
		tell_error(s, "job_not_interactive", "the job does not run now or has no terminal, or rows and cols are missing");
}

static void obey(struct socket_job *s, const char *text, size_t len)
{
	static const struct field fields[] = {
		{ "type", read_type }, { "signal", signal_field }, { "rows", read_side }, { "cols", read_side },
	};
	const struct pointer whole = { .up = NULL };
	OWN(arena) arena = { .total = 0 };
	struct order_in order = { .signal = 0 };
	struct job_fault fault;
	struct reading r = { &arena, &fault };
	json_t *const root = fields_parse(&r, text, len, JOB_VALUES);
	const bool is_fine = root && fields_read(&r, &whole, root, fields, ARRAY_SIZE(fields), &order) == 0;

	json_decref(root);
	if (!is_fine)
		tell_error(s, fault.code, fault.detail);
	else if (order.is_resize)
		resize(s, &order.window);
	else if (order.is_eof)
		s->input_ends = true;
	else if (order.is_signal && (!order.signal || !dispatch_signal(s->front->dispatch, &s->tail.job, order.signal)))
		tell_error(s, "job_not_interactive", "the job does not run now, or signal is missing");
}

static void arrived(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *message, void *at)
{
	struct socket_job *const s = at;

	(void)frames;
	if (message->opcode == WSLAY_BINARY_FRAME && !s->input_ends)
		str_add_bytes(&s->input, (const char *)message->msg, message->msg_length);
	else if (message->opcode == WSLAY_TEXT_FRAME)
		obey(s, (const char *)message->msg, message->msg_length);
	s->is_broken |= s->input.cut;
}

/* -- both ways -- */

static void drop_input(struct socket_job *s)
{
	str_done(&s->input);
	s->input_ends = false;
}

/* What was taken from the client, into the job. */
static void feed(struct socket_job *s, const struct store_job *job)
{
	ssize_t taken;

	if (!s->input.len && !s->input_ends)
		return;
	if (job->state < JOB_RUNNING)
		return; /* it waits until there is somebody to read it */
	taken = dispatch_stdin(s->front->dispatch, &s->tail.job, str_text(&s->input), s->input.len, s->input_ends);
	if (taken < 0) {
		tell_error(s, "job_not_interactive", "the job takes no input now");
		drop_input(s);
	} else if ((size_t)taken == s->input.len) {
		drop_input(s);
	} else {
		s->input.len -= (size_t)taken;
		memmove(s->input.at, s->input.at + taken, s->input.len);
	}
}

/* What receive() holds back stays in the kernel, and wait_for() hears of it there; but of what came with the head no
 * event tells. */
static void take_input(struct socket_job *s, const struct store_job *job)
{
	do {
		if (!s->input.len && wslay_event_recv(s->frames) != 0)
			s->is_broken = true;
		if (!s->is_broken && !s->is_ending)
			feed(s, job);
	} while (!s->is_broken && !s->input.len && s->extra_at < s->extra_len && wslay_event_want_read(s->frames));
}

static bool pull(struct socket_job *s, unsigned which)
{
	char bytes[16384 + 1];
	const size_t n = tail_read(&s->tail, which, s->offsets[which], bytes + 1, sizeof(bytes) - 1);

	if (!n)
		return false;
	bytes[0] = (char)(which + 1);
	s->offsets[which] += n;
	queue(s, WSLAY_BINARY_FRAME, bytes, n + 1);
	return true;
}

static void tell_state(struct socket_job *s, const struct store_job *job, const char *type)
{
	struct json json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "type", type);
	json_put_text(&json, "state", job_state_name(job->state));
	if (*job_reason_name(job->reason))
		json_put_text(&json, "reason", job_reason_name(job->reason));
	json_put_u64(&json, "version", job->version);
	tell(s, &json);
}

static void live(void *at, enum live kind, const char *bytes, size_t len, uint64_t offset)
{
	struct socket_job *const s = at;

	(void)bytes;
	(void)len;
	(void)offset;
	if (kind == LIVE_END)
		s->follower = 0;
	s->is_due = true;
}

static void moved(struct watcher *watcher, const struct store_change *change)
{
	(void)change;
	((struct socket_job *)watcher->owner)->is_due = true;
}

static void push(struct socket_job *s, const struct store_job *job)
{
	bool more = true;

	while (more && wslay_event_get_queued_msg_length(s->frames) < QUEUE_MAX) {
		const bool has_out = pull(s, TAIL_OUT), has_err = pull(s, TAIL_ERR);

		more = has_out || has_err;
	}
	if (job->version != s->version && !job_state_is_final(job->state))
		tell_state(s, job, "state");
	s->version = job->version;
	s->has_more = more;
	if (!more && job_state_is_final(job->state)) {
		tell_state(s, job, "end");
		s->is_ending = true;
	}
	if (!more && !s->follower && !s->is_ending)
		s->follower = dispatch_follow(s->front->dispatch, &s->tail.job, live, s);
}

static void socket_free(struct socket_job *s)
{
	if (s->follower)
		dispatch_unfollow(s->front->dispatch, s->follower);
	watch_end(&s->watcher);
	tail_done(&s->tail);
	str_done(&s->input);
	if (s->frames)
		wslay_event_context_free(s->frames);
	(void)epoll_ctl(s->front->socket_epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	(void)MHD_upgrade_action(s->handle, MHD_UPGRADE_ACTION_CLOSE);
	*s->at = s->next;
	if (s->next)
		s->next->at = s->at;
	s->front->n_sockets--;
	free(s->extra);
	free(s);
}

static void wait_for(struct socket_job *s)
{
	const bool reads = !s->input.len && wslay_event_want_read(s->frames);
	/* A queue that was full may be sent whole by now: what did not fit into it then moves when there is room for it. */
	const bool writes = s->has_more || wslay_event_want_write(s->frames);
	struct epoll_event event = { .data.ptr = s };

	event.events = (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0);
	s->is_broken |= epoll_ctl(s->front->socket_epoll_fd, EPOLL_CTL_MOD, s->fd, &event) < 0;
}

static void step(struct socket_job *s)
{
	OWN(arena) arena = { .total = 0 };
	struct err e = ERR_INIT;
	struct store_job job;

	s->is_due = false;
	if (!s->is_ending && store_job_get(s->front->store, s->tenant, &s->tail.job, &arena, &job, &e) != 1)
		s->is_broken = true;
	else
		take_input(s, &job);
	if (!s->is_broken && !s->is_ending)
		push(s, &job);
	if (!s->is_broken && wslay_event_send(s->frames) != 0)
		s->is_broken = true;
	/* wslay lets a close overtake what waits: it is asked for when nothing does. */
	if (!s->is_broken && s->is_ending && !wslay_event_want_write(s->frames)) {
		(void)wslay_event_queue_close(s->frames, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
		(void)wslay_event_send(s->frames);
		s->is_broken = true; /* nothing is left to say or to hear */
	}
	if (!s->is_broken && (wslay_event_want_read(s->frames) || wslay_event_want_write(s->frames)))
		wait_for(s);
	else
		s->is_broken = true;
	if (s->is_broken)
		socket_free(s);
}

void sockets_turn(struct front *front)
{
	struct epoll_event events[EVENTS];
	const int n = front->sockets ? epoll_wait(front->socket_epoll_fd, events, EVENTS, 0) : 0;
	struct socket_job *next;

	for (int i = 0; i < n; i++)
		((struct socket_job *)events[i].data.ptr)->is_due = true;
	for (struct socket_job *s = front->sockets; s; s = next) {
		next = s->next;
		if (s->is_due || s->input.len || s->input_ends)
			step(s);
	}
}

void sockets_beat(struct front *front)
{
	struct holder_answer last = { .holds = false };

	for (struct socket_job *s = front->sockets; s; s = s->next) {
		if (s->is_ending || holder_holds(front, &s->holder, &last))
			continue;
		drop_input(s);
		tell_error(s, "unauthenticated", "the key that this was opened with has ended");
		s->is_ending = s->is_due = true;
	}
}

void sockets_end(struct front *front)
{
	struct socket_job *next;

	for (struct socket_job *s = front->sockets; s; s = next) {
		next = s->next;
		(void)wslay_event_queue_close(s->frames, WSLAY_CODE_GOING_AWAY, NULL, 0);
		(void)wslay_event_send(s->frames);
		socket_free(s);
	}
}

/* -- the handshake -- */

static const struct wslay_event_callbacks callbacks = {
	.recv_callback = receive, .send_callback = transmit, .on_msg_recv_callback = arrived,
};

static void upgraded(void *at, struct MHD_Connection *connection, void *context, const char *extra, size_t extra_len,
		     MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
	struct socket_job *const s = at;
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = s };

	(void)connection;
	((struct request *)context)->own = NULL; /* from here on it is in the list */
	s->fd = fd;
	s->handle = handle;
	s->extra = mem_alloc(extra_len + 1);
	memcpy(s->extra, extra, extra_len);
	s->extra_len = extra_len;
	if (wslay_event_context_server_init(&s->frames, &callbacks, s) != 0)
		mem_fail();
	wslay_event_config_set_max_recv_msg_length(s->frames, MESSAGE_MAX);
	s->next = s->front->sockets;
	s->at = &s->front->sockets;
	if (s->next)
		s->next->at = &s->next;
	s->front->sockets = s;
	s->front->n_sockets++;
	(void)epoll_ctl(s->front->socket_epoll_fd, EPOLL_CTL_ADD, fd, &event);
	watch_begin(&s->front->watch, &s->watcher, &s->tail.job);
	s->is_due = true;
}

/* RFC 6455 section 4.2: version 13, and 16 bytes that come back hashed. False: answered. */
static bool check_handshake(struct request *request, char accept[BASE64_LEN(SHA1_DIGEST_SIZE) + 1])
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	const char *const upgrade = request_header_in(request, "Upgrade"), *const key = request_header_in(request, "Sec-WebSocket-Key");
	const char *const version = request_header_in(request, "Sec-WebSocket-Version");
	uint8_t digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx hash;
	char bytes[32], text[24 + sizeof(magic)];

	if (!upgrade || strcasecmp(upgrade, "websocket") || !version || strcmp(version, "13")) {
		request_fail(request, "upgrade_required", NULL, "this is a WebSocket of version 13");
		request_header(request, "Upgrade", "websocket");
		request_header(request, "Sec-WebSocket-Version", "13");
		return false;
	}
	if (!key || strlen(key) != 24 || base64_read(key, 24, bytes) != 16) {
		request_fail(request, "invalid_header", NULL, "Sec-WebSocket-Key must be the base64 of 16 bytes");
		return false;
	}
	memcpy(text, key, 24);
	memcpy(text + 24, magic, sizeof(magic));
	/* RFC 6455 section 4.2.2: it protects nothing here. */
	sha1_init(&hash);
	sha1_update(&hash, strlen(text), (const uint8_t *)text);
	sha1_digest(&hash, sizeof(digest), digest);
	base64_write(digest, sizeof(digest), accept);
	return true;
}

void api_socket_open(struct request *request)
{
	struct front *const front = request->front;
	char accept[BASE64_LEN(SHA1_DIGEST_SIZE) + 1];
	struct MHD_Response *response;
	struct socket_job *s;

	if (!request_job(request, NULL) || !check_handshake(request, accept))
		return;
	if (front->n_sockets >= SOCKETS_MAX || front->is_ending) {
		request_fail_for(request, "too_many_streams", 5000, "%d sockets are open", SOCKETS_MAX);
		return;
	}
	s = mem_alloc(sizeof(*s));
	*s = (struct socket_job){ .front = front, .holder = holder_of(request), .tenant = request->tenant.id, .fd = -1, .input = { .max = INPUT_MAX },
				  .tail = tail_of(front, request->tenant.id, &request->job) };
	s->watcher.wake = moved;
	s->watcher.owner = s;
	response = MHD_create_response_for_upgrade(upgraded, s);
	if (!response)
		mem_fail();
	(void)MHD_add_response_header(response, "Upgrade", "websocket");
	(void)MHD_add_response_header(response, "Sec-WebSocket-Accept", accept);
	request->own = s;
	request->drop = free; /* the connection may go before it is upgraded */
	request_answer(request, MHD_HTTP_SWITCHING_PROTOCOLS, response);
}
