/* serve/job_read: what is a job document and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "serve/job.h"

static const struct {
	const char *json, *code, *field, *says;
} bad[] = {
	/* JSON itself */
	{ "", "invalid_json", "", "line 1" },
	{ "{\"runtime\":\"python\"} x", "invalid_json", "", "end of file expected" },
	{ "{\"runtime\":\"python\",\"runtime\":\"node\"}", "invalid_json", "", "duplicate" },
	{ "{\"runtime\":\"python\",\"name\":\"a\\u0000b\"}", "invalid_json", "", "NUL" },
	{ "{\"runtime\":\"\xff\"}", "invalid_json", "", "decode byte" },
	{ "[]", "invalid_value", "", "must be an object" },
	{ "{}", "invalid_value", "", "runtime is missing" },
	/* fields */
	{ "{\"runtime\":\"python\",\"file\":[]}", "unknown_field", "/file", "did you mean \"files\"?" },
	{ "{\"runtime\":\"python\",\"limits\":{\"memory\":1}}", "unknown_field", "/limits/memory", "no field" },
	{ "{\"runtime\":\"python\",\"limits\":{\"wal_ms\":1}}", "unknown_field", "/limits/wal_ms", "\"wall_ms\"" },
	{ "{\"runtime\":\"python\",\"a/b~c\":1}", "unknown_field", "/a~1b~0c", "no field" },
	{ "{\"runtime\":\"python\",\"\\u001b[2J\":1}", "unknown_field", "/?[2J", "\"?[2J\"" },
	{ "{\"runtime\":7}", "invalid_value", "/runtime", "must be a string" },
	{ "{\"runtime\":\"py thon\"}", "invalid_value", "/runtime", "/v1/runtimes" },
	{ "{\"runtime\":\"python@\"}", "invalid_value", "/runtime", "NAME@VERSION" },
	{ "{\"runtime\":\"python\",\"name\":\"a\\u001b[31m\"}", "invalid_value", "/name", "letters" },
	{ "{\"runtime\":\"python\",\"boundary\":\"chroot\"}", "invalid_value", "/boundary", "gvisor" },
	{ "{\"runtime\":\"python\",\"labels\":{\"a\":7}}", "invalid_value", "/labels/a", "string" },
	{ "{\"runtime\":\"python\",\"labels\":{\"a\":\"\\u009b31m\"}}", "invalid_value", "/labels/a", "control" },
	{ "{\"runtime\":\"python\",\"env\":{\"A=B\":\"\"}}", "invalid_value", "/env/A=B", "no name" },
	{ "{\"runtime\":\"python\",\"env\":{\"1A\":\"\"}}", "invalid_value", "/env/1A", "no name" },
	/* what is not here */
	{ "{\"runtime\":\"python\",\"egress\":{}}", "egress_not_permitted", "/egress", "no network" },
	{ "{\"runtime\":\"python\",\"secrets\":null}", "egress_not_permitted", "/secrets", "no network" },
	{ "{\"runtime\":\"python\",\"webhook\":\"wh_1\"}", "not_supported", "/webhook", "webhook" },
	{ "{\"runtime\":\"python\",\"isolation\":{}}", "not_supported", "/isolation", "isolation" },
	/* files */
