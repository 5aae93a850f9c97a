/* Reads and writes what is behind a program: a fixed number of bytes. */
#include "cmd/precompiled.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* Text, so that `tail -c 64` says what a file is. */
struct trailer {
	char magic[8];
	char made_by[56];       /* ends with NUL; what its code depends on besides the module */
};
static const struct trailer ours = { "WARDWAS1", "ward " WARD_VERSION ", wasm2c 1.0.32" };

static int write_all(int fd, const void *program, size_t len, struct err *e)
{
	if (fd_write_all(fd, program, len, e) < 0 || fd_write_all(fd, &ours, sizeof(ours), e) < 0)
		return -1;
	return fsync(fd) < 0 ? err_sys(e, "fsync") : 0;
}

int precompiled_write(const char *path, const void *program, size_t len, struct err *e)
{
	OWN(str) beside = STR_NONE;

	str_addf(&beside, "%s.%ld", path, (long)getpid());
	const char *const name = str_text(&beside);
	OWN_FD int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755);

	if (fd < 0)
		return err_sys(e, "%.200s", name);
	if (write_all(fd, program, len, e) < 0 || (rename(name, path) < 0 && err_sys(e, "rename") < 0)) {
		(void)unlink(name);
		return err_add(e, "%.200s", path);
	}
	return 0;
}

int precompiled_look(const char *path, bool *is_one, struct err *e)
{
	OWN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct trailer trailer = { .magic = "" };
	char begin[4] = "";
	struct stat st;

	*is_one = false;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || pread(fd, begin, sizeof(begin), 0) != sizeof(begin) ||
	    memcmp(begin, "\177ELF", sizeof(begin)) != 0)
		return 0;
	(void)!pread(fd, &trailer, sizeof(trailer), st.st_size > (off_t)sizeof(trailer) ? st.st_size - (off_t)sizeof(trailer) : 0);
	if (memcmp(trailer.magic, ours.magic, sizeof(ours.magic)) != 0)
		return err_set(e, ERR_USAGE, "it is a program and no WebAssembly module; use -b container for it");
	if (memcmp(trailer.made_by, ours.made_by, sizeof(ours.made_by)) != 0)
		return err_set(e, ERR_USAGE, "%.*s compiled it, and this is %s; compile the module again with `ward precompile`",
			       (int)strnlen(trailer.made_by, sizeof(trailer.made_by)), trailer.made_by, ours.made_by);
	*is_one = true;
	return 0;
}
