/* The size is what it is now: a file that grows is sent up to here. */
#include "api/send_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "api/range.h"
#include "api/url.h"
#include "base/fd.h"

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
	uint64_t first = 0, last = 0;
	const enum range_outcome range = range_read(request_header_in(request, "Range"), size, &first, &last);
	char text[80];

	if (range == RANGE_UNSATISFIABLE) {
		fd_close(fd);
		request_fail(request, "range_not_satisfiable", NULL, "there are %" PRIu64 " bytes", size);
		snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
		request_header(request, "Content-Range", text);
		return;
	}
	if (range == RANGE_PART)
		request_file(request, MHD_HTTP_PARTIAL_CONTENT, fd, first, last - first + 1);
	else
		request_file(request, MHD_HTTP_OK, fd, 0, size);
	snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, last, size);
	if (range == RANGE_PART)
		request_header(request, "Content-Range", text);
	request_header(request, "Accept-Ranges", "bytes");
	if (etag) {
		snprintf(text, sizeof(text), "\"%s\"", etag);
		request_header(request, "ETag", text);
	}
	offer(request, name);
}
