/* Reads as fast as the job does: nothing is taken from standard input while the service has not taken what came before. */
#include "cmd/interact.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/terminal.h"
#include "remote/socket.h"
#include "serve/window.h"

#define PIECE 16384

struct talk {
	struct remote *remote;
	struct socket *socket;
	int size_fd;            /* SIGWINCH; -1 = none */
	bool has_tty, input_ended;
};

/* 0: none, or none that a job may have. */
static uint32_t size_here(void)
{
	const uint32_t size = terminal_size(STDIN_FILENO, STDOUT_FILENO), rows = size >> 16, cols = size & 0xffff;

	return rows && cols && rows <= JOB_SIDE_MAX && cols <= JOB_SIDE_MAX ? size : 0;
}

uint32_t interact_size(void)
{
	const uint32_t size = size_here();

	return size ? size : 24 << 16 | 80;
}

static int take(void *at, unsigned which, const char *bytes, size_t len, struct err *e)
{
	return remote_write(((struct talk *)at)->remote, which, bytes, len, e);
}

static void send_size(const struct talk *talk)
{
	const uint32_t size = size_here();

	if (size)
		socket_send_size(talk->socket, size >> 16, size & 0xffff);
}

static void read_input(struct talk *talk)
{
	char bytes[PIECE];
	const ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	talk->input_ended = n <= 0;
	if (n > 0)
		socket_send_bytes(talk->socket, bytes, (size_t)n);
	else
		socket_send_eof(talk->socket);
}

static int turn(struct talk *talk, struct err *e)
{
	struct remote *const remote = talk->remote;
	struct pollfd polls[] = {
		{ .fd = socket_fd(talk->socket), .events = socket_events(talk->socket) },
		{ .fd = talk->input_ended || !socket_takes(talk->socket) ? -1 : STDIN_FILENO, .events = POLLIN },
		{ .fd = talk->size_fd, .events = POLLIN },
		{ .fd = remote->signal_fd, .events = POLLIN },
	};
	struct signalfd_siginfo info;

	if (poll(polls, 4, -1) < 0 && errno != EINTR)
		return err_sys(e, "poll");
	if (remote->service.waits(remote->service.at, NULL) < 0)
		return err_set(e, ERR_CONFLICT, "interrupted");
	if (polls[1].revents)
		read_input(talk);
	if (polls[2].revents && read(talk->size_fd, &info, sizeof(info)) == sizeof(info))
		send_size(talk);
	return socket_turn(talk->socket, e);
}

static int watch_size(struct talk *talk, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	talk->size_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return talk->size_fd < 0 ? err_sys(e, "signalfd") : 0;
}

int interact(struct remote *remote, const char *id, bool has_tty, struct err *e)
{
	struct talk talk = { .remote = remote, .has_tty = has_tty, .size_fd = -1 };
	struct terminal terminal = TERMINAL_NONE;
	OWN(str) path = STR_NONE;
	int status;

	if (remote_job_path(id, "/io", &path, e) < 0 ||
	    socket_open(remote->http, str_text(&path), take, &talk, &talk.socket, e) < 0)
		return -1;
	remote_show(remote, NULL);
	status = has_tty ? watch_size(&talk, e) : 0;
	if (has_tty)
		terminal_raw(&terminal, STDIN_FILENO);
	/* Frames that came with the service's answer are here already: no event tells of them. */
	if (status == 0)
		status = socket_turn(talk.socket, e);
	while (status == 0)
		status = turn(&talk, e);
	terminal_restore(&terminal);
	fd_close(talk.size_fd);
	socket_free(talk.socket);
	return status < 0 ? -1 : 0;
}
