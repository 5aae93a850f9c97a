/* The runner of a zygote: has a guest for each order of the front's, and tells each one's end. Refuses to say of an end
 * what the zygote has not told: guests that went down with it are reported by the end of their channels alone. */
#include "serve/runner.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "engine/confine.h"
#include "engine/isolates.h"

struct guest {
	uint64_t id;
	int control_fd;         /* to the front; -1: it does not listen any more, and the guest is killed */
	bool is_over;
	struct isolate_end end;
};

struct owner {
	uint32_t class_index;
	const struct order_class *class;
	struct isolates *isolates;
	uint64_t layers, notes;
	int front_fd;           /* -1: no more orders */
	struct guest guests[ORDER_BOXES_MAX];
	size_t n;
	bool is_lost;           /* the zygote is gone */
};

static void tell(int fd, struct order_report *report)
{
	report->magic = ORDER_MAGIC;
	(void)!send(fd, report, sizeof(*report), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void note_end(void *at, const struct isolate_end *end)
{
	struct owner *const owner = at;

	for (size_t i = 0; i < owner->n; i++)
		if (owner->guests[i].id == end->id) {
			owner->guests[i].end = *end;
			owner->guests[i].is_over = true;
		}
}

static struct isolate_limits limits_of(const struct owner *owner, const struct order *order)
{
	const struct order_class *const class = owner->class;
	const uint64_t wall_ms = order->wall_ms ? order->wall_ms : class->wall_ms;
	const uint64_t cpu_ms = order->cpu_ms ? order->cpu_ms : class->cpu_ms;

	return (struct isolate_limits){
		.memory_bytes = order->limits.memory_bytes ? order->limits.memory_bytes : class->limits.memory_bytes,
		.cpu_us = cpu_ms * 1000,
		.wall_us = wall_ms * 1000,
	};
}

/* An order that cannot be followed is answered by closing what came with it. */
static void have_guest(struct owner *owner, const struct order *order, int fds[ORDER_GUEST_FDS])
{
	const struct isolate_limits limits = limits_of(owner, order);
	struct order_report parked = { .kind = ORDER_PARKED, .exit_code = -1, .layers = owner->layers, .notes = owner->notes };
	struct guest *const guest = &owner->guests[owner->n];
	struct err e = ERR_INIT;

	if (order->kind != ORDER_START || order->class_index != owner->class_index || owner->n == ORDER_BOXES_MAX ||
	    !order_is_within(order, owner->class) ||
	    isolates_fork_on(owner->isolates, &limits, fds[ORDER_GUEST_FD_CHANNEL], &guest->id, &e) < 0)
		return;
	guest->is_over = false;
	guest->control_fd = TAKE_FD(fds[ORDER_GUEST_FD_CONTROL]);
	owner->n++;
	tell(guest->control_fd, &parked);
}

/* False: there was none. */
static bool take_order(struct owner *owner)
{
	int fds[ORDER_GUEST_FDS] = { -1, -1 };
	struct order order;
	struct err e = ERR_INIT;
	size_t n_fds = 0;
	const ssize_t got = fd_receive(owner->front_fd, &order, sizeof(order), fds, ORDER_GUEST_FDS, &n_fds, &e);

	if (got < 0 && (e.sys == EAGAIN || e.sys == EINTR))
		return false;
	if (got <= 0 || !order_is_sound(&order, (size_t)got) || n_fds != ORDER_GUEST_FDS)
		fd_close_at(&owner->front_fd);
	else
		have_guest(owner, &order, fds);
	for (size_t i = 0; i < ORDER_GUEST_FDS; i++)
		fd_close(fds[i]);
	return owner->front_fd >= 0;
}

/* Its clocks began with its first byte, so a claim says nothing new; whatever else is said ends it. */
static void hear_front(struct owner *owner, struct guest *guest)
{
	struct order_word word;
	ssize_t got;

	do {
		got = recv(guest->control_fd, &word, sizeof(word), MSG_DONTWAIT | MSG_TRUNC);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
	} while (got > 0 && order_word_is_sound(&word, (size_t)got) && word.kind != ORDER_KILL && word.kind != ORDER_SIGNAL);
	isolates_kill(owner->isolates, guest->id);
	if (got <= 0)
		fd_close_at(&guest->control_fd);
}

static void report_end(const struct owner *owner, const struct guest *guest)
{
	const struct isolate_end *const end = &guest->end;
	struct order_report report = {
		.kind = ORDER_ENDED,
		/* That the engine had no memory is told by a code, which is not the program's. */
		.exit_code = WIFEXITED(end->status) && end->verdict != VERDICT_LIMIT_MEMORY ? WEXITSTATUS(end->status) : -1,
		.signal = WIFSIGNALED(end->status) ? WTERMSIG(end->status) : 0,
		.verdict = end->verdict,
		.wall_us = end->wall_us, .cpu_us = end->cpu_us,
		.memory_peak_bytes = end->rss_peak_bytes, .pids_peak = 1,
		.layers = end->layers, .notes = owner->notes,
	};

	if (end->verdict == VERDICT_SETUP)
		err_set(&report.err, ERR_SYSTEM, "the zygote could not have a guest for it");
	tell(guest->control_fd, &report);
}

/* One that went down with its zygote has not ended by itself, and its job is tried again. */
static bool is_known(const struct owner *owner, const struct guest *guest)
{
	return !owner->is_lost || !WIFSIGNALED(guest->end.status) || WTERMSIG(guest->end.status) != SIGKILL;
}

static void bury(struct owner *owner)
{
	for (size_t i = owner->n; i-- > 0;) {
		struct guest *const guest = &owner->guests[i];

		if (!guest->is_over)
			continue;
		if (guest->control_fd >= 0 && is_known(owner, guest))
			report_end(owner, guest);
		fd_close(guest->control_fd);
		*guest = owner->guests[--owner->n];
	}
}

static void turn(struct owner *owner)
{
	struct pollfd polls[ORDER_BOXES_MAX + 2] = {
		{ .fd = owner->front_fd, .events = POLLIN },
		{ .fd = isolates_fd(owner->isolates), .events = POLLIN },
	};
	const size_t n = owner->n;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < n; i++)
		polls[2 + i] = (struct pollfd){ .fd = owner->guests[i].control_fd, .events = POLLIN };
	if (poll(polls, n + 2, -1) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (polls[2 + i].revents)
			hear_front(owner, &owner->guests[i]);
	if (polls[1].revents && isolates_turn(owner->isolates, &e) < 0)
		owner->is_lost = true;
	if (polls[0].revents)
		while (!owner->is_lost && take_order(owner))
			;
	bury(owner);
}

static int begin(struct owner *owner, const struct launcher_setup *setup, struct err *e)
{
	static const struct order_limits own = { 0 };
	struct launch_plan plan = { .guests_fd = -1 };

	if (setup->plan(setup->at, owner->class_index, &own, &plan, e) < 0)
		return -1;
	if (plan.guests_fd < 0)
		return err_set(e, ERR_BUG, "the boxes of this class have no guests");
	const struct isolates_setup of = {
		.plan = plan.plan, .fds = plan.fds, .n_fds = plan.n_fds, .monitor = plan.monitor_socket,
		.control_fd = plan.guests_fd, .ended = note_end, .at = owner,
	};
	mem_keep_back();
	if (isolates_start(&of, &owner->isolates, e) < 0)
		return -1;
	fd_close(plan.fds[3]);
	owner->layers = isolates_layers(owner->isolates);
	owner->notes = plan.notes;
	return confine_owner(e);
}

_Noreturn void runner_zygote_live(const struct launcher_setup *setup, const struct order *order, int front_fd)
{
	static struct owner owner;
	const uint64_t begun_us = loop_now_us();
	struct order_report first = { .kind = ORDER_PARKED, .exit_code = -1 };

	prctl(PR_SET_NAME, "ward-runner", 0, 0, 0);
	owner.class_index = order->class_index;
	owner.class = &setup->classes[order->class_index];
	owner.front_fd = front_fd;
	if (begin(&owner, setup, &first.err) < 0)
		first.kind = ORDER_FAILED;
	first.layers = owner.layers;
	first.notes = owner.notes;
	first.setup_us = loop_now_us() - begun_us;
	tell(front_fd, &first);
	while (first.kind == ORDER_PARKED && !owner.is_lost && (owner.front_fd >= 0 || owner.n))
		turn(&owner);
	isolates_stop(owner.isolates);
	_exit(first.kind != ORDER_PARKED || owner.is_lost);
}
