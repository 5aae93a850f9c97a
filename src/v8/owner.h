/* The owner of guests in their own box: gives them frames, passes on what they write, and learns how they ended from
 * the kernel. Every byte of theirs is hostile. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "isolate/channel.h"
#include "v8/guest_job.h"

struct owner {
	const struct guest_job *job;
	struct nursery nursery;
	struct guest_writer frames;     /* sources and words, up to GUEST_RUN: the same for every guest */
};

/* What one guest said, until the end of its channel. */
struct owner_heard {
	bool ready;             /* it serves now, and its channel is open */
	bool done;              /* it has said what is its last word when it answers a request */
	bool failed;            /* why is set */
	struct guest_why why;
	char *result;           /* JSON, len bytes, allocated; NULL: none */
	size_t len;
};
void owner_heard_done(struct owner_heard *heard);

/* Takes frames until the channel ends or the guest is ready. -1: what it sent could not be understood. Where standard
 * input is requests and standard output their answers, the console goes to standard error and ward.input is nothing. */
MUST_USE int owner_hear(const struct owner *owner, int fd, struct owner_heard *heard, struct err *e);

/* Reads once, and takes the frames that are whole then. Returns 1, 0 at the end of the channel, -1 as above. */
MUST_USE int owner_hear_some(const struct owner *owner, int fd, struct guest_reader *reader, struct owner_heard *heard,
			     struct err *e);

/* "file:line:column: text", without bytes that steer a terminal. */
void owner_put_why(const struct owner *owner, const struct guest_why *why, char *out, size_t cap);

/* Words of the environment and the command line, behind the sources. */
MUST_USE int owner_put_words(const struct owner *owner, struct guest_writer *out, enum guest_run run, struct err *e);

/* Waits for a guest that has closed its channel, or that was killed. Returns its pid. */
MUST_USE pid_t owner_reap(int *status, struct err *e);
