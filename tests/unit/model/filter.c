/* model/filter: what a set says of a call, and how names become rows. */
#include "model/filter.h"

#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filter_sets.h"
#include "model/syscalls.h"

static uint64_t value_of(char *word)
{
	uint64_t all = 0;
	char *rest = NULL;

	for (char *part = strtok_r(word, "|", &rest); part; part = strtok_r(NULL, "|", &rest)) {
		uint64_t value = 0;
		char digits[64] = "";
		size_t n = 0;

		for (const char *at = part; *at && n < sizeof(digits) - 1; at++)
			if (*at != '_')
				digits[n++] = *at;
		if (part[0] >= '0' && part[0] <= '9')
			value = strtoull(digits, NULL, 0);
		else if (!syscalls_constant(part, &value))
			fail_msg("unknown constant %s", part);
		all |= value;
	}
	return all;
}

static uint16_t errno_of(const char *name)
{
	for (uint16_t sys = 1; sys < 200; sys++)
		if (strerrorname_np(sys) && !strcmp(strerrorname_np(sys), name))
			return sys;
	fail_msg("unknown errno %s", name);
	return 0;
}

/* "allow NAME", "otherwise ACT [ERRNO]", "report"; false for anything else. */
static bool directive(struct filter_set *set, char *const words[], size_t n)
{
	static const char *const acts[] = { "allow", "log", "notify", "errno", "kill" };
	struct err e = ERR_INIT;

	if (!strcmp(words[0], "report")) {
		set->report = true;
		return true;
	}
	if (!strcmp(words[0], "allow")) {
		if (filter_add_name(set, words[1], 1, &e) < 0)
			fail_msg("%s", e.text);
		return true;
	}
	if (strcmp(words[0], "otherwise") != 0)
		return false;
	for (uint8_t act = 0; act < FILTER_ACTS; act++)
		if (!strcmp(words[1], acts[act]))
			set->otherwise = act;
	set->otherwise_sys = n > 2 ? errno_of(words[2]) : 0;
	return true;
}

/* "CALL ARG... -> VERDICT [ERRNO]", see tests/golden/filter. */
static void check_row(const struct filter_set *set, const struct program *program,
		      char *const words[], size_t n, const char *where)
{
	const int known = syscalls_number(words[0]);
	const uint32_t nr = known < 0 ? (uint32_t)strtoul(words[0], NULL, 0) : (uint32_t)known;
	const struct filter_row *row;
	enum filter_act act;
	uint64_t args[6] = { 0 };
	char said[64], wanted[64];
	size_t i = 1;
	uint32_t word;

	for (; i < n && i < 7 && strcmp(words[i], "->") != 0; i++)
		args[i - 1] = value_of(words[i]);
	if (i + 1 >= n || strcmp(words[i], "->") != 0)
		fail_msg("%s: not a row", where);
	snprintf(wanted, sizeof(wanted), "%s%s%s", words[i + 1], i + 2 < n ? " " : "",
		 i + 2 < n ? words[i + 2] : "");
	act = filter_judge(set, nr, args, &row);
	word = answer(program, nr, args);
	if (word != word_for(set, act, row, nr))
		fail_msg("%s: the program answers %#x, the judge means %#x", where, word,
			 word_for(set, act, row, nr));
	snprintf(said, sizeof(said), "%s%s%s",
		 word == SECCOMP_RET_USER_NOTIF ? "notify " : act == FILTER_ERRNO ? "errno " : "",
		 act == FILTER_ALLOW ? "allow" : act == FILTER_LOG ? "log" :
		 act == FILTER_KILL ? "kill" : "",
		 act == FILTER_ERRNO ? strerrorname_np(filter_errno(set, row)) : "");
	if (strcmp(said, wanted) != 0)
		fail_msg("%s: %s, not %s", where, said, wanted);
}

