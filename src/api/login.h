/* Who a browser is: its session, and that the request came from a page of ours. */
#pragma once

#include "api/request.h"

/* True: the request shows a session and no key, so login_check() says whose it is. */
bool login_is_shown(struct request *request);

/* Finds key and tenant of the session. False: it was refused, and the request answered. */
bool login_check(struct request *request);

/* Whether the request came from a page of ours or from no page: what says no origin is no browser, or changes nothing. */
bool login_is_ours(const struct request *request);

/* False when that session has ended since. Asking is use: a page that is open has its streams. */
bool login_holds(struct front *front, const struct digest *cookie);
