/* A job whose box is a guest of a zygote: its files are frames of the guest's channel (isolate/channel.def), and what the
 * guest says is its output. Refuses more than one guest may be told. */
#include "serve/attempt_guest.h"

#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/fd.h"
#include "isolate/control.h"
#include "isolate/imports.h"

#define SOURCES_MAX ((size_t)32 << 20)  /* all files and the input together: they lie in memory until they are sent */
#define FLOOD ((uint64_t)64 << 20)      /* written beyond what is kept: nobody reads a guest for longer */

/* The job's own fault: it is told, and the guest gets nothing. */
static void refuse(struct attempt *attempt, const char *why)
{
	attempt->has_fault = true;
	snprintf(attempt->fault, sizeof(attempt->fault), "%s", why);
}

/* Bytes of the job, whole; NULL when it is broken or refused. *owned is for the caller to free. */
static const char *whole(struct attempt *attempt, const struct job_bytes *bytes, size_t *len, char **owned)
{
	*len = bytes->source == JOB_BYTES ? bytes->len : 0;
	if (bytes->source == JOB_BYTES)
		return bytes->at;
	if (bytes->source != JOB_BLOB)
		return "";
	attempt_open_blob(attempt, bytes->blob);
	if (attempt->broken.kind == ERR_NONE && attempt->blob_left > SOURCES_MAX)
		refuse(attempt, "its files are more than 32 MiB, which is all that a guest is told");
	if (attempt->broken.kind == ERR_NONE && !attempt->has_fault) {
		*len = (size_t)attempt->blob_left;
		*owned = mem_raw(*len + 1);
		if (fd_read_all(attempt->in_fd, *owned, *len, &attempt->broken) == 0) {
			fd_close_at(&attempt->in_fd);
			return *owned;
		}
	}
	fd_close_at(&attempt->in_fd);
	return NULL;
}

static bool ends(const char *name, const char *with)
{
	const size_t n = strlen(name), m = strlen(with);

	return n >= m && strcmp(name + n - m, with) == 0;
}

static void ignore(void *at, const char *specifier, size_t len)
{
	(void)at, (void)specifier, (void)len;
}

/* As `ward run -b js` takes them: only what runs first may be a classic script, and its text says so. */
static enum guest_kind kind_of(const char *path, const char *text, size_t len, bool is_main)
{
	if (ends(path, ".json"))
		return GUEST_JSON;
	return is_main && !ends(path, ".mjs") && !imports_scan(text, len, ignore, NULL) ? GUEST_SCRIPT : GUEST_MODULE;
}

static int put(struct attempt *attempt, enum guest_kind kind, const char *name, const void *bytes, size_t len)
{
	struct err e = ERR_INIT;

	if (attempt->frames.len + len > SOURCES_MAX) {
		refuse(attempt, "its files are more than 32 MiB, which is all that a guest is told");
		return -1;
	}
	if (guest_put_named(&attempt->frames, kind, name, bytes, len, &e) == 0)
		return 0;
	refuse(attempt, e.text);
	return -1;
}

static int put_file(struct attempt *attempt, const struct job_file *file, bool is_main)
{
	char name[JOB_PATH_MAX + 2];
	OWN_MEM char *owned = NULL;
	size_t len;
	const char *const text = whole(attempt, &file->bytes, &len, &owned);

	snprintf(name, sizeof(name), "/%s", file->path);
	return !text ? -1 : put(attempt, kind_of(file->path, text, len, is_main), name, text, len);
}

/* The first source is where the guest begins. */
static int put_files(struct attempt *attempt)
{
	const struct job_spec *const spec = &attempt->spec;
	const char *const main = attempt->steps[0].argv[0];

	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < spec->n_files; i++) {
			const bool is_main = strcmp(spec->files[i].path, main) == 0;

			if (is_main == !pass && put_file(attempt, &spec->files[i], is_main) < 0)
				return -1;
		}
	return 0;
}

