/* A guest's end of its channel, of which a process has one. Whatever it cannot understand ends the process: the owner is
 * ward's own, so a frame that is none is a bug or an attack, and nobody is there to be told. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "isolate/channel.h"

/* From here on fd is the channel, borrowed; what was read from one before is forgotten. */
void talk_begin(int fd);

/* The descriptor that was begun with. */
int talk_fd(void);

/* Is nothing there to be read when ms have passed? */
bool talk_is_quiet(int ms);

/* Makes room for first frames, so that it is there when they come. */
void talk_touch(void);

/* Waits until something is. */
void talk_wait(void);

/* The next frame, borrowed until the next call; with_fds: descriptors that come along are kept, for talk_take_fds(). */
const struct guest_frame *talk_next(bool with_fds);

/* The n descriptors that came with the frame. */
void talk_take_fds(int *fds, size_t n);

/* The parts of a frame that has a name. */
void talk_named(const struct guest_frame *frame, const char **name, const char **bytes, size_t *len);

void talk_say(enum guest_kind kind, const void *bytes, size_t len);

/* Ends the process: well, or with why. */
_Noreturn void talk_end(const struct guest_why *why);
_Noreturn void talk_give_up(void);
