/* Grants: which paths a box sees. Pure: nothing is looked up in a file system. */
#pragma once

#include "model/policy.h"

/* Adds a copy of *grant: its strings go to the policy's arena, `as` NULL becomes the same place as
 * outside. At most GRANTS_MAX.
 *
 * Refused: a relative place inside, a path that is not clean, ".." (a link or a move would make it
 * another directory), / and anything at or under /proc, /sys, /dev on either side (the boundary
 * owns them). This is about text: a link on the host may still lead there, so whoever opens the
 * path looks at what was opened.
 * Errors: ERR_USAGE, ERR_DENIED, ERR_LIMIT */
#define GRANTS_MAX 4096
MUST_USE int policy_grant_add(struct policy *policy, const struct grant *grant, struct err *e);

/* What a scratch grant may hold: what it states, else limits.disk and limits.inodes, else ward's default. */
uint64_t policy_scratch_bytes(const struct policy *policy, const struct grant *grant);
uint64_t policy_scratch_inodes(const struct policy *policy, const struct grant *grant);

/* The grant that comes after `last` by its place inside, NULL = the first: a place before what lies in it.
 * NULL when there is no other. */
const struct grant *policy_grant_after(const struct policy *policy, const struct grant *last);

/* Absolute, and without "//", ".", ".." or a '/' at the end. */
bool policy_path_is_clean(const char *path);

/* Some component is "..". */
bool policy_path_climbs(const char *path);

/* Both paths clean: path is dir or lies beneath it. Nothing lies beneath "/" by this. */
bool policy_path_is_in(const char *path, const char *dir);

/* The tree that is ward's own and never granted, in which a clean path lies: "/proc", "/sys", "/dev",
 * or "/" for the one above them all; else NULL. */
const char *policy_owned_tree(const char *path);
