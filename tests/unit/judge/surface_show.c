/* judge/surface_show: the surface as text and as JSON, clean whatever the names are. */
#include "judge/surface.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "surface_sample.h"

#define HOSTILE "/a\033[31m\x9b\n\"</svg>&\xc2\x9b\xff"

static void hostile(struct sample *sample)
{
	sample->place.name = "process 1 (" HOSTILE ")";
	place_add_mount(&sample->place, &(struct place_mount){ HOSTILE, HOSTILE, "bind", PLACE_WRITE, 0 });
	place_add_fd(&sample->place, &(struct place_fd){ 4, HOSTILE, PLACE_READS });
	place_add_missing(&sample->place, "%s", HOSTILE);
	sample_make(sample);
}

static void the_worst_comes_first_in_one_sentence(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) out = STR_NONE;

	(void)state;
	sample_make(&sample);
	surface_text(&sample.surface, false, false, &out);
	assert_ptr_equal(strstr(str_text(&out), "surface of sample\nworst: user 0 of the host (critical); files and"),
			 str_text(&out));
	assert_non_null(strstr(str_text(&out), "on no list, and crosses all the same:\n"));
	assert_non_null(strstr(str_text(&out), "that are closed: --all lists them\n"));
}

static void all_lists_the_quiet_and_the_closed(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) out = STR_NONE;

	(void)state;
	sample.place.holds = LAYER_BIT(LAYER_PIDNS);
	sample_make(&sample);
	surface_text(&sample.surface, true, false, &out);
	assert_non_null(strstr(str_text(&out), "  info      call      getpid\n"));
	assert_non_null(strstr(str_text(&out), "  closed    process   signals to other processes\n"
					       "                      by pidns alone"));
}

static void no_control_byte_of_a_name_reaches_the_terminal(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) out = STR_NONE;

	(void)state;
	hostile(&sample);
	surface_text(&sample.surface, true, false, &out);
	for (const unsigned char *p = (const unsigned char *)str_text(&out); *p; p++) {
		assert_true(*p >= 0x20 || *p == '\n');
		assert_true(*p != 0xc2 || p[1] >= 0xa0);
	}
	assert_non_null(strstr(str_text(&out), "not judged: /a?[31m"));
}

static void json_has_every_item_and_is_valid(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) out = STR_NONE;
	json_error_t error;
	json_t *json, *items;

	(void)state;
	hostile(&sample);
	surface_json(&sample.surface, &out);
	assert_ptr_equal(strchr(str_text(&out), '\n'), str_text(&out) + out.len - 1);
	json = json_loads(str_text(&out), 0, &error);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "schema")), "ward.surface.1");
	assert_string_equal(json_string_value(json_object_get(json, "worst")), "user 0 of the host");
	assert_true(json_is_false(json_object_get(json, "complete")));
	items = json_object_get(json, "items");
	assert_int_equal(json_array_size(items), sample.surface.n_items);
	assert_string_equal(json_string_value(json_object_get(json_array_get(items, 0), "state")), "open");
	json_decref(json);
}

static void a_guard_says_what_is_left_without_it(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;
	OWN(str) out = STR_NONE;

	(void)state;
	sample.place.holds = LAYER_BIT(LAYER_PIDNS) | LAYER_BIT(LAYER_IDENTITY);
	sample_make(&sample);
	surface_json(&sample.surface, &out);
	assert_non_null(strstr(str_text(&out), "\"guards\":[{\"layer\":\"pidns\",\"without\":\"identity still refuses it\","
					       "\"defeated_by\":\"a pidfd or `/proc` of the host\"},{\"layer\":\"identity\","
					       "\"without\":\"pidns still refuses it\",\"defeated_by\":"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worst_comes_first_in_one_sentence),
		cmocka_unit_test(all_lists_the_quiet_and_the_closed),
		cmocka_unit_test(no_control_byte_of_a_name_reaches_the_terminal),
		cmocka_unit_test(json_has_every_item_and_is_valid),
		cmocka_unit_test(a_guard_says_what_is_left_without_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
