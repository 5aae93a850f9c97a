/* What a claimed box uses while it runs, for its holder. Refuses to be the reason that anything ends but a keeper that
 * does not answer: a box without counters of its own is asked once. */
#include "engine/flight.h"

static void take_sample(void *at)
{
	struct flight *const flight = at;
	const struct run_holder *const holder = flight->request->holder;
	const uint64_t now = loop_now_us();
	struct mon_res res;
	uint64_t wait_ms;

	if (flight->over || !flight_ask(flight, MON_USAGE, 0, &res) || !res.usage.have)
		return;
	res.usage.cpu_us -= res.usage.cpu_us < flight->parked_cpu_us ? res.usage.cpu_us : flight->parked_cpu_us;
	wait_ms = holder->used(holder->at, &res.usage, now - flight->started_us);
	if (wait_ms)
		loop_set_alarm(&flight->loop, flight->sample_alarm, now + wait_ms * 1000);
}

void flight_add_samples(struct flight *flight)
{
	flight->sample_alarm = loop_add_alarm(&flight->loop, take_sample, flight);
}

void flight_start_samples(struct flight *flight)
{
	const struct run_holder *const holder = flight->request->holder;

	if (holder && holder->used)
		loop_set_alarm(&flight->loop, flight->sample_alarm, flight->started_us + holder->used_first_ms * 1000);
}
