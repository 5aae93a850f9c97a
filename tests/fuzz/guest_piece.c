/* Any bytes may come from a guest of an engine: what is taken lies within what came, is of a kind that guests say, and
 * is the same however it is cut. */
#include <stdint.h>
#include <string.h>

#include "serve/guest_piece.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The sum of all bytes taken, and whether the end was refused. */
static uint64_t take_all(const uint8_t *data, size_t len, size_t cut, bool *is_refused)
{
	static struct frame_reader reader;
	struct guest_place place = { .is_inside = false };
	struct guest_piece piece;
	uint64_t sum = 0;
	int status = 0;

	reader.n = reader.taken = 0;
	for (size_t at = 0, n; at < len && status >= 0; at += n) {
		size_t room;
		char *const to = frame_space(&reader, &room);

		n = len - at < cut ? len - at : cut;
		n = n < room ? n : room;
		require_that(n > 0);
		memcpy(to, data + at, n);
		frame_filled(&reader, n);
		while ((status = guest_piece_take(&reader, &place, &piece)) > 0) {
			require_that(piece.bytes >= reader.bytes && piece.bytes + piece.len <= reader.bytes + reader.n);
			require_that(piece.kind == GUEST_STDOUT || piece.kind == GUEST_STDERR || piece.kind == GUEST_RESULT ||
				     piece.kind == GUEST_ERROR);
			for (size_t i = 0; i < piece.len; i++)
				sum = sum * 31 + (unsigned char)piece.bytes[i];
		}
	}
	*is_refused = status < 0;
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	bool whole, cut;
	const uint64_t sum = take_all(data, len, 65536, &whole);

	require_that(take_all(data, len, 7, &cut) == sum && whole == cut);
	return 0;
}
