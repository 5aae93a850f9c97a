/* read, write and splice between two descriptors. Refuses to wait and to forward more than the
 * budget. */
#include "engine/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

/* A terminal that is writable has room for this much: n_tty.c, WAKEUP_CHARS. */
#define TERMINAL_CHUNK 256

int pump_outer_end(int fd, int flags, struct pump_end *out, struct err *e)
{
	struct pump_end end = { .fd = fd };
	struct stat st;
	int own;

	if (fd < 0) {
		*out = PUMP_NO_END;
		return 0;
	}
	if (fstat(fd, &st) < 0)
		return err_sys(e, "looking at descriptor %d", fd);
	end.is_pipe = S_ISFIFO(st.st_mode);
	end.is_terminal = S_ISCHR(st.st_mode) && isatty(fd);
	if (S_ISSOCK(st.st_mode))
		end.way = PUMP_SOCKET;
	if (end.is_pipe || end.is_terminal) {
		own = fd_reopen_nonblock(fd, flags);
		end.way = own < 0 ? PUMP_CAREFUL : PUMP_QUEUE;
		end.owned = own >= 0;
		end.fd = own < 0 ? fd : own;
	}
	*out = end;
	return 0;
}

int pump_inner_end(int fd, bool is_terminal, struct pump_end *out, struct err *e)
{
	if (fd_set_nonblock(fd, e) < 0)
		return -1;
	*out = (struct pump_end){ .fd = fd, .way = PUMP_QUEUE, .owned = true,
				  .is_pipe = !is_terminal, .is_terminal = is_terminal };
	return 0;
}

void pump_init(struct pump *pump, struct pump_end src, struct pump_end dst,
	       struct pump_budget *budget)
{
	pump->src = src;
	pump->dst = dst;
	pump->budget = budget;
	/* With a budget it is the box's output: nothing of ours flows into a pipe of the box
	 * unseen. */
	pump->splices = budget && src.is_pipe && dst.is_pipe;
	pump->hang_up = !budget;
}

void pump_end_done(struct pump_end *end)
{
	if (end->owned)
		fd_close(end->fd);
	*end = PUMP_NO_END;
}

void pump_done(struct pump *pump)
{
	pump_end_done(&pump->src);
	pump_end_done(&pump->dst);
	pump->len = 0;
	pump->wake_us = 0;
}

void pump_wants(const struct pump *pump, int *fd, short *events)
{
	const bool writes = pump->dst_full || pump->len;

	*fd = pump->wake_us ? -1 : writes ? pump->dst.fd : pump->src.fd;
	*events = writes ? POLLOUT : POLLIN;
}

static bool is_ready(int fd, short events)
{
	struct pollfd one = { .fd = fd, .events = events };

	return poll(&one, 1, 0) > 0;
}

static void fail(struct pump *pump)
{
	pump->failed = true;
	pump_done(pump);
}

/* A terminal answers EIO when we are in the background, or while nobody inside has it open. Both
 * pass. */
static bool take_nap(struct pump *pump, const struct pump_end *end)
{
	if (errno != EIO || !end->is_terminal || pump->draining)
		return false;
	pump->wake_us = loop_now_us() + PUMP_NAP_US;
	return true;
}

/* Nothing more will come. */
static void finish(struct pump *pump)
{
	const char ctrl_d = 4;  /* of two, the first one ends the line */

	if (!pump->hang_up || !pump->dst.is_terminal) {
		pump_done(pump);
		return;
	}
	pump->ended = true;
	pump->len = pump->mid_line ? 2 : 1;
	pump->at = 0;
	pump->bytes[0] = pump->bytes[1] = ctrl_d;
}

static ssize_t write_some(const struct pump_end *end, const char *bytes, size_t len)
{
	const size_t chunk = end->is_pipe ? PIPE_BUF : TERMINAL_CHUNK;

	if (end->way == PUMP_SOCKET)
		return send(end->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (end->way == PUMP_CAREFUL && !is_ready(end->fd, POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	if (end->way == PUMP_CAREFUL && len > chunk)
		len = chunk;
	return write(end->fd, bytes, len);
}

static void flush(struct pump *pump)
{
	const ssize_t n = write_some(&pump->dst, pump->bytes + pump->at, pump->len);

	pump->dst_full = n < 0 && errno == EAGAIN;
	if (n < 0 && errno != EAGAIN && errno != EINTR && !take_nap(pump, &pump->dst))
		fail(pump);
	if (n <= 0)
		return;
	pump->at += (size_t)n;
	pump->len -= (size_t)n;
	if (!pump->len && pump->ended)
		pump_done(pump);
}

/* Counts n fresh bytes and returns how many of them may go on. */
static size_t spend(struct pump_budget *budget, size_t n)
{
	size_t allowed = n;

	if (!budget)
		return n;
	budget->seen += n;
	if (allowed > budget->left) {
		allowed = (size_t)budget->left;
		budget->over = true;
	}
	if (budget->left != UINT64_MAX)
		budget->left -= allowed;
	return allowed;
}

static ssize_t read_some(const struct pump_end *end, char *bytes)
{
	if (end->way == PUMP_SOCKET)
		return recv(end->fd, bytes, PUMP_BYTES, MSG_DONTWAIT);
	if (end->way == PUMP_CAREFUL && !is_ready(end->fd, POLLIN)) {
		errno = EAGAIN;
		return -1;
	}
	return read(end->fd, bytes, PUMP_BYTES);
}

static void fill(struct pump *pump)
{
	const ssize_t n = read_some(&pump->src, pump->bytes);

	if (n < 0 && errno == EINTR)
		return;
	if (n < 0 && errno == EAGAIN && !pump->draining)
		return;
	if (n < 0 && take_nap(pump, &pump->src))
		return;
	if (n <= 0) {
		finish(pump);
		return;
	}
	pump->mid_line = pump->bytes[n - 1] != '\n';
	pump->at = 0;
	pump->len = spend(pump->budget, (size_t)n);
	if (pump->dst.fd < 0)
		pump->len = 0;
}

/* False when copying has to do it. */
static bool splice_some(struct pump *pump)
{
	const uint64_t left = pump->budget->left;
	const ssize_t n = splice(pump->src.fd, NULL, pump->dst.fd, NULL,
				 left < PUMP_BYTES ? (size_t)left : PUMP_BYTES, SPLICE_F_NONBLOCK);

	if (n < 0 && errno == EPIPE) {
		fail(pump);
		return true;
	}
	if (n < 0 && errno == EAGAIN && !pump->dst_full && is_ready(pump->src.fd, POLLIN)) {
		pump->dst_full = true;
		return true;
	}
	if (n <= 0)     /* an end of file, nothing there, or full right after POLLOUT */
		return false;
	pump->dst_full = false;
	spend(pump->budget, (size_t)n);
	return true;
}

void pump_turn(struct pump *pump)
{
	if (!pump_is_open(pump))
		return;
	pump->wake_us = 0;
	if (!pump->len) {
		if (pump->splices && pump->budget->left && splice_some(pump))
			return;
		pump->dst_full = false;
		fill(pump);
	}
	if (pump->len)
		flush(pump);
}
