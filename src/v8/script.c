/* One script: its sources, one guest, and an end like the guest's. */
#include "v8/script.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "v8/owner.h"
#include "v8/requests.h"
#include "v8/sources.h"

enum { CODE_SETUP = 125, CODE_NO_SCRIPT, CODE_NOT_THERE };

static _Noreturn void end(int code, const char *text)
{
	dprintf(STDERR_FILENO, "ward-v8: %s\n", text);
	_exit(code);
}

static _Noreturn void end_of(const struct owner *owner, int code, struct err *e)
{
	err_add(e, "%.120s", owner->job->argv[0]);
	end(code, e->text);
}

/* As the guest ended, with the signals by which ward knows a limit. */
static _Noreturn void end_by_signal(int signal)
{
	const int by = signal == SIGPROF ? SIGXCPU : signal;

	kill(getpid(), by);
	_exit(128 + by);
}

static _Noreturn void end_like(const struct owner *owner, const struct owner_heard *heard, int status, struct err *e)
{
	char text[2048];

	if (WIFSIGNALED(status))
		end_by_signal(WTERMSIG(status));
	if (WEXITSTATUS(status) == ISOLATE_CODE_MEMORY)
		end_by_signal(SIGSTKFLT);
	if (WEXITSTATUS(status) == ISOLATE_CODE_ERROR && heard->failed) {
		owner_put_why(owner, &heard->why, text, sizeof(text));
		end(1, text);
	}
	if (WEXITSTATUS(status) != ISOLATE_CODE_OK) {
		err_set(e, ERR_SYSTEM, "the engine's process for it ended with code %d", WEXITSTATUS(status));
		end_of(owner, CODE_SETUP, e);
	}
	if (heard->result && (fd_write_all(STDOUT_FILENO, heard->result, heard->len, e) < 0 ||
			      fd_write_all(STDOUT_FILENO, "\n", 1, e) < 0))
		end_of(owner, CODE_SETUP, e);
	_exit(0);
}

static _Noreturn void run_once(struct owner *owner, struct err *e)
{
	struct owner_heard heard = { .result = NULL };
	int ends[2], pid, status;
	bool understood;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		err_sys(e, "socketpair");
		end_of(owner, CODE_SETUP, e);
	}
	pid = nursery_fork(&owner->nursery, &owner->job->limits, false, ends[1], e);
	close(ends[1]);
	if (pid < 0)
		end_of(owner, CODE_SETUP, e);
	/* One that ends before it has read everything says why. */
	(void)!guest_flush(&owner->frames, ends[0], e);
	understood = owner_hear(owner, ends[0], &heard, e) == 0;
	close(ends[0]);
	if (!understood)
		kill(pid, SIGKILL);
	if (owner_reap(&status, e) < 0 || (!understood && WIFEXITED(status)))
		end_of(owner, CODE_SETUP, e);
	end_like(owner, &heard, status, e);
}

_Noreturn void script_run(const struct guest_job *job)
{
	static struct owner owner;
	struct err e = ERR_INIT;
	struct ahead ahead;

	owner.job = job;
	ahead_open(&ahead);
	if (sources_read(job, &owner.frames, &e) < 0)
		end_of(&owner, e.kind == ERR_MISSING ? CODE_NOT_THERE : CODE_NO_SCRIPT, &e);
	if (owner_put_words(&owner, &owner.frames, job->requests ? GUEST_RUN_SERVE : GUEST_RUN_ONCE, &e) < 0 ||
	    nursery_open(&owner.nursery, &job->engine, &e) < 0)
		end_of(&owner, CODE_SETUP, &e);
	if (job->requests)
		requests_run(&owner, &ahead);
	run_once(&owner, &e);
}
