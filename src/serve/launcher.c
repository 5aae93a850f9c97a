/* The launcher: forks, waits, and counts. Refuses orders beyond its bounds by closing what came with them. */
#include "serve/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/notify.h"
#include "mech/cgroup.h"
#include "monitor/client.h"
#include "serve/launcher_exec.h"
#include "serve/launcher_networks.h"
#include "serve/runner.h"
#include "store/crash.h"

#define FRONT_TRIES 5           /* in a row, each shorter than FRONT_STEADY_US */
#define FRONT_STEADY_US 10000000
#define BACKOFF_US 200000
#define HERALD_LATEST_US 60000000
#define RUNNERS_MAX (ORDER_BOXES_MAX + ORDER_ZYGOTES_MAX)
#define SWEEP_US 3000000        /* cgroup_sweep() leaves alone what is younger than 2 s */

struct launcher {
	const struct launcher_setup *setup;
	int front_fd, signal_fd;
	pid_t front;                    /* 0 = none */
	uint64_t front_since_us, front_at_us;   /* when it was started; when the next one is, 0 = never */
	int herald_fd;                  /* a copy of the herald's end, as long as there is a front to talk to; -1 = none */
	pid_t herald;                   /* 0 = none */
	uint64_t herald_since_us, herald_at_us; /* as of the front */
	unsigned failures, herald_failures;
	bool had_front, is_ending;
	uint64_t end_at_us;
	uint64_t sweep_at_us;           /* a keeper may have ended before its box's cgroup; 0 = none has */
	struct {
		pid_t pid;              /* 0 = free */
		int network_fd;         /* lent to its box; -1 = none */
		uint64_t box;
	} runners[RUNNERS_MAX];
	size_t n_runners;
	struct networks networks;
	struct order order;             /* START that finds no room: a runner that is done is not gone yet */
	int order_fds[ORDER_FDS];
	bool has_order;
};

static int send_classes(const struct launcher *launcher, struct err *e)
{
	const struct launcher_setup *const setup = launcher->setup;
	const struct order_hello hello = {
		ORDER_MAGIC, ORDER_HELLO, (uint32_t)setup->n_classes, (uint32_t)setup->boxes_max,
	};

	if (fd_send(launcher->front_fd, &hello, sizeof(hello), NULL, 0, e) < 0)
		return -1;
	for (size_t i = 0; i < setup->n_classes; i++)
		if (fd_send(launcher->front_fd, &setup->classes[i], sizeof(setup->classes[i]), NULL, 0, e) < 0)
			return -1;
	return 0;
}

static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Everything of the launcher that its children must not hold: with it the front would not see the launcher's end. */
static void shed(const struct launcher *launcher)
{
	fd_close(launcher->front_fd);
	fd_close(launcher->signal_fd);
	fd_close(launcher->herald_fd);
	fd_close(launcher->setup->listen_fd);
	networks_shed(&launcher->networks);
	for (size_t i = 0; i < RUNNERS_MAX; i++)
		if (launcher->runners[i].pid)
			fd_close(launcher->runners[i].network_fd);
}

static int lend_network(struct launcher *launcher)
{
	const struct launcher_setup *const setup = launcher->setup;

	return setup->lends && setup->lends(setup->at, launcher->order.class_index) ? networks_take(&launcher->networks) : -1;
}

/* Only if the runner has seen its box end, and no socket in it before. */
static void take_back_network(struct launcher *launcher, int network_fd, int status)
{
	if (network_fd >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == RUNNER_UNSPENT)
		networks_give(&launcher->networks, network_fd);
	else
		fd_close(network_fd);
}

/* Its end stays here as well, so that what the front has goes on when a herald dies. */
static void start_herald(struct launcher *launcher)
{
	const pid_t pid = fork();

	launcher->herald_at_us = 0;
	launcher->herald_since_us = loop_now_us();
	if (pid == 0)
		launcher_become_herald(launcher->setup, launcher->herald_fd);
	launcher->herald = pid < 0 ? 0 : pid;
	if (pid < 0)
		launcher->herald_at_us = launcher->herald_since_us + HERALD_LATEST_US;
}

