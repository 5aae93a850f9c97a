/* A directory is listed whole, in whatever pieces the guest asks, and nothing above it shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guest.h"

/* How many entries there are, read with a buffer of that size; the inode of ".." goes out. */
static uint32_t count(struct guest *g, uint32_t fd, uint32_t size, uint64_t *above)
{
	uint64_t cookie = 0;
	uint32_t n = 0, used = size;

	while (used == size) {
		assert_int_equal(wasi_fd_readdir(&g->w, fd, AT_BYTES, size, cookie, AT_OUT), WASI_SUCCESS);
		used = guest_out(g);
		assert_true(used <= size);
		for (uint32_t at = 0; at + SIZE_DIRENT <= used;) {
			const uint8_t *const entry = g->memory + AT_BYTES + at;
			const uint32_t len = memory_get32(entry + 16);

			if (at + SIZE_DIRENT + len > used)
				break; /* cut: it comes again */
			if (len == 2 && !memcmp(entry + SIZE_DIRENT, "..", 2))
				*above = memory_get64(entry + 8);
			cookie = memory_get64(entry);
			at += SIZE_DIRENT + len;
			n++;
		}
	}
	return n;
}

static void every_entry_is_seen_once(void **state)
{
	struct guest *const g = *state;
	uint64_t above;

	for (int i = 0; i < 300; i++) {
		char name[32];

		snprintf(name, sizeof(name), "rw/dir/file-%d", i);
		guest_file(g, name, "");
	}
	assert_int_equal(guest_path_open(g, RW, "dir", OFLAG_DIRECTORY, RIGHT_FD_READDIR), WASI_SUCCESS);
	const uint32_t fd = guest_out(g);

	assert_int_equal(count(g, fd, 64, &above), 302);
	assert_int_equal(count(g, fd, 100, &above), 302);
	assert_int_equal(count(g, fd, 32768, &above), 302);
}

static void what_is_above_a_preopen_is_not_told(void **state)
{
	struct guest *const g = *state;
	uint64_t above = 0;
	struct stat st;

	assert_int_equal(count(g, RO, 4096, &above), 4);
	assert_int_equal(fstatat(g->top_fd, "ro", &st, 0), 0);
	assert_true(above == st.st_ino);
}

/* The directory has other names, and a number that outlives the preopen's. */
static void what_is_above_a_preopen_is_not_told_by_another_name(void **state)
{
	static const char *const names[] = { ".", "dir/..", "./dir/../." };
	struct guest *const g = *state;
	struct stat st;
	uint64_t above = 0;

	assert_int_equal(fstatat(g->top_fd, "rw", &st, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(guest_path_open(g, RW, names[i], OFLAG_DIRECTORY, RIGHTS_ALL & ~(uint32_t)RIGHT_FD_WRITE), WASI_SUCCESS);
		const uint32_t first = guest_out(g);

		assert_int_equal(count(g, first, 4096, &above), 4);
		assert_true(above == st.st_ino);
		assert_int_equal(wasi_fd_close(&g->w, first), WASI_SUCCESS);
	}
	assert_int_equal(guest_path_open(g, RW, "dir", OFLAG_DIRECTORY, RIGHTS_ALL & ~(uint32_t)RIGHT_FD_WRITE), WASI_SUCCESS);
	assert_int_equal(count(g, guest_out(g), 4096, &above), 2);
	assert_true(above == st.st_ino); /* that one is inside */
}

static void strange_cookies_and_buffers_do_no_harm(void **state)
{
	static const uint64_t cookies[] = { 1, 7, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_C(1) << 63 };
	struct guest *const g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cookies); i++) {
		const uint32_t why = wasi_fd_readdir(&g->w, RO, AT_BYTES, 4096, cookies[i], AT_OUT);

		assert_true(why == WASI_SUCCESS || why == WASI_INVAL || why == WASI_OVERFLOW);
	}
	assert_int_equal(wasi_fd_readdir(&g->w, RO, AT_BYTES, GUEST_MEMORY, 0, AT_OUT), WASI_FAULT);
	assert_int_equal(wasi_fd_readdir(&g->w, RO, AT_BYTES, 10, 0, GUEST_MEMORY - 1), WASI_FAULT);
	assert_int_equal(wasi_fd_readdir(&g->w, RO, AT_BYTES, 0, 0, AT_OUT), WASI_SUCCESS);
	assert_int_equal(guest_out(g), 0);
}

static void a_guest_learns_its_preopens(void **state)
{
	struct guest *const g = *state;

	assert_int_equal(wasi_fd_prestat_get(&g->w, RW, AT_OUT), WASI_SUCCESS);
	assert_int_equal(memory_get32(g->memory + AT_OUT + 4), 5);
	assert_int_equal(wasi_fd_prestat_dir_name(&g->w, RW, AT_BYTES, 5), WASI_SUCCESS);
	assert_memory_equal(g->memory + AT_BYTES, "/data", 5);
	assert_int_equal(wasi_fd_prestat_dir_name(&g->w, RW, AT_BYTES, 4), WASI_NAMETOOLONG);
	assert_int_equal(wasi_fd_prestat_dir_name(&g->w, RW, GUEST_MEMORY - 4, 5), WASI_FAULT);
	assert_int_equal(wasi_fd_prestat_get(&g->w, 0, AT_OUT), WASI_BADF);
	assert_int_equal(wasi_fd_prestat_get(&g->w, 5, AT_OUT), WASI_BADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST_TEST(every_entry_is_seen_once),
		GUEST_TEST(what_is_above_a_preopen_is_not_told),
		GUEST_TEST(what_is_above_a_preopen_is_not_told_by_another_name),
		GUEST_TEST(strange_cookies_and_buffers_do_no_harm),
		GUEST_TEST(a_guest_learns_its_preopens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
