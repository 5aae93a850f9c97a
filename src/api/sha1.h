/* SHA-1 (RFC 3174) of short texts, for the WebSocket handshake alone: it protects nothing there. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA1_BYTES 20
#define SHA1_MAX   119  /* bytes: two blocks */

/* len at most SHA1_MAX. */
void sha1_of(const void *bytes, size_t len, uint8_t out[SHA1_BYTES]);
