/* What ward-probe is but for its main(): a program of its own, or code in an engine's place. */
#pragma once

/* argv as of a program. Makes the attempts and tells; returns the exit code. */
int probe_main(int argc, char **argv);
