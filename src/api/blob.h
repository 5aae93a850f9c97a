/* Uploads that are under way; the handlers are in handlers.h. */
#pragma once

#include <stdbool.h>

struct front;

/* Drops uploads that nobody went on with for long; `all`: every one, before the end. */
void uploads_sweep(struct front *front, bool all);
