/* judge/advise: the answers to the shipped threat models, and what no threat model may ever get. */
#include "advise_case.h"

#define W(word) WORD_BIT(WORD_##word)

static void the_shipped_threat_models_get_their_boundary(void **state)
{
	static const struct {
		const char *name, *boundary;
		enum threat_word power;
	} rows[] = {
		{ "own-script", "process", WORD_POWER_MISTAKE },
		{ "contest-submission", "container", WORD_POWER_TRICKS },
		{ "contributor-build", "gvisor", WORD_POWER_HOSTILE },
		{ "code-runner", "gvisor", WORD_POWER_HOSTILE },
		{ "wasm-plugin", "wasm", WORD_POWER_HOSTILE },
		{ "edge-function", "js", WORD_POWER_HOSTILE },
		{ "model-agent", "microvm", WORD_POWER_HOSTILE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(sample) sample = SAMPLE_NONE;

		sample_read(&sample, rows[i].name);
		sample_judge(&sample);
		assert_true(sample.advice.chosen >= 0);
		assert_string_equal(strength_of(sample.advice.chosen)->name, rows[i].boundary);
		assert_true(threat_has(&sample.threat, rows[i].power));
	}
}

struct answer {
	const char *text;       /* below a head that states what is missing */
	const char *boundary;   /* NULL: none */
};

static void judge_text(struct sample *sample, const char *text)
{
	char whole[1024];
	struct err e = ERR_INIT;

	snprintf(whole, sizeof(whole), "version: 1\n%s", text);
	if (threat_read("t", whole, strlen(whole), &sample->threat, &e) < 0)
		fail_msg("%s\n%s", e.text, whole);
	sample_judge(sample);
}

#define STRANGER "code: {author: stranger, form: native}\nattacker: {controls: [source]}\n"
static void single_statements_decide(void **state)
{
	static const struct answer rows[] = {
		/* one's own program that reads what strangers wrote */
		{ "code: {author: own, form: native}\nattacker: {controls: [inputs]}\nstake: [host]\ntenants: none\n", "process" },
		{ "code: {author: own, form: native}\nattacker: {controls: [inputs]}\nstake: [secrets]\ntenants: none\n", "container" },
		{ "code: {author: own, form: native}\nattacker: {controls: [inputs]}\nstake: [host]\ntenants: hostile\n", "gvisor" },
		{ "code: {author: own, form: native}\nattacker: {controls: [inputs]}\nstake: [host]\ntenants: none\nhost: {kernel: old}\n", "gvisor" },
		/* others' code in one's own program */
		{ "code: {author: own, form: script}\nattacker: {controls: [dependencies]}\nstake: [host]\ntenants: none\n", "gvisor" },
		{ "code: {author: own, form: native}\nattacker: {controls: [source]}\nstake: [host]\ntenants: none\n", "gvisor" },
		{ "code: {author: known, form: native}\nattacker: {controls: [source]}\nstake: [result]\ntenants: none\nhost: {kernel: old}\n", "gvisor" },
		/* a model that reads nothing of strangers, and one that does */
		{ "code: {author: model, form: script}\nattacker: {controls: []}\nstake: [host]\ntenants: none\n", "container" },
		{ "code: {author: model, form: script}\nattacker: {controls: [inputs]}\nstake: [host]\ntenants: none\n", "gvisor" },
		/* a host that is thrown away is a boundary itself, unless something is left to take */
		{ STRANGER "stake: [result]\ntenants: none\nhost: {disposable: yes}\n", "container" },
		{ STRANGER "stake: [network]\ntenants: none\nhost: {disposable: yes}\n", "gvisor" },
		{ STRANGER "stake: [secrets]\ntenants: none\nhost: {disposable: yes}\n", "gvisor" },
		{ STRANGER "stake: []\ntenants: none\n", "gvisor" },
		/* engines: their records tell them apart where neighbours are hostile */
		{ "code: {author: stranger, form: js}\nattacker: {controls: [source]}\nstake: [host]\ntenants: trusted\n", "js" },
		{ "code: {author: stranger, form: js}\nattacker: {controls: [source]}\nstake: [host]\ntenants: hostile\n", "gvisor" },
		{ "code: {author: stranger, form: wasm}\nattacker: {controls: [source]}\nstake: [host]\ntenants: hostile\n", "wasm" },
		{ "code: {author: stranger, form: wasm}\nattacker: {controls: [source]}\nstake: [host]\ntenants: none\nneeds: [network]\n", "gvisor" },
		/* needs */
		{ STRANGER "stake: [host]\ntenants: none\nneeds: [nested]\n", "microvm" },
		{ STRANGER "stake: [host]\ntenants: none\nneeds: [kernel]\n", "microvm" },
		{ STRANGER "stake: [host]\ntenants: none\nneeds: [nested]\nhost: {kvm: no}\n", NULL },
		{ STRANGER "stake: [host]\ntenants: none\nneeds: [devices]\n", NULL },
		/* what may be spent chooses among those that contain; the cheapest remains when none may */
		{ STRANGER "stake: [host]\ntenants: none\ncost: {density: 21}\n", "gvisor" },
		{ STRANGER "stake: [host]\ntenants: none\ncost: {density: 500}\n", "gvisor" },
		{ STRANGER "stake: [host]\ntenants: none\ncost: {start: 1ms}\n", "gvisor" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(sample) sample = SAMPLE_NONE;
		const char *chosen = NULL;

		judge_text(&sample, rows[i].text);
		if (sample.advice.chosen >= 0)
			chosen = strength_of(sample.advice.chosen)->name;
		if (!rows[i].boundary != !chosen || (chosen && strcmp(chosen, rows[i].boundary) != 0))
			fail_msg("%s, not %s, for\n%s", chosen ? chosen : "none",
				 rows[i].boundary ? rows[i].boundary : "none", rows[i].text);
		assert_true(!chosen == !!sample.advice.impossible);
		assert_false(chosen && strcmp(chosen, "gvisor") == 0 && advise_is_met(&sample.advice));
	}
}

static void a_proposal_is_refused_only_when_it_falls_short(void **state)
{
	static const struct {
		const char *name;
		int proposed;
		bool is_refused, is_met;
	} rows[] = {
		{ "contributor-build", BOUNDARY_CONTAINER, true, false },
		{ "contributor-build", BOUNDARY_WASM, true, false },
		{ "contributor-build", BOUNDARY_MICROVM, false, false },        /* it is not in this build */
		{ "contest-submission", BOUNDARY_PROCESS, true, false },
		{ "own-script", BOUNDARY_CONTAINER, false, true },              /* more than enough */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(sample) sample = SAMPLE_NONE;

		sample_read(&sample, rows[i].name);
		sample.of.proposed = rows[i].proposed;
		sample_judge(&sample);
		assert_int_equal(sample.advice.is_refused, rows[i].is_refused);
		assert_int_equal(advise_is_met(&sample.advice), rows[i].is_met);
	}
}

static void a_container_for_hostile_native_code_is_refused_with_the_reason(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	const struct demand *fails;

	(void)state;
	sample_read(&sample, "code-runner");
	sample_judge(&sample);
	fails = sample.advice.rows[BOUNDARY_CONTAINER].fails[PROPERTY_KERNEL];
	assert_non_null(fails);
	assert_non_null(strstr(fails->why, "CVE-"));
}

static void figures_choose_among_those_that_contain(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	struct figures figures = { .host = "h" };

	(void)state;
	judge_text(&sample, STRANGER "stake: [host]\ntenants: none\ncost: {start: 20ms}\n");
	assert_int_equal(sample.advice.chosen, BOUNDARY_GVISOR);
	assert_true(sample.advice.rows[BOUNDARY_GVISOR].is_slow);
	figures.boundaries[BOUNDARY_MICROVM] = (struct figure){ FIGURE_MEASURED, 9000, 12000 };
	figures.boundaries[BOUNDARY_CONTAINER] = (struct figure){ FIGURE_MEASURED, 900, 1200 };
	sample.of.figures = &figures;
	sample_judge(&sample);
	assert_int_equal(sample.advice.chosen, BOUNDARY_MICROVM);
}

static void a_policy_is_held_against_the_threat(void **state)
{
	static const char text[] = "version: 1\nthreat: own\nfallback: [process, rlimits]\nnetwork: host\n"
				   "limits: {wall: 5s, memory: 64M, pids: 4}\nsyscalls: {allow: [\"@default\"]}\n";
	static const char *const gaps[] = { "host's network", "known or own", "processor time", "of output",
					    "fall back to process", "fall back to limits" };
	OWN(policy) policy = POLICY_NONE;
	OWN(sample) sample = SAMPLE_NONE;
	struct err e = ERR_INIT;

	(void)state;
	if (policy_read("p", text, strlen(text), &policy, &e) < 0)
		fail_msg("%s", e.text);
	sample.of.policy = &policy;
	sample.of.policy_name = "p";
	judge_text(&sample, STRANGER "stake: [network, availability]\ntenants: none\n");
	assert_int_equal(sample.advice.n_gaps, ARRAY_SIZE(gaps));
	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++)
		assert_non_null(strstr(sample.advice.gaps[i].what, gaps[i]));
	assert_false(advise_is_met(&sample.advice));
}

/* Every threat model there is, but for the host's own facts: one word of each choice, any set of the others. */
static void each_threat(void (*look)(uint64_t words))
{
	const uint64_t controls = threat_row(THREAT_CONTROLS)->words, stake = threat_row(THREAT_STAKE)->words;

	for (int author = WORD_AUTHOR_OWN; author <= WORD_AUTHOR_STRANGER; author++)
		for (int form = WORD_FORM_NATIVE; form <= WORD_FORM_JS; form++)
			for (int tenants = WORD_TENANTS_ALONE; tenants <= WORD_TENANTS_HOSTILE; tenants++)
				for (uint64_t c = 0; c < 16; c++)
					for (uint64_t s = 0; s < 64; s++)
						look(WORD_BIT(author) | WORD_BIT(form) | WORD_BIT(tenants) |
						     c * (controls & -controls) | s * (stake & -stake));
}

static uint64_t contained_by(uint64_t words, struct advice *advice)
{
	struct threat threat = { .words = words };
	const struct advise_case of = { .threat = &threat, .proposed = -1 };
	uint64_t boundaries = 0;

	advise(&of, advice);
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++)
		if (advice->rows[i].contains)
			boundaries |= UINT64_C(1) << i;
	assert_non_null(advice->power_why);
	assert_true(advice->n_around < ADVISE_TEXTS && advice->n_remains < ADVISE_TEXTS);
	return boundaries;
}

