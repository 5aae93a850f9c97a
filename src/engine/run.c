/* One box from start to end. Refuses to return while something of the box is left, and to call a
 * run a success whose end it has not seen. */
#include "engine/run.h"

#include <poll.h>

#include "base/fd.h"
#include "engine/deny.h"
#include "engine/event.h"
#include "engine/flight.h"
#include "engine/observe.h"

#define PATIENCE_US 10000000

void flight_break(struct flight *flight, const struct err *e)
{
	flight->over = true;
	if (flight->ending.broken)
		return;
	flight->ending.broken = true;
	flight->result->err = *e;
}

static void lose_keeper(void *at, short revents)
{
	struct flight *const flight = at;
	struct err e;

	(void)revents;
	if (flight->over)
		return;
	err_set(&e, ERR_SYSTEM, "the keeper of the box is gone");
	flight_break(flight, &e);
}

static void tell_denial(void *at, const struct denial *denial)
{
	const struct flight *const flight = at;

	event_denied(flight->request->status_fd, denial);
}

/* A parked box is nobody's yet, and what its interpreter was refused at its start says nothing of a job. */
static void tell_call(void *at, const struct deny_call *call)
{
	struct flight *const flight = at;
	const struct run_holder *const holder = flight->request->holder;
	uint64_t wait_ms;

	if (!holder || !holder->refused || flight->parked)
		return;
	wait_ms = holder->refused(holder->at, call);
	if (!wait_ms || flight->tells)
		return;
	flight->tells = true;
	loop_set_alarm(&flight->loop, flight->tell_alarm, loop_now_us() + wait_ms * 1000);
}

static void tell_opens(void *at)
{
	const struct run_holder *const holder = ((const struct flight *)at)->request->holder;

	holder->opens(holder->at);
}

/* No task uses the filter any more, or the kernel will not talk: what comes then gets ENOSYS. */
static void forget_listener(struct flight *flight)
{
	loop_watch(&flight->loop, flight->listener_slot, -1, 0);
	fd_close_at(&flight->listener);
}

static void take_observed(struct flight *flight, short revents)
{
	struct err e = ERR_INIT;
	const int status = revents & POLLIN ? observe_turn(flight->request->observer, flight->listener, &e) : 1;

	if (status < 0)
		flight_break(flight, &e);
	else if (status > 0)
		forget_listener(flight);
}

/* The claim was said before the job could do anything: of what the job has done, the claim is in the channel, and SETTLE
 * may stand before it. */
static void hear_claim(struct flight *flight)
{
	for (int i = 0; i < 4 && flight->parked && !flight->over; i++)
		flight_hear_holder(flight, POLLIN);
}

static void take_refused(void *at, short revents)
{
	struct flight *const flight = at;
	const struct run_holder *const holder = flight->request->holder;
	const struct deny_ears ears = { .fresh = tell_denial, .call = tell_call, .at = flight,
					.opens = holder && holder->opens ? tell_opens : NULL };
	int status;

	if (flight->over)
		return;
	if (flight->request->observer) {
		take_observed(flight, revents);
		return;
	}
	hear_claim(flight);
	if (flight->over)
		return;
	status = deny_turn(flight->listener, flight->request->filter, flight->result, &ears);
	if (status > 0)
		flight_stop(flight, VERDICT_DENIED_SYSCALL, 0, 0);
	if (status < 0)
		forget_listener(flight);
	if (status == -2 && ears.opens)
		ears.opens(flight);
	/* Whose box is watched has none that is not. */
	if (status == -2 && holder && holder->refused)
		flight_stop(flight, VERDICT_DENIED_SYSCALL, 0, 0);
}

static void tell_holder(void *at)
{
	struct flight *const flight = at;

	flight->tells = false;
	flight->request->holder->tell(flight->request->holder->at);
}

static void see(void *at, short revents)
{
	struct flight *const flight = at;
	const struct run_holder *const holder = flight->request->holder;

	(void)revents;
	hear_claim(flight);
	holder->seen(holder->at, !flight->parked);
}

static void lose_patience(void *at)
{
	((struct flight *)at)->abandoned = true;
}

