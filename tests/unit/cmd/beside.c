/* Programs of ward's are found beside it, and nowhere else. */
#include "cmd/beside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void a_program_next_to_this_one_is_found(void **state)
{
	OWN(arena) arena = { .blocks = NULL };
	struct err e = ERR_INIT;
	const char *path = NULL;

	(void)state;
	assert_int_equal(beside_find("unit-cmd-beside", &arena, &path, &e), 0);
	assert_int_equal(*path, '/');
	assert_int_equal(access(path, X_OK), 0);
}

static void path_is_not_searched(void **state)
{
	OWN(arena) arena = { .blocks = NULL };
	struct err e = ERR_INIT;
	const char *path = NULL;

	(void)state;
	assert_int_equal(setenv("PATH", "/bin:/usr/bin", 1), 0);
	assert_int_equal(beside_find("sh", &arena, &path, &e), -1);
	assert_int_equal(e.kind, ERR_MISSING);
	assert_non_null(strstr(e.text, "sh is neither next to ward nor in "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_next_to_this_one_is_found),
		cmocka_unit_test(path_is_not_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
