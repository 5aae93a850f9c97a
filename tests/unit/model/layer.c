/* model/layer: the names of the layers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/layer.h"

static void a_name_finds_its_layer_again(void **state)
{
	(void)state;
	for (enum layer layer = 0; layer < LAYERS; layer++) {
		assert_non_null(layer_name(layer));
		assert_int_equal(layer_find(layer_name(layer)), layer);
	}
}

static void a_name_is_one_lower_case_word_and_says_what_it_holds(void **state)
{
	(void)state;
	for (enum layer layer = 0; layer < LAYERS; layer++) {
		const char *name = layer_name(layer);

		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
		assert_true(strlen(layer_holds(layer)) > 5);
		assert_null(strchr(layer_holds(layer), '\n'));
		assert_true(strlen(layer_attack(layer)) > 5);
		assert_true(*layer_defeat(layer));
	}
}

static void what_is_no_layer_has_no_name(void **state)
{
	(void)state;
	assert_null(layer_name(LAYERS));
	assert_null(layer_holds(LAYERS));
	assert_null(layer_attack(LAYERS));
	assert_null(layer_defeat(LAYERS));
	assert_null(layer_name((enum layer)-1));
	assert_int_equal(layer_find("userns "), LAYERS);
	assert_int_equal(layer_find("USERNS"), LAYERS);
	assert_int_equal(layer_find(""), LAYERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_finds_its_layer_again),
		cmocka_unit_test(a_name_is_one_lower_case_word_and_says_what_it_holds),
		cmocka_unit_test(what_is_no_layer_has_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
