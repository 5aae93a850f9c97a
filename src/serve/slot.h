/* A box in the front's eyes: three descriptors, what its runner said, and where on its one-way street it is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "serve/frame.h"
#include "serve/guest_piece.h"
#include "serve/order.h"
#include "serve/refusals.h"
#include "serve/series.h"

struct attempt;

enum slot_fd { SLOT_IN, SLOT_OUT, SLOT_CONTROL, SLOT_FDS };

struct slot {
	enum slot_state state;
	uint64_t box;                   /* never used twice */
	uint32_t class_index;
	uint64_t zygote;                /* of a guest: the box it is in; 0 = it is a box itself */
	uint64_t memory_bytes;          /* that the guest may have */
	bool is_guest;
	bool is_cold;                   /* built for one job, with its limits */
	bool is_told, is_ready, has_interpreter;        /* the runner said PARKED; the step READY; flag of READY */
	bool has_report, is_broken;     /* the runner said how it ended; what came out of the box were no frames */
	bool is_writing;                /* waits for room in its input */
	int fds[SLOT_FDS];
	uint64_t born_us, claimed_us, ended_us; /* ended: killed, or its runner said so */
	uint64_t due_us;                /* what it is waited for is late then; 0 = nothing */
	struct order_report parked, report;
	bool has_refusals;              /* the runner told of some, and nobody has looked */
	struct order_refusals *refusals;        /* what it said last; NULL: nothing */
	bool has_samples;               /* more of them than anybody was told of */
	struct series *series;          /* NULL: there is none yet */
	struct frame_order order;
	struct guest_place place;       /* of a guest's frames */
	struct frame_reader *reader;
	struct attempt *attempt;        /* that it was claimed for */
};

/* Moves along the street; another way is a bug. */
void slot_move(struct slot *slot, enum slot_state to);

/* Orders a box. The slot must be free; on failure it stays so.
 *
 * epoll_fd, tag  its descriptors are waited for with tag + enum slot_fd
 * Errors: ERR_SYSTEM */
MUST_USE int slot_build(struct slot *slot, int launcher_fd, int epoll_fd, uint64_t tag, const struct order *order,
			struct err *e);

/* The same for a guest: zygote_fd is its zygote's. One descriptor is both ways then, SLOT_OUT. */
MUST_USE int slot_build_guest(struct slot *slot, int zygote_fd, int epoll_fd, uint64_t tag, const struct order *order,
			      struct err *e);

/* One word to its runner; a runner that is gone is heard of elsewhere. */
void slot_say(struct slot *slot, enum order_kind kind, uint64_t n, uint64_t m);

/* Reads what the runner says. False: nothing more will come from it. */
bool slot_hear(struct slot *slot);

/* Reads from the box once. Returns 1, 0 when nothing is there, -1 at its end or after bytes that are no frames. */
int slot_read(struct slot *slot);
/* The next frame, checked for its turn; false when none is whole, or is_broken. */
bool slot_next(struct slot *slot, struct frame *out);
/* The same of a guest: a piece of one. */
bool slot_next_piece(struct slot *slot, struct guest_piece *out);

/* Closes one of its descriptors, all of them and the rest. */
void slot_close(struct slot *slot, enum slot_fd which);
void slot_done(struct slot *slot);

/* Nothing of it can move any more: its runner and its output are at their ends. */
static inline bool slot_is_over(const struct slot *slot)
{
	return slot->fds[SLOT_CONTROL] < 0 && slot->fds[SLOT_OUT] < 0;
}
