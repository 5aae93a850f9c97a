/* api/event_id: where a reader of events stands, as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/event_id.h"
#include "base/mem.h"

static void what_is_written_is_read_again(void **state)
{
	static const struct event_id ids[] = { { 0, 0, 0, 0 }, { 3, 120, 0, 0 }, { 1, 0, 999999999999999, 0 }, { 4, 12, 0, 250 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		char text[EVENT_ID_TEXT];
		struct event_id back;

		event_id_write(&ids[i], text);
		assert_true(event_id_read(text, &back));
		assert_memory_equal(&back, &ids[i], sizeof(back));
	}
}

static void a_single_number_is_a_row_without_output(void **state)
{
	struct event_id id;

	(void)state;
	assert_true(event_id_read("7", &id));
	assert_int_equal(id.seq, 7);
	assert_int_equal(id.out, 0);
}

static void other_texts_are_no_id(void **state)
{
	static const char *const bad[] = { "", ".", "1.", "1.2", "1.2.", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "-1", "1.-2.3", "a", "1 ", "1..3", "9999999999999999" };
	struct event_id id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (event_id_read(bad[i], &id))
			fail_msg("taken: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(a_single_number_is_a_row_without_output),
		cmocka_unit_test(other_texts_are_no_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
