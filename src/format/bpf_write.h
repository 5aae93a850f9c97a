/* A policy as classic BPF: the bytes other tools load, and a listing for people. Pure. */
#pragma once

#include "format/peer.h"

/* struct sock_filter after struct sock_filter, as the kernel takes them: bwrap(1) --seccomp. */
MUST_USE int bpf_write(const struct peer_box *box, struct peer_text *text, struct err *e);

/* One instruction a line, with what it compares, and above those that serve one call alone its name and
 * the lines of the policy that speak of it. */
MUST_USE int bpf_write_text(const struct peer_box *box, struct peer_text *text, struct err *e);
