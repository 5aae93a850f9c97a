/* A running process as a subject. */
#pragma once

#include "base/err.h"
#include "model/subject.h"

/* Adds the filters of a process, oldest first, and what /proc says of its place: namespaces against those
 * of process 1, capabilities, no_new_privs. Threads that have other filters than the first one are missing.
 * A process without filters is a subject that allows everything.
 *
 * Errors: ERR_MISSING when there is no such process, those of seccomp_get() */
MUST_USE int subject_pid(int pid, struct subject *out, struct err *e);
