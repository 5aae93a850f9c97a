/* What is read of detection: lists, the stream, a day in figures. */
#include "store/store_alert.h"

#include <string.h>

#include "store/writer.h"

int store_signal_list(struct store *store, uint64_t tenant, const struct store_id *job, struct arena *arena,
		      struct store_signal **out, size_t *n, struct err *e)
{
	struct store_signal *const list = arena_alloc(arena, 257 * sizeof(*list));
	struct db_rows *rows;
	size_t count = 0;
	int more;

	if (db_ask(store->reader, Q_SIGNAL_LIST, DB_WITH(db_number(tenant), db_id(job)), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		list[count++] = (struct store_signal){
			.kind = db_column_text(rows, 0, arena), .at_ms = db_column(rows, 1),
			.weight = (uint32_t)db_column(rows, 2), .n = db_column(rows, 3),
			.evidence = db_column_bytes(rows, 4, arena),
		};
	if (more < 0)
		return -1;
	*out = list;
	*n = count;
	return 0;
}

static void columns(struct db_rows *rows, struct arena *arena, struct store_alert *out)
{
	*out = (struct store_alert){
		.tenant = db_column(rows, 0), .id = db_column(rows, 1), .at_ms = db_column(rows, 2),
		.job = db_column_id(rows, 3), .level = (uint32_t)db_column(rows, 4), .score = (uint32_t)db_column(rows, 5),
		.action = (uint32_t)db_column(rows, 6), .title = db_column_text(rows, 7, arena),
		.evidence = db_column_bytes(rows, 8, arena), .acked_ms = db_column(rows, 9),
		.acked_by = db_column_text(rows, 10, arena),
	};
}

/* Those of one tenant by its part of the key, those of all by the other index. */
static int ask(struct store *store, enum query of_one, enum query of_all, uint64_t tenant, uint64_t place, size_t limit,
	       struct db_rows **rows, struct err *e)
{
	if (!tenant)
		return db_ask(store->reader, of_all, DB_WITH(db_number(place), db_number(limit)), rows, e);
	return db_ask(store->reader, of_one, DB_WITH(db_number(tenant), db_number(place), db_number(limit)), rows, e);
}

static bool is_wanted(const struct store_alert_filter *filter, struct db_rows *rows)
{
	const uint64_t level = db_column(rows, 4), acked_ms = db_column(rows, 9);

	return (!filter->levels || (level < 32 && filter->levels >> level & 1)) && !(filter->only_open && acked_ms) &&
	       !(filter->only_acked && !acked_ms);
}

int store_alert_list(struct store *store, uint64_t tenant, const struct store_alert_filter *filter, uint64_t before,
		     size_t limit, struct arena *arena, struct store_alert **out, size_t *n, uint64_t *next, struct err *e)
{
	struct store_alert *const list = arena_alloc(arena, (limit + 1) * sizeof(*list));
	size_t count = 0, seen = 0;
	struct db_rows *rows;
	uint64_t last = 0;
	int more;

	if (ask(store, Q_ALERT_LIST, Q_ALERT_LIST_ALL, tenant, before ? before : INT64_MAX, STORE_SCAN_MAX + 1, &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1) {
		last = db_column(rows, 1);
		if (is_wanted(filter, rows))
			columns(rows, arena, &list[count++]);
		if (++seen == STORE_SCAN_MAX || count == limit)
			break;
	}
	if (more == 1)
		more = db_next(rows, e); /* whether anything is behind it */
	else
		last = 0;
	db_end(more == 1 ? rows : NULL);
	if (more < 0)
		return -1;
	*out = list;
	*n = count;
	*next = more == 1 ? last : 0;
	return 0;
}

int store_alert_after(struct store *store, uint64_t tenant, uint64_t after, size_t limit, struct arena *arena,
		      struct store_alert **out, size_t *n, struct err *e)
{
	struct store_alert *const list = arena_alloc(arena, (limit + 1) * sizeof(*list));
	struct db_rows *rows;
	size_t count = 0;
	int more;

	if (ask(store, Q_ALERT_AFTER, Q_ALERT_AFTER_ALL, tenant, after, limit, &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		columns(rows, arena, &list[count++]);
	if (more < 0)
		return -1;
	*out = list;
	*n = count;
	return 0;
}

int store_alert_get(struct store *store, uint64_t tenant, uint64_t id, struct arena *arena, struct store_alert *out,
		    struct err *e)
{
	struct db_rows *rows;
	const int found = tenant ? db_first(store->reader, Q_ALERT_READ, DB_WITH(db_number(tenant), db_number(id)), &rows, e) :
				   db_first(store->reader, Q_ALERT_READ_ANY, DB_WITH(db_number(id)), &rows, e);

	if (found != 1)
		return found;
	columns(rows, arena, out);
	db_end(rows);
	return 1;
}

/* -- a day -- */

static int read_kinds(struct store *store, const struct db_value values[2], struct arena *arena,
		      struct store_security *out, struct err *e)
{
	struct db_rows *rows;
	int more;

	if (db_ask(store->reader, Q_KINDS_SINCE, values, 2, &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1) {
		out->kinds[out->n_kinds].name = db_column_text(rows, 0, arena);
		out->kinds[out->n_kinds].n = db_column(rows, 1);
		out->kinds[out->n_kinds++].sum = db_column(rows, 2);
	}
	return more;
}

static int read_tenants(struct store *store, const struct db_value values[2], struct arena *arena,
			struct store_security *out, struct err *e)
{
	struct db_rows *rows;
	int more;

	if (db_ask(store->reader, Q_TENANTS_SINCE, values, 2, &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1) {
		out->tenants[out->n_tenants].name = db_column_text(rows, 0, arena);
		out->tenants[out->n_tenants].score = db_column(rows, 1);
		out->tenants[out->n_tenants++].n = db_column(rows, 2);
	}
	return more;
}

static int read_calls(struct store *store, const struct db_value values[2], struct store_security *out, struct err *e)
{
	struct db_rows *rows;
	int more;

	if (db_ask(store->reader, Q_CALLS_SINCE, values, 2, &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		out->calls[out->n_calls++] = (struct store_refusal){ (uint32_t)db_column(rows, 0), db_column(rows, 1) };
	return more;
}

int store_alerts_open(struct store *store, uint64_t tenant, uint64_t open[STORE_ALERT_LEVELS], struct err *e)
{
	const struct db_value of = db_number(tenant);
	struct db_rows *rows;
	int more;

	memset(open, 0, STORE_ALERT_LEVELS * sizeof(*open));
	if (db_ask(store->reader, tenant ? Q_ALERTS_OPEN : Q_ALERTS_OPEN_ALL, &of, tenant ? 1 : 0, &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		if (db_column(rows, 0) < STORE_ALERT_LEVELS)
			open[db_column(rows, 0)] = db_column(rows, 1);
	return more;
}

int store_security(struct store *store, uint64_t tenant, uint64_t since_ms, struct arena *arena,
		   struct store_security *out, struct err *e)
{
	const struct db_value signals[] = { db_number(tenant), db_number(since_ms) };
	const struct db_value hours[] = { db_number(tenant), db_number(since_ms / 3600000) };

	*out = (struct store_security){ .n_kinds = 0 };
	return read_kinds(store, signals, arena, out, e) < 0 || read_tenants(store, signals, arena, out, e) < 0 ||
	       read_calls(store, hours, out, e) < 0 || store_alerts_open(store, tenant, out->open, e) < 0 ? -1 : 0;
}
