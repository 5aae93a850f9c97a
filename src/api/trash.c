/* Unlinks first and says so afterwards: a file that is gone already is as good as one that was removed. */
#include "api/trash.h"

#include <errno.h>
#include <unistd.h>

#include "api/front.h"
#include "serve/place.h"
#include "store/store_blob.h"

#define PIECE 64

static bool remove_at(struct front *front, enum place place, const struct store_id *file)
{
	char name[PLACE_MAX];

	place_name(place, file, name);
	return unlinkat(front->state_fd, name, 0) == 0 || errno == ENOENT;
}

void trash_sweep(struct front *front)
{
	OWN(arena) arena = { .total = 0 };
	struct store_trash *trash;
	struct err e = ERR_INIT;
	size_t n = 0, gone = 0;

	if (store_trash_list(front->store, PIECE, &arena, &trash, &n, &e) < 0) {
		log_say(&front->log, "error", "trash", e.text);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const bool is_log = trash[i].kind == STORE_TRASH_LOG;

		if (remove_at(front, is_log ? PLACE_STDOUT : PLACE_BLOB, &trash[i].file) &&
		    (!is_log || (remove_at(front, PLACE_STDERR, &trash[i].file) && remove_at(front, PLACE_MIX, &trash[i].file))))
			trash[gone++] = trash[i];
	}
	if (gone)
		store_trash_done(front->store, trash, gone, NULL, NULL);
}
