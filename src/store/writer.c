/* The writer: takes what waits, runs it in one transaction, commits, answers. A thread of its own: a
 * commit waits for the disk, and whoever serves requests must not. While the disk works the next operations gather,
 * so that the busier the store is, the more of them share one sync; nothing is ever held back to wait for company. */
#include "store/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#define BATCH_NS  2000000
#define EARLY_OPS 8
#define LOG_PAGES 1000          /* from then on it is copied when nobody asked for anything for QUIET_NS */
#define LOG_MOST  4000          /* and from then on at once */
#define LOG_LAID  1280
#define QUIET_NS  20000000

static uint64_t real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void writer_count(struct writer *w, const struct count *more)
{
	struct fair_tenant *const tenant = fair_find(&w->fair, more->tenant);

	w->counts = mem_grow(w->counts, &w->cap_counts, w->n_counts + 1, sizeof(*w->counts));
	w->counts[w->n_counts++] = *more;
	w->fair.queued += (uint64_t)more->queued;
	if (!tenant)
		return;
	fair_running(tenant, more->running, more->memory);
	if (more->ready)
		fair_ready(&w->fair, tenant, more->class, more->ready);
}

static void uncount(struct writer *w, size_t down_to)
{
	while (w->n_counts > down_to) {
		struct count less = w->counts[w->n_counts - 1];

		less.ready = -less.ready;
		less.running = -less.running;
		less.queued = -less.queued;
		less.memory = -less.memory;
		writer_count(w, &less);
		w->n_counts -= 2;
	}
}

static void forget(struct op *op, const struct err *e)
{
	op->n_changes = 0;
	op->items = NULL;
	op->answer = (struct store_answer){ .err = *e };
}

/* Runs one inside the transaction. Returns -1 when the whole transaction is lost with it. */
static int run_one(struct writer *w, struct op *op, op_run *run, struct err *e)
{
	const size_t counted = w->n_counts;
	struct err own = ERR_INIT;
	int status;

	if (db_mark(w->db, e) < 0)
		return -1;
	status = run(w, op, &own);
	if (status == 0)
		status = db_keep(w->db, &own);
	op->answer.outcome = op->items ? op->items[0].outcome : STORE_DONE;
	if (status == 0)
		return 0;
	db_undo(w->db);
	uncount(w, counted);
	op->n_changes = 0;
	if (status < 0)
		forget(op, &own);
	else if (!db_is_in_transaction(w->db))
		return err_set(e, ERR_SYSTEM, "what was written could not be undone");
	if (db_is_in_transaction(w->db))
		return 0;
	*e = own;
	return -1;
}

static int sync_too(struct writer *w, struct err *e)
{
	const uint64_t tenant = w->sync_tenant;

	w->sync_tenant = 0;
	if (!tenant)
		return 0;
	return db_begin(w->db, true, e) < 0 || db_run(w->db, Q_USAGE_TOUCH, DB_WITH(db_number(tenant)), e) < 0
		? -1 : db_commit(w->db, e);
}

/* Runs operations until all are run or the transaction has taken long enough; *n is then how many were. */
static int run_some(struct writer *w, struct op **ops, size_t *n, struct err *e)
{
	const uint64_t until_ns = real_ns() + BATCH_NS;

	for (size_t i = 0; i < *n; i++) {
		if (run_one(w, ops[i], ops[i]->run, e) < 0)
			return -1;
		if (real_ns() > until_ns)
			*n = i + 1;
	}
	if (w->parked) {
		struct op *const claim = w->parked;

		if (run_one(w, claim, claim_again, e) < 0)
			return -1;
		if (claim->answer.err.kind)
			w->parked = NULL;
	}
	return 0;
}

/* Made in this very transaction. */
static bool is_new(struct op **ops, size_t n, const struct store_id *id)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ops[i]->answer.n_items && ops[i]->items; k++)
			if (ops[i]->items[k].outcome == STORE_DONE && ops[i]->items[k].version == 1 &&
			    memcmp(&ops[i]->items[k].id, id, sizeof(*id)) == 0)
				return true;
	return false;
}

