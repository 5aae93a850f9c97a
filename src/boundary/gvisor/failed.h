/* How ward-runsc says that gVisor failed, and not the program. */
#pragma once

/* ward-runsc dies of the signal the program died of, and of this one when gVisor failed: the last real-time signal,
 * which stands for an exit code (128 and the number) when a program dies of it. */
#define GVISOR_FAILED 64
