/* The first process of a box after the program was started. Holds the note channel and no right:
 * reaps, forwards signals, tells the end. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/confine.h"
#include "mech/drop.h"
#include "mech/orphans.h"
#include "monitor/walk.h"

/* Where no PID namespace ends the others with us, ending them takes the last row as well. */
#define OWN_PIDS_CALLS 9
static const uint16_t calls[] = {
	SYS_wait4, SYS_rt_sigtimedwait, SYS_kill, SYS_sendmsg, SYS_exit_group, SYS_close_range,
	SYS_getrusage, SYS_rt_sigreturn, SYS_restart_syscall,
	SYS_openat, SYS_read, SYS_close, SYS_clock_nanosleep,
};

#define KEEPER_GONE 64          /* a real-time signal nobody else uses */
#define PATIENCE_MS 5000

static const int forwarded[] = { SIGTERM, SIGINT,   SIGHUP,  SIGQUIT, SIGUSR1,
				 SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT };

static void watched(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, KEEPER_GONE);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(set, forwarded[i]);
}

void init_begin(bool own_pids)
{
	sigset_t set;

	watched(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_PDEATHSIG, own_pids ? SIGKILL : KEEPER_GONE, 0, 0, 0);
	/* Orphans come here to be reaped, not to the keeper, which is asleep. */
	if (!own_pids)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
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
	(void)note_send(note_fd, &note, -1);
	_exit(0);
}

/* The table was the program's too until it executed: our copy of its streams must not keep them open. */
static void close_all_but(int note_fd)
{
	close_range(0, (unsigned)note_fd - 1, 0);
	close_range((unsigned)note_fd + 1, ~0u, 0);
}

static void confine(int note_fd, bool own_pids)
{
	struct box_note note = { .kind = BOX_FAILED };

	if (drop_own_caps(0, &note.err) < 0 || confine_calls(calls, own_pids ? OWN_PIDS_CALLS : ARRAY_SIZE(calls), &note.err) < 0) {
		(void)note_send(note_fd, &note, -1);
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

/* What a terminal would send goes to the group in front of it, the rest to the program itself. */
static void forward(int program_pid, int number)
{
	const bool to_group = number == SIGINT || number == SIGQUIT || number == SIGTSTP || number == SIGCONT ||
			      number == SIGWINCH;

	if (!to_group || kill(-program_pid, number) < 0)
		kill(program_pid, number);
}

_Noreturn void init_live(int note_fd, int program_pid, bool own_pids)
{
	struct err ignored;
	sigset_t set;

	close_all_but(note_fd);
	mem_trim_stack();
	watched(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	confine(note_fd, own_pids);
	for (;;) {
		int number;

		/* Children that ended before SIGCHLD was blocked are found here as well. */
		reap(note_fd, program_pid);
		number = sigwaitinfo(&set, NULL);
		if (number == KEEPER_GONE)
			_exit(orphans_kill(PATIENCE_MS, &ignored) < 0);
		if (number > 0 && number != SIGCHLD)
			forward(program_pid, number);
	}
}
