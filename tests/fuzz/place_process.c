/* Fuzz: any bytes as the texts of /proc, one after the other, separated by NULs. Whatever they say, nothing is
 * both held and unknown, the lists stay bounded, and the drawing stays plain ASCII. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "judge/surface.h"
#include "judge/place_process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require_that(bool holds)
{
	if (!holds)
		abort();
}

static void draw(const struct place *place)
{
	OWN(subject) subject = SUBJECT_NONE;
	OWN(surface) surface = SURFACE_NONE;
	struct regions *const store = regions_new(1000);
	OWN(str) svg = STR_NONE;

	subject_add_missing(&subject, "not looked at");
	surface_make(&surface, place, &subject, store);
	surface_svg(&surface, &svg);
	for (const char *p = str_text(&svg); *p; p++)
		require_that((*p >= 0x20 && *p < 0x7f) || *p == '\n');
	regions_free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN_MEM char *text = mem_alloc(len + 1);
	const char *at = memcpy(text, data, len), *parts[8];
	struct process_fd fd = { .number = 9 };
	OWN(place) place = PLACE_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		parts[i] = at;
		at += at < text + len ? strlen(at) + 1 : 0;
		at = at < text + len ? at : text + len;
	}
	fd.target = fd.info = parts[7];
	const struct process_facts facts = {
		.pid = 1, .mounts = parts[0], .own_mounts = parts[1], .status = parts[2], .limits = parts[3],
		.stat = parts[4], .tcp = parts[5], .unix_sockets = parts[6], .fds = &fd, .n_fds = 1,
	};
	place_from_process(&place, &facts);
	require_that(!(place.holds & place.unknown));
	require_that(place.n_mounts <= PLACE_LISTED);
	draw(&place);
	return 0;
}
