/* The scheduler's own state, for its files. */
#pragma once

#include "serve/attempt.h"
#include "serve/dispatch.h"
#include "serve/slot.h"
#include "serve/stats.h"
#include "serve/syncer.h"
#include "serve/zygote.h"
#include "store/store_list.h"

#define BEAT_US 10000000
#define SELF_FENCE_US 20000000          /* a third of a lease before it ends */
#define CANCEL_GRACE_US 2000000
#define OVERDUE_US 10000000             /* beyond its wall limit a runner is not believed to be alive */
#define LINGER_US 5000000               /* for the output of a box whose runner has gone */
#define PARKED_MAX_US 600000000         /* a box that waits longer is replaced */
#define BUILD_MAX_US 90000000            /* longer than a runner and an interpreter give themselves */
#define BUILDS_EACH 4                   /* for each processor: a build waits for the kernel most of its time */
#define BREAKER_TRIES 3
#define BREAKER_US 30000000
#define FINISH_AGAIN_US 1000000
#define REFILL_LATE_US 10000            /* a pool that has boxes gets new ones so late: not while the job that took one runs */
#define SAY_STARTED_US 10000            /* that a job runs is told to the store by then */

/* Boxes of one shape that wait for a job: classes that differ in name alone share one. */
struct pool {
	uint32_t target, n_parked, n_building;  /* building: for the pool, not for a job */
	uint32_t failures;                      /* in a row */
	bool is_good;                           /* the last build that was tried came up */
	uint64_t open_until_us;                 /* the breaker: no refills until then; 0 = closed */
	uint64_t short_since_us;                /* fewer than target; 0: they are all there, or on their way */
	uint64_t emptied_us;                    /* when a job last found nobody waiting */
	struct zygote zygotes[2];               /* of guests: where they are ordered, and the one that comes next */
};

struct follower {
	struct follower *next;
	uint64_t number;
	struct store_id job;
	dispatch_live *tell;
	void *at;
};

struct dispatch {
	struct dispatch_setup setup;
	int epoll_fd;
	struct order_class classes[ORDER_CLASSES_MAX];
	char names[ORDER_CLASSES_MAX][ORDER_CLASS_NAME];
	uint32_t pool_of[ORDER_CLASSES_MAX];    /* class -> class whose boxes it uses */
	struct pool pools[ORDER_CLASSES_MAX];
	size_t n_classes, boxes_max, run_max, builds_max;
	struct slot slots[ORDER_BOXES_MAX];
	size_t n_slots;                         /* not free */
	uint64_t next_box;
	struct attempt *attempts[ORDER_BOXES_MAX];
	size_t n_attempts;
	struct products *products;
	struct syncer *syncer;
	struct follower *followers;
	uint64_t next_follower;
	unsigned n_claims;                      /* asked for and not answered */
	bool is_draining, is_beating, launcher_is_gone, wants_claim;
	uint64_t beat_at_us, beat_ok_us;
	uint64_t say_started_us;                /* the earliest of the attempts', 0: none */
	uint64_t refill_at_us;                  /* the earliest of the pools', 0: none */
};

/* dispatch_box.c: slots and pools. */
void box_refill(struct dispatch *d);
/* Gives an attempt a box: one that waits, one that is being built, a new one; false when there is no room now. */
bool box_find(struct dispatch *d, struct attempt *attempt);
void box_event(struct dispatch *d, uint64_t tag, uint32_t events);
void box_kill(struct dispatch *d, struct slot *slot);
void box_look_at_clocks(struct dispatch *d, uint64_t now);
/* Sends what is to be sent, and waits for room when there is more. */
void box_write(struct dispatch *d, struct slot *slot);

/* dispatch_zygote.c: where guests are had.
 *
 * zygotes_find   one that takes an order for a guest of so much memory; NULL when none does now
 * zygotes_event  true: the tag was a zygote's */
struct zygote *zygotes_find(struct dispatch *d, uint32_t pool, uint64_t memory_bytes);
bool zygotes_event(struct dispatch *d, uint64_t tag);
/* What a guest may have is free again. */
void zygotes_release(struct dispatch *d, const struct slot *guest);
void zygotes_look_at_clocks(struct dispatch *d, uint64_t now);
void zygotes_leave(struct dispatch *d);
/* One that was built for a pool came up (NULL), or did not, and why. */
void box_note_build(struct dispatch *d, uint32_t pool, const char *why);
/* Has the launcher end a box whose runner does not. */
void box_end_runner(struct dispatch *d, uint64_t box);

/* dispatch_job.c: leases. */
/* Asks for jobs where there is room and a reason to: at the end of a turn, so that what ends in it is asked for at once. */
void job_claim(struct dispatch *d);
void job_started(struct dispatch *d, struct attempt *attempt);
/* Tells the store now, not within SAY_STARTED_US: what is told next is told of a job that runs. */
void job_say_started(struct dispatch *d, struct attempt *attempt);
/* Its box is over (or none was ever there): records what became of it. */
void job_conclude(struct dispatch *d, struct attempt *attempt);
void job_cancel(struct dispatch *d, struct attempt *attempt);
/* Files lie on the disk: of which jobs that were all, and their results may be recorded. */
void job_synced(struct dispatch *d);
void job_beat(struct dispatch *d);
void job_look_at_clocks(struct dispatch *d, uint64_t now);
struct attempt *job_find(const struct dispatch *d, const struct store_id *id);

/* dispatch_alert.c: what the runner of a claimed box told; how the box of an attempt ended. Both may end boxes. */
void alert_hear(struct dispatch *d, struct slot *slot);
void alert_ended(struct dispatch *d, struct attempt *attempt);

/* dispatch_live.c: `at` of dispatch_live callbacks from an attempt. */
struct live_source {
	struct dispatch *d;
	const struct store_id *job;
};
void live_tell(void *at, enum live kind, const char *bytes, size_t len, uint64_t offset);
