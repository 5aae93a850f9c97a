/* A guest's numbers reach nothing but what it was given, with the rights it was given. */
#include "wasi/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "guest.h"

static void what_is_not_in_the_table_is_no_descriptor(void **state)
{
	struct guest *const g = *state;

	for (uint32_t fd = 0; fd < 2000; fd++)
		if (fd > RO)
			assert_int_equal(wasi_fd_close(&g->w, fd), WASI_BADF);
	assert_int_equal(wasi_fd_close(&g->w, UINT32_MAX), WASI_BADF);
	/* The host's number of the directory is none of the guest's. */
	assert_int_equal(wasi_fd_fdstat_get(&g->w, (uint32_t)g->top_fd + 100, AT_OUT), WASI_BADF);
}

static void a_number_is_not_soon_another_file(void **state)
{
	struct guest *const g = *state;
	uint32_t first;

	assert_int_equal(guest_path_open(g, RW, "file", 0, READS), WASI_SUCCESS);
	first = guest_out(g);
	assert_int_equal(wasi_fd_close(&g->w, first), WASI_SUCCESS);
	assert_int_equal(guest_path_open(g, RW, "file", 0, READS), WASI_SUCCESS);
	assert_int_not_equal(guest_out(g), first);
	assert_int_equal(wasi_fd_read(&g->w, first, AT_IOVS, 0, AT_OUT), WASI_BADF);
}

static void descriptors_have_a_bound(void **state)
{
	struct guest *const g = *state;
	uint32_t opened = 0, why;

	while ((why = guest_path_open(g, RW, "file", 0, READS)) == WASI_SUCCESS && opened < 1000)
		opened++;
	assert_int_equal(why, WASI_MFILE);
	assert_int_equal(opened, WASI_SLOTS - 5);
	assert_int_equal(wasi_fd_close(&g->w, RO), WASI_SUCCESS);
	assert_int_equal(guest_path_open(g, RW, "file", 0, READS), WASI_SUCCESS);
	assert_int_equal(guest_out(g), RO);
}

static void renumbering_stays_in_the_table(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(wasi_fd_renumber(&g->w, RW, RW), WASI_SUCCESS);
	assert_int_equal(wasi_fd_renumber(&g->w, 99, RW), WASI_BADF);
	assert_int_equal(wasi_fd_renumber(&g->w, RW, WASI_SLOTS), WASI_BADF);
	assert_int_equal(wasi_fd_renumber(&g->w, RW, WASI_SLOTS - 1), WASI_BADF);
	assert_int_equal(wasi_fd_renumber(&g->w, RW, UINT32_MAX), WASI_BADF);
	/* A directory that may only be read gains nothing by another's number. */
	assert_int_equal(wasi_fd_renumber(&g->w, RO, RW), WASI_SUCCESS);
	assert_int_equal(wasi_fd_fdstat_get(&g->w, RO, AT_OUT), WASI_BADF);
	assert_int_equal(guest_path_open(g, RW, "new", OFLAG_CREAT, WRITES), WASI_NOTCAPABLE);
}

static void rights_only_shrink(void **state)
{
	struct guest *const g = *state;
	const uint64_t reads = RIGHT_PATH_OPEN | RIGHT_FD_READDIR;

	assert_int_equal(wasi_fd_fdstat_set_rights(&g->w, RO, reads | RIGHT_PATH_CREATE_FILE, READS), WASI_NOTCAPABLE);
	assert_int_equal(wasi_fd_fdstat_set_rights(&g->w, RW, UINT64_MAX, 0), WASI_NOTCAPABLE);
	assert_int_equal(wasi_fd_fdstat_set_rights(&g->w, RW, reads, READS), WASI_SUCCESS);
	assert_int_equal(wasi_fd_fdstat_set_rights(&g->w, RW, reads | RIGHT_PATH_SYMLINK, READS), WASI_NOTCAPABLE);
	assert_int_equal(guest_path_open(g, RW, "file", 0, WRITES), WASI_NOTCAPABLE);
	assert_string_equal(guest_read(g, RW, "file"), "inside");
}

static void calls_name_the_wrong_kind_of_descriptor(void **state)
{
	struct guest *const g = *state;

	guest_iovec(g, AT_BYTES, 1);
	assert_int_equal(wasi_fd_read(&g->w, RW, AT_IOVS, 1, AT_OUT), WASI_BADF);
	assert_int_equal(wasi_fd_write(&g->w, RW, AT_IOVS, 1, AT_OUT), WASI_BADF);
	assert_int_equal(wasi_fd_seek(&g->w, RW, 0, WHENCE_SET, AT_OUT), WASI_BADF);
	assert_int_equal(guest_path_open(g, 1, "file", 0, READS), WASI_NOTDIR);
	assert_int_equal(wasi_fd_readdir(&g->w, 1, AT_BYTES, 10, 0, AT_OUT), WASI_NOTDIR);
	assert_int_equal(wasi_sock_shutdown(&g->w, 1, SD_RD), WASI_NOTSOCK);
}

static void the_kernels_own_file_systems_are_no_directories(void **state)
{
	static const char *const paths[] = { "/proc", "/proc/self", "/proc/self/fd", "/sys", "/sys/kernel" };
	struct guest *const g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct err e = ERR_INIT;
		const int fd = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			continue;
		assert_int_equal(wasi_add_directory(&g->w, fd, "/x", false, &e), -1);
		assert_int_equal(e.kind, ERR_DENIED);
		assert_int_equal(fcntl(fd, F_GETFD), -1); /* taken, and closed */
	}
}

static void a_directory_is_no_stream_and_a_stream_no_directory(void **state)
{
	struct guest *const g = *state;
	struct err e = ERR_INIT;

	assert_int_equal(wasi_add_stream(&g->w, open("/tmp", O_RDONLY | O_CLOEXEC), RIGHTS_ALL, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_int_equal(wasi_add_directory(&g->w, open("/dev/null", O_RDONLY | O_CLOEXEC), "/x", false, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
}

static void a_stream_cannot_do_what_sockets_can(void **state)
{
	struct guest *const g = *state;
	struct err e = ERR_INIT;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const int number = wasi_add_stream(&g->w, ends[0], RIGHTS_ALL, &e);

	close(ends[1]);
	assert_int_equal(wasi_fd_fdstat_get(&g->w, (uint32_t)number, AT_OUT), WASI_SUCCESS);
	assert_int_equal(memory_get64(g->memory + AT_OUT + 8), RIGHTS_STREAM);
	assert_int_equal(wasi_fd_seek(&g->w, (uint32_t)number, 0, WHENCE_SET, AT_OUT), WASI_SPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST_TEST(what_is_not_in_the_table_is_no_descriptor),
		GUEST_TEST(a_number_is_not_soon_another_file),
		GUEST_TEST(descriptors_have_a_bound),
		GUEST_TEST(renumbering_stays_in_the_table),
		GUEST_TEST(rights_only_shrink),
		GUEST_TEST(calls_name_the_wrong_kind_of_descriptor),
		GUEST_TEST(the_kernels_own_file_systems_are_no_directories),
		GUEST_TEST(a_directory_is_no_stream_and_a_stream_no_directory),
		GUEST_TEST(a_stream_cannot_do_what_sockets_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
