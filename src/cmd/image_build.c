/* mmdebstrap unpacks the packages, without running any of their scripts; tar, sha256sum and the makers of file systems
 * do the rest. Refuses to leave half an image. */
#include "cmd/image_build.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sha256.h"
#include "cmd/environment.h"
#include "cmd/image_store.h"
#include "cmd/image_user.h"

struct job {
	struct arena *arena;
	const char *place;      /* what becomes the image */
	const char *const *env;
};

static const char *path_of(const struct job *job, const char *name)
{
	return arena_printf(job->arena, "%s/%s", job->place, name);
}

/* No variable of the caller's but the way to the mirror and the moment that stands for all times. */
static const char *const *tool_environment(struct arena *arena)
{
	static const char *const kept[] = { "http_proxy", "https_proxy", "no_proxy", "SOURCE_DATE_EPOCH", "TMPDIR" };
	const char **const env = arena_alloc(arena, (ARRAY_SIZE(kept) + 4) * sizeof(*env));
	bool has_epoch = false;
	size_t n = 0;

	env[n++] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	env[n++] = "LC_ALL=C.UTF-8";
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		const char *const value = environment_get((const char *const *)environ, kept[i]);

		if (!value)
			continue;
		env[n++] = arena_printf(arena, "%s=%s", kept[i], value);
		has_epoch |= strcmp(kept[i], "SOURCE_DATE_EPOCH") == 0;
	}
	if (!has_epoch)
		env[n++] = "SOURCE_DATE_EPOCH=0";
	return env;
}

static int check_tool(const char *tool, const char *package, struct err *e)
{
	static const char *const places[] = { "/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin" };
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s/%s", places[i], tool);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return err_set(e, ERR_UNSUPPORTED, "%s is not here; apt-get install %s", tool, package);
}

/* The last line of a tool's words. */
static void last_line(int fd, char *text, size_t cap)
{
	const off_t size = lseek(fd, 0, SEEK_END);
	const ssize_t n = pread(fd, text, cap - 1, size > (off_t)cap - 1 ? size - (off_t)cap + 1 : 0);
	char *line = text;

	text[n > 0 ? n : 0] = '\0';
	for (size_t len = strlen(text); len && text[len - 1] == '\n'; len--)
		text[len - 1] = '\0';
	if (strrchr(text, '\n'))
		line = strrchr(text, '\n') + 1;
	memmove(text, line, strlen(line) + 1);
}

static int spawn(const struct job *job, const char *const *argv, int in_fd, int out_fd, int err_fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int status;

	posix_spawn_file_actions_init(&actions);
	if (in_fd < 0)
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	else
		posix_spawn_file_actions_adddup2(&actions, in_fd, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
	posix_spawn_file_actions_adddup2(&actions, err_fd, 2);
	status = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)job->env);
	posix_spawn_file_actions_destroy(&actions);
	return status;
}

