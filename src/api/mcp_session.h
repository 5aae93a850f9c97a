/* Ids of sessions of the Model Context Protocol. A session holds nothing but the numbers of its messages apart from those
 * of others, so nothing is kept of it: its id is signed, with the key that it was given to. */
#pragma once

#include <stdbool.h>

#include "api/hmac.h"
#include "base/err.h"

#define MCP_SESSION 65  /* 64 hexadecimal digits and the NUL */

/* public  part of the API key
 * Errors: ERR_SYSTEM */
MUST_USE int mcp_session_make(const uint8_t key[HMAC_KEY], const char *public, char out[MCP_SESSION], struct err *e);
bool mcp_session_is(const uint8_t key[HMAC_KEY], const char *public, const char *text);