/* The n-th one in a row that ends early is replaced 2^n times as late; nobody waits for it but webhooks. */
static void lose_herald(struct launcher *launcher)
{
	const uint64_t now = loop_now_us(), pause = (uint64_t)BACKOFF_US << launcher->herald_failures;

	launcher->herald = 0;
	if (launcher->herald_fd < 0)
		return;
	if (now - launcher->herald_since_us > FRONT_STEADY_US)
		launcher->herald_failures = 0;
	else if (pause < HERALD_LATEST_US)
		launcher->herald_failures++;
	launcher->herald_at_us = now + (!launcher->herald_failures ? 1 : pause < HERALD_LATEST_US ? pause : HERALD_LATEST_US);
}

/* Whatever it does; the next front has one of its own. */
static void drop_herald(struct launcher *launcher)
{
	fd_close_at(&launcher->herald_fd);
	launcher->herald_at_us = 0;
	if (launcher->herald)
		kill(launcher->herald, SIGKILL);
}

/* Returns the front's end, -1: there is no herald. */
static int give_herald(struct launcher *launcher)
{
	int ends[2];

	if (!launcher->setup->herald || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	launcher->herald_fd = ends[1];
	start_herald(launcher);
	return ends[0];
}

static int start_front(struct launcher *launcher, struct err *e)
{
	/* For tests, the first front alone, so that another goes on behind it. */
	const char *const crash = launcher->had_front ? NULL : getenv("WARD_CRASH_AT");
	OWN_FD int herald_fd = give_herald(launcher);
	int ends[2];
	pid_t pid;

	launcher->front_at_us = 0;
	launcher->front_since_us = loop_now_us();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "socketpair");
	pid = fork();
	if (pid == 0)
		launcher_become_front(launcher->setup, ends[1], herald_fd, crash);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_sys(e, "fork");
	}
	launcher->front = pid;
	launcher->had_front = true;
	launcher->front_fd = ends[0];
	crash_at(CRASH_LAUNCHER_FRONT);
	/* One that ended already will be heard of; it then does not matter what it was told. */
	(void)!send_classes(launcher, e);
	return 0;
}

static void start_runner(struct launcher *launcher)
{
	const struct order *const order = &launcher->order;
	size_t i = 0;
	int network_fd;
	pid_t pid;

	launcher->has_order = false;
	if (order->class_index >= launcher->setup->n_classes ||
	    !order_is_within(order, &launcher->setup->classes[order->class_index]))
		return; /* its descriptors are closed: that is the answer */
	while (launcher->runners[i].pid)
		i++;
	network_fd = lend_network(launcher);
	pid = fork();
	if (pid == 0) {
		shed(launcher);
		setsid();
		reset_signals();
		if (order->kind == ORDER_ZYGOTE)
			runner_zygote_live(launcher->setup, order, launcher->order_fds[0]);
		runner_live(launcher->setup, order, launcher->order_fds, network_fd);
	}
	if (pid < 0) {
		fd_close(network_fd);
		return;
	}
	launcher->runners[i].pid = pid;
	launcher->runners[i].network_fd = network_fd;
	launcher->runners[i].box = order->box;
	launcher->n_runners++;
	crash_at(CRASH_LAUNCHER_FORKED);
}

static void close_order(struct launcher *launcher)
{
	for (size_t i = 0; i < ORDER_FDS; i++)
		fd_close_at(&launcher->order_fds[i]);
	launcher->has_order = false;
}

static void try_order(struct launcher *launcher)
{
	if (!launcher->has_order || launcher->n_runners >= launcher->setup->boxes_max + ORDER_ZYGOTES_MAX)
		return;
	start_runner(launcher);
	close_order(launcher);
}

/* A runner that does not answer: its keeper sees the end of its channel and ends the box. */
static void end_runner(struct launcher *launcher, uint64_t box)
{
	for (size_t i = 0; i < RUNNERS_MAX; i++)
		if (launcher->runners[i].pid && launcher->runners[i].box == box)
			kill(launcher->runners[i].pid, SIGKILL);
}

