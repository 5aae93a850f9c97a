/* The size is what it is now: a file that grows is sent up to here. */
#include "api/send_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "api/range.h"
#include "api/url.h"
#include "base/fd.h"

struct part {
	uint64_t first, len;
	bool is_all;
};

/* The part that was asked for; false when there is none such, and the request is answered. */
static bool read_part(struct request *request, uint64_t size, const char *etag, struct part *out)
{
	uint64_t first = 0, last = 0;
	/* With If-Range a part is of this very thing, or it is all of it that is wanted. */
	const char *const known = request_header_in(request, "If-Range");
	const bool is_known = !known || (*etag && !strcmp(known, etag));
	const enum range_outcome range = range_read(is_known ? request_header_in(request, "Range") : NULL, size, &first, &last);
	char text[40];

	*out = range == RANGE_PART ? (struct part){ first, last - first + 1, false } : (struct part){ 0, size, true };
	if (range != RANGE_UNSATISFIABLE)
		return true;
	request_fail(request, "range_not_satisfiable", NULL, "there are %" PRIu64 " bytes", size);
	snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
	request_header(request, "Content-Range", text);
	return false;
}

static unsigned status_of(const struct part *part)
{
	return part->is_all ? MHD_HTTP_OK : MHD_HTTP_PARTIAL_CONTENT;
}

static void say_part(struct request *request, const struct part *part, uint64_t size)
{
	char text[80];

	snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, part->first, part->first + part->len - 1, size);
	if (!part->is_all)
		request_header(request, "Content-Range", text);
	request_header(request, "Accept-Ranges", "bytes");
}

/* RFC 6266 and RFC 8187: the name is data and cannot end the header. */
static void offer(struct request *request, const char *name)
{
	OWN(str) header = STR_NONE;

	str_add(&header, "attachment");
	if (name) {
		str_add(&header, "; filename*=UTF-8''");
		url_encode(&header, name);
	}
	request_header(request, "Content-Disposition", str_text(&header));
}

void send_file(struct request *request, int fd, const char *name, const char *etag)
{
	struct stat st = { .st_size = 0 };
	const uint64_t size = fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	struct part part;
	char text[80] = "";

	if (etag)
		snprintf(text, sizeof(text), "\"%s\"", etag);
	if (!read_part(request, size, text, &part)) {
		fd_close(fd);
		return;
	}
	request_file(request, status_of(&part), fd, part.first, part.len);
	say_part(request, &part, size);
	if (etag)
		request_header(request, "ETag", text);
	offer(request, name);
}

void send_bytes(struct request *request, const char *bytes, size_t len)
{
	struct part part;

	if (!read_part(request, len, "", &part))
		return;
	request_text(request, status_of(&part), "application/octet-stream", bytes + part.first, (size_t)part.len);
	say_part(request, &part, len);
	offer(request, NULL);
}
