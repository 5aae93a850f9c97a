/* The loop over requests. A script's top level runs once, in a guest that forks; this process reaps the forks and says
 * how each ended, whatever the guest would say. */
#include "v8/requests.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/loop.h"
#include "v8/ahead.h"

#define LINE_MAX_BYTES ((size_t)16 << 20)
#define CODE_SETUP 125
#define PATIENCE_US 2000000
#define AHEAD_LOW 2     /* so many forks are had even while more is asked */
#define QUIET_MS 1      /* the others when nothing is for so long, */
#define IDLE_MS 30000   /* and none any more then */
#define LONG_MS 1       /* who takes longer is free to go to another processor */

struct requests {
	struct owner *owner;
	char *input;            /* lines that wait */
	size_t at, len, cap;
	bool ended;
	struct ahead ahead;
};

static _Noreturn void end(int code, const char *text)
{
	dprintf(STDERR_FILENO, "ward-v8: %s\n", text);
	_exit(code);
}

static _Noreturn void end_because(const struct requests *requests, struct err *e)
{
	err_add(e, "%.120s", requests->owner->job->argv[0]);
	end(CODE_SETUP, e->text);
}

/* poll(2) that was stopped goes on by a call of another name, which no list has. */
static int wait_ms(struct pollfd *polls, size_t n, int ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	return ppoll(polls, n, ms < 0 ? NULL : &time, NULL);
}

/* Until there is input, or its end. Forks are made when nothing is asked for a moment, and let go when nothing is for long. */
static void wait_for_input(struct requests *requests)
{
	struct ahead *const ahead = &requests->ahead;
	struct pollfd polls[1 + AHEAD_MAX];
	bool is_quiet = false;

	ahead_fill(ahead, AHEAD_LOW);
	for (;;) {
		size_t n;
		int got;

		polls[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
		n = ahead_polls(ahead, polls + 1);
		got = wait_ms(polls, 1 + n, !is_quiet ? QUIET_MS : ahead->n ? IDLE_MS : -1);
		if (got > 0)
			ahead_heard(ahead, polls + 1, n);
		if (got > 0 && polls[0].revents)
			return;
		if (got == 0 && is_quiet)
			ahead_drop(ahead);
		if (got == 0 && !is_quiet) {
			is_quiet = true;
			ahead_spread(ahead, NULL);
			ahead_reap(ahead);
			ahead_fill(ahead, AHEAD_MAX);
		}
	}
}

/* Of the next line; NULL: it is not all there. */
static const char *line_end(const struct requests *requests)
{
	return requests->len > requests->at ? memchr(requests->input + requests->at, '\n', requests->len - requests->at) : NULL;
}

/* The next line without its end; false: there is none. One that is too long ends everything: where the next one begins
 * is not known. */
static bool next_line(struct requests *requests, const char **line, size_t *len)
{
	for (;;) {
		char *const from = requests->input ? requests->input + requests->at : NULL;
		const size_t have = requests->len - requests->at;
		const char *const newline = line_end(requests);
		ssize_t got;

		if (newline || (requests->ended && have)) {
			*line = from;
			*len = newline ? (size_t)(newline - from) : have;
			requests->at += *len + (newline != NULL);
			return true;
		}
		if (requests->ended)
			return false;
		wait_for_input(requests);
		if (have > LINE_MAX_BYTES)
			end(CODE_SETUP, "standard input: a request is longer than 16 MiB");
		if (have)
			memmove(requests->input, from, have);
		requests->at = 0;
		requests->len = have;
		requests->input = mem_grow(requests->input, &requests->cap, have + 65536, 1);
		do
			got = read(STDIN_FILENO, requests->input + have, requests->cap - have);
		while (got < 0 && errno == EINTR);
		requests->ended = got <= 0;
		requests->len += got > 0 ? (size_t)got : 0;
	}
}

static int pair(int ends[2], struct err *e)
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ? err_sys(e, "socketpair") : 0;
}

/* Why the top level did not come to serve: the whole run's own failure. */
static _Noreturn void refuse(const struct requests *requests, const struct owner_heard *heard, int status)
{
	char text[2048];

	if (WIFSIGNALED(status)) {
		kill(getpid(), WTERMSIG(status) == SIGPROF ? SIGXCPU : WTERMSIG(status));
		_exit(CODE_SETUP);
	}
	if (WEXITSTATUS(status) == ISOLATE_CODE_MEMORY)
		kill(getpid(), SIGSTKFLT);
	if (!heard->failed)
		end(CODE_SETUP, "the script ended before it could serve");
	owner_put_why(requests->owner, &heard->why, text, sizeof(text));
	end(1, text);
}

