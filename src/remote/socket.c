/* Connection and handshake are libcurl's and a dozen lines here (RFC 6455, section 4.1); frames are wslay's. What comes
 * is the service's word: bounded, and read strictly. */
#include "remote/socket.h"

#include <curl/curl.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#include "base/mem.h"
#include "remote/field.h"
#include "remote/http_parts.h"
#include "remote/service.h"
#include "serve/base64.h"

#define HEAD_MAX    ((size_t)8192)
#define MESSAGE_MAX ((size_t)64 << 10)
#define PATIENCE_MS 30000

struct socket {
	struct http *http;
	int fd;
	wslay_event_context_ptr frames;
	char head[HEAD_MAX];            /* of the answer; behind it may be frames already */
	size_t head_len, head_at;
	socket_output *output;
	void *at;
	bool has_ended;
	struct err broken;
};

int socket_fd(const struct socket *socket)
{
	return socket->fd;
}

short socket_events(struct socket *socket)
{
	return POLLIN | (wslay_event_want_write(socket->frames) ? POLLOUT : 0);
}

bool socket_takes(struct socket *socket)
{
	return !wslay_event_want_write(socket->frames);
}

/* -- wslay's ends -- */

static ssize_t receive(wslay_event_context_ptr frames, uint8_t *bytes, size_t len, int flags, void *at)
{
	struct socket *const socket = at;
	const size_t left = socket->head_len - socket->head_at;
	CURLcode code;
	size_t n = 0;

	(void)flags;
	if (left) {
		n = left < len ? left : len;
		memcpy(bytes, socket->head + socket->head_at, n);
		socket->head_at += n;
		return (ssize_t)n;
	}
	code = curl_easy_recv(http_curl(socket->http), bytes, len, &n);
	if (code == CURLE_OK && n)
		return (ssize_t)n;
	wslay_event_set_error(frames, code == CURLE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t transmit(wslay_event_context_ptr frames, const uint8_t *bytes, size_t len, int flags, void *at)
{
	struct socket *const socket = at;
	size_t n = 0;
	const CURLcode code = curl_easy_send(http_curl(socket->http), bytes, len, &n);

	(void)flags;
	if (code == CURLE_OK)
		return (ssize_t)n;
	wslay_event_set_error(frames, code == CURLE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static int make_mask(wslay_event_context_ptr frames, uint8_t *bytes, size_t len, void *at)
{
	(void)at;
	if (getrandom(bytes, len, 0) == (ssize_t)len)
		return 0;
	wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

/* Only the end is of use here: states are asked for otherwise, and an error is what came too late. */
static void take_text(struct socket *socket, const char *text, size_t len)
{
	json_t *const root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	socket->has_ended |= root && strcmp(field_text(root, "type"), "end") == 0;
	json_decref(root);
}

static void arrived(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *message, void *at)
{
	struct socket *const socket = at;
	const char *const bytes = (const char *)message->msg;

	(void)frames;
	if (socket->broken.kind != ERR_NONE)
		return;
	if (message->opcode == WSLAY_TEXT_FRAME)
		take_text(socket, bytes, message->msg_length);
	else if (message->opcode == WSLAY_BINARY_FRAME && message->msg_length && (bytes[0] == 1 || bytes[0] == 2))
		(void)!socket->output(socket->at, (unsigned)bytes[0] - 1, bytes + 1, message->msg_length - 1, &socket->broken);
}

static const struct wslay_event_callbacks callbacks = {
	.recv_callback = receive, .send_callback = transmit, .genmask_callback = make_mask, .on_msg_recv_callback = arrived,
};

/* -- the handshake -- */

static int wait_for(const struct socket *socket, short events, struct err *e)
{
	struct pollfd one = { .fd = socket->fd, .events = events };

	return poll(&one, 1, PATIENCE_MS) == 1 ? 0 : err_set(e, ERR_SYSTEM, "the service does not answer");
}

static int send_all(struct socket *socket, const char *bytes, size_t len, struct err *e)
{
	while (len) {
		size_t n = 0;
		const CURLcode code = curl_easy_send(http_curl(socket->http), bytes, len, &n);

		if (code == CURLE_AGAIN && wait_for(socket, POLLOUT, e) < 0)
			return -1;
		if (code != CURLE_OK && code != CURLE_AGAIN)
			return err_set(e, ERR_SYSTEM, "the connection broke: %.120s", curl_easy_strerror(code));
		bytes += n;
		len -= n;
	}
	return 0;
}

/* Until the empty line; sets where the frames begin. */
static int read_head(struct socket *socket, struct err *e)
{
	const char *end;

	do {
		size_t n = 0;
		const CURLcode code = curl_easy_recv(http_curl(socket->http), socket->head + socket->head_len,
						     HEAD_MAX - 1 - socket->head_len, &n);

		if (code == CURLE_AGAIN && wait_for(socket, POLLIN, e) < 0)
			return -1;
		if ((code != CURLE_OK && code != CURLE_AGAIN) || (code == CURLE_OK && !n))
			return err_set(e, ERR_SYSTEM, "the connection broke before the service answered");
		socket->head_len += n;
		socket->head[socket->head_len] = '\0';
		end = strstr(socket->head, "\r\n\r\n");
	} while (!end && socket->head_len < HEAD_MAX - 1);
	if (!end)
		return err_set(e, ERR_SYSTEM, "the service's answer is no answer of HTTP");
	socket->head_at = (size_t)(end - socket->head) + 4;
	return 0;
}

static int shake_hands(struct socket *socket, const char *path, struct err *e)
{
	static const char switched[] = "HTTP/1.1 101 ";
	char raw[16], key[BASE64_LEN(sizeof(raw)) + 1];
	OWN(str) request = STR_NONE;

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		return err_sys(e, "getrandom");
	base64_write(raw, sizeof(raw), key);
	str_addf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
		 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", path, http_host(socket->http), http_key(socket->http), key);
	if (send_all(socket, str_text(&request), request.len, e) < 0 || read_head(socket, e) < 0)
		return -1;
	return strncmp(socket->head, switched, sizeof(switched) - 1) == 0 ? 0 :
	       err_set(e, ERR_CONFLICT, "the service opens no socket to the job: %.3s",
		       socket->head_len > 12 ? socket->head + 9 : "???");
}

int socket_open(struct http *http, const char *path, socket_output *output, void *at, struct socket **out, struct err *e)
{
	struct socket *const socket = mem_alloc(sizeof(*socket));

	*socket = (struct socket){ .http = http, .fd = -1, .output = output, .at = at, .broken = ERR_INIT };
	if (http_connect(http, &socket->fd, e) < 0 || shake_hands(socket, path, e) < 0) {
		socket_free(socket);
		return -1;
	}
	if (wslay_event_context_client_init(&socket->frames, &callbacks, socket) != 0)
		mem_fail();
	wslay_event_config_set_max_recv_msg_length(socket->frames, MESSAGE_MAX);
	*out = socket;
	return 0;
}

void socket_free(struct socket *socket)
{
	if (!socket)
		return;
	if (socket->frames)
		wslay_event_context_free(socket->frames);
	free(socket);
}

/* -- both ways -- */

static void give(struct socket *socket, uint8_t opcode, const void *bytes, size_t len)
{
	const struct wslay_event_msg message = { opcode, bytes, len };

	if (wslay_event_queue_msg(socket->frames, &message) != 0 && socket->broken.kind == ERR_NONE)
		err_set(&socket->broken, ERR_SYSTEM, "the service closed the socket of the job");
}

void socket_send_bytes(struct socket *socket, const void *bytes, size_t len)
{
	give(socket, WSLAY_BINARY_FRAME, bytes, len);
}

void socket_send_eof(struct socket *socket)
{
	static const char order[] = "{\"type\":\"eof\"}";

	give(socket, WSLAY_TEXT_FRAME, order, sizeof(order) - 1);
}

void socket_send_size(struct socket *socket, unsigned rows, unsigned cols)
{
	OWN(str) order = STR_NONE;

	str_addf(&order, "{\"type\":\"resize\",\"rows\":%u,\"cols\":%u}", rows, cols);
	give(socket, WSLAY_TEXT_FRAME, str_text(&order), order.len);
}

int socket_turn(struct socket *socket, struct err *e)
{
	const bool is_lost = wslay_event_recv(socket->frames) != 0 || wslay_event_send(socket->frames) != 0 ||
			     wslay_event_get_close_received(socket->frames);

	if (socket->broken.kind != ERR_NONE) {
		*e = socket->broken;
		return -1;
	}
	if (socket->has_ended)
		return 1;
	return is_lost ? err_set(e, ERR_SYSTEM, "the socket of the job broke; it goes on without it") : 0;
}
