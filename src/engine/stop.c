/* What ends a run from outside the box: limits, signals to ward, refused calls. Refuses to wait for
 * a program longer than its grace.
 *
 * A limit: with limits.grace SIGTERM, and SIGKILL to everything when it has passed; else SIGKILL at
 * once. TERM, INT, HUP, QUIT to ward: the same with that signal (and half a second where no grace
 * is stated); a second one kills at once. So a program that dies of Ctrl-C gives 130, one that had
 * to be killed 137. USR1, USR2: passed on, once there is a program. TSTP: freezes the box (or stops
 * the program where there is no cgroup), then ward; the wall clock stands still meanwhile if all of
 * the box does. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "engine/flight.h"

#define CPU_LOOK_MIN_US 5000
#define SETUP_MAX_US    60000000        /* it takes milliseconds; with a dead disk, for ever */
#define USER_GRACE_MS   500

bool flight_ask(struct flight *flight, enum mon_op op, uint64_t arg, struct mon_res *res)
{
	struct err e = ERR_INIT;

	if (mon_ask(&flight->box, op, arg, res, &e) == 0)
		return res->status == 0;
	if (e.sys == ETIMEDOUT)
		flight_break(flight, &e);
	return false;
}

static bool ask(struct flight *flight, enum mon_op op, uint64_t arg)
{
	struct mon_res res;

	return flight_ask(flight, op, arg, &res);
}

void flight_kill(struct flight *flight)
{
	/* When the keeper cannot, closing its channel will: see mon_close(). */
	(void)ask(flight, MON_KILL, 0);
	flight->ending.killed = true;
	flight->over = true;
}

void flight_stop(struct flight *flight, enum verdict verdict, int signal, uint64_t grace_ms)
{
	if (flight->over)
		return;
	if (flight->ending.stop == VERDICT_OK)
		flight->ending.stop = verdict;
	if (flight->stopping || !signal || !grace_ms ||
	    !ask(flight, MON_SIGNAL, (uint64_t)signal)) {
		flight_kill(flight);
		return;
	}
	flight->stopping = true;
	loop_set_alarm(&flight->loop, flight->grace_alarm, loop_now_us() + grace_ms * 1000);
}

static void reach_limit(struct flight *flight, enum verdict verdict)
{
	/* A program whose grace for another reason runs out soon keeps it. */
	if (!flight->stopping)
		flight_stop(flight, verdict, SIGTERM, policy_n(flight->request->policy, KEY_GRACE));
}

static void reach_wall(void *at)
{
	reach_limit(at, VERDICT_LIMIT_WALL);
}

static void end_grace(void *at)
{
	flight_kill(at);
}

static void end_setup(void *at)
{
	struct err e;

	err_set(&e, ERR_SYSTEM, "setting the box up took longer than a minute");
	flight_break(at, &e);
}

/* The limit cannot be reached before every processor of the box has worked for its share of what is
 * left: that is when to look again. Where the whole box is not counted RLIMIT_CPU of the plan has
 * to do. */
static void look_at_cpu(void *at)
{
	struct flight *const flight = at;
	const uint64_t limit_us = policy_n(flight->request->policy, KEY_CPU) * 1000 + flight->parked_cpu_us;
	struct mon_res res;
	uint64_t wait_us;

	if (!flight_ask(flight, MON_USAGE, 1, &res) || !(res.usage.have & USAGE_CPU))
		return;
	if (res.usage.cpu_us >= limit_us) {
		reach_limit(flight, VERDICT_LIMIT_CPU);
		return;
	}
	wait_us = (limit_us - res.usage.cpu_us) / flight->processors;
	loop_set_alarm(&flight->loop, flight->cpu_alarm,
		       loop_now_us() + (wait_us > CPU_LOOK_MIN_US ? wait_us : CPU_LOOK_MIN_US));
}

/* How many processors the box can use at once. Too many only means looking more often. */
static uint32_t count_processors(const struct policy *policy)
{
	const uint64_t cpus = (policy_n(policy, KEY_CPUS) + 999) / 1000;
	const uint64_t pids = policy_n(policy, KEY_PIDS);
	uint64_t n = 64;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = (uint64_t)CPU_COUNT(&set);
	if (cpus && cpus < n)
		n = cpus;
	if (pids && pids < n)
		n = pids;
	return n ? (uint32_t)n : 1;
}

void flight_add_clocks(struct flight *flight)
{
	struct loop *const loop = &flight->loop;

	/* Now: who is confined may not ask. */
	flight->processors = count_processors(flight->request->policy);
	flight->wall_alarm = loop_add_alarm(loop, reach_wall, flight);
	flight->cpu_alarm = loop_add_alarm(loop, look_at_cpu, flight);
	flight->grace_alarm = loop_add_alarm(loop, end_grace, flight);
	flight->setup_alarm = loop_add_alarm(loop, end_setup, flight);
	loop_set_alarm(loop, flight->setup_alarm, flight->begun_us + SETUP_MAX_US);
}

void flight_start_clocks(struct flight *flight)
{
	const struct policy *const policy = flight->request->policy;
	const uint64_t wall_ms = policy_n(policy, KEY_WALL), cpu_ms = policy_n(policy, KEY_CPU);

	loop_set_alarm(&flight->loop, flight->setup_alarm, 0);
	if (flight->parked)
		return;
	if (wall_ms) {
		flight->wall_at_us = flight->started_us + wall_ms * 1000;
		loop_set_alarm(&flight->loop, flight->wall_alarm, flight->wall_at_us);
	}
	if (cpu_ms) {
		loop_set_alarm(&flight->loop, flight->cpu_alarm,
			       flight->started_us + cpu_ms * 1000 / flight->processors);
	}
}

