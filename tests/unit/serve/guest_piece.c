/* serve/guest_piece: what a guest says is taken as it comes, and nothing is taken that no guest says. */
#include "serve/guest_piece.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static struct frame_reader reader;

static void give(const void *bytes, size_t len)
{
	size_t room;
	char *const at = frame_space(&reader, &room);

	assert_true(len <= room);
	memcpy(at, bytes, len);
	frame_filled(&reader, len);
}

static void give_head(uint32_t kind, uint32_t len)
{
	const uint32_t head[2] = { kind, len };

	give(head, sizeof(head));
}

static void start(struct guest_place *place)
{
	reader.n = reader.taken = 0;
	*place = (struct guest_place){ .is_inside = false };
}

/* Whatever the pieces are cut into, the bytes are the same, and one piece is the last. */
static void a_frame_comes_whole_however_it_is_cut(void **state)
{
	static const char text[] = "one line of output\n";

	(void)state;
	for (size_t step = 1; step <= sizeof(text) + 8; step++) {
		OWN(str) got = STR_NONE;
		char wire[8 + sizeof(text)];
		const uint32_t head[2] = { GUEST_RESULT, sizeof(text) };
		struct guest_place place;
		struct guest_piece piece;
		unsigned last = 0;

		start(&place);
		memcpy(wire, head, sizeof(head));
		memcpy(wire + sizeof(head), text, sizeof(text));
		for (size_t at = 0; at < sizeof(wire); at += step) {
			give(wire + at, sizeof(wire) - at < step ? sizeof(wire) - at : step);
			while (guest_piece_take(&reader, &place, &piece) > 0) {
				assert_int_equal(piece.kind, GUEST_RESULT);
				assert_int_equal(last, 0);
				str_add_bytes(&got, piece.bytes, piece.len);
				last += piece.is_last;
			}
		}
		assert_int_equal(last, 1);
		assert_int_equal(got.len, sizeof(text));
		assert_memory_equal(str_text(&got), text, sizeof(text));
	}
}

static void an_empty_frame_is_one_piece(void **state)
{
	struct guest_place place;
	struct guest_piece piece;

	(void)state;
	start(&place);
	give_head(GUEST_STDOUT, 0);
	assert_int_equal(guest_piece_take(&reader, &place, &piece), 1);
	assert_true(piece.is_last && !piece.len);
	assert_int_equal(guest_piece_take(&reader, &place, &piece), 0);
}

static void an_error_is_taken_whole_or_not_yet(void **state)
{
	const struct guest_why why = { .line = 3, .text = "no" };
	struct guest_place place;
	struct guest_piece piece;

	(void)state;
	start(&place);
	give_head(GUEST_ERROR, sizeof(why));
	give(&why, sizeof(why) - 1);
	assert_int_equal(guest_piece_take(&reader, &place, &piece), 0);
	give((const char *)&why + sizeof(why) - 1, 1);
	assert_int_equal(guest_piece_take(&reader, &place, &piece), 1);
	assert_true(piece.is_last && piece.len == sizeof(why));
}

static void what_no_guest_says_is_refused_at_its_head(void **state)
{
	static const struct { uint32_t kind, len; } rows[] = {
		{ GUEST_SCRIPT, 4 }, { GUEST_RUN, 4 }, { GUEST_WANT_INPUT, 0 }, { GUEST_READY, 0 }, { GUEST_KINDS, 0 },
		{ UINT32_MAX, 0 }, { GUEST_STDOUT, (64u << 10) + 1 }, { GUEST_RESULT, UINT32_MAX }, { GUEST_ERROR, 2049 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct guest_place place;
		struct guest_piece piece;

		start(&place);
		give_head(rows[i].kind, rows[i].len);
		assert_int_equal(guest_piece_take(&reader, &place, &piece), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_comes_whole_however_it_is_cut),
		cmocka_unit_test(an_empty_frame_is_one_piece),
		cmocka_unit_test(an_error_is_taken_whole_or_not_yet),
		cmocka_unit_test(what_no_guest_says_is_refused_at_its_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
