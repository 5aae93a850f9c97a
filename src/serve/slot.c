/* Boxes, seen from the front. Refuses every frame that does not follow from the one before. */
#include "serve/slot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

void slot_move(struct slot *slot, enum slot_state to)
{
	assert(slot_may_move(slot->state, to));
	slot->state = to;
}

static int watch(int epoll_fd, int fd, uint32_t events, uint64_t data, struct err *e)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? err_sys(e, "epoll") : 0;
}

/* Ours are [0..2]; the launcher's are theirs[]. */
static int make_ends(int ours[SLOT_FDS], int theirs[ORDER_FDS], struct err *e)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, control[2] = { -1, -1 };

	if (fd_pipe(in, e) < 0 || fd_pipe(out, e) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0) {
		const int all[] = { in[0], in[1], out[0], out[1] };

		for (size_t i = 0; i < ARRAY_SIZE(all); i++)
			fd_close(all[i]);
		return err_sys(e, "channels of a box");
	}
	ours[SLOT_IN] = in[1];
	ours[SLOT_OUT] = out[0];
	ours[SLOT_CONTROL] = control[0];
	theirs[ORDER_FD_IN] = in[0];
	theirs[ORDER_FD_OUT] = out[1];
	theirs[ORDER_FD_CONTROL] = control[1];
	return 0;
}

static int send_order(const struct slot *slot, int launcher_fd, int epoll_fd, uint64_t tag, const struct order *order,
		      const int theirs[ORDER_FDS], struct err *e)
{
	if (fd_set_nonblock(slot->fds[SLOT_IN], e) < 0 || fd_set_nonblock(slot->fds[SLOT_OUT], e) < 0 ||
	    watch(epoll_fd, slot->fds[SLOT_OUT], EPOLLIN, tag + SLOT_OUT, e) < 0 ||
	    watch(epoll_fd, slot->fds[SLOT_CONTROL], EPOLLIN, tag + SLOT_CONTROL, e) < 0)
		return -1;
	return fd_send(launcher_fd, order, sizeof(*order), theirs, ORDER_FDS, e);
}

/* An order went out, or did not. */
static int settle(struct slot *slot, int status)
{
	if (status < 0) {
		slot_done(slot);
		return -1;
	}
	slot->reader = mem_alloc(sizeof(*slot->reader));
	slot->born_us = loop_now_us();
	slot_move(slot, SLOT_BUILDING);
	return 0;
}

int slot_build(struct slot *slot, int launcher_fd, int epoll_fd, uint64_t tag, const struct order *order, struct err *e)
{
	int theirs[ORDER_FDS], status;

	*slot = (struct slot){ .box = order->box, .class_index = order->class_index, .fds = { -1, -1, -1 } };
	if (make_ends(slot->fds, theirs, e) < 0)
		return -1;
	status = send_order(slot, launcher_fd, epoll_fd, tag, order, theirs, e);
	for (int i = 0; i < ORDER_FDS; i++)
		fd_close(theirs[i]);
	return settle(slot, status);
}

static int send_guest_order(const struct slot *slot, int zygote_fd, int epoll_fd, uint64_t tag, const struct order *order,
			    const int theirs[ORDER_GUEST_FDS], struct err *e)
{
	if (fd_set_nonblock(slot->fds[SLOT_OUT], e) < 0 || watch(epoll_fd, slot->fds[SLOT_OUT], EPOLLIN, tag + SLOT_OUT, e) < 0 ||
	    watch(epoll_fd, slot->fds[SLOT_CONTROL], EPOLLIN, tag + SLOT_CONTROL, e) < 0)
		return -1;
	return fd_send(zygote_fd, order, sizeof(*order), theirs, ORDER_GUEST_FDS, e);
}

int slot_build_guest(struct slot *slot, int zygote_fd, int epoll_fd, uint64_t tag, const struct order *order, struct err *e)
{
	int channel[2] = { -1, -1 }, control[2] = { -1, -1 }, status = -1;

	*slot = (struct slot){
		.box = order->box, .class_index = order->class_index, .fds = { -1, -1, -1 }, .is_guest = true, .is_ready = true,
	};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, control) < 0)
		err_sys(e, "channels of a guest");
	slot->fds[SLOT_OUT] = channel[0];
	slot->fds[SLOT_CONTROL] = control[0];
	const int theirs[] = { [ORDER_GUEST_FD_CHANNEL] = channel[1], [ORDER_GUEST_FD_CONTROL] = control[1] };
	if (control[0] >= 0)
		status = send_guest_order(slot, zygote_fd, epoll_fd, tag, order, theirs, e);
	fd_close(channel[1]);
	fd_close(control[1]);
	return settle(slot, status);
}