/* The front speaks another language, or has gone: it is replaced. */
static void drop_front(struct launcher *launcher)
{
	fd_close_at(&launcher->front_fd);
	close_order(launcher);
	drop_herald(launcher);
	if (launcher->front)
		kill(launcher->front, SIGKILL);
}

static size_t wanted_fds(uint32_t kind)
{
	return kind == ORDER_START ? ORDER_FDS : kind == ORDER_ZYGOTE;
}

static void take_order(struct launcher *launcher)
{
	struct order *const order = &launcher->order;
	struct err e = ERR_INIT;
	size_t n_fds = 0;
	const ssize_t got = fd_receive(launcher->front_fd, order, sizeof(*order), launcher->order_fds, ORDER_FDS, &n_fds, &e);

	if (got <= 0 || !order_is_sound(order, (size_t)got) || n_fds != wanted_fds(order->kind)) {
		drop_front(launcher);
	} else if (order->kind == ORDER_HERALD) {
		if (launcher->herald)
			kill(launcher->herald, SIGKILL);
	} else if (order->kind == ORDER_READY) {
		(void)notify_manager("READY=1");
	} else if (order->kind != ORDER_END) {
		crash_at(CRASH_LAUNCHER_ORDER);
		launcher->has_order = true;
		try_order(launcher);
	} else {
		end_runner(launcher, order->box);
	}
	if (!launcher->has_order)
		close_order(launcher);
}

/* The n-th failure in a row waits 2^n times as long. */
static int lose_front(struct launcher *launcher, int status, struct err *e)
{
	const uint64_t now = loop_now_us();

	launcher->front = 0;
	fd_close_at(&launcher->front_fd);
	close_order(launcher);
	drop_herald(launcher);
	if (launcher->is_ending)
		return 0;
	launcher->failures = now - launcher->front_since_us > FRONT_STEADY_US ? 0 : launcher->failures + 1;
	/* It says itself why it could not begin; trying again would say the same. */
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 2 || WEXITSTATUS(status) == 125 || WEXITSTATUS(status) == 126))
		return err_set(e, ERR_SYSTEM, "the front (%s) could not start: exit code %d", launcher->setup->front,
			       WEXITSTATUS(status));
	if (launcher->failures >= FRONT_TRIES)
		return err_set(e, ERR_SYSTEM, "the front ended %u times in a row (last: %s %d); giving up",
			       launcher->failures, WIFSIGNALED(status) ? "signal" : "exit code",
			       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	launcher->front_at_us = now + ((uint64_t)BACKOFF_US << launcher->failures);
	return 0;
}

static int reap(struct launcher *launcher, struct err *e)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == launcher->front && lose_front(launcher, status, e) < 0)
			return -1;
		if (pid == launcher->herald)
			lose_herald(launcher);
		if (networks_reap(&launcher->networks, pid))
			continue;
		for (size_t i = 0; i < RUNNERS_MAX; i++)
			if (launcher->runners[i].pid == pid) {
				launcher->runners[i].pid = 0;
				launcher->n_runners--;
				crash_at(CRASH_LAUNCHER_REAPED);
				take_back_network(launcher, launcher->runners[i].network_fd, status);
				if (!WIFEXITED(status) || (WEXITSTATUS(status) && WEXITSTATUS(status) != RUNNER_UNSPENT))
					launcher->sweep_at_us = loop_now_us() + SWEEP_US;
			}
	}
	try_order(launcher);
	return 0;
}

/* Asks the front to end; it lets its jobs go on for a while and gives back what is not done. */
static void begin_end(struct launcher *launcher)
{
	if (launcher->front)
		kill(launcher->front, launcher->is_ending ? SIGKILL : SIGTERM);
	if (!launcher->is_ending) {
		(void)notify_manager("STOPPING=1");
		launcher->end_at_us = loop_now_us() + launcher->setup->grace_ms * 1000;
	}
	launcher->is_ending = true;
}

