/* Names are made, moved and removed inside what was granted, and no file gains rights by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>

#include "guest.h"

#define LINK(g, from, old, to, new) wasi_path_link(&(g)->w, from, 0, PATH(g, old), to, PATH2(g, new))
#define RENAME(g, from, old, to, new) wasi_path_rename(&(g)->w, from, PATH(g, old), to, PATH2(g, new))
#define SYMLINK(g, target, fd, name) wasi_path_symlink(&(g)->w, PATH(g, target), fd, PATH2(g, name))

static bool exists(const struct guest *g, const char *path)
{
	struct stat st;

	return fstatat(g->top_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void what_may_only_be_read_is_not_linked_to_where_it_could_be_written(void **state)
{
	struct guest *const g = *state;
	const uint32_t all = RIGHTS_DIRECTORY, files = RIGHTS_OF_READERS;

	assert_int_equal(LINK(g, RO, "file", RW, "got"), WASI_NOTCAPABLE);
	assert_int_equal(RENAME(g, RO, "file", RW, "got"), WASI_NOTCAPABLE);
	assert_int_equal(RENAME(g, RW, "file", RO, "put"), WASI_NOTCAPABLE);
	/* Were the rights on names there, the rights on files would still differ. */
	g->w.slots[RO].base = all;
	assert_int_equal(LINK(g, RO, "file", RW, "got"), WASI_XDEV);
	assert_int_equal(RENAME(g, RO, "file", RW, "got"), WASI_XDEV);
	assert_int_equal(RENAME(g, RW, "file", RO, "put"), WASI_XDEV);
	/* And in one preopen: from a directory that hands on reading to one that hands on all. */
	assert_int_equal(wasi_path_open(&g->w, RW, 0, PATH(g, "dir"), OFLAG_DIRECTORY, all, files, 0, AT_OUT), WASI_SUCCESS);
	const uint32_t dir = guest_out(g);

	guest_file(g, "rw/dir/x", "x");
	assert_int_equal(LINK(g, dir, "x", RW, "got"), WASI_NOTCAPABLE);
	assert_int_equal(RENAME(g, dir, "x", RW, "got"), WASI_NOTCAPABLE);
	assert_int_equal(RENAME(g, RW, "file", dir, "less"), WASI_SUCCESS);
	assert_false(exists(g, "rw/got") || exists(g, "ro/put"));
}

static void nothing_outside_is_reached_by_name(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(LINK(g, RW, "../outside/secret", RW, "got"), WASI_PERM);
	assert_int_equal(LINK(g, RW, "file", RW, "../outside/put"), WASI_PERM);
	assert_int_equal(RENAME(g, RW, "../outside/secret", RW, "got"), WASI_PERM);
	assert_int_equal(RENAME(g, RW, "file", RW, "../outside/put"), WASI_PERM);
	assert_int_equal(SYMLINK(g, "file", RW, "../outside/put"), WASI_PERM);
	assert_int_equal(wasi_path_create_directory(&g->w, RW, PATH(g, "../outside/put")), WASI_PERM);
	assert_int_equal(wasi_path_unlink_file(&g->w, RW, PATH(g, "../outside/secret")), WASI_PERM);
	assert_int_equal(wasi_path_remove_directory(&g->w, RW, PATH(g, "../outside")), WASI_PERM);
	assert_int_equal(wasi_path_remove_directory(&g->w, RW, PATH(g, "..")), WASI_INVAL);
	assert_int_equal(wasi_path_readlink(&g->w, RW, PATH(g, "../outside/secret"), AT_BYTES, 64, AT_OUT), WASI_PERM);
	assert_true(exists(g, "outside/secret") && !exists(g, "outside/put") && !exists(g, "rw/got"));
}

static void a_link_to_the_outside_is_not_followed_on_the_way(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(SYMLINK(g, "../outside", RW, "link"), WASI_SUCCESS);
	assert_int_equal(wasi_path_unlink_file(&g->w, RW, PATH(g, "link/secret")), WASI_PERM);
	assert_int_equal(wasi_path_create_directory(&g->w, RW, PATH(g, "link/new")), WASI_PERM);
	assert_int_equal(RENAME(g, RW, "link/secret", RW, "got"), WASI_PERM);
	assert_int_equal(LINK(g, RW, "link/secret", RW, "got"), WASI_PERM);
	/* A slash at its end would have the kernel follow it. */
	assert_int_equal(wasi_path_remove_directory(&g->w, RW, PATH(g, "link/")), WASI_NOTDIR);
	assert_int_equal(LINK(g, RW, "link/", RW, "got"), WASI_NOTDIR);
	assert_int_equal(wasi_path_link(&g->w, RW, LOOKUP_FOLLOW, PATH(g, "link"), RW, PATH2(g, "got")), WASI_INVAL);
	assert_int_equal(LINK(g, RW, "link", RW, "link2"), WASI_SUCCESS); /* the link itself */
	assert_true(exists(g, "outside/secret") && !exists(g, "rw/got"));
}

static void an_absolute_target_is_refused(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(SYMLINK(g, "/etc/passwd", RW, "link"), WASI_PERM);
	assert_int_equal(SYMLINK(g, "/", RW, "link"), WASI_PERM);
	assert_int_equal(SYMLINK(g, "", RW, "link"), WASI_NOENT);
	assert_int_equal(SYMLINK(g, "anywhere/else", RW, "link"), WASI_SUCCESS);
	assert_int_equal(SYMLINK(g, "x", RW, "link"), WASI_EXIST);
}

