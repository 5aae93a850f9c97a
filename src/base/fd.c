/* Descriptors. Refuses to leak one: on each way out everything is owned by somebody or closed. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

void fd_close(int fd)
{
	const int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

void fd_close_at(int *fd)
{
	fd_close(*fd);
	*fd = -1;
}

int fd_read_all(int fd, void *bytes, size_t len, struct err *e)
{
	for (size_t done = 0; done < len;) {
		const ssize_t n = read(fd, (char *)bytes + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (!n)
			errno = EPIPE;
		if (n <= 0)
			return err_sys(e, "reading %zu bytes, %zu came", len, done);
		done += (size_t)n;
	}
	return 0;
}

int fd_write_all(int fd, const void *bytes, size_t len, struct err *e)
{
	for (size_t done = 0; done < len;) {
		const ssize_t n = write(fd, (const char *)bytes + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "writing");
		done += (size_t)n;
	}
	return 0;
}

int fd_read_file(int fd, const char *name, size_t max, char **out, size_t *len, struct err *e)
{
	OWN_MEM char *text = NULL;
	size_t cap = 0, used = 0;

	for (;;) {
		ssize_t n;

		text = mem_grow(text, &cap, used + 4096, 1);
		n = read(fd, text + used, cap - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "%s", name);
		if (!n)
			break;
		used += (size_t)n;
		if (used > max)
			return err_set(e, ERR_LIMIT, "%s: longer than %zu bytes", name, max);
	}
	text[used] = '\0';
	*len = used;
	*out = TAKE_PTR(text);
	return 0;
}

int fd_pipe(int ends[2], struct err *e)
{
	return pipe2(ends, O_CLOEXEC) < 0 ? err_sys(e, "pipe") : 0;
}

int fd_set_nonblock(int fd, struct err *e)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(e, "O_NONBLOCK");
	return 0;
}

int fd_reopen_nonblock(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int fd_open_below(int dir_fd, const char *path, int flags, struct err *e)
{
	const struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	const long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	return fd < 0 ? err_sys(e, "%s", path) : (int)fd;
}

int fd_sealed(const char *name, const void *bytes, size_t len, struct err *e)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	OWN_FD int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(e, "memfd_create");
	if (fd_write_all(fd, bytes, len, e) < 0)
		return err_add(e, "memfd");
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		return err_sys(e, "sealing a memfd");
	return TAKE_FD(fd);
}

/* Room for the largest set of descriptors, aligned as the kernel writes it. */
union control {
	char bytes[CMSG_SPACE(FD_PACKET_MAX * sizeof(int))];
	struct cmsghdr align;
};

int fd_send(int socket, const void *bytes, size_t len, const int *fds, size_t n_fds, struct err *e)
{
	struct iovec part = { (void *)(uintptr_t)bytes, len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control;
	ssize_t n;

	if (n_fds > FD_PACKET_MAX)
		return err_set(e, ERR_BUG, "%zu descriptors in one packet", n_fds);
	if (n_fds) {
		struct cmsghdr *const head = &control.align;

		*head = (struct cmsghdr){ CMSG_LEN(n_fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(head), fds, n_fds * sizeof(int));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	}
	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_sys(e, "sending") : 0;
}

/* Moves the descriptors of a message into fds[]; those beyond cap_fds are closed and counted. */
static size_t take_fds(struct msghdr *message, int *fds, size_t cap_fds)
{
	size_t n_fds = 0;
	struct cmsghdr *head;

	for (head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (head->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++, n_fds++) {
			int fd;

			memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(fd));
			if (n_fds < cap_fds)
				fds[n_fds] = fd;
			else
				fd_close(fd);
		}
	}
	return n_fds;
}

ssize_t fd_receive(int socket, void *bytes, size_t cap, int *fds, size_t cap_fds, size_t *n_fds,
		   struct err *e)
{
	union control control;
	struct iovec part = { bytes, cap };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	size_t got;
	ssize_t n;

	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "receiving");
	got = take_fds(&message, fds, cap_fds);
	if (got > cap_fds || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		for (size_t i = 0; i < got && i < cap_fds; i++)
			fd_close(fds[i]);
		return err_set(e, ERR_LIMIT, "a packet is too long or has too many descriptors");
	}
	*n_fds = got;
	return n;
}
