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
	uint64_t begun_us;      /* what it had used when it was adopted; of others the note says it */
	bool is_fork;           /* of a guest, and adopted */
	uint64_t used_us, wait_us, due_us;      /* when it was looked at last, and when it is to be next */
};

struct zygote {
	struct nursery nursery;
	struct child *children;
	size_t n, cap;
	uint64_t due_us;        /* the first of the children's, or before */
	uint32_t left;
	int control_fd, child_fd;
	bool serves;            /* its guests may fork for requests: they are one tenant's */
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
static uint64_t clock_us(pid_t pid)
{
	const clockid_t clock = (clockid_t)(~(unsigned)pid << 3 | 2); /* as clock_getcpuclockid(3) makes it */
	struct timespec used = { 0 };

	return clock_gettime(clock, &used) < 0 ? 0 : (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static uint64_t begun_us(const struct child *child)
{
	return child->is_fork ? child->begun_us : note_of(child->note).begun_us;
}

static uint64_t used_us(const struct child *child)
{
	const uint64_t begun = begun_us(child), used = begun ? clock_us(child->pid) : 0;

	return used > begun ? used - begun : 0;
}

static void look_at(struct child *child, uint64_t now)
{
	const uint64_t used = used_us(child);
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

static void add_child(struct zygote *zygote, const struct child *child)
{
	const uint64_t due = child->cpu_us ? loop_now_us() + child->cpu_us : NEVER;

	zygote->children = mem_grow(zygote->children, &zygote->cap, zygote->n + 1, sizeof(*zygote->children));
	zygote->children[zygote->n] = *child;
	zygote->children[zygote->n++].due_us = due;
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
	pid = nursery_fork(&zygote->nursery, &request->limits, zygote->serves, fd, &why);
	if (pid < 0)
		return refuse(zygote, request->id, why.sys, e);
	add_child(zygote, &(struct child){ .pid = pid, .note = zygote->left, .id = request->id, .cpu_us = request->limits.cpu_us });
	return 0;
}

static struct child *find(const struct zygote *zygote, uint64_t id)
{
	for (size_t i = 0; i < zygote->n; i++)
		if (zygote->children[i].id == id)
			return &zygote->children[i];
	return NULL;
}

/* No other guest, and not reaped here and now: who names a guest's number would take its end away. */
static bool is_unknown_child(const struct zygote *zygote, pid_t pid)
{
	int status;

	for (size_t i = 0; i < zygote->n; i++)
		if (zygote->children[i].pid == pid)
			return false;
	return pid > 0 && wait4(pid, &status, WNOHANG, NULL) == 0;
}

/* What holds the guest holds its forks, but for what it may have opened since. Its own time is over with the first of them: it
 * only forks from here on, and its clocks rest. */
static int adopt(struct zygote *zygote, const struct isolate_request *request, struct err *e)
{
	struct child *const of = find(zygote, request->of);

	if (!request->id || find(zygote, request->id))
		return err_set(e, ERR_USAGE, "an order without a number of its own");
	if (!zygote->serves || !of || of->is_fork || !is_unknown_child(zygote, request->pid))
		return refuse(zygote, request->id, ESRCH, e);
	of->cpu_us = 0;
	of->due_us = NEVER;
	add_child(zygote, &(struct child){
		.pid = request->pid, .note = of->note, .id = request->id, .cpu_us = request->limits.cpu_us, .is_fork = true,
		.begun_us = clock_us(request->pid),
	});
	return answer(zygote, &(struct isolate_answer){ .kind = ISOLATE_ADOPTED, .id = request->id, .left = zygote->left }, e);
}

/* A child that ended and was not reaped yet still has its number: no other process is hit. */
static void kill_guest(const struct zygote *zygote, uint64_t id)
{
	const struct child *const child = find(zygote, id);

	if (child)
		kill(child->pid, SIGKILL);
}

static bool is_order(const struct isolate_request *request, ssize_t len)
{
	const bool adopts = request->op == ISOLATE_ADOPT;

	return len == sizeof(*request) && request->op < ISOLATE_OPS && (adopts || (!request->pid && !request->of));
}

static int obey(struct zygote *zygote, struct err *e)
{
	struct isolate_request request;
	OWN_FD int fd = -1;
	size_t n_fds = 0;
	const ssize_t got = fd_receive(zygote->control_fd, &request, sizeof(request), &fd, 1, &n_fds, e);

	if (got <= 0)
		return (int)got;
	if (!is_order(&request, got))
		return err_set(e, ERR_USAGE, "an order that is none");
	if (request.op == ISOLATE_KILL)
		kill_guest(zygote, request.id);
	else if ((request.op == ISOLATE_ADOPT ? adopt(zygote, &request, e) : have_guest(zygote, &request, fd, e)) < 0)
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
		const struct child *const child = &zygote->children[i];
		const uint64_t used = us(&usage->ru_utime) + us(&usage->ru_stime), begun = begun_us(child);
		const struct isolate_answer end = {
			.kind = ISOLATE_ENDED,
			.status = status,
			.id = child->id,
			.left = zygote->left,
			.cpu_us = used > begun ? used - begun : 0,
			.rss_peak_bytes = (uint64_t)usage->ru_maxrss * 1024,
			.has = note_of(child->note).layers & ~(child->is_fork ? UINT64_C(1) << ISOLATE_HAS_FDS : 0),
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
	struct zygote zygote = { .control_fd = job->control_fd, .left = job->forks, .due_us = NEVER, .serves = job->requests };
	int rc;

	if (notes_open(job->forks, e) < 0 || open_children(&zygote, e) < 0 || nursery_open(&zygote.nursery, &job->engine, e) < 0)
		return -1;
	rc = answer(&zygote, &(struct isolate_answer){ .kind = ISOLATE_READY, .left = zygote.left }, e);
	rc = rc < 0 ? rc : 1;
	while (rc > 0)
		rc = turn(&zygote, e);
	return rc;
}
