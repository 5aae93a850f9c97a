/* Paths of the guest: resolved by the kernel beneath a directory, in one call, and never joined, cut or
 * compared as text to decide where they lead. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wasi/memory.h"
#include "wasi/wasi.h"

/* openat2(2) with RESOLVE_BENEATH, NO_MAGICLINKS and NO_XDEV: a path that leaves the directory, by "..",
 * by a link or by a mount, is refused, whoever renames what meanwhile. EAGAIN (a rename storm) is tried
 * again a few times.
 *
 * Returns a descriptor, or -1 with a WASI error in *why: PERM for a path that leads out
 * Source: openat2(2) */
int beneath_open(int dir_fd, const char *path, uint64_t flags, uint32_t mode, uint32_t *why);

/* The directory that a path's last name is in, and that name, for calls that take no openat2 flags. */
struct beneath {
	int fd;                 /* borrowed when `opened` is -1 */
	int opened;
	bool directory;         /* the path ended in '/': it must mean a directory */
	char *leaf;             /* in the path given; never "", ".", "..", without '/' */
};
#define BENEATH_NONE ((struct beneath){ .fd = -1, .opened = -1 })
void beneath_done(struct beneath *at);

/* Cuts path and opens all but its last name.
 *
 * path  of MEMORY_PATH bytes; changed
 * Returns a WASI error: those of beneath_open(), INVAL for a path that ends in "." or ".." */
uint32_t beneath_parent(int dir_fd, char *path, struct beneath *out);

/* Is the leaf a directory, seen through no link? A WASI error: NOENT, NOTDIR, SUCCESS for a directory. */
uint32_t beneath_is_directory(const struct beneath *at);
