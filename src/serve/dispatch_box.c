/* Boxes: built, parked, claimed, ended. Refuses to let a box have a second job, or one that is not known to wait. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/fd.h"
#include "base/loop.h"
#include "serve/attempt_guest.h"
#include "serve/dispatch_parts.h"
#include "store/crash.h"

#define READS_MAX 4             /* of one box in one turn: the others want to be heard, too */
#define TAG_BITS 2

static uint64_t tag_of(const struct dispatch *d, const struct slot *slot)
{
	return (slot->box << 16 | (uint64_t)(slot - d->slots)) << TAG_BITS;
}

static struct slot *find_free(struct dispatch *d)
{
	for (size_t i = 0; i < d->boxes_max; i++)
		if (d->slots[i].state == SLOT_NONE)
			return &d->slots[i];
	return NULL;
}

/* A guest is ordered where its zygote is, all else of the launcher. */
static int order_box(struct dispatch *d, struct slot *slot, const struct order *order)
{
	const struct order_class *const class = &d->classes[order->class_index];
	const uint64_t memory = order->limits.memory_bytes ? order->limits.memory_bytes : class->limits.memory_bytes;
	struct zygote *zygote;
	struct err ignored;

	if (!class->guests_memory_bytes)
		return slot_build(slot, d->setup.launcher_fd, d->epoll_fd, tag_of(d, slot), order, &ignored);
	zygote = zygotes_find(d, order->class_index, memory);
	if (!zygote || slot_build_guest(slot, zygote->fd, d->epoll_fd, tag_of(d, slot), order, &ignored) < 0)
		return -1;
	slot->zygote = zygote->box;
	slot->memory_bytes = memory;
	zygote->memory_bytes += memory;
	zygote->given++;
	return 0;
}

/* What the class does not say is in `wanted`. */
static struct slot *build(struct dispatch *d, uint32_t pool, const struct order *wanted)
{
	struct slot *const slot = find_free(d);
	struct order order = *wanted;

	if (!slot || d->launcher_is_gone)
		return NULL;
	order.magic = ORDER_MAGIC;
	order.kind = ORDER_START;
	order.class_index = pool;
	order.box = slot->box = d->next_box++;
	if (order_box(d, slot, &order) < 0)
		return NULL;
	slot->due_us = slot->born_us + BUILD_MAX_US;
	crash_at(CRASH_DISPATCH_ORDERED);
	d->n_slots++;
	stats_count(d->setup.stats, STAT_BOXES, 1);
	return slot;
}

static struct slot *find_slot(struct dispatch *d, uint32_t pool, enum slot_state state)
{
	struct slot *best = NULL;

	for (size_t i = 0; i < d->boxes_max; i++) {
		struct slot *const slot = &d->slots[i];

		if (slot->state == state && slot->class_index == pool && !slot->attempt && !slot->is_cold &&
		    (!best || slot->born_us < best->born_us))
			best = slot;
	}
	return best;
}

static void take_from_pool(struct dispatch *d, struct slot *slot)
{
	struct pool *const pool = &d->pools[slot->class_index];

	if (slot->is_cold || slot->attempt)
		return;
	if (slot->state == SLOT_PARKED)
		pool->n_parked--;
	if (slot->state == SLOT_BUILDING)
		pool->n_building--;
}

void box_kill(struct dispatch *d, struct slot *slot)
{
	if (slot->state == SLOT_ENDING || slot->state == SLOT_NONE)
		return;
	take_from_pool(d, slot);
	slot_move(slot, SLOT_ENDING);
	slot->ended_us = loop_now_us();
	slot->due_us = slot->ended_us + LINGER_US;
	slot_say(slot, ORDER_KILL, 0, 0);
}

