/* Looks into a task that waits for ward's answer: its memory, its mappings, its directories. What is read
 * is the program's and believed no further than its bounds; whether the task still was the one that asked
 * is the caller's to check afterwards. Every function writes only its out-parameters. */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The one way in which anything is opened here; ward's own filter permits no other. */
#define PEEK_OPEN (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* /proc/TID/NAME; -1 with errno. proc_fd is /proc. */
int peek_open(int proc_fd, int tid, const char *name);

/* Bytes of a task's memory. Returns how many could be read, at most n; -1 with errno when none could. */
ssize_t peek_bytes(int tid, uint64_t at, void *out, size_t n);

/* A terminated text of at most cap - 1 bytes; false when there is none, or a longer one. */
bool peek_text(int tid, uint64_t at, char *out, size_t cap);

/* The target of /proc/TID/NAME, terminated; false when it cannot be read or is not a path. */
bool peek_link(int proc_fd, int tid, const char *name, char *out, size_t cap);

/* The stack pointer of a task that waits in a call. */
bool peek_stack(int proc_fd, int tid, uint64_t *sp);

/* What is mapped and can be executed, in order of addresses. */
#define PEEK_MAPS 512
struct peek_map {
	uint64_t start, end, offset;
	uint32_t path;                  /* in texts; "" = anonymous */
};
struct peek_maps {
	int tid;                        /* 0: empty */
	size_t n;
	struct peek_map maps[PEEK_MAPS];
	size_t n_texts;
	char texts[65536];
};
/* false: it cannot be read; then *out is empty. What there is no room for is left out. */
bool peek_read_maps(int proc_fd, int tid, struct peek_maps *out);
/* NULL: nothing executable is there. */
const struct peek_map *peek_find(const struct peek_maps *maps, uint64_t at);
