/* Memory that is never NULL, arenas, and clean-up at the end of a scope. */
#pragma once

#include <stddef.h>

#include "base/err.h"

/* Releases what a variable holds when its scope ends. OWN(type) calls type_done(&variable). */
#define OWN_MEM __attribute__((cleanup(mem_free_at)))
#define OWN(type) __attribute__((cleanup(type##_done))) struct type

/* Hands over: yields the value and leaves the empty value behind. */
#define TAKE_PTR(p) ({ __typeof__(p) taken_ = (p); (p) = NULL; taken_; })
#define TAKE(v, none) ({ __typeof__(v) taken_ = (v); (v) = (none); taken_; })

/* Automatic variables are zeroed by the compiler (-ftrivial-auto-var-init). A large buffer that is written
 * before it is read may opt out: zeroing it would touch every page of it. */
#if __has_attribute(uninitialized)
#define NO_INIT __attribute__((uninitialized))
#else
#define NO_INIT
#endif

/* A sanitizer's runtime makes system calls of its own, so ward's own processes are not confined in such
 * a build: it is for finding bugs, not for use. */
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* "ward: out of memory" on standard error, then abort(): a bare SIGABRT would be looked for as a bug. */
_Noreturn void mem_fail(void);

/* Zeroed memory; mem_fail() when there is none (sizes are bounded where bytes come in). */
void *mem_alloc(size_t bytes) __attribute__((malloc, returns_nonnull));

/* The same, not zeroed: for what is written before it is read. */
void *mem_raw(size_t bytes) __attribute__((malloc, returns_nonnull));

/* Grows *array (elements of `size` bytes) so that it holds at least `want`; *cap is in elements. */
void *mem_grow(void *array, size_t *cap, size_t want, size_t size) __attribute__((returns_nonnull));

/* Gives memory back that is free: pages of the heap, and of the stack below the caller's frame. For a
 * process that has done most of its work and stays; what is large has pages of its own from then on, which
 * are not touched before they are used. The second leaves the heap alone. */
void mem_trim(void);
void mem_trim_stack(void);

/* Children begin without the heap that there is now: nothing in it is copied for them, and nothing in it can be lost by
 * them. For a process whose children allocate nothing; what a thread keeps for itself stays theirs. */
void mem_keep_back(void);

/* For OWN_MEM only: frees the pointer that at points to. */
void mem_free_at(void *at);

/* Many small pieces that die together. An all-zero struct is a valid, empty arena. */
struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t total;   /* bytes handed out, for callers that bound their input */
};

/* Zeroed, 16-byte aligned, lives until arena_done(); never NULL. */
void *arena_alloc(struct arena *arena, size_t bytes) __attribute__((returns_nonnull));
char *arena_copy(struct arena *arena, const char *text, size_t len) __attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull));
void arena_done(struct arena *arena);
