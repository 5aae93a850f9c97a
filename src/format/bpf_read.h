/* A filter as instructions: the bytes that bwrap and nsjail take, or numbers in text. */
#pragma once

#include "base/err.h"
#include "model/subject.h"

/* Adds the program as the one filter of *out.
 *
 * text  either struct sock_filter as bytes, or four numbers for each instruction (code, jt, jf, k),
 *       decimal or hexadecimal, with blanks, commas, braces and C comments between them, and their
 *       count before them or not: what `tcpdump -dd` and `-ddd` write
 * Errors: ERR_USAGE, ERR_LIMIT; naming the instruction, or the line of the text */
MUST_USE int bpf_read(const char *name, const char *text, size_t len, struct subject *out, struct err *e);