static bool ended_well(pid_t pid)
{
	int status;
	pid_t ended;

	do
		ended = waitpid(pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int blame(const char *tool, int err_fd, struct err *e)
{
	char said[200];

	last_line(err_fd, said, sizeof(said));
	for (char *at = said; *at; at++)
		*at = *at >= ' ' && *at <= '~' ? *at : '?';
	return err_set(e, ERR_SYSTEM, "%s failed: %s", tool, *said ? said : "it said nothing");
}

/* One tool to its end; its words come back only when it fails. */
static int run(const struct job *job, const char *const *argv, struct err *e)
{
	OWN_FD int said = memfd_create("ward-image", MFD_CLOEXEC);
	pid_t pid;

	if (said < 0)
		return err_sys(e, "memfd_create");
	errno = spawn(job, argv, -1, said, said, &pid);
	if (errno)
		return err_sys(e, "%s", argv[0]);
	return ended_well(pid) ? 0 : blame(argv[0], said, e);
}

/* `first | second`, and what the second said. */
static int run_pair(const struct job *job, const char *const *first, const char *const *second, char *text, size_t cap,
		    struct err *e)
{
	OWN_FD int said = memfd_create("ward-image", MFD_CLOEXEC), answer = memfd_create("ward-image", MFD_CLOEXEC);
	int ends[2];
	pid_t one, two;

	if (said < 0 || answer < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "%s", first[0]);
	errno = spawn(job, first, -1, ends[1], said, &one);
	close(ends[1]);
	if (errno) {
		close(ends[0]);
		return err_sys(e, "%s", first[0]);
	}
	errno = spawn(job, second, ends[0], answer, said, &two);
	const int sys = errno;

	close(ends[0]);
	const bool first_well = ended_well(one), second_well = sys == 0 && ended_well(two);

	if (!first_well || !second_well)
		return blame(first_well ? second[0] : first[0], said, e);
	const ssize_t n = pread(answer, text, cap - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return 0;
}

static int take_digest(const char *text, struct arena *arena, const char **out, struct err *e)
{
	const size_t len = strcspn(text, " ");
	struct digest digest;

	if (!digest_read(text, len, &digest))
		return err_set(e, ERR_SYSTEM, "sha256sum gave no digest");
	*out = arena_copy(arena, text, len);
	return 0;
}

int image_digest(const char *directory, enum image_format format, struct arena *arena, const char **out, struct err *e)
{
	static const char *const sum[] = { "sha256sum", NULL };
	const struct job job = { arena, directory, tool_environment(arena) };
	const char *const file = arena_printf(arena, "%s/" IMAGE_TREE "%s%s", directory, format == IMAGE_DIR ? "" : ".",
					      format == IMAGE_DIR ? "" : image_format_name(format));
	const char *const tar[] = { "tar", "--sort=name", "--format=gnu", "--numeric-owner", "--owner=0", "--group=0", "--mtime=@0",
				    "-C", file, "-cf", "-", ".", NULL };
	const char *const cat[] = { "cat", "--", file, NULL };
	char text[256];

	if (run_pair(&job, format == IMAGE_DIR ? tar : cat, sum, text, sizeof(text), e) < 0)
		return -1;
	return take_digest(text, arena, out, e);
}

/* ---- building ---- */

/* Where the host's own packages come from: mmdebstrap reads apt's files. */
static size_t add_sources(const struct job *job, const char **argv, size_t n, size_t cap)
{
	static const char *const places[] = { "/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list" };
	struct stat st;

	(void)job;
	for (size_t i = 0; i < ARRAY_SIZE(places) && n + 1 < cap; i++)
		if (stat(places[i], &st) == 0 && st.st_size > 0)
			argv[n++] = places[i];
	return n;
}

static const char *own_suite(struct arena *arena)
{
	static const char key[] = "\nVERSION_CODENAME=";
	OWN_FD int fd = open("/etc/os-release", O_RDONLY | O_CLOEXEC);
	char text[4096] = "\n";
	const ssize_t n = fd < 0 ? 0 : read(fd, text + 1, sizeof(text) - 2);
	const char *found;

	text[n > 0 ? n + 1 : 1] = '\0';
	found = strstr(text, key);
	return found ? arena_copy(arena, found + strlen(key), strcspn(found + strlen(key), "\n")) : "stable";
}

static int unpack(const struct job *job, const char *packages, const char *suite, struct err *e)
{
	const char *const archive = path_of(job, "root.tar"), *const tree = path_of(job, IMAGE_TREE);
	const char *argv[16] = { "mmdebstrap", "--variant=extract", "--format=tar", geteuid() == 0 ? "--mode=root" : "--mode=unshare",
				 arena_printf(job->arena, "--include=%s", packages), suite, archive };
	const char *const tar[] = { "tar", "-xpf", archive, "-C", tree, "--no-same-owner", "--exclude=./dev", "--delay-directory-restore",
				    NULL };
	/* No bit that gives rights, and nothing that its owner may not read: it has to be copied and summed. */
	const char *const tame[] = { "chmod", "-R", "u+rwX,ug-s,o-w", "--", tree, NULL };
	const char *const places[] = { "mkdir", "-p", "--", tree, NULL };

	argv[add_sources(job, argv, 7, ARRAY_SIZE(argv))] = NULL;
	if (run(job, argv, e) < 0 || run(job, places, e) < 0 || run(job, tar, e) < 0 || run(job, tame, e) < 0)
		return -1;
	return unlink(archive) < 0 ? err_sys(e, "%.300s", archive) : 0;
}

static int remove_tree(const struct job *job, const char *path, struct err *e)
{
	const char *const argv[] = { "rm", "-rf", "--one-file-system", "--", path, NULL };

	return run(job, argv, e);
}

/* The same bytes whenever it is made of the same files. */
static int pack(const struct job *job, enum image_format format, struct err *e)
{
	const char *const tree = path_of(job, IMAGE_TREE);
	const char *const file = arena_printf(job->arena, "%s.%s", tree, image_format_name(format));
	const char *const squashfs[] = { "mksquashfs", tree, file, "-noappend", "-all-root", "-no-xattrs", "-no-progress", "-quiet",
					 NULL };
	const char *const erofs[] = { "mkfs.erofs", "--all-root", "-T0", "-U", "00000000-0000-0000-0000-000000000000", "-x-1", file, tree,
				      NULL };

	if (format == IMAGE_DIR)
		return 0;
	if (run(job, format == IMAGE_SQUASHFS ? squashfs : erofs, e) < 0)
		return -1;
	return remove_tree(job, tree, e);
}

static int count_bytes(const struct job *job, uint64_t *out, struct err *e)
{
	static const char *const cut[] = { "cut", "-f1", NULL };
	const char *const du[] = { "du", "-s", "--apparent-size", "--block-size=1", "--", job->place, NULL };
	char text[64];

	if (run_pair(job, du, cut, text, sizeof(text), e) < 0)
		return -1;
	*out = strtoull(text, NULL, 10);
	return 0;
}

static int note(const struct job *job, const struct image *image, struct err *e)
{
	OWN(str) text = STR_NONE;
	OWN_FD int fd = open(path_of(job, IMAGE_NOTE), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	image_write(image, &text);
	if (fd < 0)
		return err_sys(e, "%.300s/" IMAGE_NOTE, job->place);
	return fd_write_all(fd, str_text(&text), text.len, e);
}

static int make(const struct job *job, const struct image_wish *wish, struct image *image, struct err *e)
{
	*image = (struct image){ .format = wish->format, .packages = wish->packages,
				 .suite = wish->suite ? wish->suite : own_suite(job->arena) };
	if (unpack(job, wish->packages, image->suite, e) < 0 || pack(job, wish->format, e) < 0 ||
	    image_digest(job->place, wish->format, job->arena, &image->digest, e) < 0 ||
	    count_bytes(job, &image->bytes, e) < 0 || note(job, image, e) < 0)
		return -1;
	return chmod(job->place, 0755) < 0 ? err_sys(e, "%.300s", job->place) : 0;
}

static int check_wish(const struct image_wish *wish, const char *final, struct err *e)
{
	if (check_tool("mmdebstrap", "mmdebstrap", e) < 0 || check_tool("tar", "tar", e) < 0)
		return -1;
	if (wish->format == IMAGE_SQUASHFS && check_tool("mksquashfs", "squashfs-tools", e) < 0)
		return -1;
	if (wish->format == IMAGE_EROFS && check_tool("mkfs.erofs", "erofs-utils", e) < 0)
		return -1;
	if (image_user_check(e) < 0)
		return -1;
	return access(final, F_OK) < 0 ? 0 : err_set(e, ERR_CONFLICT, "%.300s is there already; remove it, or use another name", final);
}

int image_build(const struct image_wish *wish, struct arena *arena, struct image *out, struct err *e)
{
	const char *const final = arena_printf(arena, "%s/%s", wish->store, wish->name);
	char *const place = arena_printf(arena, "%s/.%s-XXXXXX", wish->store, wish->name);
	const struct job job = { arena, place, tool_environment(arena) };
	const char *const store[] = { "mkdir", "-p", "--", wish->store, NULL };
	struct err ignored;

	if (check_wish(wish, final, e) < 0 || run(&job, store, e) < 0)
		return -1;
	if (!mkdtemp(place))
		return err_sys(e, "%.300s", wish->store);
	if (make(&job, wish, out, e) == 0) {
		if (rename(place, final) == 0)
			return 0;
		err_sys(e, "%.300s", final);
	}
	(void)!remove_tree(&job, place, &ignored);
	return -1;
}
