/* Decoys of one box: files that lose their name outside when they are mounted, and that the box finds under names a thief looks for. The runner watches them from
 * outside by their inodes, so nothing inside can tell that it is seen, nor keep it from being told. */
#pragma once

#include <stdint.h>

#include "base/err.h"

#define HONEY_FILES 2           /* rows of honey.def */
/* Absolute, inside the box; NULL past the end. */
const char *honey_path(size_t i);

struct honey {
	int fds[HONEY_FILES];           /* O_PATH */
	int dir_fd;                     /* borrowed: where their names are, until honey_hide() */
	int eye_fd;                     /* inotify, nonblocking; its watches are numbered from 1 in the order of the files */
};
#define HONEY_NONE ((struct honey){ .fds = { -1, -1 }, .dir_fd = -1, .eye_fd = -1 })
void honey_done(struct honey *honey);
/* Takes their names away, which a mount needs when it is made and not afterwards. Safe to call twice. */
void honey_hide(struct honey *honey);

/* Makes them in the directory, under names that end with this process's number.
 *
 * Errors: ERR_SYSTEM
 * Syscalls: openat, inotify_init1 inotify_add_watch */
MUST_USE int honey_make(int dir_fd, struct honey *out, struct err *e);

/* Counts what was opened or read since the last time. */
void honey_look(int eye_fd, uint64_t opened[HONEY_FILES]);
