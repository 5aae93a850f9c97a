/* judge/surface_lists: what mounts, descriptors and limits mean. */
#include "judge/surface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "surface_sample.h"

static void a_mount_is_as_dangerous_as_what_it_shows(void **state)
{
	static const struct {
		struct place_mount mount;
		enum surface_kind kind;
		enum severity severity;
	} rows[] = {
		{ { "/a", "/srv/a", "bind", PLACE_WRITE, 0 }, SURFACE_FILE, SEVERITY_HIGH },
		{ { "/b", "/usr", "bind", PLACE_EXEC, 0 }, SURFACE_FILE, SEVERITY_LOW },
		{ { "/c", "/", "ext4", PLACE_WRITE, 0 }, SURFACE_FILE, SEVERITY_HIGH },
		{ { "/d", "/opt", "ext4", PLACE_EXEC | PLACE_SUID, 0 }, SURFACE_FILE, SEVERITY_MEDIUM },
		{ { "/e", NULL, "tmpfs", PLACE_WRITE, 4096 }, SURFACE_FILE, SEVERITY_INFO },
		{ { "/f", NULL, "tmpfs", PLACE_WRITE | PLACE_EXEC, 4096 }, SURFACE_FILE, SEVERITY_LOW },
		{ { "/g", NULL, "tmpfs", PLACE_WRITE, 0 }, SURFACE_FILE, SEVERITY_MEDIUM },
		{ { "/h", "/dev/null", "bind", PLACE_WRITE | PLACE_DEV | PLACE_FILE, 0 }, SURFACE_DEVICE, SEVERITY_INFO },
		{ { "/i", "/dev/sda", "bind", PLACE_WRITE | PLACE_DEV | PLACE_FILE, 0 }, SURFACE_DEVICE, SEVERITY_HIGH },
		{ { "/j", "/dev", "devtmpfs", PLACE_WRITE | PLACE_DEV, 0 }, SURFACE_DEVICE, SEVERITY_HIGH },
		{ { "/k", NULL, "sysfs", 0, 0 }, SURFACE_DEVICE, SEVERITY_MEDIUM },
		{ { "/l", NULL, "cgroup2", PLACE_WRITE, 0 }, SURFACE_DEVICE, SEVERITY_HIGH },
		{ { "/m", NULL, "proc", PLACE_WRITE, 0 }, SURFACE_DEVICE, SEVERITY_MEDIUM },
		{ { "/n", NULL, "ext4", PLACE_WRITE, 0 }, SURFACE_FILE, SEVERITY_LOW },
		{ { "/o", NULL, "tmpfs", 0, 0 }, SURFACE_FILE, SEVERITY_INFO },
	};
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		place_add_mount(&sample.place, &rows[i].mount);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct surface_item *const item = sample_find(&sample, rows[i].mount.at);

		if (item->kind != rows[i].kind || item->severity != rows[i].severity)
			fail_msg("%s: %s, %s", rows[i].mount.at, surface_kind_name(item->kind), severity_name(item->severity));
	}
	assert_string_equal(sample_find(&sample, "/a")->detail, "writable, noexec, /srv/a of the host");
	assert_string_equal(sample_find(&sample, "/f")->detail, "writable, exec, at most 4 KiB");
}

static void a_proc_of_its_own_is_quiet(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.holds = LAYER_BIT(LAYER_PROC);
	place_add_mount(&sample.place, &(struct place_mount){ .at = "/proc", .type = "proc", .flags = PLACE_WRITE });
	assert_int_equal(sample_find(&sample, "/proc")->severity, SEVERITY_INFO);
}

static void a_descriptor_that_was_passed_is_power(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	place_add_fd(&sample.place, &(struct place_fd){ 1, "standard output", PLACE_WRITES | PLACE_WARD });
	place_add_fd(&sample.place, &(struct place_fd){ 2, "/dev/pts/3", PLACE_WRITES });
	place_add_fd(&sample.place, &(struct place_fd){ 7, "/etc", PLACE_READS });
	assert_int_equal(sample_find(&sample, "descriptor 1")->severity, SEVERITY_INFO);
	assert_int_equal(sample_find(&sample, "descriptor 1")->flow, FLOW_OUT);
	assert_int_equal(sample_find(&sample, "descriptor 2")->severity, SEVERITY_LOW);
	assert_int_equal(sample_find(&sample, "descriptor 7")->severity, SEVERITY_MEDIUM);
	assert_int_equal(sample_find(&sample, "descriptor 7")->flow, FLOW_IN | FLOW_RIGHT);
}

static void a_limit_of_each_is_less_than_one_of_all(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	struct place_bound *const bounds = sample.place.bounds;

	(void)state;
	for (size_t i = 0; i < PLACE_LIMITS; i++)
		bounds[i] = (struct place_bound){ .whole = KNOWN_NO, .each = KNOWN_NO };
	bounds[PLACE_MEMORY] = (struct place_bound){ .whole = KNOWN_YES, .n = 512 << 20 };
	bounds[PLACE_PIDS] = (struct place_bound){ .whole = KNOWN_NO, .each = KNOWN_YES, .n = 9 };
	bounds[PLACE_WALL] = (struct place_bound){ .whole = KNOWN_NOT };
	bounds[PLACE_FILES] = (struct place_bound){ .whole = KNOWN_NO, .each = KNOWN_YES, .n = 256 };
	assert_int_equal(sample_find(&sample, "memory")->state, SURFACE_CLOSED);
	assert_string_equal(sample_find(&sample, "memory")->detail, "at most 512 MiB");
	assert_int_equal(sample_find(&sample, "processes")->state, SURFACE_OPEN);
	assert_int_equal(sample_find(&sample, "processes")->severity, SEVERITY_LOW);
	assert_int_equal(sample_find(&sample, "swap")->state, SURFACE_OPEN);
	assert_int_equal(sample_find(&sample, "time by the clock")->state, SURFACE_UNKNOWN);
	assert_int_equal(sample_find(&sample, "open files")->state, SURFACE_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mount_is_as_dangerous_as_what_it_shows),
		cmocka_unit_test(a_proc_of_its_own_is_quiet),
		cmocka_unit_test(a_descriptor_that_was_passed_is_power),
		cmocka_unit_test(a_limit_of_each_is_less_than_one_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
