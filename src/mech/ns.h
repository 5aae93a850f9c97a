/* Processes born into namespaces, and their id maps. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* clone3 with a pidfd. Returns the child's pid, 0 in the child, -1.
 *
 * flags      CLONE_NEW*
 * cgroup_fd  v2 directory the child is born into, -1 = the caller's own
 * Syscalls: clone3 */
MUST_USE pid_t ns_clone(uint64_t flags, int cgroup_fd, int *pid_fd, struct err *e);

/* Runs body(arg), which never returns, in a child that shares our descriptors; returns its pid once it has executed a
 * program or ended: until then we are suspended. It shares our memory, too, on a stack of its own, but where a new time
 * namespace waits for children: before Linux 6.3 they could only have a copy.
 * Syscalls: clone */
MUST_USE pid_t ns_spawn(int (*body)(void *arg), void *arg, struct err *e);

/* Writes the one-line map "inside outside 1" of a process; `groups` writes gid_map and, for a caller
 * without CAP_SETGID, first denies setgroups, as user_namespaces(7) demands. Read back. */
MUST_USE int ns_map(pid_t pid, bool groups, uint32_t inside, uint32_t outside, struct err *e);

/* Moves this process into a new cgroup namespace, rooted at its own group. */
MUST_USE int ns_cgroup(struct err *e);

/* Children of this process will live in a time namespace whose clocks start near zero. */
MUST_USE int ns_time(struct err *e);

/* Sets this user namespace's own count of further ones to zero: user_namespaces cannot be nested.
 * Needs CAP_SYS_RESOURCE in it; a /proc (any) must be reachable at /proc. */
MUST_USE int ns_no_nesting(struct err *e);

/* The inode of /proc/PID/ns/NAME, 0 when unreadable: who shares a namespace with whom. */
uint64_t ns_inode(pid_t pid, const char *name);
