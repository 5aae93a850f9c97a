/* `read: host`: the host's toolchain without its secrets. Pure. */
#pragma once

#include <stddef.h>

/* Directories of programs and libraries; where the host has a link (merged /usr), a link is made. */
extern const char *const hostview_trees[];

/* The pieces of /etc programs need to run and that tell nothing about the host's people: each is shown
 * where it exists. */
extern const char *const hostview_etc[];

/* Files of /etc that are made up for the box. */
struct hostview_file {
	const char *path, *contents;
};
extern const struct hostview_file hostview_files[];
