/* HMAC-SHA-256 (RFC 2104). */
#pragma once

#include <stddef.h>

#include "base/sha256.h"

#define HMAC_KEY 32     /* bytes: as many as the digest has */

struct digest hmac_sha256(const uint8_t key[HMAC_KEY], const void *bytes, size_t len);
