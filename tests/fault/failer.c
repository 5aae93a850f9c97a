/* Runs a program and makes one system call of one of its processes fail, or only counts the calls.
 *
 *   failer REPORT ROLE NTH ERRNO PROGRAM [ARGUMENT]...
 *
 * ROLE  the ROLE-th process in order of birth, 0 the first; -1: fail nothing
 * NTH   its NTH call, from 1; calls that cannot fail are not counted, nor, once a process has a
 *       seccomp filter of its own, any but execve: a filter would see the replaced call
 * REPORT gets "fired NAME-NUMBER" or, for ROLE -1, a line "ROLE CALLS" for each process: the calls
 *       before the program that is run (by a second execve) had begun.
 * Exits as the first process did. Refuses to outlive its tracees: they die with it. */
#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS 4096

struct task {
	pid_t pid;
	int role;
	int calls;
	int is_filtered, is_inside, is_failing;
	long nr, first;         /* the call and its first argument */
};

struct failer {
	struct task tasks[TASKS];
	int n_tasks, role, nth, error, began;   /* began: the program inside runs */
	int execs;
	long fired;
};

static struct failer failer = { .fired = -1 };
static const char *report_path;

static const long harmless[] = {
	SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_restart_syscall, SYS_futex, SYS_close, SYS_getpid,
	SYS_brk, SYS_munmap, SYS_arch_prctl, SYS_set_tid_address, SYS_set_robust_list, SYS_rseq,
	SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getppid, SYS_gettid, SYS_getpgrp, SYS_umask,
	SYS_clock_gettime, SYS_mprotect /* libc's own, before main */,
};

static struct task *find(struct failer *failer, pid_t pid)
{
	for (int i = 0; i < failer->n_tasks; i++)
		if (failer->tasks[i].pid == pid)
			return &failer->tasks[i];
	if (failer->n_tasks == TASKS)
		exit(99);
	failer->tasks[failer->n_tasks] = (struct task){ .pid = pid, .role = failer->n_tasks };
	return &failer->tasks[failer->n_tasks++];
}

static int counts(const struct task *task, long nr)
{
	if (task->is_filtered && nr != SYS_execve)
		return 0;
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (harmless[i] == nr)
			return 0;
	return 1;
}

static void enter(struct failer *failer, struct task *task)
{
	task->nr = ptrace(PTRACE_PEEKUSER, task->pid, 8 * ORIG_RAX, 0);
	task->first = ptrace(PTRACE_PEEKUSER, task->pid, 8 * RDI, 0);
	if (failer->began || failer->execs == 0 || !counts(task, task->nr))
		return;
	task->calls++;
	if (task->role != failer->role || task->calls != failer->nth)
		return;
	failer->fired = task->nr;
	if (task->nr == SYS_execve) {
		ptrace(PTRACE_POKEUSER, task->pid, 8 * RDI, 0); /* EFAULT */
		return;
	}
	ptrace(PTRACE_POKEUSER, task->pid, 8 * ORIG_RAX, -1L);
	task->is_failing = 1;
}

static void leave(struct failer *failer, struct task *task)
{
	const long result = ptrace(PTRACE_PEEKUSER, task->pid, 8 * RAX, 0);

	if (task->is_failing) {
		ptrace(PTRACE_POKEUSER, task->pid, 8 * RAX, -(long)failer->error);
		task->is_failing = 0;
	} else if (task->nr == SYS_seccomp && task->first == SECCOMP_SET_MODE_FILTER && result >= 0) {
		task->is_filtered = 1;
	}
}

static void take_event(struct failer *failer, struct task *task, int event)
{
	unsigned long pid;

	if (event == PTRACE_EVENT_EXEC) {
		/* The first one is ours, and that of ward itself. */
		if (++failer->execs > 1)
			failer->began = 1;
		return;
	}
	if (ptrace(PTRACE_GETEVENTMSG, task->pid, 0, &pid) == 0)
		find(failer, (pid_t)pid)->is_filtered = task->is_filtered;
}

/* One stop; returns the signal to go on with. */
static int take(struct failer *failer, pid_t pid, int status)
{
	struct task *const task = find(failer, pid);
	const int number = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_STOP)
		return 0;
	if (event) {
		take_event(failer, task, event);
		return 0;
	}
	if (number != (SIGTRAP | 0x80))
		return number == SIGSTOP || number == SIGTRAP ? 0 : number;
	if (task->is_inside)
		leave(failer, task);
	else
		enter(failer, task);
	task->is_inside = !task->is_inside;
	return 0;
}

static void report(const struct failer *of, const char *path)
{
	FILE *const out = fopen(path, "w");

	if (!out)
		exit(99);
	if (of->role >= 0 && of->fired >= 0)
		fprintf(out, "fired %ld\n", of->fired);
	for (int i = 0; of->role < 0 && i < of->n_tasks; i++)
		fprintf(out, "%d %d\n", i, of->tasks[i].calls);
	fclose(out);
}

/* A start that hangs is reported, too, before it is ended from outside. */
static void end(int number)
{
	(void)number;
	report(&failer, report_path);
	_exit(97);
}

static int watch(struct failer *failer, pid_t first)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int status, code = 99;
	pid_t pid;

	if (ptrace(PTRACE_SEIZE, first, 0, options) < 0)
		exit(99);
	find(failer, first);
	kill(first, SIGCONT);
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			/* A process of before its birth was told of. */
			ptrace(PTRACE_SYSCALL, pid, 0, take(failer, pid, status));
			continue;
		}
		if (pid != first)
			continue;
		code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return code;
}

int main(int argc, char **argv)
{
	pid_t first;
	int code;

	if (argc < 6)
		return 99;
	failer.role = atoi(argv[2]);
	failer.nth = atoi(argv[3]);
	failer.error = atoi(argv[4]);
	report_path = argv[1];
	signal(SIGALRM, end);
	alarm(8);
	first = fork();
	if (first == 0) {
		raise(SIGSTOP);
		execv(argv[5], argv + 5);
		_exit(98);
	}
	if (waitpid(first, &code, WUNTRACED) != first)
		return 99;
	code = watch(&failer, first);
	report(&failer, argv[1]);
	return code;
}
