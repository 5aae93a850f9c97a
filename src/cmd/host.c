/* Carries facts from mech to model, which may not know each other. Adds none of its own. */
#include "cmd/host.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/beside.h"
#include "cmd/box_id.h"
#include "mech/cgroup.h"
#include "mech/probe.h"
#include "model/plan.h"

#define ALL_LIMITS ((1u << PLAN_LIMITS) - 1)

/* Both sides number the limits; a mask is copied as it is. */
_Static_assert((int)CGROUP_LIMITS == (int)PLAN_LIMITS, "limits of mech and model");
#define SAME(limit) ((int)CGROUP_##limit == (int)LIMIT_##limit)
_Static_assert(SAME(MEMORY) && SAME(SWAP) && SAME(PIDS) && SAME(CPUS) && SAME(IO_READ) &&
	       SAME(IO_WRITE) && SAME(CPU_TIME), "limits of mech and model");

static void probe_host(struct host *out)
{
	struct probe probe;

	probe_fast(&probe);
	*out = (struct host){
		.kernel = probe.kernel,
		.landlock_abi = probe.landlock_abi,
		.uid = probe.uid,
		.gid = probe.gid,
		.root = probe.root,
		.may_setuid = probe.may_setuid,
		.userns = probe.userns,
		.seccomp_notify = probe.seccomp_notify,
		.core_sched = probe.core_sched,
		.smt = probe.smt,
		.mdwe = probe.mdwe,
		.spec_store = probe.spec_store,
		.spec_branch = probe.spec_branch,
		.timens = probe.timens,
		.cgroupns = probe.cgroupns,
		.idmap = probe.idmap,
		.cgroup_limits = probe.cgroup_limits,
	};
	if (probe.may_setuid)
		out->box_id = box_id_choose();
	if (probe.cgroup_limits)
		out->cgroup = probe.cgroup_v2 ? HOST_CGROUP_V2 : HOST_CGROUP_V1;
	snprintf(out->cgroup_why, sizeof(out->cgroup_why), "%s", probe.cgroup_why);
	snprintf(out->userns_why, sizeof(out->userns_why), "%s", probe.userns_why);
}

/* Connecting for real would take one of the monitor's parked slots, and a socket file may outlive
 * its monitor. A socket of another type is refused with EPROTOTYPE only when somebody is bound
 * there and we may write. Source: unix_find_bsd() of net/unix/af_unix.c */
static bool answers(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const size_t len = strlen(path);
	OWN_FD int fd = -1;

	if (len >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(address.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EPROTOTYPE;
	errno = EPROTOTYPE; /* it is of this type: no monitor */
	return false;
}

static void use_monitor(struct host *host)
{
	host->monitor = true;
	host->cgroup_limits = ALL_LIMITS;
	if (host->cgroup == HOST_CGROUP_NONE)
		host->cgroup = HOST_CGROUP_V2;
	*host->cgroup_why = '\0';
}

int host_look(const char *monitor, struct host *out, const char **socket, struct err *e)
{
	const uint32_t wanted = 1u << LIMIT_MEMORY | 1u << LIMIT_PIDS;
	const char *use = monitor;
	bool lacks_limits;

	probe_host(out);
	lacks_limits = (out->cgroup_limits & wanted) != wanted;
	if (monitor && strcmp(monitor, "none") == 0)
		use = NULL;
	else if (monitor && !answers(monitor))
		return err_set(e, ERR_MISSING,
			       "no monitor answers at %.100s (%s); start ward-monitor, or "
			       "use --monitor=none",
			       monitor, strerror(errno));
	else if (!monitor && lacks_limits && answers(HOST_MONITOR_SOCKET))
		use = HOST_MONITOR_SOCKET;
	if (use)
		use_monitor(out);
	*socket = use;
	return 0;
}

/* One system call for owner and threads: the directory has a link for each thread besides its own
 * two (proc_task_getattr() of fs/proc/base.c). What may not be traced is root's here, uncounted. */
static uint32_t count_threads(int proc_fd, const char *name, uint32_t uid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "%.20s/task", name);
	if (fstatat(proc_fd, path, &st, 0) < 0 || st.st_uid != uid || st.st_nlink < 2)
		return 0;
	return (uint32_t)st.st_nlink - 2;
}

void host_count_tasks(struct host *host)
{
	DIR *const proc = opendir("/proc");
	const struct dirent *entry;

	host->tasks = 0;
	while (proc && (entry = readdir(proc)))
		if (*entry->d_name >= '1' && *entry->d_name <= '9')
			host->tasks += count_threads(dirfd(proc), entry->d_name, host->uid);
	if (proc)
		closedir(proc);
}

/* Set by the build: it has ward-v8, and where its libraries are. */
#ifndef WARD_V8
#define WARD_V8 0
#define WARD_V8_LIBS ""
#endif

static int find_engine(struct host *host, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	char real[PATH_MAX];
	const char *path;

	if (!WARD_V8)
		return err_set(e, ERR_UNSUPPORTED, "this build has no engine (ward-v8); build again with libnode-dev "
			       "installed; where another Node keeps it out, run `tools/libnode BUILD` first");
	if (beside_find("ward-v8", &arena, &path, e) < 0)
		return -1;
	if (*WARD_V8_LIBS && access(WARD_V8_LIBS, X_OK) < 0)
		return err_set(e, ERR_UNSUPPORTED, "the engine's libraries are not in %.80s any more; build and install again", WARD_V8_LIBS);
	if (!realpath(path, real) || strlen(real) >= sizeof(host->engine))
		return err_set(e, ERR_UNSUPPORTED, "%.100s is not a path ward can use", path);
	memcpy(host->engine, real, strlen(real) + 1);
	host->engine_libs = WARD_V8_LIBS;
	return 0;
}

void host_find_engine(struct host *host)
{
	struct err e = ERR_INIT;

	if (find_engine(host, &e) < 0)
		snprintf(host->engine_why, sizeof(host->engine_why), "%.159s", e.text);
}

static int set_path(char *out, size_t cap, const char *path, struct err *e)
{
	char real[PATH_MAX];

	if (!realpath(path, real) || strlen(real) >= cap)
		return err_set(e, ERR_UNSUPPORTED, "%.100s is not a path ward can use", path);
	memcpy(out, real, strlen(real) + 1);
	return 0;
}

static int find_runsc(struct host *host, struct err *e)
{
	static const char *const places[] = { "/usr/local/bin/runsc", "/usr/bin/runsc" };
	OWN(arena) arena = { .blocks = NULL };
	const char *jailer;

	if (beside_find("ward-runsc", &arena, &jailer, e) < 0 ||
	    set_path(host->runsc_jailer, sizeof(host->runsc_jailer), jailer, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return set_path(host->runsc, sizeof(host->runsc), places[i], e);
	return err_set(e, ERR_UNSUPPORTED, "gVisor's runsc is neither %s nor %s; install it: apt-get install runsc",
		       places[0], places[1]);
}

void host_find_runsc(struct host *host)
{
	struct err e = ERR_INIT;

	if (find_runsc(host, &e) < 0)
		snprintf(host->runsc_why, sizeof(host->runsc_why), "%.159s", e.text);
}
