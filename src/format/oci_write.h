/* Seccomp profiles of the OCI runtime specification, as Docker and Podman take them too. Pure. */
#pragma once

#include "format/peer.h"

/* Rules of a profile have no order: those of one call that hold are tried in whatever order libseccomp
 * likes. So each call is written as cases that do not overlap, each with at most one masked comparison
 * an argument: runc joins two comparisons of one argument with "or".
 * Source: runtime-spec config-linux.md, Seccomp; runc libcontainer/seccomp/seccomp_linux.go, matchCall() */
MUST_USE int oci_write(const struct peer_box *box, struct peer_text *text, struct err *e);

/* config.json of a bundle: the profile, and what else of the policy the specification can say. */
MUST_USE int oci_write_config(const struct peer_box *box, struct peer_text *text, struct err *e);
