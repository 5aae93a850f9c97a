/* The scheduler: what the front's loop calls. */
#include "serve/dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "serve/dispatch_parts.h"
#include "serve/place.h"

#define EVENTS_MAX 64
#define TAG_LAUNCHER UINT64_MAX
#define TAG_SYNCER   (UINT64_MAX - 1)
#define TICK_US 200000          /* how late a clock may be looked at */

static int hear_classes(struct dispatch *d, struct err *e)
{
	struct order_hello hello;
	size_t n_fds;

	if (fd_receive(d->setup.launcher_fd, &hello, sizeof(hello), NULL, 0, &n_fds, e) != sizeof(hello) ||
	    hello.magic != ORDER_MAGIC || hello.kind != ORDER_HELLO || hello.n_classes > ORDER_CLASSES_MAX ||
	    !hello.boxes_max || hello.boxes_max > ORDER_BOXES_MAX)
		return err_set(e, ERR_BUG, "the launcher speaks another language than this front");
	d->boxes_max = hello.boxes_max;
	for (; d->n_classes < hello.n_classes; d->n_classes++) {
		struct order_class *const class = &d->classes[d->n_classes];
		const ssize_t got = fd_receive(d->setup.launcher_fd, class, sizeof(*class), NULL, 0, &n_fds, e);

		if (got < 0 || !order_class_is_sound(class, (size_t)got) || class->index != d->n_classes)
			return err_set(e, ERR_BUG, "the launcher described a box class in another language");
		order_class_name(class, d->names[d->n_classes]);
	}
	return 0;
}

static bool is_same_shape(const struct order_class *a, const struct order_class *b)
{
	return a->park == b->park && strcmp(a->boundary, b->boundary) == 0 && strcmp(a->image, b->image) == 0 &&
	       memcmp(&a->limits, &b->limits, sizeof(a->limits)) == 0;
}

static void make_pools(struct dispatch *d)
{
	for (uint32_t i = 0; i < d->n_classes; i++) {
		uint32_t first = 0;

		while (first < i && (*d->classes[first].why || !is_same_shape(&d->classes[first], &d->classes[i])))
			first++;
		d->pool_of[i] = first;
		if (first == i && !*d->classes[i].why)
			d->pools[i].target = d->classes[i].warm;
		d->pools[i].zygotes[0] = d->pools[i].zygotes[1] = ZYGOTE_NONE;
	}
}

static void set_sizes(struct dispatch *d)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	d->builds_max = (cpus > 0 ? (size_t)cpus : 1) * BUILDS_EACH;
	d->run_max = d->boxes_max > 4 ? d->boxes_max / 2 : 1;
	d->next_box = 1;
	d->beat_ok_us = loop_now_us();
	d->beat_at_us = d->beat_ok_us + BEAT_US;
	for (size_t i = 0; i < ORDER_BOXES_MAX; i++)
		d->slots[i] = (struct slot){ .state = SLOT_NONE, .fds = { -1, -1, -1 } };
}

static int open_epoll(struct dispatch *d, struct err *e)
{
	struct epoll_event launcher = { .events = EPOLLIN, .data.u64 = TAG_LAUNCHER };
	struct epoll_event synced = { .events = EPOLLIN, .data.u64 = TAG_SYNCER };

	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->epoll_fd < 0 || epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, d->setup.launcher_fd, &launcher) < 0 ||
	    epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, syncer_fd(d->syncer), &synced) < 0)
		return err_sys(e, "epoll");
	return 0;
}

static void hear_store(void *at, const struct store_change *change)
{
	struct dispatch *const d = at;
	struct attempt *const attempt = !change->is_cancel_asked ? NULL : job_find(d, &change->id);

	if (attempt && attempt->hold.fence == change->fence)
		job_cancel(d, attempt);
}

int dispatch_new(const struct dispatch_setup *setup, struct dispatch **out, struct err *e)
{
	struct dispatch *const d = mem_alloc(sizeof(*d));

	d->setup = *setup;
	d->epoll_fd = -1;
	if (place_make(setup->state_fd, e) < 0 || hear_classes(d, e) < 0 || syncer_new(&d->syncer, e) < 0 || open_epoll(d, e) < 0) {
		syncer_free(d->syncer);
		fd_close(d->epoll_fd);
		free(d);
		return -1;
	}
	set_sizes(d); /* the launcher has said how many boxes there may be */
	make_pools(d);
	if (setup->cache_each && setup->cache_most)
		d->products = products_new(setup->state_fd, setup->cache_each, setup->cache_most);
	store_watch(setup->store, hear_store, d);
	box_refill(d);
	d->wants_claim = true;
	job_claim(d);
	*out = d;
	return 0;
}

