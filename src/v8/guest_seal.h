/* What a zygote gives up once, and each of its guests before it reads its first byte. The guest's filter is short
 * because it stands on the zygote's: together they leave the GUEST rows of model/guest_calls.def. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "isolate/control.h"

/* What the zygote found out before, so that a guest has less to do. */
struct guest_seal {
	int rules_fd;           /* a Landlock domain without any right, -1: the kernel has none */
	uint64_t data_bytes;    /* what RLIMIT_DATA counts of a guest that has done nothing */
	bool may_execute;       /* machine code is made */
};
#define GUEST_SEAL_NONE ((struct guest_seal){ .rules_fd = -1 })

/* In the zygote, when everything is warm: no file is opened any more (ENOENT), no program executed, no memory shared
 * and, unless may_execute, none made executable. Any other call kills. */
MUST_USE int guest_seal_zygote(struct guest_seal *seal, bool may_execute, struct err *e);

/* In a guest that is just forked: it dies with `parent`, has no descriptor but keep_fd, limits, a domain. */
MUST_USE int guest_seal_birth(const struct guest_seal *seal, int parent, int keep_fd, uint64_t memory_bytes, struct err *e);

/* The clocks of a guest that serves rest between requests, whose forks have their own. */
void guest_seal_rest(void);

/* Its clocks start, and its calls end. serves: it keeps what a fork for each request takes. */
MUST_USE int guest_seal_close(const struct isolate_limits *limits, bool serves, struct err *e);
