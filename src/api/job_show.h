/* A job as clients see it. */
#pragma once

#include "api/request.h"

/* Answers with the job, its ETag and Location; If-None-Match that still holds is 304.
 *
 * job  as store_job_get() gave it; NULL: read by request->job, and 404 when it has gone */
void job_show(struct request *request, unsigned status, const struct store_job *job);

/* Puts the object. with_result: labels and result as well, which are read for it.
 * Errors: ERR_SYSTEM; json is then of no use */
MUST_USE int job_show_put(struct request *request, struct json *json, const char *key, const struct store_job *job,
			  bool with_result, struct err *e);

#define JOB_ETAG 32
void job_etag(const struct store_job *job, char out[JOB_ETAG]);

/* Answers like job_show() at once when `is_over` says so of the job, else when it does, or with what there is when
 * wait_ms have passed.
 *
 * status  of the answer in each case */
typedef bool job_is_over(const struct request *request, const struct store_job *job);
void job_show_when(struct request *request, unsigned status, uint64_t wait_ms, job_is_over *is_over);
/* The same of a job that has only just been made: it has not ended, so nothing is looked at before it does. */
void job_show_ended(struct request *request, unsigned status, uint64_t wait_ms);
bool job_has_ended(const struct request *request, const struct store_job *job);

/* Answers for a write of the store that was not done; false: it was, or was before. */
bool job_refused(struct request *request, const struct store_answer *answer);
/* The code of problem.def for an outcome; NULL: it is none. */
const char *job_refusal(enum store_outcome outcome);