#define FILES(x) "{\"runtime\":\"python\",\"files\":[" x "]}"
	{ FILES("{\"path\":\"../a\",\"text\":\"\"}"), "invalid_value", "/files/0/path", "\"..\"" },
	{ FILES("{\"path\":\"a/../b\",\"text\":\"\"}"), "invalid_value", "/files/0/path", "\"..\"" },
	{ FILES("{\"path\":\"./a\",\"text\":\"\"}"), "invalid_value", "/files/0/path", "\".\"" },
	{ FILES("{\"path\":\"/etc/passwd\",\"text\":\"\"}"), "invalid_value", "/files/0/path", "relative" },
	{ FILES("{\"path\":\"a//b\",\"text\":\"\"}"), "invalid_value", "/files/0/path", "empty part" },
	{ FILES("{\"path\":\"a/\",\"text\":\"\"}"), "invalid_value", "/files/0/path", "empty part" },
	{ FILES("{\"path\":\"\",\"text\":\"\"}"), "invalid_value", "/files/0/path", "1 to 255" },
	{ FILES("{\"path\":\"a\\nb\",\"text\":\"\"}"), "invalid_value", "/files/0/path", "control" },
	{ FILES("{\"path\":\"a\\u009bb\",\"text\":\"\"}"), "invalid_value", "/files/0/path", "control" },
	{ FILES("{\"path\":\"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q\",\"text\":\"\"}"), "invalid_value", "/files/0/path", "16 parts" },
	{ FILES("{\"path\":\"a\",\"text\":\"\"},{\"path\":\"a\",\"text\":\"\"}"), "invalid_value", "/files/1/path", "already" },
	{ FILES("{\"path\":\"a/b\",\"text\":\"\"},{\"path\":\"a\",\"text\":\"\"}"), "invalid_value", "/files/0/path", "already" },
	{ FILES("{\"path\":\"a\",\"text\":\"\"},{\"path\":\"a/b\",\"text\":\"\"}"), "invalid_value", "/files/1/path", "already" },
	{ FILES("{\"path\":\"a\"}"), "invalid_value", "/files/0", "missing" },
	{ FILES("{\"text\":\"a\"}"), "invalid_value", "/files/0", "path is missing" },
	{ FILES("{\"path\":\"a\",\"text\":\"\",\"base64\":\"\"}"), "invalid_value", "/files/0/base64", "only one" },
	{ FILES("{\"path\":\"a\",\"base64\":\"YQ\"}"), "invalid_value", "/files/0/base64", "no base64" },
	{ FILES("{\"path\":\"a\",\"base64\":\"YR==\"}"), "invalid_value", "/files/0/base64", "no base64" },
	{ FILES("{\"path\":\"a\",\"blob\":\"sha256:abc\"}"), "invalid_value", "/files/0/blob", "64" },
	{ FILES("{\"path\":\"a\",\"live\":true}"), "unknown_field", "/files/0/live", "no field" },
	/* steps */
#define STEPS(x) "{\"runtime\":\"exec\",\"steps\":[" x "]}"
	{ STEPS(""), "invalid_value", "/steps", "1 to 16" },
	{ STEPS("{}"), "invalid_value", "/steps/0", "argv is missing" },
	{ STEPS("{\"argv\":[]}"), "invalid_value", "/steps/0/argv", "1 to 256" },
	{ STEPS("{\"argv\":[\"\"]}"), "invalid_value", "/steps/0/argv", "empty" },
	{ STEPS("{\"argv\":[\"a\",7]}"), "invalid_value", "/steps/0/argv/1", "string" },
	{ STEPS("{\"id\":\"x\",\"argv\":[\"a\"]},{\"id\":\"x\",\"argv\":[\"b\"]}"), "invalid_value", "/steps/1", "same id" },
	{ STEPS("{\"argv\":[\"a\"]},{\"id\":\"0\",\"argv\":[\"b\"]}"), "invalid_value", "/steps/1", "same id" },
	{ "{\"runtime\":\"exec\",\"args\":[\"x\"],\"steps\":[{\"argv\":[\"a\"]}]}", "invalid_value", "", "own steps" },
	/* a terminal */
#define TTY(x) "{\"runtime\":\"exec\",\"tty\":" x ",\"steps\":[{\"argv\":[\"a\"],\"stdin\":{\"live\":true}}]}"
	{ TTY("true"), "invalid_value", "/tty", "object" },
	{ TTY("{\"rows\":0}"), "invalid_value", "/tty/rows", "at least 1" },
	{ TTY("{\"cols\":1001}"), "limit_above_ceiling", "/tty/cols", "1000" },
	{ TTY("{\"lines\":1}"), "unknown_field", "/tty/lines", "no field" },
	{ "{\"runtime\":\"bash\",\"tty\":{}}", "invalid_value", "", "live" },
	/* limits and numbers */
