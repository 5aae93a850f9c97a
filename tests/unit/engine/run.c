/* engine/run: a box that is a child of the test plays its part; the verdict and the streams must
 * fit. */
#include "engine/run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pty.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "fake_keeper.h"

#define EXITED(code) ((code) << 8)

/* One run of a box function; limits and streams as set before. */
struct scene {
	struct policy policy;
	struct run_request request;
	struct result result;
	int fds[3], out_fd, status_fd;
};

static void limit(struct scene *scene, enum policy_key key, uint64_t n)
{
	scene->policy.values[key] = (struct policy_value){ .set = true, .n = n };
}

static int set_up(void **state)
{
	struct scene *const scene = mem_alloc(sizeof(*scene));

	memset(&fake, 0, sizeof(fake));
	fake.control_peer = -1;
	scene->policy = POLICY_NONE;
	scene->out_fd = memfd_create("out", MFD_CLOEXEC);
	scene->status_fd = memfd_create("status", MFD_CLOEXEC);
	scene->request = (struct run_request){
		.policy = &scene->policy, .filter = &scene->policy.syscalls,
		.fds = scene->fds, .n_fds = 3, .in_fd = -1, .out_fd = scene->out_fd, .err_fd = -1,
		.status_fd = scene->status_fd,
	};
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *const scene = *state;

	close(scene->out_fd);
	close(scene->status_fd);
	filter_set_done(&scene->policy.syscalls);
	free(scene);
	return 0;
}

static void play(struct scene *scene, void (*box)(const struct fake_keeper *keeper))
{
	fake.box = box;
	run_box(&scene->request, &scene->result);
	assert_int_equal(scene->result.ward_code, result_exit_code(&scene->result));
}

static void assert_text(int fd, const char *wanted)
{
	char text[16384];
	const ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_non_null(strstr(text, wanted));
}

static void say(const char *text)
{
	if (write(fake.fds[1], text, strlen(text)) < 0)
		_exit(8);
}

/* Boxes. */

static void says_and_exits(const struct fake_keeper *keeper)
{
	fake_started(-1);
	say("hello\n");
	fake_ended(EXITED(keeper->arg));
}

static void ends_by_signal(const struct fake_keeper *keeper)
{
	fake_started(-1);
	fake_ended(keeper->arg);
}

static void fails_to_start(const struct fake_keeper *keeper)
{
	fake_note(BOX_FAILED, 0, -1);
	(void)keeper;
}

static void finds_no_program(const struct fake_keeper *keeper)
{
	fake_note(BOX_NOEXEC, keeper->arg, -1);
}

static void dies(const struct fake_keeper *keeper)
{
	if (keeper->arg)
		fake_started(-1);
}

static void hangs(const struct fake_keeper *keeper)
{
	(void)keeper;
	signal(SIGTERM, SIG_IGN);
	fake_started(-1);
	for (;;)
		pause();
}

static void at_term(int number)
{
	fake_ended(number);
	_exit(0);
}

static void ends_at_term(const struct fake_keeper *keeper)
{
	(void)keeper;
	signal(SIGTERM, at_term);
	fake_started(-1);
	for (;;)
		pause();
}

static void floods(const struct fake_keeper *keeper)
{
	static const char lines[4096] = "y\n";

	(void)keeper;
	signal(SIGPIPE, SIG_DFL);
	fake_started(-1);
	while (write(fake.fds[1], lines, sizeof(lines)) > 0)
		;
	pause();
}

static void writes_n(const struct fake_keeper *keeper)
{
	static const char bytes[1 << 16];

	fake_started(-1);
	if (write(fake.fds[1], bytes, (size_t)keeper->arg) < 0)
		_exit(8);
	fake_ended(EXITED(0));
}

static void echoes(const struct fake_keeper *keeper)
{
	char bytes[4096];
	ssize_t n;

	(void)keeper;
	fake_started(-1);
	while ((n = read(fake.fds[0], bytes, sizeof(bytes))) > 0)
		if (write(fake.fds[1], bytes, (size_t)n) < 0)
			_exit(8);
	fake_ended(EXITED(0));
}

