/* cmd/trace_show: the most frequent call comes first, and what is missing is said. */
#include "cmd/trace_show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

static void the_table_is_sorted_and_adds_up(void **state)
{
	static const char expected[] =
		"% calls       calls    refused  phase   call\n"
		"   60.0           3             steady  write\n"
		"   20.0           1          1  start   mount\n"
		"   20.0           1             both    read\n"
		"                  5  in 3 different calls\n"
		"                  1  with numbers of no call, refused\n"
		"incomplete: too much\n";
	OWN_MEM struct record *record = mem_alloc(sizeof(*record));
	const uint64_t args[6] = { 0 };
	OWN(str) out = STR_NONE;

	(void)state;
	record_add_call(record, SYS_read, args, PHASE_START | PHASE_STEADY, false);
	record_add_call(record, SYS_mount, args, PHASE_START, true);
	for (int i = 0; i < 3; i++)
		record_add_call(record, SYS_write, args, PHASE_STEADY, false);
	record_add_call(record, 100000, args, PHASE_STEADY, true);
	record_cut(record, "too much");
	trace_show_calls(record, &out);
	assert_string_equal(str_text(&out), expected);
	record_done(record);
}

static void sites_are_named_by_their_caller(void **state)
{
	OWN_MEM struct record *record = mem_alloc(sizeof(*record));
	OWN(str) out = STR_NONE;

	(void)state;
	record_add_call(record, SYS_read, (uint64_t[6]){ 0 }, PHASE_STEADY, false);
	record_add_site(record, SYS_read,
			&(struct record_site){ .at = { "/lib/libc.so.6", 0x10, "read" }, .by = { "/usr/bin/x", 0x20, NULL } });
	trace_show_sites(record, &out);
	assert_non_null(strstr(str_text(&out), "x+0x20 by way of libc.so.6:read\n"));
	record_done(record);
}

static void no_capability_is_said_too(void **state)
{
	OWN_MEM struct record *record = mem_alloc(sizeof(*record));
	OWN(str) none = STR_NONE, some = STR_NONE;

	(void)state;
	trace_show_caps(record, &none);
	assert_non_null(strstr(str_text(&none), "ask for: none for certain\n"));
	record_add_cap(record, &(struct record_cap){ .cap = 10, .nr = SYS_bind, .count = 2 });
	trace_show_caps(record, &some);
	assert_null(strstr(str_text(&some), "none for certain"));
	assert_non_null(strstr(str_text(&some), "  CAP_NET_BIND_SERVICE    bind, 2 times\n"));
	assert_non_null(strstr(str_text(&some), "(this one asked)"));
	record_done(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_sorted_and_adds_up),
		cmocka_unit_test(sites_are_named_by_their_caller),
		cmocka_unit_test(no_capability_is_said_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
