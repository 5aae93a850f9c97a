/* Jobs in a store of one's own: made, leased, moved and ended, each with the answer waited for. */
#pragma once

#include "scene_store.h"

static inline struct store_create scene_job(const struct scene *s, const char *document)
{
	return (struct store_create){
		.tenant = s->tenant, .document = { document, strlen(document) }, .name = "n", .runtime = "python",
		.boundary = "container", .class = "python/container", .priority = 5, .max_attempts = 3,
	};
}

static inline struct store_id scene_create_as(struct scene *s, const struct store_create *job)
{
	store_job_create(s->store, job, scene_answer, s);
	assert_int_equal(scene_turn(s), STORE_DONE);
	return s->items[0].id;
}

static inline struct store_id scene_create(struct scene *s, const char *document)
{
	return scene_create_as(s, &(struct store_create[]){ scene_job(s, document) }[0]);
}

/* Leases what can be leased, at most `max`; returns how many. */
static inline size_t scene_claim(struct scene *s, size_t max)
{
	const struct store_room room = { "python/container", max };

	store_job_claim(s->store, &room, 1, max, false, scene_answer, s);
	scene_turn(s);
	return s->n_leases;
}

static inline struct store_hold scene_lease(struct scene *s)
{
	assert_int_equal(scene_claim(s, 1), 1);
	return s->leases[0].hold;
}

/* A new job, leased. */
static inline struct store_hold scene_hold(struct scene *s)
{
	scene_create(s, "{}");
	return scene_lease(s);
}

static inline enum store_outcome scene_finish(struct scene *s, const struct store_hold *hold, enum job_state state)
{
	const struct store_finish finish = { .state = state, .reason = REASON_EXIT, .cpu_us = 1000, .wall_us = 2000,
					     .document = { "{}", 2 } };

	store_job_finish(s->store, hold, &finish, scene_answer, s);
	return scene_turn(s);
}

static inline enum store_outcome scene_move(struct scene *s, const struct store_hold *hold, enum job_state to)
{
	store_job_move(s->store, hold, to, scene_answer, s);
	return scene_turn(s);
}

static inline uint64_t scene_reap(struct scene *s)
{
	store_reap(s->store, scene_answer, s);
	assert_int_equal(scene_turn(s), STORE_DONE);
	return s->items[0].number;
}

static inline struct store_job scene_get(struct scene *s, const struct store_id *id)
{
	static struct arena arena;
	struct store_job job = { .version = 0 };
	struct err e;

	arena_done(&arena);
	assert_true(store_job_get(s->store, s->tenant, id, &arena, &job, &e) >= 0);
	return job;
}
