/* Differences: complete, with an example that shows each, and nothing where there is none. */
#include "judge/diff.h"

#include <errno.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/filter.h"
#include "random_filter.h"

#define N 80

static uint32_t run(const struct sock_filter *program, uint32_t n, const struct seccomp_data *call)
{
	bool is_valid;

	return filter_run(program, n, call, &is_valid);
}

static bool is_same(uint32_t a, uint32_t b)
{
	const enum answer x = answer_of(a), y = answer_of(b);

	if (x != y)
		return false;
	if (x != ANSWER_ERRNO && x != ANSWER_TRAP && x != ANSWER_TRACE)
		return true;
	return (a & SECCOMP_RET_DATA) == (b & SECCOMP_RET_DATA);
}

/* Listed, singly or in a run, with these arguments. */
static bool is_listed(const struct regions *store, const struct diff *diff, const struct seccomp_data *call)
{
	const uint32_t nr = (uint32_t)call->nr;

	for (size_t i = 0; i < diff->n_calls; i++) {
		const struct difference *const one = &diff->calls[i];

		if (one->of == OF_OTHER_ARCH && call->arch != AUDIT_ARCH_X86_64 && call->arch != AUDIT_ARCH_I386)
			return true;
		if (one->arch != call->arch || nr < one->low || nr > one->high)
			continue;
		if (one->of == OF_SOME_FROM || region_has(store, one->arguments, call))
			return true;
	}
	return false;
}

static void compare(struct dice *dice, struct sock_filter (*programs)[N], const uint32_t *n)
{
	struct regions *const store = regions_new(REGIONS_NODES);
	OWN(subject) a = { .name = "a" }, b = { .name = "b" };
	OWN(diff) diff = DIFF_NONE;
	struct err e = ERR_INIT;

	subject_add_filter(&a, "a", programs[0], n[0]);
	subject_add_filter(&b, "b", programs[1], n[1]);
	assert_int_equal(diff_calls(store, &a, &b, &diff, &e), 0);
	for (size_t i = 0; i < diff.n_calls; i++) {
		const struct difference *const one = &diff.calls[i];
		const uint32_t before = run(programs[0], n[0], &one->example);
		const uint32_t after = run(programs[1], n[1], &one->example);

		assert_false(is_same(before, after));
		assert_int_equal(answer_of(before), one->before);
		assert_int_equal(answer_of(after), one->after);
	}
	for (unsigned i = 0; i < 2000; i++) {
		const struct seccomp_data call = any_call(dice, programs[i & 1], n[i & 1]);

		if (!is_same(run(programs[0], n[0], &call), run(programs[1], n[1], &call)))
			assert_true(is_listed(store, &diff, &call));
	}
	regions_free(store);
}

static void every_difference_is_listed_and_real(void **state)
{
	struct dice dice = { 0xd1ff };

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		struct sock_filter programs[2][N];
		uint32_t n[2];

		for (unsigned i = 0; i < 2; i++) {
			n[i] = 8 + below(&dice, N - 8);
			any_filter(&dice, programs[i], n[i], false);
		}
		/* Half of the pairs differ in one place only. */
		if (round % 2) {
			memcpy(programs[1], programs[0], sizeof(programs[0]));
			n[1] = n[0];
			programs[1][n[1] - 1].k ^= 0x7fff0000;
		}
		compare(&dice, programs, n);
	}
}

static void a_filter_does_not_differ_from_itself(void **state)
{
	struct dice dice = { 0x5e1f };

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct regions *const store = regions_new(REGIONS_NODES);
		OWN(subject) a = { .name = "a" };
		OWN(diff) diff = DIFF_NONE;
		struct sock_filter program[N];
		const uint32_t n = 8 + below(&dice, N - 8);
		struct err e = ERR_INIT;

		any_filter(&dice, program, n, false);
		subject_add_filter(&a, "a", program, n);
		assert_int_equal(diff_calls(store, &a, &a, &diff, &e), 0);
		assert_true(diff_is_empty(&diff));
		regions_free(store);
	}
}

