/* The runner's word REFUSED (order.h). */
#pragma once

#include "serve/detect.h"

/* What the box was refused since the claim, and how often its decoys were opened: totals, so that one that is lost
 * costs nothing. At most one each ORDER_TELL_MS. */
#define ORDER_TELL_MS 25
struct order_refusals {
	uint32_t magic, kind;
	uint64_t honey[HONEY_FILES];
	struct tally tally;
};
bool order_refusals_are_sound(const void *packet, size_t len);
