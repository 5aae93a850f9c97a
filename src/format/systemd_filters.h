/* The filters systemd installs for a unit. */
#pragma once

#include "base/err.h"
#include "format/systemd_settings.h"
#include "model/subject.h"

/* Adds them in the order systemd 252 installs them: one for each directive and architecture (x86, x32,
 * x86-64), each of which allows what comes from another architecture. And the lines that speak of calls.
 *
 * Errors: those of scmp_add_filter() */
MUST_USE int systemd_add_filters(const struct systemd_settings *settings, struct subject *out, struct err *e);
