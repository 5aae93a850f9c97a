/* A runner. Refuses to keep a box whose owner is gone, and to say of an end what it has not seen. */
#include "serve/runner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "engine/deny.h"
#include "engine/run.h"
#include "monitor/client.h"
#include "serve/refusals.h"
#include "serve/series.h"
#include "store/crash.h"

struct runner {
	int control_fd;
	const struct order_class *class;
	struct launch_plan plan;
	bool was_parked;
	bool is_spent;                  /* somebody in the box may have had a socket */
	/* What detection is told: since when it is worth telling, when it was told. */
	struct order_refusals refusals;
	uint64_t told_us;
	uint64_t n_samples;
};

/* Totals: when the front does not keep up, the next ones say all that these said. */
static void tell_refusals(void *at)
{
	struct runner *const runner = at;

	runner->told_us = loop_now_us();
	(void)!send(runner->control_fd, &runner->refusals, sizeof(runner->refusals), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool has_news(const struct runner *runner)
{
	bool has = runner->refusals.tally.total;

	for (size_t i = 0; i < HONEY_FILES; i++)
		has |= runner->refusals.honey[i] != 0;
	return has;
}

/* Before the claim nobody of the job's is there. */
static void see_honey(void *at, bool is_claimed)
{
	struct runner *const runner = at;
	uint64_t before[HONEY_FILES] = { 0 };

	honey_look(runner->plan.honey.eye_fd, is_claimed ? runner->refusals.honey : before);
	if (is_claimed)
		tell_refusals(runner);
}

/* The first of a kind is told at once, what follows in its time. */
static uint64_t hear_refused(void *at, const struct deny_call *call)
{
	struct runner *const runner = at;
	const bool is_new = tally_add(&runner->refusals.tally, call->nr, call->args, call->pid, call->ip);

	if (!is_new || loop_now_us() - runner->told_us < ORDER_TELL_MS * 1000)
		return ORDER_TELL_MS;
	tell_refusals(runner);
	return 0;
}

static void spend(void *at)
{
	((struct runner *)at)->is_spent = true;
}

static uint64_t tell_used(void *at, const struct cgroup_usage *usage, uint64_t at_us)
{
	struct runner *const runner = at;
	const struct order_sample sample = {
		.magic = ORDER_MAGIC, .kind = ORDER_SAMPLE,
		.have = (usage->have & USAGE_CPU ? SERIES_CPU : 0) | (usage->have & USAGE_MEMORY_NOW ? SERIES_MEMORY : 0) |
			(usage->have & USAGE_PIDS_NOW ? SERIES_PIDS : 0),
		.point = { at_us / 1000, usage->cpu_us, usage->memory_bytes, usage->pids },
	};

	(void)!send(runner->control_fd, &sample, sizeof(sample), MSG_NOSIGNAL | MSG_DONTWAIT);
	return series_wait_ms(++runner->n_samples);
}

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
	default:
		return RUN_KILL;
	}
}

/* The box runs: what is mounted stays. */
static void hide_honey(void *at)
{
	honey_hide(&((struct runner *)at)->plan.honey);
}

_Noreturn static void give_up(struct runner *runner, const struct err *e)
{
	const struct result result = { .verdict = VERDICT_SETUP, .exit_code = -1, .err = *e };

	honey_hide(&runner->plan.honey);
	report(runner, ORDER_FAILED, &result);
	_exit(1);
}

/* Also of what could not be seen it says nothing: a box that was not told to be over, or whose filter does not tell. */
static int exit_status(const struct runner *runner, const struct result *result, bool is_lent)
{
	if (result->verdict == VERDICT_INTERNAL)
		return 1; /* its keeper may be gone without having cleaned up */
	return is_lent && runner->was_parked && runner->plan.filter->tells && !runner->is_spent ? RUNNER_UNSPENT : 0;
}

_Noreturn void runner_live(const struct launcher_setup *setup, const struct order *order, const int fds[ORDER_FDS], int network_fd)
{
	struct runner runner = { .control_fd = fds[ORDER_FD_CONTROL], .class = &setup->classes[order->class_index],
				 .plan = { .honey = HONEY_NONE } };
	struct run_holder holder = {
		.fd = runner.control_fd, .hear = hear, .parked = tell_parked, .at = &runner,
		.refused = hear_refused, .opens = spend, .tell = tell_refusals, .used = tell_used, .used_first_ms = SERIES_FIRST_MS,
		.in_fd = fds[ORDER_FD_IN], .out_fd = fds[ORDER_FD_OUT],
	};
	struct box box = BOX_NONE;
	static struct result result;
	struct err e = ERR_INIT;

	prctl(PR_SET_NAME, "ward-runner", 0, 0, 0);
	crash_at(CRASH_RUNNER_BEGUN);
	/* A box that is lent no network namespace makes its own: the launcher has no CAP_NET_ADMIN, so that one of its keeper's
	 * could not have its loopback raised and would be thrown away, at half a millisecond of processor time each. */
	mem_keep_back();
	if (mon_start(&box, MON_SWEPT | MON_NEVER_FROZEN, network_fd, &e) < 0 ||
	    setup->plan(setup->at, order->class_index, &order->limits, &runner.plan, &e) < 0)
		give_up(&runner, &e);
	fd_close(network_fd);
	crash_at(CRASH_RUNNER_PLANNED);
	runner.refusals.magic = ORDER_MAGIC;
	runner.refusals.kind = ORDER_REFUSED;
	if (runner.plan.honey.eye_fd >= 0) {
		holder.seen = see_honey;
		holder.eye_fd = runner.plan.honey.eye_fd;
	}
	const struct run_request request = {
		.policy = runner.plan.policy, .filter = runner.plan.filter, .plan = runner.plan.plan,
		.fds = runner.plan.fds, .n_fds = runner.plan.n_fds, .monitor_socket = runner.plan.monitor_socket,
		.box = &box, .in_fd = -1, .out_fd = -1, .err_fd = -1, .status_fd = -1,
		.holder = &holder, .confine = true, .begun = hide_honey, .begun_at = &runner,
	};

	run_box(&request, &result);
	crash_at(CRASH_RUNNER_ENDED);
	honey_hide(&runner.plan.honey); /* of a box that never ran; one that did is past this, and so are our rights */
	if (runner.plan.honey.eye_fd >= 0)
		honey_look(runner.plan.honey.eye_fd, runner.refusals.honey);
	if (runner.was_parked && has_news(&runner))
		(void)!send(runner.control_fd, &runner.refusals, sizeof(runner.refusals), MSG_NOSIGNAL);
	report(&runner, runner.was_parked ? ORDER_ENDED : ORDER_FAILED, &result);
	close(runner.control_fd); /* its end is waited for, and taking this process apart takes a while */
	crash_at(CRASH_RUNNER_TOLD);
	_exit(exit_status(&runner, &result, network_fd >= 0));
}
