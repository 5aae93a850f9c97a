/* The receiving end of a start. Every byte here comes from somebody who may be an enemy. */
#include "monitor/receive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t receive(int fd, struct mon_req *req, int *fds, size_t *n_fds)
{
	static _Alignas(struct cmsghdr) char control[CMSG_SPACE(MON_FDS_PER_PACKET * sizeof(int))];
	struct iovec iov = { req, sizeof(*req) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	const struct cmsghdr *cmsg;
	ssize_t got;

	do
		got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	*n_fds = 0;
	cmsg = got < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS) {
		*n_fds = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cmsg), *n_fds * sizeof(int));
	}
	/* Descriptors that did not fit are closed by this process's end, which follows. */
	return got == sizeof(*req) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ? got : -1;
}

int receive_fd(int from)
{
	struct mon_req req;
	int fds[MON_FDS_PER_PACKET];
	size_t n;

	return receive(from, &req, fds, &n) < 0 || n != 1 ? -1 : fds[0];
}

int receive_send_fd(int to, int fd)
{
	struct mon_req req = { .op = MON_FDS, .arg = 1 };
	struct iovec iov = { &req, sizeof(req) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	return sendmsg(to, &msg, MSG_NOSIGNAL) == sizeof(req) ? 0 : -1;
}

/* The plan must be sealed against its sender before it is looked at. */
static const struct plan *map_plan(int fd, struct err *e)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat st;
	void *at;

	if (fstat(fd, &st) < 0 || st.st_size != (off_t)sizeof(struct plan) ||
	    (fcntl(fd, F_GET_SEALS) & seals) != seals) {
		err_set(e, ERR_DENIED, "the plan is not a sealed memfd of the right size");
		return NULL;
	}
	at = mmap(NULL, sizeof(struct plan), PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED) {
		err_sys(e, "map the plan");
		return NULL;
	}
	return at;
}

int receive_plan(int client_fd, struct received *in, struct err *e)
{
	struct mon_req req;
	int first[MON_FDS_PER_PACKET];
	size_t n, wanted;

	if (receive(client_fd, &req, first, &n) < 0 || req.op != MON_SPAWN || req.zero || n != 2 || req.arg > PLAN_FDS)
		return err_set(e, ERR_DENIED, "that was no request to start a box");
	wanted = req.arg;
	in->note_fd = first[0];
	in->plan = map_plan(first[1], e);
	close(first[1]);
	while (in->plan && in->n_fds < wanted) {
		if (receive(client_fd, &req, first, &n) < 0 || req.op != MON_FDS || n == 0 || n > wanted - in->n_fds)
			return err_set(e, ERR_DENIED, "the plan's descriptors did not all come");
		memcpy(in->fds + in->n_fds, first, n * sizeof(int));
		in->n_fds += n;
	}
	return in->plan ? 0 : -1;
}

void receive_close(struct received *in)
{
	munmap((void *)(uintptr_t)in->plan, sizeof(*in->plan));
	close(in->note_fd);
	for (size_t i = 0; i < in->n_fds; i++)
		close(in->fds[i]);
}