#define LIMITS(x) "{\"runtime\":\"python\",\"limits\":{" x "}}"
	{ LIMITS("\"wall_ms\":0"), "invalid_value", "/limits/wall_ms", "at least 1" },
	{ LIMITS("\"wall_ms\":-5"), "invalid_value", "/limits/wall_ms", "at least 1" },
	{ LIMITS("\"wall_ms\":1.5"), "invalid_value", "/limits/wall_ms", "whole" },
	{ LIMITS("\"wall_ms\":99999999999"), "limit_above_ceiling", "/limits/wall_ms", "3600000" },
	{ LIMITS("\"wall_ms\":99999999999999999999"), "invalid_json", "", "big" },
	{ LIMITS("\"pids\":5000"), "limit_above_ceiling", "/limits/pids", "4096" },
	{ LIMITS("\"cpus\":0"), "invalid_value", "/limits/cpus", "0.01" },
	{ LIMITS("\"cpus\":1e9"), "limit_above_ceiling", "/limits/cpus", "64" },
	{ LIMITS("\"on_output_limit\":\"ignore\""), "invalid_value", "/limits/on_output_limit", "truncate" },
	{ "{\"runtime\":\"python\",\"priority\":10}", "limit_above_ceiling", "/priority", "9" },
	{ "{\"runtime\":\"python\",\"ttl_s\":1}", "invalid_value", "/ttl_s", "60" },
	{ "{\"runtime\":\"python\",\"retry\":{\"max_attempts\":0}}", "invalid_value", "/retry/max_attempts", "1" },
	{ "{\"runtime\":\"python\",\"retry\":{\"on\":[\"exit\"]}}", "invalid_value", "/retry/on", "infra" },
	{ "{\"runtime\":\"python\",\"deadline\":\"tomorrow\"}", "invalid_value", "/deadline", "moment" },
	{ "{\"runtime\":\"python\",\"deadline\":\"2026-13-01T00:00:00Z\"}", "invalid_value", "/deadline", "moment" },
	{ "{\"runtime\":\"python\",\"deadline\":\"2026-02-29T00:00:00Z\"}", "invalid_value", "/deadline", "moment" },
	{ "{\"runtime\":\"python\",\"deadline\":\"2026-11-21T18:00:00Zx\"}", "invalid_value", "/deadline", "moment" },
	{ "{\"runtime\":\"python\",\"outputs\":[{\"path\":\"../*\"}]}", "invalid_value", "/outputs/0/path", "\"..\"" },
	{ "{\"runtime\":\"python\",\"outputs\":[{\"path\":\"[a]\"}]}", "invalid_value", "/outputs/0/path", "* and ?" },
};

static void a_bad_document_is_refused_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		OWN(job_spec) spec = JOB_SPEC_NONE;
		struct job_fault fault = { .code = NULL };

		if (job_spec_read(bad[i].json, strlen(bad[i].json), &spec, &fault) == 0)
			fail_msg("taken: %s", bad[i].json);
		if (strcmp(fault.code, bad[i].code) || strcmp(fault.field, bad[i].field) || !strstr(fault.detail, bad[i].says))
			fail_msg("%s: %s at \"%s\": %s", bad[i].json, fault.code, fault.field, fault.detail);
	}
}

static const char whole[] =
	"{\"name\":\"fib\",\"labels\":{\"z\":\"1\",\"course\":\"cs1\"},\"runtime\":\"cc@12\",\"boundary\":\"gvisor\","
	"\"files\":[{\"path\":\"main.c\",\"text\":\"int\"},{\"path\":\"d/in.bin\",\"base64\":\"AAEC/w==\",\"executable\":true},"
	"{\"path\":\"x\",\"blob\":\"sha256:00000000000000000000000000000000000000000000000000000000000000ff\"}],"
	"\"steps\":[{\"id\":\"build\",\"argv\":[\"cc\",\"main.c\"]},{\"argv\":[\"./a.out\",\"\"],\"stdin\":{\"text\":\"5\\n\"}},"
	"{\"argv\":[\"cat\"],\"stdin\":{\"live\":true}}],\"tty\":{\"rows\":50},\"env\":{\"LANG\":\"C.UTF-8\",\"_A1\":\"\"},"
	"\"limits\":{\"cpu_ms\":2000,\"wall_ms\":10000,\"mem_bytes\":268435456,\"pids\":64,\"disk_bytes\":67108864,\"files\":4096,"
	"\"stdout_bytes\":0,\"stderr_bytes\":1048576,\"on_output_limit\":\"kill\",\"cpus\":1.5},"
	"\"outputs\":[{\"path\":\"out/*.png\",\"max_bytes\":5000000,\"max_files\":8}],\"retry\":{\"max_attempts\":1,\"on\":[\"infra\"]},"
	"\"deadline\":\"2026-11-21T19:00:00.250+01:00\",\"priority\":0,\"ttl_s\":3600}";

