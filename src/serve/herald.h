/* Between the front and ward-herald, which delivers: one packet of a SOCK_SEQPACKET pair for each delivery, and one for
 * what became of it. The herald gets no secret: what is signed was signed by the front.
 *
 * The pair outlives a herald that dies: the launcher starts another with the same end. That one throws away what lies
 * there, and says so with an answer to delivery HERALD_HELLO: whatever was given out before is lost. */
#pragma once

#include <stdint.h>

#define HERALD_MAGIC  0x31686477u       /* "wdh1" */
#define HERALD_URL    1024
#define HERALD_HEAD   512               /* lines "Name: value", each ended by "\n" */
#define HERALD_BODY   32768
#define HERALD_AT_ONCE 8
#define HERALD_HELLO   0                /* no delivery has this number */
#define HERALD_TRY_MS  15000            /* after which every delivery has an answer */

/* Behind it lie url, head and body, none of them terminated. */
struct herald_order {
	uint32_t magic, url_len, head_len, body_len;
	uint64_t number;
};
#define HERALD_PACKET (sizeof(struct herald_order) + HERALD_URL + HERALD_HEAD + HERALD_BODY)

struct herald_answer {
	uint32_t magic, status;         /* of HTTP; 0: there was no answer, and `why` says so */
	uint64_t number;
	char why[160];                  /* terminated; may hold any bytes of whoever answered */
};
