/* The engine's process where a box waits for its job. */
#pragma once

#include "base/err.h"

/* Starts the engine, writes one byte to descriptor 4, and reads "N\0NAME=VALUE\0...WORD\0..." from 3 until its end:
 * variables of the guest, then words as job.h has them behind the program's name. Then it is run_module(). Without a byte
 * it ends with 0: nobody wanted it.
 *
 * Returns only with an error. */
MUST_USE int park_run(struct err *e);
