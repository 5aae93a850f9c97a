/* A guest without an engine: memory, a directory it may write, one it may read, and a place outside with
 * what it must not reach. Include it behind cmocka.h. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "wasi/abi.h"
#include "wasi/wasi.h"

#define GUEST_MEMORY 65536
#define AT_PATH 1024u           /* where paths are put in its memory */
#define AT_PATH2 8192u
#define AT_OUT 16u              /* where results go */
#define AT_IOVS 256u
#define AT_BYTES 20000u
#define RW 3u                   /* preopens */
#define RO 4u

struct guest {
	struct wasi w;
	uint8_t memory[GUEST_MEMORY];
	char top[64];           /* holds rw, ro, outside */
	int top_fd;
};

static inline void guest_file(const struct guest *g, const char *path, const char *text)
{
	const int fd = openat(g->top_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void guest_open(struct guest *g, const struct wasi_setup *setup)
{
	struct err e = ERR_INIT;

	*g = (struct guest){ .top_fd = -1 };
	snprintf(g->top, sizeof(g->top), "/tmp/ward-wasi-XXXXXX");
	assert_non_null(mkdtemp(g->top));
	g->top_fd = open(g->top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(mkdirat(g->top_fd, (const char *const[]){ "rw", "ro", "outside", "rw/dir", "ro/dir" }[i],
					 0755), 0);
	guest_file(g, "rw/file", "inside");
	guest_file(g, "ro/file", "inside");
	guest_file(g, "outside/secret", "OUTSIDE");
	wasi_init(&g->w, setup);
	g->w.memory = (struct wasi_memory){ .base = g->memory, .len = sizeof(g->memory) };
	for (int i = 0; i < 3; i++)
		assert_int_equal(wasi_add_stream(&g->w, open("/dev/null", O_RDWR | O_CLOEXEC),
						 RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_POLL_FD_READWRITE, &e), i);
	assert_int_equal(wasi_add_directory(&g->w, openat(g->top_fd, "rw", O_RDONLY | O_CLOEXEC), "/data", true, &e), RW);
	assert_int_equal(wasi_add_directory(&g->w, openat(g->top_fd, "ro", O_RDONLY | O_CLOEXEC), "/in", false, &e), RO);
}

static inline int guest_begin(void **state)
{
	static struct guest guest;

	guest_open(&guest, &(struct wasi_setup){ .argv = NULL });
	*state = &guest;
	return 0;
}

static inline int guest_end(void **state)
{
	struct guest *const g = *state;
	char command[128];

	wasi_done(&g->w);
	close(g->top_fd);
	snprintf(command, sizeof(command), "rm -rf %s", g->top);
	return system(command);
}

#define GUEST_TEST(f) cmocka_unit_test_setup_teardown(f, guest_begin, guest_end)

/* A path in the guest's memory, as the two arguments of a call. */
static inline uint32_t guest_put(struct guest *g, uint32_t at, const char *text)
{
	memcpy(g->memory + at, text, strlen(text));
	return (uint32_t)strlen(text);
}
#define PATH(g, text) AT_PATH, guest_put(g, AT_PATH, text)
#define PATH2(g, text) AT_PATH2, guest_put(g, AT_PATH2, text)

static inline uint32_t guest_out(const struct guest *g)
{
	return memory_get32(g->memory + AT_OUT);
}

#define READS (RIGHT_FD_READ | RIGHT_FD_SEEK | RIGHT_FD_TELL | RIGHT_FD_FILESTAT_GET)
#define WRITES (READS | RIGHT_FD_WRITE)

static inline uint32_t guest_path_open(struct guest *g, uint32_t fd, const char *path, uint32_t oflags, uint64_t base)
{
	return wasi_path_open(&g->w, fd, LOOKUP_FOLLOW, PATH(g, path), oflags, base, RIGHTS_ALL, 0, AT_OUT);
}

/* A vector of one buffer. */
static inline void guest_iovec(struct guest *g, uint32_t at, uint32_t len)
{
	memory_put32(g->memory + AT_IOVS, at);
	memory_put32(g->memory + AT_IOVS + 4, len);
}

/* What can be read there, as a text; "" when it cannot be opened. */
static inline const char *guest_read(struct guest *g, uint32_t fd, const char *path)
{
	memset(g->memory + AT_BYTES, 0, 64);
	if (guest_path_open(g, fd, path, 0, READS) != WASI_SUCCESS)
		return "";
	const uint32_t number = guest_out(g);

	guest_iovec(g, AT_BYTES, 63);
	assert_int_equal(wasi_fd_read(&g->w, number, AT_IOVS, 1, AT_OUT), WASI_SUCCESS);
	assert_int_equal(wasi_fd_close(&g->w, number), WASI_SUCCESS);
	return (const char *)g->memory + AT_BYTES;
}
