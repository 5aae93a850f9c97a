/* Looks at a process through one descriptor of its /proc directory, which goes dead with it: another process
 * of the same number is never mistaken for it. */
#include "cmd/subject_pid.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "mech/seccomp_get.h"

#define STATUS_BYTES 65536      /* as much as a process has groups */
#define THREADS_MAX 4096

/* What is wanted of a status file. */
struct status {
	uint64_t seccomp, n_filters, no_new_privs, cap_bounding, cap_permitted;
};

static uint64_t field(const char *text, const char *name, int base)
{
	const char *const at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, base) : 0;
}

static int read_status(int proc_fd, const char *path, struct status *out, struct err *e)
{
	OWN_FD int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	OWN_MEM char *text = NULL;
	size_t len;

	if (fd < 0)
		return err_sys(e, "/proc");
	if (fd_read_file(fd, "status", STATUS_BYTES, &text, &len, e) < 0)
		return -1;
	/* The first line is a name the process chose; the kernel escapes line breaks in it. */
	*out = (struct status){
		.seccomp = field(text, "\nSeccomp:", 10),
		.n_filters = field(text, "\nSeccomp_filters:", 10),
		.no_new_privs = field(text, "\nNoNewPrivs:", 10),
		.cap_bounding = field(text, "\nCapBnd:", 16),
		.cap_permitted = field(text, "\nCapPrm:", 16),
	};
	return 0;
}

static ssize_t read_namespace(int proc_fd, const char *name, char *out, size_t cap)
{
	char path[32];

	snprintf(path, sizeof(path), "ns/%s", name);
	return readlinkat(proc_fd, path, out, cap);
}

/* Not the first process's: its own, or that of a few. */
static enum known is_own(int proc_fd, int init_fd, const char *name)
{
	char own[64], first[64];
	const ssize_t n = read_namespace(proc_fd, name, own, sizeof(own)),
		      m = read_namespace(init_fd, name, first, sizeof(first));

	if (n <= 0 || m <= 0)
		return KNOWN_NOT;
	return n == m && memcmp(own, first, (size_t)n) == 0 ? KNOWN_NO : KNOWN_YES;
}

static void fill_context(int proc_fd, const struct status *status, struct subject_context *out)
{
	OWN_FD int init_fd = open("/proc/1", O_PATH | O_DIRECTORY | O_CLOEXEC);

	out->own_user = is_own(proc_fd, init_fd, "user");
	out->own_pid = is_own(proc_fd, init_fd, "pid");
	out->own_net = is_own(proc_fd, init_fd, "net");
	out->own_mount = is_own(proc_fd, init_fd, "mnt");
	out->own_ipc = is_own(proc_fd, init_fd, "ipc");
	out->own_uts = is_own(proc_fd, init_fd, "uts");
	out->own_cgroup = is_own(proc_fd, init_fd, "cgroup");
	out->no_new_privs = status->no_new_privs ? KNOWN_YES : KNOWN_NO;
	out->caps_known = true;
	/* A right that the bounding set has can come back with a program that has it. */
	out->caps = status->cap_permitted | (status->no_new_privs ? 0 : status->cap_bounding);
}

/* Filters belong to threads. */
static int check_threads(int proc_fd, int pid, const struct status *first, struct subject *out, struct err *e)
{
	const int fd = openat(proc_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *const tasks = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	size_t n = 0;

	if (!tasks) {
		fd_close(fd);
		return err_sys(e, "/proc/%d/task", pid);
	}
	while ((entry = readdir(tasks)) && n++ < THREADS_MAX) {
		char path[32];
		struct status status;
		struct err gone = ERR_INIT;

		if (*entry->d_name < '1' || *entry->d_name > '9')
			continue;
		snprintf(path, sizeof(path), "%.10s/status", entry->d_name);
		if (read_status(fd, path, &status, &gone) == 0 &&
		    (status.seccomp != first->seccomp || status.n_filters != first->n_filters)) {
			subject_add_missing(out, "thread %.10s has other filters than process %d", entry->d_name, pid);
			break;
		}
	}
	if (n > THREADS_MAX)
		subject_add_missing(out, "process %d has more than %d threads, and the last ones were not looked at",
				    pid, THREADS_MAX);
	closedir(tasks);
	return 0;
}

static int add_filters(int pid, struct subject *out, struct err *e)
{
	OWN(seccomp_programs) programs = SECCOMP_PROGRAMS_NONE;
	char name[64];

	if (seccomp_get(pid, &programs, e) < 0)
		return -1;
	for (size_t i = 0; i < programs.n; i++) {
		snprintf(name, sizeof(name), "filter %zu of %zu", i + 1, programs.n);
		subject_add_filter(out, name, programs.of[i].at, programs.of[i].n);
	}
	return 0;
}

int subject_pid(int pid, struct subject *out, struct err *e)
{
	char path[32];
	OWN_FD int proc_fd = -1;
	struct status status;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	proc_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return errno == ENOENT ? err_set(e, ERR_MISSING, "there is no process %d", pid) :
			err_sys(e, "process %d", pid);
	if (read_status(proc_fd, "status", &status, e) < 0)
		return err_add(e, "process %d", pid);
	out->kind = SUBJECT_PROCESS;
	if (status.seccomp == 1)
		subject_add_missing(out, "process %d is in strict mode, which is no filter: read, write, exit and "
				    "sigreturn alone are allowed", pid);
	if (status.seccomp == 2 && add_filters(pid, out, e) < 0)
		return -1;
	/* Still the same one, or the directory is dead. */
	if (read_status(proc_fd, "status", &status, e) < 0)
		return err_set(e, ERR_MISSING, "process %d is gone", pid);
	if (status.seccomp == 2 && status.n_filters && status.n_filters != out->n_filters)
		return err_set(e, ERR_CONFLICT, "process %d changed its filters meanwhile; try again", pid);
	fill_context(proc_fd, &status, &out->context);
	return check_threads(proc_fd, pid, &status, out, e);
}
