/* The list in a backup: what `sha256sum` writes and checks, "DIGEST  PATH", a line a file. Only names that place_name()
 * makes, and the database's, so that no line can name a file anywhere else. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/sha256.h"
#include "base/str.h"
#include "serve/place.h"

#define BACKUP_LIST     "SHA256SUMS"
#define BACKUP_DATABASE "store.db"
#define BACKUP_LINE     128     /* bytes; the longest line is shorter */

struct backup_line {
	struct digest digest;
	char path[PLACE_MAX];
};

/* One line without its newline; false when it is anything but such a line. */
bool backup_line_read(const char *line, size_t len, struct backup_line *out);
void backup_line_write(const struct backup_line *line, struct str *out);
