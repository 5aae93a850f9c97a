/* Sessions of browsers. A session has two halves of 256 random bits: a cookie, which scripts cannot read, and a token, which
 * pages must show and no cookie jar holds. Either alone is worth nothing; of both a digest is kept. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "store/store_tenant.h"

#define SESSIONS_MAX    512
#define SESSIONS_EACH   16                      /* of one tenant: the one that was used longest ago goes */
#define SESSION_TEXT    65                      /* 64 hexadecimal digits and the NUL */
#define SESSION_IDLE_MS ((uint64_t)2 * 3600000) /* without a request */
#define SESSION_LIFE_MS ((uint64_t)24 * 3600000)

/* All zero is the empty table. Times are a steady clock's. */
struct sessions {
	struct session {
		struct digest cookie, token;
		char public[STORE_KEY_PUBLIC];  /* of its key; "": the row is free */
		uint64_t tenant, opened_ms, used_ms;
	} rows[SESSIONS_MAX];
};

/* Errors: ERR_SYSTEM */
MUST_USE int session_open(struct sessions *sessions, const struct store_key *key, uint64_t now_ms, char cookie[SESSION_TEXT],
			  char token[SESSION_TEXT], struct err *e);

enum session_found { SESSION_NONE, SESSION_TORN, SESSION_HELD };
/* Held: *out is its row, and it was used now. Torn: the cookie came with a token that is not its own, so somebody has it
 * who did not log in: the session has ended. */
enum session_found session_find(struct sessions *sessions, const char *cookie, const char *token, uint64_t now_ms,
				struct session **out);
/* The row that this was; NULL: it has ended. */
struct session *session_of(struct sessions *sessions, const struct digest *cookie, uint64_t now_ms);

void session_end(struct session *session);
/* All sessions of a key end; how many there were. */
size_t session_end_key(struct sessions *sessions, const char *public);
