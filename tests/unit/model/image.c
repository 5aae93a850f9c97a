/* model/image: what is written is read back, and what is not of that kind is refused in one line. */
#include "model/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WHOLE "{\"schema\":\"ward.image.1\",\"format\":\"dir\",\"suite\":\"bookworm\",\"packages\":\"dash,libc6\",\"sha256\":\"" DIGEST \
	      "\",\"bytes\":7}"

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	for (enum image_format format = 0; format < IMAGE_FORMATS; format++) {
		const struct image image = {
			.format = format, .packages = "dash,libc6", .suite = "bookworm", .digest = DIGEST, .bytes = 12345,
		};
		OWN(arena) arena = { .blocks = NULL };
		OWN(str) text = STR_NONE;
		struct err e = ERR_INIT;
		struct image back;

		image_write(&image, &text);
		assert_int_equal(image_read("x", str_text(&text), text.len, &arena, &back, &e), 0);
		assert_int_equal(back.format, format);
		assert_string_equal(back.packages, image.packages);
		assert_string_equal(back.suite, image.suite);
		assert_string_equal(back.digest, image.digest);
		assert_int_equal(back.bytes, image.bytes);
		assert_int_equal(image_format_find(image_format_name(format)), format);
	}
	assert_int_equal(image_format_find("ext4"), IMAGE_FORMATS);
}

static void what_is_not_of_that_kind_is_refused_in_one_line(void **state)
{
	static const struct {
		const char *find, *put, *says;
	} rows[] = {
		{ "ward.image.1", "ward.image.2", "schema" },      { "\"dir\"", "\"ext4\"", "build the image anew" },
		{ "\"dir\"", "7", "build the image anew" },        { "bookworm", "../bookworm", "build the image anew" },
		{ "dash,libc6", "dash;rm", "build the image anew" }, { "0123", "0x23", "build the image anew" },
		{ ":7", ":-7", "build the image anew" },           { ":7", ":\"7\"", "build the image anew" },
		{ "{", "[", "not JSON" },                          { "\"bytes\"", "\"suite\"", "not JSON" },
		{ "\"format\"", "\"formal\"", "build the image anew" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const at = strstr(WHOLE, rows[i].find);
		OWN(arena) arena = { .blocks = NULL };
		OWN(str) text = STR_NONE;
		struct image image = { .bytes = 77 };
		struct err e = ERR_INIT;

		assert_non_null(at);
		str_add_bytes(&text, WHOLE, (size_t)(at - WHOLE));
		str_add(&text, rows[i].put);
		str_add(&text, at + strlen(rows[i].find));
		assert_int_equal(image_read("x", str_text(&text), text.len, &arena, &image, &e), -1);
		if (!strstr(e.text, rows[i].says) || strchr(e.text, '\n'))
			fail_msg("%s: '%s' does not say '%s'", rows[i].put, e.text, rows[i].says);
		assert_int_equal(image.bytes, 77);
	}
}

static void names_and_packages_are_plain(void **state)
{
	static const char *const good[] = { "a", "python3.11", "a-b_c+d", "0x" };
	static const char *const bad[] = { "", ".a", "-a", "a/b", "A", "a b", "a\n", "..",
					   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	static const char *const lists[] = { "dash", "dash,libc6", "g++,libstdc++-12-dev" };
	static const char *const bad_lists[] = { "", ",", "dash,", ",dash", "dash,,libc6", "dash libc6", "--force", "d", "dash,-x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(image_name_is_good(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (image_name_is_good(bad[i]))
			fail_msg("'%s' is taken for a name", bad[i]);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		assert_true(image_packages_are_good(lists[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad_lists); i++)
		if (image_packages_are_good(bad_lists[i]))
			fail_msg("'%s' is taken for packages", bad_lists[i]);
}

static void a_note_that_is_too_large_is_not_read(void **state)
{
	static char large[IMAGE_BYTES + 1];
	OWN(arena) arena = { .blocks = NULL };
	struct image image;
	struct err e = ERR_INIT;

	(void)state;
	memset(large, ' ', sizeof(large));
	assert_int_equal(image_read("x", large, sizeof(large), &arena, &image, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(what_is_not_of_that_kind_is_refused_in_one_line),
		cmocka_unit_test(names_and_packages_are_plain),
		cmocka_unit_test(a_note_that_is_too_large_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
