/* Starts keepers and talks to them. The program in the box never sees these channels. */
#include "monitor/client.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/ns.h"
#include "model/plan.h"
#include "monitor/keeper.h"
#include "monitor/receive.h"
#include "monitor/send.h"

/* Our other descriptors must not be held open by a keeper: of two pipe ends the reader would never see
 * the end of file. */
static void close_all_but(int control_fd)
{
	/* Whoever reads ward's standard error to its end must not wait for us; sanitizers speak there. */
	if (close_range(0, SANITIZED ? 1 : 2, 0) < 0 || (control_fd > 3 && close_range(3, (unsigned)control_fd - 1, 0) < 0) ||
	    close_range((unsigned)control_fd + 1, ~0u, 0) < 0)
		_exit(1); /* with ward's own end in our hands we would never see that it went */
}

_Noreturn static void refuse(int control_fd, const struct err *e)
{
	const struct mon_res res = { .status = -1, .op = MON_SPAWN, .err = *e };

	(void)keeper_write(control_fd, &res);
	_exit(1);
}

/* A keeper of our own: the same process, cloned, with the same rights, speaking the monitor's protocol. */
_Noreturn static void keep(int control_fd, unsigned flags, int network_fd)
{
	static struct received in;
	struct ceiling ceiling = ceiling_default;
	struct keeper keeper = { .control_fd = control_fd, .is_swept = flags & MON_SWEPT, .held = HELD_NONE };
	struct mon_res res = { .op = MON_SPAWN };
	struct early early = { .is_never_frozen = flags & MON_NEVER_FROZEN, .host_net_fd = -1 };
	struct err e = ERR_INIT;

	ceiling.knife = true; /* nobody's rights but the caller's own are at stake */
	apply_look(); /* at what is ours, before another network is */
	early.has_net = network_fd >= 0 && setns(network_fd, CLONE_NEWNET) == 0;
	close_all_but(control_fd);
	keeper_begin();
	if (!early.has_net && (flags & MON_NETWORK) && geteuid() == 0)
		apply_early(&early);
	if (!keeper_awaits(control_fd))
		_exit(0); /* ward found that there is nothing to run */
	if (receive_plan(control_fd, &in, &e) < 0 ||
	    plan_verify(in.plan, sizeof(*in.plan), in.n_fds, &ceiling, &e) < 0 || keeper_adopt(in.plan, &e) < 0 ||
	    apply_start(in.plan, in.fds, in.note_fd, &early, &keeper.held, &e) < 0)
		refuse(control_fd, &e);
	receive_close(&in);
	res.layers = keeper.held.layers;
	if (keeper_write(control_fd, &res))
		keeper_live(&keeper);
	_exit(keeper_release(&keeper, &e) < 0);
}

