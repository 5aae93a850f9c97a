/* Opens two files. Refuses pipes and devices, which could hold the host up, and anything of unbounded size. */
#include "plugin/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

void load_done(struct load *load)
{
	manifest_done(&load->manifest);
	free(load->module);
	*load = (struct load){ .path = NULL };
}

static int read_file(const char *path, size_t max, char **out, size_t *len, struct err *e)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0) {
		const bool is_missing = errno == ENOENT;

		err_sys(e, "%.200s", path);
		e->kind = is_missing ? ERR_MISSING : ERR_SYSTEM;
		return -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "%.200s is no regular file", path);
	return fd_read_file(fd, path, max, out, len, e);
}

static const char *module_path(const char *manifest, const char *module, struct arena *arena)
{
	const char *const slash = strrchr(manifest, '/');

	if (*module == '/' || !slash)
		return arena_copy(arena, module, strlen(module));
	return arena_printf(arena, "%.*s/%s", (int)(slash - manifest), manifest, module);
}

int load_plugin(const char *manifest, struct load *out, struct err *e)
{
	OWN(load) load = { .path = NULL };
	OWN_MEM char *text = NULL;
	char *module = NULL;
	struct err ignored;
	size_t len;

	if (read_file(manifest, TREE_BYTES, &text, &len, e) < 0 ||
	    manifest_read(manifest, text, len, &load.manifest, e) < 0)
		return -1;
	load.path = module_path(manifest, load.manifest.module, &load.manifest.arena);
	if (read_file(load.path, LOAD_MODULE_BYTES, &module, &load.len, e) < 0)
		return err_add(e, "%.100s", manifest);
	load.module = (uint8_t *)module;
	if (sections_read(load.module, load.len, &load.manifest.arena, &load.says, &ignored) < 0)
		load.says = (struct wasm_module){ .imports = NULL };
	*out = TAKE(load, (struct load){ .path = NULL });
	return 0;
}
