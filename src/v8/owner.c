/* Frames to and from the guests of one box. */
#include "v8/owner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/fd.h"

#define INPUT_MAX ((size_t)16 << 20)

void owner_heard_done(struct owner_heard *heard)
{
	free(heard->result);
	*heard = (struct owner_heard){ .result = NULL };
}

/* Standard input, when the script asks for it. One that is no JSON is for the script to fail on. */
static int give_input(const struct owner *owner, int fd, struct err *e)
{
	struct guest_writer out = { .at = 0 };
	OWN_MEM char *text = NULL;
	size_t len = 0;
	int rc;

	if (!owner->job->requests && fd_read_file(STDIN_FILENO, "standard input", INPUT_MAX, &text, &len, e) < 0)
		return -1;
	rc = guest_put(&out, GUEST_INPUT, text, len, e);
	if (rc == 0 && guest_flush(&out, fd, e) < 0)
		rc = 0; /* it has gone, and its end says why */
	guest_writer_done(&out);
	return rc;
}

static void keep_result(struct owner_heard *heard, const struct guest_frame *frame)
{
	free(heard->result);
	heard->result = mem_raw(frame->len + 1);
	heard->len = frame->len;
	memcpy(heard->result, frame->bytes, frame->len);
}

static int take(const struct owner *owner, int fd, const struct guest_frame *frame, struct owner_heard *heard, struct err *e)
{
	switch (frame->kind) {
	case GUEST_STDOUT:
		return fd_write_all(owner->job->requests ? STDERR_FILENO : STDOUT_FILENO, frame->bytes, frame->len, e);
	case GUEST_STDERR:
		return fd_write_all(STDERR_FILENO, frame->bytes, frame->len, e);
	case GUEST_WANT_INPUT:
		return give_input(owner, fd, e);
	case GUEST_RESULT:
		heard->done = true;
		keep_result(heard, frame);
		return 0;
	case GUEST_ERROR:
		heard->done = heard->failed = true;
		return guest_read_why(frame, &heard->why, e);
	default:
		heard->ready = true;
		return 0;
	}
}

static int take_all(const struct owner *owner, int fd, struct guest_reader *reader, struct owner_heard *heard, struct err *e)
{
	struct guest_frame frame;
	int rc;

	while ((rc = guest_next(reader, true, &frame, e)) > 0)
		if (take(owner, fd, &frame, heard, e) < 0)
			return -1;
	return rc;
}

int owner_hear_some(const struct owner *owner, int fd, struct guest_reader *reader, struct owner_heard *heard, struct err *e)
{
	const int rc = guest_read(reader, fd, e);

	return rc > 0 && take_all(owner, fd, reader, heard, e) < 0 ? -1 : rc;
}

int owner_hear(const struct owner *owner, int fd, struct owner_heard *heard, struct err *e)
{
	struct guest_reader reader = { .at = 0 };
	int rc = 1;

	while (rc > 0 && !heard->ready)
		rc = owner_hear_some(owner, fd, &reader, heard, e);
	guest_reader_done(&reader);
	return rc < 0 ? -1 : 0;
}

void owner_put_why(const struct owner *owner, const struct guest_why *why, char *out, size_t cap)
{
	const char *const file = strcmp(why->file, owner->job->name) == 0 ? owner->job->argv[0] : why->file;
	int used;

	if (!*file)
		used = snprintf(out, cap, "%.200s: ", owner->job->argv[0]);
	else if (!why->line)
		used = snprintf(out, cap, "%.200s: ", file);
	else
		used = snprintf(out, cap, "%.200s:%u:%u: ", file, why->line, why->column);
	snprintf(out + used, cap - (size_t)used, "%s", why->text);
	clean_bytes(out, strlen(out), "");
}

static int put_env(const char *word, struct guest_writer *out, struct err *e)
{
	const size_t len = strcspn(word, "=");
	char name[256];

	if (!word[len] || !len || len >= sizeof(name))
		return 0;
	memcpy(name, word, len);
	name[len] = '\0';
	return guest_put_named(out, GUEST_ENV, name, word + len + 1, strlen(word + len + 1), e);
}

int owner_put_words(const struct owner *owner, struct guest_writer *out, enum guest_run run, struct err *e)
{
	const uint32_t word = run;

	for (const char *const *at = owner->job->argv + 1; *at; at++)
		if (guest_put(out, GUEST_ARG, *at, strlen(*at), e) < 0)
			return -1;
	for (const char *const *at = owner->job->envp; *at; at++)
		if (put_env(*at, out, e) < 0)
			return -1;
	return guest_put(out, GUEST_RUN, &word, sizeof(word), e);
}

pid_t owner_reap(int *status, struct err *e)
{
	pid_t pid;

	do
		pid = wait4(-1, status, 0, NULL);
	while (pid < 0 && errno == EINTR);
	return pid < 0 ? err_sys(e, "wait for a guest") : pid;
}