static void signals_ward(const struct fake_keeper *keeper)
{
	signal(keeper->arg, at_term);
	fake_started(-1);
	kill(getppid(), keeper->arg);
	for (;;)
		pause();
}

static void signals_ward_twice(const struct fake_keeper *keeper)
{
	(void)keeper;
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	fake_started(-1);
	kill(getppid(), SIGTERM);
	kill(getppid(), SIGINT);
	for (;;)
		pause();
}

static bool is_pending(pid_t pid, int number)
{
	char path[32], text[4096] = "";
	const char *line;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		_exit(6);
	close(fd);
	line = strstr(text, "ShdPnd:");
	return line && strtoull(line + 7, NULL, 16) & 1ull << (number - 1);
}

/* The note comes once ward has taken the signal. */
static void signals_ward_early(const struct fake_keeper *keeper)
{
	signal(keeper->arg, at_term);
	kill(getppid(), keeper->arg);
	while (is_pending(getppid(), keeper->arg))
		sched_yield();
	fake_started(-1);
	for (;;)
		pause();
}

static char state_of(pid_t pid)
{
	char path[32], text[256] = "";
	const char *name_end;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		_exit(6);
	close(fd);
	name_end = strrchr(text, ')');
	return name_end ? name_end[2] : '?';
}

static void stops_ward(const struct fake_keeper *keeper)
{
	(void)keeper;
	fake_started(-1);
	kill(getppid(), SIGTSTP);
	while (state_of(getppid()) != 'T')
		sched_yield();
	kill(getppid(), SIGCONT);
	fake_ended(EXITED(0));
}

static void ends_twice(const struct fake_keeper *keeper)
{
	(void)keeper;
	fake_ended(EXITED(0));
	fake_ended(EXITED(0));
}

/* Tests. */

static void an_exit_code_is_passed_on(void **state)
{
	struct scene *const scene = *state;

	fake.arg = 7;
	play(scene, says_and_exits);
	assert_int_equal(scene->result.verdict, VERDICT_NONZERO);
	assert_int_equal(scene->result.stage, STAGE_RUN);
	assert_int_equal(scene->result.exit_code, 7);
	assert_int_equal(scene->result.ward_code, 7);
	assert_int_equal(scene->result.layers, 7);      /* the keeper's and the box's */
	assert_int_equal(scene->result.output_bytes, 6);
	assert_int_equal(scene->result.cpu_us, 1234);   /* by waiting */
	assert_int_equal(scene->result.have, 0);
	assert_text(scene->out_fd, "hello\n");
	assert_text(scene->status_fd, "{\"event\":\"started\"");
	assert_int_equal(fake_asked(MON_RELEASE), 1);
	assert_int_equal(fake_asked(MON_KILL), 0);
}

static void every_end_has_its_verdict(void **state)
{
	static const struct {
		void (*box)(const struct fake_keeper *keeper);
		int arg;
		struct cgroup_usage usage;
		enum verdict verdict;
		int code;
	} rows[] = {
		{ says_and_exits, 0, { 0 }, VERDICT_OK, 0 },
		{ says_and_exits, 255, { 0 }, VERDICT_NONZERO, 255 },
		{ ends_by_signal, SIGSEGV, { 0 }, VERDICT_SIGNAL, 139 },
		{ ends_by_signal, SIGSYS, { 0 }, VERDICT_DENIED_SYSCALL, 159 },
		{ ends_by_signal, SIGXCPU, { 0 }, VERDICT_LIMIT_CPU, 124 },
		{ ends_by_signal, SIGKILL, { 0 }, VERDICT_SIGNAL, 137 },
		{ ends_by_signal, SIGKILL, { .oom_kills = 1 }, VERDICT_LIMIT_MEMORY, 137 },
		{ says_and_exits, 1, { .oom_kills = 1 }, VERDICT_LIMIT_MEMORY, 1 },
		{ says_and_exits, 0, { .oom_kills = 1 }, VERDICT_OK, 0 },
		{ says_and_exits, 1, { .pids_refused = 9 }, VERDICT_LIMIT_PIDS, 1 },
		{ fails_to_start, 0, { 0 }, VERDICT_SETUP, 125 },
		{ finds_no_program, ENOENT, { 0 }, VERDICT_SETUP, 127 },
		{ finds_no_program, EACCES, { 0 }, VERDICT_SETUP, 126 },
		{ finds_no_program, ENOEXEC, { 0 }, VERDICT_SETUP, 126 },
		{ dies, 0, { 0 }, VERDICT_SETUP, 125 },
		{ dies, 1, { 0 }, VERDICT_INTERNAL, 125 },
		{ dies, 1, { .oom_kills = 1 }, VERDICT_LIMIT_MEMORY, 137 },
		{ ends_twice, 0, { 0 }, VERDICT_SETUP, 125 },
	};
	struct scene *const scene = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fake.n_asked = 0;
		fake.arg = rows[i].arg;
		fake.usage = rows[i].usage;
		play(scene, rows[i].box);
		assert_int_equal(scene->result.verdict, rows[i].verdict);
		assert_int_equal(scene->result.ward_code, rows[i].code);
		assert_int_equal(fake_asked(MON_RELEASE), 1);
	}
}

