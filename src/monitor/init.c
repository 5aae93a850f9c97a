/* The first process of a box after the program was started. Holds the note channel and no right:
 * reaps, forwards signals, tells the end. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/confine.h"
#include "mech/drop.h"
#include "monitor/walk.h"

static const uint16_t calls[] = {
	SYS_wait4, SYS_rt_sigtimedwait, SYS_kill, SYS_sendmsg, SYS_exit_group, SYS_close_range,
	SYS_getrusage, SYS_rt_sigreturn, SYS_restart_syscall,
};

static const int forwarded[] = { SIGTERM, SIGINT,   SIGHUP,  SIGQUIT, SIGUSR1,
				 SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT };

static void watched(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(set, forwarded[i]);
}

_Noreturn static void end(int note_fd, int status)
{
	struct box_note note = { .kind = BOX_ENDED, .value = status };
	struct rusage usage;

	if (getrusage(RUSAGE_CHILDREN, &usage) == 0) {
		note.cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
			      (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
		note.rss_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
	}
	note_send(note_fd, &note, -1);
	_exit(0);
}

/* The table was the program's too until it executed: our copy of its streams must not keep them open. */
static void close_all_but(int note_fd)
{
	close_range(0, (unsigned)note_fd - 1, 0);
	close_range((unsigned)note_fd + 1, ~0u, 0);
}

static void confine(int note_fd)
{
	struct box_note note = { .kind = BOX_FAILED };

	if (drop_own_caps(0, &note.err) < 0 || confine_calls(calls, ARRAY_SIZE(calls), &note.err) < 0) {
		note_send(note_fd, &note, -1);
		_exit(1);
	}
}

static void reap(int note_fd, int program_pid)
{
	int status, pid;

	while ((pid = wait4(-1, &status, WNOHANG, NULL)) > 0)
		if (pid == program_pid)
			end(note_fd, status);
}

_Noreturn void init_live(int note_fd, int program_pid)
{
	sigset_t set;

	close_all_but(note_fd);
	watched(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	confine(note_fd);
	for (;;) {
		int signal;

		/* Children that ended before SIGCHLD was blocked are found here as well. */
		reap(note_fd, program_pid);
		signal = sigwaitinfo(&set, NULL);
		if (signal > 0 && signal != SIGCHLD)
			kill(program_pid, signal);
	}
}
