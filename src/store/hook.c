/* Webhooks. What is told is written in the transaction of what it tells of, so that neither is there without the other. */
#include "store/store_hook.h"

#include <string.h>

#include "base/json.h"
#include "store/move.h"
#include "store/store_alert.h"

#define GIVE_UP_MS UINT64_C(259200000)

static int put_run(struct writer *w, struct op *op, struct err *e)
{
	const struct store_hook *const hook = op->input;
	struct store_item *const item = op_items(op, 1);
	struct db_rows *rows;
	uint64_t there;

	if (db_first(w->db, Q_HOOK_COUNT, DB_WITH(db_number(hook->tenant)), &rows, e) != 1)
		return -1;
	there = db_column(rows, 0);
	db_end(rows);
	item->outcome = there >= STORE_HOOKS_MAX ? STORE_QUOTA_QUEUED : STORE_DONE;
	if (item->outcome != STORE_DONE)
		return 0;
	item->id = hook->id;
	return db_run_one(w->db, Q_HOOK_INSERT,
			  DB_WITH(db_number(hook->tenant), db_id(&hook->id), db_text(hook->url), db_number(hook->events),
				  db_number(hook->is_of_all), db_bytes(hook->secret, sizeof(hook->secret)), db_number(w->wall_ms)), e);
}

void store_hook_put(struct store *store, const struct store_hook *hook, store_done *done, void *at)
{
	struct op *const op = op_new(put_run, sizeof(*hook), done, at);
	struct store_hook *const copy = op->input;

	*copy = *hook;
	copy->url = op_text(op, hook->url);
	op_submit(store, op);
}

struct which_hook {
	uint64_t tenant;
	struct store_id hook, delivery;
};

static int remove_run(struct writer *w, struct op *op, struct err *e)
{
	const struct which_hook *const which = op->input;
	struct store_item *const item = op_items(op, 1);
	const int n = db_run(w->db, Q_HOOK_DELETE, DB_WITH(db_number(which->tenant), db_id(&which->hook)), e);

	item->outcome = n > 0 ? STORE_DONE : STORE_MISSING;
	return n < 0 ? -1 : 0;
}

void store_hook_remove(struct store *store, uint64_t tenant, const struct store_id *id, store_done *done, void *at)
{
	struct op *const op = op_new(remove_run, sizeof(struct which_hook), done, at);

	*(struct which_hook *)op->input = (struct which_hook){ .tenant = tenant, .hook = *id };
	op_submit(store, op);
}

/* -- what is to be told -- */

struct listener {
	uint64_t tenant;
	struct store_id id;
};

static int tell_one(struct writer *w, const struct listener *to, const char *kind, struct store_bytes body, struct err *e)
{
	const struct store_id id = id_new_at(w->wall_ms);
	const int has_room = db_run(w->db, Q_HOOK_PENDING, DB_WITH(db_number(to->tenant), db_id(&to->id), db_number(STORE_HOOK_PENDING)), e);

	if (has_room < 0)
		return -1;
	if (!has_room)
		return db_run(w->db, Q_HOOK_DROPPED, DB_WITH(db_number(to->tenant), db_id(&to->id)), e) < 0 ? -1 : 0;
	return db_run_one(w->db, Q_DELIVERY_INSERT,
			  DB_WITH(db_number(to->tenant), db_id(&to->id), db_id(&id), db_text(kind), db_bytes(body.at, body.len),
				  db_number(w->wall_ms), db_number(w->wall_ms)), e);
}

static int tell(struct writer *w, uint64_t tenant, enum store_hook_event event, const char *kind, const struct json *json, struct err *e)
{
	struct listener to[2 * STORE_HOOKS_MAX];
	struct db_rows *rows;
	size_t n = 0;
	int more;

	if (db_ask(w->db, Q_HOOK_LISTENERS, DB_WITH(db_number(tenant), db_number(event), db_number(ARRAY_SIZE(to))), &rows, e) < 0)
		return -1;
	while ((more = db_next(rows, e)) == 1)
		to[n++] = (struct listener){ db_column(rows, 0), db_column_id(rows, 1) };
	for (size_t i = 0; i < n && more == 0; i++)
		more = tell_one(w, &to[i], kind, (struct store_bytes){ json_written(json), json->out.len }, e);
	return more;
}

/* Who is told at all? Mostly nobody is, and then there is nothing to write: 1, 0, -1. */
static int is_heard(struct writer *w, struct err *e)
{
	struct db_rows *rows;
	const int found = db_first(w->db, Q_HOOK_ANY, NULL, 0, &rows, e);

	if (found == 1)
		db_end(rows);
	return found;
}

static void begin(struct json *json, const struct writer *w, const char *kind, const char *what, const struct store_id *job)
{
	char id[STORE_ID_TEXT];

	store_id_write(job, id);
	json_put_object(json, NULL);
	json_put_text(json, "event", kind);
	json_put_u64(json, "at_ms", w->wall_ms);
	json_put_object(json, what);
	json_put_text(json, "job", id);
}