static void what_went_wrong_is_told(void **state)
{
	struct scene *const scene = *state;

	play(scene, fails_to_start);
	assert_string_equal(scene->result.err.text, "mount: no");
	fake.fails_spawn = true;
	play(scene, fails_to_start);
	assert_string_equal(scene->result.err.text, "the plan is refused");
	assert_int_equal(scene->result.verdict, VERDICT_SETUP);
}

static void a_box_that_may_still_live_is_no_success(void **state)
{
	struct scene *const scene = *state;

	fake.fails_release = true;
	play(scene, says_and_exits);
	assert_int_equal(scene->result.verdict, VERDICT_INTERNAL);
	assert_int_equal(scene->result.ward_code, 125);
}

static void a_lost_keeper_is_no_success(void **state)
{
	struct scene *const scene = *state;

	fake.dies = true;
	play(scene, hangs);
	assert_int_not_equal(scene->result.ward_code, 0);
	assert_int_equal(scene->result.ward_code, 125);
}

static void a_required_layer_that_is_missing_ends_the_run(void **state)
{
	struct scene *const scene = *state;

	scene->policy.require = LAYER_BIT(LAYER_SECCOMP);
	play(scene, hangs);
	assert_int_equal(scene->result.verdict, VERDICT_SETUP);
	assert_non_null(strstr(scene->result.err.text, "seccomp"));
}

static void the_clock_ends_a_run(void **state)
{
	struct scene *const scene = *state;

	limit(scene, KEY_WALL, 20);
	play(scene, hangs);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_WALL);
	assert_int_equal(scene->result.ward_code, 124);
	assert_int_equal(scene->result.signal, SIGKILL);
	assert_true(scene->result.killed);
	assert_true(scene->result.wall_us >= 20000);
	assert_int_equal(fake_asked(MON_SIGNAL), 0);
}

static void grace_lets_a_program_end_by_itself(void **state)
{
	struct scene *const scene = *state;

	limit(scene, KEY_WALL, 20);
	limit(scene, KEY_GRACE, 60000);
	play(scene, ends_at_term);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_WALL);
	assert_int_equal(scene->result.signal, SIGTERM);
	assert_false(scene->result.killed);
	assert_int_equal(fake.asked[0], MON_SIGNAL);
	assert_int_equal(fake.args[0], SIGTERM);
	assert_int_equal(fake_asked(MON_KILL), 0);
}

static void grace_runs_out(void **state)
{
	struct scene *const scene = *state;

	limit(scene, KEY_WALL, 10);
	limit(scene, KEY_GRACE, 20);
	play(scene, hangs);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_WALL);
	assert_true(scene->result.killed);
	assert_int_equal(fake_asked(MON_SIGNAL), 1);
	assert_int_equal(fake_asked(MON_KILL), 1);
}

