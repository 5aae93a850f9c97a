/* Layers of the front, each read back. */
#include "api/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/front_filter.h"
#include "base/fd.h"
#include "mech/drop.h"
#include "mech/landlock.h"
#include "mech/seccomp.h"
#include "model/filter.h"

#define FILES_MAX   16384
#define PROGRAM_MAX 1024

static int enter_filter(struct err *e)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct sock_filter program[PROGRAM_MAX];
	size_t n;

	front_filter(&set, (uint32_t)getpid());
	if (filter_build(&set, program, ARRAY_SIZE(program), &n, e) < 0)
		return -1;
	if (SANITIZED) /* its runtime makes calls of its own */
		return 0;
	return seccomp_enter(program, n, SECCOMP_ALONE, e);
}

/* -- files -- */

/* All rights that a kernel of this ABI knows; linux/landlock.h. */
static const struct {
	int abi;
	uint64_t files, ports, scopes;
} levels[] = {
	{ 1, (1 << 13) - 1, 0, 0 },
	{ 2, (1 << 14) - 1, 0, 0 },     /* refer */
	{ 3, (1 << 15) - 1, 0, 0 },     /* truncate */
	{ 4, (1 << 15) - 1, 3, 0 },     /* bind and connect TCP */
	{ 5, (1 << 16) - 1, 3, 0 },     /* ioctl on devices */
	{ 6, (1 << 16) - 1, 3, 3 },     /* abstract sockets, signals */
};

static int enter_landlock(struct err *e)
{
	const int abi = landlock_abi();
	size_t level = 0;
	int rules;

	if (abi < 1)
		return err_set(e, ERR_UNSUPPORTED, "this kernel has no Landlock, which keeps the front in its directory: boot with lsm=landlock,...");
	while (level + 1 < ARRAY_SIZE(levels) && levels[level + 1].abi <= abi)
		level++;
	rules = landlock_new(levels[level].files, levels[level].ports, levels[level].scopes, e);
	if (rules < 0)
		return -1;
	if (landlock_add_path(rules, ".", false, FRONT_BENEATH & levels[level].files, e) < 0) {
		close(rules);
		return -1;
	}
	return landlock_enter(rules, e);
}

/* -- all of it -- */

static int enter_limits(struct err *e)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_DUMPABLE");
	return drop_rlimit(RLIMIT_NOFILE, FILES_MAX, FILES_MAX, e) < 0 || drop_rlimit(RLIMIT_MEMLOCK, 0, 0, e) < 0 ||
	       drop_dumps(e) < 0 || drop_speculation(false, e) < 0 ? -1 : 0;
}

/* A file that everybody may read, and this process no more. */
static bool sees_root(void)
{
	const int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* One line of the status, without its name. */
static void take_line(const char *status, const char *name, char *out, size_t size)
{
	const char *line = strstr(status, name);
	size_t len;

	if (!line)
		return;
	line += strlen(name);
	line += strspn(line, " \t");
	len = strcspn(line, "\n");
	snprintf(out, size, "%.*s", (int)len, line);
}

static int check(int status_fd, struct jail *out, struct err *e)
{
	struct jail jail = { .sees_root = sees_root() };
	char status[4096];
	const ssize_t n = pread(status_fd, status, sizeof(status) - 1, 0);

	if (n <= 0)
		return err_sys(e, "read what is in force from /proc/self/status");
	status[n] = '\0';
	take_line(status, "\nUid:", jail.uid, sizeof(jail.uid));
	take_line(status, "\nCapEff:", jail.effective, sizeof(jail.effective));
	take_line(status, "\nCapBnd:", jail.bounding, sizeof(jail.bounding));
	take_line(status, "\nNoNewPrivs:", jail.no_new_privs, sizeof(jail.no_new_privs));
	take_line(status, "\nSeccomp:", jail.seccomp, sizeof(jail.seccomp));
	if (strspn(jail.effective, "0") != strlen(jail.effective) || strcmp(jail.no_new_privs, "1") ||
	    (!SANITIZED && strcmp(jail.seccomp, "2")) || jail.sees_root)
		return err_set(e, ERR_BUG, "what is in force is not what was set: caps %s, no_new_privs %s, seccomp %s, %s",
			       jail.effective, jail.no_new_privs, jail.seccomp, jail.sees_root ? "/ can be opened" : "/ is closed");
	*out = jail;
	return 0;
}

static int enter_all(struct jail *out, struct err *e)
{
	OWN_FD int status_fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (status_fd < 0)
		return err_sys(e, "open /proc/self/status");
	if (drop_own_caps(0, e) < 0 || drop_new_privs(e) < 0 || enter_limits(e) < 0 || enter_landlock(e) < 0 || enter_filter(e) < 0)
		return -1;
	return check(status_fd, out, e);
}

int jail_enter(struct jail *out, struct err *e)
{
	if (geteuid() == 0 || getuid() == 0)
		return err_set(e, ERR_DENIED, "the front is never root; `ward serve` starts it as somebody else");
	return enter_all(out, e) < 0 ? err_add(e, "the front's jail") : 0;
}
