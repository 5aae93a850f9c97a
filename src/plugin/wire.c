/* Moves frames. A side that wants deadlines makes its end non-blocking; the other just waits. */
#include "plugin/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"

struct head {
	uint32_t kind;
	int32_t word;
	uint32_t len[WIRE_PARTS];
};

void wire_done(struct wire *wire)
{
	fd_close_at(&wire->fd);
	mem_free_at(&wire->bytes);
	*wire = WIRE_NONE;
}

/* 0 when the call may be tried again. */
static int wait_for(const struct wire *wire, short events, uint64_t until_us, struct err *e)
{
	struct pollfd fd = { .fd = wire->fd, .events = events };
	const uint64_t now = until_us ? loop_now_us() : 0;

	if (errno == EINTR)
		return 0;
	/* What we sent was never read: it is as gone as at the end of file. */
	if (errno == ECONNRESET)
		errno = EPIPE;
	if (errno != EAGAIN)
		return err_sys(e, "the worker's socket");
	if (until_us && now >= until_us)
		return err_set(e, ERR_LIMIT, "no answer in time");
	if (poll(&fd, 1, until_us ? (int)((until_us - now + 999) / 1000) : -1) < 0 && errno != EINTR)
		return err_sys(e, "poll");
	return 0;
}

static size_t skip(struct iovec *vectors, size_t n, size_t done)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		const size_t step = done < vectors[i].iov_len ? done : vectors[i].iov_len;

		vectors[i].iov_base = (uint8_t *)vectors[i].iov_base + step;
		vectors[i].iov_len -= step;
		done -= step;
		left += vectors[i].iov_len;
	}
	return left;
}

int wire_send(struct wire *wire, const struct wire_frame *frame, uint64_t until_us, struct err *e)
{
	struct head head = { .kind = frame->kind, .word = frame->word };
	struct iovec vectors[1 + WIRE_PARTS] = { { &head, sizeof(head) } };
	const struct msghdr message = { .msg_iov = vectors, .msg_iovlen = 1 + WIRE_PARTS };
	size_t left = sizeof(head);

	for (size_t i = 0; i < WIRE_PARTS; i++) {
		head.len[i] = frame->len[i];
		/* sendmsg(2) reads what iovec cannot call const. */
		memcpy(&vectors[1 + i].iov_base, &frame->part[i], sizeof(void *));
		vectors[1 + i].iov_len = frame->len[i];
		left += frame->len[i];
	}
	while (left) {
		const ssize_t n = sendmsg(wire->fd, &message, MSG_NOSIGNAL);

		if (n >= 0)
			left = skip(vectors, ARRAY_SIZE(vectors), (size_t)n);
		else if (wait_for(wire, POLLOUT, until_us, e) < 0)
			return -1;
	}
	return 0;
}

static int receive(struct wire *wire, void *to, size_t len, uint64_t until_us, struct err *e)
{
	for (size_t done = 0; done < len;) {
		const ssize_t n = read(wire->fd, (uint8_t *)to + done, len - done);

		if (n > 0) {
			done += (size_t)n;
		} else if (!n) {
			errno = EPIPE;
			return err_sys(e, "the other side is gone");
		} else if (wait_for(wire, POLLIN, until_us, e) < 0) {
			return -1;
		}
	}
	return 0;
}

int wire_receive(struct wire *wire, const uint64_t most[WIRE_PARTS], struct wire_frame *out, uint64_t until_us,
		 struct err *e)
{
	struct head head;
	size_t total = 0, at = 0;

	if (receive(wire, &head, sizeof(head), until_us, e) < 0)
		return -1;
	for (size_t i = 0; i < WIRE_PARTS; i++) {
		if (head.len[i] > most[i])
			return err_set(e, ERR_USAGE, "a part of %u bytes where at most %llu may be", head.len[i],
				       (unsigned long long)most[i]);
		total += head.len[i] + 1; /* each ends with a NUL, for those that are text */
	}
	wire->bytes = mem_grow(wire->bytes, &wire->cap, total, 1);
	*out = (struct wire_frame){ .kind = head.kind, .word = head.word };
	for (size_t i = 0; i < WIRE_PARTS; i++) {
		if (receive(wire, wire->bytes + at, head.len[i], until_us, e) < 0)
			return -1;
		out->part[i] = wire->bytes + at;
		out->len[i] = head.len[i];
		at += head.len[i];
		wire->bytes[at++] = '\0';
	}
	return 0;
}
