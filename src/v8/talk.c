/* Frames in a guest's process, and the two calls of the C library that V8 gets from here. Refuses nothing: it ends. */
#include "v8/talk.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/control.h"

#define FDS 3

/* V8's calls below have no other way to it, and there is one in a process. */
static struct {
	struct guest_reader reader;
	struct guest_writer writer;
	struct guest_frame frame;
	int fds[FDS];
	size_t n_fds;
	int fd;
} talk = { .fd = -1 };

/* libnode calls these two by name, and so gets ours. V8 marks its memory as not to be inherited: a guest would begin
 * by touching what is not there. */
__attribute__((visibility("default"))) int madvise(void *at, size_t len, int advice)
{
	return advice == MADV_DONTFORK ? 0 : (int)syscall(SYS_madvise, at, len, advice);
}

/* V8 scatters its memory over the address space, and each piece then has page tables of its own, which every fork copies:
 * where the kernel chooses they lie together. Its first address is still the kernel's secret. */
__attribute__((visibility("default"))) void *map_together(void *at, size_t len, int protection, int flags, int fd, off_t from)
	__asm__("mmap");
void *map_together(void *at, size_t len, int protection, int flags, int fd, off_t from)
{
	return mmap64(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) || fd >= 0 ? at : NULL, len, protection, flags, fd, from);
}

/* V8 takes it for a bug of its own when the kernel's limit keeps a page from becoming writable. */
__attribute__((visibility("default"))) int mprotect(void *at, size_t len, int protection)
{
	const long rc = syscall(SYS_mprotect, at, len, protection);

	if (rc < 0 && errno == ENOMEM && talk.fd >= 0)
		_exit(ISOLATE_CODE_MEMORY);
	return (int)rc;
}

void talk_begin(int fd)
{
	talk.fd = fd;
	talk.reader.at = talk.reader.len = 0;
}

int talk_fd(void)
{
	return talk.fd;
}

/* poll(2) that was stopped goes on by a call of another name, which no list has: a guest that waits in it would die of the
 * pause of a container around the service. */
static int wait_in(const struct timespec *time)
{
	return ppoll(&(struct pollfd){ .fd = talk.fd, .events = POLLIN }, 1, time, NULL);
}

bool talk_is_quiet(int ms)
{
	return wait_in(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }) == 0;
}

void talk_touch(void)
{
	const size_t room = 4096;
	struct err e;

	if (!talk.reader.bytes)
		talk.reader.bytes = mem_grow(NULL, &talk.reader.cap, room, 1);
	memset(talk.reader.bytes, 0, room);
	(void)!guest_put(&talk.writer, GUEST_STDOUT, talk.reader.bytes, room, &e);
	talk.writer.len = 0;
}

void talk_wait(void)
{
	while (wait_in(NULL) < 0)
		if (errno != EINTR)
			talk_give_up();
}

static int read_some(bool with_fds, struct err *e)
{
	return with_fds ? guest_read_fds(&talk.reader, talk.fd, talk.fds, FDS, &talk.n_fds, e) :
			  guest_read(&talk.reader, talk.fd, e);
}

/* The owner's going away is the end of a guest that still needs it. */
const struct guest_frame *talk_next(bool with_fds)
{
	struct err e;
	int rc;

	while ((rc = guest_next(&talk.reader, false, &talk.frame, &e)) == 0)
		if (read_some(with_fds, &e) <= 0)
			talk_give_up();
	if (rc < 0)
		talk_give_up();
	return &talk.frame;
}

void talk_take_fds(int *fds, size_t n)
{
	if (talk.n_fds != n)
		talk_give_up();
	for (size_t i = 0; i < n; i++)
		fds[i] = talk.fds[i];
	talk.n_fds = 0;
}

void talk_named(const struct guest_frame *frame, const char **name, const char **bytes, size_t *len)
{
	if (!guest_named(frame, name, bytes, len))
		talk_give_up();
}

static void flush(void)
{
	struct err e;

	if (guest_flush(&talk.writer, talk.fd, &e) <= 0)
		talk_give_up();
}

void talk_say(enum guest_kind kind, const void *bytes, size_t len)
{
	struct err e;

	if (guest_put(&talk.writer, kind, bytes, len, &e) < 0)
		talk_give_up();
	flush();
}

_Noreturn void talk_end(const struct guest_why *why)
{
	struct err e;

	if (!why)
		_exit(ISOLATE_CODE_OK);
	if (guest_put_why(&talk.writer, why, &e) < 0)
		talk_give_up();
	flush();
	_exit(ISOLATE_CODE_ERROR);
}

_Noreturn void talk_give_up(void)
{
	_exit(ISOLATE_CODE_CHANNEL);
}
