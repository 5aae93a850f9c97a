/* What a system call touches, from its arguments and the caller's memory: files and network addresses.
 * What cannot be read is left out and said. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/record.h"

#define TOUCH_PATH 4096
#define TOUCH_PATHS 2

struct touch_caller {
	int proc_fd, tid;
	uint64_t args[6];
	uint32_t nr;
	uint8_t phase;
};

/* Filled by touch_look(); texts are clean (no control bytes) and terminated. */
struct touch {
	size_t n_files;
	struct record_file files[TOUCH_PATHS];  /* their paths point into `paths` */
	char paths[TOUCH_PATHS][TOUCH_PATH];
	bool has_host;
	struct record_host host;                /* its address points into `address` */
	char address[128];
	bool is_blind;                          /* something of it could not be read: errno in `sys` */
	int sys;
};

/* Whether touch_look() would have anything to do: most calls touch nothing by name. */
bool touch_has(uint32_t nr);
void touch_look(const struct touch_caller *caller, struct touch *out);

/* Makes an absolute path normal in place: no "//", "/./", "/../" and no '/' at its end; "/proc/123" becomes
 * "/proc/[pid]". Returns true when bytes had to be replaced by '?': controls, or what is not UTF-8. */
bool touch_normal(char *path);
