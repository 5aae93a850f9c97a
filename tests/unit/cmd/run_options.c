/* cmd/run_options: the table is complete and without doubles, and its files are opened early. */
#include "cmd/run_options.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/policy.h"

static const struct command command = { .name = "run", .options = run_options_table };

static void no_name_and_no_letter_is_used_twice(void **state)
{
	const size_t n = command_count_options(&command);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++) {
			const struct opt *const a = &run_options_table[i],
						*const b = &run_options_table[j];

			if (!a->name || !b->name)
				continue;
			assert_string_not_equal(a->name, b->name);
			assert_true(!a->letter || a->letter != b->letter);
		}
}

static void every_flag_of_a_key_is_an_option(void **state)
{
	(void)state;
	for (size_t key = 0; key < KEYS; key++) {
		const char *const flag = policy_key_row((enum policy_key)key)->flag;
		size_t i = 0;

		while (flag &&
		       (!run_options_table[i].name || strcmp(run_options_table[i].name, flag) != 0))
			i++;
		if (flag)
			assert_int_equal(run_options_table[i].id, key);
	}
}

static void every_option_is_described_and_fits_the_terminal(void **state)
{
	const size_t n = command_count_options(&command);
	OWN(str) out = STR_NONE;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct opt *const opt = &run_options_table[i];

		assert_true(!opt->name || (opt->help && opt->group));
		assert_true(!opt->name || opt->kind == OPT_FLAG || opt->arg);
	}
	opt_help(run_options_table, n, &out);
	for (const char *p = str_text(&out); *p; p += *p == '\n') {
		assert_true(strcspn(p, "\n") <= 80);
		p += strcspn(p, "\n");
	}
}

/* Reads words as `ward run` would; -1 with the error. */
static int read_words(const char *const *words, struct args *args, struct run_options *out,
		      struct err *e)
{
	struct opt_reader reader = { .table = run_options_table };
	struct opt_hit hits[8];
	int more;

	reader.n = command_count_options(&command);
	reader.argv = (char *const *)(uintptr_t)words;
	while ((more = opt_next(&reader, &hits[args->n_hits], e)) > 0)
		args->n_hits++;
	assert_int_equal(more, 0);
	args->hits = hits;
	args->own_codes = CODE_STOPPED;
	args->command = &command;
	args->operands = reader.argv + reader.at;
	while (args->operands[args->n_operands])
		args->n_operands++;
	more = run_options_read(args, out, e);
	args->hits = NULL;
	return more;
}

static void what_cannot_be_used_is_refused_before_the_run(void **state)
{
	static const struct {
		const char *words[5], *error;
	} rows[] = {
		{ { "true" }, NULL },
		{ { "--", "true" }, NULL },
		{ { NULL }, "no program given" },
		{ { "-q", "--" }, "no program given" },
		{ { "--result=/nowhere/file", "true" }, "--result: /nowhere/file: No such file" },
		{ { "--stdin=/nowhere/file", "true" }, "--stdin: /nowhere/file: No such file" },
		{ { "--stdout=/", "true" }, "--stdout: /: Is a directory" },
		{ { "--result-format=xml", "true" }, "json|isolate" },
		{ { "--status-fd=900000", "true" }, "is not open" },
		{ { "--status-fd=x", "true" }, "not a whole number" },
		{ { "--exit-prefix=253", "true" }, "outside 1 to 252" },
		{ { "--exit-prefix=0", "true" }, "outside 1 to 252" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(run_options) options = RUN_OPTIONS_NONE;
		struct args args = { .hits = NULL };
		struct err e = ERR_INIT;
		const int rc = read_words(rows[i].words, &args, &options, &e);

		if (rc < 0 && (!rows[i].error || !strstr(e.text, rows[i].error)))
			fail_msg("row %zu: %s", i, e.text);
		assert_int_equal(rc, rows[i].error ? -1 : 0);
	}
}

static void later_failures_know_the_codes_and_the_result(void **state)
{
	static const char *const words[] = { "--stdin=/nowhere", "--exit-prefix=200",
					     "--result=/dev/null", "true", NULL };
	OWN(run_options) options = RUN_OPTIONS_NONE;
	struct args args = { .hits = NULL };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(read_words(words, &args, &options, &e), -1);
	assert_int_equal(args.own_codes, 200);
	assert_true(options.result_fd > 2);
}

static void a_status_descriptor_must_be_the_callers(void **state)
{
	char word[32];
	const char *const words[] = { word, "true", NULL };
	static const struct {
		int flags;
		int rc;
	} rows[] = { { O_WRONLY, 0 }, { O_RDONLY, -1 }, { O_WRONLY | O_CLOEXEC, -1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(run_options) options = RUN_OPTIONS_NONE;
		struct args args = { .hits = NULL };
		struct err e = ERR_INIT;
		const int fd = open("/dev/null", rows[i].flags);

		snprintf(word, sizeof(word), "--status-fd=%d", fd);
		assert_int_equal(read_words(words, &args, &options, &e), rows[i].rc);
		assert_int_equal(options.status_fd, rows[i].rc < 0 ? -1 : fd);
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_name_and_no_letter_is_used_twice),
		cmocka_unit_test(every_flag_of_a_key_is_an_option),
		cmocka_unit_test(every_option_is_described_and_fits_the_terminal),
		cmocka_unit_test(what_cannot_be_used_is_refused_before_the_run),
		cmocka_unit_test(later_failures_know_the_codes_and_the_result),
		cmocka_unit_test(a_status_descriptor_must_be_the_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
