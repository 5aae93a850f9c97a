/* serve/dispatch: whether jobs can be run is what the last builds of boxes said. */
#include "serve/dispatch_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void fail_builds(struct dispatch *d, uint32_t pool, int times)
{
	for (int i = 0; i < times; i++)
		box_note_build(d, pool, "it could not be built");
}

static void nothing_is_missing_while_one_class_comes_up(void **state)
{
	static struct stats stats;
	static struct dispatch d = { .setup = { .stats = &stats }, .n_classes = 3 };

	(void)state;
	assert_null(dispatch_missing(&d)); /* nobody tried */
	fail_builds(&d, 0, BREAKER_TRIES - 1);
	assert_null(dispatch_missing(&d));
	fail_builds(&d, 0, 1);
	assert_string_equal(dispatch_missing(&d), "boxes");
	box_note_build(&d, 1, NULL);
	assert_null(dispatch_missing(&d));
	fail_builds(&d, 1, 1);
	assert_string_equal(dispatch_missing(&d), "boxes");
	box_note_build(&d, 0, NULL);
	assert_null(dispatch_missing(&d));
	d.launcher_is_gone = true;
	assert_string_equal(dispatch_missing(&d), "launcher");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_missing_while_one_class_comes_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
