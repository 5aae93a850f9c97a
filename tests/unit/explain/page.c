/* explain/page: the page follows what it is made from. */
#include "explain/doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "explain_sample.h"

static void write(struct explain_sample *sample, enum doc_form form, struct str *out)
{
	explain_sample_conclude(sample);
	explain_write(&sample->explain, form, false, out);
	explain_sample_done(sample);
}

static void another_plan_is_another_page(void **state)
{
	struct explain_sample sample;
	OWN(str) with = STR_NONE, without = STR_NONE;

	(void)state;
	explain_sample_init(&sample);
	write(&sample, DOC_TEXT, &with);
	explain_sample_init(&sample);
	sample.layers &= ~LAYER_BIT(LAYER_NETNS);
	write(&sample, DOC_TEXT, &without);
	assert_non_null(strstr(str_text(&with), "  netns\n"));
	assert_null(strstr(str_text(&without), "  netns\n"));
	assert_non_null(strstr(str_text(&with), "4 layers"));
	assert_non_null(strstr(str_text(&without), "3 layers"));
}

static void a_drawing_says_no_network_only_where_there_is_none(void **state)
{
	struct explain_sample sample;
	OWN(str) with = STR_NONE, without = STR_NONE;

	(void)state;
	explain_sample_init(&sample);
	write(&sample, DOC_HTML, &with);
	explain_sample_init(&sample);
	sample.layers &= ~LAYER_BIT(LAYER_NETNS);
	write(&sample, DOC_HTML, &without);
	assert_non_null(strstr(str_text(&with), "boxes: no network"));
	assert_null(strstr(str_text(&without), "boxes: no network"));
}

/* In words of widened.def, and what was configured behind them. */
static void what_was_widened_is_said(void **state)
{
	static const struct {
		enum config_id id;
		const char *text, *said;
	} rows[] = {
		{ CONFIG_HOSTILE, "true", "tenants whose code is hostile may have a bare container" },
		{ CONFIG_ON_CRITICAL, "log", "a job whose alert is critical is only noted" },
		{ CONFIG_PROXY, "true", "it has no TLS of its own" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct explain_sample plain, wide;
		OWN(str) before = STR_NONE, after = STR_NONE;

		explain_sample_init(&plain);
		write(&plain, DOC_HTML, &before);
		explain_sample_init(&wide);
		wide.config.values[rows[i].id].text = rows[i].text;
		wide.config.values[rows[i].id].n = 1;
		write(&wide, DOC_HTML, &after);
		assert_null(strstr(str_text(&before), rows[i].said));
		assert_non_null(strstr(str_text(&after), rows[i].said));
	}
}

static void nothing_widened_says_so(void **state)
{
	struct explain_sample sample;
	OWN(str) out = STR_NONE;

	(void)state;
	explain_sample_init(&sample);
	write(&sample, DOC_TEXT, &out);
	assert_non_null(strstr(str_text(&out), "Nothing: neither the configuration nor this host"));
	assert_null(strstr(str_text(&out), "!!!"));
}

static void a_missing_boundary_says_why(void **state)
{
	struct explain_sample sample;
	OWN(str) html = STR_NONE, text = STR_NONE;

	(void)state;
	explain_sample_init(&sample);
	write(&sample, DOC_HTML, &html);
	explain_sample_init(&sample);
	write(&sample, DOC_TEXT, &text);
	assert_non_null(strstr(str_text(&html), "gvisor: not here"));
	assert_non_null(strstr(str_text(&html), "no: runsc is missing &#60;here&#62;; install it"));
	assert_non_null(strstr(str_text(&text), "bash/gvisor\n    why, and what to do: runsc is missing <here>; install it"));
	assert_non_null(strstr(str_text(&text), "  webhooks\n"));
}

static void a_boundary_that_does_not_hold_is_refused_or_said_loudly(void **state)
{
	struct explain_sample refused, let;
	OWN(str) closed = STR_NONE, open = STR_NONE;

	(void)state;
	explain_sample_init(&refused);
	write(&refused, DOC_HTML, &closed);
	explain_sample_init(&let);
	let.classes[0].hostile_ok = 1;
	write(&let, DOC_HTML, &open);
	assert_non_null(strstr(str_text(&closed), "no, and it is refused"));
	assert_null(strstr(str_text(&closed), "given to hostile tenants"));
	assert_non_null(strstr(str_text(&open), "NO, and it is let in"));
	assert_non_null(strstr(str_text(&open), "given to hostile tenants"));
}

static void configured_words_are_no_markup(void **state)
{
	struct explain_sample sample;
	OWN(str) out = STR_NONE;

	(void)state;
	explain_sample_init(&sample);
	sample.explain.state = "/</text></svg><script>\033]0;x\a";
	sample.explain.metrics = "<img src=x onerror=y>";
	sample.config.lists[CONFIG_LIST_WEBHOOK_HOSTS].items[0] = "a\"><b>";
	sample.config.lists[CONFIG_LIST_WEBHOOK_HOSTS].n = 1;
	snprintf(sample.classes[1].why, sizeof(sample.classes[1].why), "</td><script>");
	write(&sample, DOC_HTML, &out);
	assert_null(strstr(str_text(&out), "<script"));
	assert_null(strstr(str_text(&out), "<img"));
	assert_null(strstr(str_text(&out), "<b>"));
	assert_null(memchr(out.at, '\033', out.len));
}

static void the_same_is_the_same_bytes(void **state)
{
	struct explain_sample sample;
	OWN(str) a = STR_NONE, b = STR_NONE;

	(void)state;
	explain_sample_init(&sample);
	write(&sample, DOC_HTML, &a);
	explain_sample_init(&sample);
	write(&sample, DOC_HTML, &b);
	assert_string_equal(str_text(&a), str_text(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_plan_is_another_page),
		cmocka_unit_test(a_drawing_says_no_network_only_where_there_is_none),
		cmocka_unit_test(what_was_widened_is_said),
		cmocka_unit_test(nothing_widened_says_so),
		cmocka_unit_test(a_missing_boundary_says_why),
		cmocka_unit_test(a_boundary_that_does_not_hold_is_refused_or_said_loudly),
		cmocka_unit_test(configured_words_are_no_markup),
		cmocka_unit_test(the_same_is_the_same_bytes),
	};

	return cmocka_run_group_tests_name("explain_page", tests, NULL, NULL);
}