void slot_say(struct slot *slot, enum order_kind kind, uint64_t n, uint64_t m)
{
	const struct order_word word = { ORDER_MAGIC, kind, n, m, loop_now_us() };

	if (slot->fds[SLOT_CONTROL] >= 0)
		(void)!send(slot->fds[SLOT_CONTROL], &word, sizeof(word), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The first report says how the box began, a second one how it ended; a third, or one out of turn, is none. */
static bool take_report(struct slot *slot, const struct order_report *report)
{
	if (report->kind == ORDER_PARKED) {
		if (slot->is_told)
			return false;
		slot->is_told = true;
		slot->parked = *report;
		return true;
	}
	if (slot->has_report || slot->is_told != (report->kind == ORDER_ENDED))
		return false;
	slot->has_report = true;
	slot->report = *report;
	return true;
}

/* Between the claim and the end, as often as it likes: each says all that the ones before it said. */
static bool take_refusals(struct slot *slot, const struct order_refusals *refusals)
{
	if (!slot->is_told || slot->has_report)
		return false;
	if (!slot->refusals)
		slot->refusals = mem_alloc(sizeof(*refusals));
	*slot->refusals = *refusals;
	slot->has_refusals = true;
	return true;
}

/* The same; one that is no later than the last one is dropped. */
static bool take_sample(struct slot *slot, const struct order_sample *sample)
{
	if (!slot->is_told || slot->has_report)
		return false;
	if (!slot->series)
		slot->series = mem_alloc(sizeof(*slot->series));
	slot->has_samples |= series_add(slot->series, sample->have, &sample->point);
	return true;
}

static bool take(struct slot *slot, const void *packet, size_t len)
{
	if (order_refusals_are_sound(packet, len))
		return take_refusals(slot, packet);
	if (order_sample_is_sound(packet, len))
		return take_sample(slot, packet);
	return order_report_is_sound(packet, len) && take_report(slot, packet);
}

bool slot_hear(struct slot *slot)
{
	union {
		struct order_report report;
		struct order_refusals refusals;
		struct order_sample sample;
	} packet;
	bool goes_on;
	ssize_t got;

	do {
		got = recv(slot->fds[SLOT_CONTROL], &packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);
		/* A runner that ends with words of ours unread resets the channel: the kernel tells that once, before what
		 * the runner had said (unix_release_sock() of net/unix/af_unix.c). */
		if (got < 0 && errno == ECONNRESET)
			got = recv(slot->fds[SLOT_CONTROL], &packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		goes_on = got > 0 && take(slot, &packet, (size_t)got);
	} while (goes_on);
	slot_close(slot, SLOT_CONTROL);
	return false;
}

int slot_read(struct slot *slot)
{
	size_t room;
	char *const at = frame_space(slot->reader, &room);
	const ssize_t n = room ? read(slot->fds[SLOT_OUT], at, room) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0 || slot->is_broken) {
		slot_close(slot, SLOT_OUT);
		return -1;
	}
	frame_filled(slot->reader, (size_t)n);
	return 1;
}

bool slot_next(struct slot *slot, struct frame *out)
{
	const int status = slot->is_broken ? 0 : frame_take(slot->reader, out);

	if (status > 0 && frame_out_follows(&slot->order, out))
		return true;
	slot->is_broken |= status != 0;
	return false;
}

bool slot_next_piece(struct slot *slot, struct guest_piece *out)
{
	const int status = slot->is_broken ? 0 : guest_piece_take(slot->reader, &slot->place, out);

	slot->is_broken |= status < 0;
	return status > 0;
}

void slot_close(struct slot *slot, enum slot_fd which)
{
	fd_close_at(&slot->fds[which]);
}

void slot_done(struct slot *slot)
{
	for (int i = 0; i < SLOT_FDS; i++)
		fd_close_at(&slot->fds[i]);
	free(TAKE_PTR(slot->reader));
	free(TAKE_PTR(slot->refusals));
	free(TAKE_PTR(slot->series));
	*slot = (struct slot){ .state = SLOT_NONE, .fds = { -1, -1, -1 } };
}
