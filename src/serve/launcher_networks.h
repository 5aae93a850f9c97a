/* Network namespaces that nobody ever had a socket in, for boxes of the service. One is lent to one box at a time, and to
 * another afterwards only if it is as it was made: a namespace keeps nothing of a process that never had a socket in it.
 *
 *   a maker ──► idle ──networks_take()──► lent ──networks_give()──► idle
 *                 │                         └──closed by its holder──► gone
 *                 └──too many for too long──► gone
 *
 * A maker is a process in a user namespace of its own, which owns what it makes and ends: nobody has a right over them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define NETWORKS_IDLE_MAX 64    /* what comes back beyond is closed */
#define NETWORKS_BATCH 8        /* made at a time; so many stay when nobody asks */

struct networks {
	int fds[NETWORKS_IDLE_MAX];     /* the last one is taken first */
	size_t n, n_least;              /* n_least: since it was last looked whether there are too many */
	int maker_fd;                   /* where the next ones come; -1: none are being made */
	pid_t maker;                    /* 0 = none */
	bool has_made;                  /* the maker at work has sent one */
	uint64_t not_before_us;         /* none could be made: the next try */
	uint64_t shrink_at_us;          /* 0 = never */
};
#define NETWORKS_NONE ((struct networks){ .maker_fd = -1 })

/* The lent one's descriptor, the caller's to give back or to close; -1: there is none. The last one, or none, has others
 * made, which come later. */
int networks_take(struct networks *networks);

/* Takes it over: unchanged, and nobody is in it. */
void networks_give(struct networks *networks, int fd);

/* maker_fd is readable: takes what was made, one at a time. */
void networks_hear(struct networks *networks);

/* Whether that child was the maker. */
bool networks_reap(struct networks *networks, pid_t pid);

/* Closes what lay idle for half a minute, when shrink_at_us has come. */
void networks_shrink(struct networks *networks);

/* What a child that has nothing to do with them closes. */
void networks_shed(const struct networks *networks);

/* Closes all of them, and ends a maker. */
void networks_done(struct networks *networks);

/* One of them, made by this process, which has left its user and its network namespace afterwards; of an ordinary user's
 * too. For makers and tests. */
MUST_USE int networks_make(bool is_first, struct err *e);
