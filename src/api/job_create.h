/* From a checked document to what the store takes. */
#pragma once

#include "api/request.h"
#include "serve/job.h"

/* What would run it for this tenant; NULL with *fault: nothing. */
struct order_class;
const struct order_class *job_class(const struct request *request, const struct job_spec *spec, struct job_fault *fault);

/* Reads the document and finds what would run it. Returns 0, or -1 with *fault.
 *
 * *spec    job_spec_done() releases it; *create points into it and into the arena */
MUST_USE int job_prepare(struct request *request, const char *json, size_t len, const char *key, struct job_spec *spec,
			 struct store_create *create, struct job_fault *fault);
