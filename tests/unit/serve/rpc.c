/* serve/rpc: what is a message and what is not. */
#include "serve/rpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

#define V "\"jsonrpc\":\"2.0\""

static const struct {
	const char *text;
	enum rpc_kind kind;
	const char *method;
	bool has_id;
} rows[] = {
	{ "{" V ",\"id\":1,\"method\":\"ping\"}", RPC_REQUEST, "ping", true },
	{ "{" V ",\"id\":\"\",\"method\":\"ping\",\"params\":{}}", RPC_REQUEST, "ping", true },
	{ " {" V ",\"id\":-9007199254740993,\"method\":\"ping\"}\n", RPC_REQUEST, "ping", true },
	{ "{" V ",\"method\":\"notifications/initialized\"}", RPC_NOTIFICATION, "notifications/initialized", false },
	{ "{" V ",\"id\":1,\"result\":{}}", RPC_ANSWER, NULL, true },
	{ "{" V ",\"id\":null,\"error\":{}}", RPC_ANSWER, NULL, true },
	{ "{" V ",\"id\":null,\"method\":\"ping\"}", RPC_BAD, NULL, false },
	{ "{" V ",\"id\":1.5,\"method\":\"ping\"}", RPC_BAD, NULL, false },
	{ "{" V ",\"id\":[],\"method\":\"ping\"}", RPC_BAD, NULL, false },
	{ "{" V ",\"id\":1,\"method\":\"\"}", RPC_BAD, NULL, true },
	{ "{" V ",\"id\":1,\"method\":7}", RPC_BAD, NULL, true },
	{ "{" V ",\"id\":1,\"method\":\"ping\",\"params\":[1]}", RPC_BAD, NULL, true },
	{ "{" V ",\"id\":1}", RPC_BAD, NULL, true },
	{ "{" V ",\"id\":1,\"result\":1,\"error\":1}", RPC_BAD, NULL, true },
	{ "{\"id\":1,\"method\":\"ping\"}", RPC_BAD, NULL, true },
	{ "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", RPC_BAD, NULL, true },
	{ "{}", RPC_BAD, NULL, false },
};

static void a_message_is_of_one_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(rpc) rpc = RPC_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(rpc_read(rows[i].text, strlen(rows[i].text), &rpc, &e), 0);
		if (rpc.n != 1 || rpc.is_batch || rpc.messages[0].kind != rows[i].kind || !rpc.messages[0].id == rows[i].has_id)
			fail_msg("%s: kind %d", rows[i].text, (int)rpc.messages[0].kind);
		assert_true(!rpc.messages[0].method == !rows[i].method);
		if (rows[i].method)
			assert_string_equal(rpc.messages[0].method, rows[i].method);
		if (rows[i].kind == RPC_BAD)
			assert_non_null(rpc.messages[0].why);
	}
}

static void refused(const char *text, size_t len, enum err_kind kind)
{
	OWN(rpc) rpc = RPC_NONE;
	struct err e = ERR_INIT;

	assert_int_equal(rpc_read(text, len, &rpc, &e), -1);
	assert_int_equal(e.kind, kind);
	assert_null(rpc.root);
}

static void what_is_no_json_is_told_from_what_is_no_batch(void **state)
{
	static const char *const texts[] = { "", "{", "nonsense", "{" V "}x", "{\"a\":1,\"a\":2}", "\"text\"", "\xff", "{\"a\":\"\\u0000\"}" };
	OWN(str) deep = STR_NONE;
	OWN(str) many = STR_NONE;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		refused(texts[i], strlen(texts[i]), ERR_USAGE);
	refused("{\"a\":\"b\0c\"}", 11, ERR_USAGE);
	for (size_t i = 0; i < 100000; i++)
		str_add(&deep, "[");
	refused(str_text(&deep), deep.len, ERR_USAGE);
	refused("[]", 2, ERR_LIMIT);
	str_add(&many, "[1");
	for (size_t i = 0; i < RPC_BATCH_MAX; i++)
		str_add(&many, ",1");
	str_add(&many, "]");
	refused(str_text(&many), many.len, ERR_LIMIT);
}

static void one_bad_message_of_a_batch_is_not_the_others_fault(void **state)
{
	static const char text[] = "[5,{" V ",\"id\":1,\"method\":\"ping\"},{" V ",\"method\":\"m\"}]";
	OWN(rpc) rpc = RPC_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(rpc_read(text, strlen(text), &rpc, &e), 0);
	assert_true(rpc.is_batch && rpc.n == 3);
	assert_int_equal(rpc.messages[0].kind, RPC_BAD);
	assert_int_equal(rpc.messages[1].kind, RPC_REQUEST);
	assert_int_equal(rpc.messages[2].kind, RPC_NOTIFICATION);
}

static void check_text(json_t *answer, const char *wanted)
{
	char *const text = json_dumps(answer, JSON_COMPACT);

	assert_string_equal(text, wanted);
	free(text);
	json_decref(answer);
}

static void answers_say_whose_they_are(void **state)
{
	json_t *const id = json_string("a"), *const data = json_object();

	(void)state;
	check_text(rpc_result(id, json_object()), "{" V ",\"id\":\"a\",\"result\":{}}");
	check_text(rpc_error(NULL, RPC_PARSE_ERROR, "a\x1b" "b", NULL), "{" V ",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"a?b\"}}");
	check_text(rpc_error(id, RPC_REFUSED, "no", data), "{" V ",\"id\":\"a\",\"error\":{\"code\":-32000,\"message\":\"no\",\"data\":{}}}");
	json_decref(id);
	json_decref(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_of_one_kind),
		cmocka_unit_test(what_is_no_json_is_told_from_what_is_no_batch),
		cmocka_unit_test(one_bad_message_of_a_batch_is_not_the_others_fault),
		cmocka_unit_test(answers_say_whose_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
