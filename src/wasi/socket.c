/* Sockets that a guest was given: it can make none, and name no address. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"
#include "wasi/table.h"

static int wait_flag(const struct wasi_slot *slot)
{
	return slot->flags & FDFLAG_NONBLOCK ? MSG_DONTWAIT : 0;
}

uint32_t wasi_sock_accept(struct wasi *w, uint32_t fd, uint32_t flags, uint32_t out)
{
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_SOCKET, RIGHT_SOCK_ACCEPT, &why);
	OWN_FD int accepted = -1;
	int number;

	if (!slot)
		return why;
	if (flags & ~(uint32_t)FDFLAG_NONBLOCK)
		return WASI_INVAL;
	if (!memory_at(&w->memory, out, 4))
		return WASI_FAULT;
	if (table_is_full(w))
		return WASI_MFILE; /* and the connection still waits */
	if (slot->flags & FDFLAG_NONBLOCK && poll(&(struct pollfd){ .fd = slot->fd, .events = POLLIN }, 1, 0) == 0)
		return WASI_AGAIN;
	accepted = accept4(slot->fd, NULL, NULL, SOCK_CLOEXEC);
	if (accepted < 0)
		return wasi_errno_of(errno);
	number = table_add(w, &(struct wasi_slot){ .fd = accepted, .type = FILETYPE_STREAM, .flags = (uint8_t)flags,
			   .base = slot->inheriting, .inheriting = slot->inheriting });
	if (number < 0)
		return WASI_MFILE;
	accepted = -1;
	memory_store32(&w->memory, out, (uint32_t)number);
	return WASI_SUCCESS;
}

uint32_t wasi_sock_recv(struct wasi *w, uint32_t fd, uint32_t iovs, uint32_t n_iovs, uint32_t flags, uint32_t out,
			uint32_t flags_out)
{
	NO_INIT struct iovec to[MEMORY_IOVECS];
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_SOCKET, RIGHT_FD_READ, &why);
	const int n = slot ? memory_iovecs(&w->memory, iovs, n_iovs, to, &why) : -1;
	uint8_t *const told = memory_at(&w->memory, flags_out, 2);
	struct msghdr message = { .msg_iov = to, .msg_iovlen = n < 0 ? 0 : (size_t)n };
	ssize_t got;

	if (n < 0)
		return why;
	if (flags & ~(uint32_t)(RI_PEEK | RI_WAITALL))
		return WASI_INVAL;
	if (!told || !memory_at(&w->memory, out, 4))
		return WASI_FAULT;
	got = recvmsg(slot->fd, &message, wait_flag(slot) | MSG_CMSG_CLOEXEC | (flags & RI_PEEK ? MSG_PEEK : 0) |
		      (flags & RI_WAITALL ? MSG_WAITALL : 0));
	if (got < 0)
		return wasi_errno_of(errno);
	memory_store32(&w->memory, out, (uint32_t)got);
	memory_put16(told, message.msg_flags & MSG_TRUNC ? RO_TRUNCATED : 0);
	return WASI_SUCCESS;
}

uint32_t wasi_sock_send(struct wasi *w, uint32_t fd, uint32_t iovs, uint32_t n_iovs, uint32_t flags, uint32_t out)
{
	NO_INIT struct iovec from[MEMORY_IOVECS];
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_SOCKET, RIGHT_FD_WRITE, &why);
	const int n = slot ? memory_iovecs(&w->memory, iovs, n_iovs, from, &why) : -1;
	const struct msghdr message = { .msg_iov = from, .msg_iovlen = n < 0 ? 0 : (size_t)n };
	ssize_t sent;

	if (n < 0)
		return why;
	if (flags)
		return WASI_INVAL;
	if (!memory_at(&w->memory, out, 4))
		return WASI_FAULT;
	sent = sendmsg(slot->fd, &message, wait_flag(slot) | MSG_NOSIGNAL);
	if (sent < 0)
		return wasi_errno_of(errno);
	memory_store32(&w->memory, out, (uint32_t)sent);
	return WASI_SUCCESS;
}

uint32_t wasi_sock_shutdown(struct wasi *w, uint32_t fd, uint32_t how)
{
	static const int linux_how[] = { [SD_RD] = SHUT_RD, [SD_WR] = SHUT_WR, [SD_RD | SD_WR] = SHUT_RDWR };
	uint32_t why;
	const struct wasi_slot *const slot = table_find(w, fd, TABLE_SOCKET, RIGHT_SOCK_SHUTDOWN, &why);

	if (!slot)
		return why;
	if (!how || how >= ARRAY_SIZE(linux_how))
		return WASI_INVAL;
	return shutdown(slot->fd, linux_how[how]) < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}
