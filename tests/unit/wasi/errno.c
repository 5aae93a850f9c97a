/* Guests are compiled against these numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>

#include "wasi/abi.h"

static void the_numbers_are_the_standards(void **state)
{
	(void)state;
	assert_int_equal(WASI_2BIG, 1);
	assert_int_equal(WASI_BADF, 8);
	assert_int_equal(WASI_INVAL, 28);
	assert_int_equal(WASI_NOENT, 44);
	assert_int_equal(WASI_NOSYS, 52);
	assert_int_equal(WASI_PERM, 63);
	assert_int_equal(WASI_XDEV, 75);
	assert_int_equal(WASI_NOTCAPABLE, 76);
	assert_int_equal(WASI_ERRNOS, 77);
}

static void linux_numbers_have_one_each(void **state)
{
	(void)state;
	assert_int_equal(wasi_errno_of(0), WASI_SUCCESS);
	assert_int_equal(wasi_errno_of(ENOENT), WASI_NOENT);
	assert_int_equal(wasi_errno_of(EOPNOTSUPP), WASI_NOTSUP);
	assert_int_equal(wasi_errno_of(EWOULDBLOCK), WASI_AGAIN);
	assert_int_equal(wasi_errno_of(EUCLEAN), WASI_IO);
	assert_int_equal(wasi_errno_of(-1), WASI_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_numbers_are_the_standards),
		cmocka_unit_test(linux_numbers_have_one_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
