/* Keys of tenants. What is kept of a secret is its SHA-256: it has 256 random bits, nobody guesses its way back. */
#include <string.h>
#include <sys/random.h>

#include "store/move.h"
#include "store/store_tenant.h"

#define PUBLIC_AT 3             /* "wk_" */
#define SECRET_AT 12

struct key_put {
	struct store_key key;
	struct digest secret;
};

struct key_revoke {
	uint64_t tenant;
	char public[STORE_KEY_PUBLIC];
};

/* base64url without padding (RFC 4648, section 5): 32 bytes are 43 characters. */
static void write_secret(const uint8_t bytes[32], char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	unsigned n = 0;

	for (size_t i = 0; i < 32; i++) {
		bits = bits << 8 | bytes[i];
		for (n += 8; n >= 6; n -= 6)
			*out++ = digits[bits >> (n - 6) & 63];
	}
	*out++ = digits[bits << (6 - n) & 63];
	*out = '\0';
}

int store_key_make(char text[STORE_KEY_TEXT], char public[STORE_KEY_PUBLIC], struct err *e)
{
	uint8_t bytes[40];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(e, "random bytes for a key");
	for (size_t i = 0; i < STORE_KEY_PUBLIC - 1; i++)
		public[i] = "abcdefghijkmnpqrstuvwxyz23456789"[bytes[32 + i] & 31];
	public[STORE_KEY_PUBLIC - 1] = '\0';
	memcpy(text, "wk_", PUBLIC_AT);
	memcpy(text + PUBLIC_AT, public, STORE_KEY_PUBLIC - 1);
	text[SECRET_AT - 1] = '_';
	write_secret(bytes, text + SECRET_AT);
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

static int key_run(struct writer *w, struct op *op, struct err *e)
{
	const struct key_put *const input = op->input;
	const struct store_key *const key = &input->key;
	struct store_item *const item = op_items(op, 1);
	struct db_rows *rows;
	int found = db_first(w->db, Q_STANDING, DB_WITH(db_number(key->tenant)), &rows, e);

	item->outcome = STORE_MISSING;
	if (found != 1)
		return found;
	db_end(rows);
	found = db_run(w->db, Q_KEY_INSERT,
		       DB_WITH(db_number(key->tenant), db_text(key->public), db_digest(&input->secret), db_text(key->name),
			       db_number(key->scopes), db_number(w->wall_ms), db_number(key->expires_ms)), e);
	if (found < 0)
		return -1;
	crash_at(CRASH_KEY_PUT);
	item->outcome = found ? STORE_DONE : STORE_TAKEN;
	return 0;
}

/* The secret's bytes themselves never reach the queue of operations. */
void store_key_put(struct store *store, const struct store_key *key, const char *text, store_done *done, void *at)
{
	struct op *const op = op_new(key_run, sizeof(struct key_put), done, at);
	struct key_put *const input = op->input;

	input->key = *key;
	input->key.name = op_text(op, key->name);
	input->secret = sha256_of(text, strlen(text));
	op_submit(store, op);
}

static int revoke_run(struct writer *w, struct op *op, struct err *e)
{
	const struct key_revoke *const input = op->input;
	struct store_item *const item = op_items(op, 1);
	const int changed = db_run(w->db, Q_KEY_REVOKE, DB_WITH(db_number(input->tenant), db_text(input->public)), e);

	item->outcome = changed ? STORE_DONE : STORE_MISSING;
	return changed < 0 ? -1 : 0;
}

void store_key_revoke(struct store *store, uint64_t tenant, const char *public, store_done *done, void *at)
{
	struct op *const op = op_new(revoke_run, sizeof(struct key_revoke), done, at);
	struct key_revoke *const input = op->input;

	input->tenant = tenant;
	if (strlen(public) < sizeof(input->public)) /* a longer one is nobody's, as is "" */
		memcpy(input->public, public, strlen(public));
	op_submit(store, op);
}

static void columns(struct db_rows *rows, struct arena *arena, struct store_key *out)
{
	const char *const public = db_column_text(rows, 1, arena);

	*out = (struct store_key){
		.tenant = db_column(rows, 0), .name = db_column_text(rows, 3, arena),
		.scopes = (uint32_t)db_column(rows, 4), .created_ms = db_column(rows, 5), .expires_ms = db_column(rows, 6),
		.is_revoked = db_column(rows, 7),
	};
	if (strlen(public) < sizeof(out->public))
		memcpy(out->public, public, strlen(public));
}

/* 1: there is a row; it may have ended. */
static int find(struct store *store, const char *public, struct arena *arena, struct store_key *out, struct digest *kept,
		struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(store->reader, Q_KEY_FIND, DB_WITH(db_text(public)), &rows, e);

	if (found != 1)
		return found;
	*kept = db_column_digest(rows, 2);
	columns(rows, arena, out);
	db_end(rows);
	return 1;
}

static bool has_ended(struct store *store, const struct store_key *key)
{
	return key->is_revoked || (key->expires_ms && key->expires_ms <= store->options.clock.wall_ms(store->options.clock.at));
}

int store_key_get(struct store *store, const char *public, struct arena *arena, struct store_key *out, struct err *e)
{
	struct store_key key;
	struct digest kept;
	const int found = find(store, public, arena, &key, &kept, e);

	if (found != 1 || has_ended(store, &key))
		return found < 0 ? -1 : 0;
	*out = key;
	return 1;
}

/* The whole text is hashed and compared whether or not there is a row, and in the same time wherever it differs. */
int store_key_find(struct store *store, const char *text, size_t len, struct arena *arena, struct store_key *out,
		   struct err *e)
{
	struct digest shown, kept = { .bytes = { 0 } };
	char public[STORE_KEY_PUBLIC] = "";
	struct store_key key;
	int found;

	if (len != STORE_KEY_TEXT - 1 || memcmp(text, "wk_", PUBLIC_AT) || text[SECRET_AT - 1] != '_')
		return 0;
	memcpy(public, text + PUBLIC_AT, sizeof(public) - 1);
	shown = sha256_of(text, len);
	found = find(store, public, arena, &key, &kept, e);
	if (found < 0)
		return -1;
	if (!digest_is(&shown, &kept) || !found || has_ended(store, &key))
		return 0;
	*out = key;
	return 1;
}

int store_key_list(struct store *store, uint64_t tenant, struct arena *arena, struct store_key **out, size_t *n,
		   struct err *e)
{
	struct store_key *keys = arena_alloc(arena, 1000 * sizeof(*keys));
	struct db_rows *rows;
	size_t count = 0;
	int more;

	if (db_ask(store->reader, Q_KEY_LIST, DB_WITH(db_number(tenant)), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		columns(rows, arena, &keys[count++]);
	if (more < 0)
		return -1;
	*out = keys;
	*n = count;
	return 0;
}
