/* A table of fixed size, in memory alone: a restart ends all sessions. What is looked up is the digest of what was shown,
 * so that the time of a comparison tells nothing about a secret. */
#include "api/session.h"

#include <string.h>
#include <sys/random.h>

#include "base/hex.h"

static bool is_open(const struct session *session, uint64_t now_ms)
{
	return *session->public && now_ms - session->used_ms < SESSION_IDLE_MS && now_ms - session->opened_ms < SESSION_LIFE_MS;
}

void session_end(struct session *session)
{
	explicit_bzero(session, sizeof(*session));
}

/* The one to be taken: a free one, else of those of the tenant (or of all) the one that was used longest ago. */
static struct session *row_for(struct sessions *sessions, uint64_t tenant, uint64_t now_ms)
{
	struct session *free_row = NULL, *own = NULL, *any = sessions->rows;
	size_t n = 0;

	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct session *const row = &sessions->rows[i];

		if (!is_open(row, now_ms)) {
			free_row = row;
			continue;
		}
		if (row->used_ms < any->used_ms)
			any = row;
		if (row->tenant != tenant)
			continue;
		n++;
		if (!own || row->used_ms < own->used_ms)
			own = row;
	}
	return n >= SESSIONS_EACH ? own : free_row ? free_row : any;
}

static struct digest digest_of(const char *text)
{
	return sha256_of(text, strnlen(text, SESSION_TEXT));
}

int session_open(struct sessions *sessions, const struct store_key *key, uint64_t now_ms, char cookie[SESSION_TEXT],
		 char token[SESSION_TEXT], struct err *e)
{
	struct session *const row = row_for(sessions, key->tenant, now_ms);
	uint8_t bytes[64];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(e, "random bytes for a session");
	hex_write(bytes, 32, cookie);
	hex_write(bytes + 32, 32, token);
	explicit_bzero(bytes, sizeof(bytes));
	*row = (struct session){ .cookie = digest_of(cookie), .token = digest_of(token), .tenant = key->tenant,
				 .opened_ms = now_ms, .used_ms = now_ms };
	memcpy(row->public, key->public, sizeof(row->public));
	return 0;
}

struct session *session_of(struct sessions *sessions, const struct digest *cookie, uint64_t now_ms)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (is_open(&sessions->rows[i], now_ms) && digest_is(&sessions->rows[i].cookie, cookie))
			return &sessions->rows[i];
	return NULL;
}

enum session_found session_find(struct sessions *sessions, const char *cookie, const char *token, uint64_t now_ms,
				struct session **out)
{
	const struct digest shown = digest_of(cookie), second = digest_of(token);
	struct session *const session = session_of(sessions, &shown, now_ms);

	if (!session)
		return SESSION_NONE;
	if (!digest_is(&session->token, &second)) {
		session_end(session);
		return SESSION_TORN;
	}
	session->used_ms = now_ms;
	*out = session;
	return SESSION_HELD;
}

size_t session_end_key(struct sessions *sessions, const char *public)
{
	size_t n = 0;

	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (*sessions->rows[i].public && !strcmp(sessions->rows[i].public, public)) {
			session_end(&sessions->rows[i]);
			n++;
		}
	return n;
}
