/* Forks that wait. What one says of itself is believed only as far as the kernel agrees: it is a child of ours, and alive. */
#include "v8/ahead.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#define TRIES 3

void ahead_open(struct ahead *ahead)
{
	*ahead = (struct ahead){ .server_fd = -1, .most = AHEAD_MAX };
	ahead->places = sched_getaffinity(0, sizeof(ahead->everywhere), &ahead->everywhere) == 0 && CPU_COUNT(&ahead->everywhere) > 1;
}

static void fork_done(struct ahead_fork *fork)
{
	fd_close_at(&fork->fd);
	guest_reader_done(&fork->reader);
}

static bool order(struct ahead *ahead)
{
	static const uint32_t head[2] = { GUEST_SERVE, 0 };
	struct err e;
	int ends[2];
	bool sent;

	if (ahead->server_fd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return false;
	sent = fd_send(ahead->server_fd, head, sizeof(head), &ends[1], 1, &e) == 0;
	close(ends[1]);
	if (sent)
		ahead->forks[ahead->n++] = (struct ahead_fork){ .fd = ends[0], .processor = -1 };
	else
		close(ends[0]);
	return sent;
}

void ahead_fill(struct ahead *ahead, size_t n)
{
	while (ahead->n < n && ahead->n < ahead->most && order(ahead))
		;
}

static struct ahead_fork take_out(struct ahead *ahead, size_t i)
{
	const struct ahead_fork fork = ahead->forks[i];

	ahead->n--;
	memmove(&ahead->forks[i], &ahead->forks[i + 1], (ahead->n - i) * sizeof(fork));
	return fork;
}

static bool is_living_child(pid_t pid)
{
	int status;

	return pid > 0 && wait4(pid, &status, WNOHANG, NULL) == 0;
}

/* Reads once. False: it has ended, or said what none says that waits. */
static bool hear(struct ahead *ahead, struct ahead_fork *fork)
{
	struct guest_frame frame;
	struct err e;
	int32_t pid;
	int rc;

	if (fork->pid || guest_read(&fork->reader, fork->fd, &e) <= 0)
		return false;
	rc = guest_next(&fork->reader, true, &frame, &e);
	if (rc == 0)
		return true;
	if (rc < 0 || frame.kind != GUEST_WAITS || frame.len != sizeof(pid))
		return false;
	memcpy(&pid, frame.bytes, sizeof(pid));
	if (pid == ahead->server || !is_living_child(pid))
		return false;
	fork->pid = pid;
	return true;
}

/* One that never came to wait may be one too many for the box. */
static void lose(struct ahead *ahead, size_t i)
{
	struct ahead_fork fork = take_out(ahead, i);

	if (!fork.pid)
		ahead->most = ahead->n ? ahead->n : 1;
	else if (fork.pid > 0)
		kill(fork.pid, SIGKILL);
	fork_done(&fork);
}

size_t ahead_polls(const struct ahead *ahead, struct pollfd *polls)
{
	for (size_t i = 0; i < ahead->n; i++)
		polls[i] = (struct pollfd){ .fd = ahead->forks[i].fd, .events = POLLIN };
	return ahead->n;
}

void ahead_heard(struct ahead *ahead, const struct pollfd *polls, size_t n)
{
	for (size_t i = n; i-- > 0;)
		if (polls[i].revents && !hear(ahead, &ahead->forks[i]))
			lose(ahead, i);
}

static bool take_waiting(struct ahead *ahead, struct ahead_fork *out)
{
	for (size_t i = 0; i < ahead->n; i++)
		if (ahead->forks[i].pid > 0) {
			*out = take_out(ahead, i);
			return true;
		}
	return false;
}

/* Waits for those that were killed: they count until then. */
static void bury_all(struct ahead *ahead)
{
	int status;

	while (ahead->n_ending)
		(void)wait4(ahead->ending[--ahead->n_ending], &status, 0, NULL);
}

int ahead_take(struct ahead *ahead, struct ahead_fork *out, struct err *e)
{
	for (unsigned tries = 0; tries < TRIES;) {
		if (take_waiting(ahead, out))
			return 0;
		if (!ahead->n && !order(ahead))
			return err_set(e, ERR_SYSTEM, "the guest that forks is gone");
		if (hear(ahead, &ahead->forks[0]))
			continue;
		lose(ahead, 0);
		bury_all(ahead);
		tries++;
	}
	return err_set(e, ERR_LIMIT, "no fork for the request");
}

static bool put_on(struct ahead *ahead, pid_t pid, int processor)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	if (processor >= 0)
		CPU_SET((unsigned)processor, &one);
	return sched_setaffinity(pid, sizeof(one), processor >= 0 ? &one : &ahead->everywhere) == 0;
}

void ahead_gather(struct ahead *ahead, struct ahead_fork *fork)
{
	const int here = ahead->places ? sched_getcpu() : -1;

	if (here < 0 || here >= CPU_SETSIZE)
		return;
	if (!ahead->is_placed)
		ahead->is_placed = put_on(ahead, 0, here);
	if (fork->processor != here && put_on(ahead, fork->pid, here))
		fork->processor = here;
}

void ahead_spread(struct ahead *ahead, struct ahead_fork *fork)
{
	if (fork && fork->processor >= 0 && put_on(ahead, fork->pid, -1))
		fork->processor = -1;
	if (ahead->is_placed)
		ahead->is_placed = !put_on(ahead, 0, -1);
}

void ahead_end(struct ahead *ahead, struct ahead_fork *fork)
{
	if (fork->pid > 0) {
		kill(fork->pid, SIGKILL);
		if (ahead->n_ending == AHEAD_MAX)
			bury_all(ahead);
		ahead->ending[ahead->n_ending++] = fork->pid;
	}
	fork_done(fork);
}

void ahead_reap(struct ahead *ahead)
{
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, NULL)) > 0) {
		if (pid == ahead->server)
			ahead->server = 0;
		for (size_t i = 0; i < ahead->n_ending; i++)
			if (ahead->ending[i] == pid)
				ahead->ending[i--] = ahead->ending[--ahead->n_ending];
		for (size_t i = 0; i < ahead->n; i++)
			if (ahead->forks[i].pid == pid)
				ahead->forks[i].pid = -1; /* the number may be another's now */
	}
}

void ahead_drop(struct ahead *ahead)
{
	while (ahead->n) {
		struct ahead_fork fork = take_out(ahead, ahead->n - 1);

		if (fork.pid > 0)
			ahead_end(ahead, &fork);
		else
			fork_done(&fork);
	}
}
