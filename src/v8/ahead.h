/* Forks of a guest that serves, made before their requests: each is sealed and waits, has one request, and is gone. They are
 * this process's children, though the guest forks them. */
#pragma once

#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "isolate/channel.h"

#define AHEAD_MAX 4

struct ahead_fork {
	int fd;                 /* its channel; -1: none */
	pid_t pid;              /* 0: it has not said yet that it waits; -1: it has ended */
	int processor;          /* the only one it may be on; -1: any */
	struct guest_reader reader;
};

struct ahead {
	int server_fd;          /* the guest that forks, borrowed; -1: none */
	pid_t server;
	struct ahead_fork forks[AHEAD_MAX];     /* the oldest first */
	size_t n, most;         /* most: how many there can be, as far as is known */
	pid_t ending[AHEAD_MAX];        /* killed, and not reaped yet */
	size_t n_ending;
	cpu_set_t everywhere;   /* this process's processors at first */
	bool places, is_placed; /* it may choose; this process is on one of them alone */
};

/* Before the seal: which processors there are. */
void ahead_open(struct ahead *ahead);

/* Orders forks until n of them wait or are being made. Stops where the guest is gone. */
void ahead_fill(struct ahead *ahead, size_t n);

/* What to wait for, AHEAD_MAX at most; returns how many. Then, with what came: a fork that has ended is taken out. */
size_t ahead_polls(const struct ahead *ahead, struct pollfd *polls);
void ahead_heard(struct ahead *ahead, const struct pollfd *polls, size_t n);

/* Hands out one that waits, made now if there is none.
 *
 * Errors: ERR_SYSTEM: the guest is gone; ERR_LIMIT: the kernel lets it have no fork */
MUST_USE int ahead_take(struct ahead *ahead, struct ahead_fork *out, struct err *e);

/* Two processes that take turns are slow on two processors: to wake one that sleeps takes longer than most requests. So the
 * fork is put where this process is, which waits for it, and which stays there meanwhile. ahead_spread(): for one that
 * takes long, and for this process when nothing is asked. */
void ahead_gather(struct ahead *ahead, struct ahead_fork *fork);
void ahead_spread(struct ahead *ahead, struct ahead_fork *fork);

/* SIGKILL for one that was handed out, and its end is somebody's later business. */
void ahead_end(struct ahead *ahead, struct ahead_fork *fork);

/* Buries those that have ended. Does not wait. */
void ahead_reap(struct ahead *ahead);

/* Lets those go that wait. */
void ahead_drop(struct ahead *ahead);
