/* Frames. Refuses a kind that the peer does not send and a length beyond its kind's, before room is made for it. */
#include "isolate/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#define HEAD ((size_t)8)
#define PIECE ((size_t)4 << 10)

static const struct {
	bool from_guest;
	uint32_t most;
} kinds[] = {
#define GUEST(name, from_guest, most) { from_guest, most },
#include "isolate/channel.def"
#undef GUEST
};

void guest_reader_done(struct guest_reader *reader)
{
	free(reader->bytes);
	*reader = (struct guest_reader){ .at = 0 };
}

void guest_writer_done(struct guest_writer *writer)
{
	free(writer->bytes);
	*writer = (struct guest_writer){ .at = 0 };
}

static uint32_t word_at(const char *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* What the frame at the front still wants: the whole of it once its head is there. */
static size_t wanted(const struct guest_reader *reader)
{
	const size_t have = reader->len - reader->at;

	if (have < HEAD)
		return PIECE;
	const size_t whole = HEAD + word_at(reader->bytes + reader->at + 4);
	return whole > have && whole - have > PIECE ? whole - have : PIECE;
}

static void make_room(struct guest_reader *reader)
{
	if (!reader->bytes)
		reader->bytes = mem_grow(NULL, &reader->cap, PIECE, 1);
	memmove(reader->bytes, reader->bytes + reader->at, reader->len - reader->at);
	reader->len -= reader->at;
	reader->at = 0;
	reader->bytes = mem_grow(reader->bytes, &reader->cap, reader->len + wanted(reader), 1);
}

static int take_read(struct guest_reader *reader, ssize_t got, struct err *e)
{
	if (got < 0 && errno != ECONNRESET)
		return err_sys(e, "read a guest's channel");
	if (got <= 0)
		return 0;
	reader->len += (size_t)got;
	return 1;
}

int guest_read(struct guest_reader *reader, int fd, struct err *e)
{
	ssize_t got;

	make_room(reader);
	do
		got = read(fd, reader->bytes + reader->len, reader->cap - reader->len);
	while (got < 0 && errno == EINTR);
	return take_read(reader, got, e);
}

/* The kernel has opened them already, wanted or not. */
static int keep_fds(struct msghdr *msg, int *fds, size_t cap, size_t *n, struct err *e)
{
	const size_t before = *n;
	bool fits = !(msg->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *at = CMSG_FIRSTHDR(msg); at; at = CMSG_NXTHDR(msg, at)) {
		const size_t len = at->cmsg_type == SCM_RIGHTS ? at->cmsg_len - CMSG_LEN(0) : 0;

		for (size_t i = 0; i < len / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(at) + i * sizeof(int), sizeof(fd));
			fits &= *n < cap;
			if (*n < cap)
				fds[(*n)++] = fd;
			else
				close(fd);
		}
	}
	while (!fits && *n > before)
		close(fds[--*n]);
	return fits ? 0 : err_set(e, ERR_LIMIT, "more descriptors than a guest takes");
}

int guest_read_fds(struct guest_reader *reader, int fd, int *fds, size_t cap, size_t *n, struct err *e)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t got;

	make_room(reader);
	iov = (struct iovec){ reader->bytes + reader->len, reader->cap - reader->len };
	do
		got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got > 0 && keep_fds(&msg, fds, cap, n, e) < 0)
		return -1;
	return take_read(reader, got, e);
}

int guest_send_streams(int fd, const int streams[3], struct err *e)
{
	const uint32_t head[2] = { GUEST_STREAMS, 0 };

	return fd_send(fd, head, sizeof(head), streams, 3, e);
}

static int check_head(uint32_t kind, uint32_t len, bool from_guest, struct err *e)
{
	if (kind >= GUEST_KINDS || kinds[kind].from_guest != from_guest)
		return err_set(e, ERR_USAGE, "a frame of kind %u is not for this side", kind);
	if (len > kinds[kind].most)
		return err_set(e, ERR_LIMIT, "a frame of kind %u has %u bytes, and at most %u are taken", kind, len,
			       kinds[kind].most);
	return 0;
}

int guest_next(struct guest_reader *reader, bool from_guest, struct guest_frame *frame, struct err *e)
{
	const size_t have = reader->len - reader->at;

	if (have < HEAD)
		return 0;
	const char *const head = reader->bytes + reader->at;
	const uint32_t kind = word_at(head), len = word_at(head + 4);
	if (check_head(kind, len, from_guest, e) < 0)
		return -1;
	if (have - HEAD < len)
		return 0;
	*frame = (struct guest_frame){ .kind = (enum guest_kind)kind, .bytes = head + HEAD, .len = len };
	reader->at += HEAD + len;
	return 1;
}

int guest_put_named(struct guest_writer *writer, enum guest_kind kind, const char *name, const void *bytes, size_t len,
		    struct err *e)
{
	const size_t name_len = name ? strlen(name) + 1 : 0;
	const uint32_t head[2] = { kind, (uint32_t)(name_len + len) };

	if (name_len > GUEST_NAME_MAX || len > kinds[kind].most || name_len + len > kinds[kind].most)
		return err_set(e, ERR_LIMIT, "%zu bytes are more than one frame may have (%u)", name_len + len,
			       kinds[kind].most);
	writer->bytes = mem_grow(writer->bytes, &writer->cap, writer->len + HEAD + name_len + len, 1);
	memcpy(writer->bytes + writer->len, head, HEAD);
	if (name_len)
		memcpy(writer->bytes + writer->len + HEAD, name, name_len);
	if (len)
		memcpy(writer->bytes + writer->len + HEAD + name_len, bytes, len);
	writer->len += HEAD + name_len + len;
	return 0;
}

int guest_put(struct guest_writer *writer, enum guest_kind kind, const void *bytes, size_t len, struct err *e)
{
	return guest_put_named(writer, kind, NULL, bytes, len, e);
}

/* write(2), because a guest's filter has nothing else; whoever starts one ignores SIGPIPE. */
int guest_flush(struct guest_writer *writer, int fd, struct err *e)
{
	while (writer->at < writer->len) {
		const ssize_t put = write(fd, writer->bytes + writer->at, writer->len - writer->at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN)
			return 0;
		if (put < 0)
			return err_sys(e, "write to a guest's channel");
		writer->at += (size_t)put;
	}
	writer->at = writer->len = 0;
	return 1;
}

bool guest_named(const struct guest_frame *frame, const char **name, const char **bytes, size_t *len)
{
	const size_t most = frame->len < GUEST_NAME_MAX ? frame->len : GUEST_NAME_MAX;
	const char *const end = most ? memchr(frame->bytes, '\0', most) : NULL;

	if (!end || end == frame->bytes)
		return false;
	*name = frame->bytes;
	*bytes = end + 1;
	*len = frame->len - (size_t)(end + 1 - frame->bytes);
	return true;
}

int guest_put_why(struct guest_writer *writer, const struct guest_why *why, struct err *e)
{
	return guest_put(writer, GUEST_ERROR, why, sizeof(*why), e);
}

int guest_read_why(const struct guest_frame *frame, struct guest_why *out, struct err *e)
{
	if (frame->kind != GUEST_ERROR || frame->len != sizeof(*out))
		return err_set(e, ERR_USAGE, "an error of %zu bytes is none", frame->len);
	memcpy(out, frame->bytes, sizeof(*out));
	out->file[sizeof(out->file) - 1] = '\0';
	out->text[sizeof(out->text) - 1] = '\0';
	return 0;
}