static void processor_time_ends_a_run(void **state)
{
	struct scene *const scene = *state;

	limit(scene, KEY_CPU, 30);
	limit(scene, KEY_CPUS, 1000);
	fake.usage.have = USAGE_CPU;
	fake.cpu_step_us = 11000;
	play(scene, hangs);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_CPU);
	assert_int_equal(scene->result.ward_code, 124);
	assert_int_equal(fake_asked(MON_USAGE), 3);     /* 11, 22, 33 ms */
}

static void processor_time_counts_after_the_end_too(void **state)
{
	struct scene *const scene = *state;

	limit(scene, KEY_CPU, 1000);
	fake.usage = (struct cgroup_usage){ .have = USAGE_CPU, .cpu_us = 1000001 };
	play(scene, says_and_exits);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_CPU);
	assert_int_equal(scene->result.ward_code, 124);
}

static void output_ends_a_run_and_exactly_the_cap_is_passed_on(void **state)
{
	struct scene *const scene = *state;

	limit(scene, KEY_OUTPUT, 100001);
	play(scene, floods);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_OUTPUT);
	assert_int_equal(scene->result.ward_code, 124);
	assert_true(scene->result.output_cut);
	assert_true(scene->result.output_bytes > 100001);
	assert_int_equal(lseek(scene->out_fd, 0, SEEK_END), 100001);
}

static void the_cap_itself_is_allowed(void **state)
{
	struct scene *const scene = *state;

	limit(scene, KEY_OUTPUT, 4096);
	fake.arg = 4096;
	play(scene, writes_n);
	assert_int_equal(scene->result.verdict, VERDICT_OK);
	assert_false(scene->result.output_cut);
	fake.arg = 4097;
	play(scene, writes_n);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_OUTPUT);
	assert_int_equal(scene->result.output_bytes, 4097);
}

static void no_output_at_all_may_be_the_cap(void **state)
{
	struct scene *const scene = *state;

	limit(scene, KEY_OUTPUT, 0);
	play(scene, says_and_exits);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_OUTPUT);
	assert_int_equal(lseek(scene->out_fd, 0, SEEK_END), 0);
}

static void a_file_goes_in_and_comes_out(void **state)
{
	struct scene *const scene = *state;
	static char bytes[300000];
	static char back[sizeof(bytes) + 1];
	const int in_fd = memfd_create("in", MFD_CLOEXEC);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + i / 251);
	assert_int_equal(pwrite(in_fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	scene->request.in_fd = in_fd;
	play(scene, echoes);
	close(in_fd);
	assert_int_equal(scene->result.verdict, VERDICT_OK);
	assert_int_equal(pread(scene->out_fd, back, sizeof(back), 0), sizeof(bytes));
	assert_memory_equal(bytes, back, sizeof(bytes));
}

static void no_input_is_an_end_of_file(void **state)
{
	struct scene *const scene = *state;
	const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	play(scene, echoes);
	assert_int_equal(scene->result.verdict, VERDICT_OK);
	scene->request.in_fd = null_fd;
	play(scene, echoes);
	close(null_fd);
	assert_int_equal(scene->result.verdict, VERDICT_OK);
}

static void a_closed_output_reaches_the_program(void **state)
{
	struct scene *const scene = *state;
	int ends[2];

	limit(scene, KEY_WALL, 60000);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	scene->request.out_fd = ends[1];
	play(scene, floods);    /* dies of SIGPIPE, being the first process: without a last word */
	close(ends[1]);
	assert_int_equal(scene->result.verdict, VERDICT_INTERNAL);
	assert_true(scene->result.output_cut);
	assert_true(scene->result.wall_us < 30000000);
}

static void a_signal_to_ward_ends_the_box(void **state)
{
	static const int rows[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	struct scene *const scene = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fake.n_asked = 0;
		fake.arg = rows[i];
		play(scene, signals_ward);
		assert_int_equal(scene->result.verdict, VERDICT_SIGNAL);
		assert_int_equal(scene->result.ward_code, 128 + rows[i]);
		assert_true(scene->result.ended_by_user);
		assert_int_equal(fake.asked[0], MON_SIGNAL);
		assert_int_equal(fake.args[0], rows[i]);
	}
}

static void an_ignored_hangup_stays_ignored(void **state)
{
	struct scene *const scene = *state;

	signal(SIGHUP, SIG_IGN);
	limit(scene, KEY_WALL, 20);
	fake.arg = SIGHUP;
	play(scene, signals_ward);
	signal(SIGHUP, SIG_DFL);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_WALL);
	assert_false(scene->result.ended_by_user);
}