static void a_directory_to_read_is_left_as_it_is(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(wasi_path_create_directory(&g->w, RO, PATH(g, "new")), WASI_NOTCAPABLE);
	assert_int_equal(wasi_path_unlink_file(&g->w, RO, PATH(g, "file")), WASI_NOTCAPABLE);
	assert_int_equal(wasi_path_remove_directory(&g->w, RO, PATH(g, "dir")), WASI_NOTCAPABLE);
	assert_int_equal(SYMLINK(g, "file", RO, "link"), WASI_NOTCAPABLE);
	assert_int_equal(RENAME(g, RO, "file", RO, "other"), WASI_NOTCAPABLE);
	assert_int_equal(LINK(g, RO, "file", RO, "other"), WASI_NOTCAPABLE);
	assert_int_equal(wasi_path_filestat_set_times(&g->w, RO, 0, PATH(g, "file"), 0, 0, FSTFLAG_MTIM), WASI_NOTCAPABLE);
}

static void names_are_made_and_removed(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(wasi_path_create_directory(&g->w, RW, PATH(g, "new/")), WASI_SUCCESS);
	assert_int_equal(wasi_path_create_directory(&g->w, RW, PATH(g, "new")), WASI_EXIST);
	assert_int_equal(RENAME(g, RW, "file", RW, "new/file"), WASI_SUCCESS);
	assert_int_equal(wasi_path_remove_directory(&g->w, RW, PATH(g, "new")), WASI_NOTEMPTY);
	assert_int_equal(LINK(g, RW, "new/file", RW, "again"), WASI_SUCCESS);
	assert_int_equal(LINK(g, RW, "new/file", RW, "again"), WASI_EXIST);
	assert_int_equal(LINK(g, RW, "new", RW, "directory"), WASI_PERM);
	assert_int_equal(wasi_path_unlink_file(&g->w, RW, PATH(g, "new/file")), WASI_SUCCESS);
	assert_int_equal(wasi_path_unlink_file(&g->w, RW, PATH(g, "new/file")), WASI_NOENT);
	assert_int_equal(wasi_path_remove_directory(&g->w, RW, PATH(g, "new/")), WASI_SUCCESS);
	assert_string_equal(guest_read(g, RW, "again"), "inside");
}

static void a_slash_at_the_end_means_a_directory(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(wasi_path_unlink_file(&g->w, RW, PATH(g, "file/")), WASI_NOTDIR);
	assert_int_equal(wasi_path_unlink_file(&g->w, RW, PATH(g, "dir/")), WASI_ISDIR);
	assert_int_equal(wasi_path_unlink_file(&g->w, RW, PATH(g, "dir")), WASI_ISDIR);
	assert_int_equal(wasi_path_remove_directory(&g->w, RW, PATH(g, "file/")), WASI_NOTDIR);
	assert_int_equal(RENAME(g, RW, "file/", RW, "other"), WASI_NOTDIR);
	assert_int_equal(RENAME(g, RW, "file", RW, "other/"), WASI_NOTDIR);
	assert_int_equal(RENAME(g, RW, "dir/", RW, "other/"), WASI_SUCCESS);
	assert_int_equal(LINK(g, RW, "file", RW, "link/"), WASI_NOENT);
	assert_int_equal(SYMLINK(g, "file", RW, "link/"), WASI_NOENT);
	assert_int_equal(SYMLINK(g, "file", RW, "other/"), WASI_EXIST);
	assert_int_equal(SYMLINK(g, "file", RW, "file/"), WASI_EXIST);
	assert_int_equal(LINK(g, RW, "file", RW, "other/"), WASI_EXIST);
}

static void a_link_is_read_and_cut_to_its_buffer(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(SYMLINK(g, "some/where", RW, "link"), WASI_SUCCESS);
	assert_int_equal(wasi_path_readlink(&g->w, RW, PATH(g, "link"), AT_BYTES, 64, AT_OUT), WASI_SUCCESS);
	assert_int_equal(guest_out(g), 10);
	assert_memory_equal(g->memory + AT_BYTES, "some/where", 10);
	assert_int_equal(wasi_path_readlink(&g->w, RW, PATH(g, "link"), AT_BYTES, 4, AT_OUT), WASI_SUCCESS);
	assert_int_equal(guest_out(g), 4);
	assert_int_equal(wasi_path_readlink(&g->w, RW, PATH(g, "link"), AT_BYTES, 0, AT_OUT), WASI_SUCCESS);
	assert_int_equal(wasi_path_readlink(&g->w, RW, PATH(g, "file"), AT_BYTES, 64, AT_OUT), WASI_INVAL);
	assert_int_equal(wasi_path_readlink(&g->w, RW, PATH(g, "link"), AT_BYTES, GUEST_MEMORY, AT_OUT), WASI_FAULT);
	assert_int_equal(wasi_path_readlink(&g->w, RW, PATH(g, "link"), AT_BYTES, 64, GUEST_MEMORY - 1), WASI_FAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST_TEST(what_may_only_be_read_is_not_linked_to_where_it_could_be_written),
		GUEST_TEST(nothing_outside_is_reached_by_name),
		GUEST_TEST(a_link_to_the_outside_is_not_followed_on_the_way),
		GUEST_TEST(an_absolute_target_is_refused),
		GUEST_TEST(a_directory_to_read_is_left_as_it_is),
		GUEST_TEST(names_are_made_and_removed),
		GUEST_TEST(a_slash_at_the_end_means_a_directory),
		GUEST_TEST(a_link_is_read_and_cut_to_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
