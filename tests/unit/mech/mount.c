/* mech/mount: trees by descriptor, in a mount namespace of a child's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "child.h"
#include "mech/mount.h"

/* A tmpfs of our own, attached nowhere anybody else can see. */
static int new_root(void)
{
	struct err e = ERR_INIT;
	int root;

	child_enter_namespaces(CLONE_NEWNS);
	root = mount_new_tmpfs(1 << 20, 64, "755", MOUNT_NX, &e);
	if (root < 0) {
		errno = e.sys;
		child_cannot("no tmpfs in a user namespace");
	}
	EXPECT(fcntl(root, F_GETFD) == FD_CLOEXEC);
	EXPECT(mount_attach_root(root, &e) == 0);
	return root;
}

static int make_tmpfs(uint64_t bytes, uint64_t inodes, unsigned attr)
{
	struct err e = ERR_INIT;
	const int fd = mount_new_tmpfs(bytes, inodes, "700", attr, &e);

	EXPECT(fd >= 0);
	return fd;
}

/* ---- names beneath the root ---- */

static void make_names(void)
{
	const int root = new_root();
	struct err e = ERR_INIT;
	struct stat st;
	char text[16] = "";
	int fd;

	umask(0);
	EXPECT(mount_mkdir(root, "/a", 0751, &e) == 0 && mount_mkdir(root, "/a", 0700, &e) == 0);
	EXPECT(fstatat(root, "a", &st, 0) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0751);
	EXPECT(mount_mkdir(root, "/a/b", 0755, &e) == 0);
	EXPECT(mount_mkdir(root, "/no/b", 0755, &e) == -1 && e.sys == ENOENT);
	EXPECT(mount_mkfile(root, "/a/f", "hello", 0644, &e) == 0);
	EXPECT(mount_mkfile(root, "/a/f", "again", 0644, &e) == -1 && e.sys == EEXIST);
	fd = openat(root, "a/f", O_RDONLY | O_CLOEXEC);
	EXPECT(fd >= 0 && read(fd, text, sizeof(text)) == 5 && !strcmp(text, "hello"));
	EXPECT(mount_mklink(root, "/l", "a", &e) == 0);
	EXPECT(mount_mklink(root, "/l", "b", &e) == -1 && e.sys == EEXIST);
	EXPECT(readlinkat(root, "l", text, sizeof(text)) == 1 && text[0] == 'a');
}

static void directories_files_and_links_are_made_beneath_the_root(void **state)
{
	(void)state;
	child_succeeds(make_names);
}

static void go_astray(void)
{
	const int root = new_root();
	struct err e = ERR_INIT;

	EXPECT(mount_mkdir(root, "/a", 0755, &e) == 0 && mount_mklink(root, "/l", "a", &e) == 0);
	EXPECT(mount_mklink(root, "/out", "/", &e) == 0);
	EXPECT(mount_mkdir(root, "/l/x", 0755, &e) == -1 && e.sys == ELOOP);
	EXPECT(mount_mkdir(root, "/out/tmp/x", 0755, &e) == -1 && e.sys == ELOOP);
	EXPECT(mount_mkfile(root, "/l/x", "", 0644, &e) == -1 && e.sys == ELOOP);
	EXPECT(mount_mkfile(root, "/l", "", 0644, &e) == -1);
	EXPECT(mount_mklink(root, "/l/x", "y", &e) == -1 && e.sys == ELOOP);
	EXPECT(mount_mkfile(root, "/../x", "", 0644, &e) == -1 && e.sys == EXDEV);
	EXPECT(mount_mkdir(root, "/../x/y", 0755, &e) == -1 && e.sys == EXDEV);
	/* each closes what it was given */
	EXPECT(mount_place(make_tmpfs(4096, 4, 0), root, "/l", &e) == -1);
	EXPECT(mount_place(make_tmpfs(4096, 4, 0), root, "/l/x", &e) == -1 && e.sys == ELOOP);
	EXPECT(mount_place(make_tmpfs(4096, 4, 0), root, "/out/tmp", &e) == -1 && e.sys == ELOOP);
	EXPECT(mount_place(make_tmpfs(4096, 4, 0), root, "/..", &e) == -1 && e.sys == EXDEV);
	EXPECT(mount_place(make_tmpfs(4096, 4, 0), root, "/a/../..", &e) == -1 && e.sys == EXDEV);
	EXPECT(mount_place(make_tmpfs(4096, 4, 0), root, "/none", &e) == -1 && e.sys == ENOENT);
}

static void no_link_and_no_dots_lead_out_of_the_root(void **state)
{
	(void)state;
	child_succeeds(go_astray);
}

/* ---- mounts ---- */

