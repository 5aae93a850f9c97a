/* Wrong keys that come faster than the throttle has patience, as one story however many they are: it has a beginning,
 * goes on, and is over when nobody was refused for a while. Each is told once, so that who guesses fills no disk. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BURST_QUIET_MS 600000   /* nobody was refused for so long: it is over */
#define BURST_TELL_MS 3600000   /* while it goes on */

struct burst {
	uint64_t n;                     /* wrong keys, from wherever, and those that filled the first source's bucket */
	uint64_t began_ms, last_ms, told_ms; /* steady clock; began_ms 0: there is none */
};

enum burst_word { BURST_SILENT, BURST_BEGAN, BURST_LASTS, BURST_OVER };

/* A wrong key came. is_many: its source has to wait. */
enum burst_word burst_wrong(struct burst *burst, bool is_many, uint64_t now_ms);

/* For a clock, once a second or so. is_end: the service ends. After BURST_OVER the caller, which has told it, begins anew
 * with { 0 }. */
enum burst_word burst_turn(struct burst *burst, bool is_end, uint64_t now_ms);
