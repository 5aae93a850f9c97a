/* Decoys, and the eye on them. */
#include "serve/honey.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static const struct {
	const char *path, *contents;
} files[HONEY_FILES] = {
#define HONEY(path, contents) { path, contents },
#include "serve/honey.def"
#undef HONEY
};

const char *honey_path(size_t i)
{
	return i < HONEY_FILES ? files[i].path : NULL;
}

static void name_of(size_t i, char out[32])
{
	snprintf(out, 32, ".ward-honey-%zu-%d", i, (int)getpid());
}

void honey_hide(struct honey *honey)
{
	char name[32];

	for (size_t i = 0; i < HONEY_FILES && honey->dir_fd >= 0; i++) {
		name_of(i, name);
		(void)!unlinkat(honey->dir_fd, name, 0);
	}
	honey->dir_fd = -1;
}

void honey_done(struct honey *honey)
{
	honey_hide(honey);
	for (size_t i = 0; i < HONEY_FILES; i++)
		fd_close(honey->fds[i]);
	fd_close(honey->eye_fd);
	*honey = HONEY_NONE;
}

/* Whoever opens it in the box is another user: everybody may read it. A name that is taken was left by a process of
 * this number that was killed; in a directory with the sticky bit nobody else can have put a link there and kept it. */
static int make_one(int dir_fd, size_t i, struct honey *honey, struct err *e)
{
	char name[32], link[64];
	OWN_FD int fd = -1;

	name_of(i, name);
	(void)!unlinkat(dir_fd, name, 0);
	fd = openat(dir_fd, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (fd < 0 || fchmod(fd, 0444) < 0 || fd_write_all(fd, files[i].contents, strlen(files[i].contents), e) < 0)
		return err_sys(e, "make a decoy");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	honey->fds[i] = open(link, O_PATH | O_CLOEXEC);
	if (honey->fds[i] < 0)
		return err_sys(e, "open it");
	fd_close_at(&fd); /* before anybody looks */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", honey->fds[i]);
	if (inotify_add_watch(honey->eye_fd, link, IN_OPEN | IN_ACCESS) != (int)i + 1)
		return err_sys(e, "watch it");
	return 0;
}

int honey_make(int dir_fd, struct honey *out, struct err *e)
{
	struct honey honey = HONEY_NONE;

	honey.dir_fd = dir_fd;
	honey.eye_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (honey.eye_fd < 0)
		return err_sys(e, "inotify");
	for (size_t i = 0; i < HONEY_FILES; i++)
		if (make_one(dir_fd, i, &honey, e) < 0) {
			honey_done(&honey);
			return -1;
		}
	*out = honey;
	return 0;
}

void honey_look(int eye_fd, uint64_t opened[HONEY_FILES])
{
	_Alignas(struct inotify_event) char bytes[4096];
	const ssize_t n = read(eye_fd, bytes, sizeof(bytes));

	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
		struct inotify_event event;

		memcpy(&event, bytes + at, sizeof(event));
		if (event.wd >= 1 && event.wd <= HONEY_FILES)
			opened[event.wd - 1]++;
		at += (ssize_t)(sizeof(event) + event.len);
	}
}
