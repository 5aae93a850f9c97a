/* `ward submit`: files and words become a job of a service. */
#include <string.h>
#include <unistd.h>

#include "cmd/interact.h"
#include "cmd/remote.h"
#include "cmd/remote_options.h"
#include "cmd/say.h"
#include "model/policy_value.h"
#include "remote/document.h"
#include "remote/ending.h"
#include "remote/field.h"
#include "serve/runtime.h"

struct submission {
	struct remote remote;
	struct document document;
	struct str text;                /* the document as it is sent */
	char made_key[SERVICE_KEY_TEXT];
	const char *key;
	bool waits, follows, talks, is_json, is_quiet;
};
#define SUBMISSION_NONE ((struct submission){ .remote = REMOTE_NONE, .document = DOCUMENT_NONE })

static void submission_done(struct submission *submission)
{
	str_done(&submission->text);
	document_done(&submission->document);
	remote_done(&submission->remote);
}

/* -- what is said -- */

static int read_number(struct document *document, int id, const char *value, struct err *e)
{
	const struct {
		int id;
		enum key_type type;
		const char *bounds;
		uint64_t *n;
	} rows[] = {
		{ SUBMIT_CPU, KEY_DURATION, "1..3600000", &document->cpu_ms },
		{ SUBMIT_WALL, KEY_DURATION, "1..3600000", &document->wall_ms },
		{ SUBMIT_MEM, KEY_SIZE, "4M..16G", &document->mem_bytes },
		{ SUBMIT_PIDS, KEY_COUNT, "1..4096", &document->pids },
		{ SUBMIT_CPUS, KEY_MILLI, "10..64000", &document->cpus_milli },
		{ SUBMIT_DISK, KEY_SIZE, "4K..16G", &document->disk_bytes },
		{ SUBMIT_OUT_MAX, KEY_SIZE, "1..256M", &document->stdout_bytes },
		{ SUBMIT_ERR_MAX, KEY_SIZE, "1..256M", &document->stderr_bytes },
		{ SUBMIT_PRIORITY, KEY_COUNT, "0..9", &document->priority },
		{ SUBMIT_ATTEMPTS, KEY_COUNT, "1..5", &document->attempts },
		{ SUBMIT_TTL, KEY_DURATION, "60000..7776000000", &document->ttl_s },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].id != id)
			continue;
		if (policy_value_parse(rows[i].type, rows[i].bounds, value, rows[i].n, e) < 0)
			return -1;
		*rows[i].n = id == SUBMIT_TTL ? *rows[i].n / 1000 : *rows[i].n + (id == SUBMIT_PRIORITY);
	}
	return 0;
}

static int read_text(struct document *document, int id, const char *value, struct err *e)
{
	switch (id) {
	case SUBMIT_RUNTIME:
		document->runtime = value;
		return 0;
	case SUBMIT_BOUNDARY:
		document->boundary = value;
		return 0;
	case SUBMIT_NAME:
		document->name = value;
		return 0;
	case SUBMIT_DEADLINE:
		document->deadline = value;
		return 0;
	case SUBMIT_FILE:
		return document_add_file(document, value, e);
	case SUBMIT_STDIN:
		return document_set_input(document, value, e);
	case SUBMIT_ENV:
		return document_add_pair(&document->env, &document->n_env, &document->cap_env, value, e);
	case SUBMIT_LABEL:
		return document_add_pair(&document->labels, &document->n_labels, &document->cap_labels, value, e);
	case SUBMIT_OUTPUT:
		document->outputs = mem_grow(document->outputs, &document->cap_outputs, document->n_outputs + 1, sizeof(char *));
		document->outputs[document->n_outputs++] = value;
		return 0;
	default:
		return read_number(document, id, value, e);
	}
}

static const char *guess_runtime(const char *path)
{
	static const char *const rows[][2] = {
		{ ".py", "python" }, { ".js", "node" }, { ".mjs", "node" }, { ".sh", "bash" }, { ".c", "c" },
		{ ".cpp", "cpp" },   { ".cc", "cpp" },  { ".cxx", "cpp" },  { ".wasm", "wasm" },
	};
	const char *const dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(rows); i++)
		if (strcmp(dot, rows[i][0]) == 0)
			return rows[i][1];
	return NULL;
}

