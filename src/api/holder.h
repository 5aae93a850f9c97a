/* Who holds a door open: the key, or the session, that a stream or a WebSocket was opened with. It was looked at then, and is
 * looked at again as long as the door is open. */
#pragma once

#include "api/request.h"

struct holder {
	char public[STORE_KEY_PUBLIC];
	struct digest session;          /* if is_session */
	bool is_session;
};

struct holder holder_of(const struct request *request);

/* The answer about one key, which the next door is often held open by as well. Begins as { 0 }; good for one look at all. */
struct holder_answer {
	char public[STORE_KEY_PUBLIC];
	bool holds;
};

/* False: the key was revoked or is out of date, its tenant was suspended, or the session has ended. A store that cannot be
 * read closes no door. */
bool holder_holds(struct front *front, const struct holder *holder, struct holder_answer *last);

/* Ends every wait whose holder does not hold any more: each second, and when a key was revoked or a session ended. */
void holder_end_waits(struct front *front);