static const char policy_a[] = "version: 1\nname: a\nlimits: {memory: 64M, pids: 4}\nfiles:\n  - read: host\n"
			       "  - read: /srv\nsyscalls: {allow: [\"@default\"]}\n";
static const char policy_b[] = "version: 1\nname: b\nlimits: {memory: 64M, pids: 8, cpu: 1s}\nfiles:\n  - read: host\n"
			       "  - write: /srv\nsyscalls: {allow: [\"@startup\"]}\n";

static const struct setting_difference *find(const struct diff *diff, const char *key)
{
	for (size_t i = 0; i < diff->n_settings; i++)
		if (strcmp(diff->settings[i].key, key) == 0)
			return &diff->settings[i];
	return NULL;
}

static void settings_are_compared_as_they_are_explained(void **state)
{
	OWN(policy) a = POLICY_NONE, b = POLICY_NONE;
	OWN(diff) diff = DIFF_NONE, none = DIFF_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(policy_read("a.yaml", policy_a, strlen(policy_a), &a, &e), 0);
	assert_int_equal(policy_read("b.yaml", policy_b, strlen(policy_b), &b, &e), 0);
	diff_policies(&a, &b, &diff);
	assert_int_equal(diff.n_settings, 4);
	assert_string_equal(find(&diff, "limits.pids")->before, "4");
	assert_string_equal(find(&diff, "limits.pids")->after, "8");
	assert_string_equal(find(&diff, "limits.cpu")->after, "1s");
	assert_null(find(&diff, "files read")->after);
	assert_null(find(&diff, "files write")->before);
	assert_null(find(&diff, "limits.memory"));
	diff_policies(&a, &a, &none);
	diff_policies(&a, NULL, &none);
	assert_true(diff_is_empty(&none));
}

static void what_is_not_known_does_not_differ(void **state)
{
	const struct subject_context a = { .own_pid = KNOWN_YES, .own_net = KNOWN_NO };
	const struct subject_context b = { .own_pid = KNOWN_NO };
	OWN(diff) diff = DIFF_NONE;

	(void)state;
	diff_contexts(&a, &b, &diff);
	assert_int_equal(diff.n_settings, 1);
	assert_string_equal(diff.settings[0].key, "own pid namespace");
}

static void differences_are_shown_with_their_kind(void **state)
{
	static const struct sock_filter none[] = { { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM } };
	static const struct sock_filter getpid[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 4 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 3, AUDIT_ARCH_X86_64 },
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 39 },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM },
	};
	struct regions *const store = regions_new(REGIONS_NODES);
	OWN(subject) a = { .name = "a" }, b = { .name = "b" };
	OWN(diff) there = DIFF_NONE, back = DIFF_NONE;
	OWN(str) text = STR_NONE, other = STR_NONE;
	OWN(json) json = JSON_NONE;
	struct err e = ERR_INIT;

	(void)state;
	subject_add_filter(&a, "a", none, ARRAY_SIZE(none));
	subject_add_filter(&b, "b", getpid, ARRAY_SIZE(getpid));
	assert_int_equal(diff_calls(store, &a, &b, &there, &e), 0);
	diff_text(store, &there, "a", "b", &text);
	assert_string_equal(str_text(&text), "A: a\nB: b\n\nallowed by B only:\n  + getpid\n"
					     "      errno EPERM -> allow, as in getpid()\n");
	assert_int_equal(diff_calls(store, &b, &a, &back, &e), 0);
	diff_text(store, &back, "b", "a", &other);
	assert_non_null(strstr(str_text(&other), "allowed by A only:\n  - getpid\n"));
	diff_json(store, &there, "a", "b", &json);
	assert_non_null(strstr(json_written(&json), "\"kind\":\"added\""));
	regions_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_difference_is_listed_and_real),
		cmocka_unit_test(a_filter_does_not_differ_from_itself),
		cmocka_unit_test(settings_are_compared_as_they_are_explained),
		cmocka_unit_test(what_is_not_known_does_not_differ),
		cmocka_unit_test(differences_are_shown_with_their_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
