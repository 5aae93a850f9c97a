/* Walking a JSON document by tables of fields: what is not in a table is refused, with its place. Small documents of
 * the API are read the same way as jobs. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/job.h"

/* Where in the document: a chain on the stack, up to the whole (up NULL). */
struct pointer {
	const struct pointer *up;
	const char *key;        /* NULL: the element `index` of an array */
	size_t index;
};

struct reading {
	struct arena *arena;    /* what was read is copied into it */
	struct job_fault *fault;
};

#define JOB_VALUES 8192 /* of JSON: a job document that has of everything what it may has 6,000 */

/* Strict JSON: JOB_DEPTH levels, `most` values, no duplicate keys, no NUL. NULL with the fault; else the caller's json_decref(). */
json_t *fields_parse(struct reading *r, const char *json, size_t len, size_t most);

/* `into` is what the object that holds the field becomes. */
typedef int field_read(struct reading *r, const struct pointer *at, json_t *value, void *into);
struct field {
	const char *name;
	field_read *read;
};

/* Fills the fault; returns -1. */
int fields_fault(struct reading *r, const struct pointer *at, const char *code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Every member by its row. An unknown one is a fault that names the nearest known. */
MUST_USE int fields_read(struct reading *r, const struct pointer *at, json_t *object, const struct field *fields, size_t n,
			 void *into);

/* An array of `least` to `most` elements; each is read into its place of *out, zeroed elements of `size`. */
struct list {
	size_t least, most, size;
	field_read *read;
};
MUST_USE int fields_list(struct reading *r, const struct pointer *at, json_t *value, const struct list *list, void **out,
			 size_t *n);

/* A string of `least` to `most` bytes, copied. */
MUST_USE int fields_text(struct reading *r, const struct pointer *at, json_t *value, size_t least, size_t most,
			 const char **out);
MUST_USE int fields_number(struct reading *r, const struct pointer *at, json_t *value, uint64_t least, uint64_t most,
			   uint64_t *out);
