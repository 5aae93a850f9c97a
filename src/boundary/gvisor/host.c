/* ward-runsc: starts gVisor's runsc inside a box that ward made, and tells its failures from the program's.
 *
 *   ward-runsc PROGRAM PATH CWD
 *
 * Everything else is in the bundle, which is part of the plan. It ends as the program does, with its exit code or by
 * its signal; 127 and 126: the program is not there or cannot be executed. When gVisor fails, it says so and dies of
 * GVISOR_FAILED. It trusts nothing that the program can write to. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "boundary/gvisor/failed.h"

#define ROOT  "/rootfs"
#define RUNSC "/ward/runsc"
#define STATE "--root=/ward/run"
#define LOG   "/ward/run/log"   /* why runsc failed */
#define NOTES "/ward/run/notes" /* what its command did, and how the program ended */
#define PANIC "/ward/run/panic" /* the last words of the kernel in user space */

enum { SETUP = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

/* ---- is the program there? ---- */

/* The file a name stands for, in the tree the program will see: no link leads out of it. */
static int look(int root_fd, const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	struct stat st;
	OWN_FD int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111) ? 0 : NOT_EXECUTABLE;
}

/* As execvp(3) searches: found but refused says more than not found. */
static int search(int root_fd, const char *name, const char *path, const char *cwd)
{
	char full[8192];
	int found = NOT_FOUND;

	if (strchr(name, '/')) {
		snprintf(full, sizeof(full), "%s/%s", *name == '/' ? "" : cwd, name);
		return look(root_fd, full);
	}
	for (const char *at = path; at && *at && found; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
		snprintf(full, sizeof(full), "%.*s/%s", (int)strcspn(at, ":"), at, name);
		const int code = look(root_fd, full);

		found = code == NOT_FOUND ? found : code;
	}
	return found;
}

/* ---- a failure of gVisor's ---- */

_Noreturn static void die_of(int number)
{
	sigset_t none;

	signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	raise(number);
	_exit(128 + number);
}

_Noreturn static void fail(const char *what)
{
	dprintf(STDERR_FILENO, "ward-runsc: %s\n", what);
	die_of(GVISOR_FAILED);
}

/* ---- runsc's commands ---- */

static void write_map(const char *path, const char *text)
{
	OWN_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("no user namespace for runsc");
}

/* Root of a user namespace, with this process's id. runsc has to be that and starts itself anew in one where it is not:
 * a second start of a large program. */
static pid_t fork_as_root(void)
{
	char users[32], groups[32];

	snprintf(users, sizeof(users), "0 %u 1", getuid());
	snprintf(groups, sizeof(groups), "0 %u 1", getgid());
	const pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0) {
		write_map("/proc/self/setgroups", "deny");
		write_map("/proc/self/uid_map", users);
		write_map("/proc/self/gid_map", groups);
	}
	return pid;
}

/* Go's runtime takes orders from the environment: there is one, ours. It collects garbage when there are 4 MiB; a start
 * makes more, all of which dies with it or lives on, so it begins at 8 (docs/gvisor.md, section 5). A group of its own, so
 * that what a terminal sends to the foreground comes here alone and is passed on. */
static pid_t start(const char *const *argv, const sigset_t *before, bool is_kill)
{
	static const char *const orders[] = { "GOGC=200", NULL };
	const pid_t pid = is_kill ? fork() : fork_as_root();

	if (pid)
		return pid;
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, before, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (is_kill)
		for (int fd = 0; fd < 3; fd++)
			close(fd);
	execve(RUNSC, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)orders);
	_exit(NOT_FOUND);
}

static pid_t start_run(const sigset_t *before)
{
	static const char *const argv[] = {
		RUNSC, STATE, "--log=" LOG, "--log-format=json", "--debug-log=" NOTES, "--debug-command=run",
		"--panic-log=" PANIC, "--rootless", "--network=none", "--ignore-cgroups", "--oci-seccomp", "run", "--bundle=/ward/bundle", "box",
		NULL,
	};

	return start(argv, before, false);
}

static pid_t start_kill(int number, const sigset_t *before)
{
	char text[12];
	const char *const argv[] = { RUNSC, STATE, "--rootless", "kill", "box", text, NULL };

	snprintf(text, sizeof(text), "%d", number);
	return start(argv, before, true);
}

/* ---- waiting ---- */

#define TRIES     100   /* a program that has not begun cannot be sent a signal yet */
#define PAUSE_MS  50

/* runsc knows no signals but those that `runsc kill` sends. */
struct passing {
	sigset_t waiting;       /* to be sent */
	pid_t pid;              /* of the command that sends `number`; 0: none */
	int number, tries;
};

static void send_next(struct passing *passing, const sigset_t *before)
{
	for (int number = 1; number < NSIG && !passing->pid; number++) {
		if (sigismember(&passing->waiting, number) != 1)
			continue;
		sigdelset(&passing->waiting, number);
		passing->number = number;
		passing->pid = start_kill(number, before);
		if (passing->pid < 0)
			passing->pid = 0;
	}
}

