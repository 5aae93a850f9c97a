/* Lines of a backup's list. A name is read into an id and written anew: what differs is refused. */
#include "serve/backup_list.h"

#include <string.h>

/* Is it what place_name() writes for an id at `at` in the text? */
static bool is_place(enum place place, const char *path, size_t at)
{
	struct store_id id;
	char name[PLACE_MAX];

	if (strlen(path) < at + STORE_ID_TEXT - 1 || !store_id_read(path + at, STORE_ID_TEXT - 1, &id))
		return false;
	place_name(place, &id, name);
	return strcmp(name, path) == 0;
}

static bool is_known(const char *path)
{
	static const struct {
		enum place place;
		size_t at;
	} rows[] = {
		{ PLACE_STDOUT, sizeof("log/00/") - 1 },
		{ PLACE_STDERR, sizeof("log/00/") - 1 },
		{ PLACE_MIX, sizeof("log/00/") - 1 },
		{ PLACE_BLOB, sizeof("blob/00/") - 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (is_place(rows[i].place, path, rows[i].at))
			return true;
	return strcmp(path, BACKUP_DATABASE) == 0;
}

bool backup_line_read(const char *line, size_t len, struct backup_line *out)
{
	const size_t head = SHA256_TEXT - 1 + 2, left = len > head ? len - head : 0;

	if (!left || left >= sizeof(out->path) || memchr(line, '\0', len) || memcmp(line + head - 2, "  ", 2) != 0 ||
	    !digest_read(line, SHA256_TEXT - 1, &out->digest))
		return false;
	memcpy(out->path, line + head, left);
	out->path[left] = '\0';
	return is_known(out->path);
}

void backup_line_write(const struct backup_line *line, struct str *out)
{
	char digest[SHA256_TEXT];

	digest_write(&line->digest, digest);
	str_addf(out, "%s  %s\n", digest, line->path);
}
