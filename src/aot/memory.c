/* The module's memory: all that an address with an offset can reach is reserved once, and as much of it as the
 * module has is there. What is behind it faults. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "aot/aot.h"

#define PAGE_BYTES UINT64_C(65536)
#define RESERVED   ((UINT64_C(8) << 30) + PAGE_BYTES)    /* 32 bits and 32 bits, and the widest access */

static struct {
	uint8_t *base;
	uint64_t open_bytes;            /* that can be read and written */
	bool is_taken;
} place;

void aot_start_memory(void)
{
	place.base = mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (place.base == MAP_FAILED)
		abort();
}

bool aot_owns_address(uintptr_t address)
{
	return address - (uintptr_t)place.base < RESERVED;
}

static bool open_to(uint64_t bytes)
{
	if (bytes > place.open_bytes &&
	    mprotect(place.base + place.open_bytes, bytes - place.open_bytes, PROT_READ | PROT_WRITE) < 0)
		return false;
	if (bytes > place.open_bytes)
		place.open_bytes = bytes;
	return true;
}

void aot_reset_memory(void)
{
	place.is_taken = false;
	aot.memory = (struct engine_memory){ NULL, 0 };
	aot.exported = NULL;
	/* The pages are zero again. */
	if (place.open_bytes && madvise(place.base, place.open_bytes, MADV_DONTNEED) < 0)
		abort();
}

static _Noreturn void refuse(const char *what, uint64_t n)
{
	snprintf(aot.why->text, sizeof(aot.why->text), "%s of %llu", what, (unsigned long long)n);
	aot_leave();
}

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint32_t pages, uint32_t max_pages)
{
	const uint64_t bytes = pages * PAGE_BYTES;

	aot_enter_host();
	if (place.is_taken || pages > aot.memory_pages)
		refuse("a second memory, or one that is too large: pages", pages);
	/* What an earlier instance grew to is closed: an access there is one behind the memory. */
	if (place.open_bytes > bytes && mprotect(place.base + bytes, place.open_bytes - bytes, PROT_NONE) < 0)
		abort();
	if (place.open_bytes > bytes)
		place.open_bytes = bytes;
	if (!open_to(bytes))
		refuse("there is no room for a memory: bytes", bytes);
	place.is_taken = true;
	*memory = (wasm_rt_memory_t){ .data = place.base, .pages = pages, .size = (uint32_t)bytes,
				      .max_pages = max_pages < aot.memory_pages ? max_pages : (uint32_t)aot.memory_pages };
	aot_leave_host();
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint32_t pages)
{
	const uint32_t before = memory->pages;

	if (pages > memory->max_pages - before)
		return UINT32_MAX;
	aot_enter_host();
	const bool ok = open_to((before + pages) * PAGE_BYTES);
	if (ok) {
		memory->pages = before + pages;
		memory->size = (uint32_t)(memory->pages * PAGE_BYTES);
	}
	if (memory == aot.exported)
		aot.memory.len = memory->size;
	aot_leave_host();
	return ok ? before : UINT32_MAX;
}

void wasm_rt_free_memory(wasm_rt_memory_t *memory)
{
	(void)memory; /* aot_reset_memory() */
}
