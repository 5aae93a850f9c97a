/* monitor/ceiling: root's file, good and bad. The server's files are in no library: included here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/ceiling.c"

static char path[64];

static int set_up(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/ward-ceiling-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_text(const char *text, size_t len)
{
	const int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void need_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("skipped: the file must belong to root\n");
	skip();
}

static void without_a_file_the_numbers_are_generous_and_layers_required(void **state)
{
	struct ceiling ceiling = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(ceiling_read(NULL, &ceiling, &e), 0);
	assert_true(ceiling.memory_max == ceiling_default.memory_max);
	assert_true(ceiling.layers_required && ceiling.cgroup_required);
	assert_false(ceiling.knife); /* and no key sets it */
}

#define M(x) ((uint64_t)(x) << 20)

static const struct {
	const char *text;
	size_t at;
	uint64_t value;
} good[] = {
	{ "memory_max = 512M", offsetof(struct ceiling, memory_max), M(512) },
	{ "memory_max\t=\t1G # one", offsetof(struct ceiling, memory_max), M(1024) },
	{ "  swap_max = 0  ", offsetof(struct ceiling, swap_max), 0 },
	{ "io_max = 1T\n", offsetof(struct ceiling, io_max), M(1) << 20 },
	{ "pids_max = 100\npids_max = 50", offsetof(struct ceiling, pids_max), 50 },
	{ "# all\n\n \t\ncpus_max = 1500", offsetof(struct ceiling, cpus_max), 1500 },
	{ "boxes_max = 3\nboxes_per_user = 2\n", offsetof(struct ceiling, boxes_per_user), 2 },
	{ "memory_max = 18446744073709551615", offsetof(struct ceiling, memory_max), UINT64_MAX },
	{ "memory_max = 5K", offsetof(struct ceiling, memory_max), 5120 },
};

static void a_good_file_changes_what_it_names(void **state)
{
	(void)state;
	need_root();
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct ceiling ceiling = { 0 };
		struct err e = ERR_INIT;

		write_text(good[i].text, strlen(good[i].text));
		if (ceiling_read(path, &ceiling, &e) < 0)
			fail_msg("%s: %s", good[i].text, e.text);
		assert_true(*(uint64_t *)(void *)((char *)&ceiling + good[i].at) == good[i].value);
	}
}

static void yes_and_no_are_said_in_full(void **state)
{
	static const struct {
		const char *text;
		int status;
		bool cgroup, layers;
	} rows[] = {
		{ "cgroup_required = no", 0, false, true },
		{ "layers_required = no", 0, true, false },
		{ "layers_required = no\nlayers_required = yes", 0, true, true },
		{ "layers_required = 0", -1, false, false },
		{ "layers_required = YES", -1, false, false },
		{ "layers_required = nope", -1, false, false },
	};

	(void)state;
	need_root();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ceiling ceiling = { 0 };
		struct err e = ERR_INIT;

		write_text(rows[i].text, strlen(rows[i].text));
		assert_int_equal(ceiling_read(path, &ceiling, &e), rows[i].status);
		assert_int_equal(ceiling.cgroup_required, rows[i].cgroup);
		assert_int_equal(ceiling.layers_required, rows[i].layers);
	}
}

