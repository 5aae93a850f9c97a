/* Records as JSON: what is written is read back the same, and nothing else is read. */
#include "model/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

static void fill(struct record *record)
{
	const uint64_t args[6] = { 3, UINT64_MAX };

	record->runs = 1;
	record_set_text(record, &record->argv[record->n_argv++], "a \"b\"");
	record_set_text(record, &record->policy, "default");
	record_add_call(record, SYS_read, args, PHASE_START | PHASE_STEADY, false);
	record_add_call(record, SYS_ptrace, args, PHASE_STEADY, true);
	record_add_site(record, SYS_read,
			&(struct record_site){ .at = { "/lib/libc.so.6", 0x10, "read" }, .by = { "/bin/x", 0x20, NULL },
					       .count = 7, .phases = PHASE_STEADY });
	record_add_file(record, &(struct record_file){ .path = "/etc", .is_dir = true, .exists = true,
						       .access = ACCESS_LIST | ACCESS_STAT, .count = 2 });
	record_add_host(record, &(struct record_host){ .family = FAMILY_INET6, .address = "::1", .port = 80, .connects = true,
						       .count = 1 });
	record_add_cap(record, &(struct record_cap){ .cap = 10, .nr = SYS_bind, .count = 1, .maybe = true });
}

static void what_is_written_is_read_back_the_same(void **state)
{
	OWN_MEM struct record * record = mem_alloc(sizeof(*record)), *again = mem_alloc(sizeof(*again));
	OWN(json) first = JSON_NONE, second = JSON_NONE;
	struct err e = ERR_INIT;

	(void)state;
	fill(record);
	record_write(record, &first);
	assert_int_equal(record_read("r.json", first.out.at, first.out.len, again, &e), 0);
	record_write(again, &second);
	assert_string_equal(json_written(&first), json_written(&second));
	assert_int_equal(again->calls[SYS_read].args[1].any, UINT64_MAX);
	record_done(record);
	record_done(again);
}

/* A record with one place changed. */
static void refuse(const char *what, const char *with, const char *says)
{
	OWN_MEM struct record * record = mem_alloc(sizeof(*record)), *again = mem_alloc(sizeof(*again));
	OWN(json) json = JSON_NONE;
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;
	const char *at;

	fill(record);
	record_write(record, &json);
	at = strstr(json_written(&json), what);
	assert_non_null(at);
	str_add_bytes(&text, json.out.at, (size_t)(at - json.out.at));
	str_add(&text, with);
	str_add(&text, at + strlen(what));
	assert_int_equal(record_read("r.json", text.at, text.len, again, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.text, "r.json:"));
	if (!strstr(e.text, says))
		fail_msg("'%s' does not say '%s'", e.text, says);
	assert_null(again->arena.blocks);
	record_done(record);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *what, *with, *says;
	} rows[] = {
		{ "{", "[", "not JSON" },
		{ "ward.record.1", "ward.record.2", "schema" },
		{ "\"call\":\"read\"", "\"call\":\"write\"", "calls[0].call" },
		{ "\"count\":1", "\"count\":-1", "calls[0].count" },
		{ "\"count\":1", "\"count\":0", "calls[0].count" },
		{ "\"refused\":1", "\"refused\":2", "calls[1].count" },
		{ "\"nr\":101", "\"nr\":0", "calls[1]" },
		{ "\"nr\":101", "\"nr\":99999", "calls[1].nr" },
		{ "\"0x3\"", "\"3\"", "values" },
		{ "\"0x3\"", "\"0x3\",\"0x3\"", "values" },
		{ "\"0xffffffffffffffff\"", "\"0xfffffffffffffffff\"", "values" },
		{ "\"0x3\"", "\"0x-1\"", "values" },
		{ "\"phases\":\"both\"", "\"phases\":\"never\"", "phases" },
		{ "\"path\":\"/etc\"", "\"path\":\"etc\"", "files[0].path" },
		{ "\"path\":\"/etc\"", "\"path\":\"/\\u001b\"", "files[0].path" },
		{ "\"list\"", "\"lick\"", "files[0].access" },
		{ "\"inet6\"", "\"inet9\"", "hosts[0].family" },
		{ "\"port\":80", "\"port\":80000", "hosts[0].port" },
		{ "\"cap\":10", "\"cap\":64", "caps[0].cap" },
		{ "\"runs\":1", "\"runs\":1,\"more\":2", "no other member" },
		{ "\"maybe\":true", "\"maybe\":true,\"x\":1", "no other member" },
		{ "\"unknown\":0", "\"unknwon\":0", "unknown" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refuse(rows[i].what, rows[i].with, rows[i].says);
}

static void depth_and_size_have_bounds(void **state)
{
	OWN_MEM struct record * record = mem_alloc(sizeof(*record));
	OWN_MEM char * deep = mem_alloc(RECORD_BYTES + 1);
	struct err e = ERR_INIT;

	(void)state;
	memset(deep, '[', RECORD_BYTES + 1);
	assert_int_equal(record_read("r.json", deep, 10000, record, &e), -1);
	assert_int_equal(record_read("r.json", deep, RECORD_BYTES + 1, record, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back_the_same),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(depth_and_size_have_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
