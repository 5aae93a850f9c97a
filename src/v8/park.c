/* Waits with an engine that is warm. Refuses words that are cut off or too many: they come from a tenant, but in a form
 * that ward gave them. */
#include "v8/park.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "v8/job.h"
#include "v8/wasm.h"

#define ORDERS_FD 3
#define ANSWERS_FD 4
#define TEXT_MAX ((size_t)4 << 20)
#define WORDS_MAX 8192

static int refuse(struct err *e)
{
	return err_set(e, ERR_USAGE, "the words of the job are none");
}

/* Words in a row, NULL behind them; they point into text. */
static int cut(char *text, size_t len, char **words, size_t *n, struct err *e)
{
	for (*n = 0; len; (*n)++) {
		const size_t one = strlen(text) + 1;

		if (*n == WORDS_MAX || one > len)
			return refuse(e);
		words[*n] = text;
		text += one;
		len -= one;
	}
	words[*n] = NULL;
	return 0;
}

/* words[0] is how many variables come behind it. The word before the job's own stands where a program's name would. */
static int take(char **words, size_t n, struct err *e)
{
	const unsigned long variables = n ? strtoul(words[0], NULL, 10) : 0;
	static char *none[] = { NULL };
	static char **own;
	struct wasm_job job;

	if (!n)
		_exit(0);
	if (variables > n - 1 || n - 1 - variables == 0)
		return refuse(e);
	own = mem_alloc((variables + 1) * sizeof(*own));
	memcpy(own, words + 1, variables * sizeof(*own));
	environ = variables ? own : none;
	if (!job_read((int)(n - variables), words + variables, &job))
		return refuse(e);
	return wasm_run(&job, e);
}

int park_run(struct err *e)
{
	static char *words[WORDS_MAX + 1];
	char *text; /* a NUL behind it; for as long as the guest lives */
	size_t len, n;

	if (wasm_warm(e) < 0 || fd_write_all(ANSWERS_FD, "R", 1, e) < 0)
		return -1;
	close(ANSWERS_FD);
	if (fd_read_file(ORDERS_FD, "the job's words", TEXT_MAX, &text, &len, e) < 0)
		return -1;
	close(ORDERS_FD);
	return cut(text, len, words, &n, e) < 0 ? -1 : take(words, n, e);
}
