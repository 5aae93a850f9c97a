/* What /proc, /sys and the clock tell of the host, beyond paths that merely open (those are rows).
 */
#include "probe/attempts.h"
#include "probe/way.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

struct outcome try_proc_one(GIVEN)
{
	return scene_first(scene) == 1 ? outcome_skipped("process 1 is the program itself") :
					 outcome_of(way_open(row->path, O_RDONLY | O_CLOEXEC, 0));
}

/* Environment or memory of the process that started this one. */
struct outcome try_proc_parent(GIVEN)
{
	char path[64];

	if (!scene_parent(scene))
		return outcome_skipped("the parent has no number in here");
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)scene_parent(scene), row->path);
	return outcome_of(way_open(path, (int)row->n | O_CLOEXEC, 0));
}

struct outcome try_proc_host(GIVEN)
{
	char path[64];

	if (!scene->host_pid)
		return outcome_skipped("no marker");
	if (scene->host_pid == scene_first(scene) || scene->host_pid == getpid() ||
	    scene->host_pid <= 2)
		return outcome_skipped("the number has another meaning in here");
	snprintf(path, sizeof(path), "/proc/%d", (int)scene->host_pid);
	return outcome_of(way_exists(path));
}

struct outcome try_proc_foreign(GIVEN)
{
	DIR *const dir = way_opendir("/proc");

	if (!dir)
		return outcome_refused(errno);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		const int pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;

		if (pid > 1 && pid != scene_first(scene) && pid != scene_parent(scene) &&
		    pid != getpid())
			return outcome_allowed("process %d is shown", pid);
	}
	return outcome_refused(0);
}

/* The descriptors of process 1 are those of ward's first process: none may be walked through. */
static const char *file_text(const char *path, char *out, size_t cap)
{
	const int fd = way_open(path, O_RDONLY | O_CLOEXEC, 0);
	const ssize_t n = fd < 0 ? -1 : way_read(fd, out, cap - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return NULL;
	out[n] = '\0';
	return out;
}

struct outcome try_cgroup_path(GIVEN)
{
	char text[4096];

	if (!file_text("/proc/self/cgroup", text, sizeof(text)))
		return outcome_refused(errno);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		const char *const path = strrchr(line, ':');

		if (path && strcmp(path, ":/"))
			return outcome_allowed("%.60s", line);
	}
	return outcome_refused(0);
}

/* File systems through which the kernel is steered or that show the whole host. */
struct outcome try_kernel_mounts(GIVEN)
{
	static const char *const types[] = { " - sysfs ",       " - cgroup ",   " - cgroup2 ",
					     " - debugfs ",     " - tracefs ",  " - securityfs ",
					     " - bpf ",         " - configfs ", " - efivarfs ",
					     " - binfmt_misc ", " - mqueue ",   " - fusectl " };
	char text[65536];

	if (!file_text("/proc/self/mountinfo", text, sizeof(text)))
		return outcome_refused(errno);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strstr(text, types[i]))
			return outcome_allowed("mounted: %s", types[i] + 3);
	return outcome_refused(0);
}

struct outcome try_uptime(GIVEN)
{
	enum { NEAR_S = 30 };
	struct timespec now;

	if (!scene->uptime_s)
		return outcome_skipped("no marker");
	if (scene->uptime_s <= 2 * NEAR_S)
		return outcome_skipped("the host has only just started");
	if (clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return outcome_refused(errno);
	return outcome_state(labs(now.tv_sec - scene->uptime_s) < NEAR_S, "the host's", "another");
}

struct outcome try_host_name(GIVEN)
{
	struct utsname now;

	if (!scene->host_name)
		return outcome_skipped("no marker");
	if (uname(&now) < 0)
		return outcome_refused(errno);
	return outcome_state(!strcmp(now.nodename, scene->host_name), "the host's", "another");
}

struct outcome try_self_mem(GIVEN)
{
	static const char constant[1] = "x";
	const int fd = way_open("/proc/self/mem", O_RDWR | O_CLOEXEC, 0);

	return fd < 0 ? outcome_refused(errno) :
			outcome_of(way_pwrite(fd, "x", 1, (off_t)(uintptr_t)constant));
}

struct outcome try_oom_score(GIVEN)
{
	const int fd = way_open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC, 0);

	return fd < 0 ? outcome_refused(errno) : outcome_of(write(fd, "-1000", 5));
}
