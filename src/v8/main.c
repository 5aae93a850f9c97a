/* ward-v8: the engine's process, inside a box that ward made. Run by hand it confines only its system calls and its
 * paths; job.h and guest_job.h have its command lines; `ward-v8 plugin FD` is that of plugin.h, `ward-v8 wasm --park` that of park.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "v8/guest_job.h"
#include "module/job.h"
#include "v8/park.h"
#include "v8/plugin.h"
#include "v8/script.h"
#include "module/run.h"
#include "v8/zygote.h"

#define CODE_SETUP 125

#if SANITIZED
/* V8 handles some of its faults itself, and a guest that ends frees nothing. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:allocator_may_return_null=1";
}
#endif

int main(int argc, char **argv)
{
	struct guest_job guest;
	struct wasm_job module;
	struct err e = ERR_INIT;

	if (argc == 3 && strcmp(argv[1], "plugin") == 0) {
		(void)!plugin_run(atoi(argv[2]), &e); /* comes back only with an error */
	} else if (argc == 3 && strcmp(argv[1], "wasm") == 0 && strcmp(argv[2], "--park") == 0) {
		(void)!park_run(&e); /* so does it */
	} else if (guest_job_read(argc, argv, &guest)) {
		if (guest.control_fd < 0)
			script_run(&guest);
		if (zygote_live(&guest, &e) >= 0)
			return 0;
	} else if (job_read(argc, argv, &module)) {
		(void)!run_module(&module, &e); /* so does it */
	} else {
		fprintf(stderr, "ward-v8: called by ward alone; use `ward run -b wasm MODULE` or `ward run -b js SCRIPT`\n");
		return CODE_SETUP;
	}
	dprintf(2, "ward-v8: %s\n", e.text);
	return CODE_SETUP;
}
