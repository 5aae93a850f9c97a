/* Starts keepers and talks to them. The program in the box never sees these channels. */
#include "monitor/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/confine.h"
#include "mech/drop.h"
#include "mech/ns.h"
#include "model/plan.h"
#include "monitor/keeper.h"
#include "monitor/send.h"

static int compare(const void *a, const void *b)
{
	const int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Our other descriptors (ward's ends of the pipes, its terminal) must not be held open by a keeper. */
static void close_others(const int *fds, size_t n_fds, int control_fd, int note_fd)
{
	OWN_MEM int *keep = mem_alloc((n_fds + 3) * sizeof(int));
	int from = 0;

	memcpy(keep, fds, n_fds * sizeof(int));
	keep[n_fds] = control_fd;
	keep[n_fds + 1] = note_fd;
	keep[n_fds + 2] = 2; /* sanitizers speak there */
	qsort(keep, n_fds + 3, sizeof(int), compare);
	for (size_t i = 0; i < n_fds + 3; i++) {
		if (keep[i] > from)
			close_range((unsigned)from, (unsigned)keep[i] - 1, 0);
		if (keep[i] >= from)
			from = keep[i] + 1;
	}
	close_range((unsigned)from, ~0u, 0);
}

_Noreturn static void refuse(int control_fd, const struct err *e)
{
	const struct mon_res res = { .status = -1, .op = MON_SPAWN, .err = *e };

	keeper_write(control_fd, &res);
	_exit(1);
}

_Noreturn static void keep(const struct plan *plan, const int *fds, size_t n_fds, int control_fd, int note_fd)
{
	struct ceiling ceiling = ceiling_default;
	struct keeper keeper = { .control_fd = control_fd, .held = HELD_NONE };
	struct mon_res res = { .op = MON_SPAWN };
	struct err e = ERR_INIT;
	int *own = mem_alloc((n_fds + 1) * sizeof(int));

	ceiling.knife = true; /* nobody's rights but the caller's own are at stake */
	memcpy(own, fds, n_fds * sizeof(int));
	close_others(fds, n_fds, control_fd, note_fd);
	if (plan_verify(plan, sizeof(*plan), n_fds, &ceiling, &e) < 0 || keeper_begin(plan, &e) < 0 ||
	    apply_start(plan, own, note_fd, false, &keeper.held, &e) < 0)
		refuse(control_fd, &e);
	close(note_fd);
	for (size_t i = 0; i < n_fds; i++)
		close(own[i]);
	res.layers = keeper.held.layers;
	keeper_write(control_fd, &res);
	keeper_live(&keeper);
}

static int pair(int fds[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_sys(e, "socketpair");
	return 0;
}

static int read_answer(const struct box *box, enum mon_op op, struct mon_res *res, struct err *e)
{
	ssize_t got;

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

static int start_keeper(const struct plan *plan, const int *fds, size_t n_fds, struct box *box, int note_fd, struct err *e)
{
	int control[2], pid_fd = -1;
	pid_t pid;

	if (pair(control, e) < 0)
		return -1;
	pid = ns_clone(0, -1, &pid_fd, e);
	if (pid == 0)
		keep(plan, fds, n_fds, control[1], note_fd);
	close(control[1]);
	if (pid < 0) {
		close(control[0]);
		return -1;
	}
	close(pid_fd);
	box->control_fd = control[0];
	box->keeper_pid = pid;
	return 0;
}

int mon_spawn(const struct plan *plan, const int *fds, size_t n_fds, const char *monitor, struct box *out,
	      uint64_t *layers, struct err *e)
{
	struct box box = BOX_NONE;
	struct mon_res res;
	int note[2], status;

	if (pair(note, e) < 0)
		return -1;
	box.note_fd = note[0];
	status = monitor ? mon_send_plan(plan, fds, n_fds, monitor, &box, note[1], e) :
			   start_keeper(plan, fds, n_fds, &box, note[1], e);
	close(note[1]);
	if (status < 0 || read_answer(&box, MON_SPAWN, &res, e) < 0) {
		mon_close(&box);
		return -1;
	}
	*layers = res.layers;
	*out = box;
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
