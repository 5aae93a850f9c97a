/* serve/address: three forms, read to their end, and written as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "serve/address.h"

static void what_is_read_is_written_the_same(void **state)
{
	static const struct {
		const char *text;
		bool is_local;
	} rows[] = {
		{ "127.0.0.1:8086", true }, { "127.9.9.9:0", true },   { "0.0.0.0:65535", false }, { "[::1]:80", true },
		{ "[::]:80", false },       { "[2001:db8::1]:1", false }, { "unix:front", true },  { "unix:/run/ward:1/x", true },
	};
	struct address address;
	struct err e = ERR_INIT;
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (address_read(rows[i].text, &address, &e) < 0)
			fail_msg("%s: %s", rows[i].text, e.text);
		address_write(&address, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
		assert_int_equal(address_is_local(&address), rows[i].is_local);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const rows[] = {
		"", ":", ":80", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:99999999999", "127.0.0.1:0x50", "127.0.0.1:80 ",
		"127.0.0.1:+1", "127.0.0.1:-1", "127.1:80", "localhost:80", "::1:80", "[::1]", "[::1]80", "[::1:80", "[127.0.0.1]:80", "[]:80",
		"[::1%lo]:80", "unix:", "tcp:80",
	};
	struct address address;
	char text[200] = "unix:";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = ERR_INIT;

		if (address_read(rows[i], &address, &e) == 0)
			fail_msg("%s was taken", rows[i]);
		assert_int_equal(e.kind, ERR_USAGE);
	}
	memset(text + 5, 'a', 108);
	assert_int_equal(address_read(text, &address, &(struct err){ .kind = ERR_NONE }), -1);
	text[5 + 107] = '\0';
	assert_int_equal(address_read(text, &address, &(struct err){ .kind = ERR_NONE }), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_written_the_same),
		cmocka_unit_test(what_is_no_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
