/* api/mcp_tool: what the schemas promise is what is taken. */
#include "api/mcp_tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *tool, *args, *code, *field;         /* code NULL: taken */
} rows[] = {
	{ "run_code", "{\"runtime\":\"python\",\"code\":\"1\"}", NULL, NULL },
	{ "run_code", "{\"runtime\":\"python\",\"code\":\"1\",\"wait_s\":50,\"outputs\":[\"a\"],\"limits\":5}", NULL, NULL },
	{ "run_code", "{\"runtime\":\"python\"}", "invalid_value", "/code" },
	{ "run_code", "{\"runtime\":\"python\",\"code\":\"\"}", "invalid_value", "/code" },
	{ "run_code", "{\"runtime\":\"python\",\"code\":1}", "invalid_value", "/code" },
	{ "run_code", "{\"runtime\":\"python\",\"cod\":\"1\"}", "unknown_field", "" },
	{ "run_code", "{\"runtime\":\"python\",\"code\":\"1\",\"wait_s\":51}", "invalid_value", "/wait_s" },
	{ "run_code", "{\"runtime\":\"python\",\"code\":\"1\",\"wait_s\":-1}", "invalid_value", "/wait_s" },
	{ "run_code", "{\"runtime\":\"python\",\"code\":\"1\",\"wait_s\":1.5}", "invalid_value", "/wait_s" },
	{ "run_code", "{\"runtime\":\"python\",\"code\":\"1\",\"outputs\":[1]}", "invalid_value", "/outputs" },
	{ "run_code", "{\"runtime\":\"python\",\"code\":\"1\",\"outputs\":\"a\"}", "invalid_value", "/outputs" },
	{ "run_code", "{\"runtime\":\"python\",\"code\":\"1\",\"job_id\":\"a\"}", "unknown_field", "" },
	{ "read_artifact", "{\"job_id\":\"a\",\"stream\":\"stdout\",\"encoding\":\"base64\"}", NULL, NULL },
	{ "read_artifact", "{\"job_id\":\"a\",\"stream\":\"stdin\"}", "invalid_value", "/stream" },
	{ "read_artifact", "{\"job_id\":\"a\",\"stream\":\"\"}", "invalid_value", "/stream" },
	{ "read_artifact", "{\"job_id\":\"a\",\"stream\":\"stdout stderr\"}", "invalid_value", "/stream" },
	{ "read_artifact", "{\"job_id\":\"a\",\"name\":\"n\",\"max_bytes\":262145}", "invalid_value", "/max_bytes" },
	{ "job_status", "{}", "invalid_value", "/job_id" },
	{ "list_runtimes", "{}", NULL, NULL },
	{ "list_runtimes", "{\"x\":1}", "unknown_field", "" },
};

static void arguments_are_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *const args = json_loads(rows[i].args, 0, NULL);
		struct job_fault fault;
		const int result = mcp_tool_check(mcp_tool_find(rows[i].tool), args, &fault);

		if (result != (rows[i].code ? -1 : 0) || (rows[i].code && (strcmp(fault.code, rows[i].code) || strcmp(fault.field, rows[i].field))))
			fail_msg("%s %s: %d %s %s", rows[i].tool, rows[i].args, result, result ? fault.code : "", result ? fault.field : "");
		json_decref(args);
	}
	assert_int_equal(mcp_tool_find("run"), MCP_TOOLS);
	assert_int_equal(mcp_tool_find(""), MCP_TOOLS);
}

/* No argument at all is an empty object. */
static void no_arguments_are_none(void **state)
{
	struct job_fault fault;

	(void)state;
	assert_int_equal(mcp_tool_check(MCP_LIST_RUNTIMES, NULL, &fault), 0);
	assert_int_equal(mcp_tool_check(MCP_JOB_STATUS, NULL, &fault), -1);
}

static void every_tool_is_described_strictly(void **state)
{
	static const struct order_class python = { .runtime = "python", .boundary = "container" };
	const struct mcp_place place = { .classes = { &python }, .n = 1 };
	json_t *const list = mcp_tool_list(&place, true), *const old = mcp_tool_list(&place, false), *tool, *property;
	json_t *const runtimes = json_pack("[s]", "python");
	const char *name;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(list), MCP_TOOLS);
	json_array_foreach (list, i, tool) {
		json_t *const input = json_object_get(tool, "inputSchema");

		assert_int_equal(mcp_tool_find(json_string_value(json_object_get(tool, "name"))), i);
		assert_true(json_string_length(json_object_get(tool, "description")) > 40);
		assert_true(json_is_false(json_object_get(input, "additionalProperties")));
		assert_true(json_is_object(json_object_get(tool, "outputSchema")));
		assert_null(json_object_get(json_array_get(old, i), "outputSchema"));
		json_object_foreach (json_object_get(input, "properties"), name, property)
			if (!json_is_string(json_object_get(property, "description")) || json_object_size(property) < 2)
				fail_msg("%s has no schema", name);
	}
	assert_true(json_equal(json_object_get(json_object_get(json_object_get(json_object_get(json_array_get(list, 0), "inputSchema"), "properties"), "runtime"), "enum"),
			       runtimes));
	json_decref(runtimes);
	json_decref(list);
	json_decref(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_what_the_table_says),
		cmocka_unit_test(no_arguments_are_none),
		cmocka_unit_test(every_tool_is_described_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