/* The one moment at which a box becomes somebody's. */
static void claim(struct dispatch *d, struct slot *slot, struct attempt *attempt)
{
	const struct job_limits *const limits = &attempt->spec.limits;
	const uint64_t wall_ms = limits->wall_ms ? limits->wall_ms : attempt->class->wall_ms;
	const uint64_t cpu_ms = limits->cpu_ms ? limits->cpu_ms : attempt->class->cpu_ms;

	take_from_pool(d, slot);
	slot_move(slot, SLOT_CLAIMED);
	slot->due_us = 0;
	slot->attempt = attempt;
	attempt->slot = slot;
	slot->order.n_steps = (uint32_t)attempt->n_steps;
	slot->claimed_us = attempt->sent_us = loop_now_us();
	attempt->give_up_at_us = slot->claimed_us + wall_ms * 1000 + OVERDUE_US;
	/* A guest's clocks were set when it was ordered, and begin with its first byte. */
	if (!slot->is_guest)
		slot_say(slot, ORDER_CLAIM, wall_ms, cpu_ms);
	box_write(d, slot);
	crash_at(CRASH_DISPATCH_SENT);
	job_started(d, attempt);
}

/* Numbers the plan of a box is made with; those that are the class's own need no box of their own. */
static bool wants_own_limits(const struct attempt *attempt, struct order *out)
{
	const struct job_limits *const asked = &attempt->spec.limits;
	const struct order_limits *const own = &attempt->class->limits;
	static const struct order none = { 0 };

	*out = none;
	if (asked->mem_bytes != own->memory_bytes)
		out->limits.memory_bytes = asked->mem_bytes;
	if (asked->pids != own->pids)
		out->limits.pids = asked->pids;
	if (asked->disk_bytes != own->disk_bytes)
		out->limits.disk_bytes = asked->disk_bytes;
	if (asked->files != own->inodes)
		out->limits.inodes = asked->files;
	if (asked->cpus_milli != own->cpus_milli)
		out->limits.cpus_milli = asked->cpus_milli;
	out->limits.terminals = attempt->spec.tty.rows != 0;
	if (attempt->class->guests_memory_bytes && asked->wall_ms != attempt->class->wall_ms)
		out->wall_ms = asked->wall_ms;
	if (attempt->class->guests_memory_bytes && asked->cpu_ms != attempt->class->cpu_ms)
		out->cpu_ms = asked->cpu_ms;
	return memcmp(out, &none, sizeof(none)) != 0;
}

/* Somebody waits in a box's place: the one that has waited longest in another pool goes. */
static void make_room(struct dispatch *d)
{
	struct slot *oldest = NULL;

	for (size_t i = 0; i < d->boxes_max; i++) {
		struct slot *const slot = &d->slots[i];

		if (slot->state == SLOT_ENDING && !slot->attempt)
			return; /* one is on its way */
		if (slot->state == SLOT_PARKED && (!oldest || slot->born_us < oldest->born_us))
			oldest = slot;
	}
	if (oldest)
		box_kill(d, oldest);
}

static void grow(struct dispatch *d, uint32_t pool)
{
	struct pool *const p = &d->pools[pool];

	p->emptied_us = loop_now_us();
	if (p->target < d->boxes_max / 4)
		p->target = p->target ? p->target * 2 : 1;
}

bool box_find(struct dispatch *d, struct attempt *attempt)
{
	const uint32_t pool = d->pool_of[attempt->class->index];
	struct order own;
	const bool is_special = wants_own_limits(attempt, &own);
	struct slot *slot = is_special ? NULL : find_slot(d, pool, SLOT_PARKED);

	if (slot) {
		stats_count(d->setup.stats, STAT_POOL_HITS, 1);
		claim(d, slot, attempt);
		return true;
	}
	if (!is_special)
		grow(d, pool);
	slot = is_special ? NULL : find_slot(d, pool, SLOT_BUILDING);
	if (slot)
		take_from_pool(d, slot);
	else
		slot = build(d, pool, &own);
	if (!slot) {
		make_room(d);
		return false;
	}
	stats_count(d->setup.stats, STAT_POOL_MISSES, !is_special);
	slot->is_cold = true;
	slot->attempt = attempt;
	attempt->slot = slot;
	return true;
}

