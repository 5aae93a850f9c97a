/* The front's scheduler: claims jobs from the store, keeps boxes parked, sends each job into one, keeps what
 * comes out, and finishes it. Everything happens in the caller's loop; nothing here waits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "serve/detect.h"
#include "serve/job.h"
#include "serve/order.h"
#include "store/store_alert.h"

struct dispatch;
struct series;
struct stats;

struct dispatch_setup {
	struct store *store;
	int launcher_fd;                /* borrowed; its end of file is the end of the front */
	int state_fd;                   /* the state directory: log/, artifact/, blob/, cache/ lie below it */
	struct stats *stats;            /* borrowed */
	uint64_t cache_each, cache_most;        /* bytes of compilers' products, of a tenant and of all; 0 = none are kept */
	const char *node;               /* what results name as this machine; borrowed */
	struct detect_rules rules;      /* what is done about suspicious jobs */
	/* An alert lies in the store, or (id 0) could not be kept; NULL: nobody asks. */
	void (*raised)(void *at, const struct store_alert *alert);
	/* Three boxes of a class in a row could not be built; why NULL: one can again. NULL: nobody asks. */
	void (*stuck)(void *at, const char *class, const char *why);
	void *at;                       /* of both */
};

/* Reads HELLO and the classes from the launcher (waits for them), opens what it needs.
 *
 * Errors: ERR_SYSTEM, ERR_BUG when the launcher speaks another language */
MUST_USE int dispatch_new(const struct dispatch_setup *setup, struct dispatch **out, struct err *e);
/* Kills every box that is left. After dispatch_drain() and store_close(), whose last callbacks still come here. */
void dispatch_free(struct dispatch *dispatch);

/* For the loop: readable when dispatch_turn() has something to do, and the moment (loop_now_us()) at which it
 * wants to be called anyhow, 0 = none. */
int dispatch_fd(const struct dispatch *dispatch);
uint64_t dispatch_due_us(const struct dispatch *dispatch);
/* Returns -1 when the launcher is gone: the front has to end. */
MUST_USE int dispatch_turn(struct dispatch *dispatch, struct err *e);

/* Why no job can be run now: "launcher", "boxes" (three builds in a row failed, and no other class's came up); NULL: as far
 * as is known, jobs can be. */
const char *dispatch_missing(const struct dispatch *dispatch);

/* A job may be there to claim. Cheap: call it after every create. */
void dispatch_wake(struct dispatch *dispatch);

/* No further claims; jobs that run go on. dispatch_busy() counts them. */
void dispatch_drain(struct dispatch *dispatch);

/* Tells the launcher that ward-herald does not answer; it starts another. */
void dispatch_replace_herald(struct dispatch *dispatch);
/* Tells the launcher, and it the service manager, that requests are answered. */
void dispatch_ready(struct dispatch *dispatch);
size_t dispatch_busy(const struct dispatch *dispatch);

/* The store answered STORE_STOPPING to a cancel: SIGTERM, grace, the end of its box, then the state. (It hears of it
 * by store_watch() too: calling this is not needed.) False: no box of this front has it. */
bool dispatch_cancel(struct dispatch *dispatch, const struct store_id *job);

/* Bytes for the standard input of an interactive job. Returns how many were taken (0: its buffer is full, ask
 * again), -1 when it does not run or takes none. `is_end` closes it behind the bytes, if all were taken. */
ssize_t dispatch_stdin(struct dispatch *dispatch, const struct store_id *job, const char *bytes, size_t len, bool is_end);

/* The size of an interactive job's terminal, also before it runs; false when it has none. */
bool dispatch_resize(struct dispatch *dispatch, const struct store_id *job, const struct job_window *size);

/* TERM INT HUP QUIT USR1 USR2 to the program of a running job; false when it does not run, or another signal. */
bool dispatch_signal(struct dispatch *dispatch, const struct store_id *job, int signal);

/* Hears of a running job while it runs. What was written before is in the files: `offset` says where in the
 * stream these bytes lie. The callback may not call dispatch_follow() or dispatch_unfollow().
 *
 * bytes  borrowed; LIVE_USAGE: none, dispatch_usage() has more; LIVE_STATE: none, `offset` is the enum job_state; LIVE_END: none, the job is terminal and
 *        the follower is forgotten */
enum live { LIVE_STDOUT, LIVE_STDERR, LIVE_USAGE, LIVE_STATE, LIVE_END };
typedef void dispatch_live(void *at, enum live kind, const char *bytes, size_t len, uint64_t offset);
/* Returns a number for dispatch_unfollow(), 0 when the job is not one of ours now. */
uint64_t dispatch_follow(struct dispatch *dispatch, const struct store_id *job, dispatch_live *tell, void *at);
void dispatch_unfollow(struct dispatch *dispatch, uint64_t follower);

/* What a job of ours has used until now; NULL: it was not sampled yet. Borrowed, until the next turn. */
const struct series *dispatch_usage(struct dispatch *dispatch, const struct store_id *job);

/* What a running job has written, from offset on, while it is so little that it lies in memory: which 0 standard output,
 * 1 standard error, 2 by which turns (serve/mix.h). -1: it is in its file; NOT_HERE: no box of this front has the job. */
#define DISPATCH_NOT_HERE (-2)
ssize_t dispatch_output(const struct dispatch *dispatch, const struct store_id *job, unsigned which, uint64_t offset, char *bytes,
			size_t max);

/* The classes of the launcher, in order, NULL past the end: for GET /v1/runtimes and /v1/boundaries. */
const struct order_class *dispatch_class(const struct dispatch *dispatch, size_t i);

/* Finds the class of a job before it is accepted, for struct store_create; or why it cannot be run at all: no such
 * runtime or version, a boundary that does not hold the tenant's threat, limits above a ceiling.
 *
 * threat   "own", "known", "hostile"
 * minimum  the weakest boundary the tenant may use, "" = any
 * Returns the class, its name is order_class_name(); NULL with *fault */
const struct order_class *dispatch_admits(const struct dispatch *dispatch, const struct job_spec *spec,
					  const char *threat, const char *minimum, struct job_fault *fault);

struct dispatch_figures {
	uint32_t live, parked, building, running, breakers_open;        /* boxes; running: claimed for a job */
};
void dispatch_figures(const struct dispatch *dispatch, struct dispatch_figures *out);
/* The same of one class's pool; classes that share a pool show it once: false for the others. */
bool dispatch_pool(const struct dispatch *dispatch, size_t class, struct dispatch_figures *out);
