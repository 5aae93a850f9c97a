/* An attempt whose box is a guest of a zygote: what is sent, taken and said of its end. */
#pragma once

#include "serve/attempt.h"
#include "serve/guest_piece.h"

/* As attempt_send(); the first time all that is to be sent is put together. */
int attempt_send_guest(struct attempt *attempt);

/* Keeps what a piece brought. False: it is to be killed for what it wrote. */
bool attempt_take_guest(struct attempt *attempt, const struct guest_piece *piece, dispatch_live *tell, void *at);

/* After its end, which is in `report`: what a step would have said of itself. */
void attempt_end_guest(struct attempt *attempt);
