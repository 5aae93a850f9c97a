/* Words for what became of a write. */
#include "store/store.h"

static const char *const words[STORE_OUTCOMES] = {
	[STORE_DONE] = "done",
	[STORE_REPLAYED] = "replayed",
	[STORE_MISMATCH] = "mismatch",
	[STORE_MISSING] = "missing",
	[STORE_TAKEN] = "taken",
	[STORE_SUSPENDED] = "suspended",
	[STORE_QUOTA_QUEUED] = "quota_queued",
	[STORE_QUOTA_CPU] = "quota_cpu",
	[STORE_QUOTA_BLOBS] = "quota_blobs",
	[STORE_QUOTA_SESSIONS] = "quota_sessions",
	[STORE_QUOTA_KEPT] = "quota_kept",
	[STORE_QUOTA_MEMORY] = "quota_memory",
	[STORE_QUEUE_WAIT] = "queue_wait",
	[STORE_QUEUE_FULL] = "queue_full",
	[STORE_FENCED] = "fenced",
	[STORE_FINAL] = "final",
	[STORE_STOPPING] = "stopping",
	[STORE_REQUEUED] = "requeued",
	[STORE_NOT_APPLIED] = "not_applied",
};

const char *store_outcome_name(enum store_outcome outcome)
{
	return outcome < STORE_OUTCOMES ? words[outcome] : "unknown";
}