static int put_words(struct attempt *attempt)
{
	const struct runtime_step *const step = &attempt->steps[0];
	const uint32_t run = GUEST_RUN_ONCE;
	OWN_MEM char *owned = NULL;
	size_t len;
	const char *const input = whole(attempt, step->input, &len, &owned);

	for (const char *const *word = step->argv + 1; *word; word++)
		if (put(attempt, GUEST_ARG, NULL, *word, strlen(*word)) < 0)
			return -1;
	for (size_t i = 0; i < attempt->spec.n_env; i++)
		if (put(attempt, GUEST_ENV, attempt->spec.env[i].name, attempt->spec.env[i].value,
			strlen(attempt->spec.env[i].value)) < 0)
			return -1;
	if (!input || put(attempt, GUEST_INPUT, NULL, input, len) < 0)
		return -1;
	return put(attempt, GUEST_RUN, NULL, &run, sizeof(run));
}

int attempt_send_guest(struct attempt *attempt)
{
	struct err e = ERR_INIT;
	int status;

	if (!attempt->is_put) {
		attempt->is_put = true;
		if (put_files(attempt) < 0 || put_words(attempt) < 0) {
			guest_writer_done(&attempt->frames);
			return 0;
		}
	}
	status = guest_flush(&attempt->frames, attempt->slot->fds[SLOT_OUT], &e);
	if (status != 0)
		guest_writer_done(&attempt->frames);
	return status == 0 ? 1 : status > 0 ? 0 : -1;
}

static void pass_on(struct attempt *attempt, enum frame_kind kind, const char *bytes, size_t len, dispatch_live *tell, void *at)
{
	const struct frame frame = { { .kind = (uint8_t)kind, .len = (uint32_t)len }, bytes };

	if (len)
		attempt_take(attempt, &frame, tell, at);
}

/* What was thrown and not caught. */
static void take_error(struct attempt *attempt, const struct guest_piece *piece, dispatch_live *tell, void *at)
{
	const struct guest_frame frame = { GUEST_ERROR, piece->bytes, piece->len };
	struct guest_why why;
	char text[sizeof(why) + 32];
	struct err e;
	int len;

	if (guest_read_why(&frame, &why, &e) < 0) {
		attempt->slot->is_broken = true;
		return;
	}
	len = why.line ? snprintf(text, sizeof(text), "%s:%u:%u: %s\n", why.file + (*why.file == '/'), why.line, why.column, why.text)
		       : snprintf(text, sizeof(text), "%s%s%s\n", why.file + (*why.file == '/'), *why.file ? ": " : "", why.text);
	clean_bytes(text, (size_t)len, "\n");
	pass_on(attempt, FRAME_STDERR, text, (size_t)len, tell, at);
}

bool attempt_take_guest(struct attempt *attempt, const struct guest_piece *piece, dispatch_live *tell, void *at)
{
	static const char newline[] = "\n";

	if (piece->kind == GUEST_ERROR)
		take_error(attempt, piece, tell, at);
	else
		pass_on(attempt, piece->kind == GUEST_STDERR ? FRAME_STDERR : FRAME_STDOUT, piece->bytes, piece->len, tell, at);
	if (piece->kind == GUEST_RESULT && piece->is_last)
		pass_on(attempt, FRAME_STDOUT, newline, 1, tell, at);
	for (size_t i = 0; i < 2; i++) {
		const struct written *const written = &attempt->written[i];

		attempt->is_flooding |= written->seen > written->cap + (attempt->spec.limits.kill_at_output_limit ? 0 : FLOOD);
	}
	return !attempt->is_flooding;
}

/* There is no ward-step to say so: the one step ended as the guest did. */
void attempt_end_guest(struct attempt *attempt)
{
	const struct order_report *const report = &attempt->report;

	attempt->n_started = attempt->n_ended = 1;
	attempt->ended[0] = (struct frame_ended){
		.status = report->signal ? report->signal : (report->exit_code & 0xff) << 8,
		.wall_us = report->wall_us, .user_us = report->user_us, .system_us = report->system_us,
		.rss_peak_bytes = report->memory_peak_bytes,
		.stdout_bytes = attempt->written[0].seen, .stderr_bytes = attempt->written[1].seen,
		.over_output = attempt->is_flooding,
	};
	/* A guest that could not understand its frames, or says that it could not, ran to no end. */
	attempt->is_done = report->exit_code != ISOLATE_CODE_CHANNEL;
}
