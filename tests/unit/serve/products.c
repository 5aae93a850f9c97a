/* serve/products: kept by key and tenant, bounded, the tenant's own oldest first, and never given out changed. */
#include "serve/products.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "serve/place.h"

#define KIB ((uint64_t)1024)

static char place[] = "/tmp/ward-products-XXXXXX";
static int state_fd = -1;

static int make_place(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	if (!mkdtemp(place))
		return -1;
	state_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return place_make(state_fd, &e);
}

static int remove_place(void **state)
{
	char command[128];

	(void)state;
	fd_close(state_fd);
	snprintf(command, sizeof(command), "rm -r %s", place);
	return system(command);
}

static struct digest key_of(unsigned n)
{
	return sha256_of(&n, sizeof(n));
}

static bool is_file(const struct store_id *id)
{
	char path[PLACE_MAX];

	place_name(PLACE_CACHE, id, path);
	return faccessat(state_fd, path, F_OK, 0) == 0;
}

/* A product of so many bytes, all of them `n`. */
static struct product keep(struct products *products, uint64_t tenant, unsigned n, uint64_t bytes, uint64_t now_us)
{
	struct product product = { .tenant = tenant, .key = key_of(n), .file = store_id_new(), .bytes = bytes };
	char *const content = malloc(bytes + 1), path[PLACE_MAX];
	struct err e;
	int fd;

	memset(content, (int)n, bytes);
	product.digest = sha256_of(content, bytes);
	place_name(PLACE_CACHE, &product.file, path);
	fd = openat(state_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && fd_write_all(fd, content, bytes, &e) == 0);
	close(fd);
	free(content);
	products_keep(products, &product, now_us);
	return product;
}

static bool has(struct products *products, uint64_t tenant, unsigned n, uint64_t now_us)
{
	const struct digest key = key_of(n);
	OWN(arena) arena = { .blocks = NULL };
	struct product found;
	const char *bytes;

	if (!products_find(products, tenant, &key, now_us, &arena, &found, &bytes))
		return false;
	assert_int_equal(bytes[0], (char)n);
	assert_int_equal(bytes[found.bytes - 1], (char)n);
	return true;
}

static void only_its_tenant_finds_it(void **state)
{
	struct products *const products = products_new(state_fd, 64 * KIB, 256 * KIB);

	(void)state;
	(void)keep(products, 1, 7, 100, 1);
	assert_true(has(products, 1, 7, 2));
	assert_false(has(products, 2, 7, 3));
	assert_false(has(products, 1, 8, 4));
	products_free(products);
}

static void the_first_of_two_fills_stays(void **state)
{
	struct products *const products = products_new(state_fd, 64 * KIB, 256 * KIB);
	const struct product first = keep(products, 1, 7, 100, 1), second = keep(products, 1, 7, 100, 2);

	(void)state;
	assert_true(is_file(&first.file) && !is_file(&second.file));
	assert_true(has(products, 1, 7, 3));
	products_free(products);
}

static void what_was_changed_is_never_given_out(void **state)
{
	static const struct {
		const char *what;
		size_t len;
	} rows[] = { { "x", 1 }, { "longer by something", 19 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct products *const products = products_new(state_fd, 64 * KIB, 256 * KIB);
		const struct product product = keep(products, 1, 7, 10, 1);
		char path[PLACE_MAX];
		int fd;

		place_name(PLACE_CACHE, &product.file, path);
		fd = openat(state_fd, path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(write(fd, rows[i].what, rows[i].len), rows[i].len);
		close(fd);
		assert_false(has(products, 1, 7, 2));
		assert_false(is_file(&product.file));
		(void)keep(products, 1, 7, 10, 3);
		assert_true(has(products, 1, 7, 4));
		products_free(products);
	}
}

static void a_link_in_its_place_is_not_followed(void **state)
{
	struct products *const products = products_new(state_fd, 64 * KIB, 256 * KIB);
	const struct product product = keep(products, 1, 7, 10, 1);
	char path[PLACE_MAX];

	(void)state;
	place_name(PLACE_CACHE, &product.file, path);
	assert_int_equal(renameat(state_fd, path, state_fd, "moved"), 0);
	assert_int_equal(symlinkat("../../moved", state_fd, path), 0);
	assert_false(has(products, 1, 7, 2));
	products_free(products);
	unlinkat(state_fd, "moved", 0);
}

static void room_is_made_among_a_tenants_own(void **state)
{
	struct products *const products = products_new(state_fd, 16 * KIB, 24 * KIB);

	(void)state;
	(void)keep(products, 2, 1, 4 * KIB, 1);         /* the oldest of all, and another's */
	for (unsigned n = 1; n <= 4; n++)
		(void)keep(products, 1, n, 4 * KIB, 1 + n);
	assert_true(has(products, 1, 1, 10));           /* used: the second is now the oldest */
	(void)keep(products, 1, 5, 4 * KIB, 11);
	assert_false(has(products, 1, 2, 12));
	assert_true(has(products, 1, 1, 13) && has(products, 1, 5, 14) && has(products, 2, 1, 15));
	/* All together are full: a third tenant has nothing that could go, and nothing of theirs goes. */
	(void)keep(products, 2, 2, 4 * KIB, 16);
	const struct product late = keep(products, 3, 1, 4 * KIB, 17);
	assert_false(is_file(&late.file) || has(products, 3, 1, 18));
	assert_true(has(products, 2, 1, 19) && has(products, 2, 2, 20) && has(products, 1, 1, 21));
	products_free(products);
}

static void what_is_larger_than_all_is_not_kept_and_moves_nothing(void **state)
{
	struct products *const products = products_new(state_fd, 16 * KIB, 24 * KIB);

	(void)state;
	(void)keep(products, 1, 1, 4 * KIB, 1);
	const struct product large = keep(products, 1, 2, 17 * KIB, 2);
	assert_false(is_file(&large.file));
	assert_true(has(products, 1, 1, 3));
	products_free(products);
}

static void what_nobody_asks_for_goes_whosever_it_is(void **state)
{
	struct products *const products = products_new(state_fd, 16 * KIB, 16 * KIB);
	const struct product old = keep(products, 1, 1, 16 * KIB, 1);

	(void)state;
	(void)keep(products, 2, 1, 16 * KIB, UINT64_C(3600000003));
	assert_false(is_file(&old.file));
	assert_true(has(products, 2, 1, UINT64_C(3600000004)));
	products_free(products);
}

static void it_begins_empty(void **state)
{
	struct products *products = products_new(state_fd, 16 * KIB, 16 * KIB);
	const struct product product = keep(products, 1, 1, 100, 1);

	(void)state;
	products_free(products);
	products = products_new(state_fd, 16 * KIB, 16 * KIB);
	assert_false(is_file(&product.file) || has(products, 1, 1, 2));
	products_free(products);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_its_tenant_finds_it),
		cmocka_unit_test(the_first_of_two_fills_stays),
		cmocka_unit_test(what_was_changed_is_never_given_out),
		cmocka_unit_test(a_link_in_its_place_is_not_followed),
		cmocka_unit_test(room_is_made_among_a_tenants_own),
		cmocka_unit_test(what_is_larger_than_all_is_not_kept_and_moves_nothing),
		cmocka_unit_test(what_nobody_asks_for_goes_whosever_it_is),
		cmocka_unit_test(it_begins_empty),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