static void a_second_signal_does_not_wait_for_the_grace(void **state)
{
	struct scene *const scene = *state;

	limit(scene, KEY_GRACE, 60000);
	play(scene, signals_ward_twice);
	assert_int_equal(scene->result.verdict, VERDICT_SIGNAL);
	assert_int_equal(scene->result.ward_code, 137);
	assert_true(scene->result.killed);
	assert_int_equal(fake_asked(MON_SIGNAL), 1);
}

static void count(void *at)
{
	++*(int *)at;
}

static void a_box_that_failed_to_start_has_not_begun(void **state)
{
	struct scene *const scene = *state;
	int told = 0;

	scene->request.begun = count;
	scene->request.begun_at = &told;
	play(scene, fails_to_start);
	assert_int_equal(told, 0);
}

static void a_box_that_runs_has_begun_once(void **state)
{
	struct scene *const scene = *state;
	int told = 0;

	scene->request.begun = count;
	scene->request.begun_at = &told;
	play(scene, says_and_exits);
	assert_int_equal(told, 1);
}

static void a_users_signal_is_passed_on(void **state)
{
	struct scene *const scene = *state;

	fake.arg = SIGUSR1;
	play(scene, signals_ward);
	assert_int_equal(scene->result.ward_code, 128 + SIGUSR1);
	assert_false(scene->result.ended_by_user);
}

static void a_users_signal_before_the_start_is_kept_for_the_program(void **state)
{
	struct scene *const scene = *state;

	fake.arg = SIGUSR2;
	limit(scene, KEY_WALL, 60000);
	play(scene, signals_ward_early);
	assert_int_equal(scene->result.ward_code, 128 + SIGUSR2);
	assert_int_equal(fake_asked(MON_SIGNAL), 1);
}

static void an_end_before_the_start_is_told_as_one(void **state)
{
	struct scene *const scene = *state;

	fake.arg = SIGTERM;
	play(scene, signals_ward_early);
	assert_int_equal(scene->result.verdict, VERDICT_SETUP);
	assert_true(scene->result.ended_by_user);
	assert_non_null(strstr(scene->result.err.text, "SIGTERM came before"));
}

static void a_keeper_that_does_not_answer_is_told_and_asked_no_more(void **state)
{
	struct scene *const scene = *state;

	fake.is_silent = true;
	limit(scene, KEY_WALL, 10);
	limit(scene, KEY_GRACE, 60000);
	play(scene, hangs);
	assert_int_equal(scene->result.verdict, VERDICT_INTERNAL);
	assert_int_equal(scene->result.ward_code, 125);
	assert_non_null(strstr(scene->result.err.text, "has not answered"));
}

static void stopping_ward_freezes_the_box_meanwhile(void **state)
{
	struct scene *const scene = *state;

	play(scene, stops_ward);
	assert_int_equal(scene->result.verdict, VERDICT_OK);
	assert_int_equal(fake.asked[0], MON_FREEZE);
	assert_int_equal(fake.args[0], 1);
	assert_int_equal(fake.asked[1], MON_FREEZE);
	assert_int_equal(fake.args[1], 0);
}

