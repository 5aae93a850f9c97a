/* Reads /proc/PID and the limits of its cgroups, as the caller. Traces nothing, changes nothing. */
#include "cmd/process_look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "mech/probe.h"

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#define PR_SCHED_CORE_GET 0
#endif
#define TEXT_BYTES ((size_t)8 << 20)
#define GROUPS "/sys/fs/cgroup"
#define UNLIMITED (UINT64_C(1) << 62) /* v1 writes "no limit" as almost 2^63 */

void process_look_done(struct process_look *look)
{
	free(look->facts.fds);
	arena_done(&look->arena);
	*look = PROCESS_LOOK_NONE;
}

/* A file below a directory as text; NULL when it cannot be read. NULs end it: such texts have none. */
static const char *read_text(struct process_look *look, int dir, const char *path)
{
	OWN_FD int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	OWN_MEM char *text = NULL;
	struct err e = ERR_INIT;
	size_t len;

	if (fd < 0 || fd_read_file(fd, path, TEXT_BYTES, &text, &len, &e) < 0)
		return NULL;
	return arena_copy(&look->arena, text, len);
}

/* As much of fdinfo as tells how a file was opened: that of an epoll set may be endless. */
static const char *read_head(struct process_look *look, int dir, const char *path)
{
	OWN_FD int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	char text[128];
	const ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));

	return len < 0 ? NULL : arena_copy(&look->arena, text, (size_t)len);
}

static const char *read_link(struct process_look *look, int dir, const char *path)
{
	char target[4096];
	const ssize_t len = readlinkat(dir, path, target, sizeof(target));

	return len < 0 ? NULL : arena_copy(&look->arena, target, (size_t)len);
}

static void look_at_namespaces(struct process_look *look, int dir)
{
	for (unsigned i = 0; i < PLACE_NAMESPACES; i++) {
		const char *const path = arena_printf(&look->arena, "ns/%s", place_ns_name(i));
		const char *const own = arena_printf(&look->arena, "/proc/self/ns/%s", place_ns_name(i));
		const char *const theirs = read_link(look, dir, path), *const ours = read_link(look, AT_FDCWD, own);

		/* A kernel without this kind has one for all. */
		look->facts.same_ns[i] = !ours ? KNOWN_YES : !theirs ? KNOWN_NOT :
					 strcmp(theirs, ours) == 0 ? KNOWN_YES : KNOWN_NO;
	}
}

static int by_number(const void *a, const void *b)
{
	const struct process_fd *const x = a, *const y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void look_at_fds(struct process_look *look, int dir)
{
	struct process_facts *const facts = &look->facts;
	OWN_FD int fd = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *const list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!list)
		return;
	fd = -1;
	facts->fds_known = true;
	/* One more than is judged, so that it is known that there are more. */
	while (facts->n_fds <= PLACE_LISTED && (entry = readdir(list))) {
		const char *const path = arena_printf(&look->arena, "fd/%s", entry->d_name);
		const char *const target = *entry->d_name == '.' ? NULL : read_link(look, dir, path);

		if (!target)
			continue;
		facts->fds = mem_grow(facts->fds, &look->cap_fds, facts->n_fds + 1, sizeof(*facts->fds));
		facts->fds[facts->n_fds++] = (struct process_fd){
			.number = atoi(entry->d_name),
			.target = target,
			.info = read_head(look, dir, arena_printf(&look->arena, "fdinfo/%s", entry->d_name)),
		};
	}
	closedir(list);
	if (facts->n_fds)
		qsort(facts->fds, facts->n_fds, sizeof(*facts->fds), by_number);
}

/* A file system whose answers are another process's: looking at it could wait for ever. Blanks in a path are
 * escaped in mountinfo, so that the mark is never part of one. */
static bool may_hang(const char *mounts)
{
	static const char *const marks[] = { " - fuse", " - autofs ", " - nfs", " - 9p ", " - cifs ", " - ceph " };

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (strstr(mounts, marks[i]))
			return true;
	return false;
}

