/* Reads and writes the benchmark's file. Never follows what is not there: a missing file is the caller's to
 * judge. */
#include "cmd/bench_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/policy_find.h"
#include "cmd/state_dir.h"

/* The name of the processor as the kernel prints it, "" when it prints none. */
static void read_processor(char *out, size_t cap)
{
	static const char key[] = "model name";
	FILE *const file = fopen("/proc/cpuinfo", "re");
	char line[256];

	*out = '\0';
	while (file && !*out && fgets(line, sizeof(line), file)) {
		const char *const colon = strchr(line, ':');

		if (strncmp(line, key, sizeof(key) - 1) == 0 && colon) {
			snprintf(out, cap, "%s", colon + 1 + strspn(colon + 1, " "));
			out[strcspn(out, "\n")] = '\0';
		}
	}
	if (file)
		fclose(file);
}

const char *bench_host(struct arena *arena)
{
	struct utsname kernel;
	char processor[128];
	char *text;

	read_processor(processor, sizeof(processor));
	if (uname(&kernel) < 0)
		strcpy(kernel.release, "?");
	text = arena_printf(arena, "Linux %s, %ld processors%s%s", kernel.release,
			    sysconf(_SC_NPROCESSORS_ONLN), *processor ? ", " : "", processor);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
	return text;
}

const char *bench_path(struct arena *arena)
{
	const char *const state = state_dir_of_user(arena);

	return state ? arena_printf(arena, "%s/bench.json", state) : NULL;
}

static int make_directories(const char *path, struct err *e)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "%.200s", part);
		*slash = '/';
	}
	return 0;
}

int bench_write(const char *path, const struct figures *figures, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	OWN(str) text = STR_NONE;
	const char *const usual = bench_path(&arena);
	const char *const fresh = arena_printf(&arena, "%s.%d", path, getpid());
	OWN_FD int fd = -1;

	figures_json(figures, &text);
	if (usual && strcmp(path, usual) == 0 && make_directories(path, e) < 0)
		return -1;
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_sys(e, "%.200s", fresh);
	if (fd_write_all(fd, str_text(&text), text.len, e) < 0 || rename(fresh, path) < 0) {
		if (e->kind == ERR_NONE)
			err_sys(e, "rename");
		unlink(fresh);
		return err_add(e, "%.200s", path);
	}
	return 0;
}

int bench_read(const char *path, struct figures *out, struct err *e)
{
	OWN_MEM char *text = NULL;
	size_t len;

	if (policy_find_bytes(path, (size_t)64 << 10, &text, &len, e) < 0)
		return -1;
	return figures_read(path, text, len, out, e);
}