static int pair(int fds[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_sys(e, "socketpair");
	return 0;
}

/* A keeper answers within its own bounds (keeper.c), which these exceed: one that does not hangs in the
 * kernel or was stopped. The channel is shut down, so that nobody asks it again and it ends the box when it
 * goes on; mon_close() does not wait for it. */
#define SPAWN_PATIENCE_MS 60000
#define PATIENCE_MS 20000

static int wait_answer(struct box *box, enum mon_op op, struct err *e)
{
	struct pollfd one = { .fd = box->control_fd, .events = POLLIN };
	const int patience_ms = op == MON_SPAWN ? SPAWN_PATIENCE_MS : PATIENCE_MS;
	int ready;

	do
		ready = poll(&one, 1, patience_ms);
	while (ready < 0 && errno == EINTR);
	if (ready > 0)
		return 0;
	if (ready < 0)
		return err_sys(e, "wait for the keeper's answer");
	shutdown(box->control_fd, SHUT_RDWR);
	box->keeper_pid = 0;
	err_set(e, ERR_SYSTEM, "the keeper of the box has not answered for %d s", patience_ms / 1000);
	e->sys = ETIMEDOUT;
	return -1;
}

static int read_answer(struct box *box, enum mon_op op, struct mon_res *res, struct err *e)
{
	ssize_t got;

	if (wait_answer(box, op, e) < 0)
		return -1;
	do
		got = recv(box->control_fd, res, sizeof(*res), MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, "read the keeper's answer");
	if (got != sizeof(*res) || res->op != (uint32_t)op)
		return err_set(e, ERR_SYSTEM, "the keeper has gone");
	if (res->status < 0) {
		*e = res->err;
		return -1;
	}
	return 0;
}

void mon_look(void)
{
	apply_look();
}

int mon_start(struct box *box, unsigned flags, int network_fd, struct err *e)
{
	int control[2], pid_fd = -1;
	pid_t pid;

	if (pair(control, e) < 0)
		return -1;
	pid = ns_clone(0, -1, &pid_fd, e);
	if (pid == 0)
		keep(control[1], flags, network_fd);
	close(control[1]);
	if (pid < 0) {
		close(control[0]);
		return -1;
	}
	close(pid_fd);
	*box = BOX_NONE;
	box->control_fd = control[0];
	box->keeper_pid = pid;
	return 0;
}

static int start_or_connect(const char *monitor, struct box *box, struct err *e)
{
	if (box->control_fd >= 0 && !monitor)
		return 0;
	mon_close(box);
	return monitor ? mon_connect(monitor, box, e) : mon_start(box, MON_NETWORK, -1, e);
}

/* When the box's first process gave up, the keeper sees only that it is gone; its own word says why. */
static void hear_box(const struct box *box, struct err *e)
{
	struct box_note note;

	if (recv(box->note_fd, &note, sizeof(note), MSG_DONTWAIT) != sizeof(note) || note.kind != BOX_FAILED)
		return;
	note.err.text[sizeof(note.err.text) - 1] = '\0';
	*e = note.err;
}

int mon_spawn(const struct plan *plan, const int *fds, size_t n_fds, const char *monitor, struct box *box,
	      uint64_t *layers, struct err *e)
{
	struct mon_res res;
	int note[2], status;

	if (start_or_connect(monitor, box, e) < 0)
		return -1;
	if (pair(note, e) < 0) {
		mon_close(box);
		return -1;
	}
	status = mon_send_plan(plan, fds, n_fds, box, note[1], e);
	close(note[1]);
	box->note_fd = note[0];
	if (status < 0 || read_answer(box, MON_SPAWN, &res, e) < 0) {
		hear_box(box, e);
		mon_close(box);
		return -1;
	}
	*layers = res.layers;
	return 0;
}

int mon_ask(struct box *box, enum mon_op op, uint64_t arg, struct mon_res *res, struct err *e)
{
	const struct mon_req req = { .op = op, .arg = arg };

	if (send(box->control_fd, &req, sizeof(req), MSG_NOSIGNAL) != sizeof(req))
		return err_sys(e, "ask the keeper");
	if (read_answer(box, op, res, e) < 0)
		return -1;
	box->released |= op == MON_RELEASE;
	return 0;
}

int mon_read_note(const struct box *box, struct box_note *note, int *fd, struct err *e)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { note, sizeof(*note) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	const struct cmsghdr *cmsg;
	ssize_t got;

	do
		got = recvmsg(box->note_fd, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got < 0 && errno != ECONNRESET ? err_sys(e, "read the box's note") : 0;
	*fd = -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
	if (got != sizeof(*note) || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || note->kind >= BOX_NOTES) {
		if (*fd >= 0)
			close(*fd);
		return err_set(e, ERR_BUG, "the box's first process sent something that is no note");
	}
	note->err.text[sizeof(note->err.text) - 1] = '\0';
	return 1;
}

void mon_close(struct box *box)
{
	if (box->control_fd >= 0)
		close(box->control_fd);
	if (box->note_fd >= 0)
		close(box->note_fd);
	/* One that still sweeps behind others is not waited for; one that has released its box is harmless. */
	if (box->keeper_pid > 0)
		while (waitpid(box->keeper_pid, NULL, box->released ? WNOHANG : 0) < 0 && errno == EINTR)
			;
	*box = BOX_NONE;
}
