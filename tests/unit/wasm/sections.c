/* wasm/sections: modules, good and bad, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/sections.h"

#define MAGIC "\0asm\1\0\0\0"
/* () and (i32, i64) -> f32 */
#define TYPES "\x01\x0a\x02\x60\x00\x00\x60\x02\x7f\x7e\x01\x7d"
#define IMPORT "\x02\x0a\x01\x04ward\x01x\x00\x01"

struct sample {
	const char *bytes;
	size_t len;
};
#define SAMPLE(text) { text, sizeof(text) - 1 }

static int read(const struct sample *sample, struct arena *arena, struct wasm_module *out, struct err *e)
{
	return sections_read((const uint8_t *)sample->bytes, sample->len, arena, out, e);
}

static void a_module_says_what_it_imports_and_exports(void **state)
{
	static const struct sample sample = SAMPLE(MAGIC TYPES IMPORT "\x03\x02\x01\x00" "\x05\x04\x01\x01\x02\x10"
						   "\x07\x0c\x02\x03run\x00\x01\x02me\x02\x00" "\x08\x01\x01"
						   "\x0a\x04\x01\x02\x00\x0b" "\x00\x05\x04name");
	OWN(arena) arena = { .blocks = NULL };
	struct wasm_module module;
	struct err e = ERR_INIT;

	(void)state;
	if (read(&sample, &arena, &module, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(module.n_imports, 1);
	assert_string_equal(module.imports[0].module, "ward");
	assert_string_equal(module.imports[0].name, "x");
	assert_string_equal(module.imports[0].type.words, "iI");
	assert_string_equal(module.imports[0].type.results, "f");
	assert_int_equal(module.n_exports, 2);
	assert_string_equal(wasm_find_export(&module, "run")->type.words, "");
	assert_int_equal(wasm_find_export(&module, "me")->kind, WASM_MEMORY);
	assert_null(wasm_find_export(&module, "nothing"));
	assert_true(module.has_memory && module.has_maximum && module.pages_max == 16 && !module.memory_is_shared && module.has_start);
	assert_int_equal(module.pages, 2);
}

static void a_bad_module_is_refused_in_one_line(void **state)
{
	static const struct {
		struct sample sample;
		const char *error;
	} rows[] = {
		{ SAMPLE(""), "it is no WebAssembly module" },
		{ SAMPLE("\x7f" "ELF\2\1\1"), "it is no WebAssembly module" },
		{ SAMPLE("\0asm"), "it is not of version 1" },
		{ SAMPLE("\0asm\x0d\0\1\0"), "it is not of version 1" },
		{ SAMPLE(MAGIC "\x01"), "byte 9: a section is longer than the file" },
		{ SAMPLE(MAGIC "\x01\x7f"), "byte 10: a section is longer than the file" },
		{ SAMPLE(MAGIC "\x01\xff\xff\xff\xff\xff\xff"), "a section is longer than the file" },
		{ SAMPLE(MAGIC "\x01\xff\xff\xff\xff\x1f"), "a section is longer than the file" },
		{ SAMPLE(MAGIC "\x0e\x00"), "a section of a kind" },
		{ SAMPLE(MAGIC TYPES TYPES), "sections out of order, or one twice" },
		{ SAMPLE(MAGIC "\x03\x01\x00" TYPES), "sections out of order" },
		{ SAMPLE(MAGIC "\x01\x05\xff\xff\xff\xff\x0f"), "the number of items is more than the section holds" },
		{ SAMPLE(MAGIC "\x01\x02\x01\x5f"), "a type that is no function" },
		{ SAMPLE(MAGIC "\x01\x05\x01\x60\x01\x64\x00"), "a type that is not known" },
		{ SAMPLE(MAGIC "\x01\x05\x01\x60\x00\x00\x00"), "bytes behind the end" },
		{ SAMPLE(MAGIC TYPES "\x02\x0a\x01\x04ward\x01x\x00\x02"), "a function of a type that is not there" },
		{ SAMPLE(MAGIC TYPES "\x02\x0a\x01\x04ward\x01x\x05\x01"), "an import of a kind" },
		{ SAMPLE(MAGIC TYPES "\x02\x0a\x01\x04wa\0d\x01x\x00\x01"), "a name with a NUL" },
		{ SAMPLE(MAGIC TYPES "\x02\x0a\x01\x04wa\xff" "d\x01x\x00\x01"), "a name is not UTF-8" },
		{ SAMPLE(MAGIC TYPES "\x02\x0a\x01\x7fward\x01x\x00\x01"), "a name is longer than its section" },
		{ SAMPLE(MAGIC TYPES "\x03\x02\x01\x02"), "a function of a type that is not there" },
		{ SAMPLE(MAGIC "\x05\x05\x02\x00\x01\x00\x01"), "2 memories; at most 1" },
		{ SAMPLE(MAGIC "\x05\x03\x01\x09\x01"), "limits of a kind" },
		{ SAMPLE(MAGIC TYPES "\x07\x05\x01\x01x\x00\x00"), "an export of a function that is not there" },
		{ SAMPLE(MAGIC TYPES "\x08\x01\x00"), "it starts with a function that is not there" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(arena) arena = { .blocks = NULL };
		struct wasm_module module = { .n_imports = 7 };
		struct err e = ERR_INIT;

		if (read(&rows[i].sample, &arena, &module, &e) == 0)
			fail_msg("row %zu was read", i);
		if (!strstr(e.text, rows[i].error))
			fail_msg("row %zu: %s, not %s", i, e.text, rows[i].error);
		assert_int_equal(module.n_imports, 7);
	}
}

/* Every cut of a good module is refused, or is a shorter good one; none is read beyond its end. */
static void a_module_may_be_cut_anywhere(void **state)
{
	static const char whole[] = MAGIC TYPES IMPORT "\x03\x02\x01\x00" "\x07\x07\x01\x03run\x00\x01";

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		OWN_MEM uint8_t *copy = mem_raw(len + 1);
		OWN(arena) arena = { .blocks = NULL };
		struct wasm_module module;
		struct err e = ERR_INIT;

		memcpy(copy, whole, len);
		if (sections_read(copy, len, &arena, &module, &e) == 0)
			assert_int_equal(module.n_exports, 0);
	}
}

static void a_count_that_the_bytes_could_hold_is_still_bounded(void **state)
{
	/* 300 imports are more than are read, though the section is long enough. */
	static const char head[] = MAGIC "\x02\x82\x10\xac\x02";
	uint8_t bytes[sizeof(head) - 1 + 2048] = { 0 };
	OWN(arena) arena = { .blocks = NULL };
	struct wasm_module module;
	struct err e = ERR_INIT;

	(void)state;
	memcpy(bytes, head, sizeof(head) - 1);
	assert_int_equal(sections_read(bytes, sizeof(bytes), &arena, &module, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_non_null(strstr(e.text, "300 imports; at most 256"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_module_says_what_it_imports_and_exports),
		cmocka_unit_test(a_bad_module_is_refused_in_one_line),
		cmocka_unit_test(a_module_may_be_cut_anywhere),
		cmocka_unit_test(a_count_that_the_bytes_could_hold_is_still_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
