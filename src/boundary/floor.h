/* The second filter: calls no policy can allow. Pure. */
#pragma once

#include "base/err.h"
#include "model/filter.h"
#include "model/plan.h"

struct jail;

/* Adds the step. The filter refuses with SECCOMP_RET_USER_NOTIF although nobody listens to it: the
 * kernel then answers ENOSYS. That action loses against ERRNO and KILL and ties with the policy's own
 * notification, where the newer filter wins: so a refusal that the policy makes too is still reported
 * as the policy wants, and one that the policy forgot is refused all the same.
 *
 * jail  NULL, or whose calls are left out of it
 * Source: kernel/seccomp.c, seccomp_run_filters() and seccomp_do_user_notification(). */
MUST_USE int floor_add(struct plan *plan, const struct jail *jail, struct err *e);

/* The floor as rows, for who judges or compiles it elsewhere: everything is allowed but what they refuse. */
void floor_rows(struct filter_set *out);

/* Whether it lets one concrete call through. */
bool floor_allows(uint32_t nr, const uint64_t args[6]);

/* The first call a policy's rows allow that the floor refuses whatever its arguments; NULL = none. */
const char *floor_conflict(const struct filter_set *set, const struct jail *jail);

/* For documentation and tests: the number of the i-th forbidden call, -1 past the end. */
int floor_call_at(size_t i);
