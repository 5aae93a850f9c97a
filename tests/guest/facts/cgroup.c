/* Facts about cgroup v2: where this process may make a group, what the group has, and how it
 * behaves. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "facts.h"

#define ROOT "/sys/fs/cgroup"

/* The cgroup this process is in, as a path below ROOT. */
static void own_cgroup(char *out, size_t cap)
{
	char line[512];

	get_line("/proc/self/cgroup", line, sizeof(line));
	if (strncmp(line, "0::", 3) != 0)
		say(false, "not a v2-only host: %s", line);
	snprintf(out, cap, ROOT "%s", line + 3);
}

static bool may_make(const char *dir)
{
	char path[700], enabled[200];

	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir);
	get_line(path, enabled, sizeof(enabled));
	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	return access(dir, W_OK) == 0 && access(path, W_OK) == 0 && strstr(enabled, "memory") &&
	       strstr(enabled, "pids");
}

/* The nearest ancestor that this process may make a limited group in; false if there is none. */
static bool find_home(char *out, size_t cap)
{
	own_cgroup(out, cap);
	while (strlen(out) >= strlen(ROOT)) {
		char *slash;

		if (may_make(out))
			return true;
		slash = strrchr(out, '/');
		*slash = 0;
	}
	return false;
}

static void home(void)
{
	char own[512], found[512];

	own_cgroup(own, sizeof(own));
	if (!find_home(found, sizeof(found)))
		say(false, "none above %s", own + strlen(ROOT));
	say(true, "%s (own: %s)", found[strlen(ROOT)] ? found + strlen(ROOT) : "/",
	    own + strlen(ROOT));
}

/* Makes a group for one probe; its name is told by the pid, so nothing is shared. */
static void make_group(char *out, size_t cap)
{
	char dir[512];

	if (!find_home(dir, sizeof(dir)))
		say(false, "no cgroup to work in");
	snprintf(out, cap, "%s/facts-%d", dir, getpid());
	if (mkdir(out, 0755) < 0)
		say(false, NULL);
}

static void drop_group(const char *group)
{
	char path[700];

	snprintf(path, sizeof(path), "%s/cgroup.kill", group);
	put_file(path, "1");
	while (waitpid(-1, NULL, 0) > 0)
		;
	for (int i = 0; i < 50 && rmdir(group) < 0 && errno == EBUSY; i++)
		usleep(20000);
}

static bool set(const char *group, const char *file, const char *value)
{
	char path[700];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	return put_file(path, value);
}

/* The number after key in a flat-keyed file, or -1. */
static long get(const char *group, const char *file, const char *key)
{
	char path[700], line[200];
	long value = -1;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	in = fopen(path, "re");
	while (in && fgets(line, sizeof(line), in))
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtol(line + strlen(key), NULL, 10);
	if (in)
		fclose(in);
	return value;
}

static pid_t born_in(const char *group)
{
	const int fd = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct clone_args args = {
	    .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)fd};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static const struct {
	const char *name, *since;
} files[] = {
    {"cgroup.kill", "5.14"},
    {"cgroup.freeze", "5.2"},
    {"cgroup.pressure", "6.1"},
    {"memory.max", "4.5"},
    {"memory.high", "4.5"},
    {"memory.oom.group", "4.19"},
    {"memory.peak", "5.19"},
    {"memory.reclaim", "5.19"},
    {"memory.swap.max", "4.5"},
    {"memory.swap.peak", "6.5"},
    {"memory.zswap.max", "5.19"},
    {"memory.events.local", "5.2"},
    {"pids.max", "4.5"},
    {"pids.events", "4.5"},
    {"pids.peak", "6.1"},
    {"pids.events.local", "6.12"},
    {"cpu.max", "4.15"},
    {"cpu.max.burst", "5.14"},
    {"cpu.idle", "5.15"},
    {"cpu.weight", "4.15"},
    {"cpu.stat.local", "6.9"},
    {"cpuset.cpus", "5.0"},
    {"io.max", "4.5"},
    {"io.stat", "4.5"},
    {"io.latency", "4.19"},
    {"io.pressure", "4.20"},
    {"cgroup.stat.local", "6.19"},
};

static void control_files(void)
{
	char group[600], path[700], found[600] = "", missing[600] = "";

	make_group(group, sizeof(group));
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char *list;

		snprintf(path, sizeof(path), "%s/%s", group, files[i].name);
		list = access(path, F_OK) == 0 ? found : missing;
		snprintf(list + strlen(list), sizeof(found) - strlen(list), " %s(%s)",
			 files[i].name, files[i].since);
	}
	drop_group(group);
	say(true, "has:%s; lacks:%s", found, missing);
}

static void into_cgroup(void)
{
	char group[600];
	pid_t pid;
	int err;

	make_group(group, sizeof(group));
	pid = born_in(group);
	if (pid == 0)
		_exit(0);
	err = errno;
	drop_group(group);
	errno = err;
	say_rc(pid);
}

/* The session of an ordinary user on Debian lies beside, not below, what systemd delegated to him.
 */
