/* Values of a unit that several directives share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "format/systemd_settings.h"
#include "format/unit.h"

/* One assignment being read. */
struct systemd_reading {
	const char *name;               /* of the file */
	const struct unit_entry *entry;
	struct systemd_settings *settings;
	struct subject *out;
	size_t n_words;                 /* of all lists of calls so far */
};

/* Lists a word as missing, with its line. */
void systemd_miss(struct systemd_reading *r, uint32_t line, const char *what, const char *word);

/* 1 for yes, 0 for no, -1 for neither. */
int systemd_truth(const char *word);

/* "EPERM", "1" or "kill"; false for anything else. */
bool systemd_error(const char *word, int *error);

/* Merges one assignment of SystemCallFilter= or SystemCallLog= into the list.
 *
 * is_filter  a list that begins with calls to allow has "@default" in it, and calls may bring an errno */
void systemd_read_calls(struct systemd_reading *r, struct systemd_calls *calls, bool is_filter);
