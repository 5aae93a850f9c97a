/* Prometheus' text format: families of samples, a line each. Pure.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/ */
#pragma once

#include "base/hist.h"
#include "base/str.h"

/* A name and a value; name NULL: none. The value may be any bytes. */
struct metrics_label {
	const char *name, *value;
};
#define METRICS_LABELS 4

/* Begins a family. type  "counter", "gauge", "histogram" */
void metrics_family(struct str *out, const char *name, const char *type, const char *help);
/* One sample of it; labels end with the first NULL, or are NULL. */
void metrics_number(struct str *out, const char *name, const struct metrics_label labels[METRICS_LABELS], uint64_t n);
void metrics_signed(struct str *out, const char *name, int64_t n);
/* A number of thousandths or millionths: exact, whatever the locale. */
void metrics_micro(struct str *out, const char *name, const struct metrics_label labels[METRICS_LABELS], uint64_t micro);
/* _bucket, _sum and _count of a histogram of microseconds, in seconds. */
void metrics_hist(struct str *out, const char *name, const struct metrics_label labels[METRICS_LABELS], const struct hist *hist);
