/* monitor/keeper: requests about a box that is a process of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <cmocka.h>

#include "../mech/child.h"
#include "base/mem.h"
#include "monitor/keeper.h"

#define KEEPER_NONE ((struct keeper){ .control_fd = -1, .held = HELD_NONE })

/* A box whose first process runs body. */
static struct keeper start(void (*body)(void))
{
	struct keeper keeper = KEEPER_NONE;

	keeper.held.pid = fork();
	EXPECT(keeper.held.pid >= 0);
	if (keeper.held.pid == 0) {
		body();
		_exit(0);
	}
	keeper.held.pid_fd = (int)syscall(SYS_pidfd_open, keeper.held.pid, 0);
	EXPECT(keeper.held.pid_fd >= 0);
	return keeper;
}

static struct mon_res ask(struct keeper *keeper, enum mon_op op, uint64_t arg)
{
	const struct mon_req req = { .op = op, .arg = arg };
	struct mon_res res = { .op = 99 };

	EXPECT(keeper_answer(keeper, &req, &res) == 0);
	EXPECT(res.op == op && res.layers == 0);
	return res;
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static void burn(void)
{
	struct timespec now;

	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while (now.tv_nsec < 20000000 && !now.tv_sec);
}

static int end_of(struct keeper *keeper)
{
	int status = -1;

	EXPECT(waitpid(keeper->held.pid, &status, 0) == keeper->held.pid);
	keeper->ended = true;
	return status;
}

static void send_signals(void)
{
	static const int forwarded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	static const uint64_t others[] = { 0, SIGKILL, SIGSEGV, SIGCHLD, SIGALRM, 64, UINT64_C(1) << 32 | SIGTERM, UINT64_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++) {
		struct keeper keeper = start(wait_for_ever);
		int status;

		for (size_t k = 0; k < ARRAY_SIZE(others); k++) {
			const struct mon_res res = ask(&keeper, MON_SIGNAL, others[k]);

			EXPECT(res.status == -1 && res.err.kind == ERR_USAGE && strstr(res.err.text, "is not forwarded"));
		}
		EXPECT(kill(keeper.held.pid, 0) == 0);
		EXPECT(ask(&keeper, MON_SIGNAL, (uint64_t)forwarded[i]).status == 0);
		status = end_of(&keeper);
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == forwarded[i]);
		EXPECT(ask(&keeper, MON_SIGNAL, SIGTERM).status == 0); /* too late, and no error */
	}
}

static void only_the_signals_of_the_list_are_forwarded(void **state)
{
	(void)state;
	child_succeeds(send_signals);
}

static void kill_it(void)
{
	struct keeper keeper = start(wait_for_ever);
	int status;

	EXPECT(ask(&keeper, MON_KILL, 0).status == 0);
	status = end_of(&keeper);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT(ask(&keeper, MON_KILL, 0).status == 0);
}

static void killing_ends_the_first_process(void **state)
{
	(void)state;
	child_succeeds(kill_it);
}

static void freeze_it(void)
{
	struct keeper keeper = start(wait_for_ever);
	const struct mon_res res = ask(&keeper, MON_FREEZE, 1);
	struct err e = ERR_INIT;

	EXPECT(res.status == -1 && res.err.kind == ERR_UNSUPPORTED);
	EXPECT(!strcmp(res.err.text, "a box without a cgroup of its own cannot be frozen"));
	EXPECT(keeper_release(&keeper, &e) == 0);
}

static void freezing_needs_a_cgroup(void **state)
{
	(void)state;
	child_succeeds(freeze_it);
}

static void count_usage(void)
{
	struct keeper keeper = start(burn);
	struct mon_res res = ask(&keeper, MON_USAGE, 0);
	siginfo_t info;

	EXPECT(res.status == 0 && res.usage.have == 0);
	EXPECT(waitid(P_PID, (id_t)keeper.held.pid, &info, WEXITED | WNOWAIT) == 0);
	res = ask(&keeper, MON_RELEASE, 0);
	EXPECT(res.status == 0 && res.usage.have == USAGE_CPU && res.usage.cpu_us >= 10000);
	EXPECT(res.usage.cpu_us == res.usage.user_us + res.usage.system_us);
	EXPECT(ask(&keeper, MON_USAGE, 0).usage.cpu_us == res.usage.cpu_us);
}

static void without_a_cgroup_time_is_known_at_the_end(void **state)
{
	(void)state;
	child_succeeds(count_usage);
}

static int orphan_pipe[2];

/* A process that outlives its parent in a session of its own, holding the pipe open. */
static void leave_orphans(void)
{
	for (int i = 0; i < 3; i++)
		if (fork() == 0) {
			close(orphan_pipe[0]);
			setsid();
			signal(SIGTERM, SIG_IGN);
			EXPECT(write(orphan_pipe[1], "x", 1) == 1);
			wait_for_ever();
		}
}

