/* The guest's numbers: never the host's, so that closing or renumbering one can only ever reach what is in
 * the table. */
#pragma once

#include "wasi/abi.h"
#include "wasi/wasi.h"

enum table_kind { TABLE_ANY, TABLE_FILE /* no directory */, TABLE_DIRECTORY, TABLE_SOCKET };

/* The slot of a number with all of these rights; NULL with a WASI error in *why: BADF (none, or a directory
 * where a file is wanted, or neither readable nor writable as wanted), NOTDIR, NOTSOCK, NOTCAPABLE. */
struct wasi_slot *table_find(struct wasi *w, uint32_t number, enum table_kind kind, uint32_t rights, uint32_t *why);

/* Puts a slot at a free number, the next one after the last given: a number that was closed is not soon
 * another file. -1: none is free; the slot's descriptor stays the caller's. */
int table_add(struct wasi *w, const struct wasi_slot *slot);

/* Is no number free? To be asked before what cannot be undone. */
bool table_is_full(const struct wasi *w);

void table_close(struct wasi_slot *slot);

/* What fstat(2) said, as a file type of WASI. */
uint8_t table_type(uint32_t mode, int fd);