static void a_whole_document_is_read(void **state)
{
	OWN(job_spec) spec = JOB_SPEC_NONE;
	struct job_fault fault = { .detail = "" };

	(void)state;
	if (job_spec_read(whole, sizeof(whole) - 1, &spec, &fault) < 0)
		fail_msg("%s: %s", fault.field, fault.detail);
	assert_string_equal(spec.name, "fib");
	assert_string_equal(spec.runtime, "cc");
	assert_string_equal(spec.version, "12");
	assert_int_equal(spec.boundary, JOB_GVISOR);
	assert_int_equal(spec.n_labels, 2);
	assert_string_equal(spec.labels[0].name, "course");
	assert_int_equal(spec.n_files, 3);
	assert_memory_equal(spec.files[1].bytes.at, "\0\1\2\xff", 4);
	assert_int_equal(spec.files[1].bytes.len, 4);
	assert_true(spec.files[1].is_executable);
	assert_int_equal(spec.files[2].bytes.source, JOB_BLOB);
	assert_string_equal(spec.files[2].bytes.blob + 60, "00ff");
	assert_int_equal(spec.n_steps, 3);
	assert_string_equal(spec.steps[1].id, "1");
	assert_int_equal(spec.steps[1].argc, 2);
	assert_null(spec.steps[1].argv[2]);
	assert_int_equal(spec.steps[0].input.source, JOB_EMPTY);
	assert_int_equal(spec.steps[1].input.len, 2);
	assert_int_equal(spec.steps[2].input.source, JOB_LIVE);
	assert_int_equal(spec.tty.rows, 50);
	assert_int_equal(spec.tty.cols, 80);
	assert_int_equal(spec.n_env, 2);
	assert_int_equal(spec.limits.cpu_ms, 2000);
	assert_int_equal(spec.limits.stdout_bytes, 0);
	assert_int_equal(spec.limits.cpus_milli, 1500);
	assert_true(spec.limits.kill_at_output_limit);
	assert_int_equal(spec.outputs[0].max_files, 8);
	assert_int_equal(spec.max_attempts, 1);
	assert_int_equal(spec.deadline_ms, 1795284000250);
	assert_int_equal(spec.priority, 0);
	assert_int_equal(spec.ttl_s, 3600);
}

static void what_was_not_said_has_its_default(void **state)
{
	static const char json[] = "{\"runtime\":\"python\"}";
	OWN(job_spec) spec = JOB_SPEC_NONE;
	struct job_fault fault;

	(void)state;
	assert_int_equal(job_spec_read(json, sizeof(json) - 1, &spec, &fault), 0);
	assert_string_equal(spec.name, "");
	assert_null(spec.version);
	assert_int_equal(spec.boundary, JOB_AUTO);
	assert_int_equal(spec.priority, 5);
	assert_int_equal(spec.max_attempts, 3);
	assert_int_equal(spec.ttl_s, 86400);
	assert_int_equal(spec.limits.wall_ms, 0);
	assert_int_equal(spec.deadline_ms, 0);
}