static void into_delegated_from_session(void)
{
	const char *group = ROOT "/user.slice/user-1000.slice/user@1000.service/facts";
	pid_t pid;
	int err;

	if (mkdir(group, 0755) < 0)
		say(false, "mkdir: %s", strerrorname_np(errno));
	pid = born_in(group);
	if (pid == 0)
		_exit(0);
	err = errno;
	drop_group(group);
	errno = err;
	say_rc(pid);
}

/* A child born with every namespace and in its group, by one call. */
static void born_complete(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	char group[600];
	int fd, err;
	pid_t pid;

	make_group(group, sizeof(group));
	fd = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	args.cgroup = (uint64_t)fd;
	args.flags = CLONE_INTO_CGROUP | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
		     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWTIME |
		     CLONE_CLEAR_SIGHAND;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(0);
	err = errno;
	drop_group(group);
	errno = err;
	say_rc(pid);
}

static void kill_group(void)
{
	char group[600];
	int status = 0;
	pid_t pid;

	make_group(group, sizeof(group));
	pid = born_in(group);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	if (pid < 0 || !set(group, "cgroup.kill", "1"))
		say(false, NULL);
	waitpid(pid, &status, 0);
	const int removed = rmdir(group);
	say(WIFSIGNALED(status), "signal %d; rmdir right after waitpid: %s", WTERMSIG(status),
	    removed == 0 ? "done" : strerrorname_np(errno));
}

static int fork_until_refused(void)
{
	for (int i = 0; i < 20; i++) {
		const pid_t pid = fork();

		if (pid < 0)
			return errno;
		if (pid == 0) {
			pause();
			_exit(0);
		}
	}
	return 0;
}

static void pids_limit(void)
{
	char group[600], inner[700];
	int status = 0;
	long here, below;
	pid_t pid;

	make_group(group, sizeof(group));
	snprintf(inner, sizeof(inner), "%s/inner", group);
	if (!set(group, "pids.max", "5") || !set(group, "cgroup.subtree_control", "+pids") ||
	    mkdir(inner, 0755) < 0)
		say(false, NULL);
	pid = born_in(inner);
	if (pid == 0)
		_exit(fork_until_refused());
	waitpid(pid, &status, 0);
	here = get(group, "pids.events", "max ");
	below = get(inner, "pids.events", "max ");
	set(group, "cgroup.kill", "1");
	usleep(100000);
	rmdir(inner);
	drop_group(group);
	say(WEXITSTATUS(status) == EAGAIN,
	    "fork: %s; events max at the limit's group %ld, at the process's group below %ld",
	    strerrorname_np(WEXITSTATUS(status)), here, below);
}

static void memory_limit(void)
{
	char group[600], peak[64], path[700];
	int status = 0;
	pid_t pid;
	long kills, groups;

	make_group(group, sizeof(group));
	if (!set(group, "memory.max", "16M") || !set(group, "memory.oom.group", "1"))
		say(false, NULL);
	set(group, "memory.swap.max", "0");
	pid = born_in(group);
	if (pid == 0) {
		char *all = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		memset(all, 1, 64 << 20);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	kills = get(group, "memory.events", "oom_kill ");
	groups = get(group, "memory.events", "oom_group_kill ");
	snprintf(path, sizeof(path), "%s/memory.peak", group);
	get_line(path, peak, sizeof(peak));
	drop_group(group);
	say(WIFSIGNALED(status), "signal %d, oom_kill %ld, oom_group_kill %ld, memory.peak %s",
	    WTERMSIG(status), kills, groups, peak);
}

static void cpu_limit(void)
{
	char group[600];

	make_group(group, sizeof(group));
	const bool done = set(group, "cpu.max", "50000 100000");
	const int err = errno;
	drop_group(group);
	errno = err;
	say_rc(done ? 0 : -1);
}

static void io_limit(void)
{
	char group[600], device[32];

	make_group(group, sizeof(group));
	get_line("/sys/block/ram0/dev", device, sizeof(device));
	strcat(device, " wbps=1048576");
	const bool done = set(group, "io.max", device);
	const int err = errno;
	drop_group(group);
	errno = err;
	if (!done)
		say(false, NULL);
	say(true, "%s", device);
}

static void options(void)
{
	char line[512];
	FILE *in = fopen("/proc/self/mountinfo", "re");

	while (in && fgets(line, sizeof(line), in))
		if (strstr(line, " - cgroup2 "))
			say(true, "%s", strtok(strstr(line, " - cgroup2 ") + 3, "\n"));
	say(false, "cgroup2 is not mounted");
}

const struct fact cgroup_facts[] = {
    {"cgroup2_mounted", "", options},
    {"cgroup_to_work_in", "", home},
    {"cgroup_files", "", control_files},
    {"clone_into_cgroup", "5.7", into_cgroup},
    {"clone_into_cgroup_all_ns", "5.7", born_complete},
    {"session_into_delegated", "", into_delegated_from_session},
    {"cgroup_kill", "5.14", kill_group},
    {"pids_max_counts_refusals", "", pids_limit},
    {"memory_max_and_oom_group", "4.19", memory_limit},
    {"cpu_max", "4.15", cpu_limit},
    {"io_max_on_ram0", "4.5", io_limit},
    {0},
};