void dispatch_free(struct dispatch *dispatch)
{
	if (!dispatch)
		return;
	for (size_t i = 0; i < dispatch->n_attempts; i++)
		attempt_free(dispatch->attempts[i]);
	dispatch->n_attempts = 0;
	for (size_t i = 0; i < ORDER_BOXES_MAX; i++)
		slot_done(&dispatch->slots[i]);
	zygotes_leave(dispatch);
	while (dispatch->followers) {
		struct follower *const first = dispatch->followers;

		dispatch->followers = first->next;
		free(first);
	}
	syncer_free(dispatch->syncer);
	fd_close(dispatch->epoll_fd);
	products_free(dispatch->products);
	free(dispatch);
}

int dispatch_fd(const struct dispatch *dispatch)
{
	return dispatch->epoll_fd;
}

uint64_t dispatch_due_us(const struct dispatch *dispatch)
{
	/* With nothing at work only leases that are none and old boxes are looked at. */
	uint64_t due = loop_now_us() + (dispatch->n_attempts || dispatch->n_slots ? TICK_US : BEAT_US);

	if (dispatch->say_started_us && dispatch->say_started_us < due)
		due = dispatch->say_started_us;
	return dispatch->refill_at_us && dispatch->refill_at_us < due ? dispatch->refill_at_us : due;
}

int dispatch_turn(struct dispatch *dispatch, struct err *e)
{
	struct epoll_event events[EVENTS_MAX];
	const int n = epoll_wait(dispatch->epoll_fd, events, EVENTS_MAX, 0);
	const uint64_t now = loop_now_us();

	store_gather(dispatch->setup.store); /* results, and the claim of those that follow them */
	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 == TAG_LAUNCHER)
			dispatch->launcher_is_gone = true; /* it has said all it says */
		else if (events[i].data.u64 == TAG_SYNCER)
			job_synced(dispatch);
		else
			box_event(dispatch, events[i].data.u64, events[i].events);
	}
	box_look_at_clocks(dispatch, now);
	job_look_at_clocks(dispatch, now);
	box_refill(dispatch);
	job_claim(dispatch);
	store_go(dispatch->setup.store);
	return dispatch->launcher_is_gone ? err_set(e, ERR_SYSTEM, "the launcher has gone") : 0;
}

void dispatch_wake(struct dispatch *dispatch)
{
	dispatch->wants_claim = true;
}

void dispatch_drain(struct dispatch *dispatch)
{
	dispatch->is_draining = true;
	for (size_t i = 0; i < dispatch->boxes_max; i++)
		if (dispatch->slots[i].state == SLOT_PARKED && !dispatch->slots[i].attempt)
			box_kill(dispatch, &dispatch->slots[i]);
}

size_t dispatch_busy(const struct dispatch *dispatch)
{
	return dispatch->n_attempts;
}

const char *dispatch_missing(const struct dispatch *dispatch)
{
	bool is_stuck = false, is_good = false;

	if (dispatch->launcher_is_gone)
		return "launcher";
	for (size_t i = 0; i < dispatch->n_classes; i++) {
		is_stuck |= dispatch->pools[i].failures >= BREAKER_TRIES;
		is_good |= dispatch->pools[i].is_good;
	}
	return is_stuck && !is_good ? "boxes" : NULL;
}

const struct order_class *dispatch_class(const struct dispatch *dispatch, size_t i)
{
	return i < dispatch->n_classes ? &dispatch->classes[i] : NULL;
}

bool dispatch_pool(const struct dispatch *dispatch, size_t class, struct dispatch_figures *out)
{
	const struct pool *const pool = &dispatch->pools[class];

	*out = (struct dispatch_figures){ .parked = pool->n_parked, .building = pool->n_building,
					  .breakers_open = pool->open_until_us > loop_now_us() };
	for (size_t i = 0; i < dispatch->boxes_max; i++) {
		const struct slot *const slot = &dispatch->slots[i];

		out->live += slot->state != SLOT_NONE && slot->class_index == class;
		out->running += slot->state == SLOT_CLAIMED && slot->class_index == class;
	}
	return dispatch->pool_of[class] == class && !*dispatch->classes[class].why;
}

void dispatch_figures(const struct dispatch *dispatch, struct dispatch_figures *out)
{
	*out = (struct dispatch_figures){ .live = (uint32_t)dispatch->n_slots };
	for (size_t i = 0; i < dispatch->n_classes; i++) {
		struct dispatch_figures one;

		if (!dispatch_pool(dispatch, i, &one))
			continue;
		out->parked += one.parked;
		out->building += one.building;
		out->running += one.running;
		out->breakers_open += one.breakers_open;
	}
}
