/* libmicrohttpd's callbacks. It never sees a form, never starts a thread, and never waits: its epoll descriptor is a
 * slot of our loop, and who waits for a job is suspended. Deadlines that it does not have are kept here: a client that
 * sends a byte now and then is shut down all the same. */
#include "api/http.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "api/admit.h"
#include "api/inner.h"

#define POOL_BYTES     (24 << 10)       /* of a connection: head, answer's head, a piece of a body */
#define IDLE_S         60               /* without a byte, while an answer is sent */
#define HEAD_US        15000000         /* for a whole head, and between two requests */
#define BODY_US        30000000         /* for a whole body, and for each BODY_RATE bytes a second more */
#define BODY_RATE      65536
#define SWEEP_US       1000000

/* One connection. */
struct client {
	struct client *next, **at;
	struct MHD_Connection *connection;
	uint64_t due_us;        /* shut down then; 0: not ours to say */
};

static void client_begin(struct front *front, struct MHD_Connection *connection, void **context)
{
	struct client *const client = mem_alloc(sizeof(*client));

	client->connection = connection;
	client->due_us = loop_now_us() + HEAD_US;
	client->next = front->clients;
	client->at = &front->clients;
	if (front->clients)
		front->clients->at = &client->next;
	front->clients = client;
	*context = client;
}

static void client_end(void **context)
{
	struct client *const client = *context;

	if (!client)
		return;
	*client->at = client->next;
	if (client->next)
		client->next->at = client->at;
	free(client);
	*context = NULL;
}

static void on_connection(void *at, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		client_begin(at, connection, context);
	else
		client_end(context);
}

static struct client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void sweep(void *at)
{
	struct front *const front = at;
	const uint64_t now = loop_now_us();

	for (struct client *client = front->clients; client; client = client->next) {
		const union MHD_ConnectionInfo *info;

		if (!client->due_us || client->due_us > now)
			continue;
		info = MHD_get_connection_info(client->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
		client->due_us = 0;
	}
	loop_set_alarm(&front->loop, front->sweep_alarm, now + SWEEP_US);
}

/* -- requests -- */

static void on_completed(void *at, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code)
{
	struct request *const request = *context;

	(void)at;
	(void)connection;
	if (!request)
		return;
	if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK && !request->answer)
		request->status = 499; /* it went away before there was an answer */
	request_log(request);
	if (request->client)
		request->client->due_us = loop_now_us() + HEAD_US;
	request_free(request);
	*context = NULL;
}

static struct request *request_new(struct front *front, struct MHD_Connection *connection, const char *method, const char *url)
{
	struct request *const request = mem_alloc(sizeof(*request));
	const struct store_id id = store_id_new();

	request->front = front;
	request->connection = connection;
	request->client = client_of(connection);
	request->began_us = loop_now_us();
	request->is_head = !strcmp(method, "HEAD");
	request->method = arena_copy(&request->arena, method, strnlen(method, 16));
	request->path = arena_copy(&request->arena, url, strnlen(url, ROUTE_PATH_MAX));
	store_id_write(&id, request->id);
	front->requests++;
	return request;
}

static enum MHD_Result queue(struct request *request)
{
	if (request->client)
		request->client->due_us = 0;
	return MHD_queue_response(request->connection, request->status, request->answer);
}

static enum MHD_Result begin(struct request *request, const char *method, const char *url)
{
	struct client *const client = request->client;

	if (request->front->is_ending)
		request_fail_for(request, "shutting_down", 2000, "the service is ending; try again");
	if (request->answer || !admit_head(request, method, url) ||
	    (request->route->flags & ROUTE_SINK && !upload_begin(request))) {
		/* The body is not read: who wants to go on has to connect again. */
		if (request->body_len)
			request_header(request, "Connection", "close");
		return queue(request);
	}
	if (client)
		client->due_us = request->body_len ? loop_now_us() + BODY_US + request->body_len * 1000000 / BODY_RATE : 0;
	request->body.max = request->body_len ? request->body_len : 1;
	return MHD_YES;
}

