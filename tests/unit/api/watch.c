/* api/watch: who waits for a job is woken by its moves, and by no other's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/watch.h"

struct seen {
	struct watcher watcher;
	int n;
	struct watcher *ends;   /* when woken */
};

static void wake(struct watcher *watcher, const struct store_change *change)
{
	struct seen *const seen = watcher->owner;

	(void)change;
	seen->n++;
	if (seen->ends)
		watch_end(seen->ends);
}

static void begin(struct watch *watch, struct seen *seen, uint8_t id)
{
	const struct store_id job = { { [0] = id } };

	seen->watcher.wake = wake;
	seen->watcher.owner = seen;
	watch_begin(watch, &seen->watcher, &job);
}

static void tell(struct watch *watch, uint8_t id)
{
	const struct store_change change = { .id = { { [0] = id } } };

	watch_tell(watch, &change);
}

static void only_the_job_of_a_change_is_told(void **state)
{
	static struct watch watch;
	struct seen a = { .n = 0 }, b = { .n = 0 }, other = { .n = 0 };

	(void)state;
	begin(&watch, &a, 1);
	begin(&watch, &b, 1);
	begin(&watch, &other, 2); /* in the same list: the bytes that choose it are the same */
	tell(&watch, 1);
	assert_int_equal(a.n, 1);
	assert_int_equal(b.n, 1);
	assert_int_equal(other.n, 0);
	watch_end(&a.watcher);
	watch_end(&a.watcher);
	tell(&watch, 1);
	assert_int_equal(a.n, 1);
	assert_int_equal(b.n, 2);
}

static void who_is_woken_may_end_others(void **state)
{
	static struct watch watch;
	struct seen a = { .n = 0 }, b = { .n = 0 }, c = { .n = 0 };

	(void)state;
	begin(&watch, &a, 1);
	begin(&watch, &b, 1);
	begin(&watch, &c, 1);
	c.ends = &b.watcher; /* c is the first in the list, b the one behind it */
	tell(&watch, 1);
	assert_int_equal(a.n + c.n, 2);
	assert_int_equal(b.n, 0);
	a.ends = &a.watcher;
	tell(&watch, 1);
	tell(&watch, 1);
	assert_int_equal(a.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_job_of_a_change_is_told),
		cmocka_unit_test(who_is_woken_may_end_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