/* One meaning, one text: the order of members and blanks do not count, and reading it again changes nothing. */
static void the_canonical_form_is_one_for_one_meaning(void **state)
{
	static const char *const texts[] = {
		"{\"runtime\":\"python\",\"env\":{\"B\":\"2\",\"A\":\"\\u00e9\"},\"limits\":{\"cpus\":0.1}}",
		" { \"limits\" : {\"cpus\":1e-1} ,\n\"env\":{\"A\":\"\xc3\xa9\",\"B\":\"2\"},\"runtime\":\"pyth\\u006fn\"} ",
	};
	OWN(job_spec) first = JOB_SPEC_NONE;
	OWN(job_spec) other = JOB_SPEC_NONE;
	OWN(job_spec) again = JOB_SPEC_NONE;
	struct job_fault fault;

	(void)state;
	assert_int_equal(job_spec_read(texts[0], strlen(texts[0]), &first, &fault), 0);
	assert_int_equal(job_spec_read(texts[1], strlen(texts[1]), &other, &fault), 0);
	assert_string_equal(first.canonical, other.canonical);
	assert_int_equal(job_spec_read(first.canonical, first.canonical_len, &again, &fault), 0);
	assert_string_equal(first.canonical, again.canonical);
}

static void depth_is_bounded_before_anything_is_parsed(void **state)
{
	OWN(str) deep = STR_NONE;
	OWN(job_spec) spec = JOB_SPEC_NONE;
	struct job_fault fault;

	(void)state;
	str_add(&deep, "{\"name\":\"]]\\\"[\",\"env\":");
	for (int i = 0; i < 1000000; i++)
		str_add(&deep, "[");
	assert_int_equal(job_spec_read(str_text(&deep), deep.len, &spec, &fault), -1);
	assert_string_equal(fault.code, "invalid_json");
	assert_non_null(strstr(fault.detail, "32 levels"));
}

static void values_are_bounded_before_anything_is_made_of_them(void **state)
{
	OWN(str) many = STR_NONE;
	OWN(job_spec) spec = JOB_SPEC_NONE;
	struct job_fault fault;

	(void)state;
	str_add(&many, "{\"args\":[{}");
	for (int i = 0; i < 1000000; i++)
		str_add(&many, ",{}");
	assert_int_equal(job_spec_read(str_text(&many), many.len, &spec, &fault), -1);
	assert_string_equal(fault.code, "invalid_json");
	assert_non_null(strstr(fault.detail, "8192 values"));
}

/* jansson is asked for its words about a short one alone. */
static void what_is_wrong_far_behind_has_its_place(void **state)
{
	OWN(str) text = STR_NONE;
	OWN(job_spec) spec = JOB_SPEC_NONE;
	struct job_fault fault;

	(void)state;
	str_add(&text, "{\"name\":\n\"");
	for (int i = 0; i < 100000; i++)
		str_add(&text, "x");
	str_add(&text, "\x01\"}");
	assert_int_equal(job_spec_read(str_text(&text), text.len, &spec, &fault), -1);
	assert_string_equal(fault.code, "invalid_json");
	assert_non_null(strstr(fault.detail, "line 2, column 100002:"));
}

static void a_document_above_its_size_is_refused(void **state)
{
	OWN_MEM char *big = mem_alloc(JOB_DOCUMENT_MAX + 1);
	OWN(job_spec) spec = JOB_SPEC_NONE;
	struct job_fault fault;

	(void)state;
	memset(big, ' ', JOB_DOCUMENT_MAX + 1);
	assert_int_equal(job_spec_read(big, JOB_DOCUMENT_MAX + 1, &spec, &fault), -1);
	assert_string_equal(fault.code, "payload_too_large");
}

static void a_boundary_has_one_name(void **state)
{
	(void)state;
	for (unsigned b = 0; b < JOB_BOUNDARIES; b++)
		assert_int_equal(job_boundary_find(job_boundary_name((enum job_boundary)b)), b);
	assert_int_equal(job_boundary_find("vm"), JOB_BOUNDARIES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_document_is_refused_with_its_place),
		cmocka_unit_test(a_whole_document_is_read),
		cmocka_unit_test(what_was_not_said_has_its_default),
		cmocka_unit_test(the_canonical_form_is_one_for_one_meaning),
		cmocka_unit_test(depth_is_bounded_before_anything_is_parsed),
		cmocka_unit_test(values_are_bounded_before_anything_is_made_of_them),
		cmocka_unit_test(what_is_wrong_far_behind_has_its_place),
		cmocka_unit_test(a_document_above_its_size_is_refused),
		cmocka_unit_test(a_boundary_has_one_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
