/* What the command line of ward-v8 asks for when its guest is JavaScript. ward wrote it. */
#pragma once

#include <stdbool.h>

#include "isolate/control.h"
#include "module/job.h"
#include "v8/nursery.h"

struct guest_job {
	struct nursery_setup engine;
	struct isolate_limits limits;
	int control_fd;                 /* of a zygote */
	uint32_t forks;                 /* guests it starts before it is spent */
	bool requests;                  /* each line of standard input is one */
	const char *script;             /* its path in the box */
	const char *name;               /* what imports are relative to */
	const struct wasm_preopen *reads;       /* granted files and directories of the box under the names that imports
					 * have for them; of a zygote for modules, its preopens */
	size_t n_reads;
	const char *const *argv;        /* argv[0] is what messages call the script */
	const char *const *envp;
};

/* Reads: zygote --control=FD [ENGINE]... [--forks=N]
 *        zygote --control=FD --modules [--forks=N] [--module=PATH] [--read=PATH:NAME]... [--write=PATH:NAME]...
 *        js [ENGINE]... [--memory=BYTES] [--cpu-us=N] [--wall-us=N] [--requests] [--read=PATH:NAME]... --name=NAME
 *           SCRIPT NAME [ARG]...
 * ENGINE: --no-jit --eval --wasm --shared-memory. Cuts the words that have two parts. False: not so. */
bool guest_job_read(int argc, char **argv, struct guest_job *out);
