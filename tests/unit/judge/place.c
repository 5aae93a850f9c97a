/* judge/place: bounded lists that keep copies. */
#include "judge/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void what_is_added_is_copied(void **state)
{
	OWN(place) place = PLACE_NONE;
	char at[] = "/data", what[] = "pipe";

	(void)state;
	place_add_mount(&place, &(struct place_mount){ .at = at, .type = "tmpfs", .flags = PLACE_WRITE, .bytes = 7 });
	place_add_fd(&place, &(struct place_fd){ .number = 5, .what = what, .flags = PLACE_READS });
	memset(at, 'x', sizeof(at) - 1);
	memset(what, 'x', sizeof(what) - 1);
	assert_string_equal(place.mounts[0].at, "/data");
	assert_null(place.mounts[0].from);
	assert_int_equal(place.mounts[0].bytes, 7);
	assert_string_equal(place.fds[0].what, "pipe");
	assert_int_equal(place.fds[0].number, 5);
}

static void a_list_that_is_full_says_so(void **state)
{
	OWN(place) place = PLACE_NONE;

	(void)state;
	for (int i = 0; i < PLACE_LISTED; i++) {
		place_add_mount(&place, &(struct place_mount){ .at = "/", .type = "tmpfs" });
		place_add_fd(&place, &(struct place_fd){ .number = i, .what = "x" });
	}
	assert_false(place.mounts_cut || place.fds_cut);
	place_add_mount(&place, &(struct place_mount){ .at = "/", .type = "tmpfs" });
	place_add_fd(&place, &(struct place_fd){ .number = 1, .what = "x" });
	assert_true(place.mounts_cut && place.fds_cut);
	assert_int_equal(place.n_mounts, PLACE_LISTED);
	assert_int_equal(place.n_fds, PLACE_LISTED);
}

static void what_is_missing_is_counted_to_an_end(void **state)
{
	OWN(place) place = PLACE_NONE;

	(void)state;
	for (int i = 0; i < 1000; i++)
		place_add_missing(&place, "number %d", i);
	assert_in_range(place.n_missing, 10, 100);
	assert_string_equal(place.missing[3], "number 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_is_copied),
		cmocka_unit_test(a_list_that_is_full_says_so),
		cmocka_unit_test(what_is_missing_is_counted_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
