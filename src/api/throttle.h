/* Slows down who guesses keys: wrong ones are counted by address. A right key is never slowed down, or whoever guesses
 * behind a proxy would lock out everybody behind it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define THROTTLE_SLOTS 1024
#define THROTTLE_BURST 20       /* wrong keys of one address at once */
#define THROTTLE_EACH_MS 3000   /* then one in that time */

struct throttle {
	uint64_t seed;
	struct throttle_slot {
		uint64_t tag, full_ms;  /* steady clock: when the bucket is full again */
	} slots[THROTTLE_SLOTS];
};

/* A wrong key came from this address (of a /64 for IPv6). Returns 0 when it may be told so, or the time in ms
 * after which the next wrong one may come. */
uint64_t throttle_wrong(struct throttle *throttle, const struct sockaddr *address, uint64_t now_ms);
