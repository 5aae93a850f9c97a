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
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "v8/note.h"

#define NEVER UINT64_MAX
#define LOOK_US 250             /* between two looks at all children, */
#define LOOK_EACH_US 1          /* and this much more for each of them */
#define QUIET_MAX_US 1000000    /* who rests is looked at this often */

struct child {
	pid_t pid;
	size_t note;
	uint64_t id, cpu_us;    /* its limit, 0 = none */
	uint64_t used_us, wait_us, due_us;      /* when it was looked at last, and when it is to be next */
};

struct zygote {
	struct nursery nursery;
	struct child *children;
	size_t n, cap;
	uint64_t due_us;        /* the first of the children's, or before */
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

/* The kernel's timers look at a guest's processor time only when a tick finds the guest running. This looks when the
 * guest can first have used all of it, and again when it can have used the rest. */
static uint64_t used_us(const struct child *child, uint64_t begun_us)
{
	const clockid_t clock = (clockid_t)(~(unsigned)child->pid << 3 | 2); /* as clock_getcpuclockid(3) makes it */
	struct timespec used = { 0 };

	if (!begun_us || clock_gettime(clock, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000 - begun_us;
}

static void look_at(struct child *child, uint64_t now)
{
	const uint64_t used = used_us(child, note_of(child->note).begun_us);
	const uint64_t left = child->cpu_us - used;

	if (used >= child->cpu_us) {
		kill(child->pid, SIGPROF);
		child->due_us = NEVER;
		return;
	}
	/* Who rests is looked at less and less often, unless there is time anyway. */
	child->wait_us = used == child->used_us && child->wait_us < QUIET_MAX_US ? child->wait_us * 2 : left;
	child->wait_us = child->wait_us < left ? left : child->wait_us;
	child->used_us = used;
	child->due_us = now + child->wait_us;
}

static void look_at_all(struct zygote *zygote, uint64_t now)
{
	const uint64_t soonest = now + LOOK_US + zygote->n * LOOK_EACH_US;

	zygote->due_us = NEVER;
	for (size_t i = 0; i < zygote->n; i++) {
		struct child *const child = &zygote->children[i];

		if (child->due_us <= now)
			look_at(child, now);
		if (child->due_us < zygote->due_us)
			zygote->due_us = child->due_us > soonest ? child->due_us : soonest;
	}
}

static void add_child(struct zygote *zygote, pid_t pid, const struct isolate_request *request)
{
	const uint64_t limit = request->limits.cpu_us, due = limit ? loop_now_us() + limit : NEVER;

	zygote->children = mem_grow(zygote->children, &zygote->cap, zygote->n + 1, sizeof(*zygote->children));
	zygote->children[zygote->n++] = (struct child){
		.pid = pid, .note = zygote->left, .id = request->id, .cpu_us = limit, .due_us = due,
	};
	zygote->due_us = due < zygote->due_us ? due : zygote->due_us;
}

static int have_guest(struct zygote *zygote, const struct isolate_request *request, int fd, struct err *e)
{
	struct err why = ERR_INIT;
	int pid;

	if (fd < 0 || !request->id)
		return err_set(e, ERR_USAGE, "an order without a channel or a number");
	if (!zygote->left)
		return refuse(zygote, request->id, ENOSPC, e);
	note_choose(--zygote->left);
	pid = nursery_fork(&zygote->nursery, &request->limits, false, fd, &why);
	if (pid < 0)
		return refuse(zygote, request->id, why.sys, e);
	add_child(zygote, pid, request);
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
		const struct note note = note_of(zygote->children[i].note);
		const uint64_t used = us(&usage->ru_utime) + us(&usage->ru_stime);
		const struct isolate_answer end = {
			.kind = ISOLATE_ENDED,
			.status = status,
			.id = zygote->children[i].id,
			.left = zygote->left,
			.cpu_us = used > note.begun_us ? used - note.begun_us : 0,
			.rss_peak_bytes = (uint64_t)usage->ru_maxrss * 1024,
			.has = note.layers,
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

static int wait_for(struct zygote *zygote, struct pollfd *ready, size_t n)
{
	const uint64_t now = zygote->due_us == NEVER ? 0 : loop_now_us();
	const uint64_t left = zygote->due_us > now ? zygote->due_us - now : 0;
	const struct timespec time = { .tv_sec = (time_t)(left / 1000000), .tv_nsec = (long)(left % 1000000) * 1000 };

	if (!left)
		look_at_all(zygote, now);
	return left ? ppoll(ready, n, zygote->due_us == NEVER ? NULL : &time, NULL) : 0;
}

static int turn(struct zygote *zygote, struct err *e)
{
	struct pollfd ready[] = {
		{ .fd = zygote->control_fd, .events = POLLIN },
		{ .fd = zygote->child_fd, .events = POLLIN },
	};

	if (wait_for(zygote, ready, 2) < 0)
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
	struct zygote zygote = { .control_fd = job->control_fd, .left = job->forks, .due_us = NEVER };
	int rc;

	if (notes_open(job->forks, e) < 0 || open_children(&zygote, e) < 0 || nursery_open(&zygote.nursery, &job->engine, e) < 0)
		return -1;
	rc = answer(&zygote, &(struct isolate_answer){ .kind = ISOLATE_READY, .left = zygote.left }, e);
	rc = rc < 0 ? rc : 1;
	while (rc > 0)
		rc = turn(&zygote, e);
	return rc;
}
