/* Picks ids by process id: unique while the process lives, and the box ends with it. */
#include "cmd/box_id.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

/* Above every range that distributions hand out: systemd's ends at 0x6fffffff (UIDS-GIDS.md). */
#define FIRST_ID 0x70000000u
#define NOBODY   65534u

/* Ranges with fewer ids are those of people, not of a container. */
#define FEW_IDS 4096u

struct range {
	uint64_t first, n;
};

/* The next line "inside outside count" of a map; false at its end. */
static bool next_range(const char **map, struct range *out)
{
	char *end;

	out->first = strtoull(*map, &end, 10);
	if (end == *map)
		return false;
	strtoull(end, &end, 10);
	out->n = strtoull(end, &end, 10);
	*map = end;
	return true;
}

static bool is_mapped(const char *map, uint64_t id)
{
	struct range range;

	while (next_range(&map, &range))
		if (id >= range.first && id - range.first < range.n)
			return true;
	return false;
}

uint32_t box_id_from(const char *uid_map, const char *gid_map, uint32_t pid)
{
	const char *rest = uid_map;
	struct range range;
	uint64_t id = (uint64_t)FIRST_ID + pid;

	if (is_mapped(uid_map, id) && is_mapped(gid_map, id))
		return (uint32_t)id;
	while (next_range(&rest, &range)) {
		/* The upper half, as users grow from below; nobody is one of its last two. */
		if (range.n < FEW_IDS)
			continue;
		id = range.first + range.n / 2 + pid % (range.n / 2 - 2);
		if (id < FIRST_ID && is_mapped(gid_map, id))
			return (uint32_t)id;
	}
	return NOBODY;
}

static void read_map(const char *path, char *out, size_t cap)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, out, cap - 1);

	/* No /proc: no user namespace that anybody could have told of. */
	if (n < 0)
		strcpy(out, "0 0 4294967295");
	else
		out[n] = '\0';
}

uint32_t box_id_choose(void)
{
	char uid_map[4096], gid_map[4096];

	read_map("/proc/self/uid_map", uid_map, sizeof(uid_map));
	read_map("/proc/self/gid_map", gid_map, sizeof(gid_map));
	return box_id_from(uid_map, gid_map, (uint32_t)getpid());
}
