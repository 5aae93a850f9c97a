/* serve/order: packets between the service's processes are exactly what they should be; a box has one way to go. */
#include "serve/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "serve/refusals.h"
#include "serve/series.h"

static void an_order_is_a_struct_of_known_size_and_kind(void **state)
{
	struct order order = { .magic = ORDER_MAGIC, .kind = ORDER_START };

	(void)state;
	assert_true(order_is_sound(&order, sizeof(order)));
	assert_false(order_is_sound(&order, sizeof(order) - 1));
	order.kind = ORDER_CLAIM;
	assert_false(order_is_sound(&order, sizeof(order)));
	order = (struct order){ .magic = ORDER_MAGIC, .kind = ORDER_END, .class_index = ORDER_CLASSES_MAX };
	assert_false(order_is_sound(&order, sizeof(order)));
	order = (struct order){ .magic = ORDER_MAGIC, .kind = ORDER_ZYGOTE };
	assert_true(order_is_sound(&order, sizeof(order)));
	order = (struct order){ .magic = ORDER_MAGIC, .kind = ORDER_HERALD };
	assert_true(order_is_sound(&order, sizeof(order)));
	order = (struct order){ .magic = 1, .kind = ORDER_END };
	assert_false(order_is_sound(&order, sizeof(order)));
	order = (struct order){ .magic = ORDER_MAGIC, .kind = ORDER_END, .zero = 1 };
	assert_false(order_is_sound(&order, sizeof(order)));
}

static void an_order_is_no_wider_than_its_class(void **state)
{
	static const struct order_class class = {
		.memory_max_bytes = 1000, .pids_max = 100, .disk_max_bytes = 2000, .cpus_max_milli = 10,
		.wall_max_ms = 7, .cpu_max_ms = 5,
	};
	const struct order good = { .limits = { 1000, 100, 2000, ORDER_INODES_MAX, 10, 1 }, .wall_ms = 7, .cpu_ms = 5 };
	struct order late = good, busy = good;
	const size_t fields = sizeof(good.limits) / sizeof(uint64_t);

	(void)state;
	assert_true(order_is_within(&good, &class));
	late.wall_ms++;
	busy.cpu_ms++;
	assert_false(order_is_within(&late, &class));
	assert_false(order_is_within(&busy, &class));
	for (size_t i = 0; i < fields; i++) {
		struct order wide = good;
		uint64_t numbers[sizeof(good.limits) / sizeof(uint64_t)];

		memcpy(numbers, &wide.limits, sizeof(wide.limits));
		numbers[i]++;
		memcpy(&wide.limits, numbers, sizeof(wide.limits));
		assert_false(order_is_within(&wide, &class));
	}
}

static void refusals_fit_their_tally(void **state)
{
	static struct order_refusals refusals = { .magic = ORDER_MAGIC, .kind = ORDER_REFUSED, .tally = { .n = TALLY_CALLS } };

	(void)state;
	assert_true(order_refusals_are_sound(&refusals, sizeof(refusals)));
	assert_false(order_refusals_are_sound(&refusals, sizeof(refusals) - 1));
	assert_false(order_report_is_sound(&refusals, sizeof(refusals)));
	refusals.tally.n++;
	assert_false(order_refusals_are_sound(&refusals, sizeof(refusals)));
	refusals.tally.n = 0;
	refusals.kind = ORDER_ENDED;
	assert_false(order_refusals_are_sound(&refusals, sizeof(refusals)));
}

