/* Bytes go where the guest says, within its memory, its rights and the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <poll.h>

#include "guest.h"

static uint32_t opened(struct guest *g, const char *path, uint32_t fdflags)
{
	assert_int_equal(wasi_path_open(&g->w, RW, 0, PATH(g, path), OFLAG_CREAT, RIGHTS_ALL, 0, fdflags, AT_OUT), WASI_SUCCESS);
	return guest_out(g);
}

static uint32_t put(struct guest *g, uint32_t fd, const char *text)
{
	memcpy(g->memory + AT_BYTES, text, strlen(text));
	guest_iovec(g, AT_BYTES, (uint32_t)strlen(text));
	return wasi_fd_write(&g->w, fd, AT_IOVS, 1, AT_OUT);
}

static void who_may_move_may_ask_where(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(guest_path_open(g, RW, "file", 0, RIGHT_FD_READ | RIGHT_FD_SEEK), WASI_SUCCESS);
	assert_int_equal(wasi_fd_tell(&g->w, guest_out(g), AT_OUT + 8), WASI_SUCCESS);
	assert_int_equal(wasi_fd_seek(&g->w, guest_out(g), 0, WHENCE_CUR, AT_OUT + 8), WASI_SUCCESS);
	assert_int_equal(guest_path_open(g, RW, "file", 0, RIGHT_FD_READ | RIGHT_FD_TELL), WASI_SUCCESS);
	assert_int_equal(wasi_fd_tell(&g->w, guest_out(g), AT_OUT + 8), WASI_SUCCESS);
	assert_int_equal(wasi_fd_seek(&g->w, guest_out(g), 1, WHENCE_CUR, AT_OUT + 8), WASI_NOTCAPABLE);
	assert_int_equal(guest_path_open(g, RW, "file", 0, RIGHT_FD_READ), WASI_SUCCESS);
	assert_int_equal(wasi_fd_tell(&g->w, guest_out(g), AT_OUT + 8), WASI_NOTCAPABLE);
}

static void what_is_written_is_read_again(void **state)
{
	struct guest *const g = *state;
	const uint32_t fd = opened(g, "new", 0);

	assert_int_equal(put(g, fd, "hello"), WASI_SUCCESS);
	assert_int_equal(guest_out(g), 5);
	assert_int_equal(wasi_fd_tell(&g->w, fd, AT_OUT), WASI_SUCCESS);
	assert_int_equal(memory_get64(g->memory + AT_OUT), 5);
	assert_int_equal(wasi_fd_seek(&g->w, fd, (uint64_t)-2, WHENCE_END, AT_OUT), WASI_SUCCESS);
	assert_int_equal(wasi_fd_seek(&g->w, fd, (uint64_t)-9, WHENCE_CUR, AT_OUT), WASI_INVAL);
	assert_int_equal(wasi_fd_seek(&g->w, fd, 0, 3, AT_OUT), WASI_INVAL);
	guest_iovec(g, AT_BYTES, 64);
	assert_int_equal(wasi_fd_read(&g->w, fd, AT_IOVS, 1, AT_OUT), WASI_SUCCESS);
	assert_int_equal(guest_out(g), 2);
	assert_memory_equal(g->memory + AT_BYTES, "lo", 2);
	assert_int_equal(wasi_fd_pread(&g->w, fd, AT_IOVS, 1, 1, AT_OUT), WASI_SUCCESS);
	assert_memory_equal(g->memory + AT_BYTES, "ello", 4);
	assert_int_equal(wasi_fd_pwrite(&g->w, fd, AT_IOVS, 1, UINT64_MAX, AT_OUT), WASI_INVAL);
}

static void bytes_are_not_taken_when_nobody_can_be_told(void **state)
{
	struct guest *const g = *state;
	const uint32_t fd = opened(g, "file", 0);

	guest_iovec(g, AT_BYTES, 6);
	assert_int_equal(wasi_fd_read(&g->w, fd, AT_IOVS, 1, GUEST_MEMORY - 3), WASI_FAULT);
	assert_int_equal(wasi_fd_read(&g->w, fd, GUEST_MEMORY - 7, 1, AT_OUT), WASI_FAULT);
	guest_iovec(g, GUEST_MEMORY - 3, 6);
	assert_int_equal(wasi_fd_read(&g->w, fd, AT_IOVS, 1, AT_OUT), WASI_FAULT);
	assert_int_equal(wasi_fd_read(&g->w, fd, AT_IOVS, MEMORY_IOVECS + 1, AT_OUT), WASI_INVAL);
	assert_int_equal(wasi_fd_tell(&g->w, fd, AT_OUT), WASI_SUCCESS);
	assert_int_equal(memory_get64(g->memory + AT_OUT), 0);
}

static void a_file_opened_to_append_appends(void **state)
{
	struct guest *const g = *state;
	const uint32_t fd = opened(g, "log", FDFLAG_APPEND);

	assert_int_equal(put(g, fd, "one"), WASI_SUCCESS);
	assert_int_equal(wasi_fd_seek(&g->w, fd, 0, WHENCE_SET, AT_OUT), WASI_SUCCESS);
	assert_int_equal(put(g, fd, "two"), WASI_SUCCESS);
	assert_int_equal(wasi_fd_fdstat_set_flags(&g->w, fd, 0), WASI_SUCCESS);
	assert_int_equal(wasi_fd_seek(&g->w, fd, 0, WHENCE_SET, AT_OUT), WASI_SUCCESS);
	assert_int_equal(put(g, fd, "X"), WASI_SUCCESS);
	assert_string_equal(guest_read(g, RW, "log"), "Xnetwo");
	assert_int_equal(wasi_fd_fdstat_set_flags(&g->w, fd, FDFLAG_SYNC), WASI_NOTSUP);
	assert_int_equal(wasi_fd_fdstat_set_flags(&g->w, fd, 64), WASI_INVAL);
}

/* The open file is shared with whoever started ward. */
static void not_waiting_is_the_guests_flag_and_not_the_streams(void **state)
{
	struct guest *const g = *state;
	struct err e = ERR_INIT;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const int fd = wasi_add_stream(&g->w, ends[0], RIGHTS_ALL, &e);

	assert_int_equal(wasi_fd_fdstat_set_flags(&g->w, (uint32_t)fd, FDFLAG_NONBLOCK), WASI_SUCCESS);
	assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
	guest_iovec(g, AT_BYTES, 6);
	assert_int_equal(wasi_fd_read(&g->w, (uint32_t)fd, AT_IOVS, 1, AT_OUT), WASI_AGAIN);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(wasi_fd_read(&g->w, (uint32_t)fd, AT_IOVS, 1, AT_OUT), WASI_SUCCESS);
	assert_int_equal(guest_out(g), 1);
	close(ends[1]);
}

