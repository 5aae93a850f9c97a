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
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"

#define LINE_MAX_BYTES ((size_t)16 << 20)
#define CODE_SETUP 125
#define PATIENCE_US 2000000

struct requests {
	struct owner *owner;
	char *input;            /* lines that wait */
	size_t at, len, cap;
	bool ended;
	int guest_fd;           /* the channel of the guest that forks, -1: there is none */
	pid_t guest;
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

/* The next line without its end; false: there is none. One that is too long ends everything: where the next one begins
 * is not known. */
static bool next_line(struct requests *requests, const char **line, size_t *len)
{
	for (;;) {
		char *const from = requests->input + requests->at;
		const size_t have = requests->len - requests->at;
		const char *const newline = have ? memchr(from, '\n', have) : NULL;
		ssize_t got;

		if (newline || (requests->ended && have)) {
			*line = from;
			*len = newline ? (size_t)(newline - from) : have;
			requests->at += *len + (newline != NULL);
			return true;
		}
		if (requests->ended)
			return false;
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
	requests->guest = nursery_fork(&owner->nursery, &owner->job->limits, true, ends[1], &e);
	close(ends[1]);
	if (requests->guest < 0)
		end_because(requests, &e);
	(void)!guest_flush(&frames, ends[0], &e);
	(void)!owner_hear(owner, ends[0], &heard, &e);
	if (!heard.ready) {
		kill(requests->guest, SIGKILL);
		if (owner_reap(&status, &e) < 0)
			end_because(requests, &e);
		refuse(requests, &heard, status);
	}
	owner_heard_done(&heard);
	requests->guest_fd = ends[0];
}

static bool send_channel(int guest_fd, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	uint32_t head[2] = { GUEST_SERVE, 0 };
	struct iovec iov = { head, sizeof(head) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *const cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(guest_fd, &msg, MSG_NOSIGNAL) == sizeof(head);
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
	struct err e;

	if (fd_write_all(STDOUT_FILENO, "{\"result\":", 10, &e) < 0 ||
	    fd_write_all(STDOUT_FILENO, heard->result ? heard->result : "null", heard->result ? heard->len : 4, &e) < 0 ||
	    fd_write_all(STDOUT_FILENO, "}\n", 2, &e) < 0)
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

/* The fork's end. The guest itself ends only when the kernel wants memory: then it is started again. */
static bool reap_fork(struct requests *requests, int *status)
{
	struct err e;
	pid_t pid;

	while ((pid = owner_reap(status, &e)) == requests->guest)
		requests->guest = 0;
	return pid > 0;
}

static void restart(struct requests *requests)
{
	struct err e;
	int status;

	if (requests->guest) {
		kill(requests->guest, SIGKILL);
		while (owner_reap(&status, &e) > 0)
			;
	}
	close(requests->guest_fd);
	start_guest(requests);
}

static bool ask(struct requests *requests, int ends[2], const char *line, size_t len)
{
	struct guest_writer out = { .at = 0 };
	struct err e = ERR_INIT;
	bool sent;

	if (pair(ends, &e) < 0 || guest_put(&out, GUEST_REQUEST, line, len, &e) < 0)
		end_because(requests, &e);
	sent = send_channel(requests->guest_fd, ends[1]);
	close(ends[1]);
	if (sent)
		(void)!guest_flush(&out, ends[0], &e);
	else
		close(ends[0]);
	guest_writer_done(&out);
	return sent;
}

static void answer(struct requests *requests, const char *line, size_t len)
{
	struct owner_heard heard = { .result = NULL };
	struct err e = ERR_INIT;
	int ends[2], status = 0;
	bool good;

	watch(requests, true);
	while (!ask(requests, ends, line, len))
		restart(requests);
	good = owner_hear(requests->owner, ends[0], &heard, &e) == 0;
	close(ends[0]);
	good = reap_fork(requests, &status) && good;
	watch(requests, false);
	if (good && WIFEXITED(status) && WEXITSTATUS(status) == ISOLATE_CODE_OK && is_line(&heard))
		write_result(&heard);
	else
		write_error(requests, &heard, status);
	owner_heard_done(&heard);
}

_Noreturn void requests_run(struct owner *owner)
{
	struct requests requests = { .owner = owner, .guest_fd = -1 };
	const char *line;
	size_t len;

	start_guest(&requests);
	while (next_line(&requests, &line, &len))
		if (len)
			answer(&requests, line, len);
	_exit(0);
}
