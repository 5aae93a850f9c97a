/* What the command line of ward-v8 asks for when its guest is JavaScript. ward wrote it. */
#pragma once

#include <stdbool.h>

#include "isolate/control.h"
#include "v8/guest.h"

struct guest_job {
	struct nursery_setup engine;
	struct isolate_limits limits;
	int control_fd;                 /* of a zygote */
	uint32_t forks;                 /* guests it starts before it is spent */
	bool requests;                  /* each line of standard input is one */
	const char *script;             /* its path in the box */
	const char *const *argv;        /* argv[0] is what messages call the script */
	const char *const *envp;
};

/* Reads: zygote --control=FD [ENGINE]... [--forks=N]
 *        js [ENGINE]... [--memory=BYTES] [--cpu-us=N] [--wall-us=N] [--requests] SCRIPT NAME [ARG]...
 * ENGINE: --no-jit --eval --wasm --shared-memory. False: not so. */
bool guest_job_read(int argc, char **argv, struct guest_job *out);
