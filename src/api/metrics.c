/* A second HTTP server in the same loop, that knows one path. It has few connections, and none of the first one's: a
 * service whose clients have taken all of theirs can still be looked at. */
#include "api/metrics.h"

#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admit.h"
#include "api/listen.h"
#include "base/fd.h"

#define CONNECTIONS 16
#define IDLE_S      10

struct metrics {
	struct listening at;
	struct MHD_Daemon *daemon;
	size_t alarm;
};

int metrics_open(struct front *front, struct err *e)
{
	const char *const text = front->options.metrics;
	struct metrics *metrics;

	if (!text)
		return 0;
	metrics = front->metrics = mem_alloc(sizeof(*metrics));
	metrics->at.fd = -1;
	if (listen_at("metrics", text, &metrics->at, e) < 0)
		return -1;
	if (!metrics->at.is_unix && !metrics->at.is_loopback && !front->options.is_behind_proxy)
		return err_set(e, ERR_DENIED, "--metrics %.60s can be reached by others, and asks nobody for a key: listen on "
			       "127.0.0.1 or unix:PATH, or say --behind-proxy", text);
	return 0;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *text, size_t len)
{
	struct MHD_Response *const response =
		MHD_create_response_from_buffer(len, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		mem_fail();
	(void)MHD_add_response_header(response, "Content-Type", status == 200 ? "text/plain; version=0.0.4; charset=utf-8"
										 : "text/plain; charset=utf-8");
	(void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	(void)MHD_add_response_header(response, "Cache-Control", "no-store");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *why)
{
	return answer(connection, status, why, strlen(why));
}

static enum MHD_Result on_access(void *at, struct MHD_Connection *connection, const char *url, const char *method,
				 const char *version, const char *upload, size_t *upload_len, void **context)
{
	struct front *const front = at;
	const char *const host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;

	(void)version;
	(void)upload;
	if (!*context) { /* the head; a body is dropped, a piece at a time */
		*context = front;
		return MHD_YES;
	}
	if (*upload_len) {
		*upload_len = 0;
		return MHD_YES;
	}
	if (!admit_host(front, front->metrics->at.is_loopback, host))
		return refuse(connection, 421, "This Host is not served here.\n");
	if (strcmp(url, "/metrics"))
		return refuse(connection, 404, "There is /metrics.\n");
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return refuse(connection, 405, "GET it.\n");
	if (metrics_show(front, &text, &e) < 0) {
		log_say(&front->log, "error", "metrics", e.text);
		return refuse(connection, 503, "The store cannot be read now.\n");
	}
	return answer(connection, 200, str_text(&text), text.len);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *at, const char *format, va_list args)
{
	(void)at;
	(void)format;
	(void)args;
}

static void on_due(void *at)
{
	metrics_turn(at);
}

static void on_ready(void *at, short revents)
{
	(void)at;
	(void)revents; /* metrics_turn() comes after every turn */
}

int metrics_start(struct front *front, struct err *e)
{
	struct metrics *const metrics = front->metrics;
	const union MHD_DaemonInfo *info;

	if (!metrics)
		return 0;
	metrics->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, front,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, (MHD_socket)metrics->at.fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16 << 10,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_END);
	info = metrics->daemon ? MHD_get_daemon_info(metrics->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info || info->epoll_fd < 0)
		return err_set(e, ERR_SYSTEM, "the server of --metrics does not start");
	metrics->alarm = loop_add_alarm(&front->loop, on_due, front);
	loop_watch(&front->loop, loop_add(&front->loop, on_ready, front), info->epoll_fd, POLLIN);
	metrics_turn(front);
	return 0;
}

void metrics_turn(struct front *front)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (!front->metrics || !front->metrics->daemon)
		return;
	MHD_run(front->metrics->daemon);
	loop_set_alarm(&front->loop, front->metrics->alarm,
		       MHD_get_timeout(front->metrics->daemon, &ms) == MHD_YES ? loop_now_us() + ms * 1000 + 1 : 0);
}

void metrics_stop(struct front *front)
{
	struct metrics *const metrics = front->metrics;

	if (!metrics)
		return;
	if (metrics->daemon)
		MHD_stop_daemon(metrics->daemon); /* closes its socket */
	else
		fd_close(metrics->at.fd);
	free(metrics);
	front->metrics = NULL;
}

void metrics_say(const struct front *front)
{
	const char *const text = front->options.metrics, *const colon = text ? strrchr(text, ':') : NULL;

	if (!text)
		return;
	if (front->metrics->at.is_unix)
		printf("ward serve: metrics on %s\n", text);
	else
		printf("ward serve: metrics on http://%.*s:%u/metrics\n", (int)(colon - text), text, front->metrics->at.port);
}
