/* ward-step: parks, takes one job from standard input, runs its steps, sends what they write and leave, ends as the
 * last of them did. It trusts the front no more than the front trusts it, and never waits for one side while the
 * other could move.
 *
 *   ward-step [KIND INTERPRETER]     KIND is what step_park.c knows: the interpreter waits, too */
#include "serve/step.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

#define ENV_MAX 160
#define OUTPUTS_MAX 32
/* A terminal whose last user has gone is at its end, on Linux. gVisor's kernel never says so: silence then does. */
#define TTY_QUIET_MS 50
#define LAST_MS 5               /* somebody who was killed takes his time: what there is goes without him */

struct step {
	struct frame_reader in;
	struct outbox out;
	struct frame_order order;
	char *env[ENV_MAX + 1];
	size_t n_env;
	struct asked asked[FRAME_STEPS_MAX];
	size_t n_asked;
	struct frame_output outputs[OUTPUTS_MAX];
	char *patterns[OUTPUTS_MAX];
	size_t n_outputs;
	struct frame_go go;
	struct frame_keep keep;
	char *product;                          /* what KEEP named; NULL: nothing */
	int work_fd, data_fd, signal_fd;        /* data_fd: where DATA goes now */
	struct park park;
	/* The step that runs. */
	struct child child;
	struct frame_ended ended;
	bool has_exited, is_over;               /* its first process; it is being killed for its output */
	bool is_alone;                          /* when that ended, nobody else was left in the box */
	uint64_t begun_us, sent[2];
	uint64_t parked_us;                     /* processor time of its first process before it was the step's */
	/* Its standard input: what lies in a file first, then what comes. */
	int input_fd;
	bool feeds, feed_ended;
	int hold_fd;                            /* the terminal, until its program has ended: see hold_terminal() */
	bool has_tty;                           /* its streams are a terminal; at its end ^D is typed */
	struct frame_resize size;
	size_t feed_at, feed_len;
	char feed[FRAME_MAX];
};

void outbox_add(struct outbox *out, enum frame_kind kind, unsigned flag, const void *bytes, size_t len)
{
	out->len += frame_put(out->bytes + out->len, kind, flag, bytes, len);
}

void outbox_send(struct outbox *out, bool all)
{
	while (out->at < out->len) {
		const ssize_t n = write(STDOUT_FILENO, out->bytes + out->at, out->len - out->at);
		struct pollfd one = { .fd = STDOUT_FILENO, .events = POLLOUT };

		if (n > 0)
			out->at += (size_t)n;
		else if (errno == EAGAIN && all)
			poll(&one, 1, -1);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			_exit(STEP_BROKEN); /* nobody is there: the box ends */
	}
	memmove(out->bytes, out->bytes + out->at, out->len - out->at);
	out->len -= out->at;
	out->at = 0;
}

/* What was asked for cannot be done: says so, and ends. */
_Noreturn static void fail(struct step *step, const struct err *e)
{
	const bool no_room = e->sys == ENOSPC || e->sys == EDQUOT || e->sys == EFBIG;

	child_end();
	outbox_send(&step->out, true);
	outbox_add(&step->out, FRAME_FAULT, no_room, e->text, strlen(e->text));
	outbox_send(&step->out, true);
	_exit(STEP_BROKEN);
}

_Noreturn static void refuse(struct step *step, const char *what)
{
	struct err e;

	err_set(&e, ERR_USAGE, "%s", what);
	fail(step, &e);
}

static char *copy(const char *bytes, size_t len)
{
	char *const text = mem_alloc(len + 1);

	memcpy(text, bytes, len);
	return text;
}

static void take_env(struct step *step, const struct frame *frame)
{
	if (step->n_env == ENV_MAX)
		refuse(step, "too many variables");
	step->env[step->n_env++] = copy(frame->bytes, frame->head.len);
}

static void take_file(struct step *step, const struct frame *frame)
{
	OWN_MEM char *path = copy(frame->bytes, frame->head.len);
	struct err e = ERR_INIT;

	fd_close_at(&step->data_fd);
	step->data_fd = files_create(step->work_fd, path, frame->head.flag & FRAME_EXECUTABLE, &e);
	if (step->data_fd < 0)
		fail(step, &e);
}

