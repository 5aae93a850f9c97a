/* store/alert, store/alert_read: what detection found is kept once, listed to whom it belongs, and stops a tenant that is
 * suspended. */
#include "store/store_alert.h"

#include "scene.h"
#include "store/db.h"

static struct arena arena;

static struct store_id create(struct scene *s, uint64_t tenant)
{
	const struct store_create job = {
		.tenant = tenant, .document = { "{}", 2 }, .name = "n", .runtime = "r", .boundary = "b", .class = "k",
		.priority = 5, .max_attempts = 3,
	};

	store_job_create(s->store, &job, scene_answer, s);
	assert_int_equal(scene_turn(s), STORE_DONE);
	return s->items[0].id;
}

static enum store_outcome put(struct scene *s, struct store_found found)
{
	store_found_put(s->store, &found, scene_answer, s);
	return scene_turn(s);
}

static const struct store_alert alert = { .level = 2, .score = 60, .action = 1, .title = "a job knocks",
					  .evidence = { "[1]", 3 } };

static size_t list(struct scene *s, uint64_t tenant, struct store_alert_filter filter, uint64_t before, size_t limit,
		   struct store_alert **out, uint64_t *next)
{
	struct err e = ERR_INIT;
	size_t n = 0;

	if (store_alert_list(s->store, tenant, &filter, before, limit, &arena, out, &n, next, &e) < 0)
		fail_msg("%s", e.text);
	return n;
}

static void a_kind_is_kept_once_with_its_highest_count(void **state)
{
	struct store_signal signal = { .kind = "tripwire.mount", .weight = 50, .n = 1, .evidence = { "[]", 2 } }, *rows;
	static struct scene s;
	struct store_id job;
	struct err e;
	size_t n;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	job = create(&s, s.tenant);
	for (uint64_t i = 5; i > 2; i--) {
		signal.n = i;
		assert_int_equal(put(&s, (struct store_found){ .tenant = s.tenant, .job = job, .signals = &signal, .n_signals = 1 }),
				 STORE_DONE);
		scene_pass(&s, 1000);
	}
	assert_int_equal(store_signal_list(s.store, s.tenant, &job, &arena, &rows, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].n, 5);
	assert_int_equal(rows[0].at_ms, SCENE_WALL);
	assert_string_equal(rows[0].kind, "tripwire.mount");
	assert_int_equal(store_signal_list(s.store, s.tenant + 1, &job, &arena, &rows, &n, &e), 0);
	assert_int_equal(n, 0);
	job.bytes[15] ^= 1;
	assert_int_equal(put(&s, (struct store_found){ .tenant = s.tenant, .job = job, .signals = &signal, .n_signals = 1 }),
			 STORE_MISSING);
	scene_end(&s);
}

static void alerts_are_listed_in_pages_to_whom_they_belong(void **state)
{
	static struct scene s;
	struct store_alert *rows;
	uint64_t next, other;
	struct store_id mine, theirs;
	size_t n;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	other = scene_tenant(&s, (struct store_tenant){ .name = "other" });
	mine = create(&s, s.tenant);
	theirs = create(&s, other);
	for (int i = 0; i < 7; i++) {
		const bool is_mine = i % 2 == 0;
		struct store_alert one = alert;

		one.level = i < 3 ? 1 : 3;
		assert_int_equal(put(&s, (struct store_found){ .tenant = is_mine ? s.tenant : other, .job = is_mine ? mine : theirs,
							       .alert = &one }), STORE_DONE);
		assert_int_equal(s.items[0].number, i + 1);
	}
	n = list(&s, s.tenant, (struct store_alert_filter){ 0 }, 0, 3, &rows, &next);
	assert_int_equal(n, 3);
	assert_int_equal(rows[0].id, 7);
	assert_int_equal(rows[2].id, 3);
	assert_int_equal(next, 3);
	assert_memory_equal(&rows[0].job, &mine, sizeof(mine));
	n = list(&s, s.tenant, (struct store_alert_filter){ 0 }, next, 3, &rows, &next);
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].id, 1);
	assert_int_equal(next, 0);
	assert_int_equal(list(&s, 0, (struct store_alert_filter){ 0 }, 0, 10, &rows, &next), 7);
	assert_int_equal(list(&s, 0, (struct store_alert_filter){ .levels = 1 << 1 }, 0, 10, &rows, &next), 3);
	assert_int_equal(list(&s, 0, (struct store_alert_filter){ 0 }, 0, 7, &rows, &next), 7);
	assert_int_equal(next, 0);
	scene_end(&s);
}

static void a_stream_goes_on_behind_any_alert(void **state)
{
	static struct scene s;
	struct store_alert *rows;
	struct store_id job;
	struct err e;
	size_t n;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	job = create(&s, s.tenant);
	for (int i = 0; i < 5; i++)
		put(&s, (struct store_found){ .tenant = s.tenant, .job = job, .alert = &alert });
	scene_reopen(&s);
	for (uint64_t after = 0; after < 6; after++) {
		assert_int_equal(store_alert_after(s.store, after % 2 ? 0 : s.tenant, after, 10, &arena, &rows, &n, &e), 0);
		assert_int_equal(n, after < 5 ? 5 - after : 0);
		assert_true(n == 0 || rows[0].id == after + 1);
	}
	assert_int_equal(store_alert_after(s.store, s.tenant + 1, 0, 10, &arena, &rows, &n, &e), 0);
	assert_int_equal(n, 0);
	scene_end(&s);
}

static enum store_outcome ack(struct scene *s, uint64_t tenant, uint64_t id, const char *by)
{
	store_alert_ack(s->store, tenant, id, by, scene_answer, s);
	return scene_turn(s);
}

