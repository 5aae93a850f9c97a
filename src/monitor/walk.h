/* What the walkers of the three sides share. Private to monitor/. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/plan.h"
#include "monitor/monitor.h"

/* Written by the program's process, read by the first one when that has executed or ended. */
struct shared {
	uint64_t layers;
	int listener;           /* 0 = none */
	int exec_errno;         /* of the last execve that failed */
	int failed;             /* err says why, nothing was executed */
	struct err err;
};

struct walk {
	const struct plan *plan;
	int *fds;
	int go_fd, note_fd;     /* the keeper's go-ahead; the channel to ward */
	int root_fd, rules_fd, tty_fd;
	bool has_loopback;      /* the keeper has made the network and brought it up */
	bool own_pids;          /* this box has a PID namespace: its first process's end is everybody's */
	bool attached, root_side;       /* root_side: the keeper has made copies of the binds already */
	uint64_t layers;
	struct shared *shared;
	void *lists;            /* of the program's words, made by its process: the first one's as well when they share memory */
	size_t lists_bytes;
};

typedef int (*walk_fn)(struct walk *walk, const struct step *step, struct err *e);

/* Runs the steps of a side in order by the table; stops at the first that fails. */
MUST_USE int walk_side(struct walk *walk, enum plan_side side, const walk_fn *table, struct err *e);

/* The first process of a box: everything from the go-ahead to the end. Does not return. */
_Noreturn void walk_box(struct walk *walk);

/* The program's side, in a process of its own, which may use the first one's memory; never returns. */
int walk_guest(void *walk);

/* What the first process will forward waits from now on, and its keeper's end reaches it. To be called
 * again after a change of identity, which makes the kernel forget the latter. */
void init_begin(bool own_pids);

/* The first process's life after the program was started: reaps, forwards signals, tells the end.
 * Does not return. */
_Noreturn void init_live(int note_fd, int program_pid, bool own_pids);

/* One packet to ward, with a descriptor unless fd is -1. False when ward cannot be reached. */
bool note_send(int note_fd, const struct box_note *note, int fd);