#define NODES 256

/* The devices in a /dev that is not ours, through no link: the process may have made one anywhere. */
static void look_at_nodes(struct process_look *look, int dir)
{
	struct process_facts *const facts = &look->facts;
	struct err e = ERR_INIT;
	OWN_FD int root = -1, fd = -1;
	const struct dirent *entry = NULL;
	DIR *list;

	if (facts->same_ns[NS_MOUNT] == KNOWN_YES) {
		facts->has_nodes = KNOWN_NO;
		return;
	}
	root = !facts->mounts || may_hang(facts->mounts) ? -1 : openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = root < 0 ? -1 : fd_open_below(root, "dev", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, &e);
	list = fd < 0 ? NULL : fdopendir(fd);
	if (!list)
		return;
	fd = -1;
	facts->has_nodes = KNOWN_YES;
	facts->nodes = arena_alloc(&look->arena, NODES * sizeof(*facts->nodes));
	while (facts->n_nodes < NODES && (entry = readdir(list))) {
		struct stat st;

		if (fstatat(dirfd(list), entry->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 &&
		    (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
			facts->nodes[facts->n_nodes++] = arena_printf(&look->arena, "/dev/%s", entry->d_name);
	}
	if (entry)
		facts->has_nodes = KNOWN_NOT;
	closedir(list);
}

/* The files of a limit, v2 and v1. kind: 0 a number or "max", 1 v1's quota and period, 2 v2's "QUOTA PERIOD",
 * 3 lines of devices, 4 v1's memory and swap in one number. */
static const struct group_file {
	enum place_limit limit;
	const char *controller, *file;
	unsigned kind;
} group_files[] = {
	{ PLACE_MEMORY, "", "memory.max", 0 },    { PLACE_SWAP, "", "memory.swap.max", 0 },
	{ PLACE_PIDS, "", "pids.max", 0 },        { PLACE_CPUS, "", "cpu.max", 2 },
	{ PLACE_IO, "", "io.max", 3 },            { PLACE_MEMORY, "memory", "memory.limit_in_bytes", 0 },
	{ PLACE_PIDS, "pids", "pids.max", 0 },    { PLACE_CPUS, "cpu", "cpu.cfs_quota_us", 1 },
	{ PLACE_SWAP, "memory", "memory.memsw.limit_in_bytes", 4 },
	{ PLACE_IO, "blkio", "blkio.throttle.write_bps_device", 3 },
};

/* The limit a file states; false: none. */
static bool limit_of(struct process_look *look, const struct group_file *file, const char *directory, const char *text,
		     uint64_t *n)
{
	const char *period;
	char *end;
	long long value;

	if (file->kind == 3) {
		period = strchr(text, ' ');
		*n = 0;
		return period != NULL;
	}
	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || value < 0 || errno || (uint64_t)value >= UNLIMITED)
		return false;
	*n = (uint64_t)value;
	if (file->kind == 4) {
		const uint64_t memory = look->facts.bounds[PLACE_MEMORY].n;

		*n = *n > memory ? *n - memory : 0;
	}
	if (file->kind == 0 || file->kind == 4)
		return true;
	period = file->kind == 2 ? end :
				   read_text(look, AT_FDCWD, arena_printf(&look->arena, "%s/cpu.cfs_period_us", directory));
	value = period ? strtoll(period, NULL, 10) : 0;
	*n = value > 0 ? *n * 1000 / (uint64_t)value : 0;
	return value > 0;
}

/* The tightest limit from a group up to the top: each binds what is below it. */
static void look_at_group(struct process_look *look, const struct group_file *file, const char *path)
{
	struct place_bound *const bound = &look->facts.bounds[file->limit];
	char *const directory = arena_printf(&look->arena, GROUPS "%s%s%s", *file->controller ? "/" : "",
					     file->controller, path);
	const size_t top = strlen(GROUPS) + (*file->controller ? strlen(file->controller) + 1 : 0);

	/* A group that cannot be seen here may have any limit. */
	if (access(directory, F_OK) < 0)
		return;
	for (size_t len = strlen(directory); len >= top; len--) {
		const char *text;
		uint64_t n;

		if (directory[len] && directory[len] != '/')
			continue;
		directory[len] = '\0';
		text = read_text(look, AT_FDCWD, arena_printf(&look->arena, "%s/%s", directory, file->file));
		if (!text)
			continue;
		if (bound->whole == KNOWN_NOT)
			bound->whole = KNOWN_NO;
		if (!limit_of(look, file, directory, text, &n))
			continue;
		if (bound->whole != KNOWN_YES || n < bound->n)
			bound->n = n;
		bound->whole = KNOWN_YES;
	}
}

static bool lists(const char *names, size_t len, const char *wanted)
{
	const size_t width = strlen(wanted);

	for (const char *p = names; p < names + len; p += strcspn(p, ",:") + 1)
		if (strcspn(p, ",:") == width && strncmp(p, wanted, width) == 0)
			return true;
	return false;
}

/* "0::/user.slice", "7:memory:/box": for each line the files of that tree. */
static void look_at_groups(struct process_look *look, int dir)
{
	const char *const text = read_text(look, dir, "cgroup");

	for (const char *p = text, *end; p && *p; p = *end ? end + 1 : end) {
		const char *const names = strchr(p, ':'), *const path = names ? strchr(names + 1, ':') : NULL;
		const char *group;

		end = strchrnul(p, '\n');
		if (!path || path > end || path[1] != '/' || memmem(path, (size_t)(end - path), "/..", 3))
			continue;
		group = arena_copy(&look->arena, path + 1, (size_t)(end - path - 1));
		for (size_t i = 0; i < ARRAY_SIZE(group_files); i++) {
			const char *const controller = group_files[i].controller;

			if (*controller ? lists(names + 1, (size_t)(path - names - 1), controller) : path == names + 1)
				look_at_group(look, &group_files[i], strcmp(group, "/") == 0 ? "" : group);
		}
	}
}

static void look_at_cookie(struct process_look *look, int pid)
{
	unsigned long cookie = 0;

	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, pid, 0, &cookie) == 0)
		look->facts.has_cookie = cookie ? KNOWN_YES : KNOWN_NO;
	else
		look->facts.has_cookie = errno == EINVAL || errno == ENODEV ? KNOWN_NO : KNOWN_NOT;
}

