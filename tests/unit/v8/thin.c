/* v8/thin: what a fork asks for lies together, and what it gives back is nothing that it still has. */
#include "v8/thin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define PAGE ((uintptr_t)4096)
#define PIECES 64

static int by_address(const void *a, const void *b)
{
	const uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

/* On how many pages these begin. */
static size_t pages_of(uintptr_t *pieces, size_t n)
{
	size_t pages = 1;

	qsort(pieces, n, sizeof(*pieces), by_address);
	for (size_t i = 1; i < n; i++)
		pages += pieces[i] / PAGE != pieces[i - 1] / PAGE;
	return pages;
}

/* One small piece of each size in a row, as an engine asks for them. */
static size_t pages_for_small_pieces(void)
{
	static uintptr_t pieces[PIECES];

	for (size_t i = 0; i < PIECES; i++)
		pieces[i] = (uintptr_t)malloc(32 + i * 8);
	return pages_of(pieces, PIECES);
}

/* A gap of some size on each of many pages, as a warm engine leaves them. */
static void leave_gaps(void)
{
	static void *volatile gaps[1024], *volatile between;    /* or the compiler would leave them out */

	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++) {
		gaps[i] = malloc(32 + i % PIECES * 8);
		between = malloc(4000);
	}
	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++)
		free(gaps[i]);
	(void)between;
}

/* A sanitizer's runtime has an allocator and a stack of its own. */
static void skip_if_sanitized(void)
{
	if (SANITIZED)
		skip();
}

static void what_is_asked_for_after_it_lies_together(void **state)
{
	size_t together = 0;

	(void)state;
	skip_if_sanitized();
	for (size_t i = 0; i < PIECES; i++)
		together += 32 + i * 8 + 16;
	leave_gaps();
	assert_true(pages_for_small_pieces() > PIECES / 2); /* else there are no gaps to speak of */
	leave_gaps();
	thin_before_forks();
	assert_true(pages_for_small_pieces() <= together / PAGE + 3);
}

static bool is_resident(uintptr_t at)
{
	unsigned char there = 0;

	return mincore((void *)(at & ~(PAGE - 1)), PAGE, &there) == 0 && (there & 1);
}

/* Some pages below the caller's. */
static __attribute__((noinline)) void go_deep(uintptr_t *middle)
{
	volatile char bytes[64 * 4096];

	for (size_t i = 0; i < sizeof(bytes); i += PAGE)
		bytes[i] = 1;
	*middle = (uintptr_t)&bytes[sizeof(bytes) / 2];
}

static void what_is_in_use_stays_and_the_dead_stack_goes(void **state)
{
	const size_t len = (size_t)1 << 20;
	char *kept;
	volatile char here[8192];
	uintptr_t deep;

	(void)state;
	skip_if_sanitized();
	kept = malloc(len);
	go_deep(&deep);
	assert_non_null(kept);
	memset(kept, 7, len);
	for (size_t i = 0; i < sizeof(here); i++)
		here[i] = (char)i;
	assert_true(is_resident(deep));
	thin_at_rest();
	assert_false(is_resident(deep));
	for (size_t i = 0; i < len; i++)
		assert_true(kept[i] == 7);
	for (size_t i = 0; i < sizeof(here); i++)
		assert_true(here[i] == (char)i);
	free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for_after_it_lies_together),
		cmocka_unit_test(what_is_in_use_stays_and_the_dead_stack_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
