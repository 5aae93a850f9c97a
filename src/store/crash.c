/* The points and the one environment variable that arms one of them. */
#include "store/crash.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const names[CRASH_POINTS] = {
#define POINT(id, name) [CRASH_##id] = name,
#include "store/crash.def"
#undef POINT
};

#define UNREAD (-1)
#define NOWHERE (-2)
static atomic_int armed = UNREAD;      /* the loop's thread and the writer's both look */
static atomic_long own, *left = &own;

void crash_arm(const char *word)
{
	const char *const colon = word ? strchr(word, ':') : NULL;
	const size_t len = colon ? (size_t)(colon - word) : word ? strlen(word) : 0;
	int point = NOWHERE;

	for (int i = 0; word && i < CRASH_POINTS; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], word, len))
			point = i;
	*left = colon ? strtol(colon + 1, NULL, 10) : 1;
	armed = point;
}

void crash_at(enum crash_point point)
{
	if (armed == UNREAD)
		crash_arm(getenv("WARD_CRASH_AT"));
	if (armed != (int)point || --*left != 0)
		return;
	dprintf(STDERR_FILENO, "ward: ends at crash point %s\n", names[point]);
	_exit(CRASH_STATUS);
}

void crash_share(void)
{
	const char *const word = getenv("WARD_CRASH_AT");
	void *const at = word ? mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;

	if (at == MAP_FAILED)
		return;
	left = at;
	crash_arm(word);
}

const char *crash_name(size_t point)
{
	return point < CRASH_POINTS ? names[point] : NULL;
}
