/* judge/figures: percentiles, and the file of the benchmark, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "judge/figures.h"

static void percentiles_are_by_nearest_rank(void **state)
{
	uint64_t some[] = { 50, 10, 40, 20, 30 }, one[] = { 7 }, many[200];

	(void)state;
	assert_int_equal(figures_percentile(some, 5, 50), 30);
	assert_int_equal(figures_percentile(some, 5, 99), 50);
	assert_int_equal(figures_percentile(some, 5, 0), 10);
	assert_int_equal(figures_percentile(one, 1, 50), 7);
	for (size_t i = 0; i < 200; i++)
		many[i] = 200 - i;
	assert_int_equal(figures_percentile(many, 200, 50), 100);
	assert_int_equal(figures_percentile(many, 200, 99), 198);
}

static void what_is_published_has_a_source_and_what_is_not_says_so(void **state)
{
	(void)state;
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++) {
		const struct figure figure = figures_published(i);

		assert_true(figure.kind != FIGURE_MEASURED && figure.source && *figure.source);
		assert_true((figure.kind == FIGURE_PUBLISHED) == (figure.start_p99_us && figure.idle_bytes));
	}
}

static void what_was_measured_is_written_and_read_and_wins(void **state)
{
	OWN(figures) figures = { .spawn = { FIGURE_MEASURED, 300, 900, 200, 1500, 4096 } };
	OWN(figures) again = { .host = NULL };
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;

	(void)state;
	figures.host = "a \"host\"";
	figures.boundaries[BOUNDARY_CONTAINER] = (struct figure){ FIGURE_MEASURED, 4000, 9000, 200, 250123, 860160 };
	figures_json(&figures, &text);
	if (figures_read("f", str_text(&text), text.len, &again, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(again.host, figures.host);
	assert_memory_equal(&again.spawn, &figures.spawn, sizeof(figures.spawn));
	assert_memory_equal(again.boundaries, figures.boundaries, sizeof(figures.boundaries));
	assert_int_equal(figures_of(&again, BOUNDARY_CONTAINER).kind, FIGURE_MEASURED);
	assert_int_equal(figures_of(&again, BOUNDARY_GVISOR).kind, FIGURE_PUBLISHED);
	assert_int_equal(figures_of(NULL, BOUNDARY_CONTAINER).kind, FIGURE_NONE);
}

#define ROW "{\"launches\":1,\"start_p50_us\":1,\"start_p99_us\":1,\"rate_milli\":1,\"idle_bytes\":1}"
static void another_file_is_refused_in_one_line(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "", "f:1:1: the benchmark is empty; begin with a schema: run `ward bench` again" },
		{ "{}", "f:1:1: schema is missing: this is no file of `ward bench`" },
		{ "{\"schema\":\"ward.bench.9\",\"host\":\"\",\"figures\":{}}", "schema 'ward.bench.9' is not known" },
		{ "{\"schema\":\"ward.bench.1\",\"host\":[],\"figures\":{}}", "host wants one value" },
		{ "{\"schema\":\"ward.bench.1\",\"host\":\"\",\"figures\":[]}", "figures wants a map" },
		{ "{\"schema\":\"ward.bench.1\",\"host\":\"\",\"figures\":{\"contaner\":" ROW "}}", "no boundary is called 'contaner'" },
		{ "{\"schema\":\"ward.bench.1\",\"host\":\"\",\"figures\":{\"spawn\":{}}}", "launches is missing" },
		{ "{\"schema\":\"ward.bench.1\",\"host\":\"\",\"figures\":{\"spawn\":7}}", "spawn wants a map" },
		{ "{\"schema\":\"ward.bench.1\",\"host\":\"\",\"figures\":{\"spawn\":" ROW ",\"spawn\":" ROW "}}", "duplicate" },
		{ "{\"schema\":\"ward.bench.1\",\"host\":\"\",\"figures\":{\"spawn\":{\"launches\":-1}}}", "launches" },
		{ "{\"schema\":\"ward.bench.1\",\"host\":\"\",\"figures\":{},\"more\":1}", "unknown key 'more'" },
		{ "not: [closed", "f:" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct figures figures = { .host = NULL };
		struct err e = ERR_INIT;

		assert_int_equal(figures_read("f", rows[i].text, strlen(rows[i].text), &figures, &e), -1);
		if (!strstr(e.text, rows[i].error))
			fail_msg("row %zu: '%s' does not say '%s'", i, e.text, rows[i].error);
		assert_null(figures.arena.blocks);
	}
}

static void numbers_are_written_for_people(void **state)
{
	static const struct {
		uint64_t us, bytes;
		const char *time, *memory;
	} rows[] = {
		{ 0, 0, "-", "-" }, { 61, 2048, "61 us", "2 KiB" }, { 1530, 1572864, "1.53 ms", "1.5 MiB" },
		{ 125000, 139460608, "125 ms", "133.0 MiB" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(str) time = STR_NONE;
		OWN(str) memory = STR_NONE;

		figures_time(rows[i].us, &time);
		figures_memory(rows[i].bytes, &memory);
		assert_string_equal(str_text(&time), rows[i].time);
		assert_string_equal(str_text(&memory), rows[i].memory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_by_nearest_rank),
		cmocka_unit_test(what_is_published_has_a_source_and_what_is_not_says_so),
		cmocka_unit_test(what_was_measured_is_written_and_read_and_wins),
		cmocka_unit_test(another_file_is_refused_in_one_line),
		cmocka_unit_test(numbers_are_written_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
