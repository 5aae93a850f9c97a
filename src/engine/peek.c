/* process_vm_readv(2) and /proc/TID. Refuses to wait, to write, and to follow what it reads. */
#include "engine/peek.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define PAGE 4096

ssize_t peek_bytes(int tid, uint64_t at, void *out, size_t n)
{
	/* Up to the end of the page, then the rest: where the second cannot be read, the first still is. */
	const size_t first = PAGE - at % PAGE < n ? PAGE - at % PAGE : n;
	const struct iovec here = { out, n };
	const struct iovec there[] = {
		{ (void *)(uintptr_t)at, first },
		{ (void *)(uintptr_t)(at + first), n - first },
	};

	return process_vm_readv(tid, &here, 1, there, n > first ? 2 : 1, 0);
}

bool peek_text(int tid, uint64_t at, char *out, size_t cap)
{
	size_t have = 0;

	/* Mostly a short one: a page is more than it needs, and the next may not be there. */
	while (have < cap) {
		const size_t want = cap - have < 256 ? cap - have : have ? cap - have : 256;
		const ssize_t got = peek_bytes(tid, at + have, out + have, want);

		if (got <= 0)
			return false;
		if (memchr(out + have, '\0', (size_t)got))
			return true;
		have += (size_t)got;
	}
	return false;
}

bool peek_link(int proc_fd, int tid, const char *name, char *out, size_t cap)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "%d/%s", tid, name);
	n = readlinkat(proc_fd, path, out, cap - 1);
	if (n <= 0 || (size_t)n >= cap - 1 || *out != '/')
		return false;
	out[n] = '\0';
	return true;
}

int peek_open(int proc_fd, int tid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/%s", tid, name);
	return openat(proc_fd, path, PEEK_OPEN);
}

/* "0 0x3 0x7f.. 0x40 0x0 0x0 0x0 0x7ffd.. 0x7f..": number, six arguments, stack pointer, program counter.
 * Source: proc_pid_syscall(5). */
bool peek_stack(int proc_fd, int tid, uint64_t *sp)
{
	OWN_FD int fd = peek_open(proc_fd, tid, "syscall");
	char text[256];
	const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *at = text;

	if (n <= 0)
		return false;
	text[n] = '\0';
	for (int word = 0; word < 7 && at; word++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	if (!at || strncmp(at, "0x", 2) != 0)
		return false;
	*sp = strtoull(at, NULL, 16);
	return true;
}

/* One line: "start-end perms offset major:minor inode   path". */
static void take_map(struct peek_maps *out, char *line)
{
	struct peek_map map = { 0 };
	char perms[5];
	int used = 0;
	const char *path;
	size_t len;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %*u %n", &map.start, &map.end, perms,
		   &map.offset, &used) != 4 || !used || perms[2] != 'x' || out->n == PEEK_MAPS)
		return;
	path = line + used;
	len = strlen(path);
	if (out->n_texts + len + 1 > sizeof(out->texts))
		return;
	map.path = (uint32_t)out->n_texts;
	memcpy(out->texts + out->n_texts, path, len + 1);
	out->n_texts += len + 1;
	out->maps[out->n++] = map;
}

bool peek_read_maps(int proc_fd, int tid, struct peek_maps *out)
{
	OWN_FD int fd = peek_open(proc_fd, tid, "maps");
	NO_INIT char buffer[16384];
	size_t have = 0;
	ssize_t n;

	out->tid = 0;
	out->n = out->n_texts = 0;
	while (fd >= 0 && (n = read(fd, buffer + have, sizeof(buffer) - 1 - have)) > 0) {
		char *line = buffer, *end;

		have += (size_t)n;
		buffer[have] = '\0';
		for (; (end = memchr(line, '\n', have - (size_t)(line - buffer))); line = end + 1) {
			*end = '\0';
			take_map(out, line);
		}
		have -= (size_t)(line - buffer);
		memmove(buffer, line, have);
		if (have == sizeof(buffer) - 1)
			have = 0;       /* no line of maps is that long: a path has 4096 bytes at most */
	}
	out->tid = out->n ? tid : 0;
	return out->n > 0;
}

const struct peek_map *peek_find(const struct peek_maps *maps, uint64_t at)
{
	for (size_t i = 0; i < maps->n; i++)
		if (at >= maps->maps[i].start && at < maps->maps[i].end)
			return &maps->maps[i];
	return NULL;
}
