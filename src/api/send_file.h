/* A file as an answer, whole or in part. */
#pragma once

#include "api/request.h"

/* Takes fd; -1 is a file without bytes. Honours Range; `name` (a client's or a guest's word) is offered for saving,
 * `etag` is quoted. Both may be NULL. */
void send_file(struct request *request, int fd, const char *name, const char *etag);

/* The same of bytes, which are copied. */
void send_bytes(struct request *request, const char *bytes, size_t len);