/* Nobody was told of them, and they may be tried again. Of many the search would take as long as the disk. */
static bool may_begin(struct op **ops, size_t n, const struct store_answer *claimed)
{
	bool may = claimed->n_leases && n <= EARLY_OPS && claimed->n_leases <= EARLY_OPS;

	for (size_t i = 0; may && i < claimed->n_leases; i++)
		may = claimed->leases[i].attempt < claimed->leases[i].max_attempts && is_new(ops, n, &claimed->leases[i].hold.id);
	return may;
}

/* A job that is new begins while the disk works: so the client that waits for its end waits for one sync and not for two.
 * Whoever asked for it is answered behind the commit. If that fails nobody knows of the job, and what its holder writes
 * is refused as of one that is not his. */
static void tell_early(struct writer *w, struct op **ops, size_t n, struct op *claim)
{
	const struct store_answer *const claimed = &claim->answer;
	struct store_lease *leases;
	struct op *early;

	if (w->parked == claim || claimed->err.kind != ERR_NONE || !may_begin(ops, n, claimed))
		return;
	early = op_new(NULL, 0, claim->done, claim->at);
	leases = arena_alloc(&early->arena, claimed->n_leases * sizeof(*leases));
	for (size_t i = 0; i < claimed->n_leases; i++) {
		leases[i] = claimed->leases[i];
		leases[i].class = op_text(early, leases[i].class);
		leases[i].runtime = op_text(early, leases[i].runtime);
		leases[i].boundary = op_text(early, leases[i].boundary);
		leases[i].document = op_copy(early, leases[i].document);
	}
	early->answer.leases = leases;
	early->answer.n_leases = claimed->n_leases;
	claim->done = NULL;
	claim->is_told = true;
	writer_deliver(w->store, early);
	(void)!eventfd_write(w->store->done_fd, 1);
}

static int transact(struct writer *w, struct op **ops, size_t *n, struct err *e)
{
	struct op *const parked = w->parked;
	bool is_durable = false;

	for (size_t i = 0; i < *n; i++)
		is_durable |= ops[i]->is_durable;
	if (w->is_sick && db_heal(w->db, e) < 0)
		return -1;
	w->is_sick = false;
	if (db_begin(w->db, is_durable, e) < 0)
		return -1;
	crash_at(CRASH_BATCH_BEGUN);
	if (w->must_load && writer_load(w, e) < 0)
		return -1;
	w->must_load = false;
	if (run_some(w, ops, n, e) < 0)
		return -1;
	if (parked && is_durable)
		tell_early(w, ops, *n, parked);
	crash_at(CRASH_BATCH_COMMIT);
	if (db_commit(w->db, e) < 0 || (!is_durable && sync_too(w, e) < 0))
		return -1;
	crash_at(CRASH_BATCH_COMMITTED);
	return 0;
}

size_t writer_batch(struct writer *w, struct op **ops, size_t n)
{
	struct op *const parked = w->parked;
	struct err e = ERR_INIT;

	w->wall_ms = w->options.clock.wall_ms(w->options.clock.at);
	w->steady_ms = w->options.clock.steady_ms(w->options.clock.at);
	w->n_counts = 0;
	w->again_ms = FAIR_NONE;
	w->sync_tenant = 0;
	if (transact(w, ops, &n, &e) == 0)
		return n;
	db_rollback(w->db);
	w->is_sick |= e.sys == EIO;
	w->must_load = true;
	for (size_t i = 0; i < n; i++)
		forget(ops[i], &e);
	/* It waits on: whatever it was given is gone. One that was told already is answered. */
	w->parked = parked && !parked->is_told ? parked : NULL;
	if (parked)
		forget(parked, &ERR_INIT);
	return n;
}

void writer_deliver(struct store *store, struct op *op)
{
	if (!op->done && !op->n_changes) {
		op_free(op);
		return;
	}
	op->next = NULL;
	pthread_mutex_lock(&store->lock);
	*store->done_last = op;
	store->done_last = &op->next;
	pthread_mutex_unlock(&store->lock);
}