static int take_signals(struct launcher *launcher, struct err *e)
{
	struct signalfd_siginfo info;

	while (read(launcher->signal_fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			begin_end(launcher);
	return reap(launcher, e);
}

/* Until the next thing that is to be done without being asked; -1: there is none. */
static int wait_ms(const struct launcher *launcher)
{
	const uint64_t dues[] = {
		launcher->is_ending ? launcher->end_at_us : launcher->front_at_us, launcher->sweep_at_us, launcher->herald_at_us,
		launcher->networks.shrink_at_us,
	};
	const uint64_t now = loop_now_us();
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(dues); i++)
		due = dues[i] && dues[i] < due ? dues[i] : due;
	return due == UINT64_MAX ? -1 : due <= now ? 0 : (int)((due - now) / 1000 + 1);
}

/* Keepers of boxes leave this to us: for each of them to look at all the others is a square. */
static void sweep(struct launcher *launcher)
{
	if (!launcher->sweep_at_us || loop_now_us() < launcher->sweep_at_us)
		return;
	launcher->sweep_at_us = 0;
	cgroup_sweep();
}

static int turn(struct launcher *launcher, struct err *e)
{
	struct pollfd polls[3] = {
		{ .fd = launcher->signal_fd, .events = POLLIN },
		/* Orders wait while there is no room for the one at hand. */
		{ .fd = launcher->has_order ? -1 : launcher->front_fd, .events = POLLIN },
		{ .fd = launcher->networks.maker_fd, .events = POLLIN },
	};

	if (poll(polls, 3, wait_ms(launcher)) < 0 && errno != EINTR)
		return err_sys(e, "poll");
	if (polls[0].revents && take_signals(launcher, e) < 0)
		return -1;
	if (polls[1].revents && launcher->front_fd >= 0)
		take_order(launcher);
	if (polls[2].revents)
		networks_hear(&launcher->networks);
	if (launcher->is_ending && loop_now_us() >= launcher->end_at_us && launcher->front)
		kill(launcher->front, SIGKILL);
	sweep(launcher);
	networks_shrink(&launcher->networks);
	if (launcher->herald_at_us && loop_now_us() >= launcher->herald_at_us)
		start_herald(launcher);
	if (!launcher->is_ending && launcher->front_at_us && loop_now_us() >= launcher->front_at_us)
		return start_front(launcher, e);
	return 0;
}

static int open_signals(struct launcher *launcher, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	launcher->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return launcher->signal_fd < 0 ? err_sys(e, "signalfd") : 0;
}

/* Boxes end with the front's ends of their channels; what does not is killed. */
static void wait_for_runners(struct launcher *launcher)
{
	const uint64_t patience_us = loop_now_us() + 5000000;
	struct err ignored;

	drop_front(launcher);
	while (launcher->n_runners || launcher->front || launcher->herald) {
		struct pollfd one = { .fd = launcher->signal_fd, .events = POLLIN };

		poll(&one, 1, 100);
		launcher->is_ending = true;
		(void)!take_signals(launcher, &ignored);
		for (size_t i = 0; i < RUNNERS_MAX && loop_now_us() > patience_us; i++)
			if (launcher->runners[i].pid)
				kill(launcher->runners[i].pid, SIGKILL);
	}
}

int launcher_run(const struct launcher_setup *setup, struct err *e)
{
	static struct launcher launcher;
	int status;

	launcher = (struct launcher){ .setup = setup, .front_fd = -1, .herald_fd = -1, .signal_fd = -1, .order_fds = { -1, -1, -1 },
				      .sweep_at_us = loop_now_us() + SWEEP_US, .networks = NETWORKS_NONE };
	crash_share();
	mon_look();
	status = open_signals(&launcher, e) < 0 || start_front(&launcher, e) < 0 ? -1 : 0;
	while (status == 0 && !(launcher.is_ending && !launcher.front))
		status = turn(&launcher, e);
	wait_for_runners(&launcher);
	networks_done(&launcher.networks);
	fd_close(launcher.signal_fd);
	return status;
}