static void take_step(struct step *step, const struct frame *frame)
{
	struct asked *const asked = &step->asked[step->n_asked++];
	char *const words = copy(frame->bytes, frame->head.len);
	size_t n = 0, cap = 0;

	asked->flag = frame->head.flag;
	for (size_t at = 0; at < frame->head.len; at += strlen(words + at) + 1) {
		asked->argv = mem_grow(asked->argv, &cap, n + 2, sizeof(char *));
		asked->argv[n++] = words + at;
	}
	asked->argv[n] = NULL;
	fd_close_at(&step->data_fd);
	asked->in_fd = files_make_input();
	step->data_fd = asked->in_fd < 0 ? -1 : fcntl(asked->in_fd, F_DUPFD_CLOEXEC, 5);
	if (step->data_fd < 0)
		refuse(step, "no memory for a step's input");
}

static void take_output(struct step *step, const struct frame *frame)
{
	const size_t head = sizeof(struct frame_output);

	if (step->n_outputs == OUTPUTS_MAX)
		refuse(step, "too many outputs");
	memcpy(&step->outputs[step->n_outputs], frame->bytes, head);
	step->patterns[step->n_outputs++] = copy(frame->bytes + head, frame->head.len - head);
}

static void take_keep(struct step *step, const struct frame *frame)
{
	memcpy(&step->keep, frame->bytes, sizeof(step->keep));
	step->product = copy(frame->bytes + sizeof(step->keep), frame->head.len - sizeof(step->keep));
}

static void take_data(struct step *step, const struct frame *frame)
{
	struct err e = ERR_INIT;

	if (fd_write_all(step->data_fd, frame->bytes, frame->head.len, &e) < 0)
		fail(step, &e);
}

static void take_go(struct step *step, const struct frame *frame)
{
	fd_close_at(&step->data_fd);
	memcpy(&step->go, frame->bytes, sizeof(step->go));
}

static void take_stdin(struct step *step, const struct frame *frame)
{
	memcpy(step->feed, frame->bytes, frame->head.len);
	step->feed_len = frame->head.len;
	step->feed_at = 0;
}

static void take_resize(struct step *step, const struct frame *frame)
{
	memcpy(&step->size, frame->bytes, sizeof(step->size));
	if (step->has_tty && step->child.in_fd >= 0)
		tty_resize(step->child.in_fd, &step->size);
}

static void take_stdin_end(struct step *step, const struct frame *frame)
{
	(void)frame;
	step->feed_ended = true;
}

static void take_frame(struct step *step, const struct frame *frame)
{
	static void (*const takers[FRAME_KINDS])(struct step *step, const struct frame *frame) = {
		[FRAME_ENV] = take_env, [FRAME_FILE] = take_file, [FRAME_STEP] = take_step,
		[FRAME_OUTPUT] = take_output, [FRAME_GO] = take_go, [FRAME_STDIN] = take_stdin,
		[FRAME_STDIN_END] = take_stdin_end, [FRAME_RESIZE] = take_resize, [FRAME_DATA] = take_data,
		[FRAME_KEEP] = take_keep,
	};

	if (!frame_in_follows(&step->order, frame))
		refuse(step, "a frame came out of turn");
	takers[frame->head.kind](step, frame);
}

/* A whole frame, if there is one. */
static bool next_frame(struct step *step)
{
	struct frame frame;
	const int status = frame_take(&step->in, &frame);

	if (status < 0)
		refuse(step, "what came is no frame");
	if (status)
		take_frame(step, &frame);
	return status;
}

