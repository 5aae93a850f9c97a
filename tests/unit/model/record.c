/* Records: what is added is counted, bounded, and adds up. */
#include "model/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

static int make(void **state)
{
	*state = mem_alloc(sizeof(struct record));
	return 0;
}

static int drop(void **state)
{
	record_done(*state);
	free(*state);
	return 0;
}

static void values_are_kept_on_the_width_the_kernel_reads(void **state)
{
	struct record *const record = *state;
	const uint64_t args[6] = { UINT64_MAX << 32 | 3, 0x5401 };

	record_add_call(record, SYS_ioctl, args, PHASE_START, false);
	assert_int_equal(record->calls[SYS_ioctl].args[0].values[0], 3);
	assert_int_equal(record->calls[SYS_ioctl].args[1].values[0], 0x5401);
	assert_int_equal(record->calls[SYS_ioctl].phases, PHASE_START);
}

static void values_are_distinct_sorted_and_bounded(void **state)
{
	struct record *const record = *state;
	const struct record_arg *const arg = &record->calls[SYS_close].args[0];

	for (uint64_t fd = 40; fd > 0; fd--) {
		const uint64_t args[6] = { fd % 20 + 8 };

		record_add_call(record, SYS_close, args, PHASE_STEADY, fd == 1);
	}
	assert_int_equal(arg->n, RECORD_VALUES);
	assert_true(arg->more);
	for (unsigned i = 1; i < arg->n; i++)
		assert_true(arg->values[i - 1] < arg->values[i]);
	assert_int_equal(arg->any, 0x1f);
	assert_int_equal(arg->all, 0);
	assert_int_equal(record->calls[SYS_close].count, 40);
	assert_int_equal(record->calls[SYS_close].refused, 1);
}

static void numbers_of_no_call_are_only_counted(void **state)
{
	struct record *const record = *state;
	const uint64_t args[6] = { 0 };

	record_add_call(record, RECORD_CALLS, args, PHASE_START, true);
	record_add_call(record, UINT32_MAX, args, PHASE_START, true);
	assert_int_equal(record->unknown, 2);
}

static void a_file_is_one_entry_with_all_its_uses(void **state)
{
	struct record *const record = *state;

	record_add_file(record, &(struct record_file){ .path = "/a", .access = ACCESS_STAT, .count = 1 });
	record_add_file(record, &(struct record_file){ .path = "/b", .access = ACCESS_READ, .count = 1 });
	record_add_file(record, &(struct record_file){ .path = "/a", .exists = true, .access = ACCESS_READ, .count = 2 });
	assert_int_equal(record->n_files, 2);
	assert_int_equal(record->files[0].access, ACCESS_STAT | ACCESS_READ);
	assert_int_equal(record->files[0].count, 3);
	assert_true(record->files[0].exists);
}

static void too_many_files_are_a_cut_and_not_a_crash(void **state)
{
	struct record *const record = *state;
	char path[32];

	for (unsigned i = 0; i < RECORD_FILES + 10; i++) {
		snprintf(path, sizeof(path), "/f%u", i);
		record_add_file(record, &(struct record_file){ .path = path, .count = 1 });
	}
	assert_int_equal(record->n_files, RECORD_FILES);
	assert_non_null(record->cut);
	for (unsigned i = 0; i < RECORD_SITES + 1; i++)
		record_add_site(record, SYS_read,
				&(struct record_site){ .at = { "/lib/libc.so.6", i, NULL }, .count = 1 });
	assert_int_equal(record->calls[SYS_read].n_sites, RECORD_SITES);
	assert_true(record->calls[SYS_read].sites_more);
}

static void texts_have_a_bound_and_no_control_bytes(void **state)
{
	struct record *const record = *state;
	OWN_MEM char * path = mem_alloc(4096);

	memset(path, 'x', 4090);
	record_add_host(record, &(struct record_host){ .family = FAMILY_UNIX, .address = "@\x1b[31m", .count = 1 });
	assert_string_equal(record->hosts[0].address, "@?[31m");
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(path, 16, "/%08u", i);
		path[9] = 'x';
		record_add_file(record, &(struct record_file){ .path = path, .count = 1 });
	}
	assert_true(record->arena.total < RECORD_TEXT + 65536);
	assert_non_null(record->cut);
	assert_true(record->n_files < 1000);
}

static void two_records_add_up(void **state)
{
	struct record *const into = *state;
	OWN_MEM struct record * from = mem_alloc(sizeof(*from));

	from->runs = 1;
	record_set_text(from, &from->argv[from->n_argv++], "prog");
	for (uint64_t fd = 4; fd < 6; fd++)
		record_add_call(from, SYS_close, (uint64_t[6]){ fd }, PHASE_STEADY, false);
	record_add_site(from, SYS_close, &(struct record_site){ .at = { "/p", 1, "f" }, .count = 2 });
	record_add_cap(from, &(struct record_cap){ .cap = 10, .nr = SYS_bind, .count = 1 });
	record_merge(into, from);
	record_merge(into, from);
	record_done(from);
	assert_int_equal(into->runs, 2);
	assert_int_equal(into->n_argv, 1);
	assert_string_equal(into->argv[0], "prog");
	assert_int_equal(into->calls[SYS_close].count, 4);
	assert_int_equal(into->calls[SYS_close].args[0].n, 2);
	assert_int_equal(into->calls[SYS_close].args[0].all, 4);
	assert_int_equal(into->calls[SYS_close].args[0].any, 5);
	assert_int_equal(into->calls[SYS_close].sites[0].count, 4);
	assert_string_equal(into->calls[SYS_close].sites[0].at.symbol, "f");
	assert_int_equal(into->caps[0].count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_are_kept_on_the_width_the_kernel_reads),
		TEST(values_are_distinct_sorted_and_bounded),
		TEST(numbers_of_no_call_are_only_counted),
		TEST(a_file_is_one_entry_with_all_its_uses),
		TEST(too_many_files_are_a_cut_and_not_a_crash),
		TEST(texts_have_a_bound_and_no_control_bytes),
		TEST(two_records_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