int hook_tell_job(struct writer *w, const struct store_job *job, struct err *e)
{
	OWN(json) json = JSON_NONE;
	const int heard = is_heard(w, e);

	if (heard != 1)
		return heard;
	begin(&json, w, "job.ended", "end", &job->id);
	json_put_text(&json, "name", job->name);
	json_put_text(&json, "state", job_state_name(job->state));
	json_put_text(&json, "reason", job_reason_name(job->reason));
	json_put_text(&json, "runtime", job->runtime);
	json_put_text(&json, "boundary", job->boundary);
	json_put_u64(&json, "attempt", job->attempt);
	json_put_end(&json);
	json_put_end(&json);
	return tell(w, job->tenant, STORE_HOOK_JOB, "job.ended", &json, e);
}

/* An operator hears of every tenant's. */
static int put_tenant(struct json *json, struct writer *w, uint64_t tenant, struct err *e)
{
	OWN(arena) arena = { .total = 0 };
	struct db_rows *rows;

	if (db_first(w->db, Q_TENANT_READ, DB_WITH(db_number(tenant)), &rows, e) != 1)
		return -1;
	json_put_text(json, "tenant", db_column_text(rows, 1, &arena));
	db_end(rows);
	return 0;
}

int hook_tell_alert(struct writer *w, const struct store_alert *alert, struct err *e)
{
	OWN(json) json = JSON_NONE;
	const int heard = is_heard(w, e);

	if (heard != 1)
		return heard;
	begin(&json, w, "alert.raised", "alert", &alert->job);
	if (put_tenant(&json, w, alert->tenant, e) < 0)
		return -1;
	json_put_u64(&json, "id", alert->id);
	json_put_u64(&json, "level", alert->level);
	json_put_u64(&json, "score", alert->score);
	json_put_text(&json, "title", alert->title);
	if (alert->evidence.len && alert->evidence.len < 16384)
		json_put_raw(&json, "evidence", alert->evidence.at, alert->evidence.len);
	json_put_end(&json);
	json_put_end(&json);
	return tell(w, alert->tenant, STORE_HOOK_ALERT, "alert.raised", &json, e);
}

/* -- what became of it -- */

struct tried {
	struct store_delivery of;
	uint32_t status;
	const char *why;
};

/* How long after the n-th try; the last one stays. */
static uint64_t pause_ms(uint32_t tries)
{
	static const uint64_t pauses[] = { 5000, 15000, 60000, 300000, 1800000, 7200000, 21600000, 86400000 };

	return pauses[tries < ARRAY_SIZE(pauses) ? tries : ARRAY_SIZE(pauses) - 1];
}

static int tried_run(struct writer *w, struct op *op, struct err *e)
{
	const struct tried *const tried = op->input;
	const struct store_delivery *const of = &tried->of;
	const bool is_taken = tried->status >= 200 && tried->status < 300;
	const bool is_over = is_taken || w->wall_ms > of->created_ms + GIVE_UP_MS; /* the clock may have been set back */
	struct store_item *const item = op_items(op, 1);
	const int n = db_run(w->db, Q_DELIVERY_TRIED,
			     DB_WITH(db_number(is_over ? 0 : w->wall_ms + pause_ms(of->tries)), db_number(w->wall_ms),
				     db_number(tried->status), db_text(tried->why), db_number(of->tenant), db_id(&of->hook),
				     db_id(&of->id)), e);

	item->outcome = n > 0 ? STORE_DONE : STORE_MISSING;
	if (n <= 0 || !is_over)
		return n < 0 ? -1 : 0;
	return db_run(w->db, Q_HOOK_LESS, DB_WITH(db_number(of->tenant), db_id(&of->hook)), e) < 0 ? -1 : 0;
}

void store_delivery_tried(struct store *store, const struct store_delivery *delivery, uint32_t status, const char *why,
			  store_done *done, void *at)
{
	struct op *const op = op_new(tried_run, sizeof(struct tried), done, at);

	*(struct tried *)op->input = (struct tried){ *delivery, status, op_text(op, why) };
	op_submit(store, op);
}

static int again_run(struct writer *w, struct op *op, struct err *e)
{
	const struct which_hook *const which = op->input;
	struct store_item *const item = op_items(op, 1);
	const struct db_value tenant = db_number(which->tenant), hook = db_id(&which->hook);
	struct db_rows *rows;
	const int found = db_first(w->db, Q_DELIVERY_AGAIN, DB_WITH(db_number(w->wall_ms), tenant, hook, db_id(&which->delivery)), &rows, e);

	item->outcome = found == 1 ? STORE_DONE : STORE_MISSING;
	if (found != 1)
		return found;
	db_end(rows);
	return db_run(w->db, Q_HOOK_COUNT_AGAIN, DB_WITH(tenant, hook), e) < 0 ? -1 : 0;
}

