/* Reads what newuidmap(1) and mmdebstrap will read, before they say it in their own words. */
#include "cmd/image_user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define IDS 65536       /* mmdebstrap maps so many */
#define NAME_MAX_BYTES 64

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* The next line, cut at its colons; what is longer than a line may be is none of ours. */
static bool next_line(FILE *file, char line[512], char *fields[3])
{
	while (fgets(line, 512, file)) {
		char *rest = line;
		size_t n = 0;

		line[strcspn(line, "\n")] = '\0';
		while (n < 3 && (fields[n] = strsep(&rest, ":")))
			n++;
		if (n == 3)
			return true;
	}
	return false;
}

static bool is_number(const char *text, unsigned long *out)
{
	char *end;

	*out = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end;
}

bool image_user_name(const char *passwd, unsigned uid, char *out, size_t cap)
{
	__attribute__((cleanup(close_file))) FILE *file = fopen(passwd, "re");
	char line[512], *fields[3];
	unsigned long n;

	while (file && next_line(file, line, fields))
		if (is_number(fields[2], &n) && n == uid)
			return (size_t)snprintf(out, cap, "%s", fields[0]) < cap;
	return false;
}

bool image_user_lends(const char *subids, const char *name, unsigned long wanted)
{
	__attribute__((cleanup(close_file))) FILE *file = fopen(subids, "re");
	char line[512], *fields[3];
	unsigned long first, n;

	while (file && next_line(file, line, fields))
		if (strcmp(fields[0], name) == 0 && is_number(fields[1], &first) && is_number(fields[2], &n) && n >= wanted)
			return true;
	return false;
}

static int check_lent(const char *subids, const char *kind, const char *name, struct err *e)
{
	if (image_user_lends(subids, name, IDS))
		return 0;
	return err_set(e, ERR_UNSUPPORTED, "%s lends %s no %d ids, and packages have files of many users: as root, "
		       "`usermod --add-sub%ss 100000-165535 %s` (a range that nobody has), or build as root", subids, name, IDS, kind, name);
}

int image_user_check(struct err *e)
{
	static const char *const tools[] = { "/usr/bin/newuidmap", "/usr/bin/newgidmap" };
	char name[NAME_MAX_BYTES];

	if (geteuid() == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (access(tools[i], X_OK) < 0)
			return err_set(e, ERR_UNSUPPORTED, "%s is not here, which lends an ordinary user ids; apt-get install uidmap, or build "
				       "as root", tools[i]);
	if (!image_user_name("/etc/passwd", geteuid(), name, sizeof(name)))
		return err_set(e, ERR_UNSUPPORTED, "user %u has no name in /etc/passwd, so nobody can lend it ids; build as one that has, or "
			       "as root", geteuid());
	return check_lent("/etc/subuid", "uid", name, e) < 0 ? -1 : check_lent("/etc/subgid", "gid", name, e);
}
