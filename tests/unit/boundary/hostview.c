/* boundary/hostview: what of the host a box may see is a short list without secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "boundary/hostview.h"

static void expect_harmless(const char *path)
{
	static const char *const secret[] = { "/home", "/root", "/var", "/run", "/boot", "/srv", "/mnt", "/sys", "/proc",
					      "/dev", "/etc/shadow", "/etc/gshadow", "/etc/ssh", "/etc/ssl/private",
					      "/etc/sudoers", "/etc/machine-id", "/etc/hostname", "/etc/resolv.conf" };

	assert_int_equal(path[0], '/');
	assert_true(path[1] && path[strlen(path) - 1] != '/');
	assert_null(strstr(path, ".."));
	for (size_t i = 0; i < sizeof(secret) / sizeof(*secret); i++) {
		assert_true(strncmp(path, secret[i], strlen(secret[i])) != 0);
		/* nor a directory that holds it */
		assert_true(strncmp(secret[i], path, strlen(path)) != 0 || secret[i][strlen(path)] != '/');
	}
}

static void no_tree_or_piece_of_etc_tells_about_people(void **state)
{
	(void)state;
	for (const char *const *path = hostview_trees; *path; path++) {
		expect_harmless(*path);
		assert_null(strchr(*path + 1, '/'));
	}
	for (const char *const *path = hostview_etc; *path; path++) {
		expect_harmless(*path);
		assert_int_equal(strncmp(*path, "/etc/", 5), 0);
	}
}

static void made_up_files_are_whole_lines_below_etc(void **state)
{
	(void)state;
	for (const struct hostview_file *file = hostview_files; file->path; file++) {
		assert_int_equal(strncmp(file->path, "/etc/", 5), 0);
		assert_int_equal(file->contents[strlen(file->contents) - 1], '\n');
		for (const char *const *path = hostview_etc; *path; path++)
			assert_string_not_equal(*path, file->path); /* a place has one file */
	}
}

static void the_made_up_users_cannot_log_in_as_root(void **state)
{
	(void)state;
	for (const struct hostview_file *file = hostview_files; file->path; file++) {
		if (strcmp(file->path, "/etc/passwd") != 0)
			continue;
		assert_non_null(strstr(file->contents, "root:x:0:0:root:/:/bin/false\n"));
		assert_non_null(strstr(file->contents, "box:x:1000:1000:"));
		return;
	}
	fail_msg("there is no /etc/passwd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_tree_or_piece_of_etc_tells_about_people),
		cmocka_unit_test(made_up_files_are_whole_lines_below_etc),
		cmocka_unit_test(the_made_up_users_cannot_log_in_as_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
