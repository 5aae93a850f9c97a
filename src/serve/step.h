/* `ward-step`, the program in the box, for its own files: it takes one job, runs it and ends. It has no right but
 * the box's, and what it says is believed by nobody. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "serve/frame.h"

#define STEP_WORK "/work"
#define STEP_OUT (4 * (sizeof(struct frame_head) + FRAME_MAX))

/* One step as it was asked for. */
struct asked {
	unsigned flag;
	char **argv;            /* ends with NULL; words in one block, argv[0] */
	int in_fd;              /* its input, written; -1 = none */
};

/* A process of a step, and ends of its pipes; -1 = none. */
struct child {
	pid_t pid;              /* 0 = none */
	int in_fd, out_fd, err_fd;
};
#define CHILD_NONE ((struct child){ .in_fd = -1, .out_fd = -1, .err_fd = -1 })

/* Frames that wait to go out. */
struct outbox {
	size_t at, len;
	char bytes[STEP_OUT];
};
/* Whether a frame of that many bytes fits now; and adding one that does. */
static inline bool outbox_fits(const struct outbox *out, size_t len)
{
	return sizeof(out->bytes) - out->len >= sizeof(struct frame_head) + len;
}
void outbox_add(struct outbox *out, enum frame_kind kind, unsigned flag, const void *bytes, size_t len);
/* Writes what the pipe takes; with `all`, waits until everything is gone. Ends the process when nobody reads. */
void outbox_send(struct outbox *out, bool all);
/* Each write wakes the front, which then wants the processor that the job is on: one is better than three. */
static inline void outbox_make_room(struct outbox *out, size_t len)
{
	if (!outbox_fits(out, len))
		outbox_send(out, true);
}

/* step_child.c
 *
 * child_spawn   starts argv with pipes as its standard streams, in a session of its own. more[2] are given as
 *               descriptors 3 and 4, -1 = none. Returns 0 or the errno of exec
 * child_close   its pipes
 * child_end     kills everything in the box but this process and process 1. Whether there was nobody, which then stays so */
int child_spawn(char *const *argv, char *const *envp, const int more[2], struct child *out);
/* What both ways of starting one share: ends[i] becomes descriptor i, -1: none. With `terminal` the first three are that
 * path, opened by the child, whose session it becomes the terminal of. Returns an errno. */
int child_start(char *const *argv, char *const *envp, const int ends[5], const char *terminal, pid_t *pid);
void child_close(struct child *child);
bool child_end(void);

/* step_tty.c: a terminal of the box's own.
 *
 * tty_spawn   as child_spawn(): in_fd and out_fd are the master, err_fd is none
 * tty_resize  tells it its size */
int tty_spawn(char *const *argv, char *const *envp, const struct frame_resize *size, struct child *out);
void tty_resize(int master_fd, const struct frame_resize *size);

/* What is run by an engine is run by nothing else: an engine that cannot be parked is no box. */
#define STEP_ENGINE "wasm"

/* step_park.c: an interpreter that waits for the name of what it runs.
 *
 * park_start  returns false when there is none to start, or it died
 * park_hand   gives it argv (the script first) and environment; false when it is gone */
struct park {
	struct child child;
	int tell_fd;
};
#define PARK_NONE ((struct park){ .child = CHILD_NONE, .tell_fd = -1 })
bool park_start(const char *kind, const char *interpreter, char *const *envp, struct park *out);
bool park_hand(struct park *park, char *const *argv, char *const *envp);

/* step_files.c: everything below one directory, by descriptor, through no link.
 *
 * files_make_input  a file without a name, for a step's input; -1
 * files_create   a new file with its directories; -1
 * files_collect  sends what a pattern names; *left bounds the files of all patterns, *budget the entries looked at */
int files_make_input(void);
int files_create(int work_fd, const char *path, bool is_executable, struct err *e);
/* Sends a file of the directory itself, when it is one and no larger; else nothing. */
void files_send_product(int work_fd, struct outbox *out, const char *name, uint64_t most);
struct collect {
	int work_fd;
	struct outbox *out;
	uint32_t n_files, n_looked;     /* so far, over all patterns */
};
void files_collect(struct collect *collect, const struct frame_output *output, const char *pattern);
