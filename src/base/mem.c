/* Allocation that aborts instead of failing; arenas. No object outlives its owner. */
#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK_BYTES 4000    /* with what malloc adds, a page */
#define PAGE_BYTES  4096
#define STACK_BYTES (1 << 20)   /* more than any of our call chains takes */
#define LARGE_BYTES (128 << 10)
#define THREAD_BYTES 4096       /* more than glibc's struct pthread has */
#define HEAP_BYTES  (1ul << 30) /* the heap is not larger, and the stack further away */

struct arena_block {
	struct arena_block *next;
	size_t used, cap;
	_Alignas(16) unsigned char bytes[];
};

void mem_fail(void)
{
	/* Neither stdio nor struct err: both may want memory. */
	static const char line[] = "ward: out of memory\n";

	(void)!write(STDERR_FILENO, line, sizeof(line) - 1);
	abort();
}

void *mem_alloc(size_t bytes)
{
	void *p = calloc(1, bytes ? bytes : 1);

	if (!p)
		mem_fail();
	return p;
}

void *mem_raw(size_t bytes)
{
	void *p = malloc(bytes ? bytes : 1);

	if (!p)
		mem_fail();
	return p;
}

void *mem_grow(void *array, size_t *cap, size_t want, size_t size)
{
	size_t next, bytes;

	if (want <= *cap && array)
		return array;
	/* Twice as much each time, but what is asked for at once is given as it is. */
	if (__builtin_mul_overflow(*cap, 2, &next))
		mem_fail();
	next = next > want ? next : want > 16 ? want : 16;
	if (__builtin_mul_overflow(next, size, &bytes))
		mem_fail();
	array = realloc(array, bytes);
	if (!array)
		mem_fail();
	memset((char *)array + *cap * size, 0, (next - *cap) * size);
	*cap = next;
	return array;
}

/* Below the stack's lowest page nothing is mapped, which is no error here. Source: madvise(2), ENOMEM.
 * Never inlined: the frame would be a caller's, and what lies below that is its variables. */
__attribute__((noinline)) void mem_trim_stack(void)
{
	const uintptr_t frame = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)(PAGE_BYTES - 1);
	const uintptr_t end = frame - PAGE_BYTES; /* madvise() itself needs some */

	(void)madvise((void *)(end - STACK_BYTES), STACK_BYTES, MADV_DONTNEED);
}

void mem_trim(void)
{
#ifdef M_MMAP_THRESHOLD /* glibc's: nothing that is linked with another trims its heap */
	malloc_trim(0);
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
#endif
	mem_trim_stack();
}

/* A static program's block of its thread, which also errno is in, lies at the beginning of the heap; a dynamic one has it
 * elsewhere, and its heap is left as it is: who else keeps something there is not known. */
void mem_keep_back(void)
{
	const uintptr_t thread = (uintptr_t)__builtin_thread_pointer(), end = (uintptr_t)sbrk(0);
	const uintptr_t from = (thread + THREAD_BYTES + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);

	if (!SANITIZED && thread < end && end - thread < HEAP_BYTES && from < end)
		(void)madvise((void *)from, end - from, MADV_DONTFORK);
}

void mem_free_at(void *at)
{
	void *p;

	memcpy(&p, at, sizeof(p));
	free(p);
}

/* With whatever was there before. */
static void *take(struct arena *arena, size_t bytes)
{
	struct arena_block *block = arena->blocks;
	size_t want;

	if (__builtin_add_overflow(bytes, 15, &want))
		mem_fail();
	want &= ~(size_t)15;
	if (!block || block->cap - block->used < want) {
		const size_t cap = want > BLOCK_BYTES ? want : BLOCK_BYTES;

		block = mem_raw(sizeof(*block) + cap);
		block->used = 0;
		block->cap = cap;
		block->next = arena->blocks;
		arena->blocks = block;
	}
	block->used += want;
	arena->total += want;
	return block->bytes + block->used - want;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	return memset(take(arena, bytes), 0, bytes);
}

char *arena_copy(struct arena *arena, const char *text, size_t len)
{
	char *const copy = take(arena, len + 1);

	copy[len] = '\0';
	return memcpy(copy, text, len);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args, again;
	char *text;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	if (len < 0)
		abort();
	text = arena_alloc(arena, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	va_end(args);
	return text;
}

void arena_done(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	arena->total = 0;
}
