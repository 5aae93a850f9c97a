/* model/threat: fields, words, answers, and the file that says the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/threat.h"

static void every_word_belongs_to_one_field_and_says_what_it_means(void **state)
{
	uint64_t seen = 0;

	(void)state;
	for (enum threat_field field = 0; field < THREAT_FIELDS; field++) {
		assert_int_equal(seen & threat_row(field)->words, 0);
		seen |= threat_row(field)->words;
		assert_true(strlen(threat_row(field)->question) > 10);
	}
	assert_true(seen == (THREAT_WORDS == 64 ? UINT64_MAX : WORD_BIT(THREAT_WORDS) - 1));
	for (enum threat_word word = 0; word < THREAT_WORDS; word++) {
		const struct threat_meaning *const meaning = threat_meaning(word);

		assert_true(threat_row(meaning->field)->words & WORD_BIT(word));
		assert_int_equal(strspn(meaning->word, "abcdefghijklmnopqrstuvwxyz"), strlen(meaning->word));
		assert_true(*meaning->meaning);
	}
	assert_null(threat_row(THREAT_FIELDS));
	assert_null(threat_meaning(THREAT_WORDS));
}

static void an_answer_is_set_or_refused_with_the_nearest_word(void **state)
{
	static const struct {
		enum threat_field field;
		const char *answer, *error;     /* NULL: taken */
	} rows[] = {
		{ THREAT_AUTHOR, "stranger", NULL },
		{ THREAT_AUTHOR, "  own ", NULL },
		{ THREAT_AUTHOR, "strnager", "did you mean 'stranger'?" },
		{ THREAT_AUTHOR, "nobody-knows", "known: own, known, model" },
		{ THREAT_AUTHOR, "own, known", "one word" },
		{ THREAT_AUTHOR, "", "one word" },
		{ THREAT_STAKE, "", NULL },
		{ THREAT_STAKE, "host, secrets,result", NULL },
		{ THREAT_STAKE, "host host", "twice" },
		{ THREAT_STAKE, "inputs", "stake has no word" },
		{ THREAT_START, "250ms", NULL },
		{ THREAT_START, "soon", "cost.start" },
		{ THREAT_DENSITY, "0", "cost.density" },
		{ THREAT_DENSITY, "40", NULL },
		{ THREAT_POWER, "mistake", "concluded" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(threat) threat = THREAT_NONE;
		struct err e = ERR_INIT;
		const int rc = threat_set(&threat, rows[i].field, rows[i].answer, &e);

		assert_int_equal(rc, rows[i].error ? -1 : 0);
		if (rows[i].error && !strstr(e.text, rows[i].error))
			fail_msg("'%s' does not say '%s'", e.text, rows[i].error);
		if (rows[i].error)
			assert_true(!threat.words && !threat.start_ms && !threat.density);
	}
}

static void a_second_answer_replaces_the_first(void **state)
{
	OWN(threat) threat = THREAT_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(threat_set(&threat, THREAT_STAKE, "host result", &e), 0);
	assert_int_equal(threat_set(&threat, THREAT_STAKE, "secrets", &e), 0);
	assert_true(threat.words == WORD_BIT(WORD_STAKE_SECRETS));
}

static void a_threat_is_what_every_named_field_has_a_word_of(void **state)
{
	const struct threat threat = { .words = WORD_BIT(WORD_AUTHOR_OWN) | WORD_BIT(WORD_STAKE_HOST) |
						WORD_BIT(WORD_STAKE_RESULT) };

	(void)state;
	assert_true(threat_is(&threat, 0));
	assert_true(threat_is(&threat, WORD_BIT(WORD_AUTHOR_OWN) | WORD_BIT(WORD_AUTHOR_KNOWN)));
	assert_true(threat_is(&threat, WORD_BIT(WORD_AUTHOR_OWN) | WORD_BIT(WORD_STAKE_RESULT)));
	assert_false(threat_is(&threat, WORD_BIT(WORD_AUTHOR_OWN) | WORD_BIT(WORD_STAKE_SECRETS)));
	assert_false(threat_is(&threat, WORD_BIT(WORD_TENANTS_ALONE)));
}

static void what_was_not_stated_is_the_first_word_and_contradictions_are_refused(void **state)
{
	OWN(threat) threat = THREAT_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(threat_set(&threat, THREAT_TENANTS, "none", &e), 0);
	assert_int_equal(threat_finish(&threat, &e), 0);
	assert_true(threat_has(&threat, WORD_KERNEL_UNKNOWN));
	assert_true(threat_has(&threat, WORD_KVM_AUTO));
	assert_true(threat_has(&threat, WORD_DISPOSABLE_NO));
	assert_false(threat_is(&threat, threat_row(THREAT_AUTHOR)->words));
	assert_int_equal(threat_set(&threat, THREAT_STAKE, "tenants", &e), 0);
	assert_int_equal(threat_finish(&threat, &e), -1);
	assert_non_null(strstr(e.text, "tenants says none"));
	assert_int_equal(threat_set(&threat, THREAT_TENANTS, "hostile", &e), 0);
	assert_int_equal(threat_set(&threat, THREAT_DISPOSABLE, "yes", &e), 0);
	assert_int_equal(threat_finish(&threat, &e), -1);
	assert_non_null(strstr(e.text, "host.disposable"));
}

static void what_was_written_is_read_as_the_same(void **state)
{
	static const struct {
		enum threat_field field;
		const char *answer;
	} answers[] = {
		{ THREAT_AUTHOR, "model" }, { THREAT_FORM, "script" }, { THREAT_CONTROLS, "inputs" },
		{ THREAT_STAKE, "" }, { THREAT_TENANTS, "trusted" }, { THREAT_START, "90s" },
		{ THREAT_DENSITY, "12" }, { THREAT_NEEDS, "network nested" }, { THREAT_KVM, "no" },
	};
	OWN(threat) threat = { .name = "round-trip" };
	OWN(threat) again = THREAT_NONE;
	OWN(str) text = STR_NONE;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		assert_int_equal(threat_set(&threat, answers[i].field, answers[i].answer, &e), 0);
	assert_int_equal(threat_finish(&threat, &e), 0);
	threat_write(&threat, &text);
	if (threat_read("again", str_text(&text), text.len, &again, &e) < 0)
		fail_msg("%s\n%s", e.text, str_text(&text));
	assert_true(again.words == threat.words && again.start_ms == 90000 && again.density == 12);
	assert_string_equal(again.name, "round-trip");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_belongs_to_one_field_and_says_what_it_means),
		cmocka_unit_test(an_answer_is_set_or_refused_with_the_nearest_word),
		cmocka_unit_test(a_second_answer_replaces_the_first),
		cmocka_unit_test(a_threat_is_what_every_named_field_has_a_word_of),
		cmocka_unit_test(what_was_not_stated_is_the_first_word_and_contradictions_are_refused),
		cmocka_unit_test(what_was_written_is_read_as_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
