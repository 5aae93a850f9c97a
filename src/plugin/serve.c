/* One guest in this process, one call at a time. The limit of processor time is a timer of the kernel's; when the
 * engine does not stop for it, the process ends, and the host starts another. */
#include "plugin/serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "plugin/guest.h"

#define START_US    2000000     /* more than a call has, for compiling and the module's start function */
#define PATIENCE_US 200000      /* between asking the engine to stop and ending the process */
#define MODULE_MOST (UINT64_C(64) << 20)
#define NAMES_MOST  (64 * 65)
#define FUNCTION_MOST 255

/* The handler of the timer has no other way to them. */
static struct {
	struct wire wire;
	struct guest guest;
	struct engine *engine;
	uint8_t *module;
	char names[NAMES_MOST + 1];
	volatile sig_atomic_t alarms;
	bool stale;             /* the instance is not as a fresh one is */
} worker;

static void ring(int signal)
{
	(void)signal;
	if (worker.alarms++)
		_exit(WIRE_STUCK);
	engine_interrupt(worker.engine);
}

static void set_timer(uint64_t us)
{
	const struct itimerval when = {
		.it_value = { (time_t)(us / 1000000), (suseconds_t)(us % 1000000) },
		.it_interval = { 0, us ? PATIENCE_US : 0 },
	};

	if (us)
		worker.alarms = 0;
	setitimer(ITIMER_PROF, &when, NULL);
}

static void answer(uint32_t kind, enum wire_end end, const char *why, const void *output, uint32_t len, uint32_t journal_len)
{
	const struct wire_frame frame = {
		.kind = kind, .word = end, .len = { (uint32_t)strlen(why), len, journal_len },
		.part = { why, output, worker.guest.journal },
	};
	struct err e = ERR_INIT;

	if (wire_send(&worker.wire, &frame, 0, &e) < 0)
		_exit(0);
}

/* Why guest code ended: what a host function said, else the clock, else the engine. */
static enum wire_end why_ended(struct engine_why *why)
{
	if (worker.guest.end != WIRE_OK) {
		*why = worker.guest.why;
		return worker.guest.end;
	}
	if (!worker.alarms)
		return WIRE_TRAP;
	snprintf(why->text, sizeof(why->text), "%llu ms of processor time (limits.cpu) were used up",
		 (unsigned long long)worker.guest.terms.cpu_us / 1000);
	return WIRE_CPU;
}

/* Returns the length of the module, or -1. */
static ssize_t take_hello(struct err *e)
{
	static const uint64_t most[] = { sizeof(struct wire_hello), MODULE_MOST, NAMES_MOST };
	struct wire_frame frame;
	struct wire_hello hello;

	if (wire_receive(&worker.wire, most, &frame, 0, e) < 0)
		return -1;
	if (frame.kind != WIRE_HELLO || frame.len[0] != sizeof(hello))
		return err_set(e, ERR_USAGE, "the host did not begin with its terms");
	memcpy(&hello, frame.part[0], sizeof(hello));
	/* The engine borrows them for as long as it lives. */
	worker.module = mem_raw(frame.len[1] + 1);
	memcpy(worker.module, frame.part[1], frame.len[1]);
	memcpy(worker.names, frame.part[2], frame.len[2]);
	guest_init(&worker.guest, &hello, &worker.wire);
	const char *name = worker.names;
	for (size_t i = 0; i < hello.n_functions && i < ARRAY_SIZE(worker.guest.embedder); i++, name += strlen(name) + 1)
		worker.guest.embedder[i] = name;
	/* What the next frames need is less. */
	free(TAKE_PTR(worker.wire.bytes));
	worker.wire.cap = 0;
	return (ssize_t)frame.len[1];
}

static void load(size_t len)
{
	const struct engine_host host = guest_host(&worker.guest);
	struct engine_why why = { "" };
	bool ok;

	guest_begin(&worker.guest);
	set_timer(worker.guest.terms.cpu_us + START_US);
	ok = engine_load(worker.engine, worker.module, len, &host, &why);
	set_timer(0);
	/* What a start function does counts for a call: the first one runs it again. */
	worker.stale = true;
	answer(WIRE_READY, ok ? WIRE_OK : why_ended(&why), ok ? "" : why.text, NULL, 0, 0);
}

