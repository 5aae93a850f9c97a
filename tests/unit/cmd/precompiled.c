/* cmd/precompiled: what is written is known again, and what is none of ours is said to be that. */
#include "cmd/precompiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ward-unit-XXXXXX", path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/m.ward", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void put(const char *text, size_t len)
{
	FILE *const file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void what_was_written_is_known_again_and_can_be_executed(void **state)
{
	struct err e = ERR_INIT;
	bool is_one = false;
	struct stat st;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(precompiled_write(path, "\177ELF and more", 13, &e), 0);
		assert_int_equal(precompiled_look(path, &is_one, &e), 0);
		assert_true(is_one);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
}

static void one_of_another_ward_is_refused_with_both_names(void **state)
{
	static const char other[] = "\177ELFWARDWAS1ward 0.0.1, wasm2c 1.0.1\0                                ";
	char bytes[4 + 64] = "";
	struct err e = ERR_INIT;
	bool is_one;

	(void)state;
	memcpy(bytes, other, sizeof(bytes));
	put(bytes, sizeof(bytes));
	assert_int_equal(precompiled_look(path, &is_one, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.text, "ward 0.0.1, wasm2c 1.0.1 compiled it, and this is ward "));
	assert_non_null(strstr(e.text, "`ward precompile`"));
}

static void a_program_is_no_module_and_a_module_is_left_alone(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int rc;
	} cases[] = {
		{ "\177ELF", 4, -1 }, { "\177ELFWARDWAS1", 12, -1 }, { "\177EL", 3, 0 }, { "", 0, 0 }, { "\0asm\1\0\0\0", 8, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err e = ERR_INIT;
		bool is_one = true;

		put(cases[i].text, cases[i].len);
		assert_int_equal(precompiled_look(path, &is_one, &e), cases[i].rc);
		assert_false(is_one);
		if (cases[i].rc)
			assert_non_null(strstr(e.text, "it is a program and no WebAssembly module; use -b container for it"));
	}
}

static void what_cannot_be_opened_or_is_no_file_is_left_to_others(void **state)
{
	struct err e = ERR_INIT;
	bool is_one;

	(void)state;
	unlink(path);
	assert_int_equal(precompiled_look(path, &is_one, &e), 0);
	assert_int_equal(mkfifo(path, 0600), 0); /* and it does not wait */
	assert_int_equal(precompiled_look(path, &is_one, &e), 0);
	assert_int_equal(precompiled_look(folder, &is_one, &e), 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_known_again_and_can_be_executed),
		cmocka_unit_test(one_of_another_ward_is_refused_with_both_names),
		cmocka_unit_test(a_program_is_no_module_and_a_module_is_left_alone),
		cmocka_unit_test(what_cannot_be_opened_or_is_no_file_is_left_to_others),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
