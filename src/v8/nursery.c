/* From the engine's start to a guest's first own line. Reads no byte of a guest's. */
#include "v8/nursery.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "v8/guest.h"
#include "v8/guest_module.h"
#include "v8/js.h"
#include "v8/large.h"
#include "v8/talk.h"
#include "v8/thin.h"

#define SLICE_NS 100000 /* the shortest there is */

static _Noreturn void be_born(const struct nursery *nursery, const struct isolate_limits *limits, bool serves,
			      int channel_fd, int parent)
{
	struct err e;

	if (guest_seal_birth(&nursery->seal, parent, limits->memory_bytes, &e) < 0)
		_exit(ISOLATE_CODE_SETUP);
	talk_begin(channel_fd);
	if (nursery->js)
		guest_live(nursery->js, limits, serves);
	guest_module_live(limits);
}

int nursery_fork(const struct nursery *nursery, const struct isolate_limits *limits, bool serves, int channel_fd,
		 struct err *e)
{
	const int parent = getpid();
	const int pid = guest_seal_fork(false);

	if (pid == 0)
		be_born(nursery, limits, serves, channel_fd, parent);
	return pid < 0 ? err_sys(e, "fork") : pid;
}

static size_t stack_bytes(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur > (8u << 20) ? 8u << 20 : (size_t)limit.rlim_cur;
}

static struct js *start_scripts(const struct nursery_setup *setup)
{
	const struct js_setup js = {
		.jit = setup->jit,
		.eval = setup->eval,
		.wasm = setup->wasm,
		.shared_memory = setup->shared_memory,
		.stack_bytes = stack_bytes(),
		.host = guest_script_host(),
	};

	return js_start(&js);
}

/* Whose guests compute on every processor would look at their time, and hear of an order, some milliseconds late: when one of
 * them has used up its slice. Since Linux 6.12 who has asked for a shorter slice goes before (sched_setattr(2), kernel/sched/fair.c,
 * PREEMPT_SHORT); it gets no more of the processor for that. Its guests have none of it. Before: as ever. */
static void be_prompt(void)
{
	struct sched_attr attr = { .size = sizeof(attr) };

	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0)
		return;
	attr.sched_runtime = SLICE_NS;
	attr.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
	(void)!syscall(SYS_sched_setattr, 0, &attr, 0);
}

int nursery_open(struct nursery *nursery, const struct nursery_setup *setup, struct err *e)
{
	const struct guest_seal_setup seal = {
		.may_execute = setup->jit || setup->has_modules,
		.has_modules = setup->has_modules,
		.preopens = setup->preopens,
		.n_preopens = setup->n_preopens,
	};

	be_prompt();
	/* Memory that is given back at once is asked for again, page by page, by the next function that is compiled. */
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	signal(SIGPIPE, SIG_IGN);
	setenv("TZ", "UTC", 1);
	if (setup->has_modules) {
		signal(SIGXFSZ, SIG_IGN);
		if (guest_module_warm(setup, stack_bytes(), e) < 0)
			return -1;
	} else {
		nursery->js = start_scripts(setup);
	}
	if (setup->lasts)
		large_pages();
	if (guest_seal_zygote(&nursery->seal, &seal, e) < 0 || (setup->has_modules && guest_module_load(e) < 0))
		return -1;
	thin_before_forks();
	return guest_seal_measure(&nursery->seal, e);
}
