/* store/hook: what is told is there with what it tells of, is tried for as long as it should be, and has bounds. */
#include "scene.h"

#include "store/store_alert.h"
#include "store/store_hook.h"

static struct store_id put(struct scene *s, uint64_t tenant, uint32_t events, bool is_of_all)
{
	const struct store_hook hook = { .tenant = tenant, .id = store_id_new(), .url = "https://x/", .events = events,
					 .is_of_all = is_of_all, .secret = { 1, 2, 3 } };

	store_hook_put(s->store, &hook, scene_answer, s);
	assert_int_equal(scene_turn(s), STORE_DONE);
	return s->items[0].id;
}

static size_t due(struct scene *s, struct store_delivery *first)
{
	static struct arena arena;
	struct store_delivery *list;
	struct err e;
	size_t n = 0;

	arena_done(&arena);
	assert_int_equal(store_delivery_due(s->store, 100, &arena, &list, &n, &e), 0);
	if (n)
		*first = list[0];
	return n;
}

static void end_job(struct scene *s)
{
	struct store_hold hold;

	scene_create(s, "{}");
	hold = scene_lease(s);
	assert_int_equal(scene_finish(s, &hold, JOB_FAILED), STORE_DONE);
}

static void tried(struct scene *s, const struct store_delivery *delivery, uint32_t status)
{
	store_delivery_tried(s->store, delivery, status, "why", scene_answer, s);
	assert_int_equal(scene_turn(s), STORE_DONE);
}

static void an_end_is_told_to_those_who_asked_and_to_nobody_else(void **state)
{
	struct store_delivery first;
	static struct scene s;
	struct store_id id;
	uint64_t other;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	other = scene_tenant(&s, (struct store_tenant){ .name = "other" });
	put(&s, s.tenant, STORE_HOOK_ALERT, false);
	put(&s, other, STORE_HOOK_EVENTS, true);
	end_job(&s);
	assert_int_equal(due(&s, &first), 0);
	id = put(&s, s.tenant, STORE_HOOK_JOB, false);
	end_job(&s);
	assert_int_equal(due(&s, &first), 1);
	assert_memory_equal(&first.hook, &id, sizeof(id));
	assert_string_equal(first.url, "https://x/");
	assert_int_equal(first.secret[2], 3);
	assert_non_null(strstr(first.body.at, "\"state\":\"failed\""));
	scene_end(&s);
}

static void an_alert_is_told_to_its_tenant_and_to_the_operator(void **state)
{
	const struct store_alert alert = { .level = 2, .title = "t", .evidence = { "[]", 2 } };
	struct store_delivery first;
	static struct scene s;
	uint64_t operator, other;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	operator = scene_tenant(&s, (struct store_tenant){ .name = "operator" });
	other = scene_tenant(&s, (struct store_tenant){ .name = "other" });
	put(&s, s.tenant, STORE_HOOK_ALERT, false);
	put(&s, operator, STORE_HOOK_ALERT, true);
	put(&s, other, STORE_HOOK_ALERT, false);
	const struct store_found found = { .tenant = s.tenant, .job = scene_create(&s, "{}"), .alert = &alert };
	store_found_put(s.store, &found, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(due(&s, &first), 2);
	assert_non_null(strstr(first.body.at, "alert.raised"));
	assert_non_null(strstr(first.body.at, "\"tenant\":\"default\""));
	scene_end(&s);
}

static void a_delivery_is_tried_ever_more_rarely_and_given_up_after_three_days(void **state)
{
	struct store_delivery first;
	static struct scene s;
	unsigned tries = 0;
	uint64_t began;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	put(&s, s.tenant, STORE_HOOK_JOB, false);
	end_job(&s);
	began = s.wall_ms;
	assert_int_equal(due(&s, &first), 1);
	tried(&s, &first, 0);
	assert_int_equal(due(&s, &first), 0);
	scene_pass(&s, 5000);
	while (due(&s, &first)) {
		tried(&s, &first, 500);
		tries++;
		scene_pass(&s, 86400000);
	}
	assert_in_range(tries, 3, 10);
	assert_in_range(s.wall_ms - began, UINT64_C(3) * 86400000, UINT64_C(6) * 86400000);
	store_delivery_again(s.store, s.tenant, &first.hook, &first.id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(due(&s, &first), 1);
	assert_int_equal(first.tries, 0);
	tried(&s, &first, 204);
	assert_int_equal(due(&s, &first), 0);
	scene_end(&s);
}

static void what_is_pending_is_counted_and_goes_with_its_hook(void **state)
{
	struct store_hook_figures figures;
	struct store_delivery first;
	static struct scene s;
	struct store_id id;
	struct err e;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	id = put(&s, s.tenant, STORE_HOOK_JOB, false);
	end_job(&s);
	end_job(&s);
	scene_pass(&s, 7000);
	assert_int_equal(store_hook_figures(s.store, &figures, &e), 0);
	assert_int_equal(figures.pending, 2);
	assert_int_equal(figures.oldest_ms, 7000);
	assert_int_equal(due(&s, &first), 2);
	tried(&s, &first, 200);
	assert_int_equal(store_hook_figures(s.store, &figures, &e), 0);
	assert_int_equal(figures.pending, 1);
	store_hook_remove(s.store, s.tenant + 1, &id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_MISSING);
	store_hook_remove(s.store, s.tenant, &id, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(due(&s, &first), 0);
	/* What was under way when its hook was removed. */
	store_delivery_tried(s.store, &first, 200, "", scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_MISSING);
	scene_end(&s);
}

static void a_tenant_has_at_most_so_many(void **state)
{
	static struct scene s;
	const struct store_hook hook = { .url = "https://x/" };
	struct store_hook more = hook;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	for (int i = 0; i < STORE_HOOKS_MAX; i++)
		put(&s, s.tenant, STORE_HOOK_JOB, false);
	more.tenant = s.tenant;
	more.id = store_id_new();
	store_hook_put(s.store, &more, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_QUOTA_QUEUED);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_end_is_told_to_those_who_asked_and_to_nobody_else),
		cmocka_unit_test(an_alert_is_told_to_its_tenant_and_to_the_operator),
		cmocka_unit_test(a_delivery_is_tried_ever_more_rarely_and_given_up_after_three_days),
		cmocka_unit_test(what_is_pending_is_counted_and_goes_with_its_hook),
		cmocka_unit_test(a_tenant_has_at_most_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