static void place_tmpfs(void)
{
	const int root = new_root();
	struct err e = ERR_INIT;
	struct stat before, after;
	struct statvfs vfs;
	int fd, mount_fd = make_tmpfs(8192, 4, MOUNT_NX);

	EXPECT(mount_mkdir(root, "/a", 0755, &e) == 0 && fstatat(root, "a", &before, 0) == 0);
	EXPECT(mount_place(mount_fd, root, "/a", &e) == 0);
	EXPECT(fcntl(mount_fd, F_GETFD) == -1);
	EXPECT(fstatat(root, "a", &after, 0) == 0 && before.st_dev != after.st_dev);
	fd = openat(root, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EXPECT(fd >= 0 && fstatvfs(fd, &vfs) == 0);
	EXPECT((vfs.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC)) == (ST_NOSUID | ST_NODEV | ST_NOEXEC));
	EXPECT(vfs.f_blocks * vfs.f_frsize == 8192 && vfs.f_files == 4);
	for (int i = 0; i < 3; i++) {
		char name[] = { (char)('0' + i), '\0' };

		EXPECT(mkdirat(fd, name, 0700) == 0);
	}
	EXPECT(mkdirat(fd, "3", 0700) == -1 && errno == ENOSPC);
}

static void a_tmpfs_is_bounded_and_gives_no_rights(void **state)
{
	(void)state;
	child_succeeds(place_tmpfs);
}

static void restrict_a_copy(void)
{
	static const struct {
		unsigned attr;
		unsigned long set, clear;
	} rows[] = {
		{ 0, ST_NOSUID | ST_NODEV, ST_RDONLY | ST_NOEXEC },
		{ MOUNT_RO, ST_NOSUID | ST_NODEV | ST_RDONLY, ST_NOEXEC },
		{ MOUNT_NX, ST_NOSUID | ST_NODEV | ST_NOEXEC, ST_RDONLY },
		{ MOUNT_RO | MOUNT_NX, ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_RDONLY, 0 },
	};
	const int root = new_root();
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct statvfs vfs;
		int fd, mount_fd = make_tmpfs(8192, 4, 0);

		EXPECT(mount_restrict(mount_fd, rows[i].attr, &e) == 0);
		EXPECT(mount_mkdir(root, "/m", 0755, &e) == 0 && mount_place(mount_fd, root, "/m", &e) == 0);
		fd = openat(root, "m", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		EXPECT(fd >= 0 && fstatvfs(fd, &vfs) == 0);
		EXPECT((vfs.f_flag & rows[i].set) == rows[i].set && !(vfs.f_flag & rows[i].clear));
		EXPECT(!(rows[i].attr & MOUNT_RO) || (mkdirat(fd, "x", 0700) == -1 && errno == EROFS));
		close(fd);
	}
}

static void a_mount_is_as_restricted_as_it_was_asked(void **state)
{
	(void)state;
	child_succeeds(restrict_a_copy);
}

/* ---- what was granted ---- */

static void replace_what_was_granted(void)
{
	struct err e = ERR_INIT;
	struct stat was, is;
	int dir, copy;

	child_enter_namespaces(CLONE_NEWNS);
	if (mount("t", "/tmp", "tmpfs", 0, NULL) < 0)
		child_cannot("no tmpfs in a user namespace");
	EXPECT(mkdir("/tmp/granted", 0755) == 0 && symlink("granted", "/tmp/link") == 0);
	dir = open("/tmp/granted", O_PATH | O_DIRECTORY | O_CLOEXEC);
	EXPECT(dir >= 0);
	copy = mount_clone_again(dir, "/tmp/granted", true, &e);
	EXPECT(copy >= 0 && fstat(dir, &was) == 0 && fstat(copy, &is) == 0 && was.st_ino == is.st_ino);
	EXPECT(mount_clone_again(dir, "/tmp/link", true, &e) == -1 && e.kind == ERR_CONFLICT);
	EXPECT(symlink(".", "/tmp/way") == 0);
	EXPECT(mount_clone_again(dir, "/tmp/way/granted", true, &e) == -1 && e.sys == ELOOP);
	EXPECT(mount_clone_again(dir, "/tmp/none", true, &e) == -1 && e.sys == ENOENT);
	EXPECT(rename("/tmp/granted", "/tmp/moved") == 0 && mkdir("/tmp/granted", 0755) == 0);
	EXPECT(mount_clone_again(dir, "/tmp/granted", true, &e) == -1 && e.kind == ERR_CONFLICT);
	EXPECT(!strcmp(e.text, "/tmp/granted is no longer what was granted; it was replaced while the box was "
			       "being made"));
	EXPECT(rmdir("/tmp/granted") == 0 && symlink("moved", "/tmp/granted") == 0);
	EXPECT(mount_clone_again(dir, "/tmp/granted", true, &e) == -1 && e.kind == ERR_CONFLICT);
}

static void what_was_replaced_is_not_mounted(void **state)
{
	(void)state;
	child_succeeds(replace_what_was_granted);
}

/* ---- the new root ---- */