/* A filter whose getppid asks ward. */
static int install_listener(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { ARRAY_SIZE(code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

#define NO_LISTENER 77

static void asks_for_its_parent(const struct fake_keeper *keeper)
{
	const int listener = install_listener();
	int refused = 0;

	fake_started(listener);
	if (listener < 0) {
		fake_ended(EXITED(NO_LISTENER));
		return;
	}
	close(listener);
	for (int i = 0; i < keeper->arg; i++)
		refused += syscall(SYS_getppid, 0x11, 0x22) < 0 && errno == EXDEV;
	fake_ended(EXITED(refused == keeper->arg ? 0 : 3));
}

static void refuse_getppid(struct scene *scene, enum filter_act act)
{
	const struct filter_row row = { .nr = SYS_getppid, .act = (uint8_t)act, .sys = EXDEV,
					.line = 12, .origin = "policy" };

	scene->policy.syscalls.otherwise = FILTER_ALLOW;
	filter_add(&scene->policy.syscalls, &row);
}

static void refused_calls_are_answered_and_counted(void **state)
{
	struct scene *const scene = *state;
	const struct denial *const denial = &scene->result.denials[0];

	refuse_getppid(scene, FILTER_NOTIFY);
	fake.arg = 100; /* more than one turn's worth */
	play(scene, asks_for_its_parent);
	if (scene->result.exit_code == NO_LISTENER)
		skip();
	assert_int_equal(scene->result.verdict, VERDICT_OK);
	assert_int_equal(scene->result.n_denials, 1);
	assert_int_equal(denial->nr, SYS_getppid);
	assert_int_equal(denial->count, 100);
	assert_int_equal(denial->line, 12);
	assert_int_equal(denial->args[1], 0x22);
	assert_string_equal(denial->origin, "policy");
	assert_text(scene->status_fd, "{\"event\":\"denied\"");
}

static void a_killing_row_ends_the_box(void **state)
{
	struct scene *const scene = *state;

	refuse_getppid(scene, FILTER_KILL);
	fake.arg = 1;
	play(scene, asks_for_its_parent);
	if (scene->result.exit_code == NO_LISTENER)
		skip();
	assert_int_equal(scene->result.verdict, VERDICT_DENIED_SYSCALL);
	assert_int_equal(scene->result.signal, SIGSYS);
	assert_int_equal(scene->result.ward_code, 159);
	assert_int_equal(fake_asked(MON_KILL), 1);
	assert_int_equal(scene->result.n_denials, 1);
}

static void asks_without_end(const struct fake_keeper *keeper)
{
	const int listener = install_listener();

	(void)keeper;
	fake_started(listener);
	if (listener < 0) {
		fake_ended(EXITED(NO_LISTENER));
		return;
	}
	close(listener);
	for (;;)
		syscall(SYS_getppid);
}

static void a_flood_of_refused_calls_does_not_stop_the_clock(void **state)
{
	struct scene *const scene = *state;

	refuse_getppid(scene, FILTER_ERRNO);
	limit(scene, KEY_WALL, 50);
	play(scene, asks_without_end);
	if (scene->result.exit_code == NO_LISTENER)
		skip();
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_WALL);
	assert_true(scene->result.wall_us < 5000000);
	assert_int_equal(scene->result.n_denials, 1);
}

/* A box with a terminal: what comes in goes out twice, by the terminal's echo and by the program.
 * */
static void has_a_terminal(const struct fake_keeper *keeper)
{
	char line[64];
	int master, slave;
	ssize_t n;

	(void)keeper;
	if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
		_exit(7);
	fake_note(BOX_TERMINAL, 0, master);
	close(master);
	fake_started(-1);
	while ((n = read(slave, line, sizeof(line))) > 0)
		if (write(slave, "got:", 4) < 0 || write(slave, line, (size_t)n) < 0)
			_exit(8);
	tcdrain(slave);
	fake_ended(EXITED(0));
	pause();        /* nothing hangs up before it is drained */
}

static void a_terminal_is_fed_and_heard(void **state)
{
	struct scene *const scene = *state;
	int in[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], "abc\nde", 6), 6);
	close(in[1]);
	scene->request.pty = true;
	scene->request.in_fd = in[0];
	limit(scene, KEY_WALL, 60000);
	play(scene, has_a_terminal);
	close(in[0]);
	assert_int_equal(scene->result.verdict, VERDICT_OK);
	assert_text(scene->out_fd, "got:abc\r\n");
	assert_text(scene->out_fd, "got:de");
}

