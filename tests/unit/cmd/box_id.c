/* cmd/box_id: the id is mapped, and belongs to nobody. */
#include "cmd/box_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WHOLE "         0          0 4294967295\n"

static void an_id_is_chosen_from_what_is_mapped(void **state)
{
	static const struct {
		const char *uid_map, *gid_map;
		uint32_t pid, expected;
	} rows[] = {
		{ WHOLE, WHOLE, 1, 0x70000001 },
		{ WHOLE, WHOLE, 4194304, 0x70400000 },
		{ "0 100000 65536\n", "0 100000 65536\n", 7, 32775 },
		{ "0 100000 65536\n", "0 100000 65536\n", 32766, 32768 },     /* 65534 is nobody */
		{ "0 1000 1\n1 100000 65536\n", WHOLE, 0, 32769 },
		{ "0 1000 1\n", "0 1000 1\n", 5, 65534 },
		{ WHOLE, "0 1000 1\n", 5, 65534 },
		{ "", "", 5, 65534 },
		{ "x", WHOLE, 5, 65534 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(box_id_from(rows[i].uid_map, rows[i].gid_map, rows[i].pid),
				 rows[i].expected);
}

static void two_processes_never_share_an_id_on_a_plain_host(void **state)
{
	(void)state;
	for (uint32_t pid = 2; pid < 100000; pid++)
		assert_int_not_equal(box_id_from(WHOLE, WHOLE, pid),
				     box_id_from(WHOLE, WHOLE, pid - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_chosen_from_what_is_mapped),
		cmocka_unit_test(two_processes_never_share_an_id_on_a_plain_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
