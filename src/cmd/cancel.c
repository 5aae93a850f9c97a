/* `ward cancel`: asks for the end of jobs. Asking again changes nothing. */
#include <unistd.h>

#include "cmd/remote.h"
#include "cmd/remote_options.h"
#include "cmd/say.h"
#include "remote/ending.h"
#include "remote/field.h"

static int print(const json_t *job, struct err *e)
{
	OWN(str) line = STR_NONE;

	tame_line(field_text(job, "id"), &line);
	str_add(&line, ": ");
	ending_text(job, &line);
	str_add(&line, "\n");
	return say_out(STDOUT_FILENO, "standard output", &line, e);
}

static int cancel(struct remote *remote, const char *id, bool waits, struct err *e)
{
	json_t *job;
	int result;

	if (remote_cancel(remote, id, &job, e) < 0)
		return -1;
	if (waits && !ending_is_final(field_text(job, "state"))) {
		json_decref(job);
		if (follow_end(&remote->service, id, &job, e) < 0)
			return -1;
	}
	result = print(job, e);
	json_decref(job);
	return result;
}

int command_cancel_run(struct args *args, struct err *e)
{
	OWN(remote) remote = REMOTE_NONE;

	if (!args->n_operands)
		return err_set(e, ERR_USAGE, "which job? `ward jobs` lists them");
	if (remote_open(&remote, args, false, false, e) < 0)
		return -1;
	for (size_t i = 0; i < args->n_operands; i++)
		if (cancel(&remote, args->operands[i], args_has(args, CANCEL_WAIT), e) < 0)
			return remote.interrupts ? CODE_INTERRUPTED : err_add(e, "%.60s", args->operands[i]);
	return 0;
}
