/* Seccomp profiles of the container world: an OCI runtime configuration, or the profile files of Docker,
 * Podman and containers-common. */
#pragma once

#include "base/err.h"
#include "model/subject.h"

/* Compiles the profile as runc does, with libseccomp, so that what is judged is what would be loaded:
 * rules that equal the default are dropped, conditions that name one argument twice become rules of
 * their own, x86 and x32 come from archMap. The program is that of runc 1.1; later ones have libseccomp
 * order the same answers as a tree. Left out is the piece runc puts in front, which changes refusals of calls
 * newer than the profile into ENOSYS.
 *
 * out     its context says for which capabilities and kernel `includes` and `excludes` are decided (none
 *         and the newest when they are unknown); a runtime configuration adds what it says itself.
 *         What cannot be compiled is listed as missing; a comment "why: ..." of an entry speaks of it
 * Errors: ERR_USAGE, ERR_LIMIT; with file, line and column */
MUST_USE int oci_read(const char *name, const char *text, size_t len, struct subject *out, struct err *e);
