/* WASI preview 1 for one guest, whatever engine runs it: a table of descriptors with rights, and the 46
 * calls as functions. Knows no engine, no policy and no path of the host; what it may reach it was given
 * as descriptors. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wasi/memory.h"

#define WASI_SLOTS 256

/* What a number of the guest stands for. */
struct wasi_slot {
	int fd;                 /* of the host; -1: free */
	uint8_t type;           /* enum wasi_filetype */
	uint8_t flags;          /* enum wasi_fdflag */
	uint32_t base, inheriting;      /* enum wasi_right: of this one, of what is opened through it */
	uint32_t granted;       /* inheriting rights of the preopen that it comes from */
	const char *name;       /* of a preopen; NULL: was opened, or is a stream. Borrowed */
	bool is_top;            /* the directory of a preopen, by whatever name: what is above it is outside */
};

/* Borrowed for the life of the guest. All zero: no argument, no variable, exact clocks, no bound. */
struct wasi_setup {
	const char *const *argv, *const *envp;  /* end with NULL; NULL: none */
	uint64_t clock_grain_ns;        /* clocks are rounded down to multiples of it */
	uint64_t poll_max_ns;           /* the longest wait in poll_oneoff(); 0 = no bound */
};

struct wasi {
	struct wasi_memory memory;      /* the engine sets it before each call */
	struct wasi_setup setup;
	struct wasi_slot slots[WASI_SLOTS];
	uint32_t next;                  /* where the search for a free number begins */
	uint64_t origin_ns;             /* the guest's monotonic clock counts from here */
	bool ended;                     /* by proc_exit(): the engine must not go on */
	uint32_t exit_code;
};

/* wasi_done() closes what is open. */
void wasi_init(struct wasi *w, const struct wasi_setup *setup);
void wasi_done(struct wasi *w);

/* A guest begins now, with the descriptors that were given before: its words, and its clock's beginning. */
void wasi_begin(struct wasi *w, const struct wasi_setup *setup);

/* Give the guest the next number. The descriptor is taken, also on failure.
 *
 * rights  enum wasi_right; what the descriptor cannot do is left out
 * name    what the guest calls the directory; borrowed
 * Errors: ERR_LIMIT (no number left); ERR_DENIED for a directory of procfs, sysfs or cgroup file systems
 * and for what is none; ERR_SYSTEM */
MUST_USE int wasi_add_stream(struct wasi *w, int fd, uint32_t rights, struct err *e);
MUST_USE int wasi_add_directory(struct wasi *w, int fd, const char *name, bool writes, struct err *e);

/* The calls. Each returns an enum wasi_errno; arguments as in the witx, addresses as numbers. */
#define P uint32_t
#define Q uint64_t
#define CALL(name, parameters, arguments, words) uint32_t wasi_##name parameters;
#include "wasi/calls.def"
#undef CALL
#undef Q
#undef P

/* The same by number, for engines that find them by name.
 *
 * words  one letter a parameter: 'i' 32 bits, 'I' 64 bits
 * call   arguments as 64-bit words, of which 32-bit parameters take the low half */
struct wasi_call {
	const char *name, *words;
	uint32_t (*call)(struct wasi *w, const uint64_t *arguments);
};
const struct wasi_call *wasi_call_at(uint32_t i);       /* NULL past the end */
const struct wasi_call *wasi_call_find(const char *name);
