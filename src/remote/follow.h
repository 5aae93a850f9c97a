/* A job's events from its beginning to its end, across connections that break. */
#pragma once

#include <jansson.h>

#include "remote/event.h"
#include "remote/service.h"

/* Takes one event; -1 with the reason in e ends the following. */
typedef int follow_event(void *at, const struct event *event, struct err *e);

/* Hands on every event once, in order, and returns the job as it ended, which json_decref() releases. The stream is
 * asked again behind the last event that came. What the job was in the end, it is asked itself.
 *
 * Errors: what service_ask() says, what `take` says; ERR_CONFLICT "interrupted" when service->waits() gave up */
MUST_USE int follow_job(struct service *service, const char *id, follow_event *take, void *at, json_t **out, struct err *e);

/* Waits for the end without events. */
MUST_USE int follow_end(struct service *service, const char *id, json_t **out, struct err *e);
