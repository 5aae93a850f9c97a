/* Pieces of plans that more than one boundary needs. Pure. */
#pragma once

#include "boundary/boundary.h"

/* Landlock rights by what a grant means; masked to the ABI in use by parts_landlock_path. */
#define RIGHTS_READ    (UINT64_C(1) << 2 | UINT64_C(1) << 3)                      /* READ_FILE READ_DIR */
#define RIGHTS_EXEC    (UINT64_C(1) << 0)
#define RIGHTS_LIST    (UINT64_C(1) << 3)
#define RIGHTS_DEVICE  (UINT64_C(1) << 1 | UINT64_C(1) << 2)                      /* WRITE_FILE READ_FILE */
#define RIGHTS_IOCTL   (UINT64_C(1) << 15)
/* All but EXECUTE, MAKE_CHAR, MAKE_BLOCK and IOCTL_DEV. */
#define RIGHTS_WRITE   (UINT64_C(0x7fff) & ~(UINT64_C(1) << 0 | UINT64_C(1) << 6 | UINT64_C(1) << 11))

/* Registers a host path to be opened by the caller; the result goes into plan_args.fd_plus_one. */
uint16_t parts_open(struct rung *rung, const char *path, bool directory, bool follow);

/* Where a grant was written, for error messages: "file.yaml:12", "--ro". */
const char *parts_where(struct rung *rung, const struct grant *grant);

/* The policy's grants by place, what contains before what is contained; n_grants of them. */
const struct grant *const *parts_in_order(struct rung *rung);

/* May this be granted at all? Errors: ERR_MISSING, ERR_USAGE (a link), ERR_DENIED (a device, pipe, socket) */
MUST_USE int parts_check_grant(struct rung *rung, const struct grant *grant, struct path_info *info, struct err *e);

/* The Landlock rights a grant gives, for the newest ABI. */
uint64_t parts_rights(const struct grant *grant);

/* What lies at a host path. */
struct path_info parts_look(const struct rung *rung, const char *path);

/* cgroup limits, or rlimits where the policy names that fallback.
 * cgroup  false: the boundary does not use them at all
 * Errors: ERR_UNSUPPORTED with cause and fix */
MUST_USE int parts_limits(struct rung *rung, bool cgroup, struct err *e);

/* Landlock: begins a rule set (none when the kernel has none; *abi then 0) ... */
uint32_t parts_landlock_begin(struct rung *rung, bool scopes);
void parts_landlock_path(struct rung *rung, uint32_t abi, const char *path, uint64_t rights);
/* The same for a place the policy names: no link may stand for it. */
void parts_landlock_grant(struct rung *rung, uint32_t abi, const struct grant *grant);
/* ... and ends it. */
void parts_landlock_end(struct rung *rung, uint32_t abi);

/* The rows that filter a box of this policy, the floor apart: what every box may do, what the hardening asks,
 * denied[n], and the policy's own. out is the empty set; report stays false.
 * Errors: ERR_DENIED for a policy that allows what no policy can, or refuses execve */
MUST_USE int parts_filter_rows(const struct policy *policy, const struct filter_row *denied, size_t n,
			       struct filter_set *out, struct err *e);

/* Everything from a session of its own to exec: the same for every boundary that executes a program.
 *
 * denied[n]  rows put before the policy's own: what this boundary cannot guard otherwise
 * cwd        working directory, NULL = leave it
 * Errors: ERR_UNSUPPORTED for a hardening that is asked for and cannot be had; ERR_DENIED for a policy
 * that allows what no policy can, or refuses execve */
MUST_USE int parts_program(struct rung *rung, const struct filter_row *denied, size_t n, const char *cwd,
			   struct err *e);
