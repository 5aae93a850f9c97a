/* The three standard streams of a box: pipes, or a terminal of its own, and the pumps between them
 * and ward's own streams. It shares no open file with the box but the pipes it made for it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "engine/pump.h"

enum stream { STREAM_IN, STREAM_OUT, STREAM_ERR, STREAMS };

/* Which of them are moved. */
enum streams_flow {
	STREAMS_REST,   /* no program yet: input it never reads is the next reader's, and who hears
			 * it may rely on ward knowing that it runs (a signal reaches it) */
	STREAMS_OUTPUT,
	STREAMS_ALL,
};

struct streams {
	int own[STREAMS];               /* ward's, borrowed; -1 = none */
	int box[STREAMS];               /* the box's ends until it has them; -1 = none */
	struct pump pumps[STREAMS];
	struct pump_budget budget;
	uint64_t drain_until;           /* budget.seen that ends a drain */
	int master_fd;                  /* of the box's terminal, borrowed from a pump; -1 = none */
	struct loop *loop;
	size_t slots[STREAMS], alarm;
};

/* Fills *streams in place (it is large). own[] as in struct run_request.
 *
 * cap   bytes of output that may be forwarded, UINT64_MAX = all
 * loop  borrowed while *streams lives: a slot for each stream and one alarm are added */
void streams_init(struct streams *streams, const int own[STREAMS], uint64_t cap, struct loop *loop);

/* Makes the pipes: box[] holds the box's ends, blocking, as programs expect them. A missing or
 * empty standard input is a pipe without a writer. When ward's output and error are one and the
 * same file, so are the box's: what it writes stays in order. */
MUST_USE int streams_open(struct streams *streams, struct err *e);

/* The same for a box whose input and output belong to others: both are taken over in any case. */
MUST_USE int streams_open_direct(struct streams *streams, int in_fd, int out_fd, struct err *e);

/* Closes the box's ends: it has them now. */
void streams_close_box(struct streams *streams);

/* Uses the master of a terminal instead of pipes; takes master_fd over in any case. */
MUST_USE int streams_use_terminal(struct streams *streams, int master_fd, struct err *e);

/* Tells the loop what to wait for; before each turn. */
void streams_watch(struct streams *streams, enum streams_flow flow);

/* For a box that is gone: stops the input, then forwards what it left behind. False when nothing is
 * left or nobody reads; true: a slow reader, so streams_watch() and another turn are needed. */
bool streams_drain(struct streams *streams);

/* Closes everything. */
void streams_done(struct streams *streams);
