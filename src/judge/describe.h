/* Regions of arguments in words: "arg1 is TCGETS or FIONREAD", "arg0 & 0x7e020000 is 0". Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "judge/region.h"

/* Says when a call is in the region, by number 0 to 5 of its arguments, in the terms of the call: names
 * of constants, widths the kernel reads, "(all 64 bits)" where a filter compares what the kernel throws
 * away. "any arguments" for all of them, "never" for none.
 *
 * arguments  as region_at() gives it
 * clauses    at most so many alternatives, the others are counted ("or in 7 other cases") */
void describe_arguments(struct regions *store, struct region arguments, uint32_t nr, size_t clauses,
			struct str *out);

/* A call as one would write it, with "i386: " or "x32: " before it where it is one: the numbers of other
 * architectures are not those of x86-64. out is always terminated. */
void describe_call(const struct seccomp_data *call, char *out, size_t cap);

/* A number alone: "ioctl", "600 (no such call)"; of a run: "600 to 1023 (no such calls)". */
void describe_numbers(uint32_t arch, uint32_t low, uint32_t high, char *out, size_t cap);
