/* model/policy_read: what is a policy and what is not, in YAML and in JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "model/policy.h"
#include "model/policy_explain.h"

#define V1 "version: 1\n"

static const struct {
	const char *text;
	size_t len;
	enum err_kind kind;
	const char *line;
} bad[] = {
#define BAD(text, kind, line) { text, sizeof(text) - 1, kind, line },
#include "policy_bad.def"
#undef BAD
};

static void a_bad_policy_is_refused_in_one_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		OWN(policy) policy = POLICY_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(policy_read("x.yaml", bad[i].text, bad[i].len, &policy, &e), -1);
		assert_string_equal(e.text, bad[i].line);
		assert_int_equal(e.kind, bad[i].kind);
		assert_int_equal(policy.n_grants, 0); /* failure leaves *out alone */
	}
}

/* Too big to write down: head, then `times` copies of piece, then tail. */
static void a_policy_out_of_bounds_is_refused(void **state)
{
	static const struct {
		const char *head, *piece, *tail;
		size_t times;
		const char *line;
	} rows[] = {
		{ V1, "aaaaaaaaaa", "", 1 << 20,
		  "x.yaml: 10485771 bytes; a policy has at most 1048576" },
		{ V1 "files:\n", "- read: /a\n", "", 5000,
		  "x.yaml:4099:9: more than 4096 grants; grant the directories above them" },
		{ V1 "files: [", "x,", "]", 70000,
		  "x.yaml:2:131075: more than 65536 values; split the policy" },
		{ V1 "name: ", "a", "", 5000,
		  "x.yaml:2:7: text of 5000 bytes; at most 4095 are allowed" },
		{ "", "[", "", 100000, "x.yaml:1:17: nested deeper than 16; no policy needs that" },
		{ "", "{\"a\":", "", 100000,
		  "x.yaml:1:10241: nested deeper than 16; no policy needs that" },
		{ "", "a: ", "", 300000,
		  "x.yaml:1:5: not YAML: mapping values are not allowed in this context; "
		  "check indentation and quotes" },
		{ V1 "syscalls: {rules: [", "{call: read, action: kill},", "]}", 300,
		  "x.yaml:2:19: more than 256 rules; join those that say the same" },
		{ V1 "network: {mode: host, bind: [", "1,", "]}", 2000,
		  "x.yaml:2:29: more than 1024 ports" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(str) text = STR_NONE;
		OWN(policy) policy = POLICY_NONE;
		struct err e = ERR_INIT;

		str_add(&text, rows[i].head);
		for (size_t k = 0; k < rows[i].times; k++)
			str_add(&text, rows[i].piece);
		str_add(&text, rows[i].tail);
		assert_int_equal(policy_read("x.yaml", str_text(&text), text.len, &policy, &e), -1);
		assert_string_equal(e.text, rows[i].line);
	}
}

static void many_keys_in_one_map_are_refused(void **state)
{
	OWN(str) text = STR_NONE;
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	str_add(&text, V1 "env:\n  set:\n");
	for (int i = 0; i < 513; i++)
		str_addf(&text, "    A%d: x\n", i);
	assert_int_equal(policy_read("x.yaml", str_text(&text), text.len, &policy, &e), -1);
	assert_string_equal(e.text, "x.yaml:516:5: more than 512 keys in one map");
}

static void two_thousand_grants_are_read(void **state)
{
	OWN(str) text = STR_NONE;
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	str_add(&text, V1 "files:\n");
	for (int i = 0; i < 2000; i++)
		str_addf(&text, "  - read: /usr/share/%d\n    as: /data/%d\n", i, i);
	assert_int_equal(policy_read("x.yaml", str_text(&text), text.len, &policy, &e), 0);
	assert_int_equal(policy.n_grants, 2000);
	assert_string_equal(policy.grants[1999].what, "/usr/share/1999");
	assert_string_equal(policy.grants[1999].as, "/data/1999");
	assert_int_equal(policy.grants[1999].origin.line, 4001);
}

static void spellings_that_are_policies_are_read(void **state)
{
	static const char *const rows[] = {
		"\xef\xbb\xbf" V1 "name: bom",
		"version: 1\r\nname: crlf\r\n",
		V1 "name: no",
		"---\nversion: 1\n...\n",
		"# comment\nversion: \"1\"\n",
		V1 "hardening: {core_sched: true, mdwe: yes, no_tsc: on}",
		V1 "files: [{read: /procx}, {read: /system}, {read: /x/proc}]",
		V1 "network: host",
		V1 "network: {mode: host, connect: [443], bind: []}",
		V1 "env: {set: {LD_PRELOAD: x, EMPTY: ''}}",
		V1 "fallback: []\nrequire: []",
		"{\"version\":1,\"limits\":{\"memory\":1048576,\"cpu\":\"2s\"},\"hardening\":{"
		"\"mdwe\":"
		"true}}",
		" \n{\"version\":1}",
		"\xef\xbb\xbf{\"version\":1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(policy) policy = POLICY_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(policy_read("x.yaml", rows[i], strlen(rows[i]), &policy, &e), 0);
		assert_string_equal(e.text, "");
	}
}

static const char everything_yaml[] =
	"version: 1\nname: both\nboundary: process\nimage: img\n"
	"limits: {cpu: 1500ms, memory: 64M, cpus: 1.5}\n"
	"network: {mode: host, connect: [443, 80], bind: []}\n"
	"files: [{read: image}, {write: ./out, as: /out, exec: true}, {scratch: /tmp, size: 1M, "
	"inodes: 99}]\n"
	"env: {keep: [LANG], set: {A: \"b c\"}}\nrequire: [seccomp, rlimits]\nfallback: [process, "
	"rlimits]\n"
	"syscalls: {default: errno, errno: EPERM, report: none, allow: [read],\n"
	" rules: [{call: ioctl, when: {arg1: [1, 2]}}, {call: [kill], action: errno, errno: "
	"EACCES}]}\n";

static const char everything_json[] =
	"{\"version\":1,\n\"name\":\"both\",\n\"boundary\":\"process\",\n\"image\":\"img\",\n"
	"\"limits\":{\"cpu\":\"1500ms\",\"memory\":67108864,\"cpus\":1.5},\n"
	"\"network\":{\"mode\":\"host\",\"connect\":[443,80],\"bind\":[]},\n"
	"\"files\":[{\"read\":\"image\"},{\"write\":\"./out\",\"as\":\"/out\",\"exec\":true},"
	"{\"scratch\":\"/tmp\",\"size\":\"1M\",\"inodes\":99}],\n"
	"\"env\":{\"keep\":[\"LANG\"],\"set\":{\"A\":\"b "
	"c\"}},\n\"require\":[\"seccomp\",\"rlimits\"],\n"
	"\"fallback\":[\"process\",\"rlimits\"],\n"
	"\"syscalls\":{\"default\":\"errno\",\"errno\":\"EPERM\",\"report\":\"none\",\"allow\":["
	"\"read\"],\n"
	"\"rules\":[{\"call\":\"ioctl\",\"when\":{\"arg1\":[1,2]}},"
	"{\"call\":[\"kill\"],\"action\":\"errno\",\"errno\":\"EACCES\"}]}}";

static void json_and_yaml_say_the_same(void **state)
{
	OWN(policy) a = POLICY_NONE;
	OWN(policy) b = POLICY_NONE;
	OWN(str) a_text = STR_NONE;
	OWN(str) b_text = STR_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(policy_read("x", everything_yaml, sizeof(everything_yaml) - 1, &a, &e), 0);
	assert_int_equal(policy_read("x", everything_json, sizeof(everything_json) - 1, &b, &e), 0);
	policy_explain(&a, &a_text);
	policy_explain(&b, &b_text);
	assert_string_equal(str_text(&a_text), str_text(&b_text));
	assert_int_equal(a.syscalls.n_rows, b.syscalls.n_rows);
}

static void every_part_reaches_the_policy(void **state)
{
	OWN(policy) p = POLICY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(policy_read("x", everything_yaml, sizeof(everything_yaml) - 1, &p, &e), 0);
	assert_int_equal(policy_n(&p, KEY_BOUNDARY), BOUNDARY_PROCESS);
	assert_int_equal(policy_n(&p, KEY_CPU), 1500);
	assert_int_equal(policy_n(&p, KEY_CPUS), 1500);
	assert_string_equal(policy_text(&p, KEY_IMAGE), "img");
	assert_int_equal(p.values[KEY_MEMORY].origin.line, 5);
	assert_int_equal(p.values[KEY_MEMORY].origin.column, 31);
	assert_true(p.ports_listed);
	assert_int_equal(p.n_connect, 2);
	assert_int_equal(p.connect_ports[1], 80);
	assert_int_equal(p.n_bind, 0);
	assert_int_equal(p.n_grants, 3);
	assert_true(p.grants[1].may_exec);
	assert_int_equal(p.grants[2].inodes, 99);
	assert_int_equal(p.n_env, 2);
	assert_null(p.env[0].value);
	assert_string_equal(p.env[1].value, "b c");
	assert_int_equal(p.require, LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_RLIMITS));
	assert_int_equal(p.fallback, FALLBACK_PROCESS | FALLBACK_RLIMITS);
	assert_int_equal(p.syscalls.otherwise, FILTER_ERRNO);
	assert_int_equal(p.syscalls.otherwise_sys, 1);
	assert_false(p.syscalls.report);
}

