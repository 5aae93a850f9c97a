/* signalfd(2). Refuses to run code in a signal handler. */
#include "engine/signals.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"

static void add_unless_ignored(sigset_t *set, int signal)
{
	struct sigaction now;

	if (!sigaction(signal, NULL, &now) && now.sa_handler != SIG_IGN)
		sigaddset(set, signal);
}

int signals_open(struct signals *out, bool with_winch, struct err *e)
{
	static const int answered[] = {
		SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP,
	};
	struct signals signals = SIGNALS_NONE;
	sigset_t read_set, block_set;

	sigemptyset(&read_set);
	for (size_t i = 0; i < ARRAY_SIZE(answered); i++)
		add_unless_ignored(&read_set, answered[i]);
	if (with_winch)
		sigaddset(&read_set, SIGWINCH);
	block_set = read_set;
	sigaddset(&block_set, SIGTTIN);
	sigaddset(&block_set, SIGTTOU);
	signals.fd = signalfd(-1, &read_set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals.fd < 0)
		return err_sys(e, "signalfd");
	sigprocmask(SIG_BLOCK, &block_set, &signals.saved_mask);
	signals.blocked = true;
	*out = signals;
	return 0;
}

void signals_ignore_pipe(struct signals *signals)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	signals->pipe_ignored = !sigaction(SIGPIPE, &ignore, &signals->saved_pipe);
}

int signals_next(const struct signals *signals)
{
	struct signalfd_siginfo info;

	if (read(signals->fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

void signals_close(struct signals *signals)
{
	if (signals->pipe_ignored)
		sigaction(SIGPIPE, &signals->saved_pipe, NULL);
	if (signals->blocked)
		sigprocmask(SIG_SETMASK, &signals->saved_mask, NULL);
	fd_close(signals->fd);
	*signals = SIGNALS_NONE;
}
