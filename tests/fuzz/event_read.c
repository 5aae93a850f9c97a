/* Any line is an event within its bounds, or an error in one line; what it writes is text on a terminal. */
#include "remote/event.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_tame(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		const size_t step = str_utf8(text + i, len - i);

		if (!step || (step == 1 && ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) && text[i] != '\n' && text[i] != '\t'))
			abort();
		i += step;
	}
}

/* Cut anywhere, it is the same text. */
static void tame_twice(const char *bytes, size_t len)
{
	OWN(str) whole = STR_NONE, pieces = STR_NONE;
	struct tame one = { .n = 0 }, other = { .n = 0 };

	tame_add(&one, bytes, len, &whole);
	tame_end(&one, &whole);
	tame_add(&other, bytes, len / 2, &pieces);
	tame_add(&other, bytes + len / 2, len - len / 2, &pieces);
	tame_end(&other, &pieces);
	check_tame(str_text(&whole), whole.len);
	if (whole.len != pieces.len || memcmp(str_text(&whole), str_text(&pieces), whole.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	OWN(event) event = EVENT_NONE;
	struct err e = ERR_INIT;

	tame_twice((const char *)bytes, n);
	if (event_read((const char *)bytes, n, &event, &e) < 0) {
		if (!*e.text || strchr(e.text, '\n'))
			abort();
		return 0;
	}
	if (strlen(event.id) >= EVENT_ID_MAX)
		abort();
	if (event.kind == EVENT_STDOUT || event.kind == EVENT_STDERR)
		tame_twice(event.bytes, event.len);
	return 0;
}