static size_t check_file(const char *path)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct program program = { .n = 0 };
	FILE *file = fopen(path, "re");
	char line[512], where[640];
	size_t n_rows = 0, n_lines = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *words[12], *rest = NULL;
		size_t n = 0;

		snprintf(where, sizeof(where), "%s:%zu", path, ++n_lines);
		line[strcspn(line, "#\n")] = '\0';
		for (char *word = strtok_r(line, " \t", &rest); word && n < 12;
		     word = strtok_r(NULL, " \t", &rest))
			words[n++] = word;
		if (!n || (!program.n && directive(&set, words, n)))
			continue;
		if (!program.n)
			program = built(&set);
		check_row(&set, &program, words, n, where);
		n_rows++;
	}
	fclose(file);
	return n_rows;
}

static void every_golden_row_is_answered_as_written(void **state)
{
	const char *root = getenv("WARD_SOURCE");
	char pattern[512];
	glob_t found;
	size_t n = 0;

	(void)state;
	snprintf(pattern, sizeof(pattern), "%s/tests/golden/filter/*.tests", root ? root : ".");
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		n += check_file(found.gl_pathv[i]);
	globfree(&found);
	assert_true(n > 150);
}
static void a_refusal_never_looks_like_success(void **state)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	const struct filter_row row = { .nr = 1, .act = FILTER_ERRNO };
	const uint64_t none[6] = { 0 };
	struct program program;

	(void)state;
	filter_add(&set, &row);
	set.otherwise = FILTER_ERRNO;
	program = built(&set);
	assert_int_equal(answer(&program, 1, none), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(answer(&program, 2, none), SECCOMP_RET_ERRNO | ENOSYS);
}
static void an_unknown_name_is_refused_with_the_nearest(void **state)
{
	static const struct { const char *name, *text; } rows[] = {
		{ "opnat", "unknown system call 'opnat' (did you mean 'openat'?)" },
		{ "@defualt",
		  "unknown group of system calls '@defualt' (did you mean '@default'?)" },
		{ "xyzzyxyzzyxyzzy", "unknown system call 'xyzzyxyzzyxyzzy'" },
		{ "", "unknown system call ''" },
		{ "@", "unknown group of system calls '@'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(filter_set) set = FILTER_SET_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(filter_add_name(&set, rows[i].name, 1, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_string_equal(e.text, rows[i].text);
		assert_int_equal(set.n_rows, 0);
	}
}

/* Where the answer hangs on an argument that is not known, it may be yes. */
static void what_may_be_allowed_hangs_on_what_is_known(void **state)
{
	static const struct { const char *call; uint64_t args[6]; unsigned known; bool is_let; } rows[] = {
		{ "read", { 0 }, 0, true },
		{ "ptrace", { 0 }, 0, false },
		{ "socket", { 0 }, 0, true },
		{ "socket", { 16 }, 1, false },
		{ "socket", { 1 }, 1, true },
		{ "socket", { 1, 3 }, 3, false },
		{ "socket", { 0, 3 }, 2, false },
		{ "ioctl", { 0, 0x5401 }, 2, true },
		{ "ioctl", { 0, 0x5412 }, 2, false },
		{ "prlimit64", { 7 }, 1, false },
	};
	OWN(filter_set) set = { .otherwise = FILTER_ERRNO };
	struct filter_set behind = { .otherwise = FILTER_ERRNO, .rest = &set };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(filter_add_name(&set, "@default", 1, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint32_t nr = (uint32_t)syscalls_number(rows[i].call);

		assert_int_equal(filter_may_allow(&set, nr, rows[i].args, rows[i].known), rows[i].is_let);
		assert_int_equal(filter_may_allow(&behind, nr, rows[i].args, rows[i].known), rows[i].is_let);
	}
	assert_false(filter_may_allow(&set, 0x40000000, rows[0].args, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_golden_row_is_answered_as_written),
		cmocka_unit_test(a_refusal_never_looks_like_success),
		cmocka_unit_test(an_unknown_name_is_refused_with_the_nearest),
		cmocka_unit_test(what_may_be_allowed_hangs_on_what_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
