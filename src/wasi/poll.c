/* poll_oneoff: waits for descriptors and moments together, never longer than the setup allows. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/mem.h"
#include "wasi/moment.h"
#include "wasi/table.h"

#define SUBSCRIPTIONS 1024

/* One subscription, read once: the guest's memory is not looked at again. */
struct wish {
	uint64_t userdata;
	uint8_t type;           /* enum wasi_event */
	uint32_t error;         /* decided at once */
	bool now;               /* ready without asking the kernel */
	int poll_at;            /* index into pollfds; -1: none */
	uint64_t wait_ns;       /* clocks: from the beginning of the call */
	uint64_t bytes;
	bool hangup;
};

struct polling {
	struct wasi *w;
	struct wish *wishes;
	struct pollfd *fds;
	uint32_t n;
	int n_fds;
	bool now;
	uint64_t wait_ns;       /* until the first clock; UINT64_MAX: no clock */
};

static void read_clock(const struct polling *p, const uint8_t *from, struct wish *wish)
{
	const uint32_t id = memory_get32(from), flags = from[24] | (uint32_t)from[25] << 8;
	const uint64_t timeout = memory_get64(from + 8);
	uint64_t now;

	/* Processor time does not pass while one waits. */
	if (id > CLOCK_ID_MONOTONIC || flags & ~(uint32_t)SUBCLOCK_ABSTIME || !moment_now(p->w, id, &now)) {
		wish->error = WASI_INVAL;
		return;
	}
	wish->wait_ns = !(flags & SUBCLOCK_ABSTIME) ? timeout : timeout > now ? timeout - now : 0;
}

static void read_descriptor(struct polling *p, const uint8_t *from, struct wish *wish)
{
	const bool writes = wish->type == EVENT_WRITE;
	const uint32_t rights = RIGHT_POLL_FD_READWRITE | (writes ? RIGHT_FD_WRITE : RIGHT_FD_READ);
	const struct wasi_slot *const slot = table_find(p->w, memory_get32(from), TABLE_FILE, rights, &wish->error);

	if (!slot)
		return;
	if (slot->type == FILETYPE_REGULAR) {
		wish->now = true;
		return;
	}
	wish->poll_at = p->n_fds;
	p->fds[p->n_fds++] = (struct pollfd){ .fd = slot->fd, .events = writes ? POLLOUT : POLLIN };
}

/* false: a type that does not exist. */
static bool read_wish(struct polling *p, const uint8_t *from, struct wish *wish)
{
	*wish = (struct wish){ .userdata = memory_get64(from), .type = from[8], .poll_at = -1, .wait_ns = UINT64_MAX };
	if (wish->type == EVENT_CLOCK)
		read_clock(p, from + 16, wish);
	else if (wish->type == EVENT_READ || wish->type == EVENT_WRITE)
		read_descriptor(p, from + 16, wish);
	else
		return false;
	p->now |= wish->now || wish->error != WASI_SUCCESS;
	if (wish->wait_ns < p->wait_ns)
		p->wait_ns = wish->wait_ns;
	return true;
}

/* Waits until something is ready or the first clock rings, of which waited_ns are over. */
static uint32_t wait_for(struct polling *p, uint64_t waited_ns)
{
	const uint64_t bound = p->w->setup.poll_max_ns;
	const bool cut = bound && !p->now && p->wait_ns > bound;
	const uint64_t whole = cut ? bound : p->wait_ns, left = whole > waited_ns ? whole - waited_ns : 0;
	const uint64_t wait = p->now ? 0 : whole == UINT64_MAX ? UINT64_MAX : left;
	const uint64_t seconds = wait / 1000000000;
	const struct timespec until = {
		.tv_sec = seconds > INT_MAX ? INT_MAX : (time_t)seconds, .tv_nsec = (long)(wait % 1000000000),
	};
	const int ready = ppoll(p->fds, (nfds_t)p->n_fds, wait == UINT64_MAX ? NULL : &until, NULL);

	if (ready < 0)
		return wasi_errno_of(errno);
	return !ready && cut ? WASI_TIMEDOUT : WASI_SUCCESS;
}

static bool is_ready(const struct polling *p, struct wish *wish, uint64_t waited_ns)
{
	const struct pollfd *const fd = wish->poll_at >= 0 ? &p->fds[wish->poll_at] : NULL;
	int waiting = 0;

	if (wish->error != WASI_SUCCESS || wish->now)
		return true;
	if (!fd)
		return wish->wait_ns <= waited_ns;
	if (fd->revents & POLLNVAL)
		wish->error = WASI_BADF;
	wish->hangup = fd->revents & (POLLHUP | POLLRDHUP);
	if (fd->revents & POLLIN && ioctl(fd->fd, FIONREAD, &waiting) == 0 && waiting > 0)
		wish->bytes = (uint64_t)waiting;
	return fd->revents;
}

static void put_event(uint8_t *to, const struct wish *wish)
{
	memset(to, 0, SIZE_EVENT);
	memory_put64(to, wish->userdata);
	memory_put16(to + 8, (uint16_t)wish->error);
	to[10] = wish->type;
	memory_put64(to + 16, wish->bytes);
	memory_put16(to + 24, wish->hangup ? EVENT_HANGUP : 0);
}

static uint32_t put_events(const struct polling *p, uint64_t waited_ns, uint8_t *to)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n; i++)
		if (is_ready(p, &p->wishes[i], waited_ns))
			put_event(to + (size_t)n++ * SIZE_EVENT, &p->wishes[i]);
	return n;
}

static uint32_t run(struct polling *p, const uint8_t *in, uint8_t *out, uint32_t *n_out)
{
	uint64_t began = 0, now = 0;
	uint32_t why;

	if (!moment_now(p->w, CLOCK_ID_MONOTONIC, &began))
		return WASI_IO;
	now = began;
	for (uint32_t i = 0; i < p->n; i++)
		if (!read_wish(p, in + (size_t)i * SIZE_SUBSCRIPTION, &p->wishes[i]))
			return WASI_INVAL;
	/* A wait may end a little early, by rounding: then nothing is ready yet. */
	do {
		why = wait_for(p, now - began);
		if (why != WASI_SUCCESS || !moment_now(p->w, CLOCK_ID_MONOTONIC, &now))
			return why;
		*n_out = put_events(p, now - began, out);
	} while (!*n_out);
	return WASI_SUCCESS;
}

uint32_t wasi_poll_oneoff(struct wasi *w, uint32_t in, uint32_t out, uint32_t n, uint32_t n_out)
{
	const uint8_t *const from = memory_at(&w->memory, in, (uint64_t)n * SIZE_SUBSCRIPTION);
	uint8_t *const to = memory_at(&w->memory, out, (uint64_t)n * SIZE_EVENT);
	OWN_MEM struct wish *wishes = NULL;
	OWN_MEM struct pollfd *fds = NULL;
	uint32_t events = 0, why;

	if (!n || n > SUBSCRIPTIONS)
		return WASI_INVAL;
	if (!from || !to || !memory_at(&w->memory, n_out, 4))
		return WASI_FAULT;
	wishes = mem_alloc(n * sizeof(*wishes));
	fds = mem_alloc(n * sizeof(*fds));
	struct polling p = { .w = w, .wishes = wishes, .fds = fds, .n = n, .wait_ns = UINT64_MAX };
	why = run(&p, from, to, &events);
	if (why == WASI_SUCCESS)
		memory_store32(&w->memory, n_out, events);
	return why;
}
