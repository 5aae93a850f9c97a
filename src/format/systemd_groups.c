/* Looks groups up. Expands none: a member may be a group. */
#include "format/systemd_groups.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

static const struct {
	const char *name, *members;
} groups[] = {
#define GROUP(name, members) { name, members },
#include "format/systemd_groups.def"
#undef GROUP
};

const char *systemd_group(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (strcmp(groups[i].name, name) == 0)
			return groups[i].members;
	return NULL;
}

const char *systemd_group_at(unsigned i)
{
	return i < ARRAY_SIZE(groups) ? groups[i].name : NULL;
}
