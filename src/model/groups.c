/* The groups policies are written in. Expanded by the compiler: nothing is built at start. */
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "model/filter.h"
#include "model/syscalls.h"

enum {
#define CALL(name, number, heat, args) NR_##name = number,
#include "model/syscalls.def"
#undef CALL
};

/* Masks the rows share. */
#define CLONE_NEW_ANY UINT64_C(0x7e020000)
#define FUTEX_CMD     (~(uint64_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME))
#define SOCK_TYPE     (~(uint64_t)(SOCK_CLOEXEC | SOCK_NONBLOCK))
#define SCHED_CLASS   (~(uint64_t)SCHED_RESET_ON_FORK)

#define EQ(arg, value)            { arg, FILTER_EQ, UINT64_MAX, value }
#define LE(arg, value)            { arg, FILTER_LE, UINT64_MAX, value }
#define GT(arg, value)            { arg, FILTER_GT, UINT64_MAX, value }
#define BITS(arg, mask, value)    { arg, FILTER_EQ, mask, value }
#define BITS_LE(arg, mask, value) { arg, FILTER_LE, mask, value }

#define TESTS(...) \
	.n_tests = sizeof((struct filter_test[]){ __VA_ARGS__ }) / sizeof(struct filter_test), \
	.tests = { __VA_ARGS__ }
