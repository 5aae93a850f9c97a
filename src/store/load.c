/* The counters in memory, from the rows: when the store is opened, when a tenant changed, after a transaction that
 * failed. */
#include "store/writer.h"

static int load_tenants(struct writer *w, struct err *e)
{
	struct db_rows *rows;
	int more;

	if (db_ask(w->db, Q_FAIR_LOAD, NULL, 0, &rows, e) < 0)
		return -1;
	w->fair.queued = 0;
	while ((more = db_next(rows, e)) == 1) {
		const uint32_t weight = (uint32_t)db_column(rows, 1);
		struct fair_tenant *const tenant = fair_put(&w->fair, db_column(rows, 0), weight ? weight : 1,
							    db_column(rows, 2), db_column(rows, 3), w->steady_ms);

		tenant->has_cpu_quota = db_column(rows, 4);
		tenant->is_blocked = false;
		tenant->is_suspended = db_column(rows, 7);
		tenant->running = db_column(rows, 5);
		tenant->memory_max = db_column(rows, 8);
		tenant->memory = db_column(rows, 9);
		tenant->is_short = false;
		w->fair.queued += db_column(rows, 6);
		for (size_t i = 0; i < tenant->n_classes; i++)
			fair_ready(&w->fair, tenant, tenant->classes[i].name, -(int64_t)tenant->classes[i].ready);
	}
	return more;
}

int writer_load(struct writer *w, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	struct db_rows *rows;
	int more;

	if (load_tenants(w, e) < 0 || db_ask(w->db, Q_QUEUE_COUNT, NULL, 0, &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1) {
		struct fair_tenant *const tenant = fair_find(&w->fair, db_column(rows, 0));

		if (tenant)
			fair_ready(&w->fair, tenant, db_column_text(rows, 1, &arena), (int64_t)db_column(rows, 2));
	}
	return more;
}