static const struct {
	const char *text, *cause;
} bad[] = {
	{ "memory_max", ":1: expected 'key = value'" },
	{ "memory_max =", ":1: expected 'key = value'" },
	{ "memory_max 512M", ":1: expected 'key = value'" },
	{ "memory_max=512M", ":1: expected 'key = value'" },
	{ "memory_max == 5", ":1: expected 'key = value'" },
	{ "memory_max = 5 6", ":1: expected 'key = value'" },
	{ "\n\npids_max = # none", ":3: expected 'key = value'" },
	{ "memory_maximum = 5", ":1: unknown key 'memory_maximum'" },
	{ "knife = yes", ":1: unknown key 'knife'" },
	{ "memory_max = x", ":1: 'x' is no value for memory_max" },
	{ "memory_max = -1", ":1: '-1' is no value for memory_max" },
	{ "memory_max = +1", ":1: '+1' is no value for memory_max" },
	{ "memory_max = 0x10", ":1: '0x10' is no value for memory_max" },
	{ "memory_max = 1MM", ":1: '1MM' is no value for memory_max" },
	{ "memory_max = 1E", ":1: '1E' is no value for memory_max" },
	{ "memory_max = 1.5G", ":1: '1.5G' is no value for memory_max" },
	{ "memory_max = 99999999999999999999", ":1: '99999999999999999999' is no value for memory_max" },
	{ "memory_max = 18014398509481984T", ":1: '18014398509481984T' is no value for memory_max" },
	{ "pids_max = 1K", ":1: '1K' is no value for pids_max" }, /* a count has no unit */
	{ "pids_max = 1\npids_max = x\n", ":2: 'x' is no value for pids_max" },
};

static void a_bad_file_is_refused_with_its_line_and_changes_nothing(void **state)
{
	(void)state;
	need_root();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ceiling ceiling = { .pids_max = 77 };
		struct err e = ERR_INIT;
		char expected[200];

		write_text(bad[i].text, strlen(bad[i].text));
		snprintf(expected, sizeof(expected), "%s%s", path, bad[i].cause);
		if (ceiling_read(path, &ceiling, &e) == 0)
			fail_msg("accepted: %s", bad[i].text);
		assert_string_equal(e.text, expected);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_true(ceiling.pids_max == 77 && !ceiling.memory_max);
	}
}

/* What hides behind a NUL would be a limit that root believes to be set. */
static void a_zero_byte_does_not_hide_the_rest(void **state)
{
	static const char text[] = "pids_max = 5\n\0memory_max = 1M\n";
	struct ceiling ceiling = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	need_root();
	write_text(text, sizeof(text) - 1);
	assert_int_equal(ceiling_read(path, &ceiling, &e), -1);
}

static void a_file_of_4096_bytes_is_too_long(void **state)
{
	char text[4096];
	struct ceiling ceiling;
	struct err e = ERR_INIT;

	(void)state;
	need_root();
	memset(text, '\n', sizeof(text));
	write_text(text, 4095);
	assert_int_equal(ceiling_read(path, &ceiling, &e), 0);
	write_text(text, 4096);
	assert_int_equal(ceiling_read(path, &ceiling, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
}

static void a_file_that_others_can_write_is_refused(void **state)
{
	static const mode_t modes[] = { 0620, 0602, 0666, 0777 };
	struct ceiling ceiling;
	struct err e = ERR_INIT;

	(void)state;
	need_root();
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		assert_int_equal(ceiling_read(path, &ceiling, &e), -1);
		assert_int_equal(e.kind, ERR_DENIED);
		assert_non_null(strstr(e.text, "must be a file that only root can write"));
	}
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chown(path, 4321, 0), 0);
	assert_int_equal(ceiling_read(path, &ceiling, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
}

static void what_is_no_plain_file_is_refused(void **state)
{
	static const char *const paths[] = { "/dev/null", "/tmp", "/tmp/ward-ceiling-none" };
	struct ceiling ceiling;
	struct err e = ERR_INIT;
	char link[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_int_equal(ceiling_read(paths[i], &ceiling, &e), -1);
	snprintf(link, sizeof(link), "%s.link", path);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(ceiling_read(link, &ceiling, &e), -1);
	unlink(link);
	assert_int_equal(e.kind, ERR_SYSTEM);
}

#define with_file(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_the_numbers_are_generous_and_layers_required),
		with_file(a_good_file_changes_what_it_names),
		with_file(yes_and_no_are_said_in_full),
		with_file(a_bad_file_is_refused_with_its_line_and_changes_nothing),
		with_file(a_zero_byte_does_not_hide_the_rest),
		with_file(a_file_of_4096_bytes_is_too_long),
		with_file(a_file_that_others_can_write_is_refused),
		with_file(what_is_no_plain_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
