/* A table of lists. The last bytes of an id are random, the first are time. */
#include "api/watch.h"

#include <string.h>

static struct watcher **bucket(struct watch *watch, const struct store_id *id)
{
	return &watch->buckets[(id->bytes[14] << 8 | id->bytes[15]) % WATCH_BUCKETS];
}

void watch_begin(struct watch *watch, struct watcher *watcher, const struct store_id *id)
{
	struct watcher **const head = bucket(watch, id);

	watch_end(watcher);
	watcher->id = *id;
	watcher->is_due = false;
	watcher->next = *head;
	watcher->at = head;
	if (*head)
		(*head)->at = &watcher->next;
	*head = watcher;
}

void watch_end(struct watcher *watcher)
{
	if (!watcher->at)
		return;
	*watcher->at = watcher->next;
	if (watcher->next)
		watcher->next->at = watcher->at;
	watcher->at = NULL;
	watcher->next = NULL;
}

/* One at a time from the start: waking one may end others. Who begins to watch while others are woken is not due. */
static struct watcher *find_due(struct watcher *watcher)
{
	while (watcher && !watcher->is_due)
		watcher = watcher->next;
	return watcher;
}

void watch_tell(struct watch *watch, const struct store_change *change)
{
	struct watcher **const head = bucket(watch, &change->id);
	struct watcher *watcher;

	for (watcher = *head; watcher; watcher = watcher->next)
		watcher->is_due = !memcmp(&watcher->id, &change->id, sizeof(change->id));
	for (watcher = find_due(*head); watcher; watcher = find_due(*head)) {
		watcher->is_due = false;
		watcher->wake(watcher, change);
	}
}
