/* Opens a job's output when there is some. Names are made of ids alone. */
#include "api/tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/front.h"
#include "base/fd.h"
#include "serve/dispatch.h"
#include "serve/place.h"
#include "serve/spool.h"
#include "store/store_list.h"

struct tail tail_of(struct front *front, uint64_t tenant, const struct store_id *job)
{
	return (struct tail){ .front = front, .tenant = tenant, .job = *job, .fds = { -1, -1, -1 } };
}

void tail_done(struct tail *tail)
{
	for (unsigned i = 0; i < TAILS; i++)
		fd_close_at(&tail->fds[i]);
}

/* The job that runs now counts before what an attempt that was cut short may have left in a file; and a row with the
 * bytes says that there is no file. */
ssize_t tail_small(const struct tail *tail, unsigned which, uint64_t offset, void *bytes, size_t max)
{
	const ssize_t n = dispatch_output(tail->front->dispatch, &tail->job, which, offset, bytes, max);

	if (n != DISPATCH_NOT_HERE)
		return n;
	return store_output_read(tail->front->store, tail->tenant, &tail->job, which, offset, bytes, max);
}

int tail_open(const struct tail *tail, unsigned which)
{
	static const enum place places[TAILS] = { [TAIL_OUT] = PLACE_STDOUT, [TAIL_ERR] = PLACE_STDERR, [TAIL_MIX] = PLACE_MIX };
	char name[PLACE_MAX];

	place_name(places[which], &tail->job, name);
	return openat(tail->front->state_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

static int ready(struct tail *tail, unsigned which)
{
	if (tail->fds[which] < 0)
		tail->fds[which] = tail_open(tail, which);
	return tail->fds[which];
}

size_t tail_read(struct tail *tail, unsigned which, uint64_t offset, void *bytes, size_t max)
{
	ssize_t n = tail_small(tail, which, offset, bytes, max);
	const int fd = n < 0 ? ready(tail, which) : -1;

	if (n < 0)
		n = fd < 0 ? 0 : pread(fd, bytes, max, (off_t)offset);
	return n > 0 ? (size_t)n : 0;
}

uint64_t tail_size(struct tail *tail, unsigned which)
{
	char bytes[SPOOL_SMALL];
	const ssize_t small = tail_small(tail, which, 0, bytes, sizeof(bytes));
	const int fd = small < 0 ? ready(tail, which) : -1;
	struct stat st;

	if (small >= 0)
		return (uint64_t)small;
	return fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}
