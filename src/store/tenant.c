/* Tenants and their counters. */
#include "store/store_tenant.h"

#include <string.h>

#include "store/move.h"

#define SWEEP 10               /* seconds of requests that a bucket holds */

static int put_known(struct writer *w, const struct store_tenant *t, struct store_item *item, struct err *e)
{
	const int changed = db_run(w->db, Q_TENANT_UPDATE,
				   DB_WITH(db_text(t->name), db_number(t->is_suspended), db_number(t->weight),
					   db_number(t->threat), db_text(t->boundary_min), db_number(t->max_queued),
					   db_number(t->max_running), db_number(t->starts_per_s),
					   db_number(t->requests_per_s), db_number(t->cpu_ms_per_day),
					   db_number(t->blob_bytes), db_number(t->retention_ms),
					   db_bytes(t->policy.at, t->policy.len), db_text(t->suspended_why),
					   db_number(t->memory_bytes), db_number(t->sessions),
					   db_number(t->kept_bytes), db_number(t->audit_keep_ms), db_number(t->id)), e);

	if (changed < 0)
		return -1;
	item->outcome = changed ? STORE_DONE : STORE_MISSING;
	item->number = t->id;
	return 0;
}

static int put_new(struct writer *w, const struct store_tenant *t, struct store_item *item, struct err *e)
{
	struct db_rows *rows;

	if (db_first(w->db, Q_TENANT_INSERT,
		     DB_WITH(db_text(t->name), db_number(t->is_suspended), db_number(t->weight), db_number(t->threat),
			     db_text(t->boundary_min), db_number(t->max_queued), db_number(t->max_running),
			     db_number(t->starts_per_s), db_number(t->requests_per_s), db_number(t->cpu_ms_per_day),
			     db_number(t->blob_bytes), db_number(t->retention_ms),
			     db_bytes(t->policy.at, t->policy.len), db_number(w->wall_ms),
			     db_text(t->suspended_why), db_number(t->memory_bytes), db_number(t->sessions),
			     db_number(t->kept_bytes), db_number(t->audit_keep_ms)), &rows, e) != 1)
		return -1;
	item->number = db_column(rows, 0);
	db_end(rows);
	return db_run_one(w->db, Q_USAGE_INSERT, DB_WITH(db_number(item->number)), e);
}

static int tenant_run(struct writer *w, struct op *op, struct err *e)
{
	const struct store_tenant *const t = op->input;
	struct store_item *const item = op_items(op, 1);
	struct db_rows *rows;
	const int found = db_first(w->db, Q_TENANT_FIND, DB_WITH(db_text(t->name)), &rows, e);

	if (found < 0)
		return -1;
	if (found && db_column(rows, 0) != t->id)
		item->outcome = STORE_TAKEN;
	if (found)
		db_end(rows);
	if (!t->weight || t->weight > 1000 || !*t->name || strlen(t->name) > STORE_NAME_MAX)
		return err_set(e, ERR_USAGE, "a tenant has a name of 1 to %d bytes and a weight from 1 to 1000", STORE_NAME_MAX);
	if (item->outcome == STORE_TAKEN)
		return 0;
	if ((t->id ? put_known(w, t, item, e) : put_new(w, t, item, e)) < 0)
		return -1;
	crash_at(CRASH_TENANT_PUT);
	return writer_load(w, e);
}

void store_tenant_put(struct store *store, const struct store_tenant *tenant, store_done *done, void *at)
{
	struct op *const op = op_new(tenant_run, sizeof(struct store_tenant), done, at);
	struct store_tenant *const t = op->input;

	*t = *tenant;
	t->name = op_text(op, tenant->name);
	t->boundary_min = op_text(op, tenant->boundary_min);
	t->policy = op_copy(op, tenant->policy);
	/* A reason goes with what it is the reason of. */
	t->suspended_why = tenant->is_suspended ? op_text(op, tenant->suspended_why) : "";
	op_submit(store, op);
}

static void columns(struct db_rows *rows, struct arena *arena, struct store_tenant *out)
{
	*out = (struct store_tenant){
		.id = db_column(rows, 0), .name = db_column_text(rows, 1, arena), .is_suspended = db_column(rows, 2),
		.weight = (uint32_t)db_column(rows, 3), .threat = (enum store_threat)db_column(rows, 4),
		.boundary_min = db_column_text(rows, 5, arena), .max_queued = db_column(rows, 6),
		.max_running = db_column(rows, 7), .starts_per_s = db_column(rows, 8),
		.requests_per_s = db_column(rows, 9), .cpu_ms_per_day = db_column(rows, 10),
		.blob_bytes = db_column(rows, 11), .retention_ms = db_column(rows, 12),
		.policy = db_column_bytes(rows, 13, arena), .created_ms = db_column(rows, 14),
		.suspended_why = db_column_text(rows, 15, arena), .memory_bytes = db_column(rows, 16),
		.sessions = db_column(rows, 17), .kept_bytes = db_column(rows, 18), .audit_keep_ms = db_column(rows, 19),
	};
}

static int read_one(struct store *store, enum query query, struct db_value of, struct arena *arena,
		    struct store_tenant *out, struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(store->reader, query, &of, 1, &rows, e);

	if (found != 1)
		return found;
	columns(rows, arena, out);
	db_end(rows);
	return 1;
}

