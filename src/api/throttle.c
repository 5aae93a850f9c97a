/* A bucket an address, as the moment at which it is full again. Two addresses in one slot take turns: who comes anew
 * finds a full bucket, so that nobody can fill the table to have a stranger refused. */
#include "api/throttle.h"

#include <netinet/in.h>
#include <string.h>

/* FNV-1a over the seed and the address; the seed is random, so that collisions cannot be chosen. */
static uint64_t tag_of(const struct throttle *throttle, const struct sockaddr *address)
{
	uint64_t hash = 0xcbf29ce484222325 ^ throttle->seed;
	const uint8_t *bytes = (const uint8_t *)"";
	size_t n = 0;

	if (address && address->sa_family == AF_INET) {
		bytes = (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
		n = 4;
	} else if (address && address->sa_family == AF_INET6) {
		bytes = (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
		n = 8;
	}
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	return hash ^ hash >> 29;
}

uint64_t throttle_wrong(struct throttle *throttle, const struct sockaddr *address, uint64_t now_ms)
{
	const uint64_t tag = tag_of(throttle, address), most = (uint64_t)THROTTLE_BURST * THROTTLE_EACH_MS;
	struct throttle_slot *const slot = &throttle->slots[tag % THROTTLE_SLOTS];
	const uint64_t from = slot->tag == tag && slot->full_ms > now_ms ? slot->full_ms : now_ms;
	const uint64_t full = from + THROTTLE_EACH_MS;

	slot->tag = tag;
	if (full > now_ms + most)
		return full - now_ms - most;
	slot->full_ms = full;
	return 0;
}
