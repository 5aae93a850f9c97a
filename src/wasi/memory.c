/* Addresses of the guest to addresses of ours. Refuses what is not wholly inside. */
#include "wasi/memory.h"

#include <string.h>

#include "wasi/abi.h"

void *memory_at(const struct wasi_memory *memory, uint32_t at, uint64_t len)
{
	if (len > memory->len || at > memory->len - len)
		return NULL;
	return memory->base + at;
}

uint32_t memory_get32(const void *from)
{
	uint32_t n;

	memcpy(&n, from, sizeof(n));
	return n;
}

uint64_t memory_get64(const void *from)
{
	uint64_t n;

	memcpy(&n, from, sizeof(n));
	return n;
}

void memory_put16(void *to, uint16_t n)
{
	memcpy(to, &n, sizeof(n));
}

void memory_put32(void *to, uint32_t n)
{
	memcpy(to, &n, sizeof(n));
}

void memory_put64(void *to, uint64_t n)
{
	memcpy(to, &n, sizeof(n));
}

bool memory_store32(const struct wasi_memory *memory, uint32_t at, uint32_t n)
{
	void *const to = memory_at(memory, at, sizeof(n));

	if (to)
		memory_put32(to, n);
	return to;
}

bool memory_store64(const struct wasi_memory *memory, uint32_t at, uint64_t n)
{
	void *const to = memory_at(memory, at, sizeof(n));

	if (to)
		memory_put64(to, n);
	return to;
}

int memory_iovecs(const struct wasi_memory *memory, uint32_t at, uint32_t n, struct iovec *out, uint32_t *why)
{
	const uint8_t *const rows = memory_at(memory, at, (uint64_t)n * SIZE_IOVEC);
	uint32_t left = MEMORY_IO;

	*why = n > MEMORY_IOVECS ? WASI_INVAL : WASI_FAULT;
	if (n > MEMORY_IOVECS || !rows)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		/* Read once: the buffer may lie over the vector itself. */
		const uint32_t where = memory_get32(rows + (size_t)i * SIZE_IOVEC);
		const uint32_t len = memory_get32(rows + (size_t)i * SIZE_IOVEC + 4);
		void *const to = memory_at(memory, where, len);

		if (!to)
			return -1;
		out[i] = (struct iovec){ .iov_base = to, .iov_len = len < left ? len : left };
		left -= (uint32_t)out[i].iov_len;
	}
	*why = WASI_SUCCESS;
	return (int)n;
}

uint32_t memory_path(const struct wasi_memory *memory, uint32_t at, uint32_t len, char *out)
{
	const char *const from = memory_at(memory, at, len);

	if (!from)
		return WASI_FAULT;
	if (len >= MEMORY_PATH)
		return WASI_NAMETOOLONG;
	memcpy(out, from, len);
	out[len] = '\0';
	return strlen(out) == len ? WASI_SUCCESS : WASI_INVAL;
}