#define FACTS (W(KERNEL_PATCHED) | W(KVM_AUTO) | W(DISPOSABLE_NO))
static void look_for_weakness(uint64_t words)
{
	struct advice advice;
	struct threat hostile = { .words = words | FACTS };

	contained_by(words | FACTS, &advice);
	threat_conclude(&hostile);
	assert_true(advice.chosen >= 0);
	assert_true(advice.rows[advice.chosen].contains && !advice.rows[advice.chosen].lacks);
	if (threat_has(&hostile, WORD_POWER_HOSTILE))
		assert_true(advice.chosen != BOUNDARY_PROCESS && advice.chosen != BOUNDARY_CONTAINER);
	if (words & (W(FORM_NATIVE) | W(FORM_SCRIPT)))
		assert_true(advice.chosen != BOUNDARY_WASM && advice.chosen != BOUNDARY_JS);
	if (words & W(TENANTS_HOSTILE) && threat_has(&hostile, WORD_POWER_HOSTILE))
		assert_true(advice.chosen != BOUNDARY_JS);
}

static void no_threat_gets_what_does_not_contain_it(void **state)
{
	(void)state;
	each_threat(look_for_weakness);
}

/* More for the attacker to decide, more at stake, worse neighbours or an older kernel never let a boundary
 * pass that did not before. */
