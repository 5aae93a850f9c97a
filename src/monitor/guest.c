/* The program's side: the last rights go, in the one safe order, and then the program is executed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mech/drop.h"
#include "mech/landlock.h"
#include "mech/seccomp.h"
#include "monitor/walk.h"

static int do_session(struct walk *walk, const struct step *step, struct err *e)
{
	(void)step;
	if (drop_session(walk->tty_fd, e) < 0)
		return -1;
	for (int fd = 0; walk->tty_fd >= 0 && fd < 3; fd++)
		if (dup2(walk->tty_fd, fd) < 0)
			return err_sys(e, "put the terminal at %d", fd);
	return 0;
}

static int do_stdio(struct walk *walk, const struct step *step, struct err *e)
{
	if (dup2(walk->fds[step->fd], (int)step->n) < 0)
		return err_sys(e, "put a stream at %d", (int)step->n);
	return 0;
}

static int do_chdir(struct walk *walk, const struct step *step, struct err *e)
{
	const char *path = plan_string(walk->plan, step->s);

	return chdir(path) < 0 ? err_sys(e, "working directory %s", path) : 0;
}

static int do_fds(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk, (void)step;
	return close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0 ? err_sys(e, "close_range") : 0;
}

static int do_pass(struct walk *walk, const struct step *step, struct err *e)
{
	if (dup2(walk->fds[step->fd], (int)step->n) < 0)
		return err_sys(e, "pass descriptor %d", (int)step->n);
	return 0;
}

static int do_rlimit(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk;
	return drop_rlimit((int)step->flags, step->n, step->m, e);
}

static int do_no_dump(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk, (void)step;
	return drop_dumps(e);
}

static int do_speculation(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk;
	return drop_speculation(step->flags, e);
}

static int do_no_tsc(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk, (void)step;
	return drop_tsc(e);
}

static int do_mdwe(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk, (void)step;
	return drop_exec_gain(e);
}

static int do_no_aslr(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk, (void)step;
	return drop_aslr(e);
}

static int do_caps(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk;
	if (step->flags == CAPS_ALL_AMBIENT)
		return drop_nothing(e);
	return drop_caps(step->flags == CAPS_ADMIN_UNTIL_EXEC ? 1u << CAP_SYS_ADMIN : 0, e);
}

static int do_no_new_privs(struct walk *walk, const struct step *step, struct err *e)
{
	(void)walk, (void)step;
	return drop_new_privs(e);
}

static int do_landlock(struct walk *walk, const struct step *step, struct err *e)
{
	walk->rules_fd = landlock_new(step->n, step->m, step->flags, e);
	return walk->rules_fd < 0 ? -1 : 0;
}

static int do_landlock_path(struct walk *walk, const struct step *step, struct err *e)
{
	return landlock_add_path(walk->rules_fd, plan_string(walk->plan, step->s), step->flags, step->n, e);
}

static int do_landlock_port(struct walk *walk, const struct step *step, struct err *e)
{
	return landlock_add_port(walk->rules_fd, (uint16_t)step->n, step->m, e);
}

static int do_landlock_on(struct walk *walk, const struct step *step, struct err *e)
{
	(void)step;
	return landlock_enter(walk->rules_fd, e);
}

static int do_filter(struct walk *walk, const struct step *step, struct err *e)
{
	const void *program = plan_string(walk->plan, step->s);
	const int fd = seccomp_enter(program, step->n, step->flags, e);

	/* From here on nothing may be called but execve and exit_group: the rest is the policy's to refuse,
	 * and nobody listens yet. So the note that it worked is a store, not a call. */
	if (fd > 0)
		walk->shared->listener = fd;
	return fd < 0 ? -1 : 0;
}

struct strings {
	char **argv, **envp;
	const char *path;       /* value of PATH in envp */
};

static char **point(const char *at, uint64_t n, char **list)
{
	for (uint64_t i = 0; i < n; i++) {
		list[i] = (char *)(uintptr_t)at;
		at += strlen(at) + 1;
	}
	list[n] = NULL;
	return list + n + 1;
}