#define ALLOW(call)         { .nr = NR_##call, .act = FILTER_ALLOW },
#define ALLOW_IF(call, ...) { .nr = NR_##call, .act = FILTER_ALLOW, TESTS(__VA_ARGS__) },
#define REFUSE(call, error) \
	{ .nr = NR_##call, .act = FILTER_ERRNO, .sys = error, .fallback = true },
#define QUIET(call, error) \
	{ .nr = NR_##call, .act = FILTER_ERRNO, .sys = error, .fallback = true, .quiet = true },
#define QUIET_IF(call, error, ...) \
	{ .nr = NR_##call, .act = FILTER_ERRNO, .sys = error, .fallback = true, .quiet = true, \
	  TESTS(__VA_ARGS__) },

static const struct filter_row startup_rows[] = {
#define WANT_STARTUP
#include "model/groups.def"
};
static const struct filter_row memory_rows[] = {
#define WANT_MEMORY
#include "model/groups.def"
};
static const struct filter_row stdio_rows[] = {
#define WANT_STDIO
#include "model/groups.def"
};
static const struct filter_row file_read_rows[] = {
#define WANT_FILE_READ
#include "model/groups.def"
};
static const struct filter_row file_write_rows[] = {
#define WANT_FILE_WRITE
#include "model/groups.def"
};
static const struct filter_row file_meta_rows[] = {
#define WANT_FILE_META
#include "model/groups.def"
};
static const struct filter_row threads_rows[] = {
#define WANT_THREADS
#include "model/groups.def"
};
static const struct filter_row process_rows[] = {
#define WANT_PROCESS
#include "model/groups.def"
};
static const struct filter_row signals_rows[] = {
#define WANT_SIGNALS
#include "model/groups.def"
};
static const struct filter_row time_rows[] = {
#define WANT_TIME
#include "model/groups.def"
};
static const struct filter_row time_read_rows[] = {
#define WANT_TIME_READ
#include "model/groups.def"
};
static const struct filter_row poll_rows[] = {
#define WANT_POLL
#include "model/groups.def"
};
static const struct filter_row pipe_rows[] = {
#define WANT_PIPE
#include "model/groups.def"
};
static const struct filter_row events_rows[] = {
#define WANT_EVENTS
#include "model/groups.def"
};
static const struct filter_row ipc_unix_rows[] = {
#define WANT_IPC_UNIX
#include "model/groups.def"
};
static const struct filter_row net_client_rows[] = {
#define WANT_NET_CLIENT
#include "model/groups.def"
};
static const struct filter_row net_server_rows[] = {
#define WANT_NET_SERVER
#include "model/groups.def"
};
static const struct filter_row sysv_ipc_rows[] = {
#define WANT_SYSV_IPC
#include "model/groups.def"
};
static const struct filter_row info_rows[] = {
#define WANT_INFO
#include "model/groups.def"
};
static const struct filter_row sched_self_rows[] = {
#define WANT_SCHED_SELF
#include "model/groups.def"
};
static const struct filter_row tty_rows[] = {
#define WANT_TTY
#include "model/groups.def"
};
static const struct filter_row ioctl_safe_rows[] = {
#define WANT_IOCTL_SAFE
#include "model/groups.def"
};
static const struct filter_row self_confine_rows[] = {
#define WANT_SELF_CONFINE
#include "model/groups.def"
};
static const struct filter_row strict_rows[] = {
#define WANT_STRICT
#include "model/groups.def"
};
static const struct filter_row default_rows[] = {
#define WANT_DEFAULT
#include "model/groups.def"
};
static const struct filter_row build_rows[] = {
#define WANT_BUILD
#include "model/groups.def"
};

static const struct {
	const char *name, *summary;
	const struct filter_row *rows;
	size_t n_rows;
} groups[] = {
#define GROUP(name, rows, summary) { name, summary, rows, ARRAY_SIZE(rows) },
GROUP("@startup", startup_rows, "what a program of glibc, musl or no libc needs to start and end")
GROUP("@memory", memory_rows, "mapping and advising one's own memory")
GROUP("@stdio", stdio_rows, "reading and writing descriptors that are already open")
GROUP("@file-read", file_read_rows, "opening for reading, listing and looking at files")
GROUP("@file-write", file_write_rows, "creating, writing, moving and removing files, never set-id")
GROUP("@file-meta", file_meta_rows, "owners, modes, times and attributes of files, never set-id")
GROUP("@threads", threads_rows, "threads of one process, without priority inheritance")
GROUP("@process", process_rows, "processes: fork, exec, wait, sessions, limits of oneself")
GROUP("@signals", signals_rows, "sending and handling signals")
GROUP("@time", time_rows, "clocks, sleeping and timers")
GROUP("@time-read", time_read_rows, "reading clocks")
GROUP("@poll", poll_rows, "waiting for descriptors: poll and select")
GROUP("@pipe", pipe_rows, "pipes, without splice")
GROUP("@events", events_rows, "epoll, eventfd, signalfd, timerfd, inotify")
GROUP("@ipc-unix", ipc_unix_rows, "AF_UNIX sockets and socket pairs")
GROUP("@net-client", net_client_rows, "TCP and UDP over IPv4 and IPv6, connecting")
GROUP("@net-server", net_server_rows, "the same, and listening")
GROUP("@sysv-ipc", sysv_ipc_rows, "System V shared memory, semaphores and queues, never executable")
GROUP("@info", info_rows, "asking about the machine and about oneself")
GROUP("@sched-self", sched_self_rows, "scheduling of oneself, never real-time")
GROUP("@tty", tty_rows, "a terminal of one's own, never TIOCSTI")
GROUP("@ioctl-safe", ioctl_safe_rows, "the ioctls any descriptor may see")
GROUP("@self-confine", self_confine_rows, "tying one's own hands: seccomp and Landlock")
GROUP("@strict", strict_rows, "one process that computes, reads and writes open descriptors")
GROUP("@default", default_rows, "Python, Node, Java, compilers, shells and tools, without network")
GROUP("@build", build_rows, "@default and what make, package builds and npm add")
#undef GROUP
};

static size_t find(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(groups) && strcmp(groups[i].name, name) != 0)
		i++;
	return i;
}

const struct filter_row *syscalls_group(const char *name, size_t *n_rows)
{
	const size_t i = find(name);

	if (i == ARRAY_SIZE(groups))
		return NULL;
	*n_rows = groups[i].n_rows;
	return groups[i].rows;
}

const char *syscalls_group_at(size_t i)
{
	return i < ARRAY_SIZE(groups) ? groups[i].name : NULL;
}

const char *syscalls_group_summary(const char *name)
{
	const size_t i = find(name);

	return i < ARRAY_SIZE(groups) ? groups[i].summary : NULL;
}
