/* Moves bytes one way between ward's streams and the box's, and counts them. Never waits: it says
 * what to wait for. At most PUMP_BYTES are held, so a slow reader slows the program down and
 * nothing grows.
 *
 *   READ --bytes came--> WRITE --all gone--> READ        (WRITE may move on at once)
 *   any --end of file, reader gone--> closed
 *   any --EIO of a terminal--> asleep until wake_us --> as before */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PUMP_BYTES 65536
#define PUMP_NAP_US 100000

/* What several pumps may forward together. */
struct pump_budget {
	uint64_t left;          /* bytes that may still be forwarded; UINT64_MAX: no cap */
	uint64_t seen;          /* read so far, also beyond the cap */
	bool over;              /* more came than may be forwarded: it was read and dropped */
};

/* How an end can be used without waiting. Ward's own streams are shared with other programs, so
 * that O_NONBLOCK must not be set on them. */
enum pump_way {
	PUMP_PLAIN,     /* regular files, /dev/null: read(2) and write(2) return soon */
	PUMP_QUEUE,     /* a pipe or terminal whose open file is ours alone: O_NONBLOCK is set */
	PUMP_SOCKET,    /* MSG_DONTWAIT */
	PUMP_CAREFUL,   /* a shared one that could not be opened anew: small writes after POLLOUT */
};
struct pump_end {
	int fd;
	enum pump_way way;
	bool owned;             /* closed with the pump */
	bool is_pipe, is_terminal;
};
#define PUMP_NO_END ((struct pump_end){ .fd = -1 })

/* One of ward's own streams, looked at: fstat, and for pipes and terminals an open file of its own.
 * fd is borrowed. -1 gives PUMP_NO_END.
 *
 * flags  O_RDONLY or O_WRONLY
 * Errors: ERR_SYSTEM when it cannot be looked at: what it is decides how not to wait for it */
MUST_USE int pump_outer_end(int fd, int flags, struct pump_end *out, struct err *e);

/* Our end of a pipe or terminal of the box: owned (by the caller until it succeeds), set to
 * O_NONBLOCK. */
MUST_USE int pump_inner_end(int fd, bool is_terminal, struct pump_end *out, struct err *e);

/* Closes it if it is owned, and leaves PUMP_NO_END. */
void pump_end_done(struct pump_end *end);

struct pump {
	struct pump_end src, dst;       /* dst.fd -1: bytes are counted and dropped */
	struct pump_budget *budget;     /* NULL: neither counted nor capped */
	bool hang_up;                   /* a terminal gets its end-of-file character at the end */
	bool splices;                   /* pipe to pipe, without looking at the bytes */
	bool dst_full;                  /* wait for room, not for bytes */
	bool draining;                  /* "nothing there now" is the end: all writers are gone */
	bool failed;                    /* the destination's reader is gone, or it is full */
	bool ended, mid_line;
	uint64_t wake_us;               /* asleep until then, 0 = awake */
	size_t at, len;                 /* bytes[at, at + len) wait to be written */
	char bytes[PUMP_BYTES];
};

/* Takes both ends over. Bytes from ward's own files are always copied, never spliced: a page of the
 * host's page cache in a pipe that the box holds is what CVE-2022-0847 (Dirty Pipe) began with. */
void pump_init(struct pump *pump, struct pump_end src, struct pump_end dst,
	       struct pump_budget *budget);

/* Closes what it owns. Safe to call twice. */
void pump_done(struct pump *pump);

static inline bool pump_is_open(const struct pump *pump)
{
	return pump->src.fd >= 0;
}

/* The descriptor and events to wait for; fd -1 while asleep or closed. */
void pump_wants(const struct pump *pump, int *fd, short *events);

/* To be called when what it wants is there, or when wake_us has come: moves at most PUMP_BYTES.
 * Closes itself at the end. */
void pump_turn(struct pump *pump);
