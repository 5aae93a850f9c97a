/* ward-v8: the engine's process, inside a box that ward made. Run by hand it confines only its system calls and its
 * paths; job.h has its command line. */
#include <stdio.h>

#include "v8/job.h"
#include "v8/wasm.h"

#define CODE_SETUP 125

int main(int argc, char **argv)
{
	struct wasm_job job;
	struct err e = ERR_INIT;

	if (!job_read(argc, argv, &job)) {
		fprintf(stderr, "ward-v8: called by ward alone; use `ward run -b wasm MODULE [ARGUMENT]...`\n");
		return CODE_SETUP;
	}
	(void)!wasm_run(&job, &e); /* comes back only with an error */
	dprintf(2, "ward-v8: %s\n", e.text);
	return CODE_SETUP;
}
