/* What ward and ward-runsc agree upon: how a failure of gVisor's is told from one of the program's. */
#pragma once

/* ward-runsc dies of the signal the program died of, and of this one when gVisor failed: the last real-time signal,
 * which stands for an exit code (128 and the number) when a program dies of it. */
#define GVISOR_FAILED 64

/* The box's memory for what runsc notes about its one sandbox: none of it can be longer. */
#define GVISOR_NOTES_BYTES (1u << 20)
