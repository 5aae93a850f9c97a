/* v8/guest_seal: what a sealed guest still has, and when its clocks end it. Each attempt is a process of its own. */
#include "v8/guest_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "v8/note.h"

#define NO_SETUP 99
#define NOTES 600       /* on more pages than one */
#define NOTE 300

struct attempt {
	const char *what;
	void (*try)(void);
	int end;                /* the signal it dies of; 0: its own exit with 0 */
};

struct way {
	struct isolate_limits limits;
	enum guest_calls keeps;
	bool waits;             /* parked before its first byte */
};

/* How it ended, and what it had told by then. */
struct report {
	int status;
	long cpu_us;
	struct note note;
	uint64_t others;        /* what others seem to have told */
	bool has_domain;
};

/* Birth and seals as a guest has them, then the attempt. */
static _Noreturn void be_guest(const struct guest_seal *seal, int parent, const struct way *way, void (*try)(void))
{
	struct err e;

	int keep = STDERR_FILENO;

	if (guest_seal_birth(seal, parent, way->limits.memory_bytes, &e) < 0 || guest_seal_keep(&keep, 1, &e) < 0 ||
	    (way->waits && guest_seal_wait(&way->limits, way->keeps, &e) < 0) ||
	    guest_seal_close(&way->limits, way->keeps, way->waits, &e) < 0)
		_exit(NO_SETUP);
	try();
	_exit(0);
}

/* In a process that seals itself as a zygote does and has one guest: says how that ended. */
static _Noreturn void be_zygote(const struct way *way, void (*try)(void), int report_fd)
{
	const struct guest_seal_setup setup = { .may_execute = true };
	const int parent = getpid();
	struct report report = { .status = NO_SETUP << 8 };
	struct guest_seal seal;
	struct rusage usage = { .ru_maxrss = 0 };
	struct err e;

	if (notes_open(NOTES, &e) < 0 || guest_seal_zygote(&seal, &setup, &e) < 0 || guest_seal_measure(&seal, &e) < 0)
		_exit(NO_SETUP);
	note_choose(NOTE);
	const int pid = guest_seal_fork(false);
	if (pid == 0)
		be_guest(&seal, parent, way, try);
	if (pid < 0 || wait4(pid, &report.status, 0, &usage) != pid)
		_exit(NO_SETUP);
	report.cpu_us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
	report.note = note_of(NOTE);
	report.others = note_of(NOTE - 1).layers | note_of(NOTE + 1).layers | note_of(NOTES).layers;
	report.has_domain = seal.rules_fd >= 0;
	_exit(write(report_fd, &report, sizeof(report)) == sizeof(report) ? 0 : NO_SETUP);
}

static struct report report_of(const struct way *way, void (*try)(void))
{
	struct report report;
	int ends[2], status;

	assert_int_equal(pipe(ends), 0);
	const pid_t pid = fork();
	if (pid == 0)
		be_zygote(way, try, ends[1]);
	close(ends[1]);
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_true(read(ends[0], &report, sizeof(report)) == (ssize_t)sizeof(report));
	close(ends[0]);
	return report;
}

static void refuse(bool held)
{
	if (!held)
		_exit(1);
}

static void have_memory(void)
{
	const size_t len = 1 << 20;
	char *const at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	refuse(at != MAP_FAILED);
	*(volatile char *)at = 1;
	refuse(munmap(at, len) == 0 && getpid() > 0);
}

static void share_memory(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void look_for_a_file(void)
{
	refuse(open("/etc/passwd", O_RDONLY) < 0 && errno == ENOENT);
}

static void block_its_end(void)
{
	sigset_t all;

	sigfillset(&all);
	refuse(sigprocmask(SIG_BLOCK, &all, NULL) < 0 && errno == EPERM);
	refuse(signal(SIGPROF, SIG_IGN) == SIG_ERR && errno == EPERM);
}

static void set_the_clock_of_time(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ .it_value.tv_sec = 1000 }, NULL);
}

static void set_the_clock_of_the_processor(void)
{
	syscall(SYS_timer_settime, 0, 0, &(struct itimerspec){ .it_value.tv_sec = 1000 }, NULL);
}

static void have_another_clock(void)
{
	syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &(int){ 0 });
}

static void have_another_filter(void)
{
	syscall(SYS_seccomp, 0, 0, NULL);
}

static void signal_somebody(void)
{
	kill(getpid(), 0);
}

static void fork_itself(void)
{
	if (guest_seal_fork(false) == 0)
		_exit(0);
}

static void send_something(void)
{
	sendmsg(0, &(struct msghdr){ .msg_iovlen = 0 }, 0);
}

static void talk_to_the_network(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void loop(void)
{
	for (volatile unsigned long n = 0;; n++)
		;
}

static void sleep_long(void)
{
	while (syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0) < 0)
		;
}

