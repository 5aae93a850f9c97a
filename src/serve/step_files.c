/* Files of a job, in and out. Refuses links, "..", and whatever is not a regular file: nothing here resolves a path
 * of more than one name. The kernel's own openat2() for that is not among the calls a box has. */
#include "serve/step.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define DEPTH_MAX 16
#define FILES_MAX 256
#define LOOKED_MAX 65536
#define NAME_BYTES 254          /* of an output, from the job's directory on; FRAME_ARTIFACT takes 255 */

/* The next part of a path, "" at its end. False: it is no name. */
static bool next_part(const char **path, char part[256])
{
	const size_t len = strcspn(*path, "/");

	if (len > 255)
		return false;
	memcpy(part, *path, len);
	part[len] = '\0';
	*path += len;
	*path += **path == '/';
	return len && strcmp(part, ".") != 0 && strcmp(part, "..") != 0;
}

/* O_DIRECTORY would say the same in one call, but with it gVisor's kernel of Debian 12 follows the link. */
static int enter(int dir_fd, const char *part)
{
	OWN_FD int fd = openat(dir_fd, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return TAKE_FD(fd);
}

int files_create(int work_fd, const char *path, bool is_executable, struct err *e)
{
	const char *const whole = path;
	OWN_FD int dir_fd = fcntl(work_fd, F_DUPFD_CLOEXEC, 3);
	char part[256];
	int fd;

	for (;;) {
		OWN_FD int next_fd = -1;

		if (!next_part(&path, part))
			return err_set(e, ERR_USAGE, "file '%.80s': no path below the job's directory", whole);
		if (!*path)
			break;
		if (mkdirat(dir_fd, part, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "file '%.80s'", whole);
		next_fd = enter(dir_fd, part);
		if (next_fd < 0)
			return err_sys(e, "file '%.80s'", whole);
		fd_close_at(&dir_fd);
		dir_fd = TAKE_FD(next_fd);
	}
	fd = openat(dir_fd, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, is_executable ? 0755 : 0644);
	return fd < 0 ? err_sys(e, "file '%.80s'", whole) : fd;
}

static void leave_out(struct collect *collect, enum frame_left why, const char *name)
{
	const size_t len = strlen(name);

	outbox_send(collect->out, false);
	if (!outbox_fits(collect->out, len))
		outbox_send(collect->out, true);
	outbox_add(collect->out, FRAME_LEFT_OUT, why, name, len < 255 ? len : 255);
}

/* The bytes of a file, as many as it had when it was looked at: nothing runs any more that could change it. */
static void send_bytes(struct outbox *out, int fd, uint64_t left)
{
	static char bytes[FRAME_MAX];

	while (left) {
		const ssize_t got = read(fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes));

		if (got <= 0)
			return;
		outbox_send(out, true);
		outbox_add(out, FRAME_DATA, 0, bytes, (size_t)got);
		left -= (uint64_t)got;
	}
}

void files_send_product(int work_fd, struct outbox *out, const char *name, uint64_t most)
{
	OWN_FD int fd = openat(work_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > most)
		return;
	outbox_send(out, true);
	outbox_add(out, FRAME_PRODUCT, st.st_mode & 0100 ? FRAME_EXECUTABLE : 0, NULL, 0);
	send_bytes(out, fd, (uint64_t)st.st_size);
}

/* What one pattern has taken so far. */
struct taking {
	struct collect *collect;
	const struct frame_output *output;
	uint64_t bytes;
	uint32_t files;
};

static void take(struct taking *taking, int dir_fd, const char *part, const char *name)
{
	struct collect *const collect = taking->collect;
	OWN_FD int fd = openat(dir_fd, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		leave_out(collect, errno == ELOOP ? FRAME_LEFT_KIND : FRAME_LEFT_UNREADABLE, name);
	} else if (!S_ISREG(st.st_mode)) {
		leave_out(collect, FRAME_LEFT_KIND, name);
	} else if (taking->files >= taking->output->max_files || collect->n_files >= FILES_MAX) {
		leave_out(collect, FRAME_LEFT_COUNT, name);
	} else if ((uint64_t)st.st_size > taking->output->max_bytes - taking->bytes) {
		leave_out(collect, FRAME_LEFT_SIZE, name);
	} else {
		outbox_send(collect->out, true);
		outbox_add(collect->out, FRAME_ARTIFACT, 0, name, strlen(name));
		send_bytes(collect->out, fd, (uint64_t)st.st_size);
		taking->bytes += (uint64_t)st.st_size;
		taking->files++;
		collect->n_files++;
	}
}

/* A directory on the way: how far it was read, and where its name ends in `name`. */
struct level {
	DIR *dir;
	size_t name_len;
};
struct walk {
	struct level levels[DEPTH_MAX];
	char parts[DEPTH_MAX][256];
	size_t n_parts, depth;
	char name[2 * (NAME_BYTES + 2)]; /* of what is looked at, relative: a directory's, and one more part */
};

static bool split(struct walk *walk, const char *pattern)
{
	while (*pattern && walk->n_parts < DEPTH_MAX)
		if (!next_part(&pattern, walk->parts[walk->n_parts++]))
			return false;
	return !*pattern && walk->n_parts;
}

static bool push(struct walk *walk, int fd, size_t name_len)
{
	DIR *const dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		fd_close(fd);
		return false;
	}
	walk->levels[walk->depth++] = (struct level){ dir, name_len };
	return true;
}

