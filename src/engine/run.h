/* A plan in flight: standard streams, clocks, refused calls, and how it ended. The only place that
 * waits. It never resolves a path, and the box shares no descriptor with the host but its pipe ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "model/plan.h"
#include "model/policy.h"
#include "model/result.h"
#include "monitor/client.h"

struct deny_call;
struct observer;

/* Who keeps a box parked: its program runs, but no clock of its policy does before the claim, and processor time
 * that was used until then does not count. */
enum run_word { RUN_NOTHING, RUN_SETTLE, RUN_CLAIM, RUN_SIGNAL, RUN_KILL };
struct run_holder {
	int fd;                         /* when it is readable, and at the end, hear() says what is wanted; never waits */
	/* RUN_SETTLE: the program has set itself up and waits: what it used until now is nobody's. RUN_CLAIM: the
	 * policy's limits are now those of the job, which began at *n (loop_now_us()). RUN_SIGNAL: *n */
	enum run_word (*hear)(void *at, uint64_t *n);
	void (*parked)(void *at, const struct result *result);  /* the box waits, and ward has no right left */
	/* Each refused call of the claimed box; returns in how many ms tell() is to be called at the latest, 0: it need not.
	 * NULL: nobody asks; else a box whose listener fails is ended. */
	uint64_t (*refused)(void *at, const struct deny_call *call);
	void (*tell)(void *at);
	/* A process of the box is about to make a socket, and does not before this returns; or nobody could tell any more.
	 * NULL: nobody asks, and a filter that tells refuses. */
	void (*opens)(void *at);
	void (*seen)(void *at, bool is_claimed);        /* eye_fd is readable; NULL: there is none */
	int eye_fd;
	/* What the claimed box has used, at_us after its claim, for the first time after used_first_ms; returns in how many ms
	 * to tell it again, 0: never. NULL: nobody asks. A box without counters of its own has nothing to tell. */
	uint64_t (*used)(void *at, const struct cgroup_usage *usage, uint64_t at_us);
	uint64_t used_first_ms;
	void *at;
	int in_fd, out_fd;              /* the box's own streams, taken over; what it writes as errors is dropped */
};

struct run_request {
	const struct policy *policy;
	const struct filter_set *filter;/* the rows the plan's filter was compiled from (rung.filter) */
	const struct plan *plan;
	int *fds;                       /* the plan's descriptors, borrowed; [0..2] are filled in here with the
					 * box's ends of fresh pipes (or -1 passed on as none with pty) */
	size_t n_fds;
	const char *monitor_socket;     /* NULL: a keeper of our own */
	struct box *box;                /* a keeper that was started early with mon_start(), or NULL */
	bool pty;                       /* the box has a terminal of its own; its master arrives as a note */
	int in_fd, out_fd, err_fd;      /* ward's own streams, -1 = none (reads as end of file, output counted only) */
	struct observer *observer;      /* records and answers the calls instead of refusing them; NULL: none */
	int status_fd;                  /* JSON lines for each event but the last, -1 = none */
	void (*begun)(void *at);        /* called when the box runs: plan and fds are not needed any more; or NULL */
	void *begun_at;
	const struct run_holder *holder;/* NULL: the box works for us from its start */
	bool confine;                   /* drop ward's own rights once the box runs (not in tests) */
};

/* Runs a box from start to end and fills *out, whatever happens; SIGINT, SIGTERM and SIGHUP to ward
 * end the whole box and are remembered in out->ended_by_user. Returns after nothing of the box is left.
 * What only the caller knows (boundary, notes, its own exit codes) it adds, and then tells the end with
 * event_ended(), so that event and result file are the same.
 *
 * Errors: in out->err with VERDICT_SETUP (nothing ran) or VERDICT_INTERNAL */
void run_box(const struct run_request *request, struct result *out);