static void init(struct flight *flight, const struct run_request *request, struct result *result)
{
	const int own[STREAMS] = { request->in_fd, request->out_fd, request->err_fd };
	const struct policy_value *const cap = &request->policy->values[KEY_OUTPUT];

	*result = (struct result){ .verdict = VERDICT_INTERNAL, .exit_code = -1 };
	result->policy_name = policy_text(request->policy, KEY_NAME);
	result->policy_source = request->policy->values[KEY_NAME].origin.source;
	flight->request = request;
	flight->result = result;
	flight->box = request->box ? *request->box : BOX_NONE;
	if (request->box)
		*request->box = BOX_NONE; /* ours now */
	flight->signals = SIGNALS_NONE;
	flight->terminal = TERMINAL_NONE;
	flight->ending.stop = VERDICT_OK;
	flight->ending.in_gvisor = request->plan && request->plan->boundary == BOUNDARY_GVISOR;
	flight->listener = -1;
	flight->begun_us = loop_now_us();
	/* The order is that of precedence within one turn: an end that is known counts more than a
	 * clock. */
	flight->note_slot = loop_add(&flight->loop, flight_take_note, flight);
	flight->control_slot = loop_add(&flight->loop, lose_keeper, flight);
	flight->signal_slot = loop_add(&flight->loop, flight_take_signals, flight);
	flight->listener_slot = loop_add(&flight->loop, take_refused, flight);
	flight->holder_slot = loop_add(&flight->loop, flight_hear_holder, flight);
	streams_init(&flight->streams, own, cap->set ? cap->n : UINT64_MAX, &flight->loop);
	flight_add_clocks(flight);
	flight->tell_alarm = loop_add_alarm(&flight->loop, tell_holder, flight);
	flight_add_samples(flight);
	flight->eye_slot = loop_add(&flight->loop, see, flight);
	flight->patience_alarm = loop_add_alarm(&flight->loop, lose_patience, flight);
}

static int open_streams(struct flight *flight, struct err *e)
{
	const struct run_request *const request = flight->request;

	if (request->holder)
		return streams_open_direct(&flight->streams, request->holder->in_fd, request->holder->out_fd, e);
	return request->pty ? 0 : streams_open(&flight->streams, e);
}

static int start(struct flight *flight, struct err *e)
{
	const struct run_request *const request = flight->request;
	struct streams *const streams = &flight->streams;

	/* The holder's descriptors are ours to close, whatever fails. */
	if (open_streams(flight, e) < 0 || signals_open(&flight->signals, request->pty, e) < 0)
		return -1;
	for (size_t i = 0; i < STREAMS && i < request->n_fds; i++)
		request->fds[i] = streams->box[i];
	if (mon_spawn(request->plan, request->fds, request->n_fds, request->monitor_socket,
		      &flight->box, &flight->result->layers, e) < 0)
		return -1;
	streams_close_box(streams);
	signals_ignore_pipe(&flight->signals);
	loop_watch(&flight->loop, flight->note_slot, flight->box.note_fd, POLLIN);
	/* POLLHUP comes unasked, and an answer is read where it was asked for. */
	loop_watch(&flight->loop, flight->control_slot, flight->box.control_fd, 0);
	loop_watch(&flight->loop, flight->signal_slot, flight->signals.fd, POLLIN);
	loop_watch(&flight->loop, flight->holder_slot, request->holder ? request->holder->fd : -1, POLLIN);
	loop_watch(&flight->loop, flight->eye_slot, request->holder && request->holder->seen ? request->holder->eye_fd : -1, POLLIN);
	return 0;
}

static void turn(struct flight *flight, enum streams_flow flow)
{
	struct err e;

	streams_watch(&flight->streams, flow);
	if (loop_turn(&flight->loop, &e) < 0) {
		flight_break(flight, &e);
		flight->abandoned = true;
	}
}

static void wait_for_end(struct flight *flight)
{
	while (!flight->over) {
		turn(flight, flight->ending.started ? STREAMS_ALL : STREAMS_REST);
		if (flight->streams.budget.over)
			flight_stop(flight, VERDICT_LIMIT_OUTPUT, 0, 0);
	}
	if (!flight->ended_us)
		flight->ended_us = loop_now_us();
	flight_hear_rest(flight);
}

