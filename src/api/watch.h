/* Who waits for which job. Many may wait for one; finding them takes as long as they are many. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store/store_list.h"

struct watcher;
typedef void watch_wake(struct watcher *watcher, const struct store_change *change);
struct watcher {
	struct watcher *next, **at;     /* at NULL: waits for nothing */
	struct store_id id;
	watch_wake *wake;       /* may end any watcher, its own included */
	void *owner;
	bool is_due;
};

#define WATCH_BUCKETS 1024
struct watch {
	struct watcher *buckets[WATCH_BUCKETS];
};
/* All zero is the empty one. */

void watch_begin(struct watch *watch, struct watcher *watcher, const struct store_id *id);
void watch_end(struct watcher *watcher);

/* Wakes everybody who waits for the job of the change. */
void watch_tell(struct watch *watch, const struct store_change *change);
