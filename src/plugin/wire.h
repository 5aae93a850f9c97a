/* What host and worker say to each other: frames over a stream socket. Each side knows before it reads how long a
 * part may be, and reads no further when it is longer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WIRE_PARTS 3

enum wire_kind {
	WIRE_HELLO = 1, /* host: struct wire_hello, the module, the embedder's function names, each with a NUL */
	WIRE_READY,     /* worker: enum wire_end; why */
	WIRE_CALL,      /* host: bits of enum wire_call; function, input, snapshot */
	WIRE_ASK,       /* worker: number of an embedder's function; input. In the low half of word: room for the answer */
	WIRE_ANSWER,    /* host: length, or -1; bytes */
	WIRE_DONE,      /* worker: enum wire_end; why, output, journal */
};

/* How a call ended, or a module's start. */
enum wire_end { WIRE_OK, WIRE_REFUSED, WIRE_TRAP, WIRE_CPU, WIRE_CALLS, WIRE_ARGUMENT, WIRE_ENDS };

/* The exit code of a worker whose engine did not stop when limits.cpu was reached. */
#define WIRE_STUCK 113

/* WIRE_CALL, bits: there is a snapshot, else the worker's own copy is what the host has; the function is (address,
 * length) -> both, else () -> nothing. */
enum wire_call { WIRE_SNAPSHOT = 1, WIRE_TAKES_INPUT = 2 };

struct wire_hello {
	uint64_t memory_pages, cpu_us, calls, input, output;
	uint64_t keys, bytes, value, log;
	uint32_t grants, fresh, n_functions, zero;
};

struct wire_frame {
	uint32_t kind;
	int32_t word;           /* as the kind says */
	uint32_t len[WIRE_PARTS];
	const void *part[WIRE_PARTS];
};

/* One end of the socket, and what was read ahead. */
struct wire {
	int fd;
	uint8_t *bytes;         /* of the frame that was read last */
	size_t cap;
};
#define WIRE_NONE ((struct wire){ .fd = -1 })
void wire_done(struct wire *wire);

/* Sends one frame. until_us as of loop_now_us(), 0: for ever.
 * Errors: ERR_SYSTEM with sys = EPIPE when the other side is gone, ERR_LIMIT at the deadline */
MUST_USE int wire_send(struct wire *wire, const struct wire_frame *frame, uint64_t until_us, struct err *e);

/* Receives one frame; its parts are borrowed until the next one.
 *
 * most  bytes of each part
 * Errors: as above; ERR_USAGE: it is no frame, or larger */
MUST_USE int wire_receive(struct wire *wire, const uint64_t most[WIRE_PARTS], struct wire_frame *out, uint64_t until_us,
			  struct err *e);
