/* plugin/compiled: a program that was kept is found, and one that others could have written is not. */
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

#include "plugin/compiled.h"

static const struct digest one = { { 1 } }, two = { { 2 } };
static const char program[] = "\177ELF and the rest of a program";

static char folder[] = "/tmp/ward-compiled-XXXXXX", place[64], path[256];

static int set_up(void **state)
{
	char name[SHA256_TEXT];
	struct err e = ERR_INIT;

	(void)state;
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	if (!mkdtemp(folder))
		return -1;
	snprintf(place, sizeof(place), "%s/compiled", folder);
	compiled_name(&one, name);
	snprintf(path, sizeof(path), "%s/%s", place, name);
	return compiled_keep(place, &one, program, sizeof(program), &e);
}

static int tear_down(void **state)
{
	char other[256], name[SHA256_TEXT];

	(void)state;
	compiled_name(&two, name);
	snprintf(other, sizeof(other), "%s/%s", place, name);
	(void)unlink(other);
	(void)unlink(path);
	(void)rmdir(place);
	return rmdir(folder);
}

static int find(const struct digest *which, bool *is_there, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	const char *found = NULL;

	*e = (struct err)ERR_INIT;
	const int rc = compiled_find(place, which, &arena, &found, e);

	*is_there = rc == 0 && found;
	return rc;
}

static void assert_denied(const char *words)
{
	struct err e;
	bool is_there;

	assert_int_equal(find(&one, &is_there, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	if (!strstr(e.text, words))
		fail_msg("%s", e.text);
}

static void what_was_kept_is_found_by_its_module(void **state)
{
	struct err e = ERR_INIT;
	bool is_there;

	(void)state;
	assert_int_equal(find(&one, &is_there, &e), 0);
	assert_true(is_there);
	assert_int_equal(find(&two, &is_there, &e), 0);
	assert_false(is_there);
	assert_int_equal(compiled_keep(place, &one, program, 4, &e), 0);
	assert_int_equal(find(&one, &is_there, &e), 0);
	assert_int_equal(compiled_remove(place, &one, &e), 1);
	assert_int_equal(compiled_remove(place, &one, &e), 0);
	assert_int_equal(find(&one, &is_there, &e), 0);
	assert_false(is_there);
}

static void a_directory_that_is_not_there_holds_nothing(void **state)
{
	OWN(arena) arena = { .blocks = NULL };
	const char *found = "";
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(compiled_find("/nonexistent/place", &one, &arena, &found, &e), 0);
	assert_null(found);
	assert_int_equal(compiled_remove("/nonexistent/place", &one, &e), 0);
}

static void change_a_byte(off_t at, size_t keep)
{
	const int fd = open(path, O_RDWR);
	char byte = 0;

	assert_true(fd >= 0 && pread(fd, &byte, 1, at) == 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	if (keep)
		assert_int_equal(ftruncate(fd, (off_t)keep), 0);
	close(fd);
}

static void one_that_was_changed_or_cut_is_not_run(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(chmod(path, 0755), 0);
	change_a_byte(3, 0);
	assert_denied("it is not what was put there");
	assert_int_equal(compiled_keep(place, &one, program, sizeof(program), &e), 0);
	assert_int_equal(chmod(path, 0755), 0);
	change_a_byte(sizeof(program) + 20, 0); /* of the digest */
	assert_denied("it is not what was put there");
	change_a_byte(0, 10);
	assert_denied("it was cut");
}

static void one_under_another_name_is_not_run(void **state)
{
	char other[256], name[SHA256_TEXT];
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(compiled_keep(place, &two, "\177ELF another", 12, &e), 0);
	compiled_name(&two, name);
	snprintf(other, sizeof(other), "%s/%s", place, name);
	assert_int_equal(rename(other, path), 0);
	assert_denied("it is not what was put there");
}

static void one_that_others_could_write_is_not_run(void **state)
{
	char elsewhere[96];

	(void)state;
	assert_int_equal(chmod(path, 0575), 0);
	assert_denied("its owner alone can write to");
	assert_int_equal(chmod(path, 0555), 0);
	assert_int_equal(chmod(place, 0770), 0);
	assert_denied("can be written to by others");
	assert_int_equal(chmod(place, 0700), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_denied("or a directory above it");
	assert_int_equal(chmod(folder, 0700), 0);
	snprintf(elsewhere, sizeof(elsewhere), "%s/link", folder);
	assert_int_equal(link(path, elsewhere), 0);
	assert_denied("its owner alone can write to");
	assert_int_equal(unlink(elsewhere), 0);
}

static void a_link_in_its_place_is_not_followed(void **state)
{
	char elsewhere[96];
	struct err e;
	bool is_there;

	(void)state;
	snprintf(elsewhere, sizeof(elsewhere), "%s/real", folder);
	assert_int_equal(rename(path, elsewhere), 0);
	assert_int_equal(symlink(elsewhere, path), 0);
	assert_int_equal(find(&one, &is_there, &e), -1);
	assert_false(is_there);
	assert_int_equal(unlink(elsewhere), 0);
}

static void nothing_is_kept_where_others_can_write(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(chmod(place, 0777), 0);
	assert_int_equal(compiled_keep(place, &one, program, sizeof(program), &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_kept_is_found_by_its_module),
		TEST(a_directory_that_is_not_there_holds_nothing),
		TEST(one_that_was_changed_or_cut_is_not_run),
		TEST(one_under_another_name_is_not_run),
		TEST(one_that_others_could_write_is_not_run),
		TEST(a_link_in_its_place_is_not_followed),
		TEST(nothing_is_kept_where_others_can_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
