/* Waits with an engine that is warm. */
#include "v8/park.h"

#include <unistd.h>

#include "base/fd.h"
#include "isolate/words.h"
#include "module/job.h"
#include "module/run.h"

#define ORDERS_FD 3
#define ANSWERS_FD 4

int park_run(struct err *e)
{
	static struct words words; /* for as long as the guest lives, as the text is */
	struct wasm_job job;
	char *text;
	size_t len;

	if (run_warm(e) < 0 || fd_write_all(ANSWERS_FD, "R", 1, e) < 0)
		return -1;
	close(ANSWERS_FD);
	if (fd_read_file(ORDERS_FD, "the job's words", WORDS_BYTES, &text, &len, e) < 0)
		return -1;
	close(ORDERS_FD);
	if (!len)
		_exit(0);
	if (words_read(text, len, &words, e) < 0)
		return -1;
	environ = words.variables;
	if (!job_read((int)words.argc, words.argv, &job))
		return err_set(e, ERR_USAGE, "the words of the job are none");
	return run_module(&job, e);
}