static void wards_own_terminal_is_put_back(void **state)
{
	struct scene *const scene = *state;
	struct termios before, after;
	int master, slave;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(slave, &before), 0);
	scene->request.pty = true;
	scene->request.in_fd = slave;
	limit(scene, KEY_WALL, 30);
	play(scene, has_a_terminal);
	assert_int_equal(tcgetattr(slave, &after), 0);
	close(master);
	close(slave);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_WALL);
	assert_int_equal(before.c_lflag, after.c_lflag);
}

static size_t count_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void no_descriptor_and_no_mask_stays_behind(void **state)
{
	struct scene *const scene = *state;
	const size_t before = count_fds();
	sigset_t mask;

	play(scene, says_and_exits);
	play(scene, fails_to_start);
	fake.fails_spawn = true;
	play(scene, fails_to_start);
	assert_int_equal(count_fds(), before);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGTERM));
}

/* -- a box that somebody keeps parked -- */

struct holding {
	struct run_holder holder;
	int words[2];
	struct policy *policy;
	uint64_t wall_ms;               /* of the claim */
	bool was_parked;
	const char *words_then;         /* what it says when it hears of the box; "": it goes */
	unsigned n_opened;              /* sockets it was told of */
	uint64_t n_used, used_cpu_us;   /* how often it was told what the box uses, and what last */
};

static enum run_word hear_one(void *at, uint64_t *n)
{
	struct holding *const holding = at;
	char word = 0;
	const ssize_t got = read(holding->words[0], &word, 1);

	*n = 0;

	if (got != 1)
		return got < 0 ? RUN_NOTHING : RUN_KILL;
	holding->policy->values[KEY_WALL] = (struct policy_value){ .set = true, .n = holding->wall_ms };
	return word == 'c' ? RUN_CLAIM : RUN_NOTHING;
}

static void note_parked(void *at, const struct result *result)
{
	struct holding *const holding = at;

	(void)result;
	holding->was_parked = true;
	if (!*holding->words_then)
		close(holding->words[1]);
	else if (write(holding->words[1], holding->words_then, strlen(holding->words_then)) < 0)
		fail();
}

static void hold(struct scene *scene, struct holding *holding, const char *words_then)
{
	int in[2], out[2];

	*holding = (struct holding){ .policy = &scene->policy, .words_then = words_then };
	assert_int_equal(pipe2(holding->words, O_NONBLOCK) | pipe(in) | pipe(out), 0);
	close(in[1]);
	close(out[0]);
	holding->holder = (struct run_holder){
		.fd = holding->words[0], .hear = hear_one, .parked = note_parked, .at = holding, .in_fd = in[0], .out_fd = out[1],
	};
	scene->request.holder = &holding->holder;
}

static void ends_later(const struct fake_keeper *keeper)
{
	(void)keeper;
	fake_started(-1);
	usleep(50000);
	fake_ended(EXITED(0));
}

static void count_opened(void *at)
{
	((struct holding *)at)->n_opened++;
}

static void a_box_without_a_listener_may_have_sockets(void **state)
{
	struct scene *const scene = *state;
	struct holding holding;

	hold(scene, &holding, "c");
	holding.wall_ms = 60000;
	holding.holder.opens = count_opened;
	play(scene, ends_later);
	assert_int_equal(holding.n_opened, 1);
}

static void no_clock_runs_before_a_parked_box_is_claimed(void **state)
{
	struct scene *const scene = *state;
	struct holding holding;

	hold(scene, &holding, "n");
	limit(scene, KEY_WALL, 1);
	play(scene, ends_later);
	assert_true(holding.was_parked);
	assert_int_equal(scene->result.verdict, VERDICT_OK);
}

static void a_claim_brings_the_limits_of_the_job(void **state)
{
	struct scene *const scene = *state;
	struct holding holding;

	hold(scene, &holding, "c");
	holding.wall_ms = 5;
	play(scene, hangs);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_WALL);
}

static void a_second_claim_is_the_end_of_the_box(void **state)
{
	struct scene *const scene = *state;
	struct holding holding;

	hold(scene, &holding, "cc");
	holding.wall_ms = 600000;
	play(scene, hangs);
	assert_int_equal(scene->result.verdict, VERDICT_SIGNAL);
}

