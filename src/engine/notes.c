/* What the box's first process tells. It is a process of the box: nothing it says is believed
 * further than its range, and a note out of turn ends the run. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/fd.h"
#include "engine/confine.h"
#include "engine/event.h"
#include "engine/flight.h"

/* The box's own words about a failure, within bounds. */
static void take_err(const struct box_note *note, struct err *e)
{
	const int sys = note->err.sys;
	const bool is_known = note->err.kind > ERR_NONE && note->err.kind < ERR_KINDS;
	char text[sizeof(note->err.text)];

	memcpy(text, note->err.text, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(e, is_known ? note->err.kind : ERR_BUG, "%s",
		*text ? text : "the box could not be set up");
	e->sys = sys > 0 && sys < 4096 ? sys : 0;
}

static int take_failed(struct flight *flight, const struct box_note *note, int *fd, struct err *e)
{
	(void)flight;
	(void)fd;
	take_err(note, e);
	return -1;
}

static int take_terminal(struct flight *flight, const struct box_note *note, int *fd, struct err *e)
{
	const struct run_request *const request = flight->request;

	(void)note;
	if (*fd < 0 || !request->pty || flight->streams.master_fd >= 0)
		return err_set(e, ERR_BUG, "the box sent a terminal nobody asked for");
	if (streams_use_terminal(&flight->streams, TAKE_FD(*fd), e) < 0)
		return -1;
	terminal_copy_size(request->in_fd, request->out_fd, flight->streams.master_fd);
	terminal_raw(&flight->terminal, request->in_fd);
	return 0;
}

/* The policy's `require` is checked against what was read back, not against what was planned. */
static int check_layers(const struct flight *flight, struct err *e)
{
	const uint64_t missing = flight->request->policy->require & ~flight->result->layers;

	for (unsigned i = 0; i < LAYERS; i++)
		if (missing & LAYER_BIT(i))
			return err_set(e, ERR_UNSUPPORTED, "the required layer %s is not in force",
				       layer_name(i));
	return 0;
}

static int take_started(struct flight *flight, const struct box_note *note, int *fd, struct err *e)
{
	const struct run_request *const request = flight->request;
	struct result *const result = flight->result;

	result->layers |= note->layers & (LAYER_BIT(LAYERS) - 1);
	if (check_layers(flight, e) < 0)
		return -1;
	flight->started_us = loop_now_us();
	result->setup_us = flight->started_us - flight->begun_us;
	result->stage = STAGE_RUN;
	flight->ending.started = true;
	flight->listener = TAKE_FD(*fd);
	loop_watch(&flight->loop, flight->listener_slot, flight->listener, POLLIN);
	flight->parked = request->holder != NULL;
	if (flight->listener < 0 && request->holder && request->holder->opens)
		request->holder->opens(request->holder->at);
	flight_start_clocks(flight);
	flight_pass_early_signals(flight);
	event_started(request->status_fd, result);
	if (request->begun)
		request->begun(request->begun_at);
	/* One that watches cannot be confined before it knows whom: see observe_turn(). */
	if (request->confine && !request->observer && confine_self(e) < 0)
		return -1;
	if (flight->parked)
		request->holder->parked(request->holder->at, result);
	return 0;
}

static int take_noexec(struct flight *flight, const struct box_note *note, int *fd, struct err *e)
{
	(void)fd;
	flight->result->stage = STAGE_EXEC;
	errno = note->value > 0 && note->value < 4096 ? (int)note->value : EINVAL;
	return err_sys(e, "execve");
}

static int take_ended(struct flight *flight, const struct box_note *note, int *fd, struct err *e)
{
	(void)fd;
	(void)e;
	flight->ending.ended = true;
	flight->ending.status = note->value >= 0 && note->value <= 0xffff ? (int)note->value : -1;
	flight->ended_us = loop_now_us();
	flight->note_cpu_us = note->cpu_us;
	flight->note_rss_bytes = note->rss_peak_bytes;
	flight->over = true;
	return 0;
}

static int take_note(struct flight *flight, const struct box_note *note, int *fd, struct err *e)
{
	static const struct {
		int (*take)(struct flight *flight, const struct box_note *note, int *fd,
			    struct err *e);
		bool before, after;     /* BOX_STARTED */
	} rows[BOX_NOTES] = {
		[BOX_FAILED] = { take_failed, true, true },
		[BOX_TERMINAL] = { take_terminal, true, false },
		[BOX_STARTED] = { take_started, true, false },
		[BOX_NOEXEC] = { take_noexec, true, false },
		[BOX_ENDED] = { take_ended, false, true },
	};
	const bool started = flight->ending.started;

	if (note->kind >= BOX_NOTES ||
	    !(started ? rows[note->kind].after : rows[note->kind].before))
		return err_set(e, ERR_BUG, "the box's first process sent note %u out of turn",
			       note->kind);
	return rows[note->kind].take(flight, note, fd, e);
}

void flight_take_note(void *at, short revents)
{
	struct flight *const flight = at;
	struct err e = ERR_INIT;
	struct box_note note;
	OWN_FD int fd = -1;
	int status;

	(void)revents;
	if (flight->over)
		return;
	status = mon_read_note(&flight->box, &note, &fd, &e);
	if (status < 0 && e.sys == EAGAIN)
		return;
	/* The first process is gone; ending_judge() knows what that means. */
	if (status == 0)
		flight->over = true;
	else if (status < 0 || take_note(flight, &note, &fd, &e) < 0)
		flight_break(flight, &e);
}

void flight_take_waiting_notes(struct flight *flight)
{
	struct pollfd one = { .fd = flight->box.note_fd, .events = POLLIN };

	while (!flight->over && !flight->ending.started && poll(&one, 1, 0) > 0)
		flight_take_note(flight, one.revents);
}
