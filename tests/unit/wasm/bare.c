/* wasm/bare: what is left of a module when its names are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/bare.h"

#define MAGIC "\0asm\1\0\0\0"
#define TYPE "\x01\x04\x01\x60\x00\x00"
#define FUNCTION "\x03\x02\x01\x00"
#define MEMORY "\x05\x03\x01\x00\x01"
#define CODE "\x0a\x04\x01\x02\x00\x0b"
#define CUSTOM "\x00\x08\x04name*/x"

static void write_bare(const char *bytes, size_t len, struct arena *arena, struct str *out)
{
	struct wasm_module module;
	struct err e = ERR_INIT;

	if (sections_read((const uint8_t *)bytes, len, arena, &module, &e) < 0 ||
	    bare_write((const uint8_t *)bytes, len, &module, out, &e) < 0)
		fail_msg("%s", e.text);
}

static void assert_is(const struct str *out, const char *bytes, size_t len)
{
	assert_int_equal(out->len, len);
	assert_memory_equal(str_text(out), bytes, len);
}

static void names_become_numbers_and_custom_sections_go(void **state)
{
	static const char bytes[] = MAGIC TYPE FUNCTION MEMORY "\x07\x18\x03\x06*/evil\x00\x00\x02hi\x02\x00\x06memory\x02\x00" CODE CUSTOM;
	static const char wanted[] = MAGIC TYPE FUNCTION MEMORY "\x07\x0f\x02\x02" "e0\x00\x00\x06memory\x02\x00" CODE;
	OWN(arena) arena = { .blocks = NULL };
	OWN(str) out = STR_NONE;

	(void)state;
	write_bare(bytes, sizeof(bytes) - 1, &arena, &out);
	assert_is(&out, wanted, sizeof(wanted) - 1);
}

static void a_module_without_exports_has_none(void **state)
{
	static const char bytes[] = MAGIC CUSTOM TYPE;
	static const char wanted[] = MAGIC TYPE;
	OWN(arena) arena = { .blocks = NULL };
	OWN(str) out = STR_NONE;

	(void)state;
	write_bare(bytes, sizeof(bytes) - 1, &arena, &out);
	assert_is(&out, wanted, sizeof(wanted) - 1);
}

static void what_is_called_memory_and_is_none_stays_away(void **state)
{
	static const char bytes[] = MAGIC TYPE FUNCTION "\x07\x0a\x01\x06memory\x00\x00" CODE;
	static const char wanted[] = MAGIC TYPE FUNCTION "\x07\x06\x01\x02" "e0\x00\x00" CODE;
	OWN(arena) arena = { .blocks = NULL };
	OWN(str) out = STR_NONE;

	(void)state;
	write_bare(bytes, sizeof(bytes) - 1, &arena, &out);
	assert_is(&out, wanted, sizeof(wanted) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_numbers_and_custom_sections_go),
		cmocka_unit_test(a_module_without_exports_has_none),
		cmocka_unit_test(what_is_called_memory_and_is_none_stays_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