/* Making a box takes a processor for some milliseconds, which a job that has just taken one needs to end and to answer. */
static bool may_wait(struct dispatch *d, struct pool *pool, uint64_t now)
{
	uint64_t due;

	if (pool->n_parked + pool->n_building >= pool->target) {
		pool->short_since_us = 0;
		return true;
	}
	if (!pool->short_since_us)
		pool->short_since_us = now;
	due = pool->short_since_us + REFILL_LATE_US;
	if (!pool->n_parked || now >= due)
		return false;
	if (!d->refill_at_us || due < d->refill_at_us)
		d->refill_at_us = due;
	return true;
}

void box_refill(struct dispatch *d)
{
	static const struct order own = { 0 };
	const uint64_t now = loop_now_us();
	size_t building = 0;

	d->refill_at_us = 0;
	if (d->is_draining)
		return;
	for (size_t i = 0; i < d->n_classes; i++)
		building += d->pools[i].n_building;
	for (uint32_t i = 0; i < d->n_classes && building < d->builds_max; i++) {
		struct pool *const pool = &d->pools[i];

		if (d->pool_of[i] != i || now < pool->open_until_us || may_wait(d, pool, now))
			continue;
		while (pool->n_parked + pool->n_building < pool->target && building < d->builds_max &&
		       d->n_slots < d->boxes_max && build(d, i, &own)) {
			pool->n_building++;
			building++;
		}
	}
}

void box_note_build(struct dispatch *d, uint32_t index, const char *why)
{
	struct pool *const pool = &d->pools[index];
	const bool is_good = !why, was_stuck = pool->failures >= BREAKER_TRIES;

	pool->is_good = is_good;
	pool->failures = is_good ? 0 : pool->failures + 1;
	stats_count(d->setup.stats, STAT_BUILD_FAILURES, !is_good);
	if (d->setup.stuck && was_stuck != (pool->failures >= BREAKER_TRIES))
		d->setup.stuck(d->setup.at, d->names[index], why);
	if (is_good)
		pool->open_until_us = 0;
	else if (pool->failures >= BREAKER_TRIES)
		pool->open_until_us = loop_now_us() + BREAKER_US;
}

static void check_parked(struct dispatch *d, struct slot *slot)
{
	if (slot->state != SLOT_BUILDING || !slot->is_told || !slot->is_ready)
		return;
	box_note_build(d, slot->class_index, NULL);
	if (!slot->is_guest)
		slot_say(slot, ORDER_SETTLE, 0, 0);
	if (slot->attempt) {
		slot_move(slot, SLOT_PARKED);
		claim(d, slot, slot->attempt);
		return;
	}
	d->pools[slot->class_index].n_building--;
	slot->due_us = 0;
	slot_move(slot, SLOT_PARKED);
	d->pools[slot->class_index].n_parked++;
	crash_at(CRASH_DISPATCH_PARKED);
}

static void take_of_job(struct dispatch *d, struct slot *slot, const struct frame *frame)
{
	struct attempt *const attempt = slot->attempt;
	struct live_source source = { d, &attempt->hold.id };
	const size_t before = attempt->n_started;
	const uint64_t now = loop_now_us();

	if (attempt->is_fenced)
		return;
	attempt_take(attempt, frame, live_tell, &source);
	if (!before && attempt->n_started)
		stats_started(d->setup.stats, attempt->hold.tenant, slot->is_cold, now - attempt->leased_us, now);
}

/* A box that waits has nothing to say but that it does. */
static void take_frame(struct dispatch *d, struct slot *slot, const struct frame *frame)
{
	if (frame->head.kind == FRAME_READY) {
		slot->is_ready = true;
		slot->has_interpreter = frame->head.flag;
	} else if (slot->state == SLOT_CLAIMED && slot->attempt) {
		take_of_job(d, slot, frame);
	} else if (slot->state != SLOT_ENDING) {
		slot->is_broken = true;
	}
}

