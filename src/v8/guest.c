/* A guest's life: sealed, then frames in, then one run. Whatever it cannot understand ends it. */
#include "v8/guest.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/channel.h"

struct guest {
	struct js *js;
	struct isolate_limits limits;
	struct guest_reader reader;
	struct guest_writer writer;
	struct guest_frame frame;
	size_t modules, words;
	char *input;            /* what ward.input is, as JSON; NULL: not given yet */
	size_t input_len;
	int fd;
};

/* The host functions get it, and there is one in a process. */
static struct guest guest = { .fd = -1 };

static _Noreturn void give_up(void)
{
	_exit(ISOLATE_CODE_CHANNEL);
}

/* libnode calls these two by name, and so gets ours. V8 marks its memory as not to be inherited: a guest would begin
 * by touching what is not there. */
__attribute__((visibility("default"))) int madvise(void *at, size_t len, int advice)
{
	return advice == MADV_DONTFORK ? 0 : (int)syscall(SYS_madvise, at, len, advice);
}

/* V8 takes it for a bug of its own when the kernel's limit keeps a page from becoming writable. */
__attribute__((visibility("default"))) int mprotect(void *at, size_t len, int protection)
{
	const long rc = syscall(SYS_mprotect, at, len, protection);

	if (rc < 0 && errno == ENOMEM && guest.fd >= 0)
		_exit(ISOLATE_CODE_MEMORY);
	return (int)rc;
}

static void flush(void)
{
	struct err e;

	if (guest_flush(&guest.writer, guest.fd, &e) <= 0)
		give_up();
}

static void say(enum guest_kind kind, const char *bytes, size_t len)
{
	struct err e;

	if (guest_put(&guest.writer, kind, bytes, len, &e) < 0)
		give_up();
	flush();
}

static void print(void *at, bool is_error, const char *bytes, size_t len)
{
	const size_t most = (size_t)32 << 10;

	(void)at;
	for (; len; bytes += len < most ? len : most, len -= len < most ? len : most)
		say(is_error ? GUEST_STDERR : GUEST_STDOUT, bytes, len < most ? len : most);
}

/* The next frame of the owner; its going away is the end of a guest that still needs it. */
static void next_frame(void)
{
	struct err e;
	int rc;

	while ((rc = guest_next(&guest.reader, false, &guest.frame, &e)) == 0)
		if (guest_read(&guest.reader, guest.fd, &e) <= 0)
			give_up();
	if (rc < 0)
		give_up();
}

/* The reader's memory is used again: the input is kept apart. */
static void keep_input(void)
{
	free(guest.input);
	guest.input_len = guest.frame.len;
	guest.input = mem_raw(guest.input_len + 1);
	memcpy(guest.input, guest.frame.bytes, guest.input_len);
}

static bool input(void *at, const char **json, size_t *len)
{
	(void)at;
	if (!guest.input) {
		say(GUEST_WANT_INPUT, NULL, 0);
		next_frame();
		if (guest.frame.kind != GUEST_INPUT)
			give_up();
		keep_input();
	}
	*json = guest.input;
	*len = guest.input_len;
	return *len > 0;
}

static _Noreturn void end(bool is_good, const struct guest_why *why)
{
	struct err e;

	if (is_good)
		_exit(ISOLATE_CODE_OK);
	if (guest_put_why(&guest.writer, why, &e) < 0)
		give_up();
	flush();
	_exit(ISOLATE_CODE_ERROR);
}

static _Noreturn void end_with_result(void)
{
	struct guest_why why;
	struct js_text text;

	if (!js_result(guest.js, &text, &why))
		end(false, &why);
	if (text.len > (size_t)16 << 20) {
		why = (struct guest_why){ .text = "the result is larger than 16 MiB" };
		end(false, &why);
	}
	if (text.text)
		say(GUEST_RESULT, text.text, text.len);
	end(true, NULL);
}

static void count(size_t *n, size_t most)
{
	if (++*n > most)
		give_up();
}

static void add_source(enum js_kind kind)
{
	struct guest_why why;
	const char *name, *bytes;
	size_t len;

	count(&guest.modules, GUEST_MODULES_MAX);
	if (!guest_named(&guest.frame, &name, &bytes, &len))
		give_up();
	if (!js_add(guest.js, kind, name, bytes, len, &why))
		end(false, &why);
}

static void add_env(void)
{
	const char *name, *bytes;
	size_t len;

	count(&guest.words, GUEST_WORDS_MAX);
	if (!guest_named(&guest.frame, &name, &bytes, &len))
		give_up();
	js_add_env(guest.js, name, bytes, len);
}