/* Room in the guest for the input, and the input in it; false with why: the guest ended, or gave no room. */
static bool give_input(const void *input, uint32_t len, uint32_t *at, struct engine_why *why)
{
	struct engine_memory memory;
	uint64_t place = 0;

	*at = 0;
	if (!len)
		return true;
	if (!engine_call(worker.engine, "alloc", &len, 1, &place, why))
		return false;
	memory = engine_memory_of(worker.engine);
	*at = (uint32_t)place;
	if (!*at || (uint64_t)*at + len > memory.len) {
		worker.guest.end = WIRE_ARGUMENT;
		snprintf(worker.guest.why.text, sizeof(worker.guest.why.text),
			 "its alloc(%u) gave %u, which is no room in its memory of %llu bytes", len, *at,
			 (unsigned long long)memory.len);
		return false;
	}
	memcpy(memory.base + *at, input, len);
	return true;
}

/* What the guest returned: an address in the high half, a length in the low one. */
static bool take_output(uint64_t result, const void **output, uint32_t *len)
{
	const struct engine_memory memory = engine_memory_of(worker.engine);
	const uint64_t at = result >> 32;

	*len = (uint32_t)result;
	*output = memory.base ? memory.base + at : NULL;
	if (at + *len <= memory.len && *len <= worker.guest.terms.output)
		return true;
	worker.guest.end = WIRE_ARGUMENT;
	snprintf(worker.guest.why.text, sizeof(worker.guest.why.text),
		 "it returned %u bytes at 0x%llx: its memory has %llu, limits.output allows %llu", *len,
		 (unsigned long long)at, (unsigned long long)memory.len, (unsigned long long)worker.guest.terms.output);
	*len = 0;
	return false;
}

static bool run_call(const char *name, const struct wire_frame *call, const void **output, uint32_t *len,
		     struct engine_why *why)
{
	uint32_t words[2] = { 0, call->len[1] };
	uint64_t result = 0;

	if (worker.stale && !engine_renew(worker.engine, why))
		return false;
	worker.stale = true;
	if (!(call->word & WIRE_TAKES_INPUT))
		return engine_call(worker.engine, name, NULL, 0, NULL, why);
	return give_input(call->part[1], call->len[1], &words[0], why) &&
	       engine_call(worker.engine, name, words, 2, &result, why) && take_output(result, output, len);
}

static void serve_one(const struct wire_frame *call)
{
	struct guest *const guest = &worker.guest;
	const struct journal_bounds bounds = { guest->terms.keys, guest->terms.bytes, guest->terms.value, guest->terms.log };
	struct engine_why why = { "" };
	char name[FUNCTION_MOST + 1];
	const void *output = NULL;
	uint32_t len = 0;
	bool ok;

	snprintf(name, sizeof(name), "%s", (const char *)call->part[0]);
	if (call->word & WIRE_SNAPSHOT && !shelf_load(&guest->shelf, &bounds, call->part[2], call->len[2]))
		_exit(WIRE_REFUSED); /* the host's mistake */
	guest_begin(guest);
	set_timer(guest->terms.cpu_us);
	ok = run_call(name, call, &output, &len, &why);
	set_timer(0);
	if (ok && guest->terms.fresh == 0)
		worker.stale = false;
	if (!guest_finish(guest, ok))
		_exit(WIRE_REFUSED);
	if (ok && guest->lines_dropped)
		snprintf(why.text, sizeof(why.text), "%llu lines more than quota.log allows were dropped",
			 (unsigned long long)guest->lines_dropped);
	answer(WIRE_DONE, ok ? WIRE_OK : why_ended(&why), why.text, output, len, (uint32_t)guest->n_journal);
}

/* The stack that the kernel gives, for the guest. */
static size_t stack_bytes(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur > (8u << 20) ? 8u << 20 : (size_t)limit.rlim_cur;
}

int serve_calls(int fd, int (*seal)(bool random, struct err *e), struct err *e)
{
	static const uint64_t most[] = { FUNCTION_MOST, UINT32_MAX, UINT32_MAX };
	/* An engine may leave the handler for where the call began, and the stack may be the guest's last page. */
	const struct sigaction action = { .sa_handler = ring, .sa_flags = SA_RESTART | SA_ONSTACK | SA_NODEFER };
	struct wire_frame call;
	ssize_t len;

	worker.wire = (struct wire){ .fd = fd };
	len = take_hello(e);
	if (len < 0)
		return -1;
	worker.engine = engine_start(&(struct engine_setup){ .memory_pages = worker.guest.terms.memory_pages,
							     .stack_bytes = stack_bytes(), .many_calls = true });
	if (sigaction(SIGPROF, &action, NULL) < 0)
		return err_sys(e, "sigaction");
	if (seal(worker.guest.terms.grants & 2, e) < 0)
		return err_add(e, "seal the engine");
	load((size_t)len);
	while (wire_receive(&worker.wire, most, &call, 0, e) == 0 && call.kind == WIRE_CALL)
		serve_one(&call);
	_exit(0);
}
