/* The tables of the man pages, from the rows the program itself uses. */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Appends a table as mdoc(7): "commands", "keys", "layers", "groups", "boundaries",
 * "threat", "powers", or the name of a command for its options.
 *
 * Errors: ERR_USAGE for another name */
MUST_USE int manual_write(const char *table, struct str *out, struct err *e);
