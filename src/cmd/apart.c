/* fork(2) and waiting. Refuses to call a child that was killed a success. */
#include "cmd/apart.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static const int watched[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

_Noreturn static void be_child(int (*work)(void *at), void *at, const sigset_t *mask, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	_exit(getppid() == parent ? work(at) & 0xff : 1);
}

/* Until the child is over; its wait status. */
static int wait_for(pid_t child, const sigset_t *set)
{
	int status = 0;

	for (;;) {
		const pid_t done = waitpid(child, &status, WNOHANG);
		siginfo_t info;

		if (done == child || (done < 0 && errno != EINTR))
			return done == child ? status : SIGKILL;
		if (sigwaitinfo(set, &info) > 0 && info.si_signo != SIGCHLD && info.si_code != SI_KERNEL)
			kill(child, info.si_signo);
	}
}

int apart_run(int (*work)(void *at), void *at, struct err *e)
{
	const pid_t self = getpid();
	sigset_t set, before;
	pid_t child;
	int status;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		sigaddset(&set, watched[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
	child = fork();
	if (child == 0)
		be_child(work, at, &before, self);
	status = child < 0 ? 0 : wait_for(child, &set);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (child < 0)
		return err_sys(e, "fork");
	if (!WIFEXITED(status))
		return err_set(e, ERR_SYSTEM, "the part of ward that ran the program was killed by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}
