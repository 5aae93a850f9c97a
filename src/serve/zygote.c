/* Zygotes, seen from the front. Refuses words of a runner that are none. */
#include "serve/zygote.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

int zygote_start(struct zygote *zygote, int launcher_fd, int epoll_fd, uint64_t tag, const struct order *order,
		 struct err *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = tag };
	OWN_FD int ours = -1;
	OWN_FD int theirs = -1;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return err_sys(e, "channel of a zygote");
	ours = ends[0];
	theirs = ends[1];
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ours, &event) < 0)
		return err_sys(e, "epoll");
	if (fd_send(launcher_fd, order, sizeof(*order), &theirs, 1, e) < 0)
		return -1;
	*zygote = (struct zygote){ .box = order->box, .fd = TAKE_FD(ours), .born_us = loop_now_us() };
	return 0;
}

bool zygote_hear(struct zygote *zygote)
{
	struct order_report report;
	ssize_t got;

	for (;;) {
		got = recv(zygote->fd, &report, sizeof(report), MSG_DONTWAIT | MSG_TRUNC);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (got <= 0 || !order_report_is_sound(&report, (size_t)got) || report.kind != ORDER_PARKED || zygote->is_warm)
			return false;
		zygote->is_warm = true;
	}
}

void zygote_leave(struct zygote *zygote)
{
	fd_close(zygote->fd);
	*zygote = ZYGOTE_NONE;
}
