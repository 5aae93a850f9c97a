/* Writes files to standard output: a WASI program without a library, so that one sees all it has.
 *
 *   clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry,--export=_start -o cat.wasm cat.c
 *
 * There is no open(path) here. A path means something only with the number of a directory in front of it, and the
 * numbers are those that the module was given. */
#include <stdint.h>

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

typedef uint32_t wasi_errno;
struct span {
	void *at;
	uint32_t len;
};

WASI(args_sizes_get) wasi_errno args_sizes_get(uint32_t *n, uint32_t *size);
WASI(args_get) wasi_errno args_get(char **argv, char *bytes);
WASI(fd_prestat_get) wasi_errno fd_prestat_get(uint32_t fd, uint32_t stat[2]);
WASI(fd_prestat_dir_name) wasi_errno fd_prestat_dir_name(uint32_t fd, char *name, uint32_t len);
WASI(path_open) wasi_errno path_open(uint32_t fd, uint32_t lookup, const char *path, uint32_t len, uint32_t oflags,
				     uint64_t base, uint64_t inheriting, uint32_t flags, uint32_t *out);
WASI(fd_read) wasi_errno fd_read(uint32_t fd, const struct span *to, uint32_t n, uint32_t *done);
WASI(fd_write) wasi_errno fd_write(uint32_t fd, const struct span *from, uint32_t n, uint32_t *done);
WASI(proc_exit) _Noreturn void proc_exit(uint32_t code);

static uint32_t length(const char *text)
{
	uint32_t n = 0;

	while (text[n])
		n++;
	return n;
}

static void say(uint32_t fd, const char *text)
{
	const struct span span = { (void *)text, length(text) };
	uint32_t done;

	fd_write(fd, &span, 1, &done);
}

static void say_number(uint32_t fd, uint32_t n)
{
	char digits[] = { (char)('0' + n / 10 % 10), (char)('0' + n % 10), 0 };

	say(fd, digits + (n < 10));
}

/* The directory whose name the path begins with, and the rest of the path; 0: none was given. */
static uint32_t find_directory(const char *path, const char **rest)
{
	char name[256];
	uint32_t stat[2], i;

	for (uint32_t fd = 3; fd_prestat_get(fd, stat) == 0; fd++) {
		if (stat[1] >= sizeof(name) || fd_prestat_dir_name(fd, name, stat[1]) != 0)
			continue;
		for (i = 0; i < stat[1] && path[i] == name[i]; i++)
			;
		if (i == stat[1] && path[i] == '/') {
			*rest = path + i + 1;
			return fd;
		}
	}
	return 0;
}

static wasi_errno show(uint32_t directory, const char *path)
{
	static char bytes[4096];
	uint32_t file, n;
	wasi_errno why = path_open(directory, 1, path, length(path), 0, 2 /* to read */, 0, 0, &file);

	while (why == 0) {
		struct span span = { bytes, sizeof(bytes) };

		why = fd_read(file, &span, 1, &n);
		if (why != 0 || n == 0)
			break;
		span.len = n;
		why = fd_write(1, &span, 1, &n);
	}
	return why;
}

static int cat(const char *path)
{
	const char *rest;
	const uint32_t directory = find_directory(path, &rest);
	wasi_errno why;

	if (!directory) {
		say(2, path);
		say(2, ": no directory of that name was given to me\n");
		return 1;
	}
	why = show(directory, rest);
	if (why) {
		say(2, path);
		say(2, ": errno ");
		say_number(2, why);
		say(2, "\n");
	}
	return why != 0;
}

void _start(void)
{
	static char *argv[64];
	static char bytes[8192];
	uint32_t n, size, failed = 0;

	if (args_sizes_get(&n, &size) != 0 || n > 64 || size > sizeof(bytes) || args_get(argv, bytes) != 0)
		proc_exit(2);
	for (uint32_t i = 1; i < n; i++)
		failed |= (uint32_t)cat(argv[i]);
	proc_exit(failed);
}