/* Ends what is left of the box and takes its last counters. */
static void release(struct flight *flight)
{
	struct result *const result = flight->result;
	struct mon_res res = { .status = -1 };
	struct err e = ERR_INIT;

	if (mon_ask(&flight->box, MON_RELEASE, 0, &res, &e) < 0 || res.status < 0) {
		err_add(&e, "ending the box");
		flight_break(flight, &e);
		return;
	}
	result->have = res.usage.have;
	result->cpu_us = res.usage.cpu_us;
	result->user_us = res.usage.user_us;
	result->system_us = res.usage.system_us;
	result->memory_peak_bytes = res.usage.memory_peak_bytes;
	result->pids_peak = res.usage.pids_peak;
	result->read_bytes = res.usage.read_bytes;
	result->write_bytes = res.usage.write_bytes;
	result->oom_kills = res.usage.oom_kills;
	result->pids_refused = res.usage.pids_refused;
	/* What a parked box used before it was ready is nobody's. */
	result->cpu_us -= res.usage.cpu_us < flight->parked_cpu_us ? res.usage.cpu_us : flight->parked_cpu_us;
	result->user_us -= res.usage.user_us < flight->parked_user_us ? res.usage.user_us : flight->parked_user_us;
	result->system_us -= res.usage.system_us < flight->parked_system_us ? res.usage.system_us : flight->parked_system_us;
	/* Without counters of the whole box: what its first process saw by waiting. */
	if (!(result->have & USAGE_CPU))
		result->cpu_us = flight->note_cpu_us;
	if (!(result->have & USAGE_MEMORY))
		result->memory_peak_bytes = flight->note_rss_bytes;
}

/* What the box had written still goes to its reader, at the reader's pace. Who set a limit wants
 * an end: when it was reached, a reader that takes nothing for PATIENCE_US loses the rest. */
static void drain(struct flight *flight)
{
	const size_t idle[] = { flight->note_slot, flight->control_slot, flight->listener_slot,
				flight->holder_slot, flight->eye_slot };
	const size_t silent[] = { flight->wall_alarm, flight->cpu_alarm, flight->grace_alarm,
				  flight->setup_alarm, flight->tell_alarm, flight->sample_alarm };

	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		loop_watch(&flight->loop, idle[i], -1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
		loop_set_alarm(&flight->loop, silent[i], 0);
	while (streams_drain(&flight->streams) && !flight->abandoned) {
		if (flight->ending.stop != VERDICT_OK)
			loop_set_alarm(&flight->loop, flight->patience_alarm,
				       loop_now_us() + PATIENCE_US);
		turn(flight, STREAMS_OUTPUT);
	}
}

static void conclude(struct flight *flight)
{
	struct result *const result = flight->result;
	const struct pump *const pumps = flight->streams.pumps;
	const struct pump_budget *const budget = &flight->streams.budget;

	if (budget->over && flight->ending.stop == VERDICT_OK)
		flight->ending.stop = VERDICT_LIMIT_OUTPUT;
	result->output_bytes = budget->seen;
	result->output_cut = budget->over || flight->abandoned || pumps[STREAM_OUT].failed ||
			     pumps[STREAM_ERR].failed;
	if (flight->ending.started)
		result->wall_us = flight->ended_us - flight->started_us;
	else
		result->setup_us = loop_now_us() - flight->begun_us;
	ending_judge(&flight->ending, flight->request->policy, result);
	result->ward_code = result_exit_code(result);
}

void run_box(const struct run_request *request, struct result *out)
{
	OWN_MEM struct flight *flight = mem_alloc(sizeof(*flight));
	struct err e = ERR_INIT;

	init(flight, request, out);
	if (start(flight, &e) < 0) {
		flight_break(flight, &e);
	} else {
		wait_for_end(flight);
		release(flight);
		drain(flight);
		mon_close(&flight->box);
	}
	fd_close_at(&flight->listener);
	terminal_restore(&flight->terminal);
	conclude(flight);
	streams_done(&flight->streams);
	signals_close(&flight->signals);
}