static uint64_t note_used(void *at, const struct cgroup_usage *usage, uint64_t at_us)
{
	struct holding *const holding = at;

	assert_in_range(at_us, (holding->n_used + 1) * 2000, UINT64_MAX);
	holding->used_cpu_us = usage->cpu_us;
	return ++holding->n_used < 3 ? 2 : 0;
}

static void hold_and_sample(struct scene *scene, struct holding *holding)
{
	hold(scene, holding, "c");
	holding->wall_ms = 200;
	holding->holder.used = note_used;
	holding->holder.used_first_ms = 2;
	play(scene, hangs);
	assert_int_equal(scene->result.verdict, VERDICT_LIMIT_WALL);
}

static void what_a_claimed_box_uses_is_told_while_it_is_asked_for(void **state)
{
	struct scene *const scene = *state;
	struct holding holding;

	fake.usage.have = USAGE_CPU;
	fake.cpu_step_us = 1000;
	hold_and_sample(scene, &holding);
	assert_int_equal(holding.n_used, 3);
	assert_int_equal(holding.used_cpu_us, 3000);
}

static void a_box_without_counters_is_asked_once(void **state)
{
	struct scene *const scene = *state;
	struct holding holding;

	hold_and_sample(scene, &holding);
	assert_int_equal(holding.n_used, 0);
	assert_int_equal(fake_asked(MON_USAGE), 1);
}

static void the_end_of_its_holder_is_the_end_of_the_box(void **state)
{
	struct scene *const scene = *state;
	struct holding holding;

	hold(scene, &holding, "");
	play(scene, hangs);
	assert_int_equal(scene->result.verdict, VERDICT_SIGNAL);
	assert_true(scene->result.ended_by_user);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_clock_runs_before_a_parked_box_is_claimed),
		TEST(a_box_without_a_listener_may_have_sockets),
		TEST(a_claim_brings_the_limits_of_the_job),
		TEST(a_second_claim_is_the_end_of_the_box),
		TEST(what_a_claimed_box_uses_is_told_while_it_is_asked_for),
		TEST(a_box_without_counters_is_asked_once),
		TEST(the_end_of_its_holder_is_the_end_of_the_box),
		TEST(an_exit_code_is_passed_on),
		TEST(every_end_has_its_verdict),
		TEST(what_went_wrong_is_told),
		TEST(a_box_that_may_still_live_is_no_success),
		TEST(a_lost_keeper_is_no_success),
		TEST(a_required_layer_that_is_missing_ends_the_run),
		TEST(the_clock_ends_a_run),
		TEST(grace_lets_a_program_end_by_itself),
		TEST(grace_runs_out),
		TEST(processor_time_ends_a_run),
		TEST(processor_time_counts_after_the_end_too),
		TEST(output_ends_a_run_and_exactly_the_cap_is_passed_on),
		TEST(the_cap_itself_is_allowed),
		TEST(no_output_at_all_may_be_the_cap),
		TEST(a_file_goes_in_and_comes_out),
		TEST(no_input_is_an_end_of_file),
		TEST(a_closed_output_reaches_the_program),
		TEST(a_signal_to_ward_ends_the_box),
		TEST(a_second_signal_does_not_wait_for_the_grace),
		TEST(a_box_that_failed_to_start_has_not_begun),
		TEST(a_box_that_runs_has_begun_once),
		TEST(a_users_signal_is_passed_on),
		TEST(a_users_signal_before_the_start_is_kept_for_the_program),
		TEST(an_end_before_the_start_is_told_as_one),
		TEST(a_keeper_that_does_not_answer_is_told_and_asked_no_more),
		TEST(stopping_ward_freezes_the_box_meanwhile),
		TEST(an_ignored_hangup_stays_ignored),
		TEST(refused_calls_are_answered_and_counted),
		TEST(a_killing_row_ends_the_box),
		TEST(a_flood_of_refused_calls_does_not_stop_the_clock),
		TEST(a_terminal_is_fed_and_heard),
		TEST(wards_own_terminal_is_put_back),
		TEST(no_descriptor_and_no_mask_stays_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
