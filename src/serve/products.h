/* What compilers made: kept so that the same source of the same tenant is not compiled again. A product is the work of
 * a box in which the tenant's source ran the compiler, and so it is his word: it is given to nobody else, and what one
 * tenant keeps takes no room of another's that could be seen. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "store/store.h"

#define PRODUCT_MAX ((size_t)4 << 20)   /* a larger one is made anew each time */

struct products;

struct product {
	uint64_t tenant;
	struct digest key;              /* of all that decided what it is */
	struct digest digest;           /* of its bytes */
	struct store_id file;           /* PLACE_CACHE */
	uint64_t bytes;
	bool is_executable;
};

/* Begins empty: what an earlier process kept is removed.
 *
 * state_fd  borrowed
 * each      bytes of one tenant; most: of all. 0: nothing is kept */
struct products *products_new(int state_fd, uint64_t each, uint64_t most);
/* Accepts NULL. */
void products_free(struct products *products);

/* Its bytes, read and compared with its digest now; false when there is none, or not the one that was kept, which is then
 * forgotten.
 *
 * bytes  found.bytes of them, in the arena */
bool products_find(struct products *products, uint64_t tenant, const struct digest *key, uint64_t now_us, struct arena *arena,
		   struct product *found, const char **bytes);

/* Takes over its file, whose bytes are all there: keeps it, or removes it when there is one of that key, or no room that
 * the tenant's own products could make. */
void products_keep(struct products *products, const struct product *product, uint64_t now_us);

/* A file that will not be kept. */
void products_drop(struct products *products, const struct store_id *file);

/* What an attempt knows of its own: attempt_product.c. */
struct attempt_product {
	struct products *products;      /* borrowed */
	const char *name;               /* NULL: not one that could be kept */
	bool has_compiler;              /* the runtime has one, and the job does not run it itself */
	bool is_cached, is_wanted, is_coming;
	struct product kept;
	int fd;                         /* -1: what comes is dropped */
	struct sha256 hash;
};
