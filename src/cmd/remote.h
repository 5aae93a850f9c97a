/* What the commands that talk to a service share: the connection, Ctrl-C, the terminal. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/tame.h"
#include "cmd/command.h"
#include "remote/event.h"
#include "remote/follow.h"
#include "remote/service.h"
#include "remote/setting.h"

enum { CODE_INTERRUPTED = 130 };        /* as a shell says it of SIGINT */

/* Where a stream of a job goes here. */
struct remote_out {
	int fd;
	bool is_tame;           /* it is a terminal, and was not asked for raw */
	struct tame tame;
};

struct remote {
	struct arena arena;
	struct setting setting;
	struct http *http;
	struct service service;
	struct remote_out out[2];       /* standard output, standard error */
	int signal_fd;
	unsigned interrupts;            /* Ctrl-C and SIGTERM so far */
	bool has_status;                /* a line on the terminal that is taken back before anything else is said */
	bool may_show;
	const char *doing;              /* what the line says; NULL: nothing */
	uint64_t began_us, shown_us;
};
#define REMOTE_NONE ((struct remote){ .signal_fd = -1 })
void remote_done(struct remote *remote);

/* Reads the rows of REMOTE_ROWS and the environment. Nothing is sent yet. From here on Ctrl-C is a number to be looked
 * at, and ends what waits.
 *
 * is_raw  a job's bytes go to a terminal as they are
 * Not to be moved afterwards: service->at points here. */
MUST_USE int remote_open(struct remote *remote, const struct args *args, bool is_raw, bool is_quiet, struct err *e);

/* What the line of progress says from now on, once a second: on a terminal, unless quiet. NULL takes it back. */
void remote_show(struct remote *remote, const char *doing);

/* Bytes of the job: which is 0 for standard output, 1 for standard error. */
MUST_USE int remote_write(struct remote *remote, unsigned which, const char *bytes, size_t len, struct err *e);
/* Both have ended. */
void remote_write_end(struct remote *remote);

/* One event of the job written here: its output, what was not kept of it, and the state for the line of progress.
 * A follow_event; `at` is the remote. */
int remote_take(void *at, const struct event *event, struct err *e);

/* "/v1/jobs/ID" and what is behind it; ERR_USAGE when the word is no id. */
MUST_USE int remote_job_path(const char *id, const char *rest, struct str *out, struct err *e);

/* Asks for the end of a job; the answer is the job, which json_decref() releases. */
MUST_USE int remote_cancel(struct remote *remote, const char *id, json_t **job, struct err *e);

/* Appends one line of JSON in ASCII alone: what a job's names hold does nothing to a terminal. */
void remote_add_json(const json_t *value, struct str *out);
