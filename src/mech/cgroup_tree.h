/* The parts of cgroup.c: where groups go, and what their files say. Private to cgroup*.c and tests. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mech/cgroup.h"

#define TREE_ROOT    "/sys/fs/cgroup"
#define TREE_TEXT    4096
#define TREE_ALL     (CGROUP_BIT(CGROUP_LIMITS) - 1)
#define TREE_FREEZER CGROUP_BIT(CGROUP_LIMITS) /* in dirs[].limits: v1's freezer is this one */
#define TREE_MEMORY  (CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_SWAP))
#define TREE_IO	     (CGROUP_BIT(CGROUP_IO_READ) | CGROUP_BIT(CGROUP_IO_WRITE))

/* A descriptor that its scope closes; base/fd would bring more into privileged programs than that.
 * Both accept -1 and keep errno. */
#define TREE_FD __attribute__((cleanup(tree_close_at)))
void tree_close_at(const int *fd);
void tree_close_fd(int fd);

/* One file, one text. Reading terminates it and cuts what is longer. -1 with errno. */
int tree_read(int dir_fd, const char *file, char *out, size_t cap);
int tree_write(int dir_fd, const char *file, const char *text);

/* Pure. A line of /proc/PID/cgroup: returns what follows; NULL at the end and when malformed. */
struct tree_line {
	const char *controllers, *path; /* "cpu,cpuacct" and "/user.slice", not terminated */
	int controllers_len, path_len;
};
const char *tree_next_line(const char *text, struct tree_line *out);

/* Pure. What follows `start` where a line begins with it, NULL if none does. */
const char *tree_after(const char *text, const char *start);
/* Pure. Whether a line is `start`, or begins with it and has `word` (unless that is "") further on;
 * both whole: a space or a newline follows, which the last line of a cut text does not have. */
bool tree_has(const char *text, const char *start, const char *word);
/* Pure. The number a text begins with; a space, a newline or nothing must follow. */
bool tree_number(const char *text, uint64_t *out);
/* Pure. The sum of the numbers right behind each `word`. */
uint64_t tree_sum(const char *text, const char *word);
/* Pure. The next disk of /proc/partitions as "MAJ:MIN"; returns what follows, NULL at the end. */
const char *tree_next_disk(const char *text, char *device, size_t cap);

/* One limit, read back; one directory's counters, added to *out. */
MUST_USE int tree_set(int dir_fd, bool v2, enum cgroup_limit limit, uint64_t value, struct err *e);
void tree_usage(int dir_fd, bool v2, uint32_t limits, struct cgroup_usage *out);

/* Finds where groups go: fills v2, and parent_fd and limits of each directory. Returns which of
 * `limits` can be had there; when some are missing, *e has cause and fix. The caller closes.
 *
 * enable  v2: switch missing controllers on; false: only see whether that is permitted */
uint32_t tree_home(struct cgroup *out, uint32_t limits, bool enable, struct err *e);
