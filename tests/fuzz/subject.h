/* What every reader of a foreign format owes: for any bytes a sound subject, or an error in one line. */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "model/filter.h"
#include "model/subject.h"

static inline void require_that(bool holds)
{
	if (!holds)
		abort();
}

static inline bool is_one_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

/* The kernel must take every filter; lines and calls are those of the text. */
static inline void check_subject(const struct subject *subject, size_t len)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < subject->n_filters; i++)
		require_that(filter_check(subject->filters[i].program, subject->filters[i].n, &e) == 0);
	for (size_t i = 0; i < subject->n_lines; i++)
		require_that(subject->lines[i].line <= len + 1);
	for (size_t i = 0; i < subject->n_whys; i++)
		require_that(subject->whys[i].line <= len + 1);
}

typedef int subject_reader(const char *name, const char *text, size_t len, struct subject *out, struct err *e);

static inline void check_reader(subject_reader *read, const uint8_t *data, size_t len)
{
	OWN(subject) subject = SUBJECT_NONE;
	struct err e = ERR_INIT;

	if (read("fuzz", (const char *)data, len, &subject, &e) < 0)
		require_that(e.kind != ERR_NONE && e.kind != ERR_BUG && *e.text && is_one_line(e.text));
	else
		check_subject(&subject, len);
}
