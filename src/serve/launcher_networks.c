/* The pool. Refuses what is no network namespace, and to hand out one that it does not know to be unchanged. */
#include "serve/launcher_networks.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "mech/net.h"

#define QUIET_US 30000000
#define AGAIN_US 60000000

int networks_make(bool is_first, struct err *e)
{
	int fd;

	/* The rights that its loopback takes are those of the new user namespace: the launcher has no CAP_NET_ADMIN. */
	if (unshare(CLONE_NEWNET | (is_first ? CLONE_NEWUSER : 0)) < 0)
		return err_sys(e, "make a network namespace");
	if (net_loopback_up(e) < 0)
		return -1;
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "/proc/self/ns/net") : fd;
}

/* A few at a time: a process for each would cost as much as the namespace. */
_Noreturn static void make_all(int fd)
{
	struct err e = ERR_INIT;

	prctl(PR_SET_NAME, "ward-networks", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* What the launcher holds must not be held here; where the channel is, nothing is. */
	if (close_range((unsigned)fd + 1, ~0u, 0) < 0 || (fd > 3 && close_range(3, (unsigned)fd - 1, 0) < 0))
		_exit(1);
	for (int i = 0; i < NETWORKS_BATCH; i++) {
		const int made = networks_make(i == 0, &e);

		if (made < 0 || fd_send(fd, &i, sizeof(i), &made, 1, &e) < 0)
			_exit(1);
		close(made);
	}
	_exit(0);
}

static void begin(struct networks *networks)
{
	int ends[2];

	if (networks->maker || networks->maker_fd >= 0 || loop_now_us() < networks->not_before_us ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return;
	networks->maker = fork();
	if (networks->maker == 0)
		make_all(ends[1]);
	close(ends[1]);
	if (networks->maker < 0) {
		networks->maker = 0;
		close(ends[0]);
		return;
	}
	networks->maker_fd = ends[0];
	networks->has_made = false;
}

int networks_take(struct networks *networks)
{
	const int fd = networks->n ? networks->fds[--networks->n] : -1;

	if (networks->n < networks->n_least)
		networks->n_least = networks->n;
	if (!networks->n)
		begin(networks);
	return fd;
}

void networks_give(struct networks *networks, int fd)
{
	if (networks->n == NETWORKS_IDLE_MAX) {
		close(fd);
		return;
	}
	networks->fds[networks->n++] = fd;
	if (networks->n > NETWORKS_BATCH && !networks->shrink_at_us) {
		networks->n_least = networks->n;
		networks->shrink_at_us = loop_now_us() + QUIET_US;
	}
}

void networks_hear(struct networks *networks)
{
	struct err ignored = ERR_INIT;
	size_t n_fds = 0;
	int number, fd = -1;
	const ssize_t got = fd_receive(networks->maker_fd, &number, sizeof(number), &fd, 1, &n_fds, &ignored);

	if (got == sizeof(number) && n_fds == 1 && ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET) {
		networks->has_made = true;
		networks_give(networks, fd);
		return;
	}
	fd_close(fd);
	fd_close_at(&networks->maker_fd);
	if (!networks->has_made)
		networks->not_before_us = loop_now_us() + AGAIN_US;
}

bool networks_reap(struct networks *networks, pid_t pid)
{
	if (!networks->maker || pid != networks->maker)
		return false;
	networks->maker = 0;
	return true;
}

void networks_shrink(struct networks *networks)
{
	if (!networks->shrink_at_us || loop_now_us() < networks->shrink_at_us)
		return;
	for (; networks->n_least > NETWORKS_BATCH; networks->n_least--)
		close(networks->fds[--networks->n]);
	networks->n_least = networks->n;
	networks->shrink_at_us = networks->n > NETWORKS_BATCH ? loop_now_us() + QUIET_US : 0;
}

void networks_shed(const struct networks *networks)
{
	for (size_t i = 0; i < networks->n; i++)
		close(networks->fds[i]);
	fd_close(networks->maker_fd);
}

void networks_done(struct networks *networks)
{
	networks_shed(networks);
	if (networks->maker) {
		kill(networks->maker, SIGKILL);
		waitpid(networks->maker, NULL, 0);
	}
	*networks = NETWORKS_NONE;
}