static void silence_is_the_strict_choice(void **state)
{
	OWN(policy) p = POLICY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(policy_read("x", V1, strlen(V1), &p, &e), 0);
	assert_int_equal(policy_n(&p, KEY_BOUNDARY), BOUNDARY_CONTAINER);
	assert_int_equal(policy_n(&p, KEY_NETWORK), NETWORK_NONE);
	assert_int_equal(policy_n(&p, KEY_THREAT), THREAT_HOSTILE);
	assert_int_equal(policy_n(&p, KEY_PROC), PROC_NONE);
	assert_int_equal(policy_n(&p, KEY_ASLR), true);
	assert_int_equal(p.n_grants, 0);
	assert_int_equal(p.fallback, 0);
	assert_int_equal(p.syscalls.n_rows, 0);
	assert_int_equal(p.syscalls.otherwise, FILTER_KILL);
	assert_true(p.syscalls.report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_policy_is_refused_in_one_line),
		cmocka_unit_test(a_policy_out_of_bounds_is_refused),
		cmocka_unit_test(many_keys_in_one_map_are_refused),
		cmocka_unit_test(two_thousand_grants_are_read),
		cmocka_unit_test(spellings_that_are_policies_are_read),
		cmocka_unit_test(json_and_yaml_say_the_same),
		cmocka_unit_test(every_part_reaches_the_policy),
		cmocka_unit_test(silence_is_the_strict_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
