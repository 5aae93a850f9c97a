/* cmd/openings: what may be opened for a box, and how a refusal reads. */
#include "cmd/openings.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state)
{
	static char directory[] = "/tmp/ward-openings-XXXXXX";
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	*state = mkdtemp(directory);
	if (!*state || chdir(directory) < 0 || mkdir("dir", 0700) < 0 || mkdir("dir/sub", 0700) < 0)
		return -1;
	if (close(creat("file", 0600)) < 0 || symlink("dir", "link") < 0 ||
	    symlink("/proc/self/root", "magic") < 0 || symlink("/proc/sys", "to-proc") < 0 ||
	    symlink("loop", "loop") < 0 || mkfifo("fifo", 0600) < 0)
		return -1;
	return bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || close(fd) < 0 ?
		       -1 :
		       0;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", (const char *)*state);
	return chdir("/") < 0 || system(command) != 0 ? -1 : 0;
}

static void only_plain_files_and_directories_are_opened(void **state)
{
	static const struct {
		const char *path;
		bool directory, follow;
		const char *error;
	} rows[] = {
		{ "dir", true, false, NULL },
		{ "file", false, false, NULL },
		{ "link", true, true, NULL },
		{ "link/sub", true, false, "symbolic link" },
		{ "link/sub", true, true, NULL },       /* the host's own view */
		{ "/dev/null", false, false, NULL },
		{ "link", true, false, "a moment ago" },
		{ "link", false, false, "symbolic link" },
		{ "dir", false, false, "a moment ago" },
		{ "file", true, false, "a moment ago" },
		{ "absent", false, false, "create it" },
		{ "file/x", false, false, "directory is expected" },
		{ "loop", false, true, "circles" },
		{ "magic", true, true, "link of /proc" },
		{ "magic/etc", true, true, "link of /proc" },
		{ "to-proc", true, true, "leads into /proc" },
		{ "to-proc/kernel", true, true, "leads into /proc" },
		{ "socket", false, false, "socket" },
		{ "fifo", false, false, "pipe" },
	};
	const struct policy policy = POLICY_NONE;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct opened_path path = { rows[i].path, rows[i].directory, rows[i].follow };
		struct err e = ERR_INIT;
		const int fd = openings_open_path(&policy, &path, &e);

		if (fd >= 0) {
			assert_true(fcntl(fd, F_GETFL) & O_PATH);
			assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
			close(fd);
		}
		if (fd < 0 && (!rows[i].error || !strstr(e.text, rows[i].error) ||
			       !strstr(e.text, rows[i].path)))
			fail_msg("%s: %s", rows[i].path, e.text);
		assert_int_equal(fd >= 0, rows[i].error == NULL);
	}
}

static void a_refusal_names_the_line_that_grants(void **state)
{
	struct grant grants[] = {
		{ .what = "/absent/data", .as = "/data", .origin = { "x.yaml", 7, 3 } }
	};
	const struct policy policy = { .grants = grants, .n_grants = 1 };
	const struct opened_path path = { "/absent/data", true, false };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(openings_open_path(&policy, &path, &e), -1);
	assert_int_equal(e.kind, ERR_MISSING);
	assert_string_equal(e.text,
			    "x.yaml:7: /absent/data: No such file or directory; create it, or "
			    "remove the grant");
}

static void descriptors_stand_in_the_order_of_the_plan(void **state)
{
	static const int pass[] = { 41, 42 };
	struct opened_path open[] = { { "dir", true, false }, { "file", false, false } };
	const struct payload payload = { .pass_numbers = pass, .n_pass = 2 };
	const struct policy policy = POLICY_NONE;
	const struct rung rung = {
		.policy = &policy, .payload = &payload, .open = open, .n_open = 2, .first_fd = 5
	};
	OWN(openings) openings = OPENINGS_NONE;
	struct err e = ERR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(openings_open(&rung, &openings, &e), 0);
	assert_int_equal(openings.n, 7);
	assert_int_equal(openings.fds[0], -1);
	assert_int_equal(openings.fds[2], -1);
	assert_int_equal(openings.fds[3], 41);
	assert_int_equal(openings.fds[4], 42);
	assert_int_equal(fstat(openings.fds[5], &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(fstat(openings.fds[6], &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void only_roots_own_links_are_followed(void **state)
{
	const struct { const char *path; bool follow_last; const char *out, *error; } rows[] = {
		{ "/usr/bin", false, "/usr/bin", NULL },
		{ "/bin/true", false, "/usr/bin/true", NULL },
		{ "/bin/./true", false, "/usr/bin/true", NULL },
		{ "/bin", false, "/bin", NULL },        /* for planning to refuse */
		{ "/bin/", false, "/bin", NULL },
		{ "/bin", true, "/usr/bin", NULL },
		{ "/bin/absent", false, "/bin/absent", NULL }, /* for opening to refuse */
		{ "DIR/dir/sub", false, "DIR/dir/sub", NULL },
		{ "DIR/link", false, "DIR/link", NULL },
		{ "DIR/link", true, NULL, "(to dir)" },
		{ "DIR/link/sub", false, NULL, "/link on its way is a symbolic link (to dir)" },
		{ "DIR/magic/etc", false, NULL, "(to /proc/self/root)" },
		{ "/proc/self/status", false, NULL, "never granted" },
	};
	OWN(arena) arena = { .blocks = NULL };
	char target[16];

	if (readlink("/bin", target, sizeof(target)) != 7 || memcmp(target, "usr/bin", 7) != 0)
		skip(); /* no merged /usr: no link of root's that is everywhere */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const bool here = strncmp(rows[i].path, "DIR", 3) == 0;
		const char *const path = !here ? rows[i].path :
			arena_printf(&arena, "%s%s", (const char *)*state, rows[i].path + 3);
		const char *const wanted = !here || !rows[i].out ? rows[i].out :
			arena_printf(&arena, "%s%s", (const char *)*state, rows[i].out + 3);
		const char *out = path;
		struct err e = ERR_INIT;
		const int rc = openings_resolve(path, rows[i].follow_last, &arena, &out, &e);

		assert_int_equal(rc, rows[i].error ? -1 : 0);
		if (rc < 0 && !strstr(e.text, rows[i].error))
			fail_msg("%s: %s", path, e.text);
		if (rc == 0)
			assert_string_equal(out, wanted);
	}
}

static void nothing_stays_open_after_a_failure(void **state)
{
	struct opened_path open[] = { { "dir", true, false }, { "absent", false, false } };
	const struct payload payload = { .n_pass = 0 };
	const struct policy policy = POLICY_NONE;
	const struct rung rung = {
		.policy = &policy, .payload = &payload, .open = open, .n_open = 2, .first_fd = 3
	};
	OWN(openings) openings = OPENINGS_NONE;
	struct err e = ERR_INIT;
	const int before = dup(0);

	(void)state;
	close(before);
	assert_int_equal(openings_open(&rung, &openings, &e), -1);
	assert_null(openings.fds);
	assert_int_equal(dup(0), before);
	close(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_plain_files_and_directories_are_opened),
		cmocka_unit_test(a_refusal_names_the_line_that_grants),
		cmocka_unit_test(descriptors_stand_in_the_order_of_the_plan),
		cmocka_unit_test(only_roots_own_links_are_followed),
		cmocka_unit_test(nothing_stays_open_after_a_failure),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