/* A sync that failed may have lost what was believed to lie in the log. */
static void copy_log(struct writer *w, size_t from)
{
	struct err e = ERR_INIT;

	if (db_log_pages(w->db) >= from && db_copy_log(w->db, &e) < 0)
		w->is_sick |= e.sys == EIO;
}

void writer_turn(struct store *store, struct op **ops, size_t *n)
{
	struct op *const parked = store->writer.parked;
	const uint64_t began_ns = real_ns();
	const size_t done = writer_batch(&store->writer, ops, *n);

	pthread_mutex_lock(&store->lock);
	hist_add(&store->figures.commit, (real_ns() - began_ns) / 1000);
	store->figures.operations += done;
	pthread_mutex_unlock(&store->lock);
	for (size_t i = 0; i < done; i++)
		if (ops[i] != store->writer.parked)
			writer_deliver(store, ops[i]);
	if (parked && parked != store->writer.parked)
		writer_deliver(store, parked);
	crash_at(CRASH_BATCH_ANSWERED);
	*n -= done;
	memmove(ops, ops + done, *n * sizeof(*ops));
	(void)!eventfd_write(store->done_fd, 1);
	copy_log(&store->writer, LOG_MOST);
}

/* Takes what waits, up to a batch with the *n that are left of the last one. */
size_t writer_take(struct store *store, struct op **ops, size_t n)
{
	for (; store->first && n < BATCH_OPS; store->first = store->first->next)
		ops[n++] = store->first;
	if (!store->first)
		store->last = &store->first;
	return n;
}

/* Waits until there is something or the time has come. False at the end of all. */
static bool wait_for(struct store *store, struct op **ops, size_t *n, uint64_t until_ns)
{
	const struct timespec until = { (time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000) };
	int status = 0;

	pthread_mutex_lock(&store->lock);
	while (!*n && !store->first && !store->is_closing && status != ETIMEDOUT)
		status = until_ns == UINT64_MAX ? pthread_cond_wait(&store->wake, &store->lock)
						: pthread_cond_timedwait(&store->wake, &store->lock, &until);
	*n = writer_take(store, ops, *n);
	pthread_mutex_unlock(&store->lock);
	return *n || !store->is_closing;
}

/* The earliest of the next tick, of what the parked claim waits for, and of quiet. */
static uint64_t next_ns(const struct writer *w, uint64_t tick_ns)
{
	uint64_t again_ns;

	if (db_log_pages(w->db) >= LOG_PAGES && real_ns() + QUIET_NS < tick_ns)
		tick_ns = real_ns() + QUIET_NS;
	if (!w->parked || w->again_ms == FAIR_NONE)
		return tick_ns;
	again_ns = real_ns() + (w->again_ms > w->steady_ms ? w->again_ms - w->steady_ms : 0) * 1000000;
	return again_ns < tick_ns ? again_ns : tick_ns;
}

void *writer_thread(void *at)
{
	struct store *const store = at;
	struct writer *const w = &store->writer;
	const uint64_t tick_ms = w->options.tick_ms;
	const uint64_t between_ns = tick_ms == UINT64_MAX ? UINT64_MAX : tick_ms * 1000000;
	uint64_t tick_ns = between_ns == UINT64_MAX ? UINT64_MAX : real_ns() + between_ns;
	struct op *ops[BATCH_OPS + 1];
	size_t n = 0;

	db_lay_out_log(w->db, LOG_LAID);
	while (wait_for(store, ops, &n, next_ns(w, tick_ns))) {
		if (!n)
			copy_log(w, LOG_PAGES);
		if (real_ns() >= tick_ns && n <= BATCH_OPS) {
			ops[n] = op_new(reap_run, 0, NULL, NULL);
			ops[n++]->is_durable = false;
			tick_ns = real_ns() + between_ns;
		}
		writer_turn(store, ops, &n);
		if (w->has_more && between_ns != UINT64_MAX)
			tick_ns = 0;
		w->has_more = false;
	}
	return NULL;
}
