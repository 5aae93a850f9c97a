/* A place in a module's bytes, and what is read there. A read beyond the end leaves `bad` and yields zero. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *bytes;
	size_t at, end;
	bool bad;
};

uint8_t cursor_byte(struct cursor *in);

/* LEB128 of at most `bits`; longer forms than needed are legal up to that length.
 * Source: WebAssembly Core Specification 1.0, section 5.2.2 */
uint64_t cursor_number(struct cursor *in, unsigned bits);
