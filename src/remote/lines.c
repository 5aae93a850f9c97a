/* Nothing but line feeds means anything here. */
#include "remote/lines.h"

#include <string.h>

void lines_done(struct lines *lines)
{
	str_done(&lines->held);
}

static void hold(struct lines *lines, const char *bytes, size_t len)
{
	if (lines->is_over || len > lines->max - lines->held.len) {
		lines->is_over = true;
		str_done(&lines->held);
		return;
	}
	lines->held.max = lines->max;
	str_add_bytes(&lines->held, bytes, len);
}

static void end_line(struct lines *lines, lines_take *take, void *at)
{
	const bool is_over = lines->is_over;

	lines->is_over = false;
	take(at, is_over ? NULL : str_text(&lines->held), is_over ? 0 : lines->held.len);
	str_done(&lines->held);
}

void lines_add(struct lines *lines, const char *bytes, size_t len, lines_take *take, void *at)
{
	while (len) {
		const char *const end = memchr(bytes, '\n', len);
		const size_t n = end ? (size_t)(end - bytes) : len;

		hold(lines, bytes, n);
		if (!end)
			return;
		end_line(lines, take, at);
		bytes += n + 1;
		len -= n + 1;
	}
}

void lines_end(struct lines *lines, lines_take *take, void *at)
{
	if (lines->held.len || lines->is_over)
		end_line(lines, take, at);
}
