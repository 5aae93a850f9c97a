/* Both ends of a guest's channel read what the other may have made up: frames lie inside what was sent, none is
 * longer than its kind may be, and reading ends. */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/channel.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_frame(const struct guest_frame *frame)
{
	struct guest_why why;
	const char *name, *bytes;
	struct err e = ERR_INIT;
	size_t n;

	if (guest_named(frame, &name, &bytes, &n))
		require_that(*name && strlen(name) < GUEST_NAME_MAX && bytes + n == frame->bytes + frame->len);
	if (frame->kind != GUEST_ERROR)
		return;
	if (guest_read_why(frame, &why, &e) < 0)
		require_error(&e);
	else
		require_that(memchr(why.file, '\0', sizeof(why.file)) && memchr(why.text, '\0', sizeof(why.text)));
}

static void read_side(int fd, size_t len, bool from_guest)
{
	struct guest_reader reader = { .at = 0 };
	struct guest_frame frame;
	struct err e = ERR_INIT;
	size_t seen = 0;
	int rc = 1;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return;
	while (rc > 0 && (rc = guest_read(&reader, fd, &e)) > 0)
		while ((rc = guest_next(&reader, from_guest, &frame, &e)) > 0) {
			seen += frame.len + 8;
			require_that(seen <= len);
			read_frame(&frame);
		}
	if (rc < 0)
		require_error(&e);
	guest_reader_done(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN_FD int fd = memfd_create("channel", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		return 0;
	read_side(fd, len, true);
	read_side(fd, len, false);
	return 0;
}