static uint64_t used_us(void)
{
	struct timespec used = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

/* The zygote reads this clock to see whether a guest's time is over: one that goes by ticks has no smaller step. */
static void read_its_clock_between_ticks(void)
{
	const uint64_t long_us = 20000, tick_us = 1000, begun = used_us();
	uint64_t before = begun, least = tick_us;

	while (before - begun < long_us) {
		const uint64_t now = used_us();

		if (now > before && now - before < least)
			least = now - before;
		before = now;
	}
	refuse(least < tick_us);
}

static const struct attempt attempts[] = {
	{ "a clock that counts", read_its_clock_between_ticks, 0 },
	{ "memory", have_memory, 0 },
	{ "shared memory", share_memory, SIGSYS },
	{ "a file", look_for_a_file, 0 },
	{ "to stay", block_its_end, 0 },
	{ "more time", set_the_clock_of_time, SIGSYS },
	{ "more of the processor", set_the_clock_of_the_processor, SIGSYS },
	{ "another clock", have_another_clock, SIGSYS },
	{ "another filter", have_another_filter, SIGSYS },
	{ "a signal", signal_somebody, SIGSYS },
	{ "a process", fork_itself, SIGSYS },
	{ "a message", send_something, SIGSYS },
	{ "a socket", talk_to_the_network, SIGSYS },
};

static void try_all(const struct way *way)
{
	if (SANITIZED) {
		print_message("[  SKIPPED ] a sanitizer's build has no filters\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		const int status = report_of(way, attempts[i].try).status;

		if (status != attempts[i].end)
			print_message("%s: status %d\n", attempts[i].what, status);
		assert_int_equal(status, attempts[i].end);
	}
}

static void a_guest_keeps_what_it_needs_and_no_more(void **state)
{
	(void)state;
	try_all(&(struct way){ .keeps = GUEST_CALLS_SCRIPT, .limits = { 64u << 20, 60000000, 60000000 } });
}

static void so_does_one_that_has_waited(void **state)
{
	(void)state;
	try_all(&(struct way){ .keeps = GUEST_CALLS_SCRIPT, .waits = true, .limits = { 64u << 20, 60000000, 60000000 } });
}

/* A clock that guesses whose a tick was would end some of these too early. */
static void processor_time_ends_it_and_never_too_early(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		const struct way way = { .keeps = GUEST_CALLS_SCRIPT, .waits = i % 2, .limits = { 64u << 20, 30000, 0 } };
		const struct report report = report_of(&way, loop);

		assert_int_equal(report.status, SIGPROF);
		assert_true(report.cpu_us >= 30000);
	}
}

static void time_ends_it(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct way way = { .keeps = GUEST_CALLS_SCRIPT, .waits = i % 2, .limits = { 64u << 20, 60000000, 20000 } };

		assert_int_equal(report_of(&way, sleep_long).status, SIGALRM);
	}
}

static void no_limit_is_no_clock(void **state)
{
	(void)state;
	assert_int_equal(report_of(&(struct way){ .keeps = GUEST_CALLS_SCRIPT, .waits = true }, have_memory).status, 0);
}

#define HAS(what) (UINT64_C(1) << ISOLATE_HAS_##what)

static void it_tells_what_it_has_and_nobody_elses(void **state)
{
	const struct way way = { .keeps = GUEST_CALLS_SCRIPT, .limits = { 64u << 20, 60000000, 60000000 } };
	const struct report report = report_of(&way, have_memory);

	(void)state;
	assert_int_equal(report.status, 0);
	assert_true(report.note.layers == (HAS(RLIMITS) | HAS(FDS) | (report.has_domain ? HAS(LANDLOCK) : 0) |
					   (SANITIZED ? 0 : HAS(SECCOMP))));
	assert_true(report.note.begun_us > 0 && report.others == 0);
}

static int parent_of_the_unsealed(const struct guest_seal *seal, bool with_limits)
{
	struct isolate_limits limits = { .memory_bytes = with_limits ? 64u << 20 : 0 };
	struct err e;
	int status;

	note_choose(NOTE);
	const pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		_exit(guest_seal_birth(seal, parent, limits.memory_bytes, &e) < 0);
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void what_it_has_not_is_not_told(void **state)
{
	const struct guest_seal seal = { .rules_fd = -1, .data_bytes = 1u << 30, .has_modules = true };
	struct err e;

	(void)state;
	assert_int_equal(notes_open(NOTES, &e), 0);
	assert_int_equal(parent_of_the_unsealed(&seal, false), 0);
	assert_true(note_of(NOTE).layers == 0 && note_of(NOTE).begun_us == 0);
	assert_int_equal(parent_of_the_unsealed(&seal, true), 0);
	assert_true(note_of(NOTE).layers == HAS(RLIMITS));
	assert_int_equal(note_done(&e), 0);
	assert_true(note_of(NOTE).layers == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_keeps_what_it_needs_and_no_more),
		cmocka_unit_test(so_does_one_that_has_waited),
		cmocka_unit_test(processor_time_ends_it_and_never_too_early),
		cmocka_unit_test(time_ends_it),
		cmocka_unit_test(no_limit_is_no_clock),
		cmocka_unit_test(it_tells_what_it_has_and_nobody_elses),
		cmocka_unit_test(what_it_has_not_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
