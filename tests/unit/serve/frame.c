/* serve/frame: what is put comes out again, in pieces of any size; what is no frame, or out of turn, is refused. */
#include "serve/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct frame_reader reader;

static void feed(const char *bytes, size_t len)
{
	size_t room;
	char *const at = frame_space(&reader, &room);

	assert_true(room >= len);
	memcpy(at, bytes, len);
	frame_filled(&reader, len);
}

static void frames_come_out_as_they_were_put_whatever_the_pieces(void **state)
{
	char bytes[64];
	size_t len = frame_put(bytes, FRAME_FILE, FRAME_EXECUTABLE, "a/b", 3);
	struct frame frame;

	(void)state;
	len += frame_put(bytes + len, FRAME_DATA, 0, "xyz", 3);
	for (size_t piece = 1; piece <= len; piece++) {
		unsigned n = 0;

		reader.n = reader.taken = 0;
		for (size_t at = 0; at < len; at += piece) {
			feed(bytes + at, at + piece < len ? piece : len - at);
			while (frame_take(&reader, &frame) == 1) {
				assert_int_equal(frame.head.len, 3);
				assert_memory_equal(frame.bytes, n ? "xyz" : "a/b", 3);
				n++;
			}
		}
		assert_int_equal(n, 2);
	}
}

static void a_head_that_no_kind_has_is_no_frame(void **state)
{
	static const struct frame_head rows[] = {
		{ .kind = FRAME_NONE }, { .kind = FRAME_KINDS }, { .kind = 255, .len = 1 },
		{ .kind = FRAME_DATA, .len = 0 }, { .kind = FRAME_DATA, .len = FRAME_MAX + 1 },
		{ .kind = FRAME_DATA, .flag = 1, .len = 1 }, { .kind = FRAME_DATA, .zero = 1, .len = 1 },
		{ .kind = FRAME_READY, .flag = 2 }, { .kind = FRAME_READY, .len = 1 }, { .kind = FRAME_FILE, .len = 256 },
		{ .kind = FRAME_LEFT_OUT, .flag = FRAME_LEFTS, .len = 1 }, { .kind = FRAME_ENDED, .len = 8 },
		{ .kind = FRAME_STDOUT, .len = UINT32_MAX },
		{ .kind = FRAME_RESIZE, .len = 3 }, { .kind = FRAME_STEP, .flag = 8, .len = 4 },
	};
	struct frame frame;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		reader.n = reader.taken = 0;
		feed((const char *)&rows[i], sizeof(rows[i]));
		assert_int_equal(frame_take(&reader, &frame), -1);
	}
}

/* A direction's frames by their kinds; payloads that are right for them. */
static bool may_follow(const enum frame_kind *kinds, size_t n, bool is_in, uint32_t n_steps)
{
	struct frame_order order = { .n_steps = is_in ? 0 : n_steps };
	uint32_t step = 0;

	for (size_t i = 0; i < n; i++) {
		static char bytes[64];
		struct frame frame = { .head = { .kind = (uint8_t)kinds[i], .len = 4 }, .bytes = bytes };

		memset(bytes, 0, sizeof(bytes));
		if (kinds[i] == FRAME_ENV || kinds[i] == FRAME_FILE || kinds[i] == FRAME_ARTIFACT || kinds[i] == FRAME_STEP)
			memcpy(bytes, "a=b", kinds[i] == FRAME_STEP ? 4 : 3);
		if (kinds[i] == FRAME_ENV || kinds[i] == FRAME_FILE || kinds[i] == FRAME_ARTIFACT)
			frame.head.len = 3;
		if (kinds[i] == FRAME_STARTED || kinds[i] == FRAME_ENDED)
			memcpy(bytes, &step, sizeof(step));
		if (kinds[i] == FRAME_OUTPUT || kinds[i] == FRAME_KEEP) {
			bytes[sizeof(struct frame_output)] = '*';
			frame.head.len = sizeof(struct frame_output) + 1;
		}
		step += kinds[i] == FRAME_ENDED;
		if (!(is_in ? frame_in_follows(&order, &frame) : frame_out_follows(&order, &frame)))
			return false;
	}
	return true;
}

#define KINDS(...) (const enum frame_kind[]){ __VA_ARGS__ }, sizeof((enum frame_kind[]){ __VA_ARGS__ }) / sizeof(enum frame_kind)