static void sizes_hints_and_flushes(void **state)
{
	struct guest *const g = *state;
	const uint32_t fd = opened(g, "file", 0);

	assert_int_equal(wasi_fd_allocate(&g->w, fd, 0, 100), WASI_SUCCESS);
	assert_int_equal(wasi_fd_allocate(&g->w, fd, UINT64_MAX, 100), WASI_INVAL);
	assert_int_equal(wasi_fd_advise(&g->w, fd, 0, 10, 3), WASI_SUCCESS);
	assert_int_equal(wasi_fd_advise(&g->w, fd, 0, 10, 6), WASI_INVAL);
	assert_int_equal(wasi_fd_sync(&g->w, fd), WASI_SUCCESS);
	assert_int_equal(wasi_fd_datasync(&g->w, fd), WASI_SUCCESS);
	assert_int_equal(wasi_fd_sync(&g->w, 1), WASI_NOTCAPABLE);
	assert_int_equal(wasi_fd_fdstat_get(&g->w, fd, AT_OUT), WASI_SUCCESS);
	assert_int_equal(g->memory[AT_OUT], FILETYPE_REGULAR);
	assert_int_equal(memory_get64(g->memory + AT_OUT + 8), RIGHTS_FILE);
	assert_int_equal(wasi_fd_fdstat_get(&g->w, fd, GUEST_MEMORY - 23), WASI_FAULT);
}

/* Is the file's first page in the kernel's cache? */
static bool is_cached(const struct guest *g, const char *path)
{
	const int fd = openat(g->top_fd, path, O_RDONLY | O_CLOEXEC);
	void *const page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	unsigned char in_core = 0;

	assert_ptr_not_equal(page, MAP_FAILED);
	assert_int_equal(mincore(page, 4096, &in_core), 0);
	munmap(page, 4096);
	close(fd);
	return in_core & 1;
}

static void who_may_only_read_takes_nothing_out_of_the_hosts_cache(void **state)
{
	struct guest *const g = *state;
	const int clean = openat(g->top_fd, "ro/file", O_RDONLY | O_CLOEXEC);

	assert_int_equal(fsync(clean), 0); /* what is dirty stays anyway */
	close(clean);
	assert_string_equal(guest_read(g, RO, "file"), "inside");
	assert_int_equal(guest_path_open(g, RO, "file", 0, READS | RIGHT_FD_ADVISE), WASI_SUCCESS);
	for (uint32_t advice = 0; advice < 6; advice++)
		assert_int_equal(wasi_fd_advise(&g->w, guest_out(g), 0, 0, advice), WASI_SUCCESS);
	assert_true(is_cached(g, "ro/file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST_TEST(what_is_written_is_read_again),
		GUEST_TEST(who_may_only_read_takes_nothing_out_of_the_hosts_cache),
		GUEST_TEST(who_may_move_may_ask_where),
		GUEST_TEST(bytes_are_not_taken_when_nobody_can_be_told),
		GUEST_TEST(a_file_opened_to_append_appends),
		GUEST_TEST(not_waiting_is_the_guests_flag_and_not_the_streams),
		GUEST_TEST(sizes_hints_and_flushes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
