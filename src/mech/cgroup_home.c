/* Where groups go: below the caller's own in each v1 tree, or below the nearest ancestor on v2. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/cgroup_tree.h"

#define V2_CONTROLLERS 4 /* those that a subtree_control may name come first */
static const struct {
	const char *name;
	uint32_t limits;
} controllers[] = {
    {"memory", TREE_MEMORY},
    {"pids", CGROUP_BIT(CGROUP_PIDS)},
    {"cpu", CGROUP_BIT(CGROUP_CPUS)},
    {"io", TREE_IO},
    {"blkio", TREE_IO},
    {"cpuacct", CGROUP_BIT(CGROUP_CPU_TIME)},
    {"freezer", TREE_FREEZER},
};

/* The limits of listed controllers; *name becomes the last one known. */
static uint32_t listed(const char *words, int len, const char **name)
{
	uint32_t limits = 0;

	for (const char *at = words; at < words + len; at++) {
		const size_t word_len = strcspn(at, ", :\n");

		for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
			if (strlen(controllers[i].name) != word_len ||
			    strncmp(at, controllers[i].name, word_len) != 0)
				continue;
			limits |= controllers[i].limits;
			*name = controllers[i].name;
		}
		at += word_len;
	}
	return limits;
}

static int fail(bool v2, int error, uint32_t missing, struct err *e)
{
	char names[64] = "";

	if (error == EROFS)
		return err_set(e, ERR_UNSUPPORTED,
			       "cgroups are mounted read-only, as in a container: "
			       "run ward-monitor outside of it, or make them writable");
	if (error == EACCES || error == EPERM)
		return err_set(e, ERR_UNSUPPORTED,
			       "cgroups are not delegated to this user: run ward-monitor%s",
			       v2 ? ", or systemd-run --user --scope -p Delegate=yes ward ..."
				  : "");
	if (error == EBUSY)
		return err_set(e, ERR_UNSUPPORTED,
			       "ward's own cgroup has processes in it: move them into a "
			       "child group (mkdir; cgroup.procs), or run ward-monitor");
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (controllers[i].limits & missing && controllers[i].limits != TREE_FREEZER)
			strcat(strcat(names, " "), controllers[i].name);
	return err_set(e, ERR_UNSUPPORTED, "no cgroup controller for%s: mount or delegate it",
		       names);
}

static void add_dir(struct cgroup *out, int parent_fd, uint32_t limits)
{
	out->dirs[out->n_dirs].parent_fd = parent_fd;
	out->dirs[out->n_dirs].fd = -1;
	out->dirs[out->n_dirs++].limits = limits;
}

/* Opens the caller's own group of a v1 tree. In a container without a cgroup namespace the path is
 * the host's and is not found below the mount, whose root is then our group; "/.." lies outside of
 * it. */
static int open_v1(const char *name, const struct tree_line *line)
{
	char path[TREE_TEXT + 64];
	struct statfs fs;
	TREE_FD int fd = -1;

	snprintf(path, sizeof(path), TREE_ROOT "/%s%.*s", name, line->path_len, line->path);
	if (strncmp(line->path, "/..", 3) != 0)
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	path[strlen(TREE_ROOT "/") + strlen(name)] = 0;
	if (fd < 0)
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP_SUPER_MAGIC ||
	    faccessat(fd, ".", W_OK, 0) < 0)
		return -1;
	return TAKE(fd, -1);
}

static uint32_t v1_home(struct cgroup *out, const char *text, uint32_t limits, int *error)
{
	const char *name = "";
	struct tree_line line;
	uint32_t found = 0;

	while (out->n_dirs < CGROUP_DIRS && (text = tree_next_line(text, &line)) != NULL) {
		const uint32_t has = listed(line.controllers, line.controllers_len, &name);

		if (!(has & (limits & CGROUP_NEVER_FROZEN ? limits : limits | TREE_FREEZER)))
			continue;
		errno = 0;
		const int fd = open_v1(name, &line);
		if (fd >= 0)
			add_dir(out, fd, has);
		else if (has & limits)
			*error = errno;
		found |= fd >= 0 ? has : 0;
	}
	return found;
}

/* A group with processes of its own cannot have limited children, unless it is the real root, which
 * is told by having no type (cgroup-v2.rst, "No Internal Process Constraint"). The kernel refuses
 * that for memory and io only: with pids or cpu it makes the group threaded, and its children
 * useless. */