static void the_front_says_things_in_their_order(void **state)
{
	(void)state;
	assert_true(may_follow(KINDS(FRAME_ENV, FRAME_FILE, FRAME_DATA, FRAME_DATA, FRAME_STEP, FRAME_DATA, FRAME_OUTPUT,
				     FRAME_GO, FRAME_STDIN, FRAME_STDIN_END), true, 0));
	assert_true(may_follow(KINDS(FRAME_STEP, FRAME_RESIZE, FRAME_GO, FRAME_RESIZE, FRAME_STDIN, FRAME_RESIZE), true, 0));
	assert_false(may_follow(KINDS(FRAME_STEP, FRAME_GO, FRAME_STDIN_END, FRAME_RESIZE), true, 0));
	assert_true(may_follow(KINDS(FRAME_STEP, FRAME_KEEP, FRAME_GO), true, 0));
	assert_false(may_follow(KINDS(FRAME_STEP, FRAME_GO, FRAME_KEEP), true, 0));
	assert_false(may_follow(KINDS(FRAME_RESIZE), false, 1));
	assert_false(may_follow(KINDS(FRAME_GO), true, 0));     /* nothing to run */
	assert_false(may_follow(KINDS(FRAME_DATA), true, 0));   /* of what? */
	assert_false(may_follow(KINDS(FRAME_ENV, FRAME_DATA), true, 0));
	assert_false(may_follow(KINDS(FRAME_STEP, FRAME_GO, FRAME_STEP), true, 0));
	assert_false(may_follow(KINDS(FRAME_STEP, FRAME_GO, FRAME_STDIN_END, FRAME_STDIN), true, 0));
	assert_false(may_follow(KINDS(FRAME_STEP, FRAME_STDIN), true, 0));
	assert_false(may_follow(KINDS(FRAME_READY), true, 0));
}

static void a_box_says_things_in_their_order(void **state)
{
	(void)state;
	assert_true(may_follow(KINDS(FRAME_READY, FRAME_STARTED, FRAME_STDOUT, FRAME_STDERR, FRAME_ENDED, FRAME_ARTIFACT,
				     FRAME_DATA, FRAME_ARTIFACT, FRAME_DONE), false, 1));
	assert_true(may_follow(KINDS(FRAME_READY, FRAME_STARTED, FRAME_ENDED, FRAME_PRODUCT, FRAME_DATA, FRAME_STARTED, FRAME_ENDED,
				     FRAME_DONE), false, 2));
	assert_false(may_follow(KINDS(FRAME_READY, FRAME_STARTED, FRAME_PRODUCT), false, 1));
	assert_false(may_follow(KINDS(FRAME_READY, FRAME_STARTED, FRAME_ENDED, FRAME_DONE, FRAME_PRODUCT), false, 1));
	assert_false(may_follow(KINDS(FRAME_STARTED), false, 1));
	assert_false(may_follow(KINDS(FRAME_READY, FRAME_READY), false, 1));
	assert_false(may_follow(KINDS(FRAME_READY, FRAME_STARTED), false, 0));  /* nobody asked for a step */
	assert_false(may_follow(KINDS(FRAME_READY, FRAME_STDOUT), false, 1));
	assert_false(may_follow(KINDS(FRAME_READY, FRAME_STARTED, FRAME_ENDED, FRAME_STARTED), false, 1));
	assert_false(may_follow(KINDS(FRAME_READY, FRAME_STARTED, FRAME_DONE), false, 1));
	assert_false(may_follow(KINDS(FRAME_READY, FRAME_DATA), false, 1));
	assert_false(may_follow(KINDS(FRAME_READY, FRAME_DONE, FRAME_ARTIFACT), false, 1));
	assert_false(may_follow(KINDS(FRAME_READY, FRAME_GO), false, 1));
}

static bool payload_may(enum frame_kind kind, const char *bytes, size_t len, bool is_in)
{
	struct frame_order order = { .phase = is_in ? FRAME_AT_START : FRAME_AT_RUN };
	const struct frame frame = { .head = { .kind = (uint8_t)kind, .len = (uint32_t)len }, .bytes = bytes };

	return is_in ? frame_in_follows(&order, &frame) : frame_out_follows(&order, &frame);
}

static void a_payload_has_the_shape_of_its_kind(void **state)
{
	(void)state;
	assert_true(payload_may(FRAME_ENV, "A=", 2, true));
	assert_false(payload_may(FRAME_ENV, "=A", 2, true));
	assert_false(payload_may(FRAME_ENV, "A=\0", 3, true));
	assert_true(payload_may(FRAME_STEP, "ls\0-l\0", 6, true));
	assert_false(payload_may(FRAME_STEP, "ls\0-l", 5, true));
	assert_false(payload_may(FRAME_STEP, "\0ls\0", 4, true));
	assert_true(payload_may(FRAME_KEEP, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a.out", 21, true));
	assert_false(payload_may(FRAME_KEEP, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a/out", 21, true));
	assert_false(payload_may(FRAME_KEEP, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1a.out", 21, true));
	assert_true(payload_may(FRAME_ARTIFACT, "a/b", 3, false));
	assert_false(payload_may(FRAME_ARTIFACT, "a\0b", 3, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_out_as_they_were_put_whatever_the_pieces),
		cmocka_unit_test(a_head_that_no_kind_has_is_no_frame),
		cmocka_unit_test(the_front_says_things_in_their_order),
		cmocka_unit_test(a_box_says_things_in_their_order),
		cmocka_unit_test(a_payload_has_the_shape_of_its_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
