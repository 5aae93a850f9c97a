/* The guest's linear memory, seen from outside: every address is checked in 64 bits, every value is
 * copied once. Numbers in it are little endian and need no alignment. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Valid until guest code runs again: memory.grow may move it. */
struct wasi_memory {
	uint8_t *base;
	uint64_t len;
};

/* len bytes at an address of the guest; NULL: not all of them are in its memory. */
void *memory_at(const struct wasi_memory *memory, uint32_t at, uint64_t len);

/* Numbers at places that memory_at() gave. */
uint32_t memory_get32(const void *from);
uint64_t memory_get64(const void *from);
void memory_put16(void *to, uint16_t n);
void memory_put32(void *to, uint32_t n);
void memory_put64(void *to, uint64_t n);

/* Stores one number at an address; false: it is outside. */
bool memory_store32(const struct wasi_memory *memory, uint32_t at, uint32_t n);
bool memory_store64(const struct wasi_memory *memory, uint32_t at, uint64_t n);

/* The buffers of a vector of n at an address, cut where they hold more than MEMORY_IO bytes: what is
 * read or written in one call has a bound, and short counts are the caller's business anyway.
 *
 * out  of MEMORY_IOVECS
 * Returns how many, or -1 (WASI_INVAL: too many; WASI_FAULT: outside) with the number in *why */
#define MEMORY_IOVECS 1024 /* IOV_MAX of Linux */
#define MEMORY_IO (UINT32_C(64) << 20)
int memory_iovecs(const struct wasi_memory *memory, uint32_t at, uint32_t n, struct iovec *out, uint32_t *why);

/* A copy of len bytes at an address as a terminated path for openat2(2).
 *
 * out  of MEMORY_PATH
 * Returns a WASI error: FAULT, NAMETOOLONG, INVAL for a NUL in it */
#define MEMORY_PATH 4096
uint32_t memory_path(const struct wasi_memory *memory, uint32_t at, uint32_t len, char *out);