/* Runs the top level. */
static void start_guest(struct requests *requests)
{
	struct owner *const owner = requests->owner;
	struct guest_writer frames = owner->frames; /* the bytes are the same each time */
	struct owner_heard heard = { .result = NULL };
	struct err e = ERR_INIT;
	int ends[2], status = 0;

	if (pair(ends, &e) < 0)
		end_because(requests, &e);
	requests->ahead.server = nursery_fork(&owner->nursery, &owner->job->limits, true, ends[1], &e);
	close(ends[1]);
	if (requests->ahead.server < 0)
		end_because(requests, &e);
	(void)!guest_flush(&frames, ends[0], &e);
	(void)!owner_hear(owner, ends[0], &heard, &e);
	if (!heard.ready) {
		kill(requests->ahead.server, SIGKILL);
		if (owner_reap(&status, &e) < 0)
			end_because(requests, &e);
		refuse(requests, &heard, status);
	}
	owner_heard_done(&heard);
	requests->ahead.server_fd = ends[0];
	ahead_fill(&requests->ahead, AHEAD_LOW);
}

/* How a request that has no answer ended, for people and for programs. */
static const char *kind_of(int status, const char **text)
{
	static const struct {
		int signal;
		const char *kind, *text;
	} rows[] = {
		{ SIGPROF, "limit.cpu", "the request used more processor time than it may" },
		{ SIGALRM, "limit.wall", "the request took longer than it may" },
		{ SIGSYS, "denied.syscall", "the request made a call that no script makes" },
	};

	for (size_t i = 0; WIFSIGNALED(status) && i < ARRAY_SIZE(rows); i++)
		if (rows[i].signal == WTERMSIG(status)) {
			*text = rows[i].text;
			return rows[i].kind;
		}
	if ((WIFEXITED(status) && WEXITSTATUS(status) == ISOLATE_CODE_MEMORY) ||
	    (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
		*text = "the request used more memory than it may";
		return "limit.memory";
	}
	*text = "the engine's process for the request failed";
	return WIFSIGNALED(status) ? "signal" : "internal";
}

static void write_error(const struct requests *requests, const struct owner_heard *heard, int status)
{
	struct json json = JSON_NONE;
	const char *text, *kind = kind_of(status, &text);
	char why[2048];

	if (WIFEXITED(status) && heard->failed) {
		owner_put_why(requests->owner, &heard->why, why, sizeof(why));
		kind = "error";
		text = why;
	}
	json_put_object(&json, NULL);
	json_put_object(&json, "error");
	json_put_text(&json, "kind", kind);
	json_put_text(&json, "text", text);
	json_put_end(&json);
	json_put_end(&json);
	json_put_line(&json);
	(void)!fd_write_all(STDOUT_FILENO, json.out.at, json.out.len, &(struct err){ .kind = ERR_NONE });
	json_done(&json);
}

/* JSON of the engine's own making is. What broke out of it could write what looks like answers to other requests. */
static bool is_line(const struct owner_heard *heard)
{
	for (size_t i = 0; i < heard->len; i++)
		if ((unsigned char)heard->result[i] < ' ')
			return false;
	return true;
}

static void write_result(const struct owner_heard *heard)
{
	static const char before[] = "{\"result\":", nothing[] = "null", behind[] = "}\n";
	const size_t at = sizeof(before) - 1, len = heard->len ? heard->len : sizeof(nothing) - 1;
	OWN_MEM char *line = mem_raw(at + len + sizeof(behind));
	struct err e;

	/* Written at once: who reads it is woken once. */
	memcpy(line, before, at);
	memcpy(line + at, heard->len ? heard->result : nothing, len);
	memcpy(line + at + len, behind, sizeof(behind));
	if (fd_write_all(STDOUT_FILENO, line, at + len + sizeof(behind) - 1, &e) < 0)
		end(CODE_SETUP, e.text);
}

/* The kernel ends a request at its limit. What is there longer broke out of the engine and made the forks itself: then
 * this process ends by its own clock, and the box with it. */
static void watch(const struct requests *requests, bool on)
{
	const uint64_t wall_us = requests->owner->job->limits.wall_us, us = on && wall_us ? wall_us + PATIENCE_US : 0;
	const struct itimerval value = { .it_value = { (time_t)(us / 1000000), (suseconds_t)(us % 1000000) } };

	setitimer(ITIMER_REAL, &value, NULL);
}

static void restart(struct requests *requests)
{
	struct err e;
	int status;

	ahead_drop(&requests->ahead);
	if (requests->ahead.server)
		kill(requests->ahead.server, SIGKILL);
	while (owner_reap(&status, &e) > 0)
		;
	close(requests->ahead.server_fd);
	requests->ahead.n_ending = 0; /* reaped with the rest: their numbers may be others' now */
	requests->ahead.most = AHEAD_MAX;
	start_guest(requests);
}

static void take_fork(struct requests *requests, struct ahead_fork *fork)
{
	struct err e = ERR_INIT;

	*fork = (struct ahead_fork){ .fd = -1 };
	while (ahead_take(&requests->ahead, fork, &e) < 0) {
		if (e.kind == ERR_LIMIT)
			return;
		restart(requests);
	}
}

static void ask(struct requests *requests, const struct ahead_fork *fork, const char *line, size_t len)
{
	struct guest_writer out = { .at = 0 };
	struct err e = ERR_INIT;

	if (guest_put(&out, GUEST_REQUEST, line, len, &e) < 0)
		end_because(requests, &e);
	(void)!guest_flush(&out, fork->fd, &e); /* one that has ended is heard of */
	guest_writer_done(&out);
}

/* How long until it is to be looked at again: whether it takes long, and whether it took too long. */
static int patience_ms(const struct requests *requests, const struct ahead_fork *fork, uint64_t spent_us)
{
	const uint64_t wall_us = requests->owner->job->limits.wall_us;
	const uint64_t left_ms = wall_us > spent_us ? (wall_us - spent_us + 999) / 1000 : 0;

	if (fork->processor >= 0 || requests->ahead.is_placed)
		return LONG_MS;
	return !wall_us ? -1 : left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
}

/* Until its last word. Its clock of time begins with its request, of which it does not know before: so it is kept here, and
 * it ends as by a clock of its own. */
static int hear(struct requests *requests, struct ahead_fork *fork, struct owner_heard *heard, struct err *e)
{
	const uint64_t wall_us = requests->owner->job->limits.wall_us, begun_us = loop_now_us();
	bool is_late = false;
	int rc = 1;

	while (rc > 0 && !heard->done) {
		const uint64_t spent_us = loop_now_us() - begun_us;
		struct pollfd one = { .fd = fork->fd, .events = POLLIN };

		if (!is_late && wall_us && spent_us >= wall_us) {
			is_late = true;
			kill(fork->pid, SIGALRM);
		}
		if (wait_ms(&one, 1, is_late ? -1 : patience_ms(requests, fork, spent_us)) == 0)
			ahead_spread(&requests->ahead, fork);
		else if (one.revents)
			rc = owner_hear_some(requests->owner, fork->fd, &fork->reader, heard, e);
	}
	return rc;
}

/* The end of one that has not answered, in the kernel's words. */
static int status_of(const struct ahead_fork *fork, bool understood)
{
	int status = 0;

	/* What has closed its channel has ended or is about to. */
	kill(fork->pid, SIGKILL);
	if (wait4(fork->pid, &status, 0, NULL) != fork->pid || !understood)
		return ISOLATE_CODE_CHANNEL << 8;
	return status;
}

static void answer(struct requests *requests, const char *line, size_t len)
{
	struct owner_heard heard = { .result = NULL };
	int status = ISOLATE_CODE_SETUP << 8;
	struct ahead_fork fork;
	struct err e = ERR_INIT;

	watch(requests, true);
	take_fork(requests, &fork);
	if (fork.pid) {
		ahead_gather(&requests->ahead, &fork);
		ask(requests, &fork, line, len);
		if (line_end(requests))
			ahead_fill(&requests->ahead, AHEAD_LOW);
		status = hear(requests, &fork, &heard, &e);
		status = heard.done ? 0 : status_of(&fork, status >= 0);
	}
	watch(requests, false);
	if (heard.done && !heard.failed && is_line(&heard))
		write_result(&heard);
	else
		write_error(requests, &heard, status);
	/* Its answer was its last word: whatever it still does is nobody's. */
	fork.pid = heard.done ? fork.pid : 0;
	ahead_end(&requests->ahead, &fork);
	owner_heard_done(&heard);
}

_Noreturn void requests_run(struct owner *owner, const struct ahead *ahead)
{
	struct requests requests = { .owner = owner };
	const char *line;
	size_t len;

	requests.ahead = *ahead;
	start_guest(&requests);
	while (next_line(&requests, &line, &len))
		if (len)
			answer(&requests, line, len);
	_exit(0);
}
