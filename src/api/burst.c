#include "api/burst.h"

#include "api/throttle.h"

enum burst_word burst_wrong(struct burst *burst, bool is_many, uint64_t now_ms)
{
	if (is_many)
		burst->last_ms = now_ms;
	if (burst->began_ms) {
		burst->n++;
		return BURST_SILENT;
	}
	if (!is_many)
		return BURST_SILENT;
	*burst = (struct burst){ .n = THROTTLE_BURST + 1, .began_ms = now_ms, .last_ms = now_ms, .told_ms = now_ms };
	return BURST_BEGAN;
}

enum burst_word burst_turn(struct burst *burst, bool is_end, uint64_t now_ms)
{
	if (!burst->began_ms)
		return BURST_SILENT;
	if (is_end || now_ms - burst->last_ms >= BURST_QUIET_MS)
		return BURST_OVER;
	if (now_ms - burst->told_ms < BURST_TELL_MS)
		return BURST_SILENT;
	burst->told_ms = now_ms;
	return BURST_LASTS;
}