static void release_orphans(void)
{
	struct keeper keeper;
	struct err e = ERR_INIT;
	char bytes[8];
	int n = 0;

	EXPECT(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	EXPECT(pipe(orphan_pipe) == 0);
	keeper = start(leave_orphans);
	close(orphan_pipe[1]);
	while (n < 3) {
		const ssize_t got = read(orphan_pipe[0], bytes, sizeof(bytes));

		EXPECT(got > 0);
		n += (int)got;
	}
	EXPECT(keeper_release(&keeper, &e) == 0 && keeper.released && keeper.ended);
	EXPECT(read(orphan_pipe[0], bytes, 1) == 0); /* nobody holds it: they are gone */
	EXPECT(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
	EXPECT(keeper_release(&keeper, &e) == 0);
}

static void release_leaves_no_orphan_without_a_pid_namespace(void **state)
{
	(void)state;
	child_succeeds(release_orphans);
}

/* ---- the channel ---- */

static void what_is_malformed_is_no_request(void **state)
{
	static const struct mon_req rows[] = {
		{ .op = MON_SPAWN }, { .op = MON_FDS }, { .op = MON_OPS }, { .op = UINT32_MAX },
		{ .op = MON_USAGE, .zero = 1 }, { .op = MON_KILL, .zero = UINT32_MAX },
	};
	struct keeper keeper = KEEPER_NONE;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mon_res res;

		assert_int_equal(keeper_answer(&keeper, &rows[i], &res), -1);
	}
}

static void a_packet_is_one_request_or_the_end(void **state)
{
	static const size_t sizes[] = { 1, sizeof(struct mon_req) - 1, sizeof(struct mon_req) + 1, 200 };
	const char bytes[200] = { 0 };
	const struct mon_req sent = { .op = MON_KILL, .arg = 7 };
	struct mon_req req;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(send(pair[0], &sent, sizeof(sent), 0), sizeof(sent));
	assert_int_equal(keeper_read(pair[1], &req), 1);
	assert_memory_equal(&req, &sent, sizeof(req));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(send(pair[0], bytes, sizes[i], 0), sizes[i]);
		assert_int_equal(keeper_read(pair[1], &req), 0);
	}
	close(pair[0]);
	assert_int_equal(keeper_read(pair[1], &req), 0);
	keeper_write(pair[1], &(struct mon_res){ .op = MON_KILL }); /* nobody reads: no SIGPIPE */
	close(pair[1]);
}

static void descriptors_in_a_request_are_refused_and_not_taken(void **state)
{
	const struct mon_req sent = { .op = MON_KILL };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)&sent, sizeof(sent) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	struct mon_req req;
	const int zero = 0;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &zero, sizeof(int));
	assert_int_equal(sendmsg(pair[0], &msg, 0), sizeof(sent));
	assert_int_equal(keeper_read(pair[1], &req), 0);
	close(pair[0]);
	close(pair[1]);
}

static int control[2];

/* A keeper's whole life: its box dies with the channel, and so does it. */
static void live(void)
{
	struct mon_req req = { .op = MON_USAGE };
	struct mon_res res;
	int status = -1;
	pid_t pid;

	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == 0);
	pid = fork();
	if (pid == 0) {
		struct keeper keeper;

		close(control[0]);
		EXPECT(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
		keeper = start(wait_for_ever);
		keeper.control_fd = control[1];
		keeper_live(&keeper);
	}
	close(control[1]);
	EXPECT(send(control[0], &req, sizeof(req), 0) == sizeof(req));
	EXPECT(recv(control[0], &res, sizeof(res), 0) == sizeof(res) && res.status == 0 && res.op == MON_USAGE);
	req.op = MON_RELEASE;
	EXPECT(send(control[0], &req, sizeof(req), 0) == sizeof(req));
	EXPECT(recv(control[0], &res, sizeof(res), 0) == sizeof(res) && res.status == 0);
	req.zero = 1; /* a compromise: the connection ends */
	EXPECT(send(control[0], &req, sizeof(req), 0) == sizeof(req));
	EXPECT(recv(control[0], &res, sizeof(res), 0) == 0);
	EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_keeper_answers_until_something_is_wrong(void **state)
{
	(void)state;
	child_succeeds(live);
}

static void begin(void)
{
	keeper_begin();
	EXPECT(getsid(0) == getpid());
	for (int i = 0; i < 3; i++)
		EXPECT(kill(getpid(), (int[]){ SIGTERM, SIGINT, SIGPIPE }[i]) == 0);
}

static void a_keeper_outlives_what_ends_ward(void **state)
{
	(void)state;
	child_succeeds(begin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_signals_of_the_list_are_forwarded),
		cmocka_unit_test(killing_ends_the_first_process),
		cmocka_unit_test(freezing_needs_a_cgroup),
		cmocka_unit_test(without_a_cgroup_time_is_known_at_the_end),
		cmocka_unit_test(release_leaves_no_orphan_without_a_pid_namespace),
		cmocka_unit_test(what_is_malformed_is_no_request),
		cmocka_unit_test(a_packet_is_one_request_or_the_end),
		cmocka_unit_test(descriptors_in_a_request_are_refused_and_not_taken),
		cmocka_unit_test(a_keeper_answers_until_something_is_wrong),
		cmocka_unit_test(a_keeper_outlives_what_ends_ward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