int store_tenant_get(struct store *store, uint64_t id, struct arena *arena, struct store_tenant *out, struct err *e)
{
	return read_one(store, Q_TENANT_READ, db_number(id), arena, out, e);
}

int store_tenant_find(struct store *store, const char *name, struct arena *arena, struct store_tenant *out,
		      struct err *e)
{
	return read_one(store, Q_TENANT_FIND, db_text(name), arena, out, e);
}

int store_tenant_list(struct store *store, uint64_t after, size_t limit, struct arena *arena,
		      struct store_tenant **out, size_t *n, struct err *e)
{
	struct store_tenant *const tenants = arena_alloc(arena, (limit + 1) * sizeof(*tenants));
	struct db_rows *rows;
	size_t count = 0;
	int more;

	if (db_ask(store->reader, Q_TENANT_LIST, DB_WITH(db_number(after), db_number(limit)), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		columns(rows, arena, &tenants[count++]);
	if (more < 0)
		return -1;
	*out = tenants;
	*n = count;
	return 0;
}

static int read_endings(struct store *store, uint64_t tenant, struct store_usage *out, struct err *e)
{
	const struct db_value of = db_number(tenant);
	struct db_rows *rows;
	int more = db_ask(store->reader, tenant ? Q_ENDINGS_READ : Q_ENDINGS_ALL, &of, tenant ? 1 : 0, &rows, e);

	if (more < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1) {
		const uint64_t state = db_column(rows, 0);

		if (state < JOB_STATES)
			out->ended[state] = db_column(rows, 1);
	}
	return more;
}

int store_usage_get(struct store *store, uint64_t tenant, struct store_usage *out, struct err *e)
{
	const uint64_t today = store->options.clock.wall_ms(store->options.clock.at) / DAY_MS;
	const struct db_value of = db_number(tenant);
	struct store_usage usage;
	struct db_rows *rows;
	const int found = db_first(store->reader, tenant ? Q_USAGE_READ : Q_USAGE_ALL, &of, tenant ? 1 : 0, &rows, e);

	if (found != 1)
		return found;
	usage = (struct store_usage){
		.queued = db_column(rows, 0), .running = db_column(rows, 1), .created = db_column(rows, 2),
		.cpu_us_today = db_column(rows, 3) == today ? db_column(rows, 4) : 0, .cpu_us = db_column(rows, 5),
		.wall_us = db_column(rows, 6), .blobs = db_column(rows, 7), .blob_bytes = db_column(rows, 8),
		.memory_bytes = db_column(rows, 9), .sessions = db_column(rows, 10), .output_bytes = db_column(rows, 11),
	};
	db_end(rows);
	if (read_endings(store, tenant, &usage, e) < 0)
		return -1;
	*out = usage;
	return 1;
}

uint64_t store_queue_oldest_ms(struct store *store, uint64_t tenant)
{
	const struct db_value of = db_number(tenant);
	const uint64_t now = store->options.clock.wall_ms(store->options.clock.at);
	struct err ignored;
	struct db_rows *rows;
	uint64_t oldest;

	if (db_first(store->reader, tenant ? Q_QUEUE_OLDEST_OF : Q_QUEUE_OLDEST, &of, tenant ? 1 : 0, &rows, &ignored) != 1)
		return 0;
	oldest = db_column(rows, 0);
	db_end(rows);
	return oldest && oldest < now ? now - oldest : 0;
}

int store_ledger_get(struct store *store, struct store_ledger *out, struct err *e)
{
	struct db_rows *rows;

	if (db_first(store->reader, Q_LEDGER, NULL, 0, &rows, e) != 1)
		return -1;
	*out = (struct store_ledger){ db_column(rows, 0), db_column(rows, 1), db_column(rows, 2) };
	db_end(rows);
	return 0;
}

/* One bucket a tenant, sorted by nothing: there are few, and the last one used is the likeliest. */
struct rate {
	uint64_t tenant, milli, at_ms;
};

static struct rate *rate_of(struct store *store, const struct store_tenant *tenant, uint64_t now_ms)
{
	for (size_t i = 0; i < store->n_rates; i++)
		if (store->rates[i].tenant == tenant->id)
			return &store->rates[i];
	store->rates = mem_grow(store->rates, &store->cap_rates, store->n_rates + 1, sizeof(*store->rates));
	store->rates[store->n_rates] = (struct rate){ tenant->id, tenant->requests_per_s * SWEEP * 1000, now_ms };
	return &store->rates[store->n_rates++];
}

uint64_t store_request_take(struct store *store, const struct store_tenant *tenant)
{
	const uint64_t now_ms = store->options.clock.steady_ms(store->options.clock.at);
	const uint64_t per_s = tenant->requests_per_s, most = per_s * SWEEP * 1000;
	struct rate *const rate = per_s ? rate_of(store, tenant, now_ms) : NULL;
	uint64_t passed;

	if (!rate)
		return 0;
	passed = now_ms - rate->at_ms;
	rate->milli = passed >= SWEEP * 1000 || rate->milli + passed * per_s > most ? most : rate->milli + passed * per_s;
	rate->at_ms = now_ms;
	if (rate->milli < 1000)
		return (1000 - rate->milli + per_s - 1) / per_s;
	rate->milli -= 1000;
	return 0;
}
