/* ward's own rights, given up once the box runs: whoever breaks into the front through a stream, a
 * note or a notification finds a process that can move bytes and end. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* No new privileges, no capabilities, not root (uid and gid 65534 where they exist), no file that
 * is not open already (Landlock, where there is one), and no system call but those of a table:
 * anything else kills ward, which ends the box.
 *
 * What still works: reading and writing open descriptors, waiting, memory that is not executable,
 * the keeper's channels, reaping it, terminal modes, answering the seccomp listener, stopping
 * oneself, exit. Not: opening anything, starting anything, a new descriptor.
 * Syscalls: setgroups setresgid setresuid capset prctl landlock_* seccomp
 * Errors: ERR_SYSTEM; the process may then have part of its rights */
MUST_USE int confine_self(struct err *e);

/* For the owner of a box whose guests belong to others: descriptors are handed on as well. */
MUST_USE int confine_owner(struct err *e);

/* For a ward that reads what the tasks of its box pass to the kernel: join_box() and a filter that permits
 * reading as well. Nothing of the host's is left to it but what anybody may read, under boundary container
 * not even that. Irreversible.
 *
 * proc_fd, tid  as join_box() takes them
 * Errors: ERR_SYSTEM, ERR_UNSUPPORTED */
MUST_USE int confine_watcher(int proc_fd, int tid, struct err *e);

/* The filter of the first two, for whoever explains it. self  the pid that the process may send signals to
 *
 * Returns its length */
#define CONFINE_PROGRAM_MAX 512
size_t confine_program(bool is_owner, uint32_t self, struct sock_filter out[CONFINE_PROGRAM_MAX]);
