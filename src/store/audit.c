/* The chain: each row's digest covers the row and the digest before it, so that a row that was changed, taken out
 * or put in between shows. That the newest rows were cut off shows only to who noted a digest elsewhere. The oldest go when a tenant's are kept for a time: a checkpoint
 * then holds the digest that the chain begins with. */
#include <string.h>

#include "store/move.h"
#include "store/store_tenant.h"

#define AUDIT_PIECE 257 /* rows that are looked at in one go */
#define AUDIT_ROWS 1000 /* and by who has the time */

static struct digest digest_of(const struct store_audit *row)
{
	struct sha256 hash;

	sha256_init(&hash);
	sha256_add(&hash, row->before.bytes, SHA256_BYTES);
	sha256_add_number(&hash, row->tenant);
	sha256_add_number(&hash, row->seq);
	sha256_add_number(&hash, row->at_ms);
	sha256_add_field(&hash, row->actor, strlen(row->actor));
	sha256_add_field(&hash, row->action, strlen(row->action));
	sha256_add_field(&hash, row->subject, strlen(row->subject));
	sha256_add_field(&hash, row->detail.at, row->detail.len);
	return sha256_end(&hash);
}

int audit_add(struct writer *w, uint64_t tenant, const struct store_audit *entry, uint64_t *seq, struct err *e)
{
	struct store_audit row = *entry;
	struct db_rows *rows;
	const int found = db_first(w->db, Q_AUDIT_LAST, DB_WITH(db_number(tenant)), &rows, e);

	if (found < 0)
		return -1;
	row.tenant = tenant;
	row.at_ms = w->wall_ms;
	row.seq = 1;
	row.before = (struct digest){ .bytes = { 0 } };
	if (found) {
		row.seq = db_column(rows, 0) + 1;
		row.before = db_column_digest(rows, 1);
		db_end(rows);
	}
	row.digest = digest_of(&row);
	if (seq)
		*seq = row.seq;
	return db_run_one(w->db, Q_AUDIT_INSERT,
			  DB_WITH(db_number(tenant), db_number(row.seq), db_number(row.at_ms), db_text(row.actor),
				  db_text(row.action), db_text(row.subject), db_bytes(row.detail.at, row.detail.len),
				  db_digest(&row.before), db_digest(&row.digest)), e);
}

static int audit_run(struct writer *w, struct op *op, struct err *e)
{
	const struct store_audit *const entry = op->input;
	struct store_item *const item = op_items(op, 1);
	struct db_rows *rows;
	const int found = db_first(w->db, Q_STANDING, DB_WITH(db_number(entry->tenant)), &rows, e);

	item->outcome = STORE_MISSING;
	if (found != 1)
		return found;
	db_end(rows);
	item->outcome = STORE_DONE;
	return audit_add(w, entry->tenant, entry, &item->number, e);
}

void store_audit_append(struct store *store, const struct store_audit *entry, store_done *done, void *at)
{
	struct op *const op = op_new(audit_run, sizeof(struct store_audit), done, at);
	struct store_audit *const copy = op->input;

	*copy = *entry;
	copy->actor = op_text(op, entry->actor);
	copy->action = op_text(op, entry->action);
	copy->subject = op_text(op, entry->subject);
	copy->detail = op_copy(op, entry->detail);
	op_submit(store, op);
}

int store_audit_list(struct store *store, uint64_t tenant, uint64_t after_seq, size_t limit, struct arena *arena,
		     struct store_audit **out, size_t *n, struct err *e)
{
	struct store_audit *const list = arena_alloc(arena, (limit + 1) * sizeof(*list));
	struct db_rows *rows;
	size_t count = 0;
	int more;

