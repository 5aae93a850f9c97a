/* explain/doc: what is said is only ever text, in both forms. */
#include "explain/doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HOSTILE "<script>&\"'</td>\033[2J\x9b\r\nend"

static void write_all(struct doc *doc)
{
	static const char *const heads[] = { HOSTILE, HOSTILE, NULL };

	doc_begin(doc, HOSTILE, "");
	doc_section(doc, "one", HOSTILE);
	doc_heading(doc, HOSTILE);
	doc_say(doc, "%s", HOSTILE);
	doc_alarm(doc, HOSTILE);
	doc_item(doc, DOC_BAD, HOSTILE);
	doc_table(doc, heads);
	doc_row(doc, DOC_GOOD, (const char *const[]){ HOSTILE, HOSTILE });
	doc_end_table(doc);
	doc_end(doc);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

static void no_text_is_markup(void **state)
{
	OWN(str) out = STR_NONE;
	struct doc doc = { .out = &out, .form = DOC_HTML };

	(void)state;
	write_all(&doc);
	assert_null(strstr(str_text(&out), "<script"));
	assert_null(strstr(str_text(&out), "\"'<"));
	assert_int_equal(count(str_text(&out), "</td>"), 1);
	assert_non_null(strstr(str_text(&out), "&#60;script&#62;&#38;&#34;&#39;&#60;/td&#62;"));
	for (size_t i = 0; i < out.len; i++)
		assert_true(out.at[i] == '\n' || ((unsigned char)out.at[i] >= ' ' && (unsigned char)out.at[i] < 0x7f));
}

static void no_text_steers_a_terminal(void **state)
{
	OWN(str) out = STR_NONE;
	struct doc doc = { .out = &out, .form = DOC_TEXT };

	(void)state;
	write_all(&doc);
	for (size_t i = 0; i < out.len; i++)
		assert_true(out.at[i] == '\n' || ((unsigned char)out.at[i] >= ' ' && (unsigned char)out.at[i] < 0x7f));
	assert_true(count(str_text(&out), "end") >= 8);
}

static void lists_and_tables_are_closed(void **state)
{
	OWN(str) out = STR_NONE;
	struct doc doc = { .out = &out, .form = DOC_HTML };

	(void)state;
	doc_begin(&doc, "title", "");
	doc_item(&doc, DOC_PLAIN, "one");
	doc_item(&doc, DOC_PLAIN, "two");
	doc_say(&doc, "between");
	doc_item(&doc, DOC_PLAIN, "three");
	doc_end(&doc);
	assert_int_equal(count(str_text(&out), "<ul>"), 2);
	assert_int_equal(count(str_text(&out), "</ul>"), 2);
	assert_int_equal(count(str_text(&out), "<li "), 3);
}

static void an_empty_cell_is_not_told_in_a_text(void **state)
{
	static const char *const heads[] = { "name", "first", "second", NULL };
	OWN(str) out = STR_NONE;
	struct doc doc = { .out = &out, .form = DOC_TEXT };

	(void)state;
	doc_table(&doc, heads);
	doc_row(&doc, DOC_PLAIN, (const char *const[]){ "row", NULL, "there" });
	doc_end_table(&doc);
	assert_string_equal(str_text(&out), "  row\n    second: there\n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_text_is_markup),
		cmocka_unit_test(no_text_steers_a_terminal),
		cmocka_unit_test(lists_and_tables_are_closed),
		cmocka_unit_test(an_empty_cell_is_not_told_in_a_text),
	};

	return cmocka_run_group_tests_name("explain_doc", tests, NULL, NULL);
}
