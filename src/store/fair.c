/* Deficit round robin after M. Shreedhar and G. Varghese, "Efficient fair queuing using deficit round robin" (1996),
 * with the quantum scaled so that the heaviest tenant that can start gets one job a round: nobody starts two jobs
 * before everybody had a turn. A tenant whose queue was empty comes back with the credit of the rounds it missed, at
 * most one job: its first job waits for one round at most, and coming and going earns nothing. */
#include "store/fair.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void fair_done(struct fair *fair)
{
	for (size_t i = 0; i < fair->n_tenants; i++)
		free(fair->tenants[i].classes);
	free(fair->tenants);
	*fair = (struct fair){ .n_tenants = 0 };
}

static size_t place_of(const struct fair *fair, uint64_t id)
{
	size_t low = 0, high = fair->n_tenants;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (fair->tenants[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct fair_tenant *fair_find(const struct fair *fair, uint64_t id)
{
	const size_t at = place_of(fair, id);

	return at < fair->n_tenants && fair->tenants[at].id == id ? &fair->tenants[at] : NULL;
}

struct fair_tenant *fair_put(struct fair *fair, uint64_t id, uint32_t weight, uint64_t max_running,
			     uint64_t starts_per_s, uint64_t now_ms)
{
	struct fair_tenant *tenant = fair_find(fair, id);

	if (!tenant) {
		const size_t at = place_of(fair, id);

		fair->tenants = mem_grow(fair->tenants, &fair->cap_tenants, fair->n_tenants + 1, sizeof(*fair->tenants));
		tenant = &fair->tenants[at];
		memmove(tenant + 1, tenant, (fair->n_tenants - at) * sizeof(*tenant));
		*tenant = (struct fair_tenant){ .id = id, .credit = FAIR_JOB, .left_round = fair->round };
		fair->n_tenants++;
		fair->cursor += at < fair->cursor;
	}
	if (tenant->starts_per_s != starts_per_s) {
		tenant->tokens_milli = starts_per_s * 1000;
		tenant->tokens_at_ms = now_ms;
	}
	tenant->weight = weight;
	tenant->max_running = max_running;
	tenant->starts_per_s = starts_per_s;
	return tenant;
}

static struct fair_class *class_of(struct fair_tenant *tenant, const char *name)
{
	struct fair_class *class;

	for (size_t i = 0; i < tenant->n_classes; i++)
		if (!strcmp(tenant->classes[i].name, name))
			return &tenant->classes[i];
	tenant->classes = mem_grow(tenant->classes, &tenant->cap_classes, tenant->n_classes + 1, sizeof(*class));
	class = &tenant->classes[tenant->n_classes++];
	*class = (struct fair_class){ .ready = 0 };
	assert(strlen(name) <= STORE_NAME_MAX);
	memcpy(class->name, name, strlen(name));
	return class;
}

static uint64_t quantum(const struct fair *fair, const struct fair_tenant *tenant)
{
	const uint64_t most = fair->most > tenant->weight ? fair->most : tenant->weight;

	return FAIR_JOB * tenant->weight / most;
}

void fair_ready(struct fair *fair, struct fair_tenant *tenant, const char *class, int64_t more)
{
	const uint64_t was = tenant->ready;

	class_of(tenant, class)->ready += (uint64_t)more;
	tenant->ready += (uint64_t)more;
	if (was && !tenant->ready) {
		tenant->left_round = fair->round;
		tenant->is_behind = false;
	}
	if (!was && tenant->ready) {
		const uint64_t missed = fair->round - tenant->left_round;
		const uint64_t credit = missed > FAIR_JOB ? FAIR_JOB : tenant->credit + missed * quantum(fair, tenant);

		tenant->credit = credit < FAIR_JOB ? credit : FAIR_JOB;
	}
}

bool fair_has(const struct fair_tenant *tenant, const char *class)
{
	for (size_t i = 0; i < tenant->n_classes; i++)
		if (tenant->classes[i].ready && !strcmp(tenant->classes[i].name, class))
			return true;
	return false;
}

static void refill(struct fair_tenant *tenant, uint64_t now_ms)
{
	const uint64_t most = tenant->starts_per_s * 1000;
	const uint64_t passed = now_ms - tenant->tokens_at_ms;

	/* A second's worth at most: a burst empties a second, never the pool. */
	tenant->tokens_milli += passed >= 1000 ? most : passed * tenant->starts_per_s;
	if (tenant->tokens_milli > most)
		tenant->tokens_milli = most;
	tenant->tokens_at_ms = now_ms;
}

static bool has_room(const struct fair_tenant *tenant, const struct store_room *rooms, size_t n_rooms)
{
	for (size_t i = 0; i < n_rooms; i++)
		if (rooms[i].room && fair_has(tenant, rooms[i].class))
			return true;
	return false;
}

static bool can_start(struct fair_tenant *tenant, const struct store_room *rooms, size_t n_rooms, uint64_t now_ms,
		      uint64_t *again_ms)
{
	if (!tenant->ready || tenant->is_suspended || tenant->is_short || (tenant->max_running && tenant->running >= tenant->max_running) ||
	    !has_room(tenant, rooms, n_rooms))
		return false;
	if (tenant->is_blocked) {
		*again_ms = tenant->blocked_until_ms < *again_ms ? tenant->blocked_until_ms : *again_ms;
		if (now_ms < tenant->blocked_until_ms)
			return false;
		tenant->is_blocked = false;
	}
	if (!tenant->starts_per_s)
		return true;
	refill(tenant, now_ms);
	if (tenant->tokens_milli < 1000) {
		const uint64_t when = now_ms + (999 - tenant->tokens_milli) / tenant->starts_per_s + 1;

		*again_ms = when < *again_ms ? when : *again_ms;
		return false;
	}
	return true;
}

/* A new round: what one job costs is what the heaviest of those that can start has in a round. */
static bool begin_round(struct fair *fair, const struct store_room *rooms, size_t n_rooms, uint64_t now_ms,
			uint64_t *again_ms)
{
	fair->most = 0;
	for (size_t i = 0; i < fair->n_tenants; i++) {
		struct fair_tenant *const tenant = &fair->tenants[i];

		tenant->has_turn = false;
		if (tenant->weight > fair->most && can_start(tenant, rooms, n_rooms, now_ms, again_ms))
			fair->most = tenant->weight;
	}
	fair->cursor = 0;
	fair->round++;
	return fair->most;
}

struct fair_tenant *fair_next(struct fair *fair, const struct store_room *rooms, size_t n_rooms, uint64_t now_ms,
			      uint64_t *again_ms)
{
	*again_ms = FAIR_NONE;
	for (;;) {
		for (; fair->cursor < fair->n_tenants; fair->cursor++) {
			struct fair_tenant *const tenant = &fair->tenants[fair->cursor];

			if (!can_start(tenant, rooms, n_rooms, now_ms, again_ms))
				continue;
			if (!tenant->has_turn && tenant->credit < FAIR_JOB)
				tenant->credit += quantum(fair, tenant);
			tenant->has_turn = true;
			if (tenant->credit >= FAIR_JOB)
				return tenant;
		}
		if (!begin_round(fair, rooms, n_rooms, now_ms, again_ms))
			return NULL;
	}
}

#define BEHIND_MS 10000 /* what was longer ago counts half */

static void measure(struct fair_tenant *tenant, uint64_t now_ms)
{
	if (tenant->is_behind) {
		tenant->behind_ms += now_ms - tenant->behind_at_ms;
		tenant->drained++;
	}
	while (tenant->behind_ms > BEHIND_MS) {
		tenant->behind_ms /= 2;
		tenant->drained = (tenant->drained + 1) / 2;
	}
	tenant->is_behind = tenant->ready;
	tenant->behind_at_ms = now_ms;
}

static uint64_t behind_for_ms(const struct fair_tenant *tenant, uint64_t now_ms)
{
	return tenant->behind_ms + (tenant->is_behind ? now_ms - tenant->behind_at_ms : 0);
}

uint64_t fair_wait_ms(const struct fair_tenant *tenant, uint64_t queued, uint64_t now_ms)
{
	const uint64_t behind_ms = behind_for_ms(tenant, now_ms);
	const uint64_t drained = tenant->drained ? tenant->drained : 1;

	/* An empty queue waits for nobody's; a second tells nothing yet. */
	if (!queued || behind_ms < 1000)
		return 0;
	return behind_ms > UINT64_MAX / (queued + 1) ? UINT64_MAX : (queued + 1) * behind_ms / drained;
}

void fair_take(struct fair *fair, struct fair_tenant *tenant, uint64_t now_ms)
{
	tenant->credit -= FAIR_JOB;
	if (tenant->starts_per_s)
		tenant->tokens_milli -= 1000;
	measure(tenant, now_ms);
	if (tenant == &fair->tenants[fair->cursor])
		fair->cursor++;
}

uint64_t fair_retry_ms(const struct fair_tenant *tenant, uint64_t excess, uint64_t now_ms)
{
	const uint64_t behind_ms = tenant ? behind_for_ms(tenant, now_ms) : 0, drained = tenant ? tenant->drained : 0;
	uint64_t wait_ms;

	if (!drained)
		return 10000; /* nothing is known: neither a second, nor an hour */
	if (behind_ms && excess > UINT64_MAX / behind_ms)
		return 3600000;
	wait_ms = excess * behind_ms / drained;
	return wait_ms < 1000 ? 1000 : wait_ms > 3600000 ? 3600000 : wait_ms;
}
