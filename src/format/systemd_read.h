/* Unit files of systemd. */
#pragma once

#include "base/err.h"
#include "model/subject.h"

/* Adds the filters systemd would install for the unit's processes, compiled by libseccomp, oldest first, and
 * what the unit says of the place. Drop-ins are not looked for: `systemctl cat UNIT` has them all in one
 * text. What systemd would ignore with a warning is listed as missing.
 *
 * Errors: ERR_USAGE, ERR_LIMIT; with file and line */
MUST_USE int systemd_read(const char *name, const char *text, size_t len, struct subject *out, struct err *e);
