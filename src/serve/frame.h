/* What the front and the program in the box (`ward-step`) say to each other, over two pipes: frames of a
 * fixed head and at most FRAME_MAX bytes. Neither side believes the other: frame_take() bounds length and
 * kind, and struct frame_order knows which frame may follow which. Pure.
 *
 *   front -> step   [ENV | FILE DATA* | STEP DATA* | OUTPUT | RESIZE | KEEP]*  GO  [(STDIN | RESIZE)* STDIN_END]
 *   step -> front   READY  [STARTED (STDOUT | STDERR)* ENDED [PRODUCT DATA*]]*  [ARTIFACT DATA* | LEFT_OUT]*  DONE
 *                   FAULT may stand for everything behind READY: what the front asked for could not be done */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FRAME_MAX 65536u
#define FRAME_STEPS_MAX 16
#define STEP_BROKEN 125         /* ward-step's exit code when it cannot go on */

enum frame_kind {
	FRAME_NONE,
	/* to the step */
	FRAME_ENV,              /* "NAME=VALUE" */
	FRAME_FILE,             /* flag: FRAME_EXECUTABLE; the path; its bytes follow as DATA */
	FRAME_STEP,             /* flag: FRAME_PARKED, FRAME_FEED, FRAME_TTY; argv, each word terminated; stdin follows as DATA */
	FRAME_OUTPUT,           /* struct frame_output, then the pattern */
	FRAME_GO,               /* struct frame_go */
	FRAME_STDIN, FRAME_STDIN_END,
	FRAME_RESIZE,           /* struct frame_resize: of the terminals of steps with FRAME_TTY */
	FRAME_KEEP,             /* struct frame_keep, then a file's name: it is sent behind that step, if it went well */
	/* both ways */
	FRAME_DATA,
	/* from the step */
	FRAME_READY,            /* flag: 1 when the interpreter is parked */
	FRAME_STARTED,          /* struct frame_started */
	FRAME_STDOUT,
	FRAME_STDERR,
	FRAME_ENDED,            /* struct frame_ended */
	FRAME_PRODUCT,          /* flag: FRAME_EXECUTABLE; what KEEP named; its bytes follow as DATA */
	FRAME_ARTIFACT,         /* the path, relative; its bytes follow as DATA */
	FRAME_LEFT_OUT,         /* flag: enum frame_left; the path */
	FRAME_DONE,
	FRAME_FAULT,            /* flag: 1 when there is no room for the files; a sentence */
	FRAME_KINDS
};

enum { FRAME_EXECUTABLE = 1 };          /* of FILE */
enum {
	FRAME_PARKED = 1,               /* of STEP: for the parked interpreter; argv begins with the script */
	FRAME_FEED = 2,                 /* of STEP: STDIN frames follow the fixed input */
	FRAME_TTY = 4,                  /* of STEP: a terminal of its own instead of three pipes */
};
enum frame_left { FRAME_LEFT_KIND, FRAME_LEFT_SIZE, FRAME_LEFT_COUNT, FRAME_LEFT_UNREADABLE, FRAME_LEFT_NAME, FRAME_LEFTS };

struct frame_head {
	uint8_t kind, flag;
	uint16_t zero;
	uint32_t len;
};
struct frame_output {
	uint64_t max_bytes;
	uint32_t max_files, zero;
};
struct frame_keep {
	uint64_t most;                          /* bytes: a larger file is not sent */
	uint32_t step, zero;
};
struct frame_go {
	uint64_t stdout_bytes, stderr_bytes;    /* what is sent of each, all steps together; the rest is counted */
	uint32_t kills_on_output, zero;
};
struct frame_resize {
	uint16_t rows, cols;
};
struct frame_started {
	uint32_t step, zero;
};
struct frame_ended {
	uint32_t step;
	int32_t status;                         /* of wait(2) */
	uint64_t wall_us, user_us, system_us, rss_peak_bytes;
	uint64_t stdout_bytes, stderr_bytes;    /* written by this step, sent or not */
	uint32_t over_output, zero;             /* 1: it was killed for writing too much */
};

/* Whether a frame with this head may exist at all: known kind, flags and length of its kind. */
bool frame_head_is_sound(const struct frame_head *head);

/* Bytes as they come off a pipe, in pieces of any size. All zero is the empty one. */
struct frame_reader {
	size_t n;                               /* of `bytes` */
	size_t taken;
	char bytes[sizeof(struct frame_head) + FRAME_MAX];
};
struct frame {
	struct frame_head head;
	const char *bytes;                      /* head.len of them, borrowed until the next call */
};

/* Where to read to, and how much fits; then frame_filled() with what came. */
char *frame_space(struct frame_reader *reader, size_t *room);
void frame_filled(struct frame_reader *reader, size_t n);

/* Takes the next whole frame. Returns 1, 0 when there is none yet, -1 for bytes that are no frame. */
int frame_take(struct frame_reader *reader, struct frame *out);

/* Which frames may come now, one for each direction. */
enum frame_phase { FRAME_AT_START, FRAME_AT_INPUT, FRAME_AT_RUN, FRAME_AT_STEP, FRAME_AT_OUTPUT, FRAME_AT_END };
struct frame_order {
	enum frame_phase phase;
	bool takes_data;
	uint32_t n_steps, n_started;    /* n_steps: of frame_out_follows() the caller sets how many were sent */
};
/* True when this frame may follow the ones before; remembers it. Bounds counts, and checks payloads' shapes. */
bool frame_in_follows(struct frame_order *order, const struct frame *frame);
bool frame_out_follows(struct frame_order *order, const struct frame *frame);

/* Appends a frame to a buffer of the caller's, which has room for sizeof(struct frame_head) + len bytes.
 * Returns the bytes written. len <= FRAME_MAX. */
size_t frame_put(char *at, enum frame_kind kind, unsigned flag, const void *bytes, size_t len);
