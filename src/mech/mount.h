/* The new mount API: every mount is a descriptor until it is put in its place, and a place is a name
 * beneath the descriptor of the new root, so no path of the host is ever looked up twice. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum mount_attr_bits { MOUNT_RO = 1, MOUNT_NX = 2, MOUNT_DEV = 4 };     /* nosuid always */

/* Makes every mount of this namespace private. Needed only without a user namespace of our own. */
MUST_USE int mount_all_private(struct err *e);

/* A detached copy of the mount at fd, as it is there now. recursive: with what is mounted beneath;
 * else alone (with what is beneath after all when the kernel has locked it in place).
 * Returns a descriptor. Needs rights over the mount namespace fd was opened in. */
MUST_USE int mount_clone(int fd, bool recursive, struct err *e);

/* The same for a process in a newer mount namespace than fd: looks the path up again here and refuses
 * unless it is the very object fd is (device and inode): the kernel does not copy foreign mounts. */
MUST_USE int mount_clone_again(int fd, const char *path, bool recursive, struct err *e);

/* Lets files of `owner` appear as owned by `as` and back, on a detached mount. Needs root. */
MUST_USE int mount_map_owner(int mount_fd, uint32_t owner_uid, uint32_t owner_gid, uint32_t as_uid,
			     uint32_t as_gid, struct err *e);

/* attr: enum mount_attr_bits. Also makes it private, all of it recursively. */
MUST_USE int mount_restrict(int mount_fd, unsigned attr, struct err *e);

/* New file systems; each returns a detached mount. inodes, bytes: 0 = the kernel's default. */
MUST_USE int mount_new_tmpfs(uint64_t bytes, uint64_t inodes, const char *mode, unsigned attr, struct err *e);
MUST_USE int mount_new_proc(bool own_pids_only, struct err *e);
MUST_USE int mount_new_devpts(struct err *e);

/* Puts a detached mount at path beneath root_fd; the place must exist and is not looked for through
 * links. Closes mount_fd in all cases. */
MUST_USE int mount_place(int mount_fd, int root_fd, const char *path, struct err *e);

/* Attaches the new root over / and returns; mount_pivot() then makes it the only tree there is:
 * read-only, the old one detached, working directory /, and checks with getcwd that it is so. */
MUST_USE int mount_attach_root(int root_fd, struct err *e);
MUST_USE int mount_pivot(int root_fd, struct err *e);

/* mkdirat and friends beneath root_fd; parents must exist. An existing directory is fine. */
MUST_USE int mount_mkdir(int root_fd, const char *path, unsigned mode, struct err *e);
MUST_USE int mount_mkfile(int root_fd, const char *path, const char *contents, unsigned mode, struct err *e);
MUST_USE int mount_mklink(int root_fd, const char *path, const char *target, struct err *e);