/* The file to run is the first one. With others beside it, it gets the name by which the runtime knows it. */
static int add_program(struct submission *submission, const char *path, struct err *e)
{
	struct document *const document = &submission->document;
	struct arena *const arena = &submission->remote.arena;
	const char *const name = arena_copy(arena, document->runtime, strcspn(document->runtime, "@"));
	const struct runtime *const runtime = runtime_find(name);
	const bool is_named = document->n_files && runtime && *runtime->main;

	return document_add_file(document, is_named ? arena_printf(arena, "%s:%s", path, runtime->main) : path, e);
}

static int read_program(struct submission *submission, const struct args *args, struct err *e)
{
	struct document *const document = &submission->document;
	const char *const first = args->n_operands ? args->operands[0] : NULL;

	if (!first)
		return err_set(e, ERR_USAGE, "no program; write `ward submit PROGRAM`, or `ward submit --command -- PROGRAM` for one "
			       "of the box");
	document->has_step = args_has(args, SUBMIT_COMMAND) || (document->runtime && strcmp(document->runtime, "exec") == 0);
	if (!document->runtime)
		document->runtime = document->has_step ? "exec" : guess_runtime(first);
	if (!document->runtime)
		return err_set(e, ERR_USAGE, "what runs %.120s is not to be seen from its name; say it with --runtime", first);
	document->argv = args->operands + !document->has_step;
	document->argc = args->n_operands - !document->has_step;
	return document->has_step ? 0 : add_program(submission, first, e);
}

static void read_talk(struct submission *submission, const struct args *args)
{
	struct document *const document = &submission->document;

	if (args_has(args, SUBMIT_TTY))
		document->tty = interact_size();
	submission->talks = document->is_live = document->tty || args_has(args, SUBMIT_INTERACTIVE);
}

static int read_options(struct submission *submission, const struct args *args, struct err *e)
{
	const struct opt_hit *const key = args_find(args, SUBMIT_KEY);

	for (size_t i = 0; i < args->n_hits; i++)
		if (args->hits[i].value && read_text(&submission->document, args->hits[i].opt->id, args->hits[i].value, e) < 0)
			return err_add(e, "--%s", args->hits[i].opt->name);
	read_talk(submission, args);
	submission->follows = args_has(args, SUBMIT_FOLLOW) || submission->talks;
	submission->waits = submission->follows || args_has(args, SUBMIT_WAIT);
	submission->is_json = args_has(args, SUBMIT_JSON);
	submission->is_quiet = args_has(args, SUBMIT_QUIET);
	submission->key = key ? key->value : submission->made_key;
	if (submission->talks && args_has(args, SUBMIT_STDIN))
		return err_set(e, ERR_USAGE, "--stdin is a file's bytes; --interactive sends what comes here: take one");
	return key ? 0 : service_make_key(submission->made_key, e);
}

/* -- what is sent -- */

static int send_blob(struct submission *submission, const struct document_file *file, struct err *e)
{
	struct remote *const remote = &submission->remote;
	OWN(str) path = STR_NONE;
	char digest[SHA256_TEXT];
	json_t *blob;

	if (file->fd < 0 || !file->is_blob)
		return 0;
	digest_write(&file->digest, digest);
	str_addf(&path, "/v1/blobs/%s", digest);
	struct http_call call = {
		.method = "PUT", .path = str_text(&path), .type = "application/octet-stream",
		.upload_fd = file->fd, .upload_len = file->bytes,
	};
	remote_show(remote, "sending files");
	if (service_ask(&remote->service, &call, &blob, e) < 0)
		return err_add(e, "%.120s", file->path);
	json_decref(blob);
	return 0;
}

static int send_blobs(struct submission *submission, struct err *e)
{
	const struct document *const document = &submission->document;

	for (size_t i = 0; i < document->n_files; i++)
		if (send_blob(submission, &document->files[i], e) < 0)
			return -1;
	return send_blob(submission, &document->input, e);
}

