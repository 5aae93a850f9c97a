/* Holds one box. Requests are fixed-size and few; everything else on the channel ends the box. */
#include "monitor/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/confine.h"
#include "mech/drop.h"
#include "mech/orphans.h"

#define PATIENCE_MS 5000        /* dead processes can take a while to go on a loaded machine */

static const uint16_t calls[] = {
	SYS_recvmsg, SYS_sendmsg, SYS_poll, SYS_ppoll, SYS_wait4, SYS_waitid, SYS_kill,
	SYS_pidfd_send_signal, SYS_openat, SYS_read, SYS_pread64, SYS_write, SYS_pwrite64, SYS_close,
	SYS_lseek, SYS_fcntl, SYS_fstat, SYS_newfstatat, SYS_unlinkat, SYS_mkdirat, SYS_getdents64,
	SYS_clock_nanosleep, SYS_nanosleep, SYS_clock_gettime, SYS_exit_group, SYS_rt_sigreturn,
	SYS_restart_syscall, SYS_getpid, SYS_faccessat, SYS_faccessat2, SYS_statfs, SYS_fstatfs,
	SYS_readlinkat, SYS_gettid, SYS_flock,
};

static const int signals[] = { SIGTERM, SIGINT, SIGHUP,  SIGQUIT, SIGUSR1,
			       SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP };

/* A dying PID namespace waits for all its processes, so the first one's times hold theirs. */
static void fill_usage(struct keeper *keeper, uint32_t limits)
{
	struct cgroup_usage *const usage = &keeper->usage;
	struct err ignored;

	if (keeper->held.cgroup.n_dirs)
		(void)!cgroup_usage(&keeper->held.cgroup, limits, usage, &ignored); /* then it stays as it was */
	if (!keeper->timed || usage->have & USAGE_CPU)
		return;
	usage->user_us = keeper->user_us;
	usage->system_us = keeper->system_us;
	usage->cpu_us = usage->user_us + usage->system_us;
	usage->have |= USAGE_CPU;
}

static uint64_t micros(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static void wait_first(struct keeper *keeper)
{
	struct rusage times;

	if (keeper->ended)
		return;
	while (wait4(keeper->held.pid, NULL, 0, &times) < 0)
		if (errno != EINTR)
			return;
	keeper->ended = keeper->timed = true;
	keeper->user_us = micros(times.ru_utime);
	keeper->system_us = micros(times.ru_stime);
}

int keeper_release(struct keeper *keeper, struct err *e)
{
	struct held *held = &keeper->held;
	const bool ours = held->cgroup.n_dirs && !keeper->born;

	if (keeper->released)
		return 0;
	if (!keeper->ended)
		syscall(SYS_pidfd_send_signal, held->pid_fd, SIGKILL, NULL, 0);
	wait_first(keeper);
	if (!held->pid_namespace &&
	    (orphans_kill(PATIENCE_MS, e) < 0 || (ours && cgroup_kill(&held->cgroup, PATIENCE_MS, e) < 0)))
		return -1;
	fill_usage(keeper, ~CGROUP_NOW);
	if (ours && cgroup_remove(&held->cgroup, PATIENCE_MS, e) < 0)
		return -1;
	keeper->released = true;
	return 0;
}

static int do_signal(struct keeper *keeper, uint64_t arg, struct err *e)
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		known |= (uint64_t)signals[i] == arg;
	if (!known)
		return err_set(e, ERR_USAGE, "signal %d is not forwarded", (int)arg);
	if (!keeper->ended)
		syscall(SYS_pidfd_send_signal, keeper->held.pid_fd, (int)arg, NULL, 0);
	return 0;
}

static int do_kill(struct keeper *keeper, uint64_t arg, struct err *e)
{
	(void)arg, (void)e;
	if (!keeper->ended)
		syscall(SYS_pidfd_send_signal, keeper->held.pid_fd, SIGKILL, NULL, 0);
	if (!keeper->held.pid_namespace)
		orphans_signal(SIGKILL);
	return 0;
}

static int do_freeze(struct keeper *keeper, uint64_t arg, struct err *e)
{
	if (!keeper->held.cgroup.n_dirs || keeper->born)
		return err_set(e, ERR_UNSUPPORTED, "a box without a cgroup of its own cannot be frozen");
	return cgroup_freeze(&keeper->held.cgroup, arg == 1, e);
}

static int do_usage(struct keeper *keeper, uint64_t arg, struct err *e)
{
	(void)e;
	if (!keeper->released)
		fill_usage(keeper, arg ? CGROUP_BIT(CGROUP_CPU_TIME) : ~0u);
	return 0;
}

