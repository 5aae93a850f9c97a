/* Forks that wait for requests, at their owner's end. Refuses one that says anything but that it waits before it was asked. */
#include "engine/serving.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

struct waiting {
	int fd;
	uint64_t id;            /* 0: it has not said yet that it waits */
};

struct serving {
	struct isolates *isolates;
	uint64_t id;
	int fd;                 /* of the guest that forks; -1: it has ended */
	struct isolate_limits limits;
	struct waiting forks[SERVING_MAX];      /* the oldest first */
	size_t n, ahead;
};

struct serving *serving_new(struct isolates *isolates, uint64_t id, int fd, const struct isolate_limits *limits, size_t ahead)
{
	struct serving *const serving = mem_alloc(sizeof(*serving));

	*serving = (struct serving){
		.isolates = isolates, .id = id, .fd = fd, .limits = *limits, .ahead = ahead < SERVING_MAX ? ahead : SERVING_MAX,
	};
	return serving;
}

/* Returns 0 also when the guest is gone: its channel says that. */
static bool order(struct serving *serving)
{
	static const uint32_t head[2] = { GUEST_SERVE, 0 };
	OWN_FD int theirs = -1;
	OWN_FD int ours = -1;
	struct err e;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return false;
	ours = ends[0];
	theirs = ends[1];
	if (fd_set_nonblock(ours, &e) < 0 || fd_send(serving->fd, head, sizeof(head), &theirs, 1, &e) < 0)
		return false;
	serving->forks[serving->n++] = (struct waiting){ .fd = TAKE_FD(ours) };
	return true;
}

static struct waiting take_out(struct serving *serving, size_t i)
{
	const struct waiting fork = serving->forks[i];

	serving->n--;
	memmove(&serving->forks[i], &serving->forks[i + 1], (serving->n - i) * sizeof(fork));
	return fork;
}

static void lose(struct serving *serving, size_t i)
{
	const struct waiting fork = take_out(serving, i);

	if (fork.id)
		isolates_kill(serving->isolates, fork.id);
	close(fork.fd);
}

/* It is the only thing that a fork says unasked, and small enough to come whole. False: it is not what it should be. */
static bool hear(struct serving *serving, struct waiting *fork)
{
	struct guest_reader reader = { .at = 0 };
	struct guest_frame frame;
	bool waits = false;
	struct err e;
	int32_t pid;

	if (fork->id || guest_read(&reader, fork->fd, &e) <= 0) {
		guest_reader_done(&reader);
		return false;
	}
	if (guest_next(&reader, true, &frame, &e) > 0 && frame.kind == GUEST_WAITS && frame.len == sizeof(pid) &&
	    reader.len == sizeof(uint32_t[2]) + sizeof(pid)) {
		memcpy(&pid, frame.bytes, sizeof(pid));
		waits = isolates_adopt(serving->isolates, serving->id, pid, &serving->limits, &fork->id, &e) == 0;
	}
	guest_reader_done(&reader);
	return waits;
}

/* A guest that serves says nothing more. */
static void hear_guest(struct serving *serving)
{
	struct pollfd one = { .fd = serving->fd, .events = POLLIN };

	if (poll(&one, 1, 0) > 0)
		fd_close_at(&serving->fd);
}

size_t serving_polls(const struct serving *serving, struct pollfd *polls)
{
	for (size_t i = 0; i < serving->n; i++)
		polls[i] = (struct pollfd){ .fd = serving->forks[i].fd, .events = POLLIN };
	polls[serving->n] = (struct pollfd){ .fd = serving->fd, .events = POLLIN };
	return serving->n + 1;
}

bool serving_turn(struct serving *serving)
{
	struct pollfd polls[SERVING_MAX + 1];
	const size_t n = serving_polls(serving, polls) - 1;

	if (poll(polls, (nfds_t)n, 0) > 0)
		for (size_t i = n; i-- > 0;)
			if (polls[i].revents && !hear(serving, &serving->forks[i]))
				lose(serving, i);
	hear_guest(serving);
	while (serving->fd >= 0 && serving->n < serving->ahead && order(serving))
		;
	return serving->fd >= 0;
}

bool serving_take(struct serving *serving, struct serving_fork *out)
{
	for (size_t i = 0; i < serving->n;) {
		const uint64_t id = serving->forks[i].id;
		const enum isolates_handed handed = id ? isolates_hand_out(serving->isolates, id) : ISOLATES_NOT_YET;

		if (handed == ISOLATES_NOT_YET) {
			i++;
			continue;
		}
		const struct waiting fork = take_out(serving, i);

		if (handed == ISOLATES_HANDED_OUT) {
			*out = (struct serving_fork){ .id = fork.id, .fd = fork.fd };
			return true;
		}
		close(fork.fd);
	}
	return false;
}

int serving_ask(const struct serving_fork *fork, const char *json, size_t len, struct err *e)
{
	struct guest_writer out = { .at = 0 };
	int rc = guest_put(&out, GUEST_REQUEST, json, len, e);

	if (rc == 0)
		rc = guest_flush(&out, fork->fd, e);
	guest_writer_done(&out);
	if (rc == 0)
		return err_set(e, ERR_LIMIT, "the request is longer than its channel");
	return rc < 0 ? -1 : 0;
}

void serving_free(struct serving *serving)
{
	if (!serving)
		return;
	while (serving->n)
		lose(serving, serving->n - 1);
	isolates_kill(serving->isolates, serving->id);
	fd_close(serving->fd);
	free(serving);
}
