/* Capabilities by name are the kernel's numbers. */
#include "format/capability.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void names_are_numbers(void **state)
{
	(void)state;
	assert_int_equal(capability_number("CAP_CHOWN"), CAP_CHOWN);
	assert_int_equal(capability_number("cap_sys_admin"), CAP_SYS_ADMIN);
	assert_int_equal(capability_number("net_raw"), CAP_NET_RAW);
	assert_int_equal(capability_number("CAP_SYS_RESOURCE"), CAP_SYS_RESOURCE);
	assert_int_equal(capability_number("CAP_MAC_OVERRIDE"), CAP_MAC_OVERRIDE);
	assert_int_equal(capability_number("CAP_CHECKPOINT_RESTORE"), CAP_LAST_CAP);
	assert_int_equal(capability_number("CAP_"), -1);
	assert_int_equal(capability_number(""), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names_are_numbers) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
