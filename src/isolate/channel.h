/* Frames between a guest and its owner, on a stream socket of their own: four bytes of kind, four of length,
 * then the bytes. Either side may be hostile to the other's reader. Pure, but for read(2) and write(2). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "isolate/why.h"

/* GUEST(name, comes from the guest, most bytes of the frame): channel.def says what each is. */
enum guest_kind {
#define GUEST(name, from_guest, most) GUEST_##name,
#include "isolate/channel.def"
#undef GUEST
	GUEST_KINDS
};

enum guest_run {
	GUEST_RUN_ONCE,         /* the main source; a function that it exports as default is called with ward.input. Of a
				 * module, _start */
	GUEST_RUN_SERVE,        /* the main source, then a fork of this state for every GUEST_SERVE */
	GUEST_RUNS
};

#define GUEST_NAME_MAX 4096     /* of a module, with its NUL */
#define GUEST_MODULES_MAX 1024
#define GUEST_WORDS_MAX 4096    /* arguments, variables */

struct guest_frame {
	enum guest_kind kind;
	const char *bytes;      /* len of them, no NUL behind; borrowed until the next guest_read() */
	size_t len;
};

/* All zero is a reader at the beginning. */
struct guest_reader {
	char *bytes;
	size_t at, len, cap;
};
void guest_reader_done(struct guest_reader *reader);

/* Reads once. Returns 1 when bytes came, 0 at the end of the stream, which may be inside a frame: a peer that was
 * killed; -1 with sys = EAGAIN when none are there yet. */
MUST_USE int guest_read(struct guest_reader *reader, int fd, struct err *e);

/* The same where descriptors may come along: they are put behind the *n that fds has, close-on-exec. More than cap of
 * them are ERR_LIMIT, and then none is kept. */
MUST_USE int guest_read_fds(struct guest_reader *reader, int fd, int *fds, size_t cap, size_t *n, struct err *e);

/* Takes the next whole frame out. Returns 1, 0 when more must be read first, -1 (ERR_USAGE, ERR_LIMIT) for what
 * no peer sends: it is not listened to any more.
 *
 * from_guest  who is at the other end */
MUST_USE int guest_next(struct guest_reader *reader, bool from_guest, struct guest_frame *frame, struct err *e);

/* What waits to be written. All zero is empty. */
struct guest_writer {
	char *bytes;
	size_t at, len, cap;
};
void guest_writer_done(struct guest_writer *writer);

/* Append a frame. One that is longer than its kind may be is ERR_LIMIT, and nothing is appended.
 * guest_put_named: for kinds that have a name before their bytes. */
MUST_USE int guest_put(struct guest_writer *writer, enum guest_kind kind, const void *bytes, size_t len, struct err *e);
MUST_USE int guest_put_named(struct guest_writer *writer, enum guest_kind kind, const char *name, const void *bytes,
			     size_t len, struct err *e);

/* Writes what can be written. Returns 1 when nothing is left, 0 when the socket is full, -1. */
MUST_USE int guest_flush(struct guest_writer *writer, int fd, struct err *e);

/* Sends a GUEST_STREAMS with what shall be 0, 1 and 2 of a module, borrowed. The first thing on a channel: nothing may
 * wait to be written before it, and then there is room for it. */
MUST_USE int guest_send_streams(int fd, const int streams[3], struct err *e);

/* The two parts of a frame that has a name. False: there is none, or it is too long. */
bool guest_named(const struct guest_frame *frame, const char **name, const char **bytes, size_t *len);

/* What a GUEST_ERROR says. */
MUST_USE int guest_put_why(struct guest_writer *writer, const struct guest_why *why, struct err *e);
MUST_USE int guest_read_why(const struct guest_frame *frame, struct guest_why *out, struct err *e);
