/* Writes of detection. Each is bounded by what it is given: a job has as many signals as there are kinds, and old
 * alerts make room for new ones. */
#include "store/store_alert.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "store/move.h"

#define HOUR_MS UINT64_C(3600000)

static int put_signals(struct writer *w, const struct store_found *found, struct err *e)
{
	for (size_t i = 0; i < found->n_signals; i++) {
		const struct store_signal *const signal = &found->signals[i];

		if (db_run(w->db, Q_SIGNAL_PUT,
			   DB_WITH(db_number(found->tenant), db_id(&found->job), db_text(signal->kind),
				   db_number(w->wall_ms), db_number(signal->weight), db_number(signal->n),
				   db_bytes(signal->evidence.at, signal->evidence.len)), e) < 0)
			return -1;
	}
	return 0;
}

static int put_refusals(struct writer *w, const struct store_found *found, struct err *e)
{
	const struct db_value tenant = db_number(found->tenant);
	const uint64_t hour = w->wall_ms / HOUR_MS;

	for (size_t i = 0; i < found->n_refusals; i++)
		if (db_run(w->db, Q_REFUSAL_ADD,
			   DB_WITH(tenant, db_number(hour), db_number(found->refusals[i].nr),
				   db_number(found->refusals[i].n)), e) < 0)
			return -1;
	if (!found->n_refusals || hour < STORE_REFUSALS_HOURS)
		return 0;
	return db_run(w->db, Q_REFUSALS_FORGET, DB_WITH(tenant, db_number(hour - STORE_REFUSALS_HOURS)), e) < 0 ? -1 : 0;
}

/* Whoever wants to hear of it does, if the alert is there, and not otherwise. */
static int tell_alert(struct writer *w, const struct store_found *found, uint64_t id, struct err *e)
{
	struct store_alert alert = *found->alert;

	alert.id = id;
	alert.tenant = found->tenant;
	alert.job = found->job;
	return hook_tell_alert(w, &alert, e);
}

static int put_alert(struct writer *w, const struct store_found *found, uint64_t *id, struct err *e)
{
	const struct store_alert *const alert = found->alert;
	struct db_rows *rows;

	if (!alert)
		return 0;
	if (db_first(w->db, Q_ALERT_INSERT,
		     DB_WITH(db_number(found->tenant), db_number(w->wall_ms), db_id(&found->job), db_number(alert->level),
			     db_number(alert->score), db_number(alert->action), db_text(alert->title),
			     db_bytes(alert->evidence.at, alert->evidence.len)), &rows, e) != 1)
		return -1;
	*id = db_column(rows, 0);
	db_end(rows);
	if (tell_alert(w, found, *id, e) < 0)
		return -1;
	if (*id <= STORE_ALERTS_KEPT)
		return 0;
	return db_run(w->db, Q_ALERTS_FORGET, DB_WITH(db_number(*id - STORE_ALERTS_KEPT)), e) < 0 ? -1 : 0;
}

static int suspend(struct writer *w, const struct store_found *found, struct err *e)
{
	const char *const why = found->suspend_why;
	const struct store_audit entry = { .actor = "detection", .action = "tenant.quarantine", .subject = "",
					   .detail = { why, why ? strlen(why) : 0 } };
	int changed;

	if (!why)
		return 0;
	changed = db_run(w->db, Q_TENANT_SUSPEND, DB_WITH(db_text(why), db_number(found->tenant)), e);
	/* One that is suspended already keeps the first reason. */
	if (changed <= 0)
		return changed;
	return audit_add(w, found->tenant, &entry, NULL, e) < 0 ? -1 : writer_load(w, e);
}

static int found_run(struct writer *w, struct op *op, struct err *e)
{
	const struct store_found *const found = op->input;
	struct store_item *const item = op_items(op, 1);
	struct job_row row;
	const int is_there = job_read(w, op, found->tenant, &found->job, &row, e);

	item->outcome = STORE_MISSING;
	if (is_there != 1)
		return is_there;
	item_set(item, STORE_DONE, &row);
	if (put_signals(w, found, e) < 0 || put_refusals(w, found, e) < 0 || put_alert(w, found, &item->number, e) < 0)
		return -1;
	crash_at(CRASH_FOUND_PUT);
	return suspend(w, found, e);
}

void store_found_put(struct store *store, const struct store_found *found, store_done *done, void *at)
{
	struct op *const op = op_new(found_run, sizeof(struct store_found), done, at);
	struct store_found *const copy = op->input;
	struct store_signal *const signals = arena_alloc(&op->arena, (found->n_signals + 1) * sizeof(*signals));

	assert(found->n_signals <= STORE_SIGNALS_MAX && found->n_refusals <= STORE_SIGNALS_MAX);
	*copy = *found;
	for (size_t i = 0; i < found->n_signals; i++) {
		signals[i] = found->signals[i];
		signals[i].kind = op_text(op, signals[i].kind);
		signals[i].evidence = op_copy(op, signals[i].evidence);
	}
	copy->signals = signals;
	copy->refusals = op_copy(op, (struct store_bytes){ found->refusals, found->n_refusals * sizeof(*found->refusals) }).at;
	if (found->alert) {
		struct store_alert *const alert = arena_alloc(&op->arena, sizeof(*alert));

		*alert = *found->alert;
		alert->title = op_text(op, alert->title);
		alert->evidence = op_copy(op, alert->evidence);
		copy->alert = alert;
	}
	if (found->suspend_why)
		copy->suspend_why = op_text(op, found->suspend_why);
	op_submit(store, op);
}

struct ack {
	uint64_t tenant, id;
	const char *by;
};

static int audit_ack(struct writer *w, const struct ack *ack, uint64_t tenant, struct err *e)
{
	char id[24];
	const struct store_audit entry = { .actor = ack->by, .action = "alert.ack", .subject = id, .detail = { "", 0 } };

	snprintf(id, sizeof(id), "%llu", (unsigned long long)ack->id);
	return audit_add(w, tenant, &entry, NULL, e);
}

static int ack_run(struct writer *w, struct op *op, struct err *e)
{
	const struct ack *const ack = op->input;
	struct store_item *const item = op_items(op, 1);
	struct db_rows *rows;
	const int found = db_first(w->db, Q_ALERT_READ_ANY, DB_WITH(db_number(ack->id)), &rows, e);
	uint64_t tenant;
	int changed;

	item->outcome = STORE_MISSING;
	if (found != 1)
		return found;
	tenant = db_column(rows, 0);
	db_end(rows);
	if (ack->tenant && tenant != ack->tenant)
		return 0;
	changed = db_run(w->db, Q_ALERT_ACK,
			 DB_WITH(db_number(w->wall_ms), db_text(ack->by), db_number(tenant), db_number(ack->id)), e);
	if (changed < 0)
		return -1;
	item->outcome = changed ? STORE_DONE : STORE_REPLAYED;
	item->number = ack->id;
	return changed ? audit_ack(w, ack, tenant, e) : 0;
}

void store_alert_ack(struct store *store, uint64_t tenant, uint64_t id, const char *by, store_done *done, void *at)
{
	struct op *const op = op_new(ack_run, sizeof(struct ack), done, at);

	*(struct ack *)op->input = (struct ack){ tenant, id, op_text(op, by) };
	op_submit(store, op);
}