static enum MHD_Result take(struct request *request, const char *bytes, size_t len)
{
	if (request->route->flags & ROUTE_SINK) {
		if (!request->answer)
			upload_take(request, bytes, len);
		return MHD_YES;
	}
	str_add_bytes(&request->body, bytes, len);
	return request->body.cut ? MHD_NO : MHD_YES;
}

static enum MHD_Result finish(struct request *request)
{
	if (request->client)
		request->client->due_us = 0;
	if (!request->answer && !request->is_begun) {
		request->is_begun = true;
		request->route->handle(request);
	}
	if (request->answer)
		return queue(request);
	request->is_suspended = true;
	MHD_suspend_connection(request->connection);
	return MHD_YES;
}

static enum MHD_Result on_access(void *at, struct MHD_Connection *connection, const char *url, const char *method,
				 const char *version, const char *upload, size_t *upload_len, void **context)
{
	struct request *request = *context;

	(void)version;
	if (!request) {
		*context = request = request_new(at, connection, method, url);
		return begin(request, method, url);
	}
	if (*upload_len) {
		const size_t len = *upload_len;

		*upload_len = 0;
		return take(request, upload, len);
	}
	return finish(request);
}

/* Texts are decoded where they are used, once and strictly (url.h). */
static size_t leave_encoded(void *at, struct MHD_Connection *connection, char *text)
{
	(void)at;
	(void)connection;
	return strlen(text);
}

/* What libmicrohttpd has to say is about clients: its lines go into ours. */
__attribute__((format(printf, 2, 0))) static void on_log(void *at, const char *format, va_list args)
{
	struct front *const front = at;
	char text[256];

	vsnprintf(text, sizeof(text), format, args);
	log_say(&front->log, "debug", "http", text);
}

/* -- the daemon -- */

static void on_alarm(void *at)
{
	http_turn(at);
}

static void on_ready(void *at, short revents)
{
	(void)at;
	(void)revents; /* http_turn() comes after every turn */
}

int http_start(struct front *front, struct err *e)
{
	const struct front_options *const o = &front->options;
	const unsigned flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
			       (front->tls_cert ? MHD_USE_TLS : 0);
	const struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, front->tls_cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, front->tls_key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE" },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	const union MHD_DaemonInfo *info;

	front->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_access, front,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, front,
		MHD_OPTION_LISTEN_SOCKET, (MHD_socket)front->listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, o->connections,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->connections_each,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
		MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)4096,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, front,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, front,
		MHD_OPTION_ARRAY, front->tls_cert ? tls : none,
		MHD_OPTION_END);
	info = front->daemon ? MHD_get_daemon_info(front->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info || info->epoll_fd < 0)
		return err_set(e, ERR_SYSTEM, "the HTTP server does not start%s",
			       front->tls_cert ? "; are certificate and key PEM files that belong together?" : "");
	front->http_alarm = loop_add_alarm(&front->loop, on_alarm, front);
	front->sweep_alarm = loop_add_alarm(&front->loop, sweep, front);
	loop_watch(&front->loop, loop_add(&front->loop, on_ready, front), info->epoll_fd, POLLIN);
	sweep(front);
	return 0;
}

void http_turn(struct front *front)
{
	MHD_UNSIGNED_LONG_LONG ms;

	do
		MHD_run(front->daemon);
	while (inner_turn(front)); /* what it answered may have resumed a connection */
	loop_set_alarm(&front->loop, front->http_alarm,
		       MHD_get_timeout(front->daemon, &ms) == MHD_YES ? loop_now_us() + ms * 1000 + 1 : 0);
}

void http_quiet(struct front *front)
{
	/* The listening socket is then ours again: main() closes it. */
	(void)MHD_quiesce_daemon(front->daemon);
}

void http_stop(struct front *front)
{
	if (front->daemon)
		MHD_stop_daemon(front->daemon);
	front->daemon = NULL;
}
