/* Tries every primitive in a bounded child. Refuses to do anything in the process that asks. */
#include "mech/probe_try.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/probe.h"

#define TRY_MS  5000
#define OUR_OWN ERR_CONFLICT /* a sentence of a try; other kinds come from the mechanism itself */

__attribute__((format(printf, 2, 0))) static void say(struct err *said, const char *format,
						      va_list args)
{
	char text[sizeof(said->text)];

	vsnprintf(text, sizeof(text), format, args);
	err_set(said, OUR_OWN, "%s", text);
}

enum tried try_say(struct err *said, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(said, format, args);
	va_end(args);
	return TRIED_YES;
}

enum tried try_deny(struct err *said, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(said, format, args);
	va_end(args);
	return TRIED_NO;
}

enum tried try_skip(struct err *said, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(said, format, args);
	va_end(args);
	return TRIED_NOT;
}

static bool put(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	const int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return done;
}

bool try_enter_userns(void)
{
	const unsigned uid = geteuid(), gid = getegid();
	char uid_map[32], gid_map[32];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", uid);
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", gid);
	return unshare(CLONE_NEWUSER) == 0 && put("/proc/self/setgroups", "deny") &&
	       put("/proc/self/uid_map", uid_map) && put("/proc/self/gid_map", gid_map);
}

int try_in_child(int (*body)(void))
{
	const pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(body());
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* What a child tells, in memory it shares with us. */
struct finding {
	enum tried tried;
	bool is_said;
	int error;
	struct err said;
};

_Noreturn static void child(const struct try *try, struct finding *out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	out->said = ERR_INIT;
	errno = 0;
	const enum tried tried = try->body(try->arg, &out->said);
	out->error = out->said.kind == ERR_NONE ? errno : out->said.sys;
	out->is_said = out->said.kind != ERR_NONE;
	out->tried = tried;
	_exit(0);
}

/* Waits for a child and ends it with everything in its process group when it takes too long. */
static int wait_for(pid_t pid)
{
	const struct timespec nap = {.tv_nsec = 200000};
	int status = 0;

	for (int slept_us = 0; slept_us < TRY_MS * 1000; slept_us += 200) {
		if (waitpid(pid, &status, WNOHANG) != 0)
			return status;
		nanosleep(&nap, NULL);
	}
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return status;
}

static bool is_too_old(int error)
{
	return error == ENOSYS || error == EINVAL || error == EOPNOTSUPP || error == E2BIG ||
	       error == ENOPROTOOPT || error == ENODEV;
}

/* "cause: fix", as mechanisms put it when a host cannot do something. */
static bool split_fix(const struct err *said, struct probe_item *item)
{
	const char *colon = said->kind == ERR_UNSUPPORTED ? strstr(said->text, ": ") : NULL;

	if (!colon)
		return false;
	snprintf(item->detail, sizeof(item->detail), "%.*s", (int)(colon - said->text), said->text);
	snprintf(item->fix, sizeof(item->fix), "%.*s", (int)sizeof(item->fix) - 1, colon + 2);
	return true;
}

static void explain(const struct try *try, const struct finding *found, struct probe_item *item)
{
	const bool old = try->since && is_too_old(found->error);

	if (found->is_said && split_fix(&found->said, item))
		return;
	if (found->is_said)
		snprintf(item->detail, sizeof(item->detail), "%.*s", (int)sizeof(item->detail) - 1,
			 found->said.text);
	else if (found->tried != TRIED_YES)
		snprintf(item->detail, sizeof(item->detail),
			 old ? "this kernel lacks it (%s)" : "%s", strerror(found->error));
	if (found->tried == TRIED_YES)
		return;
	if (old)
		snprintf(item->fix, sizeof(item->fix), "Linux %s or newer", try->since);
	else if (try->fix)
		snprintf(item->fix, sizeof(item->fix), "%s", try->fix);
}

static void try_one(const struct try *try, struct finding *found, struct probe_item *item)
{
	*item = (struct probe_item){
	    .name = try->name, .works = -1, .container = try->container, .process = try->process};
	*found = (struct finding){.tried = TRIED_NOT, .error = ECHILD};
	const pid_t pid = fork();
	if (pid == 0)
		child(try, found);
	const int status = pid < 0 ? 0 : wait_for(pid);
	if (pid >= 0 && WIFSIGNALED(status))
		found->is_said =
		    try_skip(&found->said, "the try was ended by signal %d%s", WTERMSIG(status),
			     WTERMSIG(status) == SIGSYS ? ": a filter around ward" : "");
	item->works = found->tried == TRIED_YES ? 1 : found->tried == TRIED_NO ? 0 : -1;
	explain(try, found, item);
}

size_t probe_try(struct probe_item *items, size_t cap)
{
	static const struct try *const families[] = {try_namespaces, try_confinement, try_limits};
	struct finding *found =
	    mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t n = 0;

	if (found == MAP_FAILED)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		for (const struct try *try = families[i]; try->name && n < cap; try++)
			try_one(try, found, &items[n++]);
	munmap(found, sizeof(*found));
	return n;
}
