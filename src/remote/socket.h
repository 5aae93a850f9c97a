/* The WebSocket of a job that is talked to, by libcurl's connection and wslay's frames. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "remote/http.h"

struct socket;

/* Bytes of the job, which 0 standard output, 1 standard error; -1 gives up. */
typedef int socket_output(void *at, unsigned which, const char *bytes, size_t len, struct err *e);

/* Connects and shakes hands. The path is that of GET /v1/jobs/{id}/io; `http` is borrowed for its setting.
 *
 * Errors: ERR_SYSTEM; what service_refusal() says */
MUST_USE int socket_open(struct http *http, const char *path, socket_output *output, void *at, struct socket **out, struct err *e);
void socket_free(struct socket *socket);

/* To wait for, with what it waits for: POLLIN, and POLLOUT while something is to be sent. */
int socket_fd(const struct socket *socket);
short socket_events(struct socket *socket);
/* False while what was given before is still here: then nothing more is to be given. */
bool socket_takes(struct socket *socket);

void socket_send_bytes(struct socket *socket, const void *bytes, size_t len);
void socket_send_eof(struct socket *socket);
void socket_send_size(struct socket *socket, unsigned rows, unsigned cols);

/* Moves what can be moved. Returns 1 when the job has ended and all was heard, 0 while it goes on.
 *
 * Errors: ERR_SYSTEM: the connection broke; what a callback said */
MUST_USE int socket_turn(struct socket *socket, struct err *e);
