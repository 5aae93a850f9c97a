/* judge/threat: what makes an attacker of what strength, and that no rule is dead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "judge/threat.h"

#define W(word) WORD_BIT(WORD_##word)

static void the_power_of_an_attacker_follows_from_who_decides_what(void **state)
{
	static const struct {
		uint64_t words;
		enum threat_word power;
	} rows[] = {
		{ W(AUTHOR_OWN), WORD_POWER_MISTAKE },
		{ W(AUTHOR_OWN) | W(CONTROLS_INPUTS), WORD_POWER_TAKEN },
		{ W(AUTHOR_OWN) | W(CONTROLS_SOURCE), WORD_POWER_HOSTILE },
		{ W(AUTHOR_OWN) | W(CONTROLS_INPUTS) | W(CONTROLS_DEPENDENCIES), WORD_POWER_HOSTILE },
		{ W(AUTHOR_KNOWN), WORD_POWER_TRICKS },
		{ W(AUTHOR_KNOWN) | W(CONTROLS_SOURCE), WORD_POWER_TRICKS },
		{ W(AUTHOR_KNOWN) | W(CONTROLS_INPUTS), WORD_POWER_TAKEN },
		{ W(AUTHOR_KNOWN) | W(CONTROLS_BUILD), WORD_POWER_HOSTILE },
		{ W(AUTHOR_MODEL), WORD_POWER_TRICKS },
		{ W(AUTHOR_MODEL) | W(CONTROLS_INPUTS), WORD_POWER_HOSTILE },
		{ W(AUTHOR_CONTRIBUTOR), WORD_POWER_HOSTILE },
		{ W(AUTHOR_STRANGER), WORD_POWER_HOSTILE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct threat threat = { .words = rows[i].words };

		assert_non_null(threat_conclude(&threat));
		assert_true(threat.words == (rows[i].words | WORD_BIT(rows[i].power)));
		assert_non_null(threat_conclude(&threat)); /* concluding again changes nothing */
		assert_true(threat.words == (rows[i].words | WORD_BIT(rows[i].power)));
	}
}

/* Somewhere among all threats each rule is the one that decides. */
static void no_rule_is_dead(void **state)
{
	bool decides[64] = { false };
	size_t n = 0;

	(void)state;
	while (threat_rule(n))
		n++;
	assert_true(n && n < ARRAY_SIZE(decides));
	for (int author = WORD_AUTHOR_OWN; author <= WORD_AUTHOR_STRANGER; author++)
		for (int tenants = WORD_TENANTS_ALONE; tenants <= WORD_TENANTS_HOSTILE; tenants++)
			for (unsigned sets = 0; sets < 16 * 64 * 4; sets++) {
				struct threat threat = {
					.words = WORD_BIT(author) | WORD_BIT(tenants) |
						 (uint64_t)(sets & 15) << WORD_CONTROLS_SOURCE |
						 (uint64_t)(sets >> 4 & 63) << WORD_STAKE_HOST |
						 (sets & 1024 ? W(KERNEL_OLD) : W(KERNEL_PATCHED)) |
						 (sets & 2048 ? W(DISPOSABLE_YES) : W(DISPOSABLE_NO)),
				};
				const struct demand *demands[PROPERTIES];

				threat_conclude(&threat);
				threat_demands(&threat, demands);
				assert_non_null(demands[PROPERTY_RIGHTS]);
				for (size_t i = 0; i < PROPERTIES; i++)
					if (demands[i])
						decides[demands[i] - threat_rule(0)] = true;
			}
	for (size_t i = 0; i < n; i++)
		if (!decides[i])
			fail_msg("rule %zu (%s) never decides", i, threat_rule(i)->why);
}

static void rules_of_a_property_stand_together_the_strictest_first(void **state)
{
	(void)state;
	for (size_t i = 1; threat_rule(i); i++) {
		const struct demand *const before = threat_rule(i - 1), *const rule = threat_rule(i);

		assert_true(before->property <= rule->property);
		assert_true(before->property != rule->property || before->least >= rule->least);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_power_of_an_attacker_follows_from_who_decides_what),
		cmocka_unit_test(no_rule_is_dead),
		cmocka_unit_test(rules_of_a_property_stand_together_the_strictest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