static void take_piece(struct dispatch *d, struct slot *slot, const struct guest_piece *piece)
{
	struct live_source source = { d, slot->attempt ? &slot->attempt->hold.id : NULL };

	if (slot->state == SLOT_CLAIMED && slot->attempt) {
		if (!slot->attempt->is_fenced && !attempt_take_guest(slot->attempt, piece, live_tell, &source))
			box_kill(d, slot);
	} else if (slot->state != SLOT_ENDING) {
		slot->is_broken = true;
	}
}

static void take_read(struct dispatch *d, struct slot *slot)
{
	struct guest_piece piece;
	struct frame frame;

	while (slot->is_guest && slot_next_piece(slot, &piece))
		take_piece(d, slot, &piece);
	while (!slot->is_guest && slot_next(slot, &frame))
		take_frame(d, slot, &frame);
}

static void take_output(struct dispatch *d, struct slot *slot)
{
	for (int i = 0; i < READS_MAX && slot->fds[SLOT_OUT] >= 0; i++) {
		const int status = slot_read(slot);

		if (status <= 0)
			break;
		take_read(d, slot);
	}
	if (slot->is_broken || (slot->attempt && slot->attempt->broken.kind != ERR_NONE))
		box_kill(d, slot);
	check_parked(d, slot);
}

static const char *build_fault(const struct slot *slot)
{
	if (!slot->has_report)
		return "its runner ended";
	return *slot->report.err.text ? slot->report.err.text : "what runs in it ended before it was ready";
}

/* Nothing is left of it. */
static void bury(struct dispatch *d, struct slot *slot)
{
	struct attempt *const attempt = slot->attempt;

	if (slot->ended_us)
		stats_observe(d->setup.stats, STAT_HIST_DESTROY, loop_now_us() - slot->ended_us);
	stats_count(d->setup.stats, STAT_BOX_PROTOCOL, slot->is_broken);
	if (slot->state == SLOT_BUILDING || (attempt && slot->report.kind == ORDER_FAILED && !attempt->is_cancelled))
		box_note_build(d, slot->class_index, build_fault(slot));
	take_from_pool(d, slot);
	if (slot->state != SLOT_GONE)
		slot_move(slot, SLOT_GONE);
	if (attempt)
		job_conclude(d, attempt);
	zygotes_release(d, slot);
	slot_done(slot);
	d->n_slots--;
}

static void write_ready(struct dispatch *d, struct slot *slot)
{
	if (slot->attempt)
		box_write(d, slot);
}

void box_write(struct dispatch *d, struct slot *slot)
{
	const enum slot_fd which = slot->is_guest ? SLOT_OUT : SLOT_IN;
	const bool wants = slot->fds[which] >= 0 && attempt_send(slot->attempt) == 1;
	struct epoll_event event = {
		.events = slot->is_guest ? EPOLLIN | (wants ? EPOLLOUT : 0) : EPOLLOUT, .data.u64 = tag_of(d, slot) + which,
	};

	if (slot->attempt->has_fault && slot->is_guest)
		box_kill(d, slot);
	if (wants == slot->is_writing || slot->fds[which] < 0)
		return;
	slot->is_writing = wants;
	if (slot->is_guest) {
		(void)!epoll_ctl(d->epoll_fd, EPOLL_CTL_MOD, slot->fds[which], &event);
		return;
	}
	(void)!epoll_ctl(d->epoll_fd, wants ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, slot->fds[SLOT_IN], &event);
}

static void tell_samples(struct dispatch *d, struct slot *slot)
{
	if (slot->has_samples && slot->attempt)
		live_tell(&(struct live_source){ d, &slot->attempt->hold.id }, LIVE_USAGE, NULL, 0, 0);
	slot->has_samples = false;
}

