/* The herald's own jail: what it reads was written by whoever a webhook names. */
#pragma once

#include "base/err.h"

/* No capability, no new privileges, no file but what names and certificates are looked up in, and those to read; no
 * program is executed, no port listened on, no other process touched. Errors: ERR_UNSUPPORTED, ERR_SYSTEM: a layer that
 * cannot be had; the process must not go on */
MUST_USE int jail_enter(struct err *e);
