/* Bytes as lower-case hexadecimal digits, and back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2 * n digits and a NUL. */
void hex_write(const uint8_t *bytes, size_t n, char *out);
/* False, with nothing written, when the text is not exactly 2 * n lower-case digits. */
bool hex_read(const char *text, size_t len, uint8_t *out, size_t n);
