/* base/opt: every form an option may take, what is refused, and what the table says of itself. */
#include "base/opt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct opt table[] = {
	{ .name = "memory",
	  .letter = 'm',
	  .kind = OPT_VALUE,
	  .arg = "SIZE",
	  .help = "memory",
	  .group = "A",
	  .id = 1 },
	{ .name = NULL, .letter = 'z', .help = "a key without a flag", .group = "A", .id = 2 },
	{ .name = "quiet", .letter = 'q', .help = "say nothing", .group = "B", .id = 3 },
	{ .name = "mdwe",
	  .letter = 'd',
	  .kind = OPT_MAYBE,
	  .arg = "on|off",
	  .help = "strict",
	  .group = "A",
	  .id = 4 },
	{ .name = "net",
	  .kind = OPT_VALUE,
	  .arg = "none|host",
	  .help = "a - b --c",
	  .group = "B",
	  .id = 5 },
};

#define WORDS 8
struct row {
	const char *words[WORDS];
	const char *read; /* "id=value id ..." and "|" where the operands begin, or the error */
};

/* What reading all words gives, as one text. */
static void read_all(const char *const *words, struct str *out)
{
	struct opt_reader reader = { .table = table,
				     .n = ARRAY_SIZE(table),
				     .argv = (char *const *)(uintptr_t)words };
	struct err e = ERR_INIT;
	struct opt_hit hit;
	int more;

	while ((more = opt_next(&reader, &hit, &e)) > 0) {
		str_addf(out, "%d", hit.opt->id);
		if (hit.value)
			str_addf(out, "=%s", hit.value);
		str_add(out, " ");
	}
	if (more < 0) {
		assert_int_equal(e.kind, ERR_USAGE);
		str_add(out, e.text);
		return;
	}
	str_add(out, "|");
	for (size_t i = reader.at; words[i]; i++)
		str_addf(out, " %s", words[i]);
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		OWN(str) out = STR_NONE;

		read_all(rows[i].words, &out);
		assert_string_equal(str_text(&out), rows[i].read);
	}
}

