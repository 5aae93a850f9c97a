/* A zygote's box in the front's eyes: where guests are ordered, and how much its guests may have. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "serve/order.h"

/* All guests of one zygote share the layout of their memory, so it is replaced after that many (the engine would have
 * ISOLATE_FORKS), and the next one is started while there are some left. */
#define ZYGOTE_GUESTS 4096u
#define ZYGOTE_AHEAD 256u

struct zygote {
	uint64_t box;                   /* never used twice; 0 = none */
	int fd;                         /* to its runner */
	bool is_warm;
	uint32_t given;                 /* guests that were ordered */
	uint64_t memory_bytes;          /* that its guests may have now */
	uint64_t born_us;
};
#define ZYGOTE_NONE ((struct zygote){ .fd = -1 })

/* Orders one. epoll_fd waits for its runner's words with tag. Errors: ERR_SYSTEM; *zygote stays none */
MUST_USE int zygote_start(struct zygote *zygote, int launcher_fd, int epoll_fd, uint64_t tag, const struct order *order,
			  struct err *e);

/* Reads what its runner says. False: it is gone, or never came up. */
bool zygote_hear(struct zygote *zygote);

/* No more orders: it ends with its last guest. */
void zygote_leave(struct zygote *zygote);
