/* A system call as people write it: "socket(AF_ALG, 5, 0)", "ioctl(_, TIOCSTI)", "openat". Pure. */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct call_text {
	uint32_t arch;          /* AUDIT_ARCH_X86_64, or _I386 for "i386:102(...)" */
	uint32_t nr;            /* with bit 30 for "x32:" */
	uint64_t args[6];
	uint8_t given;          /* bit n: argument n was stated; the others are free */
};

/* Reads one call.
 *
 * An argument is a number (decimal, 0x, 0 for octal, negative), a constant ("AF_ALG"), several joined
 * by '|', or free: "_", "...", a text in quotes, NULL apart (that is 0), or an address given as "0x...".
 * Arguments that are not written are free. A call is a name or a number; a number alone may be one that
 * no call has. Negative numbers are cut to the width the kernel reads.
 *
 * Errors: ERR_USAGE, naming what is wrong and the nearest known name */
MUST_USE int call_text_read(const char *text, struct call_text *out, struct err *e);
