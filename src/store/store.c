/* Opens and closes a store, and brings answers to the thread that asked. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "store/writer.h"

static uint64_t real_wall_ms(void *at)
{
	(void)at;
	return loop_wall_ms();
}

static uint64_t real_steady_ms(void *at)
{
	(void)at;
	return loop_now_us() / 1000;
}

static uint64_t or_default(uint64_t given, uint64_t usual)
{
	return given ? given : usual;
}

static struct store_options complete(const struct store_options *given)
{
	struct store_options options = *given;

	options.lease_ms = or_default(given->lease_ms, 30000);
	options.tick_ms = or_default(given->tick_ms, 1000);
	options.backoff_ms = or_default(given->backoff_ms, 1000);
	options.max_queued = or_default(given->max_queued, 1000000);
	if (!options.clock.wall_ms)
		options.clock.wall_ms = real_wall_ms;
	if (!options.clock.steady_ms)
		options.clock.steady_ms = real_steady_ms;
	return options;
}

/* What SQLite makes itself anybody may read; what is there already keeps its mode, and gives it to the log. */
static int make_file(int dir_fd, const char *dir, struct err *e)
{
	OWN_FD int fd = openat(dir_fd, "store.db", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? err_sys(e, "%s/store.db", dir) : 0;
}

/* The lock is of the open file: it ends with the process, however that ends. */
static int lock_directory(struct store *store, const char *dir, struct err *e)
{
	OWN_FD int dir_fd = -1;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "%s", dir);
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_sys(e, "%s", dir);
	store->lock_fd = openat(dir_fd, "store.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock_fd < 0)
		return err_sys(e, "%s/store.lock", dir);
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return make_file(dir_fd, dir, e);
	return errno == EWOULDBLOCK ? err_set(e, ERR_CONFLICT, "%s is in use by another ward serve: end that one, or "
					      "give another --state", dir) : err_sys(e, "%s/store.lock", dir);
}

static int open_database(struct store *store, const char *path, struct err *e)
{
	struct writer *const w = &store->writer;

	w->wall_ms = store->options.clock.wall_ms(store->options.clock.at);
	w->steady_ms = store->options.clock.steady_ms(store->options.clock.at);
	w->boot = store_id_new();
	return db_open(path, true, &w->db, e) < 0 || schema_bring(w->db, e) < 0 || writer_load(w, e) < 0 ||
	       recover(w, e) < 0 || db_open(path, false, &store->reader, e) < 0 ? -1 : 0;
}

/* Signals are for the thread that has the loop. */
static int start_thread(struct store *store, struct err *e)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errno = pthread_create(&store->thread, NULL, writer_thread, store);
	store->has_thread = errno == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return store->has_thread ? 0 : err_sys(e, "the store's thread");
}

static struct store *make(const struct store_options *options)
{
	struct store *const store = mem_alloc(sizeof(*store));
	pthread_condattr_t steady;

	store->options = store->writer.options = complete(options);
	store->writer.store = store;
	store->lock_fd = store->done_fd = -1;
	store->last = &store->first;
	store->done_last = &store->done;
	pthread_mutex_init(&store->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&store->wake, &steady);
	pthread_condattr_destroy(&steady);
	return store;
}

int store_open(const struct store_options *options, struct store **out, struct err *e)
{
	struct store *const store = make(options);
	char path[4096];
	int status = -1;

	if (snprintf(path, sizeof(path), "%s/store.db", options->dir) >= (int)sizeof(path)) {
		err_set(e, ERR_LIMIT, "the name of the state directory is too long");
	} else if (lock_directory(store, options->dir, e) == 0) {
		crash_at(CRASH_OPEN_LOCKED);
		store->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (store->done_fd < 0)
			err_sys(e, "eventfd");
		else if (open_database(store, path, e) == 0)
			status = options->is_inline ? 0 : start_thread(store, e);
	}
	if (status < 0) {
		store_close(store);
		return err_add(e, "store");
	}
	*out = store;
	return 0;
}

struct store_figures store_figures(struct store *store)
{
	struct store_figures figures;

	pthread_mutex_lock(&store->lock);
	figures = store->figures;
	pthread_mutex_unlock(&store->lock);
	return figures;
}

int store_fd(const struct store *store)
{
	return store->done_fd;
}

static void work_inline(struct store *store)
{
	struct op *ops[BATCH_OPS + 1];
	size_t n = writer_take(store, ops, 0);

	do {
		writer_turn(store, ops, &n);
		n = writer_take(store, ops, n);
	} while (n);
}

static void tell(struct store *store, const struct op *op)
{
	for (size_t i = 0; i < op->n_changes; i++)
		for (size_t k = 0; k < store->n_watchers; k++)
			store->watchers[k].changed(store->watchers[k].at, &op->changes[i]);
	if (op->done)
		op->done(op->at, &op->answer);
}

void store_turn(struct store *store)
{
	struct op *op;
	eventfd_t many;

	(void)!eventfd_read(store->done_fd, &many);
	if (!store->has_thread && store->writer.db)
		work_inline(store);
	pthread_mutex_lock(&store->lock);
	op = store->done;
	store->done = NULL;
	store->done_last = &store->done;
	pthread_mutex_unlock(&store->lock);
	crash_at(CRASH_TURN_BEFORE);
	while (op) {
		struct op *const next = op->next;

		tell(store, op);
		op_free(op);
		op = next;
	}
	crash_at(CRASH_TURN_AFTER);
}

void store_watch(struct store *store, store_changed *changed, void *at)
{
	if (store->n_watchers < STORE_WATCHERS) {
		store->watchers[store->n_watchers].changed = changed;
		store->watchers[store->n_watchers++].at = at;
	}
}

static void finish_work(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	store->is_closing = true;
	pthread_cond_signal(&store->wake);
	pthread_mutex_unlock(&store->lock);
	if (store->has_thread)
		pthread_join(store->thread, NULL);
	else if (store->reader)
		work_inline(store);
	store->has_thread = false;
	if (store->writer.parked)
		writer_deliver(store, store->writer.parked);
	store->writer.parked = NULL;
	if (store->reader)
		store_turn(store);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	finish_work(store);
	fair_done(&store->writer.fair);
	free(store->writer.counts);
	free(store->rates);
	db_close(store->reader);
	db_close(store->writer.db);
	fd_close(store->done_fd);
	fd_close(store->lock_fd);
	pthread_cond_destroy(&store->wake);
	pthread_mutex_destroy(&store->lock);
	free(store);
}
