/* What ward itself tells people: one write for each line, on standard error or standard output. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* Whether text on this descriptor may have colours: a terminal that knows them, unless NO_COLOR is set
 * and not empty. Source: no-color.org */
bool say_colour(int fd);

enum say_kind { SAY_NOTE, SAY_ERROR };

/* Writes "ward: ...\n" to standard error, with colour on a terminal unless NO_COLOR is set. Control
 * bytes become '?'. Never fails: there is nobody left to tell. */
void say(enum say_kind kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes several lines to standard error, each with the prefix. */
void say_lines(enum say_kind kind, const char *lines);

/* Writes all of the text to a descriptor; it is the command's product, so failing counts.
 *
 * name  of the descriptor, for the error
 * Errors: ERR_SYSTEM; ERR_LIMIT when the text was cut */
MUST_USE int say_out(int fd, const char *name, const struct str *text, struct err *e);
