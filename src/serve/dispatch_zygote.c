/* Zygotes: started when a guest is wanted, replaced before they are spent. Refuses to have guests who together may have
 * more than their box: then none of them could be the kernel's choice for another's need. */
#include "base/loop.h"
#include "serve/dispatch_parts.h"

#define TAG_ZYGOTE ((uint64_t)1 << 63)
#define ZYGOTES ARRAY_SIZE(((struct pool *)NULL)->zygotes)

static bool start(struct dispatch *d, uint32_t pool, struct zygote *zygote)
{
	const struct order order = {
		.magic = ORDER_MAGIC, .kind = ORDER_ZYGOTE, .class_index = pool, .box = d->next_box,
	};
	struct err ignored;

	if (d->launcher_is_gone)
		return false;
	d->next_box++;
	return zygote_start(zygote, d->setup.launcher_fd, d->epoll_fd, TAG_ZYGOTE | order.box, &order, &ignored) == 0;
}

struct zygote *zygotes_find(struct dispatch *d, uint32_t pool, uint64_t memory_bytes)
{
	struct zygote *const now = &d->pools[pool].zygotes[0], *const next = &d->pools[pool].zygotes[1];

	if (!now->box || now->given >= ZYGOTE_GUESTS) {
		zygote_leave(now);
		*now = *next;
		*next = ZYGOTE_NONE;
	}
	if (!now->box && !start(d, pool, now))
		return NULL;
	if (now->given >= ZYGOTE_GUESTS - ZYGOTE_AHEAD && !next->box)
		(void)start(d, pool, next);
	return now->memory_bytes + memory_bytes <= d->classes[pool].guests_memory_bytes ? now : NULL;
}

/* Its guests see the same end, each on a channel of its own. */
static void lose(struct dispatch *d, uint32_t pool, struct zygote *zygote)
{
	if (!zygote->is_warm)
		box_note_build(d, pool, "a zygote ended before it had started");
	zygote_leave(zygote);
}

bool zygotes_event(struct dispatch *d, uint64_t tag)
{
	if (!(tag & TAG_ZYGOTE))
		return false;
	for (uint32_t i = 0; i < d->n_classes; i++)
		for (size_t k = 0; k < ZYGOTES; k++) {
			struct zygote *const zygote = &d->pools[i].zygotes[k];

			if (zygote->box && zygote->box == (tag & ~TAG_ZYGOTE) && !zygote_hear(zygote))
				lose(d, i, zygote);
		}
	return true;
}

void zygotes_release(struct dispatch *d, const struct slot *guest)
{
	for (size_t k = 0; guest->is_guest && k < ZYGOTES; k++) {
		struct zygote *const zygote = &d->pools[guest->class_index].zygotes[k];

		if (zygote->box == guest->zygote)
			zygote->memory_bytes -= guest->memory_bytes;
	}
}

void zygotes_look_at_clocks(struct dispatch *d, uint64_t now)
{
	for (uint32_t i = 0; i < d->n_classes; i++)
		for (size_t k = 0; k < ZYGOTES; k++) {
			struct zygote *const zygote = &d->pools[i].zygotes[k];

			if (!zygote->box || zygote->is_warm || now - zygote->born_us < BUILD_MAX_US)
				continue;
			box_end_runner(d, zygote->box);
			zygote->born_us = now;
		}
}

void zygotes_leave(struct dispatch *d)
{
	for (uint32_t i = 0; i < d->n_classes; i++)
		for (size_t k = 0; k < ZYGOTES; k++)
			if (d->pools[i].zygotes[k].box)
				zygote_leave(&d->pools[i].zygotes[k]);
}
