/* The bundle runsc is given: config.json of the OCI runtime specification. Pure. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "boundary/boundary.h"

/* Places in the box. The program sees what lies below BUNDLE_ROOT, and nothing of the rest. */
#define BUNDLE_DIR  "/ward/bundle"
#define BUNDLE_ROOT "/rootfs"

/* How many grants of paths the sandbox takes: each is a mount of its own, with a connection to the process that
 * opens its files. */
#define BUNDLE_MOUNTS 128

/* The user the program is in its own kernel: the policy's, but 0 where something may be written. One id is mapped
 * into the box, runsc has it as 0, and files that the program makes can belong to no other. */
uint64_t bundle_user(const struct policy *policy, bool groups);

/* Adds the policy's filter as the member "seccomp".
 *
 * Errors: those of parts_filter_rows() and filter_cases() */
struct json;
MUST_USE int bundle_put_calls(struct json *out, const struct policy *policy, struct err *e);

/* Writes config.json for the rung's policy and payload.
 *
 * Errors: ERR_LIMIT for too many grants or too large a command line; those of bundle_put_calls() */
MUST_USE int bundle_write(const struct rung *rung, struct str *out, struct err *e);