static void look_for_growth(uint64_t words)
{
	const uint64_t more = threat_row(THREAT_CONTROLS)->words | threat_row(THREAT_STAKE)->words;
	struct advice advice;
	const uint64_t before = contained_by(words | FACTS, &advice);

	for (uint64_t left = more & ~words; left; left &= left - 1)
		assert_int_equal(contained_by(words | FACTS | (left & -left), &advice) & ~before, 0);
	assert_int_equal(contained_by((words | FACTS | W(KERNEL_OLD)) & ~W(KERNEL_PATCHED), &advice) & ~before, 0);
	if (!(words & W(TENANTS_HOSTILE)))
		assert_int_equal(contained_by((words & ~threat_row(THREAT_TENANTS)->words) | FACTS |
						      W(TENANTS_HOSTILE), &advice) & ~before, 0);
	if (words & (W(AUTHOR_OWN) | W(AUTHOR_KNOWN) | W(AUTHOR_MODEL)))
		assert_int_equal(contained_by((words & ~threat_row(THREAT_AUTHOR)->words) | FACTS |
						      W(AUTHOR_STRANGER), &advice) & ~before, 0);
}

static void a_worse_threat_is_contained_by_no_more(void **state)
{
	(void)state;
	each_threat(look_for_growth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_threat_models_get_their_boundary),
		cmocka_unit_test(single_statements_decide),
		cmocka_unit_test(a_container_for_hostile_native_code_is_refused_with_the_reason),
		cmocka_unit_test(a_proposal_is_refused_only_when_it_falls_short),
		cmocka_unit_test(figures_choose_among_those_that_contain),
		cmocka_unit_test(a_policy_is_held_against_the_threat),
		cmocka_unit_test(no_threat_gets_what_does_not_contain_it),
		cmocka_unit_test(a_worse_threat_is_contained_by_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