/* Reads once; false at the end of file. */
static bool read_in(struct step *step)
{
	size_t room;
	char *const at = frame_space(&step->in, &room);
	const ssize_t n = read(STDIN_FILENO, at, room);

	if (n > 0)
		frame_filled(&step->in, (size_t)n);
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* Sleeps until there is a job; then takes it whole. */
static void take_job(struct step *step)
{
	struct pollfd one = { .fd = STDIN_FILENO, .events = POLLIN };

	while (step->order.phase == FRAME_AT_START)
		if (!next_frame(step)) {
			poll(&one, 1, -1);
			if (!read_in(step))
				_exit(0); /* nobody wanted this box */
		}
	step->env[step->n_env] = NULL;
}

static void say_not_started(struct step *step, const char *name, int sys)
{
	char line[400];
	const int n = snprintf(line, sizeof(line), "ward-step: %.200s: %s\n", name, strerror(sys));

	if (step->go.stderr_bytes >= (uint64_t)n)
		outbox_add(&step->out, FRAME_STDERR, 0, line, (size_t)n);
	step->ended.stderr_bytes = (uint64_t)n;
	step->ended.status = (sys == ENOENT ? 127 : 126) << 8;
	step->has_exited = true;
}

/* Of another process; 0 where that cannot be known. */
static uint64_t time_used(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

/* The parked one, if this step is for it; one that was parked in vain goes. */
static bool use_parked(struct step *step, const struct asked *asked)
{
	struct park park = step->park;

	step->park = PARK_NONE;
	if (!park.child.pid)
		return false;
	step->parked_us = time_used(park.child.pid);
	if ((asked->flag & FRAME_PARKED) && park_hand(&park, asked->argv, step->env)) {
		step->child = park.child;
		return true;
	}
	step->parked_us = 0;
	child_close(&park.child);
	fd_close(park.tell_fd);
	child_end();
	waitpid(park.child.pid, NULL, 0);
	return false;
}

/* A program on its way out has closed the terminal already and is still alive: if we let go of our end then, the kernel
 * would hang up on it, and it would have died of a signal. -1: there is none. */
static int hold_terminal(const struct step *step)
{
	return step->has_tty && step->child.out_fd >= 0 ? fcntl(step->child.out_fd, F_DUPFD_CLOEXEC, 5) : -1;
}

static void begin(struct step *step, uint32_t index)
{
	const struct asked *const asked = &step->asked[index];
	const struct frame_started started = { .step = index };
	static const int none[2] = { -1, -1 };
	int sys = 0;

	step->ended = (struct frame_ended){ .step = index };
	step->has_exited = step->is_over = step->is_alone = false;
	step->child = CHILD_NONE;
	step->parked_us = 0;
	outbox_make_room(&step->out, FRAME_MAX);
	outbox_add(&step->out, FRAME_STARTED, 0, &started, sizeof(started)); /* goes when it runs: see turn() */
	step->begun_us = loop_now_us();
	step->has_tty = asked->flag & FRAME_TTY;
	if (!use_parked(step, asked)) {
		if (asked->flag & FRAME_PARKED)
			_exit(STEP_BROKEN); /* it died before it saw a byte of the job, which is tried again in another box */
		sys = step->has_tty ? tty_spawn(asked->argv, step->env, &step->size, &step->child) :
				      child_spawn(asked->argv, step->env, none, &step->child);
	}
	if (sys)
		say_not_started(step, asked->argv[0], sys);
	step->hold_fd = hold_terminal(step);
	step->input_fd = asked->in_fd;
	step->feeds = asked->flag & FRAME_FEED;
	lseek(step->input_fd, 0, SEEK_SET);
}

/* Fills `feed` from the file; at its end the feed is what comes in frames, or nothing. */
static void refill(struct step *step)
{
	ssize_t n;

	if (step->feed_at < step->feed_len || step->input_fd < 0)
		return;
	n = read(step->input_fd, step->feed, sizeof(step->feed));
	step->feed_at = 0;
	step->feed_len = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		fd_close_at(&step->input_fd);
}

static bool has_input(const struct step *step)
{
	return step->feed_at < step->feed_len;
}

static void write_input(struct step *step)
{
	const ssize_t n = write(step->child.in_fd, step->feed + step->feed_at, step->feed_len - step->feed_at);

	if (n > 0) {
		step->feed_at += (size_t)n;
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		fd_close_at(&step->child.in_fd); /* it reads no more; what comes is dropped */
		step->feed_at = step->feed_len = 0;
	}
}

static void over_output(struct step *step)
{
	if (!step->go.kills_on_output || step->is_over)
		return;
	step->is_over = true;
	step->ended.over_output = 1;
	child_end();
}

/* Reads what a process wrote: sends what may be sent, counts all. */
static void read_output(struct step *step, int *fd, bool is_err)
{
	static char bytes[FRAME_MAX];
	uint64_t *const count = is_err ? &step->ended.stderr_bytes : &step->ended.stdout_bytes;
	const uint64_t left = (is_err ? step->go.stderr_bytes : step->go.stdout_bytes) - step->sent[is_err];
	const ssize_t n = read(*fd, bytes, sizeof(bytes));
	size_t keep;

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		fd_close_at(fd);
	if (n <= 0)
		return;
	*count += (uint64_t)n;
	keep = (uint64_t)n < left ? (size_t)n : (size_t)left;
	if (keep)
		outbox_add(&step->out, is_err ? FRAME_STDERR : FRAME_STDOUT, 0, bytes, keep);
	step->sent[is_err] += keep;
	if (keep < (size_t)n)
		over_output(step);
}

static uint64_t micros(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

/* What an interpreter used while it waited is nobody's. How that was split between program and kernel is not known:
 * as the whole is. */
static uint64_t own_share(const struct step *step, uint64_t part_us, const struct rusage *usage)
{
	const uint64_t whole_us = micros(usage->ru_utime) + micros(usage->ru_stime);

	return step->parked_us < whole_us ? part_us - part_us * step->parked_us / whole_us : 0;
}

/* Takes the dead. When the step's first process is among them, the rest of it is killed. */
static void reap(struct step *step)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		if (pid != step->child.pid)
			continue;
		step->has_exited = true;
		step->ended.status = status;
		step->ended.wall_us = loop_now_us() - step->begun_us;
		step->ended.user_us = own_share(step, micros(usage.ru_utime), &usage);
		step->ended.system_us = own_share(step, micros(usage.ru_stime), &usage);
		step->ended.rss_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
		step->is_alone = child_end();
	}
}

static void take_signals(struct step *step)
{
	struct signalfd_siginfo info;

	while (read(step->signal_fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD && step->child.pid && !step->has_exited)
			kill(-step->child.pid, (int)info.ssi_signo);
	reap(step);
}

enum { AT_SIGNAL, AT_OUT, AT_ERR, AT_IN, AT_SEND, AT_FRAMES, AT_ENDS };

/* Its first process has ended and the others were killed, so what is still to come comes at once: it goes with that. */
static bool is_nearly_over(const struct step *step)
{
	return step->has_exited && !step->has_tty && outbox_fits(&step->out, FRAME_MAX);
}

/* What can move now: output while there is room for it, frames while their bytes have a place. */
static void wait_for(struct step *step, struct pollfd polls[AT_ENDS])
{
	const bool has_room = outbox_fits(&step->out, FRAME_MAX);
	const bool wants_frames = step->feeds && step->input_fd < 0 && !has_input(step) && !step->feed_ended;

	polls[AT_SIGNAL] = (struct pollfd){ .fd = step->signal_fd, .events = POLLIN };
	polls[AT_OUT] = (struct pollfd){ .fd = has_room ? step->child.out_fd : -1, .events = POLLIN };
	polls[AT_ERR] = (struct pollfd){ .fd = has_room ? step->child.err_fd : -1, .events = POLLIN };
	polls[AT_IN] = (struct pollfd){ .fd = has_input(step) ? step->child.in_fd : -1, .events = POLLOUT };
	polls[AT_SEND] = (struct pollfd){ .fd = step->out.len && !is_nearly_over(step) ? STDOUT_FILENO : -1, .events = POLLOUT };
	polls[AT_FRAMES] = (struct pollfd){ .fd = wants_frames ? STDIN_FILENO : -1, .events = POLLIN };
	const bool is_quiet = step->has_tty && step->has_exited && has_room;
	const int ready = poll(polls, AT_ENDS, is_quiet ? TTY_QUIET_MS : step->out.len && is_nearly_over(step) ? LAST_MS : -1);

	if (ready == 0 && is_quiet)
		fd_close_at(&step->child.out_fd);
	else if (ready == 0)
		outbox_send(&step->out, false);
	for (int i = 0; i < AT_ENDS && ready <= 0; i++)
		polls[i].revents = 0;
}

/* A pipe is closed. A terminal is not, as its other side could not write any more: whoever reads it is told by the
 * character that a person would type; twice, as behind half a line the first one only sends that. */
static void end_input(struct step *step)
{
	if (step->has_tty && step->child.in_fd >= 0 && !step->has_exited)
		(void)!write(step->child.in_fd, "\004\004", 2);
	fd_close_at(&step->child.in_fd);
}

static void feed(struct step *step)
{
	refill(step);
	/* A size brings no input, and what is behind it may be here already. */
	while (step->feeds && !has_input(step) && step->input_fd < 0 && !step->feed_ended && next_frame(step))
		;
	if (!has_input(step) && step->input_fd < 0 && (!step->feeds || step->feed_ended))
		end_input(step);
	if (step->child.in_fd < 0)
		step->feed_at = step->feed_len = 0;
}

static void turn(struct step *step)
{
	struct pollfd polls[AT_ENDS];

	feed(step);
	wait_for(step, polls);
	if (polls[AT_SIGNAL].revents)
		take_signals(step);
	if (polls[AT_OUT].revents && outbox_fits(&step->out, FRAME_MAX))
		read_output(step, &step->child.out_fd, false);
	if (polls[AT_ERR].revents && outbox_fits(&step->out, FRAME_MAX))
		read_output(step, &step->child.err_fd, true);
	if (polls[AT_IN].revents)
		write_input(step);
	if (polls[AT_FRAMES].revents && !read_in(step))
		step->feed_ended = true;
	if (!is_nearly_over(step))
		outbox_send(&step->out, false);
}

/* Runs one step to its end, and everything it wrote. Returns whether the next one may run. */
static bool run(struct step *step, uint32_t index)
{
	begin(step, index);
	while (!step->has_exited || step->child.out_fd >= 0 || step->child.err_fd >= 0)
		turn(step);
	child_close(&step->child);
	fd_close_at(&step->hold_fd);
	fd_close_at(&step->input_fd);
	outbox_make_room(&step->out, sizeof(step->ended));
	outbox_add(&step->out, FRAME_ENDED, 0, &step->ended, sizeof(step->ended));
	if (step->ended.status != 0 || step->ended.over_output)
		return false;
	if (step->product && step->keep.step == index)
		files_send_product(step->work_fd, &step->out, step->product, step->keep.most);
	return true;
}

static void collect(struct step *step)
{
	struct collect what = { .work_fd = step->work_fd, .out = &step->out };

	for (size_t i = 0; i < step->n_outputs; i++)
		files_collect(&what, &step->outputs[i], step->patterns[i]);
}

static void set_signals(struct step *step)
{
	static const int passed[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaddset(&set, passed[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	step->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
	/* What the steps run may not look into this process, though it has their user id. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* As the last step ended, so that whoever waits for the box sees the same. */
_Noreturn static void end_as(const struct step *step)
{
	const int status = step->ended.status, sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	sigset_t set;

	if (!sig)
		_exit(WEXITSTATUS(status));
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), sig);
	_exit(128 + sig);
}

int main(int argc, char **argv, char **envp)
{
	static struct step step;
	bool has_interpreter;

	step.work_fd = open(STEP_WORK, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	step.data_fd = step.input_fd = -1;
	step.park = PARK_NONE;
	step.child = CHILD_NONE;
	if (step.work_fd < 0 || fchdir(step.work_fd) < 0 || fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK) < 0)
		return STEP_BROKEN;
	set_signals(&step);
	has_interpreter = argc == 3 && park_start(argv[1], argv[2], envp, &step.park);
	if (argc == 3 && !has_interpreter && strcmp(argv[1], STEP_ENGINE) == 0)
		return STEP_BROKEN;
	outbox_add(&step.out, FRAME_READY, has_interpreter, NULL, 0);
	outbox_send(&step.out, true);
	take_job(&step);
	for (uint32_t i = 0; i < step.n_asked && run(&step, i); i++)
		;
	if (!step.is_alone) /* the kernel goes through all processes of the host for it */
		child_end();
	collect(&step);
	outbox_make_room(&step.out, 0);
	outbox_add(&step.out, FRAME_DONE, 0, NULL, 0);
	outbox_send(&step.out, true);
	end_as(&step);
}