/* Before the filter: memory for the two lists, and where to look. */
static int find_strings(struct walk *walk, const struct step *step, struct strings *out, struct err *e)
{
	const size_t bytes = (step->n + step->m + 2) * sizeof(char *);
	char **lists = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (lists == MAP_FAILED)
		return err_sys(e, "mmap");
	walk->lists = lists;
	walk->lists_bytes = bytes;
	out->argv = lists;
	out->envp = point(plan_string(walk->plan, step->s), step->n, lists);
	point(plan_string(walk->plan, step->t), step->m, out->envp);
	out->path = "/usr/bin:/bin";
	for (char **variable = out->envp; *variable; variable++)
		if (!strncmp(*variable, "PATH=", 5))
			out->path = *variable + 5;
	return 0;
}

_Static_assert((int)FILTER_LISTENER == SECCOMP_LISTEN && (int)FILTER_WAIT == SECCOMP_WAIT, "one set of flags");

/* With the mark: a filter that asks about every call must let this one pass, since nobody listens yet. */
static void enter(const char *path, const struct strings *strings)
{
	syscall(SYS_execve, path, strings->argv, strings->envp, PLAN_EXEC_MARK);
}

/* execvp without its shell: ENOEXEC is an answer. The error that says most wins: found but refused
 * beats not found. */
static int execute(const struct strings *strings)
{
	const char *name = strings->argv[0];
	char path[4096];
	int found = ENOENT;

	if (strchr(name, '/')) {
		enter(name, strings);
		return errno;
	}
	for (const char *at = strings->path; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
		const int len = (int)strcspn(at, ":");

		if (len == 0 || snprintf(path, sizeof(path), "%.*s/%s", len, at, name) >= (int)sizeof(path))
			continue;
		enter(path, strings);
		if (errno != ENOENT && errno != ENOTDIR)
			found = errno;
	}
	return found;
}

static struct strings strings;

static int do_exec(struct walk *walk, const struct step *step, struct err *e)
{
	(void)step, (void)e;
	walk->shared->layers = walk->layers;
	walk->shared->exec_errno = execute(&strings);
	return 0;
}

static const walk_fn guest_table[OPS] = {
	[OP_SESSION] = do_session,   [OP_STDIO] = do_stdio,        [OP_CHDIR] = do_chdir,
	[OP_FDS] = do_fds,           [OP_PASS] = do_pass,          [OP_RLIMIT] = do_rlimit,
	[OP_NO_DUMP] = do_no_dump,   [OP_SPECULATION] = do_speculation, [OP_NO_TSC] = do_no_tsc,
	[OP_MDWE] = do_mdwe,         [OP_NO_ASLR] = do_no_aslr,    [OP_CAPS] = do_caps,
	[OP_NO_NEW_PRIVS] = do_no_new_privs, [OP_LANDLOCK] = do_landlock,
	[OP_LANDLOCK_PATH] = do_landlock_path, [OP_LANDLOCK_PORT] = do_landlock_port,
	[OP_LANDLOCK_ON] = do_landlock_on, [OP_FLOOR] = do_filter, [OP_SECCOMP] = do_filter,
	[OP_EXEC] = do_exec,
};

/* What ward ignores or blocks must not be inherited: a program expects SIGPIPE to end it. */
static void reset_signals(void)
{
	const struct sigaction default_action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < 32; number++) /* nobody ignores real-time signals */
		sigaction(number, &default_action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int walk_guest(void *at)
{
	struct walk *walk = at;
	const struct step *last = &walk->plan->steps[walk->plan->n_steps - 1];
	struct err e = ERR_INIT;

	prctl(PR_SET_NAME, "ward-guest", 0, 0, 0);
	reset_signals();
	umask(022);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (find_strings(walk, last, &strings, &e) < 0 || walk_side(walk, SIDE_GUEST, guest_table, &e) < 0) {
		walk->shared->err = e;
		walk->shared->failed = 1;
	}
	_exit(1);
}
