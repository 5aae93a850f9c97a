/* The state of one run, for the files of the engine that share it.
 *
 *   SETUP --BOX_STARTED--> RUN --BOX_ENDED, box gone, killed--> over --release, drain--> done
 *     \--BOX_FAILED, BOX_NOEXEC, a signal to ward------------->/ */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "engine/ending.h"
#include "engine/run.h"
#include "engine/signals.h"
#include "engine/streams.h"
#include "engine/terminal.h"
#include "monitor/client.h"

struct flight {
	const struct run_request *request;
	struct result *result;
	struct box box;
	struct loop loop;
	struct signals signals;
	struct terminal terminal;
	struct ending ending;
	int listener;                   /* of the box's filter, -1 = none */
	bool over;                      /* nothing more is waited for but slow readers */
	bool stopping;                  /* the program was asked to end; its grace runs */
	bool tells;                     /* the holder's tell() is due */
	bool parked;                    /* it runs, but nobody has claimed it */
	bool abandoned;                 /* the user will not wait for slow readers either */
	uint32_t early_signals;         /* to be passed on once it has started: bits, by number */
	uint64_t begun_us, started_us, ended_us;
	uint64_t parked_cpu_us, parked_user_us, parked_system_us;      /* used before the claim */
	uint64_t note_cpu_us, note_rss_bytes;
	uint64_t wall_at_us;            /* 0 = no limit, or not started */
	uint32_t processors;            /* that the box can use at once */
	size_t note_slot, control_slot, listener_slot, signal_slot, holder_slot, eye_slot;
	size_t wall_alarm, cpu_alarm, grace_alarm, setup_alarm, patience_alarm, tell_alarm, sample_alarm;
	struct streams streams;
};

/* Something of ours failed: remembers the first cause, and the run is over. */
void flight_break(struct flight *flight, const struct err *e);

/* stop.c: clocks and signals.
 *
 * flight_ask   false when the keeper could not or would not; one that does not answer ends the run
 * flight_stop  the first cause becomes the verdict. With a grace the program gets `signal` first,
 *              else the box is killed at once; signal 0 = no grace
 * flight_kill  everything in the box, at once */
bool flight_ask(struct flight *flight, enum mon_op op, uint64_t arg, struct mon_res *res);
void flight_stop(struct flight *flight, enum verdict verdict, int signal, uint64_t grace_ms);
void flight_kill(struct flight *flight);
void flight_add_clocks(struct flight *flight);
void flight_start_clocks(struct flight *flight);
void flight_hear_holder(void *at, short revents);
void flight_hear_rest(struct flight *flight);
void flight_take_signals(void *at, short revents);
void flight_pass_early_signals(struct flight *flight);

/* sample.c: what a claimed box uses, for a holder who asks. */
void flight_add_samples(struct flight *flight);
void flight_start_samples(struct flight *flight);

/* notes.c: what the box tells. */
void flight_take_note(void *at, short revents);
void flight_take_waiting_notes(struct flight *flight);  /* until it has started */