static int do_release(struct keeper *keeper, uint64_t arg, struct err *e)
{
	(void)arg;
	return keeper_release(keeper, e);
}

static int (*const answers[MON_OPS])(struct keeper *keeper, uint64_t arg, struct err *e) = {
	[MON_SIGNAL] = do_signal, [MON_KILL] = do_kill,       [MON_FREEZE] = do_freeze,
	[MON_USAGE] = do_usage,   [MON_RELEASE] = do_release,
};

int keeper_answer(struct keeper *keeper, const struct mon_req *req, struct mon_res *res)
{
	if (req->op >= MON_OPS || !answers[req->op] || req->zero)
		return -1;
	*res = (struct mon_res){ .op = req->op };
	res->status = answers[req->op](keeper, req->arg, &res->err);
	res->usage = keeper->usage;
	return 0;
}

int keeper_read(int control_fd, struct mon_req *req)
{
	struct iovec iov = { req, sizeof(*req) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t got;

	do
		got = recvmsg(control_fd, &msg, MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	return got == sizeof(*req) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
}

bool keeper_write(int control_fd, const struct mon_res *res)
{
	struct iovec iov = { (void *)(uintptr_t)res, sizeof(*res) };
	const struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	do
		sent = sendmsg(control_fd, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == sizeof(*res);
}

void keeper_begin(void)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTOU };

	prctl(PR_SET_NAME, "ward-keeper", 0, 0, 0);
	/* Ctrl-C is for the program and for ward; a keeper lives until nothing is left to clean up. */
	setsid();
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

bool keeper_awaits(int control_fd)
{
	struct pollfd poll_fd = { .fd = control_fd, .events = POLLIN };

	while (poll(&poll_fd, 1, -1) < 0)
		if (errno != EINTR)
			return false;
	return poll_fd.revents & POLLIN;
}

int keeper_adopt(const struct plan *plan, struct err *e)
{
	const bool own_pids = plan->steps[0].op == OP_NS && (plan->steps[0].flags & CLONE_NEWPID);

	if (!own_pids && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_sys(e, "PR_SET_CHILD_SUBREAPER");
	return 0;
}

/* Taking the box's mounts apart takes longer than all the rest of its end, and the last process would
 * do it before its parent hears of its death. With this reference it happens when the keeper goes,
 * which nobody waits for. */
static void hold_mounts(int pid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	(void)!open(path, O_RDONLY | O_CLOEXEC);
}

/* From the start of the program on, a keeper can end and account for its box and nothing else. Some
 * hosts mount the root of a v1 hierarchy with mode 555, which even its owner may not write. */
static int confine(struct err *e)
{
	if (geteuid() == 0 && drop_own_caps(1u << CAP_KILL | 1u << CAP_DAC_OVERRIDE, e) < 0)
		return -1;
	return confine_calls(calls, ARRAY_SIZE(calls), e);
}

/* Waits for a request; a box that ends meanwhile is cleaned up before anybody asks. */
static int next_request(struct keeper *keeper, struct mon_req *req)
{
	struct pollfd polls[2] = {
		{ .fd = keeper->control_fd, .events = POLLIN },
		{ .fd = keeper->held.pid_fd, .events = POLLIN },
	};

	for (;;) {
		struct err ignored;

		polls[1].fd = keeper->ended ? -1 : keeper->held.pid_fd;
		if (poll(polls, 2, -1) < 0 && errno != EINTR)
			return 0;
		/* When it fails, MON_RELEASE tries again and says why. */
		if (polls[1].revents && keeper_release(keeper, &ignored) < 0)
			keeper->ended = true;
		if (polls[0].revents)
			return keeper_read(keeper->control_fd, req);
		polls[1].revents = 0;
	}
}

_Noreturn void keeper_live(struct keeper *keeper)
{
	struct err e = ERR_INIT;
	struct mon_req req;
	struct mon_res res;

	hold_mounts(keeper->held.pid);
	mem_trim_stack();
	if (confine(&e) < 0) {
		(void)!keeper_release(keeper, &e);
		_exit(1);
	}
	/* A client that cannot be answered is gone: waiting for it would be for ever. */
	while (next_request(keeper, &req) && keeper_answer(keeper, &req, &res) == 0 &&
	       keeper_write(keeper->control_fd, &res))
		;
	if (keeper_release(keeper, &e) < 0)
		_exit(1);
	/* Nobody waits any more: time for what others left behind. */
	close(keeper->control_fd);
	if (!keeper->born && !keeper->is_swept)
		cgroup_sweep();
	_exit(0);
}
