/* api/mcp_session: an id is worth something with the key it was made for, and to the service that made it. */
#include "api/mcp_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key[HMAC_KEY] = "of a service", other[HMAC_KEY] = "of another";

static void a_session_is_of_one_key_and_one_service(void **state)
{
	char id[MCP_SESSION], second[MCP_SESSION];
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(mcp_session_make(key, "abcdefgh", id, &e), 0);
	assert_int_equal(mcp_session_make(key, "abcdefgh", second, &e), 0);
	assert_string_not_equal(id, second);
	assert_true(mcp_session_is(key, "abcdefgh", id));
	assert_false(mcp_session_is(key, "abcdefgi", id));
	assert_false(mcp_session_is(other, "abcdefgh", id));
}

static void a_changed_id_is_none(void **state)
{
	char id[MCP_SESSION], changed[MCP_SESSION];
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(mcp_session_make(key, "abcdefgh", id, &e), 0);
	for (size_t i = 0; i < MCP_SESSION - 1; i++) {
		memcpy(changed, id, sizeof(id));
		changed[i] = changed[i] == '0' ? '1' : '0';
		assert_false(mcp_session_is(key, "abcdefgh", changed));
	}
	id[MCP_SESSION - 2] = '\0';
	assert_false(mcp_session_is(key, "abcdefgh", id));
	assert_false(mcp_session_is(key, "abcdefgh", ""));
	assert_false(mcp_session_is(key, "abcdefgh", "not hexadecimal"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_of_one_key_and_one_service),
		cmocka_unit_test(a_changed_id_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
