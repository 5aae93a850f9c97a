/* What a client is told when something is refused: application/problem+json (RFC 9457). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct problem {
	const char *code, *title;
	unsigned status;
	bool is_retryable;
};

/* The row of a code; for a code that has none, 422 under that code: a fault of the document. Constants. */
struct problem problem_find(const char *code);
/* In the order of the table; code NULL past the end. */
struct problem problem_at(size_t i);

/* Appends the object as the next value of `json`: an answer of its own, or an item of a batch.
 *
 * field       JSON pointer, NULL = none
 * request_id  NULL: left out */
void problem_put(struct json *json, const char *key, const struct problem *problem, const char *detail, const char *field,
		 const char *request_id);

/* Whole seconds for Retry-After: never 0, an hour at most. */
uint64_t problem_retry_s(uint64_t retry_ms);
