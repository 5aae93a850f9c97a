/* Deliveries: what lies in the store and is due goes to the herald, a few at a time; what became of it goes back. */
#pragma once

#include "api/front.h"

/* Whether the launcher gave the channel of one: front->has_herald. Before anything is opened, which would get its number. */
void webhook_find_herald(struct front *front);
/* For the loop: reads answers, gives out what is due. at_us: when it is to be called at the latest. */
void webhook_begin(struct front *front);
/* After the store is closed, whose last callbacks still come here. */
void webhook_end(struct front *front);
