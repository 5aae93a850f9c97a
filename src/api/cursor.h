/* Where a page of a list ended, as text a client hands back. Signed with the tenant and the filters it was made for:
 * changed, foreign or used with other filters it is no cursor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/hmac.h"
#include "store/store_list.h"

#define CURSOR_TEXT 81          /* 40 bytes in hexadecimal digits, and the NUL */

/* filter  digest of what else the list was asked for */
void cursor_write(const uint8_t key[HMAC_KEY], uint64_t tenant, const struct digest *filter, const struct store_place *place,
		  char out[CURSOR_TEXT]);
bool cursor_read(const uint8_t key[HMAC_KEY], uint64_t tenant, const struct digest *filter, const char *text,
		 struct store_place *out);
