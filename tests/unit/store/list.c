/* store/list: pages in order, filters, and that a page costs what it may cost. */
#include "scene.h"

static const char *const runtimes[] = { "python", "bash" };

/* Jobs with a runtime, labels and states that follow from their number. */
static void fill(struct scene *s, int n)
{
	for (int i = 0; i < n; i++) {
		const struct store_label labels[] = { { "course", i % 3 ? "a" : "b" }, { "n", i % 5 ? "x" : "y" } };
		struct store_create job = scene_job(s, "{}");
		struct store_id id;

		job.runtime = runtimes[i % 2];
		job.labels = labels;
		job.n_labels = 2;
		id = scene_create_as(s, &job);
		if (i % 4 == 0) {
			store_job_cancel(s->store, s->tenant, &id, scene_answer, s);
			scene_turn(s);
		}
		if (i % 7 == 0)
			scene_pass(s, 10);
	}
}

/* Walks all pages of this filter and counts; each row is below the one before. tenant 0: of all. */
static size_t walk_of(struct scene *s, uint64_t tenant, const struct store_filter *filter, size_t limit)
{
	struct store_place after = { .created_ms = 0 };
	struct store_id last;
	size_t n = 0;

	memset(&last, 0xff, sizeof(last));
	do {
		struct arena arena = { .blocks = NULL };
		struct store_page page;
		struct err e;

		assert_int_equal(store_job_list(s->store, tenant, filter, &after, limit, &arena, &page, &e), 0);
		assert_true(page.n <= limit);
		for (size_t i = 0; i < page.n; i++) {
			assert_true(memcmp(page.jobs[i].id.bytes, last.bytes, sizeof(last.bytes)) < 0);
			last = page.jobs[i].id;
		}
		n += page.n;
		after = page.next;
		arena_done(&arena);
	} while (after.created_ms);
	return n;
}

static size_t walk(struct scene *s, const struct store_filter *filter, size_t limit)
{
	return walk_of(s, s->tenant, filter, limit);
}

static void every_filter_finds_its_jobs_once_whatever_the_page(void **state)
{
	static const struct store_label labels[] = { { "course", "b" }, { "n", "y" } };
	static const struct {
		struct store_filter filter;
		int two, three, four, five;     /* i % 2, 3, 4, 5 must be zero (1), must not (2), or may (0) */
	} rows[] = {
		{ { .states = 0 }, 0, 0, 0, 0 },
		{ { .runtime = "python" }, 1, 0, 0, 0 },
		{ { .states = 1 << JOB_CANCELLED }, 0, 0, 1, 0 },
		{ { .states = 1 << JOB_QUEUED | 1 << JOB_RUNNING }, 0, 0, 2, 0 },
		{ { .labels = labels, .n_labels = 1 }, 0, 1, 0, 0 },
		{ { .labels = labels, .n_labels = 2 }, 0, 1, 0, 1 },
		{ { .labels = labels, .n_labels = 2, .states = 1 << JOB_QUEUED, .runtime = "python" }, 1, 1, 2, 1 },
		{ { .runtime = "bash", .states = 1 << JOB_CANCELLED }, 2, 0, 1, 0 },
	};
	static struct scene s;

	(void)state;
	scene_plain(&s);
	fill(&s, 120);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const int musts[] = { rows[i].two, rows[i].three, rows[i].four, rows[i].five };
		size_t expected = 0;

		for (int k = 0; k < 120; k++) {
			bool is_in = true;

			for (int m = 0; m < 4; m++)
				is_in &= !musts[m] || (k % (m + 2) == 0) == (musts[m] == 1);
			expected += is_in;
		}
		for (size_t limit = 1; limit <= 200; limit = limit * 3 + 1)
			assert_int_equal(walk(&s, &rows[i].filter, limit), expected);
		assert_int_equal(walk_of(&s, 0, &rows[i].filter, 50), expected);
	}
	scene_end(&s);
}

static void jobs_of_all_tenants_are_one_list(void **state)
{
	static struct scene s;
	struct store_create job;

	(void)state;
	scene_plain(&s);
	job = scene_job(&s, "{}");
	job.tenant = scene_tenant(&s, (struct store_tenant){ .name = "other" });
	for (int i = 0; i < 10; i++) {
		scene_create(&s, "{}");
		scene_create_as(&s, &job);
		scene_pass(&s, 10);
	}
	assert_int_equal(walk(&s, &(struct store_filter){ .states = 0 }, 3), 10);
	assert_int_equal(walk_of(&s, 0, &(struct store_filter){ .states = 0 }, 3), 20);
	assert_int_equal(walk_of(&s, 0, &(struct store_filter){ .created_from_ms = SCENE_WALL + 50 }, 3), 10);
	scene_end(&s);
}

