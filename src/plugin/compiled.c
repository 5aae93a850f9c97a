/* A program is followed by a digest of it and of its name: so a file that was cut, damaged or renamed is found out. Who
 * could forge the digest too has to own the directory, and is the caller, or root. */
#include "plugin/compiled.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define LEVELS_MOST 64

/* Behind the program. */
struct trailer {
	char magic[8];
	struct digest digest;
};
static const char magic[8] = "WARDAOT1";

/* What a program depends on besides the module: text that changes with the frames between host and worker, too. */
static const char made_by[] = "ward " WARD_VERSION ", frames 1, wasm2c 1.0.32, gcc -O2";

void compiled_name(const struct digest *module, char out[SHA256_TEXT])
{
	struct sha256 hash;

	sha256_init(&hash);
	sha256_add_field(&hash, made_by, sizeof(made_by) - 1);
	sha256_add_field(&hash, module->bytes, sizeof(module->bytes));
	const struct digest digest = sha256_end(&hash);
	digest_write(&digest, out);
}

static struct digest digest_of(const char *name, const void *bytes, size_t len)
{
	struct sha256 hash;

	sha256_init(&hash);
	sha256_add_field(&hash, name, strlen(name));
	sha256_add_field(&hash, bytes, len);
	return sha256_end(&hash);
}

static bool is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* From the directory up to the root: whoever can write to one of them could put another one here. A sticky one keeps
 * what is in it. */
static int check_way(int folder, const char *path, struct err *e)
{
	OWN_FD int at = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	struct stat st, above;

	for (size_t i = 0; i < LEVELS_MOST; i++) {
		if (at < 0 || fstat(at, &st) < 0)
			return err_sys(e, "%.200s", path);
		if (!is_ours(&st) || (st.st_mode & 022 && (!i || !(st.st_mode & S_ISVTX))))
			return err_set(e, ERR_DENIED, "%.200s, or a directory above it, can be written to by others; only its owner and "
				       "root may decide what runs", path);
		const int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (up < 0 || fstat(up, &above) < 0) {
			fd_close(up);
			return err_sys(e, "%.200s", path);
		}
		fd_close(at);
		at = up;
		if (above.st_ino == st.st_ino && above.st_dev == st.st_dev)
			return 0;
	}
	return err_set(e, ERR_DENIED, "%.200s is too deep", path);
}

/* -1 with e->kind ERR_MISSING when it is not there. real: its path without links, PATH_MAX bytes. */
static int open_folder(const char *path, char *real, struct err *e)
{
	OWN_FD int fd = realpath(path, real) ? open(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;

	if (fd < 0) {
		const bool is_missing = errno == ENOENT;

		err_sys(e, "%.200s", path);
		e->kind = is_missing ? ERR_MISSING : ERR_SYSTEM;
		return -1;
	}
	return check_way(fd, real, e) < 0 ? -1 : TAKE_FD(fd);
}

static int check_file(int fd, const char *name, struct err *e)
{
	OWN_MEM char *bytes = NULL;
	struct trailer trailer;
	struct stat st;
	size_t len;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "fstat");
	if (!S_ISREG(st.st_mode) || !is_ours(&st) || st.st_mode & 022 || st.st_nlink != 1)
		return err_set(e, ERR_DENIED, "it is not a file that its owner alone can write to");
	if (fd_read_file(fd, name, COMPILED_MOST + sizeof(trailer), &bytes, &len, e) < 0)
		return -1;
	if (len < sizeof(trailer))
		return err_set(e, ERR_DENIED, "it was cut");
	len -= sizeof(trailer);
	memcpy(&trailer, bytes + len, sizeof(trailer));
	const struct digest is = digest_of(name, bytes, len);

	if (memcmp(trailer.magic, magic, sizeof(magic)) != 0 || !digest_is(&trailer.digest, &is))
		return err_set(e, ERR_DENIED, "it is not what was put there");
	return 0;
}

int compiled_find(const char *folder, const struct digest *module, struct arena *arena, const char **out, struct err *e)
{
	char name[SHA256_TEXT], real[PATH_MAX];
	struct err why = ERR_INIT;
	OWN_FD int place = open_folder(folder, real, &why);

	compiled_name(module, name);
	if (place < 0 && why.kind != ERR_MISSING) {
		*e = why;
		return -1;
	}
	OWN_FD int fd = place < 0 ? -1 : openat(place, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (place >= 0 && fd < 0 && errno != ENOENT)
		return err_sys(e, "%.200s/%s", real, name);
	if (fd >= 0 && check_file(fd, name, e) < 0)
		return err_add(e, "the compiled plug-in %.200s/%s; remove it with `ward plugin remove`", real, name);
	*out = fd < 0 ? NULL : arena_printf(arena, "%s/%s", real, name);
	return 0;
}

/* Written beside it, and then given its name: a reader sees the old one, or all of the new one. Everybody may execute
 * it who gets there, since a box has a user of its own; the directory lets nobody in. */
static int write_beside(int place, const char *name, const void *bytes, size_t len, struct err *e)
{
	struct trailer trailer = { .digest = digest_of(name, bytes, len) };
	char beside[SHA256_TEXT + 32];
	OWN_FD int fd = -1;

	memcpy(trailer.magic, magic, sizeof(magic));
	snprintf(beside, sizeof(beside), "%s.%ld", name, (long)getpid());
	(void)unlinkat(place, beside, 0); /* of a process that had this number and was killed */
	fd = openat(place, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
	if (fd < 0)
		return err_sys(e, "open");
	if (fd_write_all(fd, bytes, len, e) < 0 || fd_write_all(fd, &trailer, sizeof(trailer), e) < 0 ||
	    (fchmod(fd, 0555) < 0 || fsync(fd) < 0 || renameat(place, beside, place, name) < 0 ? err_sys(e, "write") : 0) < 0) {
		(void)unlinkat(place, beside, 0);
		return -1;
	}
	return fsync(place) < 0 ? err_sys(e, "fsync") : 0;
}

int compiled_keep(const char *folder, const struct digest *module, const void *bytes, size_t len, struct err *e)
{
	char name[SHA256_TEXT], real[PATH_MAX];

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "%.200s", folder);
	OWN_FD int place = open_folder(folder, real, e);

	if (place < 0)
		return -1;
	compiled_name(module, name);
	return write_beside(place, name, bytes, len, e) < 0 ? err_add(e, "%.200s", real) : 0;
}

int compiled_remove(const char *folder, const struct digest *module, struct err *e)
{
	char name[SHA256_TEXT], real[PATH_MAX];
	struct err why = ERR_INIT;
	OWN_FD int place = open_folder(folder, real, &why);

	if (place < 0 && why.kind == ERR_MISSING)
		return 0;
	if (place < 0) {
		*e = why;
		return -1;
	}
	compiled_name(module, name);
	if (unlinkat(place, name, 0) == 0)
		return 1;
	return errno == ENOENT ? 0 : err_sys(e, "%.200s/%s", real, name);
}
