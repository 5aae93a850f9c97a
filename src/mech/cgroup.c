/* A group from birth to removal, whatever the kind of tree. Refuses to touch groups it did not
 * make. */
#include "mech/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/cgroup_tree.h"

#define PIDS_A_ROUND 64
#define FREEZE_MS    500
#define SWEEP_MS     50

/* Sleeps a little longer each time; false when that adds up to wait_ms. */
static bool nap(unsigned *slept_us, unsigned wait_ms)
{
	const unsigned us = *slept_us < 40000 ? *slept_us / 4 + 50 : 10000;

	if (*slept_us >= wait_ms * 1000)
		return false;
	nanosleep(&(struct timespec){.tv_nsec = us * 1000L}, NULL);
	*slept_us += us;
	return true;
}

void cgroup_forget(struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->n_dirs; i++) {
		tree_close_fd(cgroup->dirs[i].parent_fd);
		tree_close_fd(cgroup->dirs[i].fd);
	}
	*cgroup = CGROUP_NONE;
}

static int open_dir(const struct cgroup *cgroup, size_t i)
{
	return openat(cgroup->dirs[i].parent_fd, cgroup->name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The lock lasts as long as the descriptor or a copy of it: the sweep sees that a keeper is gone by
 * getting the lock, whatever became of its pid, and from any pid namespace. Should a sweep hold it
 * for a moment, that is waited for. -1 with errno. */
static int lock_dir(const struct cgroup *cgroup, size_t i)
{
	TREE_FD int fd = open_dir(cgroup, i);

	while (fd >= 0 && flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -1;
	return TAKE(fd, -1);
}

/* All directories or none. */
static int make_dirs(struct cgroup *cgroup, struct err *e)
{
	for (size_t i = 0; i < cgroup->n_dirs; i++) {
		const bool is_made = mkdirat(cgroup->dirs[i].parent_fd, cgroup->name, 0755) == 0;

		if (is_made)
			cgroup->dirs[i].fd = lock_dir(cgroup, i);
		if (cgroup->dirs[i].fd >= 0)
			continue;
		err_sys(e, "cgroup: mkdir %s", cgroup->name);
		for (size_t j = 0; j < i + is_made; j++)
			unlinkat(cgroup->dirs[j].parent_fd, cgroup->name, AT_REMOVEDIR);
		return -1;
	}
	return 0;
}

int cgroup_create(struct cgroup *out, uint32_t limits, struct err *e)
{
	struct cgroup made;
	struct timespec now;
	int done = -1;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (tree_home(&made, limits, true, e) == limits) {
		snprintf(made.name, sizeof(made.name), "ward-%d-%lld.%09ld", getpid(),
			 (long long)now.tv_sec, now.tv_nsec);
		done = make_dirs(&made, e);
	}
	if (done < 0) {
		cgroup_forget(&made);
		return -1;
	}
	/* groups made inside would be counted by nobody and keep this one from being removed */
	tree_write(cgroup_into_fd(&made), "cgroup.max.descendants", "0");
	*out = made;
	return 0;
}

int cgroup_set(const struct cgroup *cgroup, enum cgroup_limit limit, uint64_t value, struct err *e)
{
	for (size_t i = 0; i < cgroup->n_dirs; i++)
		if (cgroup->dirs[i].limits & CGROUP_BIT(limit))
			return tree_set(cgroup->dirs[i].fd, cgroup->v2, limit, value, e);
	return err_set(e, ERR_CONFLICT,
		       "cgroup: limit %d was not asked for when the group was made", (int)limit);
}

int cgroup_into_fd(const struct cgroup *cgroup)
{
	return cgroup->v2 && cgroup->n_dirs ? cgroup->dirs[0].fd : -1;
}

/* The first move after a quiet spell waits for an RCU grace period (7 to 15 ms), those right behind
 * it do not: kernel/cgroup/cgroup.c, cgroup_threadgroup_rwsem. So nothing comes in between. */
int cgroup_attach(const struct cgroup *cgroup, int pid, struct err *e)
{
	const int len = (int)strlen(cgroup->name);
	char word[16], path[32], text[TREE_TEXT];
	struct tree_line line;
	size_t n = 0;

	snprintf(word, sizeof(word), "%d", pid);
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	for (size_t i = 0; i < cgroup->n_dirs; i++)
		if (tree_write(cgroup->dirs[i].fd, "cgroup.procs", word) < 0)
			return err_sys(e, "cgroup: cannot move process %d into %s", pid,
				       cgroup->name);
	if (tree_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return err_sys(e, "cgroup: %s", path);
	for (const char *at = text; (at = tree_next_line(at, &line)) != NULL;)
		n += line.path_len > len && strncmp(line.path + line.path_len - len, cgroup->name, (size_t)len) == 0;
	return n == cgroup->n_dirs ? 0 : err_set(e, ERR_SYSTEM, "cgroup: process %d did not move into %s", pid, cgroup->name);
}

int cgroup_usage(const struct cgroup *cgroup, uint32_t limits, struct cgroup_usage *out, struct err *e)
{
	struct cgroup_usage usage = {.have = 0};

	for (size_t i = 0; i < cgroup->n_dirs; i++)
		tree_usage(cgroup->dirs[i].fd, cgroup->v2, (cgroup->dirs[i].limits | CGROUP_NOW) & limits, &usage);
	if (!usage.have)
		return err_set(e, ERR_UNSUPPORTED, "cgroup: %s has no counters", cgroup->name);
	*out = usage;
	return 0;
}

static const struct freezer {
	uint32_t limits;
	const char *file, *words[2], *state_file, *states[2];
} freezers[2] = {
    {TREE_FREEZER, "freezer.state", {"THAWED", "FROZEN"}, "freezer.state", {"THAWED", "FROZEN"}},
    {~0u, "cgroup.freeze", {"0", "1"}, "cgroup.events", {"frozen 0", "frozen 1"}},
};

/* Asks for a state: 1 when it is reached, 0 not yet, -1 with errno. v1 has to be asked again and
 * again: tasks that were just being forked escape the first time. */
static int ask_frozen(const struct cgroup *cgroup, bool frozen)
{
	const struct freezer *freezer = &freezers[cgroup->v2];
	char text[TREE_TEXT];
	size_t i = 0;

	while (i < cgroup->n_dirs && !(cgroup->dirs[i].limits & freezer->limits))
		i++;
	errno = EOPNOTSUPP;
	if (i == cgroup->n_dirs ||
	    tree_write(cgroup->dirs[i].fd, freezer->file, freezer->words[frozen]) < 0 ||
	    tree_read(cgroup->dirs[i].fd, freezer->state_file, text, sizeof(text)) < 0)
		return -1;
	return tree_after(text, freezer->states[frozen]) != NULL;
}

int cgroup_freeze(const struct cgroup *cgroup, bool frozen, struct err *e)
{
	unsigned slept_us = 0;
	int done;

	do {
		done = ask_frozen(cgroup, frozen);
	} while (done == 0 && nap(&slept_us, FREEZE_MS));
	if (done < 0)
		return err_sys(e, "cgroup: cannot freeze or thaw %s", cgroup->name);
	if (done == 0)
		return err_set(e, ERR_SYSTEM, "cgroup: %s is still not %s", cgroup->name,
			       frozen ? "frozen" : "thawed");
	return 0;
}

/* Signals some of the processes in a directory. A pid may have gone to a stranger since it was
 * read, so it is read again when a descriptor holds the process. Returns whether any may be left.
 */
static bool kill_some(int dir_fd)
{
	char text[TREE_TEXT], again[TREE_TEXT], *next = text;
	const int len = tree_read(dir_fd, "cgroup.procs", text, sizeof(text));
	int fds[PIDS_A_ROUND], n = 0;
	const char *pids[PIDS_A_ROUND];

	for (; n < PIDS_A_ROUND && (pids[n] = strsep(&next, "\n")) != NULL && *pids[n]; n++)
		fds[n] = (int)syscall(SYS_pidfd_open, atoi(pids[n]), 0);
	(void)!tree_read(dir_fd, "cgroup.procs", again, sizeof(again));
	while (n-- > 0) {
		if (fds[n] >= 0 && tree_has(again, pids[n], ""))
			syscall(SYS_pidfd_send_signal, fds[n], SIGKILL, NULL, 0);
		tree_close_fd(fds[n]);
	}
	return len > 0 || (len < 0 && errno != ENODEV && errno != ENOENT);
}

/* One round; true while any process may be left. */
static bool kill_round(const struct cgroup *cgroup, bool forks)
{
	char text[TREE_TEXT];
	bool left = false;

	if (cgroup->v2 && tree_write(cgroup->dirs[0].fd, "cgroup.kill", "1") == 0)
		return tree_read(cgroup->dirs[0].fd, "cgroup.events", text, sizeof(text)) < 0 ||
		       !tree_after(text, "populated 0");
	if (forks)
		ask_frozen(cgroup, true);
	for (size_t i = 0; i < cgroup->n_dirs; i++)
		left |= kill_some(cgroup->dirs[i].fd);
	ask_frozen(cgroup, false); /* v1: a frozen process does not die */
	return left;
}

int cgroup_kill(const struct cgroup *cgroup, unsigned wait_ms, struct err *e)
{
	unsigned slept_us = 0;
	bool forks = true, left;

	/* a fork bomb must not win the race */
	for (size_t i = 0; i < cgroup->n_dirs; i++)
		if (cgroup->dirs[i].limits & CGROUP_BIT(CGROUP_PIDS))
			forks = tree_write(cgroup->dirs[i].fd, "pids.max", "0") < 0;
	do {
		left = kill_round(cgroup, forks);
	} while (left && nap(&slept_us, wait_ms));
	return left ? err_set(e, ERR_SYSTEM, "cgroup: processes are left in %s", cgroup->name) : 0;
}

/* Processes that are dead but not yet gone keep a group busy. */
static int remove_dirs(const struct cgroup *cgroup, unsigned wait_ms, struct err *e)
{
	unsigned slept_us = 0;
	int result = 0;

	for (size_t i = 0; i < cgroup->n_dirs; i++) {
		int done;

		do {
			done = unlinkat(cgroup->dirs[i].parent_fd, cgroup->name, AT_REMOVEDIR);
		} while (done < 0 && errno == EBUSY && nap(&slept_us, wait_ms));
		if (done < 0 && errno != ENOENT)
			result = err_sys(e, "cgroup: rmdir %s", cgroup->name);
	}
	return result;
}

int cgroup_remove(struct cgroup *cgroup, unsigned wait_ms, struct err *e)
{
	const int result = remove_dirs(cgroup, wait_ms, e);

	cgroup_forget(cgroup);
	return result;
}

/* Takes a directory whose keeper is gone; its sisters in other trees have their own turn. */
static bool sweep_one(const struct cgroup *home, size_t i, const char *name)
{
	struct cgroup orphan = {.v2 = home->v2, .n_dirs = 1, .dirs = {home->dirs[i]}};
	struct stat st;
	struct err e;

	if (strncmp(name, "ward-", 5) != 0 || strlen(name) >= sizeof(orphan.name))
		return false;
	strcpy(orphan.name, name);
	TREE_FD int fd = open_dir(&orphan, 0);
	orphan.dirs[0].fd = fd;
	/* a group is born a moment before it is locked, and must not find the lock taken then */
	return fd >= 0 && fstat(fd, &st) == 0 && time(NULL) - st.st_mtime > 1 &&
	       flock(fd, LOCK_EX | LOCK_NB) == 0 && cgroup_kill(&orphan, SWEEP_MS, &e) == 0 && remove_dirs(&orphan, SWEEP_MS, &e) == 0;
}

static unsigned sweep_dir(const struct cgroup *home, size_t i)
{
	TREE_FD int fd = openat(home->dirs[i].parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char list[2048];
	unsigned n = 0;
	ssize_t len;

	while (fd >= 0 && (len = getdents64(fd, list, sizeof(list))) > 0)
		for (ssize_t at = 0; at < len;) {
			const struct dirent64 *entry = (const void *)(list + at);

			at += entry->d_reclen;
			n += sweep_one(home, i, entry->d_name);
		}
	return n;
}

static unsigned sweep_home(uint32_t limits)
{
	struct cgroup home;
	unsigned n = 0;
	struct err e;

	(void)tree_home(&home, limits, false, &e);
	for (size_t j = 0; j < home.n_dirs; j++)
		n += sweep_dir(&home, j);
	cgroup_forget(&home);
	return n;
}

unsigned cgroup_sweep(void)
{
	/* v2: which ancestor a group went below depends on its limits */
	static const uint32_t each[] = {TREE_ALL, CGROUP_BIT(CGROUP_MEMORY),
					CGROUP_BIT(CGROUP_PIDS), CGROUP_BIT(CGROUP_CPUS)};
	unsigned n = 0;

	/* v1: what is left behind is left in all trees, so one tells; mostly there is nothing */
	if (!cgroup_is_v2() && sweep_home(CGROUP_BIT(CGROUP_PIDS)) == 0)
		return 0;
	for (size_t i = 0; i < (cgroup_is_v2() ? ARRAY_SIZE(each) : 1); i++)
		n += sweep_home(each[i]);
	return n;
}

uint32_t cgroup_available(bool try, bool *v2, char *why, size_t why_cap)
{
	struct err e = ERR_INIT;
	struct cgroup group;
	uint32_t found = tree_home(&group, TREE_ALL, false, &e);

	*v2 = group.v2;
	cgroup_forget(&group);
	if (try && found &&
	    (cgroup_create(&group, found, &e) < 0 || cgroup_remove(&group, SWEEP_MS, &e) < 0))
		found = 0;
	snprintf(why, why_cap, "%s", found == TREE_ALL ? "" : e.text);
	return found;
}