static int create(struct submission *submission, json_t **job, struct err *e)
{
	struct remote *const remote = &submission->remote;
	struct http_call call = {
		.method = "POST", .path = "/v1/jobs", .type = "application/json", .idempotency_key = submission->key,
		.body = str_text(&submission->text), .len = submission->text.len,
	};

	remote_show(remote, "the job is sent");
	if (service_ask(&remote->service, &call, job, e) < 0)
		return -1;
	if (field_is_id(field_text(*job, "id")))
		return 0;
	json_decref(*job);
	return err_set(e, ERR_SYSTEM, "the service's answer to the job has no id");
}

/* -- what is waited for -- */

static int wait_once(struct submission *submission, const char *id, json_t **job, struct err *e)
{
	struct remote *const remote = &submission->remote;

	if (submission->talks && interact(remote, id, submission->document.tty, e) < 0)
		return -1;
	return submission->follows && !submission->talks ? follow_job(&remote->service, id, remote_take, remote, job, e) :
				     follow_end(&remote->service, id, job, e);
}

/* Ctrl-C cancels, and the job is followed to its end all the same; a second one leaves. */
static int wait_for_end(struct submission *submission, const char *id, json_t **job, struct err *e)
{
	struct remote *const remote = &submission->remote;

	if (wait_once(submission, id, job, e) == 0)
		return 0;
	remote_show(remote, NULL);
	if (remote->interrupts != 1)
		return -1;
	say(SAY_NOTE, "cancelling job %s; once more to leave it alone", id);
	if (remote_cancel(remote, id, job, e) < 0)
		return -1;
	json_decref(*job);
	submission->follows = submission->talks = false;
	return wait_once(submission, id, job, e);
}

static int print_id(const struct submission *submission, const json_t *job, struct err *e)
{
	OWN(str) line = STR_NONE;

	if (submission->waits) {
		if (!submission->is_quiet)
			say(SAY_NOTE, "job %s", field_text(job, "id"));
		return 0;
	}
	str_addf(&line, "%s\n", field_text(job, "id"));
	return say_out(STDOUT_FILENO, "standard output", &line, e);
}

static int print_json(const json_t *job, struct err *e)
{
	OWN(str) line = STR_NONE;

	remote_add_json(job, &line);
	return say_out(STDOUT_FILENO, "standard output", &line, e);
}

static int finish(struct submission *submission, json_t *job, struct err *e)
{
	OWN(str) line = STR_NONE;

	remote_write_end(&submission->remote);
	remote_show(&submission->remote, NULL);
	if (submission->is_json && print_json(job, e) < 0)
		return -1;
	ending_text(job, &line);
	if (!submission->is_quiet)
		say(SAY_NOTE, "job %s: %s", field_text(job, "id"), str_text(&line));
	return submission->remote.interrupts ? CODE_INTERRUPTED : ending_code(job);
}

static int send(struct submission *submission, struct err *e)
{
	OWN_MEM char *id = NULL;
	json_t *job;
	int code;

	if (send_blobs(submission, e) < 0 || create(submission, &job, e) < 0)
		return -1;
	remote_show(&submission->remote, NULL);
	id = strdup(field_text(job, "id"));
	code = submission->is_json && !submission->waits ? print_json(job, e) : print_id(submission, job, e);
	json_decref(job);
	if (!id)
		mem_fail();
	if (code < 0 || !submission->waits)
		return code;
	remote_show(&submission->remote, "the job waits");
	if (wait_for_end(submission, id, &job, e) < 0)
		return submission->remote.interrupts ? CODE_INTERRUPTED : err_add(e, "job %.40s", id);
	code = finish(submission, job, e);
	json_decref(job);
	return code;
}

int command_submit_run(struct args *args, struct err *e)
{
	OWN(submission) submission = SUBMISSION_NONE;

	if (read_options(&submission, args, e) < 0 || read_program(&submission, args, e) < 0 ||
	    document_write(&submission.document, &submission.text, e) < 0)
		return -1;
	if (remote_open(&submission.remote, args, args_has(args, SUBMIT_RAW) || submission.document.tty, submission.is_quiet, e) < 0)
		return -1;
	const int code = send(&submission, e);
	return code < 0 && submission.remote.interrupts ? CODE_INTERRUPTED : code;
}
