/* Any bytes may come over a box's pipes, in either direction: what is taken lies within what came, and whatever is
 * accepted could have been said. */
#include <stdint.h>
#include <string.h>

#include "serve/frame.h"
#include "serve/order.h"
#include "serve/series.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void take_all(const uint8_t *data, size_t len, bool is_in, size_t piece)
{
	static struct frame_reader reader;
	struct frame_order order = { .n_steps = is_in ? 0 : 3 };
	struct frame frame;
	int status = 0;

	reader.n = reader.taken = 0;
	for (size_t at = 0; at < len && status >= 0; at += piece) {
		size_t room, n = len - at < piece ? len - at : piece;
		char *const to = frame_space(&reader, &room);

		require_that(room > 0);
		n = n < room ? n : room;
		memcpy(to, data + at, n);
		frame_filled(&reader, n);
		while ((status = frame_take(&reader, &frame)) > 0) {
			require_that(frame.head.len <= FRAME_MAX && frame_head_is_sound(&frame.head));
			require_that(frame.bytes + frame.head.len <= reader.bytes + reader.n);
			if (!(is_in ? frame_in_follows(&order, &frame) : frame_out_follows(&order, &frame)))
				return;
			require_that(order.n_started <= order.n_steps || is_in);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	take_all(data + 1, len - 1, data[0] & 1, 1 + (size_t)(data[0] >> 1) * 16);
	(void)order_is_sound(data, len);
	(void)order_word_is_sound(data, len);
	(void)order_report_is_sound(data, len);
	(void)order_class_is_sound(data, len);
	(void)order_sample_is_sound(data, len);
	return 0;
}
