/* Products by key, the oldest of a tenant first to go. Refuses to let one tenant's products move another's: whoever could
 * see his own go would see who compiles. */
#include "serve/products.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "serve/place.h"

#define KEPT_MAX 4096
#define BLOCK 4096u
#define IDLE_US UINT64_C(3600000000)    /* nobody asked for it: it goes, whoever's it is */

struct kept {
	struct product product;
	uint64_t used_us;
};

struct products {
	int state_fd;
	uint64_t each, most;
	struct kept kept[KEPT_MAX];
	size_t n;
};

/* One directory of places. What is not ours to remove stays, and is never looked at. */
static void empty(int dir_fd)
{
	DIR *const dir = dir_fd < 0 ? NULL : fdopendir(dir_fd);

	if (!dir) {
		fd_close(dir_fd);
		return;
	}
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		if (*entry->d_name != '.')
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

struct products *products_new(int state_fd, uint64_t each, uint64_t most)
{
	struct products *const products = mem_alloc(sizeof(*products));

	products->state_fd = state_fd;
	products->each = each;
	products->most = most;
	for (unsigned byte = 0; byte < 256; byte++) {
		char path[PLACE_MAX];

		place_directory(PLACE_CACHE, byte, path);
		empty(openat(state_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	}
	return products;
}

void products_free(struct products *products)
{
	free(products);
}

void products_drop(struct products *products, const struct store_id *file)
{
	char path[PLACE_MAX];

	place_name(PLACE_CACHE, file, path);
	(void)unlinkat(products->state_fd, path, 0);
}

static void forget(struct products *products, size_t i)
{
	products_drop(products, &products->kept[i].product.file);
	products->kept[i] = products->kept[--products->n];
}

static size_t find(const struct products *products, uint64_t tenant, const struct digest *key)
{
	size_t i = 0;

	while (i < products->n && (products->kept[i].product.tenant != tenant || !digest_is(&products->kept[i].product.key, key)))
		i++;
	return i;
}

static void forget_idle(struct products *products, uint64_t now_us)
{
	for (size_t i = products->n; i-- > 0;)
		if (now_us - products->kept[i].used_us > IDLE_US)
			forget(products, i);
}

static char *read_whole(const struct products *products, const struct product *product, struct arena *arena)
{
	char path[PLACE_MAX], *const bytes = arena_alloc(arena, (size_t)product->bytes + 1);
	OWN_FD int fd = -1;
	struct stat st;
	struct err ignored;

	place_name(PLACE_CACHE, &product->file, path);
	fd = openat(products->state_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size != product->bytes ||
	    fd_read_all(fd, bytes, (size_t)product->bytes, &ignored) < 0)
		return NULL;
	return bytes;
}

bool products_find(struct products *products, uint64_t tenant, const struct digest *key, uint64_t now_us, struct arena *arena,
		   struct product *found, const char **bytes)
{
	struct digest now;
	size_t i;

	forget_idle(products, now_us);
	i = find(products, tenant, key);
	if (i == products->n)
		return false;
	*found = products->kept[i].product;
	*bytes = read_whole(products, found, arena);
	if (*bytes)
		now = sha256_of(*bytes, (size_t)found->bytes);
	if (!*bytes || !digest_is(&now, &found->digest)) {
		forget(products, i);
		return false;
	}
	products->kept[i].used_us = now_us;
	return true;
}

/* What it takes of a disk. */
static uint64_t room_of(const struct product *product)
{
	return (product->bytes + BLOCK - 1) / BLOCK * BLOCK;
}

static uint64_t taken(const struct products *products, bool of_all, uint64_t tenant)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < products->n; i++)
		if (of_all || products->kept[i].product.tenant == tenant)
			sum += room_of(&products->kept[i].product);
	return sum;
}

static bool forget_oldest(struct products *products, uint64_t tenant)
{
	size_t oldest = products->n;

	for (size_t i = 0; i < products->n; i++)
		if (products->kept[i].product.tenant == tenant &&
		    (oldest == products->n || products->kept[i].used_us < products->kept[oldest].used_us))
			oldest = i;
	if (oldest == products->n)
		return false;
	forget(products, oldest);
	return true;
}

static bool fits(const struct products *products, const struct product *product)
{
	const uint64_t room = room_of(product);

	return products->n < KEPT_MAX && taken(products, false, product->tenant) + room <= products->each &&
	       taken(products, true, 0) + room <= products->most;
}

/* His own go only where that makes enough room. */
static bool can_fit(const struct products *products, const struct product *product)
{
	const uint64_t room = room_of(product), own = taken(products, false, product->tenant);

	return room <= products->each && taken(products, true, 0) - own + room <= products->most &&
	       (products->n < KEPT_MAX || own);
}

void products_keep(struct products *products, const struct product *product, uint64_t now_us)
{
	forget_idle(products, now_us);
	if (find(products, product->tenant, &product->key) < products->n || !can_fit(products, product)) {
		products_drop(products, &product->file);
		return;
	}
	while (!fits(products, product) && forget_oldest(products, product->tenant))
		;
	products->kept[products->n++] = (struct kept){ *product, now_us };
}