static void a_sample_says_what_it_has_and_nothing_else(void **state)
{
	struct order_sample sample = { .magic = ORDER_MAGIC, .kind = ORDER_SAMPLE, .have = SERIES_CPU | SERIES_PIDS };

	(void)state;
	assert_true(order_sample_is_sound(&sample, sizeof(sample)));
	assert_false(order_sample_is_sound(&sample, sizeof(sample) - 1));
	assert_false(order_report_is_sound(&sample, sizeof(sample)));
	sample.have = 8;
	assert_false(order_sample_is_sound(&sample, sizeof(sample)));
	sample.have = 0;
	sample.zero = 1;
	assert_false(order_sample_is_sound(&sample, sizeof(sample)));
	sample.zero = 0;
	sample.kind = ORDER_REFUSED;
	assert_false(order_sample_is_sound(&sample, sizeof(sample)));
}

static void a_word_names_a_signal_that_exists(void **state)
{
	struct order_word word = { .magic = ORDER_MAGIC, .kind = ORDER_SIGNAL, .n = 15 };

	(void)state;
	assert_true(order_word_is_sound(&word, sizeof(word)));
	word.n = 0;
	assert_false(order_word_is_sound(&word, sizeof(word)));
	word.n = 64;
	assert_false(order_word_is_sound(&word, sizeof(word)));
	word = (struct order_word){ .magic = ORDER_MAGIC, .kind = ORDER_START };
	assert_false(order_word_is_sound(&word, sizeof(word)));
}

static void a_report_stays_within_its_ranges(void **state)
{
	static const struct order_report good = { .magic = ORDER_MAGIC, .kind = ORDER_ENDED, .exit_code = -1 };
	struct order_report report = good;

	(void)state;
	assert_true(order_report_is_sound(&report, sizeof(report)));
	report.exit_code = 256;
	assert_false(order_report_is_sound(&report, sizeof(report)));
	report = good;
	report.verdict = VERDICTS;
	assert_false(order_report_is_sound(&report, sizeof(report)));
	report = good;
	report.n_refused = ORDER_REFUSED_MAX + 1;
	assert_false(order_report_is_sound(&report, sizeof(report)));
	report = good;
	memset(report.err.text, 'x', sizeof(report.err.text));
	assert_false(order_report_is_sound(&report, sizeof(report)));
}

static void a_class_has_terminated_texts(void **state)
{
	struct order_class class = { .magic = ORDER_MAGIC, .kind = ORDER_CLASS, .runtime = "python", .boundary = "container" };
	char name[ORDER_CLASS_NAME];

	(void)state;
	assert_true(order_class_is_sound(&class, sizeof(class)));
	order_class_name(&class, name);
	assert_string_equal(name, "python/container");
	memset(class.why, 'x', sizeof(class.why));
	assert_false(order_class_is_sound(&class, sizeof(class)));
}

/* Whatever moves are made: a box that was claimed is never parked again. */
static void nothing_leads_from_a_claim_back_to_the_pool(void **state)
{
	unsigned reached = 1u << SLOT_CLAIMED;

	(void)state;
	for (int round = 0; round < SLOT_STATES; round++)
		for (unsigned from = 0; from < SLOT_STATES; from++)
			for (unsigned to = 0; to < SLOT_STATES; to++)
				if ((reached & 1u << from) && slot_may_move(from, to))
					reached |= 1u << to;
	assert_int_equal(reached, 1u << SLOT_CLAIMED | 1u << SLOT_ENDING | 1u << SLOT_GONE);
	assert_false(slot_may_move(SLOT_GONE, SLOT_NONE));
	assert_false(slot_may_move(SLOT_PARKED, SLOT_BUILDING));
	assert_false(slot_may_move(SLOT_STATES, SLOT_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_is_a_struct_of_known_size_and_kind),
		cmocka_unit_test(an_order_is_no_wider_than_its_class),
		cmocka_unit_test(refusals_fit_their_tally),
		cmocka_unit_test(a_sample_says_what_it_has_and_nothing_else),
		cmocka_unit_test(a_word_names_a_signal_that_exists),
		cmocka_unit_test(a_report_stays_within_its_ranges),
		cmocka_unit_test(a_class_has_terminated_texts),
		cmocka_unit_test(nothing_leads_from_a_claim_back_to_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
