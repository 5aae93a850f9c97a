/* engine/streams: which pipes a box gets, and what is left alone until it runs. */
#include "engine/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

struct scene {
	struct loop loop;
	struct streams streams;
};

static struct scene *open_scene(int in_fd, int out_fd, int err_fd)
{
	struct scene *const scene = mem_alloc(sizeof(*scene));
	const int own[STREAMS] = { in_fd, out_fd, err_fd };
	struct err e;

	streams_init(&scene->streams, own, UINT64_MAX, &scene->loop);
	assert_int_equal(streams_open(&scene->streams, &e), 0);
	return scene;
}

static void close_scene(struct scene *scene)
{
	streams_done(&scene->streams);
	free(scene);
}

static bool is_same_pipe(int a, int b)
{
	struct stat sa, sb;

	assert_int_equal(fstat(a, &sa), 0);
	assert_int_equal(fstat(b, &sb), 0);
	return sa.st_ino == sb.st_ino;
}

static void the_box_gets_blocking_pipes_and_nothing_of_ours(void **state)
{
	const int out_fd = memfd_create("out", MFD_CLOEXEC);
	const int err_fd = memfd_create("err", MFD_CLOEXEC);
	struct scene *const scene = open_scene(-1, out_fd, err_fd);
	struct stat st;

	(void)state;
	for (int i = 0; i < STREAMS; i++) {
		const int fd = scene->streams.box[i];

		assert_int_equal(fstat(fd, &st), 0);
		assert_true(S_ISFIFO(st.st_mode));
		assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
		assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE,
				 i == STREAM_IN ? O_RDONLY : O_WRONLY);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	}
	assert_false(is_same_pipe(scene->streams.box[1], scene->streams.box[2]));
	close_scene(scene);
	close(out_fd);
	close(err_fd);
}

static void output_and_error_stay_one_when_they_are_one(void **state)
{
	const int out_fd = memfd_create("out", MFD_CLOEXEC);
	const int copy = fcntl(out_fd, F_DUPFD_CLOEXEC, 0);
	struct scene *const scene = open_scene(-1, out_fd, copy);
	struct err e;
	char text[8];

	(void)state;
	assert_true(is_same_pipe(scene->streams.box[1], scene->streams.box[2]));
	assert_int_equal(write(scene->streams.box[1], "1", 1), 1);
	assert_int_equal(write(scene->streams.box[2], "2", 1), 1);
	assert_int_equal(write(scene->streams.box[1], "3", 1), 1);
	streams_close_box(&scene->streams);
	while (streams_drain(&scene->streams)) {
		streams_watch(&scene->streams, STREAMS_OUTPUT);
		assert_int_equal(loop_turn(&scene->loop, &e), 0);
	}
	assert_int_equal(pread(out_fd, text, 8, 0), 3);
	assert_memory_equal(text, "123", 3);
	close_scene(scene);
	close(out_fd);
	close(copy);
}

static void input_is_not_touched_before_the_program_runs(void **state)
{
	int in[2];
	struct scene *scene;
	struct err e;
	char text[8];

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], "mine", 4), 4);
	scene = open_scene(in[0], -1, -1);
	for (enum streams_flow flow = STREAMS_REST; flow < STREAMS_ALL; flow++) {
		streams_watch(&scene->streams, flow);
		/* So that the turn does not wait. */
		loop_set_alarm(&scene->loop, scene->streams.alarm, 1);
		assert_int_equal(loop_turn(&scene->loop, &e), 0);
	}
	fcntl(scene->streams.box[STREAM_IN], F_SETFL, O_NONBLOCK);
	assert_int_equal(read(scene->streams.box[STREAM_IN], text, 8), -1);
	streams_watch(&scene->streams, STREAMS_ALL);
	assert_int_equal(loop_turn(&scene->loop, &e), 0);
	assert_int_equal(read(scene->streams.box[STREAM_IN], text, 8), 4);
	close_scene(scene);
	close(in[0]);
	close(in[1]);
}

static void nothing_is_heard_before_the_program_is_known_to_run(void **state)
{
	const int out_fd = memfd_create("out", MFD_CLOEXEC);
	struct scene *const scene = open_scene(-1, out_fd, -1);
	struct err e;

	(void)state;
	assert_int_equal(write(scene->streams.box[1], "early", 5), 5);
	streams_watch(&scene->streams, STREAMS_REST);
	loop_set_alarm(&scene->loop, scene->streams.alarm, 1);
	assert_int_equal(loop_turn(&scene->loop, &e), 0);
	assert_int_equal(lseek(out_fd, 0, SEEK_END), 0);
	streams_watch(&scene->streams, STREAMS_OUTPUT);
	assert_int_equal(loop_turn(&scene->loop, &e), 0);
	assert_int_equal(lseek(out_fd, 0, SEEK_END), 5);
	close_scene(scene);
	close(out_fd);
}

static void a_stream_that_cannot_be_looked_at_is_an_error(void **state)
{
	struct scene *const scene = mem_alloc(sizeof(*scene));

	(void)state;
	for (int i = 0; i < STREAMS; i++) {
		int own[STREAMS] = { -1, -1, -1 };
		struct err e = ERR_INIT;

		own[i] = 1000;
		memset(scene, 0, sizeof(*scene));
		streams_init(&scene->streams, own, UINT64_MAX, &scene->loop);
		assert_int_equal(streams_open(&scene->streams, &e), -1);
		assert_int_equal(e.sys, EBADF);
		streams_done(&scene->streams);
	}
	free(scene);
}

static void a_writer_outside_the_box_cannot_hold_the_end_up(void **state)
{
	struct scene *const scene = open_scene(-1, -1, -1);

	(void)state;
	assert_int_equal(write(scene->streams.box[1], "x", 1), 1);
	assert_false(streams_drain(&scene->streams));   /* though its end is still open */
	assert_int_equal(scene->streams.budget.seen, 1);
	close_scene(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_box_gets_blocking_pipes_and_nothing_of_ours),
		cmocka_unit_test(output_and_error_stay_one_when_they_are_one),
		cmocka_unit_test(input_is_not_touched_before_the_program_runs),
		cmocka_unit_test(nothing_is_heard_before_the_program_is_known_to_run),
		cmocka_unit_test(a_stream_that_cannot_be_looked_at_is_an_error),
		cmocka_unit_test(a_writer_outside_the_box_cannot_hold_the_end_up),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
