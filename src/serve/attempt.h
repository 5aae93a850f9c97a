/* One lease at work: what is sent into its box, what comes out, what is kept of it, and the result. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/sha256.h"
#include "isolate/channel.h"
#include "serve/dispatch.h"
#include "serve/frame.h"
#include "serve/mix.h"
#include "serve/products.h"
#include "serve/runtime.h"
#include "serve/slot.h"
#include "store/store_job.h"

#define ATTEMPT_STEPS (JOB_STEPS + 1)
#define ATTEMPT_ARTIFACTS 256
#define ATTEMPT_LEFT_OUT 64
#define ATTEMPT_FEED FRAME_MAX

struct kept {
	char *name;
	struct store_id file;
	uint64_t bytes;
	struct digest digest;
};
struct left_out {
	char *name;
	enum frame_left why;
};

struct attempt {
	struct store_hold hold;
	uint32_t number, max_attempts;
	uint64_t queue_us, leased_us, sent_us;
	uint64_t started_ms, say_started_us;    /* by the wall clock; when the store is told, 0: it was */
	char boundary[STORE_NAME_MAX + 1];
	const struct order_class *class;
	struct job_spec spec;
	struct arena arena;
	struct runtime_step steps[ATTEMPT_STEPS];
	struct frame_ended ended[ATTEMPT_STEPS];
	size_t n_steps, n_started, n_ended;
	struct slot *slot;              /* NULL: waits for a box */
	struct store *store;            /* borrowed, and state_fd */
	int state_fd;
	struct syncer *syncer;          /* borrowed; NULL: files are synced where they are kept */
	size_t n_syncs;                 /* that it has not told of yet */
	/* What goes in: a walk over the job, a piece at a time. */
	enum { IN_ENV, IN_FILES, IN_STEPS, IN_OUTPUTS, IN_GO, IN_FEED } in;
	size_t in_index, in_at;
	bool in_body;                   /* the head of this file or step was sent */
	int in_fd;                      /* of a blob, -1 = none */
	uint64_t blob_left;
	char *out;                      /* frames on their way */
	size_t out_at, out_len;
	char *feed;                     /* of dispatch_stdin() */
	size_t feed_len;
	bool feed_is_ended, feed_end_sent;
	struct frame_resize resize;     /* of dispatch_resize(); rows 0 = none */
	/* Instead, for a guest: all of it. */
	struct guest_writer frames;
	bool is_put;
	/* What came out. */
	struct written written[2];
	struct mix mix;
	struct kept artifacts[ATTEMPT_ARTIFACTS];
	struct left_out left_out[ATTEMPT_LEFT_OUT];
	size_t n_artifacts, n_left_out;
	int artifact_fd;                /* of the one that comes now; -1: what comes is dropped */
	struct sha256 artifact_hash;
	uint64_t artifact_budget;
	struct attempt_product product;
	bool is_done;                   /* the step said DONE */
	bool is_flooding;               /* a guest that writes more than anybody reads */
	bool has_fault, fault_is_room;
	char fault[401], why[400];      /* why: given back */
	/* What is known of its box when that is over. */
	struct order_report report;
	struct series *series;          /* NULL: it was not sampled */
	uint64_t layers;
	bool was_broken, was_cold;
	struct detect detect;           /* what it did that others do not */
	/* How it is to end; is_suspect: by detection; is_keeping: when its files are synced. */
	bool is_suspect, is_fenced, is_cancelled, is_overdue, is_finishing, is_keeping, is_given_back, is_untried;
	uint64_t give_up_at_us, again_us;       /* its runner is late; its result is told again; 0 = not set */
	struct err broken;              /* of ours: the attempt is given back */
};

/* Reads the lease's document and finds its steps.
 *
 * Errors: ERR_USAGE: the job cannot be run as it is; it is rejected */
MUST_USE int attempt_new(const struct store_lease *lease, const struct order_class *class, struct store *store,
			 struct products *products, struct syncer *syncer, int state_fd, struct attempt **out, struct err *e);
void attempt_free(struct attempt *attempt);

/* attempt_in.c: writes what is to be sent next into the box, as much as it takes now.
 *
 * Returns 1 when it takes no more for now, 0 when all was sent (until the next dispatch_stdin()), -1: nothing ever again
 * Errors: a blob cannot be read: `broken`, and 0 */
int attempt_send(struct attempt *attempt);

/* Makes in_fd the bytes of an input blob, blob_left of them; what keeps it from that is `broken`. */
void attempt_open_blob(struct attempt *attempt, const char *digest);

/* attempt_out.c: keeps what one frame brought; tell is called for each piece of output. */
void attempt_take(struct attempt *attempt, const struct frame *frame, dispatch_live *tell, void *at);
/* Syncs what was kept, or has it synced (n_syncs), so that it may be told of; closes it. Errors: ERR_SYSTEM (full disk) */
MUST_USE int attempt_keep(struct attempt *attempt, struct err *e);
/* Removes what was kept; of who lost the job its outputs alone: another attempt may write to the files of the streams. */
void attempt_forget(struct attempt *attempt);
void attempt_forget_outputs(struct attempt *attempt);
/* attempt_end.c: all that was written on a stream, kept or not: the box's own count where more came than was sent. */
uint64_t attempt_written(const struct attempt *attempt, bool is_err);
/* What became of it, from the runner's report: for detection, and as the result, whose document is written to *json. */
void attempt_tell_end(const struct attempt *attempt, struct detect_end *out);
void attempt_judge(const struct attempt *attempt, const char *node, struct store_finish *finish, struct json *json);
