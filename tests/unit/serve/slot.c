/* serve/slot: what a runner said is heard, however it ended behind that. */
#include "serve/slot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
	struct slot slot;
	int runner_fd;
};

static void begin(struct scene *scene)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	scene->slot = (struct slot){ .state = SLOT_CLAIMED, .is_told = true, .fds = { -1, -1, ends[0] } };
	scene->runner_fd = ends[1];
}

static void say(const struct scene *scene, enum order_kind kind)
{
	const struct order_report report = { .magic = ORDER_MAGIC, .kind = kind, .exit_code = 7 };

	assert_int_equal(send(scene->runner_fd, &report, sizeof(report), 0), sizeof(report));
}

static void a_report_is_heard_when_its_runner_ended_with_words_unread(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	slot_say(&scene.slot, ORDER_CLAIM, 0, 0);
	say(&scene, ORDER_ENDED);
	close(scene.runner_fd);
	assert_false(slot_hear(&scene.slot));
	assert_true(scene.slot.has_report);
	assert_int_equal(scene.slot.report.exit_code, 7);
	slot_done(&scene.slot);
}

static void a_runner_that_ended_without_a_word_has_said_nothing(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	slot_say(&scene.slot, ORDER_CLAIM, 0, 0);
	close(scene.runner_fd);
	assert_false(slot_hear(&scene.slot));
	assert_false(scene.slot.has_report);
	slot_done(&scene.slot);
}

static void a_report_out_of_turn_is_none(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	say(&scene, ORDER_PARKED);
	assert_false(slot_hear(&scene.slot));
	assert_false(scene.slot.has_report);
	close(scene.runner_fd);
	slot_done(&scene.slot);
}

static void sample(const struct scene *scene, uint64_t t_ms)
{
	const struct order_sample sample = { ORDER_MAGIC, ORDER_SAMPLE, SERIES_CPU, 0, { .t_ms = t_ms } };

	assert_int_equal(send(scene->runner_fd, &sample, sizeof(sample), 0), sizeof(sample));
}

static void samples_are_kept_until_the_end_was_said(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	sample(&scene, 250);
	sample(&scene, 500);
	sample(&scene, 500);
	assert_true(slot_hear(&scene.slot));
	assert_true(scene.slot.has_samples);
	assert_int_equal(scene.slot.series->n, 2);
	say(&scene, ORDER_ENDED);
	sample(&scene, 750);
	assert_false(slot_hear(&scene.slot));
	assert_int_equal(scene.slot.series->n, 2);
	close(scene.runner_fd);
	slot_done(&scene.slot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_is_heard_when_its_runner_ended_with_words_unread),
		cmocka_unit_test(a_runner_that_ended_without_a_word_has_said_nothing),
		cmocka_unit_test(a_report_out_of_turn_is_none),
		cmocka_unit_test(samples_are_kept_until_the_end_was_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
