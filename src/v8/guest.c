/* A guest's life: sealed, then frames in, then one run. Whatever it cannot understand ends it. */
#include "v8/guest.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "v8/guest_seal.h"
#include "v8/talk.h"
#include "v8/thin.h"

struct guest {
	struct js *js;
	struct isolate_limits limits;
	const struct guest_frame *frame;
	size_t modules, words;
	char *input;            /* what ward.input is, as JSON; NULL: not given yet */
	size_t input_len;
};

/* The host functions get it, and there is one in a process. */
static struct guest guest;

static void print(void *at, bool is_error, const char *bytes, size_t len)
{
	const size_t most = (size_t)32 << 10;

	(void)at;
	for (; len; bytes += len < most ? len : most, len -= len < most ? len : most)
		talk_say(is_error ? GUEST_STDERR : GUEST_STDOUT, bytes, len < most ? len : most);
}

static void next_frame(void)
{
	guest.frame = talk_next(false);
}

/* The reader's memory is used again: the input is kept apart. */
static void keep_input(void)
{
	free(guest.input);
	guest.input_len = guest.frame->len;
	guest.input = mem_raw(guest.input_len + 1);
	memcpy(guest.input, guest.frame->bytes, guest.input_len);
}

/* Who waits that long is one of many that wait. */
static void rest_while_quiet(void)
{
	const int patience_ms = 100;

	if (talk_is_quiet(patience_ms))
		thin_at_rest();
}

static bool input(void *at, const char **json, size_t *len)
{
	(void)at;
	if (!guest.input) {
		talk_say(GUEST_WANT_INPUT, NULL, 0);
		rest_while_quiet();
		next_frame();
		if (guest.frame->kind != GUEST_INPUT)
			talk_give_up();
		keep_input();
	}
	*json = guest.input;
	*len = guest.input_len;
	return *len > 0;
}

/* An answer says that it is the last word, whatever is in it. */
static _Noreturn void end_with_result(bool is_answer)
{
	struct guest_why why;
	struct js_text text;

	if (!js_result(guest.js, &text, &why))
		talk_end(&why);
	if (text.len > (size_t)16 << 20) {
		why = (struct guest_why){ .text = "the result is larger than 16 MiB" };
		talk_end(&why);
	}
	if (text.text || is_answer)
		talk_say(GUEST_RESULT, text.text, text.len);
	talk_end(NULL);
}

static void count(size_t *n, size_t most)
{
	if (++*n > most)
		talk_give_up();
}

static void add_source(enum js_kind kind)
{
	struct guest_why why;
	const char *name, *bytes;
	size_t len;

	count(&guest.modules, GUEST_MODULES_MAX);
	talk_named(guest.frame, &name, &bytes, &len);
	if (!js_add(guest.js, kind, name, bytes, len, &why))
		talk_end(&why);
}

static void add_env(void)
{
	const char *name, *bytes;
	size_t len;

	count(&guest.words, GUEST_WORDS_MAX);
	talk_named(guest.frame, &name, &bytes, &len);
	js_add_env(guest.js, name, bytes, len);
}

static void take(void)
{
	switch (guest.frame->kind) {
	case GUEST_SCRIPT:
		add_source(JS_SCRIPT);
		return;
	case GUEST_MODULE:
		add_source(JS_MODULE);
		return;
	case GUEST_JSON:
		add_source(JS_JSON);
		return;
	case GUEST_ARG:
		count(&guest.words, GUEST_WORDS_MAX);
		js_add_arg(guest.js, guest.frame->bytes, guest.frame->len);
		return;
	case GUEST_ENV:
		add_env();
		return;
	case GUEST_INPUT:
		keep_input();
		return;
	default:
		talk_give_up();
	}
}

/* A parked guest has time; most of a first run's is spent on pages that are shared until then. */
static bool rest(enum guest_calls keeps)
{
	const bool rests = talk_is_quiet(0);
	struct err e;

	if (!rests)
		return false;
	js_touch(guest.js);
	talk_touch();
	if (guest_seal_wait(&guest.limits, keeps, &e) < 0)
		_exit(ISOLATE_CODE_SETUP);
	return true;
}