static bool may_switch_on(int dir_fd)
{
	char text[64];

	return faccessat(dir_fd, "cgroup.subtree_control", W_OK, 0) == 0 &&
	       (faccessat(dir_fd, "cgroup.type", F_OK, 0) < 0 ||
		tree_read(dir_fd, "cgroup.procs", text, sizeof(text)) == 0);
}

static bool switch_on(int dir_fd, uint32_t limits)
{
	char text[64] = "";

	for (size_t i = 0; i < V2_CONTROLLERS; i++)
		if (controllers[i].limits & limits)
			strcat(strcat(text, " +"), controllers[i].name);
	return tree_write(dir_fd, "cgroup.subtree_control", text + 1) == 0;
}

/* What a group made below dir_fd could limit, with the cause in *error if that is not enough.
 * Moving a process in also takes the right to write cgroup.procs of the common ancestor, which is
 * dir_fd. */
static uint32_t usable_v2(int dir_fd, uint32_t limits, bool enable, int *error)
{
	char on[TREE_TEXT], has[TREE_TEXT];
	const char *name;
	uint32_t found;

	if (faccessat(dir_fd, "cgroup.procs", W_OK, 0) < 0 || faccessat(dir_fd, ".", W_OK, 0) < 0 ||
	    tree_read(dir_fd, "cgroup.subtree_control", on, sizeof(on)) < 0 ||
	    tree_read(dir_fd, "cgroup.controllers", has, sizeof(has)) < 0) {
		*error = errno;
		return 0;
	}
	found = listed(on, (int)strlen(on), &name) | CGROUP_BIT(CGROUP_CPU_TIME);
	const uint32_t offered = limits & listed(has, (int)strlen(has), &name) & ~found;
	*error = limits & ~found & ~offered ? ENOENT : EBUSY;
	/* nothing is switched on where that would not suffice: the search goes on upwards */
	if (offered && may_switch_on(dir_fd) &&
	    (!enable || (*error == EBUSY && switch_on(dir_fd, offered))))
		found |= offered;
	return found;
}

/* Not inlined: a large frame is touched page by page (-fstack-clash-protection), on v1 for nothing. */
__attribute__((noinline))
static uint32_t v2_home(struct cgroup *out, const char *text, uint32_t limits, bool enable,
			int *error)
{
	char path[TREE_TEXT + 64] = TREE_ROOT;
	uint32_t best = 0;
	struct tree_line line;
	int best_fd = -1;

	while ((text = tree_next_line(text, &line)) != NULL)
		if (line.controllers_len == 0 && strncmp(line.path, "/..", 3) != 0)
			snprintf(path, sizeof(path), TREE_ROOT "%.*s", line.path_len, line.path);
	for (; strlen(path) >= strlen(TREE_ROOT) && limits & ~best; *strrchr(path, '/') = 0) {
		const int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		int cause = errno;
		const uint32_t found = fd < 0 ? 0 : usable_v2(fd, limits, enable, &cause);
		const bool is_better =
		    __builtin_popcount(found & limits) > __builtin_popcount(best & limits);

		tree_close_fd(is_better ? best_fd : fd);
		if (is_better || *error == 0)
			*error = cause;
		best_fd = is_better ? fd : best_fd;
		best = is_better ? found : best;
	}
	if (best_fd >= 0)
		add_dir(out, best_fd, best);
	return best;
}

bool cgroup_is_v2(void)
{
	struct statfs fs;

	return statfs(TREE_ROOT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

uint32_t tree_home(struct cgroup *out, uint32_t limits, bool enable, struct err *e)
{
	char text[TREE_TEXT];
	int error = 0;
	uint32_t found;

	*out = CGROUP_NONE;
	out->v2 = cgroup_is_v2();
	if (tree_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)) < 0)
		return (void)err_sys(e, "cgroup: /proc/self/cgroup"), 0;
	if (out->v2)
		found = v2_home(out, text, limits & ~CGROUP_NEVER_FROZEN, enable, &error);
	else
		found = v1_home(out, text, limits, &error);
	found |= CGROUP_NEVER_FROZEN;
	if (limits & ~found)
		fail(out->v2, error, limits & ~found, e);
	return found & limits;
}
