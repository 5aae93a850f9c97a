/* judge/place_mounts: mountinfo, also a hostile one. */
#include "judge/place_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char own[] =
	"20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	"21 20 0:5 / /dev rw,nosuid - devtmpfs udev rw\n"
	"22 20 8:2 / /srv/big rw - ext4 /dev/sdb1 rw\n";

static void what_is_mounted_here_is_the_hosts(void **state)
{
	static const char text[] =
		"40 1 0:60 / / ro,nosuid,nodev,noexec - tmpfs tmpfs rw,size=4096k,nr_inodes=9\n"
		"41 40 8:1 /usr /usr ro,nosuid,nodev master:1 propagate_from:2 - ext4 /dev/sda1 rw\n"
		"42 40 8:2 /a\\040b /data rw,nosuid,nodev,noexec - ext4 /dev/sdb1 rw\n"
		"43 40 0:5 /null /dev/null rw,nosuid - devtmpfs udev rw\n"
		"44 40 0:61 / /proc rw,nosuid,nodev,noexec - proc proc rw,subset=pid\n"
		"45 40 8:1 / /mnt rw - ext4 /dev/sda1 ro\n";
	OWN(place) place = PLACE_NONE;
	const struct place_mount *const m = (place_read_mounts(&place, text, own), place.mounts);

	(void)state;
	assert_int_equal(place.n_mounts, 6);
	assert_null(m[0].from);
	assert_int_equal(m[0].flags, 0);
	assert_int_equal(m[0].bytes, 4 << 20);
	assert_string_equal(m[1].from, "/usr");
	assert_int_equal(m[1].flags, PLACE_EXEC);
	assert_string_equal(m[2].from, "/srv/big/a b");
	assert_int_equal(m[2].flags, PLACE_WRITE);
	assert_string_equal(m[3].from, "/dev/null");
	assert_int_equal(m[3].flags, PLACE_WRITE | PLACE_EXEC | PLACE_DEV);
	assert_true(place.holds & LAYER_BIT(LAYER_PROC));
	assert_string_equal(m[5].from, "/");
	assert_false(m[5].flags & PLACE_WRITE);
	assert_int_equal(place.n_missing, 0);
}

static void a_whole_proc_is_no_layer(void **state)
{
	OWN(place) place = PLACE_NONE;

	(void)state;
	place_read_mounts(&place, "44 40 0:61 / /proc rw - proc proc rw,hidepid=invisible\n", own);
	assert_false(place.holds & LAYER_BIT(LAYER_PROC));
}

static void without_an_own_list_everything_is_the_hosts(void **state)
{
	OWN(place) place = PLACE_NONE;

	(void)state;
	place_read_mounts(&place, "40 1 0:60 / /x ro - tmpfs tmpfs rw\n", NULL);
	assert_non_null(place.mounts[0].from);
}

static void bad_lines_are_told_and_left_out(void **state)
{
	static const char *const bad[] = {
		"", " ", "40", "40 1 0:60 / / rw", "40 1 0:60 / / rw shared:1 tmpfs tmpfs rw",
		"40 1 0:60 / relative rw - tmpfs tmpfs rw", "- - - - - - - -", "40 1 0:60 / / rw -",
	};
	char line[9000];

	(void)state;
	for (size_t i = 1; i < ARRAY_SIZE(bad); i++) {
		OWN(place) place = PLACE_NONE;

		place_read_mounts(&place, bad[i], bad[i]);
		assert_int_equal(place.n_mounts, 0);
		assert_int_equal(place.n_missing, 1);
	}
	memset(line, 'a', sizeof(line) - 1);
	memcpy(line, "40 1 0:60 / /", 13);
	line[sizeof(line) - 1] = '\0';
	OWN(place) place = PLACE_NONE;
	place_read_mounts(&place, line, NULL);
	assert_int_equal(place.n_missing, 1);
}

static void a_prefix_of_a_name_is_not_a_directory_above(void **state)
{
	OWN(place) place = PLACE_NONE;

	(void)state;
	place_read_mounts(&place, "40 1 9:9 /srv-old /x rw - ext4 x rw\n", "20 1 9:9 /srv /a rw - ext4 x rw\n");
	assert_string_equal(place.mounts[0].from, "/srv-old of 9:9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mounted_here_is_the_hosts),
		cmocka_unit_test(a_whole_proc_is_no_layer),
		cmocka_unit_test(without_an_own_list_everything_is_the_hosts),
		cmocka_unit_test(bad_lines_are_told_and_left_out),
		cmocka_unit_test(a_prefix_of_a_name_is_not_a_directory_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