void box_event(struct dispatch *d, uint64_t tag, uint32_t events)
{
	const enum slot_fd which = (enum slot_fd)(tag & ((1 << TAG_BITS) - 1));
	struct slot *const slot = &d->slots[(tag >> TAG_BITS) & 0xffff];

	if (zygotes_event(d, tag))
		return;
	/* An event of a box that went in this very turn. */
	if (slot->state == SLOT_NONE || tag_of(d, slot) != (tag & ~(uint64_t)((1 << TAG_BITS) - 1)))
		return;
	if (which == SLOT_CONTROL && slot->fds[SLOT_CONTROL] >= 0) {
		if (!slot_hear(slot))
			slot->due_us = loop_now_us() + LINGER_US;
		if (slot->has_report && !slot->ended_us)
			slot->ended_us = loop_now_us();
		alert_hear(d, slot);
		tell_samples(d, slot);
		check_parked(d, slot);
	} else if (which == SLOT_OUT && slot->fds[SLOT_OUT] >= 0) {
		if (slot->is_guest && (events & EPOLLOUT))
			write_ready(d, slot);
		if (events & ~(uint32_t)EPOLLOUT)
			take_output(d, slot);
	} else if (which == SLOT_IN) {
		write_ready(d, slot);
	}
	if (slot_is_over(slot))
		bury(d, slot);
}

/* What takes no descriptors. */
static void say_order(struct dispatch *d, uint32_t kind, uint64_t box)
{
	const struct order order = { .magic = ORDER_MAGIC, .kind = kind, .box = box };
	struct err ignored;

	(void)!fd_send(d->setup.launcher_fd, &order, sizeof(order), NULL, 0, &ignored);
}

void box_end_runner(struct dispatch *d, uint64_t box)
{
	say_order(d, ORDER_END, box);
}

void dispatch_replace_herald(struct dispatch *d)
{
	say_order(d, ORDER_HERALD, 0);
}

void dispatch_ready(struct dispatch *d)
{
	say_order(d, ORDER_READY, 0);
}

/* A guest's runner is its zygote's: its neighbours are tried again. */
static void end_runner(struct dispatch *d, const struct slot *slot)
{
	box_end_runner(d, slot->is_guest ? slot->zygote : slot->box);
}

/* What was waited for has not come: the grace of a cancelled job, a runner that does not end its box, a box that is
 * never ready, output that stays open without a runner. */
static void be_late(struct dispatch *d, struct slot *slot, uint64_t now)
{
	slot->due_us = now + LINGER_US;
	if (slot->fds[SLOT_CONTROL] < 0)
		slot_close(slot, SLOT_OUT);
	else if (slot->state == SLOT_ENDING)
		end_runner(d, slot);
	else
		box_kill(d, slot);
}

/* It has waited too long, or its pool has shrunk. */
static bool is_spare(const struct dispatch *d, const struct slot *slot, uint64_t now)
{
	const struct pool *const pool = &d->pools[slot->class_index];

	return slot->state == SLOT_PARKED && !slot->attempt &&
	       (now - slot->born_us > PARKED_MAX_US || pool->n_parked > pool->target);
}

static void look_at(struct dispatch *d, struct slot *slot, uint64_t now)
{
	struct attempt *const attempt = slot->attempt;

	if (is_spare(d, slot, now))
		box_kill(d, slot);
	if (slot->due_us && now >= slot->due_us)
		be_late(d, slot, now);
	/* A runner that was stopped keeps no clocks. */
	if (attempt && attempt->give_up_at_us && now >= attempt->give_up_at_us) {
		attempt->give_up_at_us = 0;
		attempt->is_overdue = true;
		end_runner(d, slot);
	}
	if (slot_is_over(slot))
		bury(d, slot);
}

void box_look_at_clocks(struct dispatch *d, uint64_t now)
{
	zygotes_look_at_clocks(d, now);
	for (size_t i = 0; i < d->boxes_max; i++)
		if (d->slots[i].state != SLOT_NONE)
			look_at(d, &d->slots[i], now);
	for (uint32_t i = 0; i < d->n_classes; i++) {
		struct pool *const pool = &d->pools[i];

		if (pool->target > d->classes[i].warm && now - pool->emptied_us > BREAKER_US) {
			pool->target = pool->target / 2 > d->classes[i].warm ? pool->target / 2 : d->classes[i].warm;
			pool->emptied_us = now;
		}
	}
}