static void take_end(struct passing *passing, int status)
{
	passing->pid = 0;
	if (status != 0 && ++passing->tries < TRIES)
		sigaddset(&passing->waiting, passing->number);
}

/* Until `run` has ended; its status. */
static int wait_for(pid_t run, const sigset_t *all, const sigset_t *before)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	struct passing passing = { .pid = 0 };
	bool again = false;

	sigemptyset(&passing.waiting);
	for (;;) {
		const int number = again ? sigtimedwait(all, NULL, &pause) : sigwaitinfo(all, NULL);
		int status;
		pid_t ended;

		if (number > 0 && number != SIGCHLD)
			sigaddset(&passing.waiting, number);
		while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
			if (ended == run)
				return status;
			if (ended == passing.pid)
				take_end(&passing, status);
		}
		again = !passing.pid && passing.tries;
		if (number > 0 && number != SIGCHLD)
			passing.tries = 0;
		if (number != SIGCHLD || !again)
			send_next(&passing, before);
	}
}

/* ---- how it ended ---- */

/* The end of a file, as text; it tells how long the file is. */
static size_t read_end(const char *path, char *text, size_t cap)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st = { .st_size = 0 };
	ssize_t n = 0;

	if (fd >= 0 && fstat(fd, &st) == 0)
		n = pread(fd, text, cap - 1, st.st_size < (off_t)cap ? 0 : st.st_size - (off_t)cap + 1);
	text[n > 0 ? n : 0] = '\0';
	return (size_t)st.st_size;
}

/* A line of Go's runtime that tells why it ends. Lines of gVisor's own begin with a letter and a date, whatever the
 * program made it write. */
static const char *last_words(const char *text)
{
	static const char *const begins[] = { "panic: ", "fatal error: ", "runtime: " };

	for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
			if (strncmp(line, begins[i], strlen(begins[i])) == 0)
				return line;
	return NULL;
}

/* When runsc notes that the sandbox was gone before it told how the program ended, the status is the sandbox's. It
 * may be the program's even so: the sandbox ends with that. */
static void check_sandbox(int status)
{
	/* Go tells why first, and then what each of its threads did: with a hundred of them that is long. */
	static char panic[GVISOR_NOTES_BYTES + 1];
	const char *words;

	if (WIFSIGNALED(status))
		fail("gVisor's kernel was killed");
	read_end(PANIC, panic, sizeof(panic));
	words = last_words(panic);
	if (!words)
		return;
	for (char *at = panic; *at; at++)
		*at = *at >= ' ' && *at <= '~' ? *at : *at == '\n' ? '\n' : '?';
	const size_t len = strcspn(words, "\n");

	dprintf(STDERR_FILENO, "ward-runsc: %.*s\n", (int)(len < 400 ? len : 400), words);
	fail("gVisor's kernel failed");
}

/* runsc tells the program's status in full among its notes; its own exit code folds signals into numbers. */
static int status_of(int status)
{
	static const char exiting[] = "Exiting with status: ";
	char notes[16384];
	const char *found = NULL;

	read_end(NOTES, notes, sizeof(notes));
	for (const char *at = notes; (at = strstr(at, exiting)); at += sizeof(exiting) - 1)
		found = at + sizeof(exiting) - 1;
	if (found)
		status = (int)strtol(found, NULL, 10);
	if (strstr(notes, "Will try waiting on the sandbox process instead"))
		check_sandbox(status);
	return status;
}

static int finish(int status)
{
	char log[4096];

	if (!WIFEXITED(status))
		fail("runsc was killed");
	if (read_end(LOG, log, sizeof(log))) {
		/* gVisor's loader read the file and will not have it: the kernel's ENOEXEC. */
		if (strstr(log, "failed to load"))
			return NOT_EXECUTABLE;
		fail("gVisor failed, as it says above");
	}
	status = status_of(status);
	if (WIFSIGNALED(status) && WTERMSIG(status) != GVISOR_FAILED)
		die_of(WTERMSIG(status));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	OWN_FD int root_fd = open(ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	sigset_t all, before;

	if (argc != 4 || root_fd < 0) {
		dprintf(STDERR_FILENO, "ward-runsc: called by ward alone; use `ward run -b gvisor PROGRAM`\n");
		return SETUP;
	}
	const int code = search(root_fd, argv[1], argv[2], argv[3]);
	if (code) {
		dprintf(STDERR_FILENO, "ward-runsc: %.200s: %s\n", argv[1],
			code == NOT_FOUND ? "not found" : "cannot be executed");
		return code;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	const pid_t run = start_run(&before);
	if (run < 0)
		fail("no process for runsc");
	return finish(wait_for(run, &all, &before));
}
