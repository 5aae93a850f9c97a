/* WebSockets (RFC 6455): a job's input and output over one connection. Framing is wslay's. */
#pragma once

#include "api/front.h"

#define SOCKETS_MAX 512

/* Moves bytes both ways on whatever is ready. For the loop, after every turn. */
void sockets_turn(struct front *front);
/* Now and then: ends those whose key has ended. */
void sockets_beat(struct front *front);
/* Closes all of them, politely where the socket takes it. */
void sockets_end(struct front *front);
