/* Opens a job's output when there is some. Names are made of ids alone. */
#include "api/tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "serve/place.h"

struct tail tail_of(int state_fd, const struct store_id *job)
{
	return (struct tail){ .job = *job, .state_fd = state_fd, .fds = { -1, -1 } };
}

void tail_done(struct tail *tail)
{
	for (unsigned i = 0; i < TAILS; i++)
		fd_close_at(&tail->fds[i]);
}

int tail_open(const struct tail *tail, unsigned which)
{
	char name[PLACE_MAX];

	place_name(which == TAIL_OUT ? PLACE_STDOUT : PLACE_STDERR, &tail->job, name);
	return openat(tail->state_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

static int ready(struct tail *tail, unsigned which)
{
	if (tail->fds[which] < 0)
		tail->fds[which] = tail_open(tail, which);
	return tail->fds[which];
}

size_t tail_read(struct tail *tail, unsigned which, uint64_t offset, void *bytes, size_t max)
{
	const int fd = ready(tail, which);
	const ssize_t n = fd < 0 ? 0 : pread(fd, bytes, max, (off_t)offset);

	return n > 0 ? (size_t)n : 0;
}

uint64_t tail_size(struct tail *tail, unsigned which)
{
	const int fd = ready(tail, which);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}
