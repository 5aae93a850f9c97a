/* Pipes, a terminal, three pumps. Refuses to move a byte before there is a program. */
#include "engine/streams.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"

/* A pipe holds 1 MiB at most for those without privilege (pipe-max-size, pipe(7)); more can only
 * come from somebody who is not in the box. */
#define DRAIN_BYTES (4 << 20)

static void turn(void *at, short revents)
{
	(void)revents;
	pump_turn(at);
}

static void wake(void *at)
{
	struct streams *const streams = at;
	const uint64_t now = loop_now_us();

	for (int i = 0; i < STREAMS; i++)
		if (streams->pumps[i].wake_us && streams->pumps[i].wake_us <= now)
			pump_turn(&streams->pumps[i]);
}

void streams_init(struct streams *streams, const int own[STREAMS], uint64_t cap, struct loop *loop)
{
	streams->budget = (struct pump_budget){ .left = cap };
	streams->loop = loop;
	streams->master_fd = -1;
	for (int i = 0; i < STREAMS; i++) {
		streams->own[i] = own[i];
		streams->box[i] = -1;
		streams->pumps[i].src = streams->pumps[i].dst = PUMP_NO_END;
		streams->slots[i] = loop_add(loop, turn, &streams->pumps[i]);
	}
	streams->alarm = loop_add_alarm(loop, wake, streams);
}

/* Nothing can come from there: no descriptor, or /dev/null. One that cannot be looked at is for
 * pump_outer_end() to refuse. */
static bool is_empty(int fd)
{
	struct stat st;

	return fd < 0 || (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
			  st.st_rdev == makedev(1, 3));
}

static bool is_same_file(int a, int b)
{
	struct stat sa, sb;

	return a >= 0 && b >= 0 && !fstat(a, &sa) && !fstat(b, &sb) && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino && sa.st_rdev == sb.st_rdev;
}

static int open_input(struct streams *streams, struct err *e)
{
	const int own = streams->own[STREAM_IN];
	struct pump_end inner, outer;
	int ends[2];

	if (fd_pipe(ends, e) < 0)
		return -1;
	streams->box[STREAM_IN] = ends[0];
	if (is_empty(own)) {
		fd_close(ends[1]);
		return 0;
	}
	if (pump_inner_end(ends[1], false, &inner, e) < 0 ||
	    pump_outer_end(own, O_RDONLY, &outer, e) < 0) {
		fd_close(ends[1]);
		return -1;
	}
	pump_init(&streams->pumps[STREAM_IN], outer, inner, NULL);
	return 0;
}

static int open_output(struct streams *streams, enum stream which, struct err *e)
{
	struct pump_end inner, outer;
	int ends[2];

	if (fd_pipe(ends, e) < 0)
		return -1;
	streams->box[which] = ends[1];
	if (pump_inner_end(ends[0], false, &inner, e) < 0 ||
	    pump_outer_end(streams->own[which], O_WRONLY, &outer, e) < 0) {
		fd_close(ends[0]);
		return -1;
	}
	pump_init(&streams->pumps[which], inner, outer, &streams->budget);
	return 0;
}

int streams_open(struct streams *streams, struct err *e)
{
	if (open_input(streams, e) < 0 || open_output(streams, STREAM_OUT, e) < 0)
		return err_add(e, "standard streams");
	if (is_same_file(streams->own[STREAM_OUT], streams->own[STREAM_ERR])) {
		streams->box[STREAM_ERR] = streams->box[STREAM_OUT];
		return 0;
	}
	return open_output(streams, STREAM_ERR, e) < 0 ? err_add(e, "standard streams") : 0;
}

int streams_open_direct(struct streams *streams, int in_fd, int out_fd, struct err *e)
{
	streams->box[STREAM_IN] = in_fd;
	streams->box[STREAM_OUT] = out_fd;
	return open_output(streams, STREAM_ERR, e) < 0 ? err_add(e, "standard streams") : 0;
}

void streams_close_box(struct streams *streams)
{
	if (streams->box[STREAM_ERR] == streams->box[STREAM_OUT])
		streams->box[STREAM_ERR] = -1;
	for (int i = 0; i < STREAMS; i++)
		fd_close_at(&streams->box[i]);
}

int streams_use_terminal(struct streams *streams, int master_fd, struct err *e)
{
	OWN_FD int read_fd = master_fd;
	OWN_FD int write_fd = -1;
	struct pump_end in, out, own_in, own_out;

	/* A descriptor for each direction, so that each pump closes its own. */
	write_fd = fcntl(master_fd, F_DUPFD_CLOEXEC, 3);
	if (write_fd < 0)
		return err_sys(e, "the box's terminal");
	if (pump_inner_end(read_fd, true, &out, e) < 0 ||
	    pump_inner_end(write_fd, true, &in, e) < 0)
		return err_add(e, "the box's terminal");
	if (pump_outer_end(streams->own[STREAM_IN], O_RDONLY, &own_in, e) < 0)
		return -1;
	if (pump_outer_end(streams->own[STREAM_OUT], O_WRONLY, &own_out, e) < 0) {
		pump_end_done(&own_in);
		return -1;
	}
	streams->master_fd = TAKE_FD(read_fd);
	(void)TAKE_FD(write_fd);
	pump_init(&streams->pumps[STREAM_OUT], out, own_out, &streams->budget);
	pump_init(&streams->pumps[STREAM_IN], own_in, in, NULL);
	return 0;
}

/* A terminal whose reader is gone has hung up: both directions end. */
static void check_hang_up(struct streams *streams)
{
	if (streams->master_fd < 0 || pump_is_open(&streams->pumps[STREAM_OUT]))
		return;
	pump_done(&streams->pumps[STREAM_IN]);
	streams->master_fd = -1;
}

void streams_watch(struct streams *streams, enum streams_flow flow)
{
	uint64_t first = 0;

	check_hang_up(streams);
	for (int i = 0; i < STREAMS; i++) {
		const struct pump *const pump = &streams->pumps[i];
		short events;
		int fd;

		pump_wants(pump, &fd, &events);
		if (flow < (i == STREAM_IN ? STREAMS_ALL : STREAMS_OUTPUT))
			fd = -1;
		loop_watch(streams->loop, streams->slots[i], fd, events);
		if (pump->wake_us && (!first || pump->wake_us < first))
			first = pump->wake_us;
	}
	loop_set_alarm(streams->loop, streams->alarm, first);
}

/* True while the pump waits for its reader. */
static bool drain_one(struct streams *streams, struct pump *pump)
{
	pump->draining = true;
	/* A nap was to see whether the terminal comes back; it does not. */
	if (!pump->len)
		pump->wake_us = 0;
	while (pump_is_open(pump) && !pump->len && !pump->dst_full && !pump->wake_us) {
		if (streams->budget.seen > streams->drain_until)
			pump_done(pump);
		pump_turn(pump);
	}
	return pump_is_open(pump);
}

bool streams_drain(struct streams *streams)
{
	bool is_slow = false;

	pump_done(&streams->pumps[STREAM_IN]);
	if (!streams->drain_until)
		streams->drain_until = streams->budget.seen + DRAIN_BYTES;
	for (int i = STREAM_OUT; i < STREAMS; i++)
		is_slow |= drain_one(streams, &streams->pumps[i]);
	return is_slow;
}

void streams_done(struct streams *streams)
{
	streams_close_box(streams);
	for (int i = 0; i < STREAMS; i++)
		pump_done(&streams->pumps[i]);
}
