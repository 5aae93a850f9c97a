/* store/state: the table of moves is the one that the documents draw. */
#include "store/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void nothing_leaves_a_final_state(void **state)
{
	(void)state;
	for (unsigned from = 0; from < JOB_STATES; from++)
		for (unsigned to = 0; to < JOB_STATES; to++)
			if (job_state_is_final(from))
				assert_false(job_state_may_move(from, to));
}

static void a_job_comes_back_only_from_who_holds_it(void **state)
{
	(void)state;
	for (unsigned from = 0; from < JOB_STATES; from++)
		assert_int_equal(job_state_may_move(from, JOB_QUEUED), job_state_is_held(from));
}

static void only_a_queued_job_is_leased(void **state)
{
	(void)state;
	for (unsigned from = 0; from < JOB_STATES; from++)
		assert_int_equal(job_state_may_move(from, JOB_LEASED), from == JOB_QUEUED);
}

static void without_a_box_a_job_ends_only_cancelled_or_rejected(void **state)
{
	(void)state;
	for (unsigned to = 0; to < JOB_STATES; to++)
		if (job_state_is_final(to))
			assert_int_equal(job_state_may_move(JOB_QUEUED, to), to == JOB_CANCELLED || to == JOB_REJECTED);
}

static void held_states_go_forward_alone(void **state)
{
	(void)state;
	for (unsigned from = JOB_LEASED; from <= JOB_FINISHING; from++)
		for (unsigned to = JOB_LEASED; to <= from; to++)
			assert_false(job_state_may_move(from, to));
}

static void every_word_finds_its_state(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JOB_STATES; i++) {
		const char *const word = job_state_name(i);

		assert_int_equal(job_state_find(word, strlen(word)), i);
		assert_false(job_state_is_held(i) && job_state_is_final(i));
	}
	assert_int_equal(job_state_find("queue", 5), JOB_STATES);
	assert_int_equal(job_state_find("", 0), JOB_STATES);
	assert_string_equal(job_state_name(JOB_STATES), "unknown");
	assert_string_equal(job_reason_name(REASON_OUTPUT_LIMIT), "output_limit");
	assert_false(job_state_may_move(JOB_STATES, JOB_QUEUED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_leaves_a_final_state),
		cmocka_unit_test(a_job_comes_back_only_from_who_holds_it),
		cmocka_unit_test(only_a_queued_job_is_leased),
		cmocka_unit_test(without_a_box_a_job_ends_only_cancelled_or_rejected),
		cmocka_unit_test(held_states_go_forward_alone),
		cmocka_unit_test(every_word_finds_its_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