static void leave_the_old_root(void)
{
	const int root = new_root();
	struct err e = ERR_INIT;
	char line[512] = "", cwd[64];
	struct stat old, now;
	FILE *mounts;
	int n = 0, proc;

	EXPECT(stat("/", &old) == 0 && mount_mkdir(root, "/proc", 0555, &e) == 0);
	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	EXPECT(proc >= 0 && mount_pivot(root, &e) == 0);
	EXPECT(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"));
	EXPECT(stat("/", &now) == 0 && (now.st_dev != old.st_dev || now.st_ino != old.st_ino));
	EXPECT(access("/etc", F_OK) == -1 && access("/usr", F_OK) == -1 && chdir("/..") == 0);
	EXPECT(stat(".", &old) == 0 && old.st_dev == now.st_dev && old.st_ino == now.st_ino);
	EXPECT(mkdir("/x", 0755) == -1 && errno == EROFS);
	/* Our hold on the host's /proc tells of this namespace: one mount is left, the root. */
	proc = openat(proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	EXPECT(proc >= 0);
	mounts = fdopen(proc, "r");
	while (fgets(line, sizeof(line), mounts))
		n++;
	EXPECT(n == 1);
}

static void behind_a_pivot_nothing_of_the_old_root_is_left(void **state)
{
	(void)state;
	child_succeeds(leave_the_old_root);
}

static void see_own_processes(void)
{
	struct err e = ERR_INIT;
	const int go = new_root();
	pid_t pid;
	int status = -1, proc;

	EXPECT(mount_mkdir(go, "/p", 0555, &e) == 0);
	if (unshare(CLONE_NEWPID) < 0)
		child_cannot("no PID namespace");
	pid = fork();
	if (pid == 0) {
		char path[64];

		proc = mount_new_proc(true, &e);
		if (proc < 0) {
			errno = e.sys;
			child_cannot("/proc of the host is partly hidden: no new one can be mounted");
		}
		EXPECT(mount_place(proc, go, "/p", &e) == 0);
		EXPECT(faccessat(go, "p/1/status", F_OK, 0) == 0);
		snprintf(path, sizeof(path), "p/%d", getppid() ? getppid() : 4194304);
		EXPECT(faccessat(go, path, F_OK, 0) == -1);
		EXPECT(faccessat(go, "p/kallsyms", F_OK, 0) == -1 && faccessat(go, "p/sys", F_OK, 0) == -1);
		EXPECT(faccessat(go, "p/self", F_OK, 0) == 0);
		_exit(0);
	}
	EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	_exit(WEXITSTATUS(status));
}

static void a_new_proc_shows_own_processes_and_nothing_of_the_kernel(void **state)
{
	(void)state;
	child_succeeds(see_own_processes);
}

static void open_terminals(void)
{
	const int root = new_root();
	struct err e = ERR_INIT;
	const int fd = mount_new_devpts(&e);
	struct stat st;

	if (fd < 0) {
		errno = e.sys;
		child_cannot("no devpts in a user namespace");
	}
	EXPECT(mount_mkdir(root, "/pts", 0755, &e) == 0 && mount_place(fd, root, "/pts", &e) == 0);
	EXPECT(fstatat(root, "pts/ptmx", &st, 0) == 0 && S_ISCHR(st.st_mode));
	EXPECT(openat(root, "pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) >= 0);
	EXPECT(fstatat(root, "pts/0", &st, 0) == 0 && fstatat(root, "pts/1", &st, 0) == -1);
}

static void terminals_are_counted_from_nought_in_a_new_devpts(void **state)
{
	(void)state;
	child_succeeds(open_terminals);
}

static void map_owner(void)
{
	struct err e = ERR_INIT;
	struct stat st;
	int fd;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
		child_cannot("needs root");
	EXPECT(mount_all_private(&e) == 0);
	fd = mount_new_tmpfs(65536, 16, "755", 0, &e);
	EXPECT(fd >= 0);
	EXPECT(fchownat(fd, "", 1000, 1001, AT_EMPTY_PATH) == 0);
	if (mount_map_owner(fd, 1000, 1001, 2000123, 2000124, &e) < 0) {
		errno = e.sys;
		child_cannot("no idmapped tmpfs (Linux 6.3)");
	}
	EXPECT(fstat(fd, &st) == 0 && st.st_uid == 2000123 && st.st_gid == 2000124);
	EXPECT(mkdirat(fd, "of-root", 0755) == -1 && errno == EOVERFLOW); /* whom the map does not know */
}

static void an_owners_files_appear_as_the_boxs(void **state)
{
	(void)state;
	child_succeeds(map_owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories_files_and_links_are_made_beneath_the_root),
		cmocka_unit_test(no_link_and_no_dots_lead_out_of_the_root),
		cmocka_unit_test(a_tmpfs_is_bounded_and_gives_no_rights),
		cmocka_unit_test(a_mount_is_as_restricted_as_it_was_asked),
		cmocka_unit_test(what_was_replaced_is_not_mounted),
		cmocka_unit_test(behind_a_pivot_nothing_of_the_old_root_is_left),
		cmocka_unit_test(a_new_proc_shows_own_processes_and_nothing_of_the_kernel),
		cmocka_unit_test(terminals_are_counted_from_nought_in_a_new_devpts),
		cmocka_unit_test(an_owners_files_appear_as_the_boxs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
