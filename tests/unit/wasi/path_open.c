/* What is opened can do no more than the directory hands on, and is a file or a directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/sysmacros.h>

#include "guest.h"

static uint32_t with_flags(struct guest *g, const char *path, uint32_t lookup, uint32_t oflags, uint32_t fdflags)
{
	return wasi_path_open(&g->w, RW, lookup, PATH(g, path), oflags, READS, 0, fdflags, AT_OUT);
}

static void a_directory_to_read_gives_nothing_to_write(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(guest_path_open(g, RO, "file", 0, WRITES), WASI_NOTCAPABLE);
	assert_int_equal(guest_path_open(g, RO, "new", OFLAG_CREAT, READS), WASI_NOTCAPABLE);
	assert_int_equal(guest_path_open(g, RO, "file", OFLAG_TRUNC, READS), WASI_NOTCAPABLE);
	assert_string_equal(guest_read(g, RO, "file"), "inside");
	/* All rights but writing: what is left out stays out. */
	assert_int_equal(guest_path_open(g, RO, "file", 0, RIGHTS_ALL & ~(uint32_t)RIGHT_FD_WRITE), WASI_SUCCESS);
	const uint32_t fd = guest_out(g);

	assert_int_equal(wasi_fd_filestat_set_size(&g->w, fd, 0), WASI_NOTCAPABLE);
	assert_int_equal(wasi_fd_filestat_set_times(&g->w, fd, 0, 0, FSTFLAG_MTIM), WASI_NOTCAPABLE);
	assert_int_equal(wasi_fd_allocate(&g->w, fd, 0, 10), WASI_NOTCAPABLE);
	assert_int_equal(fcntl(g->w.slots[fd].fd, F_GETFL) & O_ACCMODE, O_RDONLY); /* the host's, too */
}

static void rights_pass_through_directories(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(guest_path_open(g, RO, "dir", OFLAG_DIRECTORY, RIGHTS_ALL & ~WRITES), WASI_SUCCESS);
	const uint32_t dir = guest_out(g);

	guest_file(g, "ro/dir/x", "x");
	assert_int_equal(guest_path_open(g, dir, "x", 0, WRITES), WASI_NOTCAPABLE);
	assert_int_equal(guest_path_open(g, dir, "../file", 0, READS), WASI_PERM);
	assert_int_equal(guest_path_open(g, dir, "x", 0, READS), WASI_SUCCESS);
	/* One asked to hand on reading alone hands on nothing else, in a directory to write. */
	assert_int_equal(wasi_path_open(&g->w, RW, 0, PATH(g, "dir"), OFLAG_DIRECTORY, RIGHTS_DIRECTORY, READS, 0, AT_OUT),
			 WASI_SUCCESS);
	assert_int_equal(guest_path_open(g, guest_out(g), "y", OFLAG_CREAT, WRITES), WASI_NOTCAPABLE);
}

/* A look at these must not wait, and opening one must not happen. */
static void pipes_devices_and_sockets_are_refused_at_once(void **state)
{
	struct guest *const g = *state;

	alarm(10); /* what hangs, fails */
	assert_int_equal(mkfifoat(g->top_fd, "rw/fifo", 0666), 0);
	assert_int_equal(mknodat(g->top_fd, "rw/socket", S_IFSOCK | 0666, 0), 0);
	assert_int_equal(symlinkat("fifo", g->w.slots[RW].fd, "link"), 0);
	for (uint32_t oflags = 0; oflags <= OFLAG_CREAT; oflags++) {
		assert_int_equal(guest_path_open(g, RW, "fifo", oflags, READS), WASI_ACCES);
		assert_int_equal(guest_path_open(g, RW, "fifo", oflags, WRITES), WASI_ACCES);
		assert_int_equal(guest_path_open(g, RW, "link", oflags, WRITES), WASI_ACCES);
		assert_int_equal(guest_path_open(g, RW, "socket", oflags, READS), WASI_ACCES);
	}
	if (mknodat(g->top_fd, "rw/zero", S_IFCHR | 0666, makedev(1, 5)) == 0)
		assert_int_equal(guest_path_open(g, RW, "zero", 0, READS), WASI_ACCES);
	else
		print_message("no device could be made here\n");
	alarm(0);
}

static void making_through_a_link_stays_inside(void **state)
{
	struct guest *const g = *state;
	struct stat st;

	assert_int_equal(symlinkat("../outside/new", g->w.slots[RW].fd, "out"), 0);
	assert_int_equal(symlinkat("dir/new", g->w.slots[RW].fd, "in"), 0);
	assert_int_equal(guest_path_open(g, RW, "out", OFLAG_CREAT, WRITES), WASI_PERM);
	assert_int_equal(guest_path_open(g, RW, "out", OFLAG_CREAT | OFLAG_EXCL, WRITES), WASI_PERM);
	assert_int_equal(fstatat(g->top_fd, "outside/new", &st, 0), -1);
	assert_int_equal(guest_path_open(g, RW, "in", OFLAG_CREAT, WRITES), WASI_SUCCESS);
	assert_int_equal(fstatat(g->top_fd, "rw/dir/new", &st, 0), 0);
}

