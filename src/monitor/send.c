/* The plan travels as a sealed memfd: what the monitor verifies cannot change under its eyes. */
#include "monitor/send.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/plan.h"

static int connect_to(const char *path, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(e, ERR_USAGE, "monitor socket %s: the path is too long", path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		err_sys(e, "connect to the monitor at %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

/* Only the used parts are written; the rest of the file is a hole. */
static int seal(const struct plan *plan, struct err *e)
{
	const size_t head = offsetof(struct plan, steps) + plan->n_steps * sizeof(struct step);
	const int fd = memfd_create("ward-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(e, "memfd_create");
	if (ftruncate(fd, sizeof(*plan)) < 0 || pwrite(fd, plan, head, 0) != (ssize_t)head ||
	    pwrite(fd, plan->bytes, plan->n_bytes, offsetof(struct plan, bytes)) != (ssize_t)plan->n_bytes ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		err_sys(e, "seal the plan");
		close(fd);
		return -1;
	}
	return fd;
}

static int send_packet(int fd, enum mon_op op, uint64_t arg, const int *fds, size_t n, struct err *e)
{
	struct mon_req req = { .op = op, .arg = arg };
	struct iovec iov = { &req, sizeof(req) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MON_FDS_PER_PACKET * sizeof(int))] = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) != sizeof(req))
		return err_sys(e, "send the plan to the monitor");
	return 0;
}

int mon_connect(const char *path, struct box *box, struct err *e)
{
	const int fd = connect_to(path, e);

	if (fd < 0)
		return -1;
	*box = BOX_NONE;
	box->control_fd = fd;
	box->resident = true;
	return 0;
}

int mon_send_plan(const struct plan *plan, const int *fds, size_t n_fds, const struct box *box, int note_fd,
		  struct err *e)
{
	const int plan_fd = seal(plan, e), first[2] = { note_fd, plan_fd };
	int status;

	if (plan_fd < 0)
		return -1;
	status = send_packet(box->control_fd, MON_SPAWN, n_fds, first, 2, e);
	for (size_t at = 0; status == 0 && at < n_fds; at += MON_FDS_PER_PACKET) {
		const size_t left = n_fds - at, n = left < MON_FDS_PER_PACKET ? left : MON_FDS_PER_PACKET;
		int packet[MON_FDS_PER_PACKET];

		/* A box with a terminal uses no streams; their places are filled with what does no harm. */
		for (size_t i = 0; i < n; i++)
			packet[i] = fds[at + i] >= 0 ? fds[at + i] : plan_fd;
		status = send_packet(box->control_fd, MON_FDS, n, packet, n, e);
	}
	close(plan_fd);
	return status;
}
