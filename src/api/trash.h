/* Files that nothing refers to any more. */
#pragma once

struct front;

/* Removes a bounded piece of them. For the loop, now and then. */
void trash_sweep(struct front *front);
