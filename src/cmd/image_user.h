/* Whether an ordinary user can unpack packages: their files belong to many users, and so the kernel has to lend ids. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The user's name in a file like /etc/passwd, and whether a file like /etc/subuid lends that name so many ids in a row.
 *
 * out  of `cap` bytes; false: no such user, or a name that does not fit */
bool image_user_name(const char *passwd, unsigned uid, char *out, size_t cap);
bool image_user_lends(const char *subids, const char *name, unsigned long wanted);

/* Says what is missing and how it is mended; root needs nothing. Errors: ERR_UNSUPPORTED */
MUST_USE int image_user_check(struct err *e);
