/* format/oci_write: what libseccomp makes of a profile is, for every call and every argument, what the
 * policy says: the two programs are compared as sets, not by samples. */
#include "format/oci_write.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>
#include <seccomp.h>

#include "boxes.h"
#include "format/oci_read.h"
#include "judge/derive.h"
#include "judge/eval.h"

/* jansson knows signed numbers alone; a mask may have bit 63. */
static json_t *parsed(const struct boxed *made)
{
	OWN(str) text = STR_NONE;
	json_error_t error;
	json_t *root;

	for (const char *at = boxed_out(made); *at;) {
		const size_t n = strspn(at, "0123456789");

		if (n > 18)
			str_addf(&text, "%lld", (long long)strtoull(at, NULL, 10));
		else
			str_add_bytes(&text, at, n ? n : 1);
		at += n ? n : 1;
	}
	root = json_loads(str_text(&text), JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("%s at %d", error.text, error.position);
	return root;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* No rule may say more of one argument than one comparison: runc would join two by "or". */
static void each_rule_compares_an_argument_once(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(near_policies); p++) {
		struct boxed *const made = boxed_builtin("oci", near_policies[p]);
		json_t *const root = parsed(made), *entry, *arg;
		size_t i, k, n_compared = 0;

		assert_string_equal(json_string_value(json_array_get(json_object_get(root, "architectures"), 0)),
				    "SCMP_ARCH_X86_64");
		json_array_foreach(json_object_get(root, "syscalls"), i, entry) {
			unsigned seen = 0;

			json_array_foreach(json_object_get(entry, "args"), k, arg) {
				const unsigned bit = 1u << json_integer_value(json_object_get(arg, "index"));

				assert_false(seen & bit);
				assert_non_null(text_of(arg, "op"));
				seen |= bit;
				n_compared++;
			}
		}
		assert_true(n_compared > 50);
		json_decref(root);
		boxed_free(made);
	}
}

/* Where both are asked: calls of x86-64 whose names libseccomp knows. A runtime passes over the others. */
static struct region common(struct regions *store)
{
	struct region all = region_and(store, region_word(store, WORD_ARCH, UINT32_MAX, 0xc000003e),
				       region_range(store, WORD_NR, 0, 0x3fffffff));

	for (uint32_t nr = 0; nr < SYSCALLS_NUMBERS; nr++)
		if (syscalls_name(nr) && seccomp_syscall_resolve_name(syscalls_name(nr)) == __NR_SCMP_ERROR)
			all = region_minus(store, all, region_call(store, 0xc000003e, nr));
	return all;
}

static bool are_same(struct regions *store, struct region where, struct region a, struct region b)
{
	return region_is_same(region_and(store, where, a), region_and(store, where, b));
}

/* Nothing passes that the policy refuses, nothing is refused that it lets pass; where no note says that
 * a refusal is another one, all answers are the same, errno included. */
static void compare(const struct boxed *made, const char *name)
{
	struct regions *const store = regions_new(REGIONS_NODES);
	OWN(subject) subject = SUBJECT_NONE;
	struct answers theirs = ANSWERS_NONE, ours = ANSWERS_NONE;
	const struct region where = common(store);
	struct err e = ERR_INIT;

	if (oci_read(name, boxed_out(made), made->text.out.len, &subject, &e) < 0 ||
	    eval_subject(store, &subject, &theirs, &e) < 0 ||
	    eval_program(store, made->program, made->box.n, &ours, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	assert_int_equal(subject.n_filters, 1);
	for (enum answer i = ANSWER_LOG; i < ANSWERS; i++)
		if (!are_same(store, where, theirs.of[i], ours.of[i]))
			fail_msg("%s: %s is not the same", name, answer_name(i));
	for (size_t i = 0; i < ANSWERS && !made->text.n_notes; i++)
		if (!are_same(store, where, theirs.of[i], ours.of[i]))
			fail_msg("%s: %s is not the same", name, answer_name((enum answer)i));
	for (size_t i = 0; i < ARRAY_SIZE(ours.data) && !made->text.n_notes; i++)
		assert_true(are_same(store, where, theirs.data[i], ours.data[i]));
	assert_false(regions_are_full(store));
	print_message("# %s: libseccomp %zu instructions, ward %zu, %zu notes\n", name, subject.filters[0].n,
		      made->box.n, made->text.n_notes);
	regions_free(store);
}

static void libseccomp_reads_every_built_in_policy_as_it_was_meant(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(near_policies); i++) {
		struct boxed *const made = boxed_builtin("oci", near_policies[i]);

		compare(made, near_policies[i]);
		boxed_free(made);
	}
}

static void libseccomp_reads_ordered_rules_as_they_were_meant(void **state)
{
	static const char *const policies[] = {
		("version: 1\nsyscalls:\n  default: kill\n  allow: [execve, read]\n  rules:\n"
		"    - {call: fcntl, when: {arg1: {mask: 0xf0, is: 0x30}}, action: errno}\n"
		"    - {call: fcntl, when: {arg1: [0x31, 0x41]}}\n"
		"    - {call: socket, when: {arg0: [AF_INET, AF_ALG], arg1: SOCK_STREAM}}\n"),
		("version: 1\nsyscalls:\n  default: errno\n  allow: [execve]\n  rules:\n"
		"    - {call: lseek, when: {arg1: [0, 5]}, action: kill}\n"
		"    - {call: fcntl, when: {arg2: 0}, action: log}\n"
		"    - {call: fcntl, when: {arg1: F_GETFL}, action: errno, errno: EBADF}\n"
		"    - {call: lseek, action: allow}\n"),
		("version: 1\nsyscalls:\n  default: errno\n  allow: [execve, pwrite64]\n  rules:\n"
		"    - {call: pwrite64, when: {arg3: 0}, action: kill}\n"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		struct boxed *const made = boxed_text("oci", policies[i]);

		compare(made, "ordered rules");
		assert_int_equal(made->text.n_notes, 0);
		boxed_free(made);
	}
}
/* Policies as `ward trace` makes them: many calls, each with a few values. */
static void libseccomp_reads_derived_policies_as_they_were_meant(void **state)
{
	uint64_t seed = 0x6f636900;
	struct near_sets all;

	(void)state;
	near_builtin(&all, "build");
	for (unsigned k = 0; k < 12; k++) {
		struct record *const record = mem_alloc(sizeof(*record));
		const struct derive_how how = { .name = "random", .under = &all.policy };
		OWN(str) text = STR_NONE;
		struct boxed *made;

		for (size_t i = 0; i < 200; i++) {
			uint64_t args[6];
			uint32_t nr;

			near_call(&all, &nr, args, &seed);
			if (syscalls_name(nr))
				record_add_call(record, nr, args, PHASE_START, false);
		}
		derive_policy(record, &how, &text, NULL);
		made = boxed_text("oci", str_text(&text));
		compare(made, "derived");
		boxed_free(made);
		record_done(record);
		free(record);
	}
	near_done(&all);
}

static void a_default_that_lets_through_is_noted_as_wider(void **state)
{
	struct boxed *const made = boxed_text("oci", "version: 1\nsyscalls:\n  default: log\n"
						      "  allow: [execve]\n");

	(void)state;
	assert_true(boxed_has_note(made, true, "libseccomp"));
	assert_non_null(strstr(boxed_out(made), "\"defaultAction\":\"SCMP_ACT_LOG\""));
	boxed_free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_compares_an_argument_once),
		cmocka_unit_test(libseccomp_reads_every_built_in_policy_as_it_was_meant),
		cmocka_unit_test(libseccomp_reads_ordered_rules_as_they_were_meant),
		cmocka_unit_test(libseccomp_reads_derived_policies_as_they_were_meant),
		cmocka_unit_test(a_default_that_lets_through_is_noted_as_wider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
