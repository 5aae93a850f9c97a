/* The private loopback. */
#pragma once

#include "base/err.h"

/* Brings `lo` of this network namespace up. */
MUST_USE int net_loopback_up(struct err *e);
