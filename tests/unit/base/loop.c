/* base/loop: calls for what is ready, and only for that. */
#include "base/loop.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
	struct loop loop;
	int pipe[2];
	size_t slot, alarm;
	int called, rang;
	short revents;
};

static void ready(void *at, short revents)
{
	struct scene *const scene = at;

	scene->called++;
	scene->revents = revents;
}

static void ring(void *at)
{
	((struct scene *)at)->rang++;
}

static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	assert_int_equal(pipe(scene->pipe), 0);
	scene->slot = loop_add(&scene->loop, ready, scene);
	scene->alarm = loop_add_alarm(&scene->loop, ring, scene);
}

static void finish(struct scene *scene)
{
	close(scene->pipe[0]);
	close(scene->pipe[1]);
}

static void turn(struct scene *scene)
{
	struct err e;

	assert_int_equal(loop_turn(&scene->loop, &e), 0);
}

static void a_resting_loop_does_not_wait(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	turn(&scene);
	assert_int_equal(scene.called + scene.rang, 0);
	finish(&scene);
}

static void what_is_ready_is_called_until_it_rests(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	assert_int_equal(write(scene.pipe[1], "x", 1), 1);
	loop_watch(&scene.loop, scene.slot, scene.pipe[0], POLLIN);
	turn(&scene);
	turn(&scene);
	assert_int_equal(scene.called, 2);
	assert_int_equal(scene.revents, POLLIN);
	loop_watch(&scene.loop, scene.slot, -1, 0);
	turn(&scene);
	assert_int_equal(scene.called, 2);
	finish(&scene);
}

static void a_hang_up_is_told_unasked(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	loop_watch(&scene.loop, scene.slot, scene.pipe[0], 0);
	close(scene.pipe[1]);
	turn(&scene);
	assert_true(scene.revents & POLLHUP);
	scene.pipe[1] = -1;
	finish(&scene);
}

static void an_alarm_rings_once_and_not_early(void **state)
{
	struct scene scene;
	uint64_t when;

	(void)state;
	begin(&scene);
	when = loop_now_us() + 3000;
	loop_set_alarm(&scene.loop, scene.alarm, when);
	while (!scene.rang)
		turn(&scene);
	assert_true(loop_now_us() >= when);
	turn(&scene);
	assert_int_equal(scene.rang, 1);
	finish(&scene);
}

static void an_alarm_can_be_taken_back(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	loop_set_alarm(&scene.loop, scene.alarm, 1);
	loop_set_alarm(&scene.loop, scene.alarm, 0);
	turn(&scene);
	assert_int_equal(scene.rang, 0);
	finish(&scene);
}

static void a_due_alarm_and_a_ready_slot_both_get_their_turn(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	assert_int_equal(write(scene.pipe[1], "x", 1), 1);
	loop_watch(&scene.loop, scene.slot, scene.pipe[0], POLLIN);
	loop_set_alarm(&scene.loop, scene.alarm, 1);
	turn(&scene);
	assert_int_equal(scene.called, 1);
	assert_int_equal(scene.rang, 1);
	finish(&scene);
}

static void a_regular_file_is_always_ready(void **state)
{
	struct scene scene;
	const int fd = memfd_create("file", MFD_CLOEXEC);

	(void)state;
	begin(&scene);
	loop_watch(&scene.loop, scene.slot, fd, POLLIN);
	turn(&scene);
	assert_int_equal(scene.called, 1);
	finish(&scene);
	close(fd);
}

/* The first of two slots points the second elsewhere. */
static void steal(void *at, short revents)
{
	struct scene *const scene = at;

	(void)revents;
	loop_watch(&scene->loop, scene->slot + 1, -1, 0);
}

static void a_slot_that_was_changed_meanwhile_is_not_called(void **state)
{
	struct scene scene = { .called = 0 };

	(void)state;
	assert_int_equal(pipe(scene.pipe), 0);
	scene.slot = loop_add(&scene.loop, steal, &scene);
	loop_watch(&scene.loop, scene.slot, scene.pipe[1], POLLOUT);
	loop_watch(&scene.loop, loop_add(&scene.loop, ready, &scene), scene.pipe[1], POLLOUT);
	turn(&scene);
	assert_int_equal(scene.called, 0);
	finish(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_resting_loop_does_not_wait),
		cmocka_unit_test(what_is_ready_is_called_until_it_rests),
		cmocka_unit_test(a_hang_up_is_told_unasked),
		cmocka_unit_test(an_alarm_rings_once_and_not_early),
		cmocka_unit_test(an_alarm_can_be_taken_back),
		cmocka_unit_test(a_due_alarm_and_a_ready_slot_both_get_their_turn),
		cmocka_unit_test(a_regular_file_is_always_ready),
		cmocka_unit_test(a_slot_that_was_changed_meanwhile_is_not_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
