/* Descriptors: owned by a scope, read and written whole, handed over, opened beneath a directory.
 * Every descriptor made here is close-on-exec. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"

/* Closes what a variable holds when its scope ends; -1 is the empty value. */
#define OWN_FD __attribute__((cleanup(fd_close_at)))
#define TAKE_FD(fd) TAKE(fd, -1)

/* Accept -1 and keep errno; fd_close_at leaves -1 behind. */
void fd_close(int fd);
void fd_close_at(int *fd);

/* Goes on after EINTR and short counts. An early end of file is ERR_SYSTEM with EPIPE. */
MUST_USE int fd_read_all(int fd, void *bytes, size_t len, struct err *e);
MUST_USE int fd_write_all(int fd, const void *bytes, size_t len, struct err *e);

/* Reads to the end of the file.
 *
 * max   bytes; one more is ERR_LIMIT
 * *out  allocated, terminated by a NUL that *len does not count; the caller frees it
 * name  for the error: "NAME: cause" */
MUST_USE int fd_read_file(int fd, const char *name, size_t max, char **out, size_t *len,
			  struct err *e);

/* A pipe: ends[0] to read from, ends[1] to write to, both blocking. */
MUST_USE int fd_pipe(int ends[2], struct err *e);

/* O_NONBLOCK belongs to the open file, not to the descriptor: whoever shares the open file gets it
 * too. */
MUST_USE int fd_set_nonblock(int fd, struct err *e);

/* The same pipe or terminal by an open file of our own, so that O_NONBLOCK stays ours. Not for
 * regular files: the copy would have a file offset of its own.
 *
 * flags  O_RDONLY, O_WRONLY or O_RDWR
 * Returns -1 when that cannot be had (no /proc, no right, a FIFO without readers): not an error
 * Source: proc(5), /proc/PID/fd */
int fd_reopen_nonblock(int fd, int flags);

/* Opens below a directory: no "..", no link that leaves it, no /proc-style magic link on the way.
 * Source: openat2(2), RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS */
MUST_USE int fd_open_below(int dir_fd, const char *path, int flags, struct err *e);

/* A memory file with these bytes that nobody can change any more: memfd_create(2). */
MUST_USE int fd_sealed(const char *name, const void *bytes, size_t len, struct err *e);

/* One packet of a SOCK_SEQPACKET socket with n_fds <= FD_PACKET_MAX descriptors. Waits.
 *
 * fd_receive  returns the packet's length, 0 at the end of file, -1; a packet longer than cap or
 *             with more than cap_fds descriptors is ERR_LIMIT and leaves no descriptor open. EAGAIN
 *             of a non-blocking socket is ERR_SYSTEM with sys = EAGAIN */
#define FD_PACKET_MAX 253       /* SCM_MAX_FD, include/net/scm.h */
MUST_USE int fd_send(int socket, const void *bytes, size_t len, const int *fds, size_t n_fds,
		     struct err *e);
MUST_USE ssize_t fd_receive(int socket, void *bytes, size_t cap, int *fds, size_t cap_fds,
			    size_t *n_fds, struct err *e);
