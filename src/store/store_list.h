/* What clients read: at once, in the caller's thread, from the last commit. What is returned lives in the arena. */
#pragma once

#include <sys/types.h>

#include "store/store_job.h"

/* -1: ERR_SYSTEM; 0: there is none (of this tenant); 1. */
#define STORE_FOUND MUST_USE int

struct store_job {
	struct store_id id;
	uint64_t tenant, version, fence;
	enum job_state state;
	enum job_reason reason;         /* of the end, or of the last requeue */
	const char *name, *runtime, *boundary, *class;
	uint32_t priority, attempt, max_attempts;
	bool is_cancel_asked;
	uint64_t created_ms, started_ms, ended_ms, deadline_ms, not_before_ms, purge_ms; /* wall clock; 0: not (yet) */
	uint64_t last_seq;              /* of its events */
};
STORE_FOUND store_job_get(struct store *store, uint64_t tenant, const struct store_id *id, struct arena *arena,
			  struct store_job *out, struct err *e);
STORE_FOUND store_job_document(struct store *store, uint64_t tenant, const struct store_id *id, struct arena *arena,
			       struct store_bytes *out, struct err *e);
STORE_FOUND store_job_labels(struct store *store, uint64_t tenant, const struct store_id *id, struct arena *arena,
			     struct store_label **out, size_t *n, struct err *e);

struct store_result {
	struct store_finish finish;     /* document empty when no box was ever started */
	uint64_t fence, at_ms;
	uint32_t attempt;
	struct digest digest;           /* over all of it, and in the tenant's audit chain */
};
STORE_FOUND store_result_get(struct store *store, uint64_t tenant, const struct store_id *id, struct arena *arena,
			     struct store_result *out, struct err *e);

/* What of its output lies beside the result: bytes from offset on. -1: nothing does (it is in a file, the job has not
 * ended, or the row cannot be read); never an error: see api/tail.h. */
ssize_t store_output_read(struct store *store, uint64_t tenant, const struct store_id *id, unsigned which, uint64_t offset,
			  void *bytes, size_t max);

struct store_attempt {
	uint32_t attempt;
	uint64_t fence, leased_ms, started_ms, ended_ms;
	enum job_state outcome;         /* queued: it was given back */
	enum job_reason reason;
	const char *why;
};
MUST_USE int store_attempt_list(struct store *store, uint64_t tenant, const struct store_id *id, struct arena *arena,
				struct store_attempt **out, size_t *n, struct err *e);

/* Newest first: created_ms and id fall. tenant 0: of all. `after` is where the page before ended, all zero for the first. Costs no
 * more than STORE_SCAN_MAX rows: a page may be short or empty and still not be the last. */
#define STORE_SCAN_MAX 2000
struct store_place {
	uint64_t created_ms;
	struct store_id id;
};
struct store_filter {
	uint32_t states;                /* bits 1 << enum job_state; 0: all */
	const char *runtime;            /* NULL: any */
	const struct store_label *labels;       /* all of them */
	size_t n_labels;
	uint64_t created_from_ms, created_to_ms;        /* from <= created < to; 0: open */
};
struct store_page {
	const struct store_job *jobs;
	size_t n;
	struct store_place next;        /* created_ms 0: this was the last page */
};
MUST_USE int store_job_list(struct store *store, uint64_t tenant, const struct store_filter *filter,
			    const struct store_place *after, size_t limit, struct arena *arena,
			    struct store_page *out, struct err *e);

struct store_event {
	uint64_t seq, at_ms;            /* seq: 1, 2, 3, ... of the job */
	const char *kind;               /* "state", ... */
	enum job_state state;           /* of "state" */
	struct store_bytes document;
};
MUST_USE int store_event_list(struct store *store, uint64_t tenant, const struct store_id *id, uint64_t after_seq,
			      size_t limit, struct arena *arena, struct store_event **out, size_t *n, struct err *e);

/* Called from store_turn() for every committed move of any job, in order. At most STORE_WATCHERS. */
#define STORE_WATCHERS 4
struct store_change {
	uint64_t tenant, version, seq, fence;
	struct store_id id;
	enum job_state from, to;
	bool is_cancel_asked;           /* also told when from == to: its holder must stop it */
	enum job_reason reason;         /* of the end, or of the last requeue */
	const char *class;              /* lives as long as the call */
};
typedef void store_changed(void *at, const struct store_change *change);
void store_watch(struct store *store, store_changed *changed, void *at);
