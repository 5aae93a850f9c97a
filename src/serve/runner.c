/* A runner. Refuses to keep a box whose owner is gone, and to say of an end what it has not seen. */
#include "serve/runner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "engine/run.h"
#include "monitor/client.h"
#include "store/crash.h"

struct runner {
	int control_fd;
	const struct order_class *class;
	struct launch_plan plan;
	bool was_parked;
};

static void report(const struct runner *runner, enum order_kind kind, const struct result *result)
{
	struct order_report report = {
		.magic = ORDER_MAGIC, .kind = kind,
		.exit_code = result->exit_code, .signal = result->signal,
		.verdict = result->verdict, .killed = result->killed, .have = result->have,
		.setup_us = result->setup_us, .wall_us = result->wall_us,
		.cpu_us = result->cpu_us, .user_us = result->user_us, .system_us = result->system_us,
		.memory_peak_bytes = result->memory_peak_bytes, .pids_peak = result->pids_peak,
		.read_bytes = result->read_bytes, .write_bytes = result->write_bytes,
		.oom_kills = result->oom_kills, .pids_refused = result->pids_refused,
		.layers = result->layers, .notes = result->notes | runner->plan.notes,
		.refused_total = result->denials_more,
		.err = result->err,
	};

	for (size_t i = 0; i < result->n_denials; i++) {
		const struct denial *const denial = &result->denials[i];

		report.refused_total += denial->count;
		if (report.n_refused == ORDER_REFUSED_MAX)
			continue;
		report.refused[report.n_refused] = (struct order_refused){ denial->nr, denial->sys, denial->count, { 0 } };
		memcpy(report.refused[report.n_refused++].args, denial->args, sizeof(denial->args));
	}
	/* A front that is gone is told by the end of its channel; this one ends then, too. */
	(void)!send(runner->control_fd, &report, sizeof(report), MSG_NOSIGNAL);
}

static void tell_parked(void *at, const struct result *result)
{
	struct runner *const runner = at;

	runner->was_parked = true;
	report(runner, ORDER_PARKED, result);
	crash_at(CRASH_RUNNER_PARKED);
}

static void set(struct policy *policy, enum policy_key key, uint64_t n)
{
	policy->values[key].set = n != 0;
	policy->values[key].n = n;
}

/* No claim is without an end, and none begins later than it came, whatever became of the front. */
static uint64_t bounded(uint64_t n, uint64_t most)
{
	return n && n < most ? n : most;
}

static enum run_word hear(void *at, uint64_t *n)
{
	struct runner *const runner = at;
	struct order_word word;
	const ssize_t got = recv(runner->control_fd, &word, sizeof(word), MSG_DONTWAIT | MSG_TRUNC);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return RUN_NOTHING;
	if (got < 0 || !order_word_is_sound(&word, (size_t)got))
		return RUN_KILL;
	switch (word.kind) {
	case ORDER_SETTLE:
		return RUN_SETTLE;
	case ORDER_CLAIM:
		set(runner->plan.policy, KEY_WALL, bounded(word.n, runner->class->wall_max_ms));
		set(runner->plan.policy, KEY_CPU, bounded(word.m, runner->class->cpu_max_ms));
		*n = bounded(word.at_us, loop_now_us());
		crash_at(CRASH_RUNNER_CLAIMED);
		return RUN_CLAIM;
	case ORDER_SIGNAL:
		*n = word.n;
		return RUN_SIGNAL;
	case ORDER_FREEZE:
		return word.n ? RUN_FREEZE : RUN_THAW;
	default:
		return RUN_KILL;
	}
}

_Noreturn static void give_up(const struct runner *runner, const struct err *e)
{
	const struct result result = { .verdict = VERDICT_SETUP, .exit_code = -1, .err = *e };

	report(runner, ORDER_FAILED, &result);
	_exit(1);
}

_Noreturn void runner_live(const struct launcher_setup *setup, const struct order *order, const int fds[ORDER_FDS])
{
	struct runner runner = { .control_fd = fds[ORDER_FD_CONTROL], .class = &setup->classes[order->class_index] };
	const struct run_holder holder = {
		.fd = runner.control_fd, .hear = hear, .parked = tell_parked, .at = &runner,
		.in_fd = fds[ORDER_FD_IN], .out_fd = fds[ORDER_FD_OUT],
	};
	struct box box = BOX_NONE;
	static struct result result;
	struct err e = ERR_INIT;

	prctl(PR_SET_NAME, "ward-runner", 0, 0, 0);
	crash_at(CRASH_RUNNER_BEGUN);
	/* Its keeper makes the network namespace while the plan is made. */
	if (mon_start(&box, MON_NETWORK | MON_SWEPT, &e) < 0 ||
	    setup->plan(setup->at, order->class_index, &order->limits, &runner.plan, &e) < 0)
		give_up(&runner, &e);
	crash_at(CRASH_RUNNER_PLANNED);
	const struct run_request request = {
		.policy = runner.plan.policy, .filter = runner.plan.filter, .plan = runner.plan.plan,
		.fds = runner.plan.fds, .n_fds = runner.plan.n_fds, .monitor_socket = runner.plan.monitor_socket,
		.box = &box, .in_fd = -1, .out_fd = -1, .err_fd = -1, .status_fd = -1,
		.holder = &holder, .confine = true,
	};

	run_box(&request, &result);
	crash_at(CRASH_RUNNER_ENDED);
	report(&runner, runner.was_parked ? ORDER_ENDED : ORDER_FAILED, &result);
	crash_at(CRASH_RUNNER_TOLD);
	_exit(result.verdict == VERDICT_INTERNAL); /* its keeper may be gone without having cleaned up */
}
