/* What job_read.c reads field by field: texts with a grammar, bytes, paths. */
#pragma once

#include "serve/job_fields.h"

/* Each is a field_read; `into` is named behind it. */
field_read job_part_name;       /* const char *: a name, or "" */
field_read job_part_bytes;      /* struct job_bytes: {text}, {base64} or {blob} */
field_read job_part_input;      /* the same, or {live: true} */
field_read job_part_path;       /* const char * */
field_read job_part_pattern;    /* const char *: a path with * and ? */
field_read job_part_window;     /* struct job_window: {rows, cols}; what is not there is left alone */
field_read job_part_side;       /* struct job_window: one of the two, by its name */
field_read job_part_argument;   /* const char * */
field_read job_part_deadline;   /* int64_t: RFC 3339 to milliseconds since 1970 */

/* The object of environment variables or of labels: pairs in the order of their names. */
MUST_USE int job_part_pairs(struct reading *r, const struct pointer *at, json_t *value, bool is_env, struct job_pair **out,
			    size_t *n);

/* No path twice, and none that is a directory of another. */
MUST_USE int job_part_paths_fit(struct reading *r, const struct pointer *at, const struct job_file *files, size_t n);
