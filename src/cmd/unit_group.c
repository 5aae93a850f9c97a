/* Leaves every group alone that was not delegated to this process and to it alone. */
#include "cmd/unit_group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "mech/cgroup_tree.h"

#define CHILD "serve"           /* never the name of a box's group */

/* systemd marks what it gives away: src/core/cgroup.c, cgroup_xattr_apply(). The second can be read by users as well. */
static bool is_delegated(const char *path)
{
	static const char *const marks[] = { "trusted.delegate", "user.delegate" };
	char value[8];

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (getxattr(path, marks[i], value, sizeof(value)) == 1 && *value == '1')
			return true;
	return false;
}

static bool is_alone(int fd)
{
	char text[TREE_TEXT], own[32];

	snprintf(own, sizeof(own), "%d\n", (int)getpid());
	return tree_read(fd, "cgroup.procs", text, sizeof(text)) > 0 && strcmp(text, own) == 0;
}

/* False: there is none, or it is the root of all. */
static bool own_group(char *out, size_t room)
{
	char text[TREE_TEXT];
	struct tree_line line;
	const char *at = text;

	if (!cgroup_is_v2() || tree_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)) < 0)
		return false;
	while ((at = tree_next_line(at, &line)) != NULL)
		if (line.controllers_len == 0 && line.path_len > 1 && strncmp(line.path, "/..", 3) != 0)
			return snprintf(out, room, TREE_ROOT "%.*s", line.path_len, line.path) < (int)room;
	return false;
}

int unit_group_enter(struct err *e)
{
	char path[TREE_TEXT];
	OWN_FD int fd = -1, child = -1;

	if (!own_group(path, sizeof(path)) || !is_delegated(path))
		return 0;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !is_alone(fd))
		return 0;
	if (mkdirat(fd, CHILD, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "%.200s is delegated to this service, but: make " CHILD " in it", path);
	child = openat(fd, CHILD, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (child < 0 || tree_write(child, "cgroup.procs", "0") < 0)
		return err_sys(e, "%.200s is delegated to this service, but: move into its child " CHILD, path);
	return 0;
}
