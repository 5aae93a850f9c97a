/* model/threat_read: files, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/threat.h"

#define HEAD "version: 1\nname: x\n"
#define CODE "code: {author: stranger, form: native}\n"
#define REST "attacker: {controls: [source]}\nstake: [host, secrets]\ntenants: none\n"

static void a_file_is_read(void **state)
{
	static const char yaml[] = HEAD CODE REST "cost: {start: 1s, density: 8}\nneeds: [trace]\nhost: {kernel: old, kvm: no}\n";
	static const char json[] = "{\"version\": 1, \"code\": {\"author\": \"stranger\", \"form\": \"native\"},"
				   "\"attacker\": {\"controls\": [\"source\"]}, \"stake\": [\"host\", \"secrets\"],"
				   "\"tenants\": \"none\", \"cost\": {\"start\": \"1s\", \"density\": 8},"
				   "\"needs\": [\"trace\"], \"host\": {\"kernel\": \"old\", \"kvm\": \"no\"}}";
	OWN(threat) a = THREAT_NONE;
	OWN(threat) b = THREAT_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(threat_read("a", yaml, strlen(yaml), &a, &e), 0);
	assert_int_equal(threat_read("b", json, strlen(json), &b, &e), 0);
	assert_string_equal(a.name, "x");
	assert_null(b.name);
	assert_true(a.words == b.words && a.start_ms == 1000 && a.density == 8);
	assert_true(threat_has(&a, WORD_AUTHOR_STRANGER) && threat_has(&a, WORD_STAKE_SECRETS));
	assert_true(threat_has(&a, WORD_KERNEL_OLD) && threat_has(&a, WORD_DISPOSABLE_NO));
}

static void a_bad_file_is_refused_in_one_line(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "", "t:1:1: the threat model is empty" },
		{ "[]", "t:1:1: a threat model wants a map" },
		{ HEAD REST, "t:1:1: code.author is missing; one of: own, known, model, contributor, stranger" },
		{ HEAD CODE "stake: []\ntenants: none\n", "attacker.controls is missing; a list of: source" },
		{ CODE REST, "version is missing" },
		{ "version: 2\n" CODE REST, "t:1:10: version '2'" },
		{ HEAD "cod: {author: own}\n" REST, "t:3:1: unknown key 'cod' (did you mean 'code'?)" },
		{ HEAD "code: {author: own, form: native, from: x}\n" REST, "t:3:35: unknown key 'from' in code (did you mean 'form'?)" },
		{ HEAD CODE REST "author: own\n", "t:7:1: unknown key 'author' (did you mean 'code.author'?)" },
		{ HEAD CODE REST "power: hostile\n", "t:7:1: unknown key 'power'" },
		{ HEAD "code: {author: strangre, form: native}\n" REST, "t:3:16: code.author has no word 'strangre' (did you mean 'stranger'?)" },
		{ HEAD "code: {author: [own], form: native}\n" REST, "t:3:16: code.author wants one value" },
		{ HEAD "code: {author: own known, form: native}\n" REST, "code.author wants one word" },
		{ HEAD "code: own\n" REST, "t:3:7: code wants a map" },
		{ HEAD CODE "attacker: {controls: source}\nstake: []\ntenants: none\n", "t:4:22: attacker.controls wants a list" },
		{ HEAD CODE "attacker: {controls: [source, source]}\nstake: []\ntenants: none\n", "t:4:31: attacker.controls says 'source' twice" },
		{ HEAD CODE "attacker: {controls: [source, 'inputs build']}\nstake: []\ntenants: none\n", "single words" },
		{ HEAD CODE REST "cost: {start: 5}\n", "t:7:15: cost.start" },
		{ HEAD CODE REST "cost: {density: -1}\n", "t:7:17: cost.density" },
		{ HEAD CODE REST "tenants: none\n", "t:7:1: duplicate key 'tenants'" },
		{ "version: 1\nname: \"a b\"\n" CODE REST, "t:2:7: a name has 1 to 64 characters" },
		{ HEAD CODE "attacker: {controls: []}\nstake: [tenants]\ntenants: none\n", "t: stake names tenants" },
		{ HEAD CODE "--- \n", "one threat model per file" },
		{ "version: 1\nname: a\x01\n", "t:2:8: control byte 0x01; a threat model is plain UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct threat threat = THREAT_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(threat_read("t", rows[i].text, strlen(rows[i].text), &threat, &e), -1);
		if (!strstr(e.text, rows[i].error) || strchr(e.text, '\n'))
			fail_msg("row %zu: '%s' does not say '%s'", i, e.text, rows[i].error);
		assert_true(!threat.words && !threat.arena.blocks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read),
		cmocka_unit_test(a_bad_file_is_refused_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