static void look_at(struct taking *taking, struct walk *walk, const char *part)
{
	const struct level *const level = &walk->levels[walk->depth - 1];
	const size_t len = level->name_len + strlen(part);

	if (fnmatch(walk->parts[walk->depth - 1], part, FNM_PERIOD) != 0)
		return;
	strcpy(walk->name + level->name_len, part);
	if (len > NAME_BYTES) {
		leave_out(taking->collect, FRAME_LEFT_NAME, walk->name);
	} else if (walk->depth == walk->n_parts) {
		take(taking, dirfd(level->dir), part, walk->name);
	} else if (push(walk, enter(dirfd(level->dir), part), len + 1)) {
		strcpy(walk->name + len, "/");
	}
}

static void descend(struct taking *taking, struct walk *walk)
{
	while (walk->depth) {
		const struct dirent *const entry = readdir(walk->levels[walk->depth - 1].dir);

		if (!entry) {
			closedir(walk->levels[--walk->depth].dir);
		} else if (++taking->collect->n_looked > LOOKED_MAX) {
			while (walk->depth)
				closedir(walk->levels[--walk->depth].dir);
			leave_out(taking->collect, FRAME_LEFT_COUNT, "(too many files to look at)");
		} else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			look_at(taking, walk, entry->d_name);
		}
	}
}

void files_collect(struct collect *collect, const struct frame_output *output, const char *pattern)
{
	struct taking taking = { .collect = collect, .output = output };
	struct walk walk = { .n_parts = 0 };

	if (!split(&walk, pattern))
		leave_out(collect, FRAME_LEFT_UNREADABLE, pattern);
	else if (push(&walk, openat(collect->work_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0))
		descend(&taking, &walk);
}

/* A file of /tmp without a name. gVisor's kernel has no O_TMPFILE. */
static int make_unnamed(void)
{
	char name[] = "/tmp/input-XXXXXX";
	const int fd = mkostemp(name, O_CLOEXEC);

	if (fd >= 0)
		unlink(name);
	return fd;
}

/* Input that is known beforehand lies in memory: no pipe could be full of it. The filter wants such memory sealed
 * against execution, which gVisor's kernel does not know. */
int files_make_input(void)
{
	const int fd = memfd_create("stdin", MFD_CLOEXEC | 8 /* MFD_NOEXEC_SEAL */);

	return fd >= 0 ? fd : make_unnamed();
}
