/* A ring of descriptors: added by the caller, synced by the thread, told by the caller. */
#include "serve/syncer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

struct item {
	int fd, fault;
	struct store_hold whose;
};

struct syncer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int done_fd;
	/* With the lock; the numbers only rise: told <= synced <= added <= told + SYNCER_MOST. */
	bool is_ending;
	size_t added, synced, told;
	struct item items[SYNCER_MOST];
};

static struct item *item_at(struct syncer *syncer, size_t n)
{
	return &syncer->items[n % SYNCER_MOST];
}

/* Nobody else touches an item between added and synced. */
static void *run(void *at)
{
	struct syncer *const syncer = at;

	pthread_mutex_lock(&syncer->lock);
	for (;;) {
		struct item *item;

		while (syncer->synced == syncer->added && !syncer->is_ending)
			pthread_cond_wait(&syncer->wake, &syncer->lock);
		if (syncer->is_ending)
			break;
		item = item_at(syncer, syncer->synced);
		pthread_mutex_unlock(&syncer->lock);
		item->fault = fsync(item->fd) < 0 ? errno : 0;
		fd_close_at(&item->fd);
		pthread_mutex_lock(&syncer->lock);
		syncer->synced++;
		(void)!eventfd_write(syncer->done_fd, 1);
	}
	pthread_mutex_unlock(&syncer->lock);
	return NULL;
}

int syncer_new(struct syncer **out, struct err *e)
{
	struct syncer *const syncer = mem_alloc(sizeof(*syncer));
	int code;

	pthread_mutex_init(&syncer->lock, NULL);
	pthread_cond_init(&syncer->wake, NULL);
	syncer->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	code = syncer->done_fd < 0 ? errno : pthread_create(&syncer->thread, NULL, run, syncer);
	if (code) {
		fd_close(syncer->done_fd);
		free(syncer);
		errno = code;
		return err_sys(e, "a thread that syncs");
	}
	*out = syncer;
	return 0;
}

void syncer_free(struct syncer *syncer)
{
	if (!syncer)
		return;
	pthread_mutex_lock(&syncer->lock);
	syncer->is_ending = true;
	pthread_cond_signal(&syncer->wake);
	pthread_mutex_unlock(&syncer->lock);
	pthread_join(syncer->thread, NULL);
	for (; syncer->synced < syncer->added; syncer->synced++)
		fd_close(item_at(syncer, syncer->synced)->fd);
	fd_close(syncer->done_fd);
	pthread_cond_destroy(&syncer->wake);
	pthread_mutex_destroy(&syncer->lock);
	free(syncer);
}

int syncer_fd(const struct syncer *syncer)
{
	return syncer->done_fd;
}

bool syncer_add(struct syncer *syncer, int fd, const struct store_hold *whose)
{
	bool has_room;

	pthread_mutex_lock(&syncer->lock);
	has_room = syncer->added - syncer->told < SYNCER_MOST;
	if (has_room)
		*item_at(syncer, syncer->added++) = (struct item){ .fd = fd, .whose = *whose };
	pthread_mutex_unlock(&syncer->lock);
	if (has_room)
		pthread_cond_signal(&syncer->wake);
	return has_room;
}

bool syncer_next(struct syncer *syncer, struct store_hold *whose, int *fault)
{
	eventfd_t ignored;
	bool is_there;

	(void)!eventfd_read(syncer->done_fd, &ignored); /* before the look: what comes behind it wakes again */
	pthread_mutex_lock(&syncer->lock);
	is_there = syncer->told < syncer->synced;
	if (is_there) {
		const struct item *const item = item_at(syncer, syncer->told++);

		*whose = item->whose;
		*fault = item->fault;
	}
	pthread_mutex_unlock(&syncer->lock);
	return is_there;
}
