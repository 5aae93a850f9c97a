/* What a fuzz target states, and what every error has to be. */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"

static inline void require_that(bool holds)
{
	if (!holds)
		abort();
}

/* A kind that is the input's doing, and a sentence in one line. */
static inline void require_error(const struct err *e)
{
	require_that(e->kind != ERR_NONE && e->kind != ERR_BUG && *e->text);
	for (const char *p = e->text; *p; p++)
		require_that((unsigned char)*p >= 0x20 && *p != 0x7f);
}
