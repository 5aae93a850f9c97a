/* See fake_keeper.h. One box at a time. */
#include "fake_keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

struct fake_keeper fake;

size_t fake_asked(enum mon_op op)
{
	size_t n = 0;

	for (size_t i = 0; i < fake.n_asked; i++)
		n += fake.asked[i] == op;
	return n;
}

void fake_note(enum box_note_kind kind, int64_t value, int fd)
{
	struct box_note note = { .kind = kind, .value = value, .cpu_us = 1234,
				 .rss_peak_bytes = 1 << 20, .layers = kind == BOX_STARTED ? 6 : 0 };
	struct err e;

	if (kind == BOX_FAILED)
		err_set(&note.err, ERR_SYSTEM, "mount: no");
	if (fd_send(fake.note_fd, &note, sizeof(note), &fd, fd >= 0, &e) < 0)
		_exit(9);
}

void fake_started(int fd)
{
	fake_note(BOX_STARTED, 0, fd);
}

void fake_ended(int status)
{
	fake_note(BOX_ENDED, status, -1);
}

_Noreturn static void be_box(const int *fds, size_t n_fds, int note_fd)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fake.note_fd = note_fd;
	for (size_t i = 0; i < 3; i++)
		fake.fds[i] = i < n_fds ? fds[i] : -1;
	/* Nothing of ward's may be held open here, or no pipe would ever end. */
	for (int fd = 3; fd < 256; fd++)
		if (fd != note_fd && fd != fake.fds[0] && fd != fake.fds[1] && fd != fake.fds[2])
			close(fd);
	fake.box(&fake);
	_exit(0);
}

int mon_spawn(const struct plan *plan, const int *fds, size_t n_fds, const char *monitor,
	      struct box *out, uint64_t *layers, struct err *e)
{
	int note[2], control[2];

	(void)plan;
	(void)monitor;
	if (fake.fails_spawn)
		return err_set(e, ERR_DENIED, "the plan is refused");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, note) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
		return err_sys(e, "socketpair");
	fake.pid = fork();
	if (fake.pid < 0)
		return err_sys(e, "fork");
	if (fake.pid == 0)
		be_box(fds, n_fds, note[1]);
	close(note[1]);
	fake.control_peer = control[1];
	if (fake.dies)
		fd_close_at(&fake.control_peer);
	*out = (struct box){ .control_fd = control[0], .note_fd = note[0] };
	*layers = 1;
	return 0;
}

static void end_box(void)
{
	if (fake.pid <= 0)
		return;
	kill(fake.pid, SIGKILL);
	waitpid(fake.pid, NULL, 0);
	fake.pid = 0;
}

int mon_ask(struct box *box, enum mon_op op, uint64_t arg, struct mon_res *res, struct err *e)
{
	(void)box;
	if (fake.n_asked < 64) {
		fake.asked[fake.n_asked] = op;
		fake.args[fake.n_asked++] = arg;
	}
	if (fake.is_silent && fake.n_asked == 1) {
		err_set(e, ERR_SYSTEM, "the keeper has not answered");
		e->sys = ETIMEDOUT;
		return -1;
	}
	if (fake.dies || fake.is_silent)
		return err_set(e, ERR_SYSTEM, "the keeper has gone");
	if (op == MON_SIGNAL)
		kill(fake.pid, (int)arg);
	if (op == MON_KILL || op == MON_RELEASE)
		end_box();
	if (op == MON_RELEASE && fake.fails_release)
		return err_set(e, ERR_SYSTEM, "processes of the box cannot be killed");
	fake.usage.cpu_us += fake.cpu_step_us;
	*res = (struct mon_res){ .op = op, .usage = fake.usage };
	return 0;
}

int mon_read_note(const struct box *box, struct box_note *note, int *fd, struct err *e)
{
	size_t n_fds = 0;
	const ssize_t n = fd_receive(box->note_fd, note, sizeof(*note), fd, 1, &n_fds, e);

	if (!n_fds)
		*fd = -1;
	return n > 0 ? 1 : (int)n;
}

void mon_close(struct box *box)
{
	end_box();
	fd_close_at(&box->control_fd);
	fd_close_at(&box->note_fd);
	fd_close_at(&fake.control_peer);
}