static void an_alert_is_acknowledged_once_and_by_its_own(void **state)
{
	static struct scene s;
	struct store_alert *rows, one;
	struct store_id job;
	uint64_t next;
	struct err e;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	job = create(&s, s.tenant);
	put(&s, (struct store_found){ .tenant = s.tenant, .job = job, .alert = &alert });
	put(&s, (struct store_found){ .tenant = s.tenant, .job = job, .alert = &alert });
	assert_int_equal(ack(&s, s.tenant + 1, 1, "them"), STORE_MISSING);
	assert_int_equal(ack(&s, s.tenant, 9, "me"), STORE_MISSING);
	assert_int_equal(ack(&s, s.tenant, 1, "me"), STORE_DONE);
	assert_int_equal(ack(&s, 0, 1, "operator"), STORE_REPLAYED);
	assert_int_equal(store_alert_get(s.store, s.tenant, 1, &arena, &one, &e), 1);
	assert_string_equal(one.acked_by, "me");
	assert_int_equal(one.acked_ms, s.wall_ms);
	assert_int_equal(store_alert_get(s.store, s.tenant + 1, 1, &arena, &one, &e), 0);
	assert_int_equal(list(&s, s.tenant, (struct store_alert_filter){ .only_open = true }, 0, 9, &rows, &next), 1);
	assert_int_equal(rows[0].id, 2);
	assert_int_equal(list(&s, s.tenant, (struct store_alert_filter){ .only_acked = true }, 0, 9, &rows, &next), 1);
	assert_int_equal(rows[0].id, 1);
	scene_end(&s);
}

static void a_suspended_tenant_starts_nothing_until_it_is_let_go(void **state)
{
	const struct store_room room = { "k", 8 };
	static struct scene s;
	struct store_tenant tenant;
	struct store_id job;
	struct err e;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	job = create(&s, s.tenant);
	assert_int_equal(put(&s, (struct store_found){ .tenant = s.tenant, .job = job, .suspend_why = "it tried to mount" }),
			 STORE_DONE);
	put(&s, (struct store_found){ .tenant = s.tenant, .job = job, .suspend_why = "a second reason" });
	assert_int_equal(store_tenant_get(s.store, s.tenant, &arena, &tenant, &e), 1);
	assert_true(tenant.is_suspended);
	assert_string_equal(tenant.suspended_why, "it tried to mount");
	store_job_claim(s.store, &room, 1, 4, false, scene_answer, &s);
	scene_turn(&s);
	assert_int_equal(s.n_leases, 0);
	scene_reopen(&s);
	store_job_claim(s.store, &room, 1, 4, false, scene_answer, &s);
	scene_turn(&s);
	assert_int_equal(s.n_leases, 0);
	tenant.is_suspended = false;
	scene_tenant(&s, tenant);
	assert_int_equal(store_tenant_get(s.store, s.tenant, &arena, &tenant, &e), 1);
	assert_string_equal(tenant.suspended_why, "");
	store_job_claim(s.store, &room, 1, 4, false, scene_answer, &s);
	scene_turn(&s);
	assert_int_equal(s.n_leases, 1);
	assert_int_equal(store_audit_check(s.store, s.tenant, &(uint64_t){ 0 }, &e), 1);
	scene_end(&s);
}

static void a_day_in_figures(void **state)
{
	const struct store_signal signals[] = { { .kind = "a", .weight = 10, .n = 3, .evidence = { "[]", 2 } },
						{ .kind = "b", .weight = 50, .n = 1, .evidence = { "[]", 2 } } };
	const struct store_refusal refusals[] = { { 101, 5 }, { 165, 7 } };
	static struct store_security day;
	static struct scene s;
	uint64_t other;
	struct err e;

	(void)state;
	scene_begin(&s, (struct store_options){ .lease_ms = 0 });
	other = scene_tenant(&s, (struct store_tenant){ .name = "other" });
	for (int i = 0; i < 4; i++) {
		const uint64_t tenant = i < 3 ? s.tenant : other;

		if (i == 1)
			scene_pass(&s, 100 * UINT64_C(3600000)); /* the first is an old one */
		put(&s, (struct store_found){ .tenant = tenant, .job = create(&s, tenant), .signals = signals, .n_signals = i ? 2 : 1,
					      .refusals = refusals, .n_refusals = 2, .alert = &alert });
	}
	assert_int_equal(store_security(s.store, 0, s.wall_ms - 86400000, &arena, &day, &e), 0);
	assert_int_equal(day.n_kinds, 2);
	assert_int_equal(day.kinds[0].n, 3);
	assert_int_equal(day.kinds[0].sum, 9);
	assert_int_equal(day.n_tenants, 2);
	assert_string_equal(day.tenants[0].name, "default");
	assert_int_equal(day.tenants[0].score, 120);
	assert_int_equal(day.n_calls, 2);
	assert_int_equal(day.calls[0].nr, 165);
	assert_int_equal(day.calls[0].n, 21);
	assert_int_equal(day.open[2], 4);
	assert_int_equal(store_security(s.store, other, s.wall_ms - 86400000, &arena, &day, &e), 0);
	assert_int_equal(day.n_tenants, 1);
	assert_int_equal(day.kinds[0].n, 1);
	assert_int_equal(day.calls[0].n, 7);
	assert_int_equal(day.open[2], 1);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kind_is_kept_once_with_its_highest_count),
		cmocka_unit_test(alerts_are_listed_in_pages_to_whom_they_belong),
		cmocka_unit_test(a_stream_goes_on_behind_any_alert),
		cmocka_unit_test(an_alert_is_acknowledged_once_and_by_its_own),
		cmocka_unit_test(a_suspended_tenant_starts_nothing_until_it_is_let_go),
		cmocka_unit_test(a_day_in_figures),
	};
	const int status = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return status;
}
