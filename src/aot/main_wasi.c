/* A compiled module's process: its box has held it since before its first instruction. It gives up the paths and calls
 * that it does not need any more, and runs the module with WASI. */
#include <stdio.h>

#include "module/job.h"
#include "module/run.h"

#define CODE_SETUP 125

int main(int argc, char **argv)
{
	struct wasm_job job;
	struct err e = ERR_INIT;

	if (!job_read(argc, argv, &job)) {
		fprintf(stderr, "a compiled module: use `ward run -b wasm FILE`\n");
		return CODE_SETUP;
	}
	(void)!run_module(&job, &e); /* comes back only with an error */
	dprintf(2, "%s: %s\n", job.engine, e.text);
	return CODE_SETUP;
}
