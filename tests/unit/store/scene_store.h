/* A store in a directory of its own, without a thread and with a clock that the test sets. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger.h"
#include "store/store_blob.h"
#include "store/store_tenant.h"

#define SCENE_WALL   UINT64_C(1800000000000)
#define SCENE_STEADY UINT64_C(5000000)

struct scene {
	char dir[64];
	struct store *store;
	struct store_options options;
	uint64_t wall_ms, steady_ms;
	uint64_t tenant;                /* made by begin() */
	/* The last answer. */
	int n_answers;
	struct err err;
	struct store_item items[STORE_BATCH_MAX];
	size_t n_items, n_leases;
	struct store_lease leases[STORE_BATCH_MAX];     /* their pointers are gone */
	char document[64];              /* of the first lease */
	/* Every change of a watcher. */
	size_t n_changes;
	struct store_change last_change;
};

static uint64_t scene_wall(void *at)
{
	return ((struct scene *)at)->wall_ms;
}

static uint64_t scene_steady(void *at)
{
	return ((struct scene *)at)->steady_ms;
}

static inline void scene_pass(struct scene *s, uint64_t ms)
{
	s->wall_ms += ms;
	s->steady_ms += ms;
}

static void scene_answer(void *at, const struct store_answer *answer)
{
	struct scene *const s = at;

	s->n_answers++;
	s->err = answer->err;
	s->n_leases = answer->n_leases;
	s->n_items = answer->n_items;
	if (answer->n_items)
		memcpy(s->items, answer->items, answer->n_items * sizeof(*answer->items));
	if (answer->n_leases) {
		memcpy(s->leases, answer->leases, answer->n_leases * sizeof(*answer->leases));
		snprintf(s->document, sizeof(s->document), "%.*s", (int)answer->leases[0].document.len,
			 (const char *)answer->leases[0].document.at);
	}
}

static void scene_change(void *at, const struct store_change *change)
{
	struct scene *const s = at;

	s->n_changes++;
	s->last_change = *change;
}

static inline void scene_open(struct scene *s)
{
	struct err e = ERR_INIT;

	s->options.dir = s->dir;
	s->options.is_inline = true;
	s->options.clock = (struct store_clock){ scene_wall, scene_steady, s };
	if (store_open(&s->options, &s->store, &e) < 0)
		fail_msg("%s", e.text);
	store_watch(s->store, scene_change, s);
}

/* Waits for the answer to what was just asked. */
static inline enum store_outcome scene_turn(struct scene *s)
{
	s->n_answers = 0;
	s->err.kind = ERR_NONE;
	store_turn(s->store);
	assert_int_equal(s->n_answers, 1);
	if (s->err.kind)
		return STORE_OUTCOMES;
	return s->n_items ? s->items[0].outcome : STORE_DONE;
}

static inline uint64_t scene_tenant(struct scene *s, struct store_tenant tenant)
{
	if (!tenant.weight)
		tenant.weight = 1;
	store_tenant_put(s->store, &tenant, scene_answer, s);
	assert_int_equal(scene_turn(s), STORE_DONE);
	return s->items[0].number;
}

static inline void scene_begin(struct scene *s, struct store_options options)
{
	memset(s, 0, sizeof(*s));
	ledger_place(s->dir);
	s->wall_ms = SCENE_WALL;
	s->steady_ms = SCENE_STEADY;
	s->options = options;
	scene_open(s);
	s->tenant = scene_tenant(s, (struct store_tenant){ .name = "default" });
	s->n_changes = 0;
}

static inline void scene_plain(struct scene *s)
{
	scene_begin(s, (struct store_options){ .lease_ms = 0 });
}

static inline void scene_reopen(struct scene *s)
{
	store_close(s->store);
	scene_open(s);
}

static inline void scene_remove(const char *dir)
{
	static const char *const files[] = { "store.db", "store.db-wal", "store.db-shm", "store.lock", "copy.db", "" };
	char path[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (snprintf(path, sizeof(path), "%s/%s", dir, files[i]) > 0)
			remove(path);
}

static inline void scene_end(struct scene *s)
{
	ledger_check(s->dir);
	store_close(s->store);
	scene_remove(s->dir);
}
