/* What a guest of an engine sends (isolate/channel.def), in pieces as they come: a reader of its owner's keeps no whole
 * frame, so a guest that announces megabytes costs no more memory than one that prints a line. Pure; every byte is
 * hostile. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isolate/channel.h"
#include "serve/frame.h"

/* Where in a frame the bytes are. All zero is before the first. */
struct guest_place {
	bool is_inside;
	enum guest_kind kind;
	uint32_t left;
};

struct guest_piece {
	enum guest_kind kind;   /* STDOUT, STDERR, RESULT: any part of it; ERROR: the whole */
	const char *bytes;      /* len of them, borrowed until the next call; may be none at the end of a frame */
	size_t len;
	bool is_last;           /* of its frame */
};

/* Takes the next piece. Returns 1, 0 when none is there yet, -1 for bytes that no guest sends which got its input up
 * front and serves nobody. */
int guest_piece_take(struct frame_reader *reader, struct guest_place *place, struct guest_piece *out);
