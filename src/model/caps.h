/* Which capability a system call asks the kernel for. A confined program has none, so what it would need is
 * read off its calls and their arguments. Pure table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct caps_need {
	uint8_t cap;
	bool maybe;     /* only in some cases the arguments do not tell: a file of somebody else's */
};

/* What one call needs, at most CAPS_NEEDS; returns how many.
 *
 * port  of the address that a bind names, 0 where there is none */
#define CAPS_NEEDS 2
size_t caps_of_call(uint32_t nr, const uint64_t args[6], uint16_t port, struct caps_need out[CAPS_NEEDS]);

/* "CAP_NET_BIND_SERVICE"; NULL past the last one. */
const char *caps_name(unsigned cap);

/* What a network service typically does and needs for it, for people to compare with: the i-th row, NULL
 * past the end. */
struct caps_typical {
	uint8_t cap;
	const char *does;
};
const struct caps_typical *caps_typical_at(size_t i);
