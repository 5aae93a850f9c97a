/* Giving up rights. Each function reads back what the kernel then says and fails unless it is so. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Empties all five capability sets, but for those of `keep` (bits 0..31), which stay permitted and
 * effective until the next exec of a process that is not root. */
MUST_USE int drop_caps(uint32_t keep, struct err *e);
/* The same for ward's own processes, which execute nothing: the bounding set, emptied one call a
 * capability, is not read back with as many again. */
MUST_USE int drop_own_caps(uint32_t keep, struct err *e);
/* The bounding set alone, which children begin with. Returns 1 when the caller has no right to touch it: an ordinary
 * user's process that has no capability to begin with, for which no_new_privs makes the set moot. */
MUST_USE int drop_bounding(struct err *e);
/* The opposite, for selftest: what the process has stays across exec. */
MUST_USE int drop_nothing(struct err *e);

/* Real, effective, saved ids and an empty list of groups (which a user's own namespace refuses to
 * change: then the list is that of the caller, all of it unmapped).
 *
 * all_caps  false: of the capabilities only CAP_SETPCAP stays, which empties the bounding set and has no
 *           power over anything else; true: all stay, for a process that goes on to mount in its own
 *           user namespace. drop_caps() takes away what stays. */
MUST_USE int drop_identity(uint32_t uid, uint32_t gid, bool all_caps, struct err *e);

MUST_USE int drop_new_privs(struct err *e);
/* A hard limit the caller already has below is kept: limits only ever shrink. */
MUST_USE int drop_rlimit(int resource, uint64_t soft, uint64_t hard, struct err *e);
/* RLIMIT_CORE 1: no core file, and (unlike 0) no program of core_pattern started either; core(5). */
MUST_USE int drop_dumps(struct err *e);
/* Speculative store bypass and indirect branches off for good. strict: a processor that cannot is an error. */
MUST_USE int drop_speculation(bool strict, struct err *e);
MUST_USE int drop_tsc(struct err *e);
MUST_USE int drop_exec_gain(struct err *e);
MUST_USE int drop_aslr(struct err *e);
/* A session and a keyring of its own; nothing to be had by /dev/tty or keyctl. tty_fd becomes the
 * controlling terminal, -1 = none. */
MUST_USE int drop_session(int tty_fd, struct err *e);
MUST_USE int drop_core_sharing(struct err *e);
