/* `ward logs`: what a job has written. */
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/remote.h"
#include "cmd/remote_options.h"

struct reading {
	struct remote *remote;
	unsigned which;
	bool wants[2];          /* standard output, standard error */
	struct err err;         /* why the output could not be written */
};

static int take_bytes(void *at, const char *bytes, size_t len)
{
	struct reading *const reading = at;

	return remote_write(reading->remote, reading->which, bytes, len, &reading->err);
}

static int tick(void *at)
{
	struct reading *const reading = at;
	const struct service *const service = &reading->remote->service;

	if (service->waits(service->at, NULL) == 0)
		return 0;
	return err_set(&reading->err, ERR_CONFLICT, "interrupted");
}

static int write_one(struct reading *reading, const char *id, const char *of, struct err *e)
{
	OWN(str) path = STR_NONE;

	if (remote_job_path(id, of, &path, e) < 0)
		return -1;
	const struct http_call call = {
		.method = "GET", .path = str_text(&path), .accept = "*/*", .is_stream = true,
		.sink = take_bytes, .tick = tick, .at = reading,
	};
	OWN(http_answer) answer = HTTP_ANSWER_NONE;

	if (http_do(reading->remote->http, &call, &answer, e) < 0)
		return -1;
	if (answer.is_ended) {
		*e = reading->err;
		return -1;
	}
	return answer.status / 100 == 2 ? 0 : service_refusal(&answer, e);
}

/* Standard output and standard error are one place: a terminal, or the same file. */
static bool is_one_place(void)
{
	struct stat out, err;

	return fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev &&
	       out.st_ino == err.st_ino;
}

/* Where both go to one place, lines come as they were written; else there is no order between them to keep. */
static int write_kept(struct reading *reading, const char *id, struct err *e)
{
	static const char *const names[] = { "/stdout", "/stderr" };

	if (reading->wants[0] && reading->wants[1] && is_one_place())
		return write_one(reading, id, "/combined", e);
	for (reading->which = 0; reading->which < 2; reading->which++)
		if (reading->wants[reading->which] && write_one(reading, id, names[reading->which], e) < 0)
			return -1;
	return 0;
}

static int take_event(void *at, const struct event *event, struct err *e)
{
	struct reading *const reading = at;

	if ((event->kind == EVENT_STDOUT && !reading->wants[0]) || (event->kind == EVENT_STDERR && !reading->wants[1]))
		return 0;
	return remote_take(reading->remote, event, e);
}

static int follow(struct reading *reading, const char *id, struct err *e)
{
	OWN(str) path = STR_NONE;
	json_t *job;

	if (remote_job_path(id, "", &path, e) < 0 ||
	    follow_job(&reading->remote->service, id, take_event, reading, &job, e) < 0)
		return -1;
	json_decref(job);
	return 0;
}

int command_logs_run(struct args *args, struct err *e)
{
	const bool out = args_has(args, LOGS_STDOUT), err = args_has(args, LOGS_STDERR);
	OWN(remote) remote = REMOTE_NONE;
	struct reading reading = { .remote = &remote, .wants = { out || !err, err || !out } };
	int result;

	if (args->n_operands != 1)
		return err_set(e, ERR_USAGE, "one id is needed; `ward jobs` lists them");
	if (remote_open(&remote, args, args_has(args, LOGS_RAW), false, e) < 0)
		return -1;
	result = (args_has(args, LOGS_FOLLOW) ? follow : write_kept)(&reading, args->operands[0], e);
	remote_write_end(&remote);
	return result < 0 && remote.interrupts ? CODE_INTERRUPTED : result;
}
