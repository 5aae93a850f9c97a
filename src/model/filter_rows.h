/* What the compiler and the judge must agree on: the true width of a test, the turn of a row.
 * Private to filter*.c. */
#pragma once

#include "model/filter.h"

enum filter_fit { FIT_DEPENDS, FIT_ALWAYS, FIT_NEVER };

/* The x32 range of numbers: bit 30, arch/x86/include/asm/unistd.h. */
#define FILTER_X32 0x40000000u

/* Cuts mask and value of *test to the argument's width. A value that is a negative number of that
 * width (AT_FDCWD) is that number; any other that does not fit can never be equal.
 * out  valid when the result depends on the argument */
enum filter_fit filter_narrow(uint32_t nr, const struct filter_test *test, struct filter_test *out);

/* Which rows of a call are tried before which; within a turn, in the order they were added. */
enum filter_turn { TURN_FIRST, TURN_SECOND, TURN_LAST, TURNS };
enum filter_turn filter_turn(const struct filter_row *row);

/* A copy that asks nobody: FILTER_NOTIFY becomes FILTER_ERRNO, report is off. out is the empty set. */
void filter_set_silence(const struct filter_set *from, struct filter_set *out);

/* The SECCOMP_RET_* word of a row, NULL = otherwise: what filter_build() writes for it. */
uint32_t filter_word(const struct filter_set *set, const struct filter_row *row);