static void every_form_of_an_option_is_read(void **state)
{
	static const struct row rows[] = {
		{ { NULL }, "|" },
		{ { "--memory=64M" }, "1=64M |" },
		{ { "--memory", "64M" }, "1=64M |" },
		{ { "--memory=" }, "1= |" },
		{ { "--memory=a=b" }, "1=a=b |" },
		{ { "--memory", "--quiet" }, "1=--quiet |" },
		{ { "--memory", "--", "x" }, "1=-- | x" },
		{ { "-m64M" }, "1=64M |" },
		{ { "-m", "64M" }, "1=64M |" },
		{ { "-qm", "64M", "-q" }, "3 1=64M 3 |" },
		{ { "-qm64M" }, "3 1=64M |" },
		{ { "-qqq" }, "3 3 3 |" },
		{ { "--mdwe", "on" }, "4 | on" },       /* the next word is never taken */
		{ { "--mdwe=off" }, "4=off |" },
		{ { "-dq" }, "4 3 |" },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void options_end_where_the_program_begins(void **state)
{
	static const struct row rows[] = {
		{ { "-q", "sh", "-c", "--quiet" }, "3 | sh -c --quiet" },
		{ { "-q", "--", "-q", "--" }, "3 | -q --" },
		{ { "--" }, "|" },
		{ { "--", "--" }, "| --" },
		{ { "-", "-q" }, "| - -q" },            /* a lone dash is a word */
		{ { "", "-q" }, "|  -q" },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void a_wrong_option_is_refused_with_the_nearest_name(void **state)
{
	static const struct row rows[] = {
		{ { "--memmory=1" }, "unknown option --memmory (did you mean --memory?)" },
		{ { "-q", "--quite" }, "3 unknown option --quite (did you mean --quiet?)" },
		{ { "--mem=1" }, "unknown option --mem" },      /* no abbreviations */
		{ { "--frobnicate" }, "unknown option --frobnicate" },
		{ { "-x" }, "unknown option -x" },
		{ { "-z" }, "unknown option -z" },      /* the row has no name: it is no option */
		{ { "-q=" }, "3 unknown option -=" },
		{ { "--quiet=1" }, "--quiet takes no argument" },
		{ { "--memory" }, "--memory needs an argument: --memory=SIZE" },
		{ { "-qm" }, "3 --memory needs an argument: --memory=SIZE" },
		{ { "--=x" }, "unknown option --" },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void a_very_long_name_is_refused_and_cut(void **state)
{
	char word[5000] = "--";
	const char *const words[] = { word, NULL };
	OWN(str) out = STR_NONE;

	(void)state;
	memset(word + 2, 'x', sizeof(word) - 3);
	read_all(words, &out);
	assert_memory_equal(str_text(&out), "unknown option --xxx", 20);
	assert_true(out.len < 200);
}

static void help_lists_each_group_once_and_no_nameless_row(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	opt_help(table, ARRAY_SIZE(table), &out);
	assert_string_equal(str_text(&out),
			    "\nA:\n"
			    "  -m, --memory=SIZE         memory\n"
			    "  -d, --mdwe[=on|off]       strict\n"
			    "\nB:\n"
			    "  -q, --quiet               say nothing\n"
			    "      --net=none|host       a - b --c\n");
}

static void no_line_of_help_is_longer_than_a_terminal(void **state)
{
	static const struct opt wide[] = {
		{ .name = "an-option-with-a-long-name",
		  .kind = OPT_VALUE,
		  .arg = "A|RATHER|LONG|LIST",
		  .group = "G",
		  .help = "word word word word word word word word word word word word word word "
			  "word word word word" },
	};
	OWN(str) out = STR_NONE;

	(void)state;
	opt_help(wide, 1, &out);
	for (const char *p = str_text(&out); *p; p += *p == '\n') {
		const size_t len = strcspn(p, "\n");

		assert_true(len <= 80);
		assert_true(len == 0 || p[len - 1] != ' ');
		p += len;
	}
}

static void text_wraps_without_an_indent_too(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	opt_wrap(&out,
		 "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 12 "
		 "end",
		 0);
	assert_string_equal(str_text(&out),
			    "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
			    "0123456789 12\nend\n");
}

static void the_manual_keeps_dashes_of_options(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	opt_man(table, ARRAY_SIZE(table), &out);
	assert_non_null(
		strstr(str_text(&out), ".It Fl m , Fl -memory Ns = Ns Ar SIZE\n\\&memory.\n"));
	assert_non_null(strstr(str_text(&out), ".It Fl d , Fl -mdwe Ns Op = Ns Ar on|off\n"));
	assert_non_null(strstr(str_text(&out), "\\&a \\- b \\-\\-c.\n"));
	assert_non_null(strstr(str_text(&out), ".Ss B\n.Bl -tag -width Ds\n"));
}

static void completion_knows_long_and_short_forms(void **state)
{
	OWN(str) out = STR_NONE;

	(void)state;
	opt_words(table, ARRAY_SIZE(table), &out);
	assert_string_equal(str_text(&out), "--memory -m --quiet -q --mdwe -d --net");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_an_option_is_read),
		cmocka_unit_test(options_end_where_the_program_begins),
		cmocka_unit_test(a_wrong_option_is_refused_with_the_nearest_name),
		cmocka_unit_test(a_very_long_name_is_refused_and_cut),
		cmocka_unit_test(help_lists_each_group_once_and_no_nameless_row),
		cmocka_unit_test(no_line_of_help_is_longer_than_a_terminal),
		cmocka_unit_test(text_wraps_without_an_indent_too),
		cmocka_unit_test(the_manual_keeps_dashes_of_options),
		cmocka_unit_test(completion_knows_long_and_short_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