static void take(void)
{
	switch (guest.frame.kind) {
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
		js_add_arg(guest.js, guest.frame.bytes, guest.frame.len);
		return;
	case GUEST_ENV:
		add_env();
		return;
	case GUEST_INPUT:
		keep_input();
		return;
	default:
		give_up();
	}
}

/* The order matters: not one byte of the tenant's is read before the last line. */
static void seal(bool serves)
{
	struct pollfd one = { .fd = guest.fd, .events = POLLIN };
	struct err e;

	/* A parked guest has time; most of a first run's is spent on pages that are shared until then. */
	if (poll(&one, 1, 0) == 0)
		js_touch(guest.js);
	while (poll(&one, 1, -1) < 0)
		if (errno != EINTR)
			give_up();
	if (guest_seal_close(&guest.limits, serves, &e) < 0)
		_exit(ISOLATE_CODE_SETUP);
}

static uint32_t read_run(void)
{
	uint32_t run;

	next_frame();
	while (guest.frame.kind != GUEST_RUN) {
		take();
		next_frame();
	}
	if (guest.frame.len != sizeof(run))
		give_up();
	memcpy(&run, guest.frame.bytes, sizeof(run));
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
		got = recvmsg(guest.fd, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		_exit(ISOLATE_CODE_OK);
	cmsg = CMSG_FIRSTHDR(&msg);
	if (got != sizeof(head) || head[0] != GUEST_SERVE || head[1] || !cmsg || cmsg->cmsg_type != SCM_RIGHTS ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(fd)))
		give_up();
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

/* In the fork for one request: everything is as the top level left it. */
static _Noreturn void answer(int fd)
{
	struct guest_why why;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(ISOLATE_CODE_SETUP);
	close(guest.fd);
	guest.fd = fd;
	seal(false);
	next_frame();
	if (guest.frame.kind != GUEST_REQUEST)
		give_up();
	if (!js_call(guest.js, guest.frame.bytes, guest.frame.len, &why))
		end(false, &why);
	end_with_result();
}

/* The forks are the zygote's children, not this process's: it alone is believed when it says how they ended. */
static _Noreturn void serve(void)
{
	struct guest_why why = { .text = "it exports no function as default that could answer requests" };

	if (!js_has_handler(guest.js))
		end(false, &why);
	guest_seal_rest();
	say(GUEST_READY, NULL, 0);
	for (;;) {
		const int fd = receive_channel();
		const long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

		if (pid == 0)
			answer(fd);
		close(fd);
		if (pid < 0)
			give_up();
	}
}

static _Noreturn void live(bool serves)
{
	struct guest_why why;
	uint32_t run;

	seal(serves);
	run = read_run();
	if (run != (serves ? GUEST_RUN_SERVE : GUEST_RUN_ONCE))
		give_up();
	if (!js_run(guest.js, &why))
		end(false, &why);
	if (serves)
		serve();
	if (js_has_handler(guest.js) && !js_call(guest.js, NULL, 0, &why))
		end(false, &why);
	end_with_result();
}

static _Noreturn void be_born(const struct nursery *nursery, const struct isolate_limits *limits, bool serves,
			      int channel_fd, int parent)
{
	/* Below the kernel's limit: the engine collects garbage before it gives up, and needs room for that. */
	const uint64_t heap = limits->memory_bytes ? limits->memory_bytes / 4 * 3 : UINT64_C(4) << 30;
	struct err e;

	if (guest_seal_birth(&nursery->seal, parent, channel_fd, limits->memory_bytes, &e) < 0)
		_exit(ISOLATE_CODE_SETUP);
	guest.js = nursery->js;
	guest.limits = *limits;
	guest.fd = channel_fd;
	js_begin(guest.js, heap, ISOLATE_CODE_MEMORY);
	live(serves);
}

int nursery_fork(const struct nursery *nursery, const struct isolate_limits *limits, bool serves, int channel_fd,
		 struct err *e)
{
	const int parent = getpid();
	const pid_t pid = fork();

	if (pid == 0)
		be_born(nursery, limits, serves, channel_fd, parent);
	return pid < 0 ? err_sys(e, "fork") : pid;
}

static size_t stack_bytes(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur > (8u << 20) ? 8u << 20 : (size_t)limit.rlim_cur;
}

int nursery_open(struct nursery *nursery, const struct nursery_setup *setup, struct err *e)
{
	const struct js_setup js = {
		.jit = setup->jit,
		.eval = setup->eval,
		.wasm = setup->wasm,
		.shared_memory = setup->shared_memory,
		.stack_bytes = stack_bytes(),
		.host = { .print = print, .input = input },
	};

	signal(SIGPIPE, SIG_IGN);
	setenv("TZ", "UTC", 1);
	nursery->js = js_start(&js);
	return guest_seal_zygote(&nursery->seal, setup->jit, e);
}