static void a_range_of_times_is_half_open(void **state)
{
	static struct scene s;

	(void)state;
	scene_plain(&s);
	for (int i = 0; i < 10; i++) {
		scene_create(&s, "{}");
		scene_pass(&s, 10);
	}
	assert_int_equal(walk(&s, &(struct store_filter){ .created_from_ms = SCENE_WALL + 50 }, 3), 5);
	assert_int_equal(walk(&s, &(struct store_filter){ .created_to_ms = SCENE_WALL + 50 }, 3), 5);
	assert_int_equal(walk(&s, &(struct store_filter){ .created_from_ms = SCENE_WALL + 20,
							  .created_to_ms = SCENE_WALL + 30 }, 3), 1);
	scene_end(&s);
}

/* Rows that come while somebody reads are newer than his place: no page has them, none is shown twice. */
static void new_jobs_do_not_move_the_pages(void **state)
{
	static struct scene s;
	struct store_filter filter = { .states = 0 };
	struct store_place after = { .created_ms = 0 };
	size_t n = 0;

	(void)state;
	scene_plain(&s);
	fill(&s, 30);
	do {
		struct arena arena = { .blocks = NULL };
		struct store_page page;
		struct err e;

		assert_int_equal(store_job_list(s.store, s.tenant, &filter, &after, 7, &arena, &page, &e), 0);
		n += page.n;
		after = page.next;
		arena_done(&arena);
		scene_pass(&s, 1);
		fill(&s, 3);
	} while (after.created_ms);
	assert_int_equal(n, 30);
	scene_end(&s);
}

/* Nothing matches among many rows: the page is empty, says where to go on, and looked at so many rows. */
static void a_page_ends_after_so_many_rows(void **state)
{
	static struct store_create jobs[STORE_BATCH_MAX];
	static struct scene s;
	struct store_filter filter = { .runtime = "python", .states = 1 << JOB_FAILED | 1 << JOB_RUNNING };
	struct store_place after = { .created_ms = 0 };
	struct arena arena = { .blocks = NULL };
	struct store_page page;
	struct err e;

	(void)state;
	scene_plain(&s);
	for (size_t i = 0; i < STORE_BATCH_MAX; i++)
		jobs[i] = scene_job(&s, "{}");
	for (int i = 0; i < 3; i++) {
		store_job_create_batch(s.store, jobs, STORE_BATCH_MAX, true, scene_answer, &s);
		scene_turn(&s);
		scene_pass(&s, 1);
	}
	assert_int_equal(store_job_list(s.store, s.tenant, &filter, &after, 10, &arena, &page, &e), 0);
	assert_int_equal(page.n, 0);
	assert_int_equal(page.next.created_ms, SCENE_WALL + 1);
	assert_int_equal(store_job_list(s.store, s.tenant, &filter, &page.next, 10, &arena, &page, &e), 0);
	assert_int_equal(page.n, 0);
	assert_int_equal(page.next.created_ms, 0);
	arena_done(&arena);
	scene_end(&s);
}

static void events_go_on_after_any_seq(void **state)
{
	static struct scene s;
	struct arena arena = { .blocks = NULL };
	struct store_event *events;
	struct store_hold hold;
	struct store_id id;
	struct err e;
	size_t n;

	(void)state;
	scene_plain(&s);
	id = scene_create(&s, "{}");
	hold = scene_lease(&s);
	store_event_append(s.store, s.tenant, &id, "alert", (struct store_bytes){ "{}", 2 }, scene_answer, &s);
	assert_int_equal(scene_turn(&s), STORE_DONE);
	assert_int_equal(s.items[0].number, 3);
	scene_finish(&s, &hold, JOB_FAILED);
	for (uint64_t after = 0; after <= 4; after++) {
		assert_int_equal(store_event_list(s.store, s.tenant, &id, after, 10, &arena, &events, &n, &e), 0);
		assert_int_equal(n, 4 - after);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(events[i].seq, after + 1 + i);
	}
	assert_int_equal(store_event_list(s.store, s.tenant, &id, 2, 10, &arena, &events, &n, &e), 0);
	assert_string_equal(events[0].kind, "alert");
	assert_string_equal(events[1].kind, "state");
	assert_int_equal(events[1].state, JOB_FAILED);
	arena_done(&arena);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_filter_finds_its_jobs_once_whatever_the_page),
		cmocka_unit_test(jobs_of_all_tenants_are_one_list),
		cmocka_unit_test(a_range_of_times_is_half_open),
		cmocka_unit_test(new_jobs_do_not_move_the_pages),
		cmocka_unit_test(a_page_ends_after_so_many_rows),
		cmocka_unit_test(events_go_on_after_any_seq),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
