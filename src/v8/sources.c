/* Reads a module and what it imports, breadth first. A name is looked up among the grants and opened beneath them. */
#include "v8/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "isolate/imports.h"

#define SOURCE_MAX ((size_t)16 << 20)

struct sources {
	const struct guest_job *job;
	struct arena arena;
	const char *names[GUEST_MODULES_MAX];
	size_t n;
	const char *importer;           /* whose imports are being found */
	struct err *e;
	bool failed;
};

static void fail(struct sources *sources, enum err_kind kind, const char *name, const char *text)
{
	if (!sources->failed)
		err_set(sources->e, kind, "%.120s: %s", name, text);
	sources->failed = true;
}

static void want(void *at, const char *specifier, size_t len)
{
	struct sources *const sources = at;
	char name[IMPORTS_NAME_MAX];

	if (sources->failed || !imports_resolve(sources->importer, specifier, len, name))
		return; /* the engine says what it thinks of it */
	for (size_t i = 0; i < sources->n; i++)
		if (strcmp(sources->names[i], name) == 0)
			return;
	if (sources->n == GUEST_MODULES_MAX) {
		fail(sources, ERR_LIMIT, sources->importer, "it and what it imports are more than 1024 modules");
		return;
	}
	sources->names[sources->n++] = arena_copy(&sources->arena, name, strlen(name));
}

/* The grant a name is below. The last one: what is granted inside another comes behind it. */
static const struct wasm_preopen *grant_of(const struct guest_job *job, const char *name, const char **rest)
{
	for (size_t i = job->n_reads; i > 0; i--) {
		const struct wasm_preopen *const read = &job->reads[i - 1];
		const size_t len = strcmp(read->name, "/") == 0 ? 0 : strlen(read->name);

		if (strncmp(name, read->name, len) == 0 && (name[len] == '/' || !name[len])) {
			*rest = name + len + (name[len] == '/');
			return read;
		}
	}
	return NULL;
}

/* A specifier that nothing granted answers is not opened, and not refused: it may stand in a text. The engine knows. */
static int open_granted(const struct guest_job *job, const char *name)
{
	const char *rest;
	const struct wasm_preopen *const read = grant_of(job, name, &rest);
	struct err e;

	if (!read)
		return -1;
	if (!*rest)
		return open(read->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	OWN_FD int dir = open(read->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : fd_open_below(dir, rest, O_RDONLY | O_NONBLOCK, &e);
}

static bool ends(const char *name, const char *with)
{
	const size_t n = strlen(name), m = strlen(with);

	return n >= m && strcmp(name + n - m, with) == 0;
}

static void add(struct sources *sources, const char *name, int fd, bool is_main, struct guest_writer *out)
{
	OWN_MEM char *text = NULL;
	enum guest_kind kind = GUEST_MODULE;
	struct stat st;
	size_t len;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fail(sources, ERR_USAGE, name, "it is no file");
		return;
	}
	if (fd_read_file(fd, name, SOURCE_MAX, &text, &len, sources->e) < 0) {
		sources->failed = true;
		return;
	}
	sources->importer = name;
	if (ends(name, ".json"))
		kind = GUEST_JSON;
	else if (!imports_scan(text, len, want, sources) && is_main && !ends(name, ".mjs"))
		kind = GUEST_SCRIPT;
	if (!sources->failed && guest_put_named(out, kind, name, text, len, sources->e) < 0)
		sources->failed = true;
}

int sources_read(const struct guest_job *job, struct guest_writer *out, struct err *e)
{
	OWN_FD int main_fd = open(job->script, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct sources *const sources = mem_alloc(sizeof(*sources));
	int rc;

	*sources = (struct sources){ .job = job, .e = e };
	if (main_fd < 0) {
		err_set(e, errno == ENOENT ? ERR_MISSING : ERR_SYSTEM, "%s", strerror(errno));
		sources->failed = true;
	} else {
		add(sources, job->name, main_fd, true, out);
	}
	for (size_t i = 0; i < sources->n && !sources->failed; i++) {
		OWN_FD int fd = open_granted(job, sources->names[i]);

		if (fd >= 0)
			add(sources, sources->names[i], fd, false, out);
	}
	rc = sources->failed ? -1 : 0;
	arena_done(&sources->arena);
	free(sources);
	return rc;
}
