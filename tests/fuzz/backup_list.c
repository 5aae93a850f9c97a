/* A backup may come from anybody: a line that is taken names a file of a state directory, and is the line that would be
 * written for it. */
#include <stdint.h>
#include <string.h>

#include "serve/backup_list.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct backup_line line;
	OWN(str) text = STR_NONE;

	if (!backup_line_read((const char *)data, len, &line))
		return 0;
	require_that(line.path[0] != '/' && !strstr(line.path, "..") && strlen(line.path) < PLACE_MAX);
	backup_line_write(&line, &text);
	require_that(text.len == len + 1 && text.len < BACKUP_LINE && memcmp(str_text(&text), data, len) == 0);
	return 0;
}