void store_delivery_again(struct store *store, uint64_t tenant, const struct store_id *hook, const struct store_id *id,
			  store_done *done, void *at)
{
	struct op *const op = op_new(again_run, sizeof(struct which_hook), done, at);

	*(struct which_hook *)op->input = (struct which_hook){ tenant, *hook, *id };
	op_submit(store, op);
}

int hook_reap(struct writer *w, size_t *n, struct err *e)
{
	const int gone = w->wall_ms < STORE_DELIVERY_KEPT ? 0 :
			 db_run(w->db, Q_DELIVERIES_FORGET, DB_WITH(db_number(w->wall_ms - STORE_DELIVERY_KEPT)), e);

	*n = gone > 0 ? (size_t)gone : 0;
	return gone < 0 ? -1 : 0;
}

/* -- reading -- */

static void copy_secret(struct db_rows *rows, int column, struct arena *arena, uint8_t out[SHA256_BYTES])
{
	const struct store_bytes bytes = db_column_bytes(rows, column, arena);

	if (bytes.len == SHA256_BYTES)
		memcpy(out, bytes.at, SHA256_BYTES);
}

int store_hook_list(struct store *store, uint64_t tenant, struct arena *arena, struct store_hook **out, size_t *n, struct err *e)
{
	struct store_hook *const hooks = arena_alloc(arena, (STORE_HOOKS_MAX + 1) * sizeof(*hooks));
	struct db_rows *rows;
	size_t count = 0;
	int more;

	if (db_ask(store->reader, Q_HOOK_LIST, DB_WITH(db_number(tenant), db_number(STORE_HOOKS_MAX)), &rows, e) < 0)
		return -1;
	for (; (more = db_next(rows, e)) == 1; count++)
		hooks[count] = (struct store_hook){
			.tenant = tenant, .id = db_column_id(rows, 0), .url = db_column_text(rows, 1, arena),
			.events = (uint32_t)db_column(rows, 2), .is_of_all = db_column(rows, 3), .created_ms = db_column(rows, 4),
			.pending = db_column(rows, 5), .dropped = db_column(rows, 6),
		};
	if (more < 0)
		return -1;
	*out = hooks;
	*n = count;
	return 0;
}

static int read_deliveries(struct db_rows *rows, size_t limit, bool is_due, struct arena *arena, struct store_delivery **out,
			   size_t *n, struct err *e)
{
	struct store_delivery *const list = arena_alloc(arena, (limit + 1) * sizeof(*list));
	size_t count = 0;
	int more;

	for (; (more = db_next(rows, e)) == 1; count++) {
		struct store_delivery *const one = &list[count];

		*one = (struct store_delivery){
			.tenant = db_column(rows, 0), .hook = db_column_id(rows, 1), .id = db_column_id(rows, 2),
			.kind = db_column_text(rows, 3, arena), .created_ms = db_column(rows, 4), .next_ms = db_column(rows, 5),
			.tries = (uint32_t)db_column(rows, 6), .ended_ms = db_column(rows, 7), .status = (uint32_t)db_column(rows, 8),
			.why = db_column_text(rows, 9, arena),
		};
		if (!is_due)
			continue;
		one->body = db_column_bytes(rows, 10, arena);
		one->url = db_column_text(rows, 11, arena);
		copy_secret(rows, 12, arena, one->secret);
	}
	if (more < 0)
		return -1;
	*out = list;
	*n = count;
	return 0;
}

int store_delivery_due(struct store *store, size_t limit, struct arena *arena, struct store_delivery **out, size_t *n, struct err *e)
{
	const uint64_t now = store->options.clock.wall_ms(store->options.clock.at);
	struct db_rows *rows;

	return db_ask(store->reader, Q_DELIVERY_DUE, DB_WITH(db_number(now), db_number(limit)), &rows, e) < 0 ? -1 :
	       read_deliveries(rows, limit, true, arena, out, n, e);
}

int store_delivery_list(struct store *store, uint64_t tenant, const struct store_id *hook, size_t limit, struct arena *arena,
			struct store_delivery **out, size_t *n, struct err *e)
{
	struct db_rows *rows;

	return db_ask(store->reader, Q_DELIVERY_LIST, DB_WITH(db_number(tenant), db_id(hook), db_number(limit)), &rows, e) < 0 ? -1 :
	       read_deliveries(rows, limit, false, arena, out, n, e);
}

int store_hook_figures(struct store *store, struct store_hook_figures *out, struct err *e)
{
	const uint64_t now = store->options.clock.wall_ms(store->options.clock.at);
	struct db_rows *rows;
	uint64_t oldest;

	if (db_first(store->reader, Q_HOOK_FIGURES, NULL, 0, &rows, e) != 1)
		return -1;
	*out = (struct store_hook_figures){ .pending = db_column(rows, 0), .dropped = db_column(rows, 1) };
	oldest = db_column(rows, 2);
	out->oldest_ms = oldest && oldest < now ? now - oldest : 0;
	db_end(rows);
	return 0;
}
