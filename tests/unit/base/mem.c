/* base/mem: memory is zeroed, grows, and goes away with its scope or arena. */
#include "base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void nothing_is_something(void **state)
{
	OWN_MEM char *p = mem_alloc(0);

	(void)state;
	assert_non_null(p);
}

static void an_array_grows_and_the_new_part_is_zero(void **state)
{
	OWN_MEM uint32_t *array = NULL;
	size_t cap = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		const size_t before = cap;

		array = mem_grow(array, &cap, i + 1, sizeof(*array));
		assert_true(cap > i);
		assert_true(is_zero((unsigned char *)(array + before),
				    (cap - before) * sizeof(*array)));
		array[i] = i + 1;
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(array[i], i + 1);
}

static void pieces_of_an_arena_do_not_overlap(void **state)
{
	struct arena arena = { 0 };
	unsigned char *pieces[500];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		pieces[i] = arena_alloc(&arena, i);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		assert_true(is_zero(pieces[i], i));
		memset(pieces[i], (int)i | 1, i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		for (size_t k = 0; k < i; k++)
			assert_int_equal(pieces[i][k], (unsigned char)(i | 1));
	arena_done(&arena);
	assert_null(arena.blocks);
	arena_done(&arena);
}

static void a_piece_may_be_larger_than_a_block(void **state)
{
	struct arena arena = { 0 };
	unsigned char *const big = arena_alloc(&arena, 1 << 20);

	(void)state;
	assert_true(is_zero(big, 1 << 20));
	assert_string_equal(arena_copy(&arena, "abcdef", 3), "abc");
	assert_string_equal(arena_printf(&arena, "%s-%d", "x", 5), "x-5");
	assert_true(arena.total >= 1 << 20);
	arena_done(&arena);
}

static void taking_leaves_nothing_behind(void **state)
{
	OWN_MEM char *from = mem_alloc(4);
	OWN_MEM char *to = TAKE_PTR(from);

	(void)state;
	assert_null(from);
	assert_non_null(to);
}

static void running_out_of_memory_is_said_before_the_abort(void **state)
{
	char text[64] = "";
	int ends[2], status;
	pid_t pid;

	(void)state;
	if (SANITIZED)
		skip(); /* its allocator ends the program by itself */
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], 2);
		(void)mem_raw(SIZE_MAX / 4);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "ward: out of memory\n");
	close(ends[0]);
}

/* Deep enough that pages of it lie below what trimming spares. */
__attribute__((noinline)) static int dirty_the_stack(void)
{
	volatile char bytes[65536];

	for (size_t i = 0; i < sizeof(bytes); i += 512)
		bytes[i] = (char)(i >> 9);
	return bytes[512 * 7];
}

static void trimming_leaves_what_is_in_use(void **state)
{
	char here[16384];
	unsigned char *kept, *between;

	(void)state;
	kept = mem_alloc(100000);
	between = mem_alloc(100000);
	memset(here, 'h', sizeof(here));
	memset(kept, 'k', 100000);
	memset(between, 'b', 100000);
	free(between);
	assert_int_equal(dirty_the_stack(), 7);
	mem_trim();
	for (size_t i = 0; i < sizeof(here); i++)
		assert_int_equal(here[i], 'h');
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(kept[i], 'k');
	assert_int_equal(dirty_the_stack(), 7);
	free(kept);
}

/* The length of the heap by the kernel's list, read without allocating. */
static size_t heap_bytes(void)
{
	static char text[65536];
	const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t len = 0, bytes = 0;
	ssize_t got;

	while (fd >= 0 && (got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, "[heap]")) {
			const unsigned long low = strtoul(line, &line, 16);

			bytes += strtoul(line + 1, NULL, 16) - low;
		}
	return bytes;
}

static void children_begin_without_the_heap_that_is_kept_back(void **state)
{
	const uintptr_t thread = (uintptr_t)__builtin_thread_pointer();
	OWN_MEM char *large = mem_alloc(100000);
	const bool is_in_heap = !SANITIZED && thread < (uintptr_t)large && (uintptr_t)large - thread < 1 << 30;
	int status = -1;
	pid_t pid;

	(void)state;
	mem_keep_back();
	large[99999] = 'x';
	pid = fork();
	if (pid == 0)
		_exit(is_in_heap ? heap_bytes() > 4 * 4096 : large[99999] != 'x');
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(large[99999], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_out_of_memory_is_said_before_the_abort),
		cmocka_unit_test(nothing_is_something),
		cmocka_unit_test(an_array_grows_and_the_new_part_is_zero),
		cmocka_unit_test(pieces_of_an_arena_do_not_overlap),
		cmocka_unit_test(a_piece_may_be_larger_than_a_block),
		cmocka_unit_test(taking_leaves_nothing_behind),
		cmocka_unit_test(trimming_leaves_what_is_in_use),
		cmocka_unit_test(children_begin_without_the_heap_that_is_kept_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
