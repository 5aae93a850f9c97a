/* The zygote's loop: orders on one descriptor, ends of children on another. */
#include "v8/zygote.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

struct child {
	pid_t pid;
	uint64_t id;
};

struct zygote {
	struct nursery nursery;
	struct child *children;
	size_t n, cap;
	uint32_t left;
	int control_fd, child_fd;
};

/* An owner that does not listen any more has gone: nothing is left to do. */
static int answer(const struct zygote *zygote, const struct isolate_answer *answer, struct err *e)
{
	return fd_send(zygote->control_fd, answer, sizeof(*answer), NULL, 0, e);
}

static int refuse(const struct zygote *zygote, uint64_t id, int sys, struct err *e)
{
	return answer(zygote, &(struct isolate_answer){ .kind = ISOLATE_REFUSED, .id = id, .sys = sys, .left = zygote->left }, e);
}

static int have_guest(struct zygote *zygote, const struct isolate_request *request, int fd, struct err *e)
{
	struct err why = ERR_INIT;
	int pid;

	if (fd < 0 || !request->id)
		return err_set(e, ERR_USAGE, "an order without a channel or a number");
	if (!zygote->left)
		return refuse(zygote, request->id, ENOSPC, e);
	pid = nursery_fork(&zygote->nursery, &request->limits, false, fd, &why);
	if (pid < 0)
		return refuse(zygote, request->id, why.sys, e);
	zygote->left--;
	zygote->children = mem_grow(zygote->children, &zygote->cap, zygote->n + 1, sizeof(*zygote->children));
	zygote->children[zygote->n++] = (struct child){ pid, request->id };
	return 0;
}

/* A child that ended and was not reaped yet still has its number: no other process is hit. */
static void kill_guest(const struct zygote *zygote, uint64_t id)
{
	for (size_t i = 0; i < zygote->n; i++)
		if (zygote->children[i].id == id)
			kill(zygote->children[i].pid, SIGKILL);
}

static int obey(struct zygote *zygote, struct err *e)
{
	struct isolate_request request;
	OWN_FD int fd = -1;
	size_t n_fds = 0;
	const ssize_t got = fd_receive(zygote->control_fd, &request, sizeof(request), &fd, 1, &n_fds, e);

	if (got <= 0)
		return (int)got;
	if (got != sizeof(request) || request.op >= ISOLATE_OPS || request.zero)
		return err_set(e, ERR_USAGE, "an order that is none");
	if (request.op == ISOLATE_KILL)
		kill_guest(zygote, request.id);
	else if (have_guest(zygote, &request, fd, e) < 0)
		return -1;
	return 1;
}

static uint64_t us(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

static int tell_end(struct zygote *zygote, pid_t pid, int status, const struct rusage *usage, struct err *e)
{
	for (size_t i = 0; i < zygote->n; i++) {
		if (zygote->children[i].pid != pid)
			continue;
		const struct isolate_answer end = {
			.kind = ISOLATE_ENDED,
			.status = status,
			.id = zygote->children[i].id,
			.left = zygote->left,
			.cpu_us = us(&usage->ru_utime) + us(&usage->ru_stime),
			.rss_peak_bytes = (uint64_t)usage->ru_maxrss * 1024,
		};
		zygote->children[i] = zygote->children[--zygote->n];
		return answer(zygote, &end, e);
	}
	return 0;
}

static int reap(struct zygote *zygote, struct err *e)
{
	struct signalfd_siginfo info;
	struct rusage usage;
	int status;
	pid_t pid;

	if (read(zygote->child_fd, &info, sizeof(info)) < 0 && errno != EAGAIN)
		return err_sys(e, "read of ended children");
	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0)
		if (tell_end(zygote, pid, status, &usage, e) < 0)
			return -1;
	return 1;
}

static int turn(struct zygote *zygote, struct err *e)
{
	struct pollfd ready[] = {
		{ .fd = zygote->control_fd, .events = POLLIN },
		{ .fd = zygote->child_fd, .events = POLLIN },
	};

	if (ppoll(ready, 2, NULL, NULL) < 0)
		return errno == EINTR ? 1 : err_sys(e, "ppoll");
	if (ready[1].revents && reap(zygote, e) < 0)
		return -1;
	return ready[0].revents ? obey(zygote, e) : 1;
}

static int open_children(struct zygote *zygote, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, "sigprocmask");
	zygote->child_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return zygote->child_fd < 0 ? err_sys(e, "signalfd") : 0;
}

int zygote_live(const struct guest_job *job, struct err *e)
{
	struct zygote zygote = { .control_fd = job->control_fd, .left = job->forks };
	int rc;

	if (open_children(&zygote, e) < 0 || nursery_open(&zygote.nursery, &job->engine, e) < 0)
		return -1;
	rc = answer(&zygote, &(struct isolate_answer){ .kind = ISOLATE_READY, .left = zygote.left }, e);
	rc = rc < 0 ? rc : 1;
	while (rc > 0)
		rc = turn(&zygote, e);
	return rc;
}