static void settle(struct flight *flight)
{
	struct mon_res res;

	if (!flight->parked || !flight_ask(flight, MON_USAGE, 1, &res))
		return;
	flight->parked_cpu_us = res.usage.cpu_us;
	flight->parked_user_us = res.usage.user_us;
	flight->parked_system_us = res.usage.system_us;
}

/* It is somebody's now: the clocks of the policy, as it is now, begin, at the moment of the claim and not when we hear
 * of it. */
static void claim(struct flight *flight, uint64_t at_us)
{
	const uint64_t now = loop_now_us();

	if (!flight->parked) { /* before it runs, or again: nobody who keeps the rules says that */
		flight_stop(flight, VERDICT_SIGNAL, 0, 0);
		return;
	}
	flight->parked = false;
	flight->started_us = at_us && at_us <= now && now - at_us < SETUP_MAX_US ? at_us : now;
	flight_start_clocks(flight);
	flight_start_samples(flight);
}

/* A box may have ended before its claim was heard: its time counts from there all the same. */
void flight_hear_rest(struct flight *flight)
{
	const struct run_holder *const holder = flight->request->holder;
	uint64_t n = 0;

	while (holder && flight->parked) {
		const enum run_word word = holder->hear(holder->at, &n);

		if (word == RUN_NOTHING || word == RUN_KILL)
			return;
		if (word == RUN_CLAIM)
			claim(flight, n);
	}
}

void flight_hear_holder(void *at, short revents)
{
	struct flight *const flight = at;
	const struct run_holder *const holder = flight->request->holder;
	uint64_t n = 0;

	(void)revents;
	if (flight->over)
		return;
	switch (holder->hear(holder->at, &n)) {
	case RUN_NOTHING:
		return;
	case RUN_SETTLE:
		settle(flight);
		return;
	case RUN_CLAIM:
		claim(flight, n);
		return;
	case RUN_SIGNAL:
		(void)ask(flight, MON_SIGNAL, n);
		return;
	case RUN_KILL:
		flight->result->ended_by_user = true;
		flight_stop(flight, VERDICT_SIGNAL, 0, 0);
	}
}

static void end_by_user(struct flight *flight, int signal)
{
	const struct policy *const policy = flight->request->policy;
	const struct policy_value *const grace = &policy->values[KEY_GRACE];
	struct err e;

	flight->result->ended_by_user = true;
	if (flight->over) {
		flight->abandoned = true;
	} else if (!flight->ending.started) {
		err_set(&e, ERR_CONFLICT, "SIG%s came before the program started",
			sigabbrev_np(signal));
		flight_break(flight, &e);
	} else {
		flight_stop(flight, VERDICT_SIGNAL, signal, grace->set ? grace->n : USER_GRACE_MS);
	}
}

static void suspend(struct flight *flight, int signal)
{
	const uint64_t before_us = loop_now_us();
	const bool was_raw = flight->terminal.is_raw;
	bool frozen;

	(void)signal;
	if (!flight->ending.started || flight->over)
		return;
	frozen = ask(flight, MON_FREEZE, 1);
	if (!frozen)
		(void)ask(flight, MON_SIGNAL, SIGTSTP);
	terminal_restore(&flight->terminal);
	kill(getpid(), SIGSTOP);        /* returns when somebody continues us */
	if (was_raw)
		terminal_raw(&flight->terminal, flight->request->in_fd);
	(void)ask(flight, frozen ? MON_FREEZE : MON_SIGNAL, frozen ? 0 : SIGCONT);
	if (!frozen || !flight->wall_at_us)
		return;
	flight->wall_at_us += loop_now_us() - before_us;
	if (!flight->stopping)
		loop_set_alarm(&flight->loop, flight->wall_alarm, flight->wall_at_us);
}

static void pass_on(struct flight *flight, int signal)
{
	if (!flight->ending.started)
		flight->early_signals |= UINT32_C(1) << signal;
	else if (!flight->over)
		(void)ask(flight, MON_SIGNAL, (uint64_t)signal);
}

/* As the kernel keeps a blocked signal across an exec. */
void flight_pass_early_signals(struct flight *flight)
{
	static const int kept[] = { SIGUSR1, SIGUSR2 };

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (flight->early_signals & UINT32_C(1) << kept[i])
			pass_on(flight, kept[i]);
}

static void resize(struct flight *flight, int signal)
{
	(void)signal;
	if (flight->streams.master_fd >= 0)
		terminal_copy_size(flight->request->in_fd, flight->request->out_fd,
				   flight->streams.master_fd);
}

void flight_take_signals(void *at, short revents)
{
	static const struct {
		int signal;
		void (*take)(struct flight *flight, int signal);
	} rows[] = {
		{ SIGTERM, end_by_user }, { SIGINT, end_by_user }, { SIGHUP, end_by_user },
		{ SIGQUIT, end_by_user }, { SIGUSR1, pass_on },    { SIGUSR2, pass_on },
		{ SIGTSTP, suspend },     { SIGWINCH, resize },
	};
	struct flight *const flight = at;
	int signal;

	(void)revents;
	/* When both are there, the program had started: its user may have seen it run. */
	flight_take_waiting_notes(flight);
	while ((signal = signals_next(&flight->signals)) != 0)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			if (rows[i].signal == signal)
				rows[i].take(flight, signal);
}