/* The order matters: not one byte of the tenant's is read before the last line. */
static void seal(bool serves)
{
	const enum guest_calls keeps = serves ? GUEST_CALLS_SERVES : GUEST_CALLS_SCRIPT;
	const bool rested = rest(keeps);
	struct err e;

	talk_wait();
	if (guest_seal_close(&guest.limits, keeps, rested, &e) < 0)
		_exit(ISOLATE_CODE_SETUP);
}

static uint32_t read_run(void)
{
	uint32_t run;

	next_frame();
	while (guest.frame->kind != GUEST_RUN) {
		take();
		next_frame();
	}
	if (guest.frame->len != sizeof(run))
		talk_give_up();
	memcpy(&run, guest.frame->bytes, sizeof(run));
	return run;
}

/* One descriptor with one empty frame; the end of the stream is the end of the service. */
static int receive_channel(void)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	uint32_t head[2];
	struct iovec iov = { head, sizeof(head) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	const struct cmsghdr *cmsg;
	ssize_t got;
	int fd;

	do
		got = recvmsg(talk_fd(), &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		_exit(ISOLATE_CODE_OK);
	cmsg = CMSG_FIRSTHDR(&msg);
	if (got != sizeof(head) || head[0] != GUEST_SERVE || head[1] || !cmsg || cmsg->cmsg_type != SCM_RIGHTS ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(fd)))
		talk_give_up();
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

/* In the fork for one request: everything is as the top level left it. It may be made long before there is one, so all
 * that can be done is done when it says that it waits: what is left is to read, to call, and to say. When the request
 * comes is its owner's to know, whose the clock of time is for that. */
static _Noreturn void answer(int fd)
{
	const uint64_t sealing_us = 100;        /* of its own processor time, behind the clock's start */
	const struct isolate_limits limits = { .cpu_us = guest.limits.cpu_us ? guest.limits.cpu_us + sealing_us : 0 };
	const int32_t pid = getpid();
	struct guest_why why;
	struct err e;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(ISOLATE_CODE_SETUP);
	close(talk_fd());
	talk_begin(fd);
	js_fork(guest.js);
	talk_touch();
	if (guest_seal_close(&limits, GUEST_CALLS_SCRIPT, false, &e) < 0)
		_exit(ISOLATE_CODE_SETUP);
	talk_say(GUEST_WAITS, &pid, sizeof(pid));
	next_frame();
	if (guest.frame->kind != GUEST_REQUEST)
		talk_give_up();
	if (!js_call(guest.js, guest.frame->bytes, guest.frame->len, &why))
		talk_end(&why);
	end_with_result(true);
}

/* The forks are the zygote's children, not this process's: it alone is believed when it says how they ended. */
static _Noreturn void serve(void)
{
	struct guest_why why = { .text = "it exports no function as default that could answer requests" };

	if (!js_has_handler(guest.js))
		talk_end(&why);
	guest_seal_rest(&guest.limits);
	talk_say(GUEST_READY, NULL, 0);
	for (;;) {
		rest_while_quiet();
		const int fd = receive_channel();
		const int pid = guest_seal_fork(true);

		if (pid == 0)
			answer(fd);
		close(fd); /* of a fork that the kernel refused this is the end its owner sees */
	}
}

static _Noreturn void live(bool serves)
{
	struct guest_why why;
	uint32_t run;

	seal(serves);
	if (serves)
		js_compile_all();
	run = read_run();
	if (run != (serves ? GUEST_RUN_SERVE : GUEST_RUN_ONCE))
		talk_give_up();
	if (!js_run(guest.js, &why))
		talk_end(&why);
	if (serves)
		serve();
	if (js_has_handler(guest.js) && !js_call(guest.js, NULL, 0, &why))
		talk_end(&why);
	end_with_result(false);
}

struct js_host guest_script_host(void)
{
	return (struct js_host){ .print = print, .input = input };
}

_Noreturn void guest_live(struct js *js, const struct isolate_limits *limits, bool serves)
{
	/* Below the kernel's limit: the engine collects garbage before it gives up, and needs room for that. */
	const uint64_t heap = limits->memory_bytes ? limits->memory_bytes / 4 * 3 : UINT64_C(4) << 30;
	int channel = talk_fd();
	struct err e;

	if (guest_seal_keep(&channel, 1, &e) < 0)
		_exit(ISOLATE_CODE_SETUP);
	guest.js = js;
	guest.limits = *limits;
	js_begin(js, heap, ISOLATE_CODE_MEMORY);
	live(serves);
}
