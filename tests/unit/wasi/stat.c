/* Sizes and times are the file's, and of nothing outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guest.h"

#define STAT(g, fd, lookup, path) wasi_path_filestat_get(&(g)->w, fd, lookup, PATH(g, path), AT_OUT)
#define TIMES(g, path, a, m, flags) wasi_path_filestat_set_times(&(g)->w, RW, 0, PATH(g, path), a, m, flags)

static uint64_t field(const struct guest *g, uint32_t at)
{
	return memory_get64(g->memory + AT_OUT + at);
}

static void a_file_is_described(void **state)
{
	struct guest *const g = *state;
	struct stat st;

	assert_int_equal(STAT(g, RO, 0, "file"), WASI_SUCCESS);
	assert_int_equal(fstatat(g->top_fd, "ro/file", &st, 0), 0);
	assert_true(field(g, 8) == st.st_ino && field(g, 16) == FILETYPE_REGULAR && field(g, 24) == 1);
	assert_true(field(g, 32) == 6 && field(g, 48) / 1000000000 == (uint64_t)st.st_mtim.tv_sec);
	assert_int_equal(STAT(g, RO, 0, "../outside/secret"), WASI_PERM);
	assert_int_equal(STAT(g, RO, 2, "file"), WASI_INVAL);
	assert_int_equal(wasi_fd_filestat_get(&g->w, RO, AT_OUT), WASI_SUCCESS);
	assert_int_equal(field(g, 16), FILETYPE_DIRECTORY);
	assert_int_equal(wasi_fd_filestat_get(&g->w, RO, GUEST_MEMORY - 63), WASI_FAULT);
}

static void a_link_is_described_or_followed(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(symlinkat("file", g->w.slots[RW].fd, "link"), 0);
	assert_int_equal(symlinkat("../outside/secret", g->w.slots[RW].fd, "out"), 0);
	assert_int_equal(STAT(g, RW, 0, "link"), WASI_SUCCESS);
	assert_true(field(g, 16) == FILETYPE_SYMLINK && field(g, 32) == 4);
	assert_int_equal(STAT(g, RW, LOOKUP_FOLLOW, "link"), WASI_SUCCESS);
	assert_true(field(g, 16) == FILETYPE_REGULAR && field(g, 32) == 6);
	assert_int_equal(STAT(g, RW, 0, "out"), WASI_SUCCESS);
	assert_int_equal(STAT(g, RW, LOOKUP_FOLLOW, "out"), WASI_PERM);
}

static void a_stream_has_no_times(void **state)
{
	struct guest *const g = *state;
	const uint32_t stdin_number = 0;

	g->w.slots[stdin_number].base |= RIGHT_FD_FILESTAT_GET;
	memset(g->memory + AT_OUT, 0xff, SIZE_FILESTAT);
	assert_int_equal(wasi_fd_filestat_get(&g->w, stdin_number, AT_OUT), WASI_SUCCESS);
	assert_true(field(g, 16) == FILETYPE_CHARACTER && field(g, 32) == 0);
	assert_true(field(g, 40) == 0 && field(g, 48) == 0 && field(g, 56) == 0);
}

static void times_are_set_one_by_one(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(TIMES(g, "file", 5000000001, 7000000002, FSTFLAG_ATIM | FSTFLAG_MTIM), WASI_SUCCESS);
	assert_int_equal(TIMES(g, "file", 0, 9000000000, FSTFLAG_MTIM), WASI_SUCCESS);
	assert_int_equal(STAT(g, RW, 0, "file"), WASI_SUCCESS);
	assert_true(field(g, 40) == 5000000001 && field(g, 48) == 9000000000);
	assert_int_equal(TIMES(g, "file", 0, 0, FSTFLAG_ATIM | FSTFLAG_ATIM_NOW), WASI_INVAL);
	assert_int_equal(TIMES(g, "file", 0, 0, FSTFLAG_MTIM | FSTFLAG_MTIM_NOW), WASI_INVAL);
	assert_int_equal(TIMES(g, "file", 0, 0, 16), WASI_INVAL);
	assert_int_equal(TIMES(g, "file", 0, 0, FSTFLAG_ATIM_NOW | FSTFLAG_MTIM_NOW), WASI_SUCCESS);
	assert_int_equal(TIMES(g, "absent", 0, 0, FSTFLAG_ATIM_NOW), WASI_NOENT);
}

static void a_size_is_set_where_it_may_be(void **state)
{
	struct guest *const g = *state;
	const uint64_t rights = RIGHT_FD_WRITE | RIGHT_FD_FILESTAT_SET_SIZE | RIGHT_FD_FILESTAT_GET;

	assert_int_equal(guest_path_open(g, RW, "file", 0, rights), WASI_SUCCESS);
	const uint32_t fd = guest_out(g);

	assert_int_equal(wasi_fd_filestat_set_size(&g->w, fd, 100), WASI_SUCCESS);
	assert_int_equal(wasi_fd_filestat_set_size(&g->w, fd, UINT64_MAX), WASI_INVAL);
	assert_int_equal(wasi_fd_filestat_get(&g->w, fd, AT_OUT), WASI_SUCCESS);
	assert_int_equal(field(g, 32), 100);
	assert_int_equal(wasi_fd_filestat_set_size(&g->w, RW, 0), WASI_BADF);
	assert_int_equal(wasi_fd_filestat_set_times(&g->w, fd, 0, 0, 0), WASI_NOTCAPABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST_TEST(a_file_is_described),
		GUEST_TEST(a_link_is_described_or_followed),
		GUEST_TEST(a_stream_has_no_times),
		GUEST_TEST(times_are_set_one_by_one),
		GUEST_TEST(a_size_is_set_where_it_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