	if (db_ask(store->reader, Q_AUDIT_LIST, DB_WITH(db_number(tenant), db_number(after_seq), db_number(limit)), &rows,
		   e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		list[count++] = (struct store_audit){
			.tenant = db_column(rows, 0), .seq = db_column(rows, 1), .at_ms = db_column(rows, 2),
			.actor = db_column_text(rows, 3, arena), .action = db_column_text(rows, 4, arena),
			.subject = db_column_text(rows, 5, arena), .detail = db_column_bytes(rows, 6, arena),
			.before = db_column_digest(rows, 7), .digest = db_column_digest(rows, 8),
		};
	if (more < 0)
		return -1;
	*out = list;
	*n = count;
	return 0;
}

int store_checkpoint_get(struct store *store, uint64_t tenant, struct store_checkpoint *out, struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(store->reader, Q_CHECKPOINT_READ, DB_WITH(db_number(tenant)), &rows, e);

	if (found != 1)
		return found;
	*out = (struct store_checkpoint){ db_column(rows, 0), db_column(rows, 1), db_column_digest(rows, 2) };
	db_end(rows);
	return 1;
}

/* The oldest rows of one chain that are past their time, a piece of them; never the newest of all, which the next one
 * refers to. seq 0: there are none. */
static int find_old(struct writer *w, uint64_t tenant, uint64_t keep_ms, struct store_checkpoint *out, struct err *e)
{
	struct store_checkpoint last = { .seq = 0 };
	struct db_rows *rows;
	int more;

	if (db_ask(w->db, Q_AUDIT_AGES, DB_WITH(db_number(tenant), db_number(AUDIT_PIECE)), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1) {
		*out = last; /* somebody stands behind it */
		last = (struct store_checkpoint){ db_column(rows, 0), db_column(rows, 1), db_column_digest(rows, 2) };
		if (last.at_ms + keep_ms >= w->wall_ms)
			break;
	}
	if (more == 1)
		db_end(rows);
	return more < 0 ? -1 : 0;
}

int audit_reap(struct writer *w, size_t *n, struct err *e)
{
	struct db_rows *rows;
	uint64_t tenant = 0;
	int found;

	*n = 0;
	while ((found = db_first(w->db, Q_AUDIT_KEEPERS, DB_WITH(db_number(tenant)), &rows, e)) == 1) {
		struct store_checkpoint old = { .seq = 0 };
		uint64_t keep_ms;
		int gone;

		tenant = db_column(rows, 0);
		keep_ms = db_column(rows, 1);
		db_end(rows);
		if (find_old(w, tenant, keep_ms, &old, e) < 0)
			return -1;
		if (!old.seq)
			continue;
		if (db_run_one(w->db, Q_CHECKPOINT_PUT,
			       DB_WITH(db_number(tenant), db_number(old.seq), db_number(old.at_ms), db_digest(&old.digest)), e) < 0)
			return -1;
		gone = db_run(w->db, Q_AUDIT_FORGET, DB_WITH(db_number(tenant), db_number(old.seq)), e);
		if (gone < 0)
			return -1;
		*n += (size_t)gone;
	}
	return found;
}

/* Rows may go while one looks: what is behind the checkpoint now has been looked at, or will not be. 1: it moved on. */
static int catch_up(struct store *store, uint64_t tenant, struct store_audit_walk *walk, struct err *e)
{
	struct store_checkpoint from = { .seq = 0 };

	if (store_checkpoint_get(store, tenant, &from, e) < 0)
		return -1;
	if (from.seq <= walk->seq)
		return 0;
	*walk = (struct store_audit_walk){ from.seq, from.digest };
	return 1;
}

static bool follows(const struct store_audit_walk *walk, const struct store_audit *row)
{
	const struct digest digest = digest_of(row);

	return row->seq == walk->seq + 1 && digest_is(&row->before, &walk->digest) && digest_is(&row->digest, &digest);
}

int store_audit_walk(struct store *store, uint64_t tenant, size_t most, struct store_audit_walk *walk, uint64_t *broken,
		     struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	struct store_audit *rows;
	size_t n;

	if (catch_up(store, tenant, walk, e) < 0 || store_audit_list(store, tenant, walk->seq, most, &arena, &rows, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!follows(walk, &rows[i])) {
			const int moved = i ? 0 : catch_up(store, tenant, walk, e);

			*broken = rows[i].seq;
			return moved < 0 ? -1 : moved ? STORE_MORE : 0;
		}
		*walk = (struct store_audit_walk){ rows[i].seq, rows[i].digest };
	}
	return n ? STORE_MORE : 1;
}

int store_audit_check(struct store *store, uint64_t tenant, uint64_t *broken, struct err *e)
{
	struct store_audit_walk walk = { .seq = 0 };
	int found;

	do
		found = store_audit_walk(store, tenant, AUDIT_ROWS, &walk, broken, e);
	while (found == STORE_MORE);
	return found;
}