static void a_last_link_is_followed_only_when_asked(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(symlinkat("file", g->w.slots[RW].fd, "link"), 0);
	assert_int_equal(with_flags(g, "link", LOOKUP_FOLLOW, 0, 0), WASI_SUCCESS);
	assert_int_equal(with_flags(g, "link", 0, 0, 0), WASI_LOOP);
	assert_int_equal(with_flags(g, "link", 0, OFLAG_DIRECTORY, 0), WASI_NOTDIR);
	assert_int_equal(with_flags(g, "link", 0, OFLAG_CREAT | OFLAG_EXCL, 0), WASI_EXIST);
}

static void the_flags_mean_what_posix_says(void **state)
{
	static const struct {
		const char *path;
		uint32_t oflags, why;
	} rows[] = {
		{ "file", 0, WASI_SUCCESS },
		{ "file", OFLAG_DIRECTORY, WASI_NOTDIR },
		{ "file/", 0, WASI_NOTDIR },
		{ "dir", 0, WASI_SUCCESS },
		{ "dir/", OFLAG_DIRECTORY, WASI_SUCCESS },
		{ "dir", OFLAG_CREAT, WASI_ISDIR },
		{ "dir", OFLAG_CREAT | OFLAG_EXCL, WASI_EXIST },
		{ "dir", OFLAG_TRUNC, WASI_ISDIR },
		{ "dir", OFLAG_DIRECTORY | OFLAG_CREAT, WASI_INVAL },
		{ "file", OFLAG_CREAT | OFLAG_EXCL, WASI_EXIST },
		{ "absent", 0, WASI_NOENT },
		{ "absent/x", OFLAG_CREAT, WASI_NOENT },
		{ "", 0, WASI_NOENT },
		{ "/file", 0, WASI_PERM },
		{ "file", 16, WASI_INVAL },
		{ "./dir/.//../dir/../file", 0, WASI_SUCCESS },
	};
	struct guest *const g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (with_flags(g, rows[i].path, LOOKUP_FOLLOW, rows[i].oflags, 0) != rows[i].why)
			fail_msg("%s, %u: not %u", rows[i].path, rows[i].oflags, rows[i].why);
	assert_int_equal(with_flags(g, "file", 2, 0, 0), WASI_INVAL);
	assert_int_equal(with_flags(g, "file", 0, 0, 32), WASI_INVAL);
	assert_int_equal(guest_path_open(g, RW, "dir", 0, WRITES), WASI_ISDIR);
	assert_int_equal(guest_path_open(g, RW, "dir", OFLAG_DIRECTORY, WRITES), WASI_ISDIR);
	assert_int_equal(guest_path_open(g, RW, "file", OFLAG_TRUNC, WRITES), WASI_SUCCESS);
	assert_string_equal(guest_read(g, RW, "file"), "");
}

static void a_result_that_has_no_place_opens_nothing(void **state)
{
	struct guest *const g = *state;
	const uint32_t next = g->w.next;

	assert_int_equal(wasi_path_open(&g->w, RW, 0, PATH(g, "made"), OFLAG_CREAT, WRITES, 0, 0, GUEST_MEMORY - 3),
			 WASI_FAULT);
	assert_int_equal(g->w.next, next);
	assert_int_equal(guest_path_open(g, RW, "made", 0, READS), WASI_NOENT);
}

static void without_a_free_number_nothing_is_made_or_emptied(void **state)
{
	struct guest *const g = *state;
	uint32_t n = 0;

	while (guest_path_open(g, RW, "file", 0, READS) == WASI_SUCCESS)
		n++;
	assert_int_equal(n, WASI_SLOTS - 5);
	assert_int_equal(guest_path_open(g, RW, "file", OFLAG_TRUNC, WRITES), WASI_MFILE);
	assert_int_equal(guest_path_open(g, RW, "made", OFLAG_CREAT, WRITES), WASI_MFILE);
	assert_int_equal(wasi_fd_close(&g->w, 0), WASI_SUCCESS);
	assert_int_equal(guest_path_open(g, RW, "made", 0, READS), WASI_NOENT);
	assert_string_equal(guest_read(g, RW, "file"), "inside");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST_TEST(a_directory_to_read_gives_nothing_to_write),
		GUEST_TEST(rights_pass_through_directories),
		GUEST_TEST(pipes_devices_and_sockets_are_refused_at_once),
		GUEST_TEST(making_through_a_link_stays_inside),
		GUEST_TEST(a_last_link_is_followed_only_when_asked),
		GUEST_TEST(the_flags_mean_what_posix_says),
		GUEST_TEST(without_a_free_number_nothing_is_made_or_emptied),
		GUEST_TEST(a_result_that_has_no_place_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