static void look_at_host(struct process_look *look)
{
	struct probe probe;

	probe_fast(&probe);
	look->facts.own_uid = probe.uid;
	look->facts.smt = probe.smt ? KNOWN_YES : KNOWN_NO;
	look->facts.own_mounts = read_text(look, AT_FDCWD, "/proc/self/mountinfo");
}

int process_look(int pid, struct process_look *out, struct err *e)
{
	struct process_look look = { .facts = { .pid = pid } };
	struct process_facts *const facts = &look.facts;
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	OWN_FD int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0)
		return err_set(e, ERR_MISSING, "there is no process %d", pid);
	facts->status = read_text(&look, dir, "status");
	facts->limits = read_text(&look, dir, "limits");
	facts->mounts = read_text(&look, dir, "mountinfo");
	facts->interfaces = read_text(&look, dir, "net/dev");
	facts->tcp = read_text(&look, dir, "net/tcp");
	facts->tcp6 = read_text(&look, dir, "net/tcp6");
	facts->unix_sockets = read_text(&look, dir, "net/unix");
	look_at_namespaces(&look, dir);
	look_at_fds(&look, dir);
	look_at_nodes(&look, dir);
	look_at_groups(&look, dir);
	look_at_cookie(&look, pid);
	look_at_host(&look);
	facts->is_hidden = st.st_uid == 0;
	facts->stat = read_text(&look, dir, "stat"); /* last: without it the process ended meanwhile */
	if (!facts->stat) {
		process_look_done(&look);
		return err_set(e, ERR_MISSING, "process %d ended while it was looked at", pid);
	}
	*out = look;
	return 0;
}
