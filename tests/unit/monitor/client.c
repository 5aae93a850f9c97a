/* monitor/client: boxes of the smallest plan there is, one program, through a keeper of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../mech/child.h"
#include "base/mem.h"
#include "model/plan.h"
#include "monitor/client.h"

/* A shell with our pipe as its output. */
static struct plan *plan_shell(const char *script)
{
	struct plan *plan = plan_new();
	struct err e = ERR_INIT;

	plan_add(plan, OP_STDIO, .fd_plus_one = 1, .n = 1);
	plan_add(plan, OP_FDS);
	plan_add_exec(plan, (const char *const[]){ "sh", "-c", script, NULL },
		      (const char *const[]){ "PATH=/bin:/usr/bin", NULL });
	plan->n_fds = 1;
	EXPECT(plan_finish(plan, &e) == 0);
	return plan;
}

static struct box_note next_note(const struct box *box)
{
	struct box_note note;
	struct err e = ERR_INIT;
	int fd;

	if (mon_read_note(box, &note, &fd, &e) != 1) {
		dprintf(2, "%s\n", e.text);
		EXPECT(!"a note");
	}
	if (note.kind == BOX_FAILED)
		dprintf(2, "%s\n", note.err.text);
	return note;
}

static struct box spawn(const char *script, int output)
{
	struct plan *plan = plan_shell(script);
	struct box box = BOX_NONE;
	struct err e = ERR_INIT;
	uint64_t layers = 1;

	if (mon_spawn(plan, &output, 1, NULL, &box, &layers, &e) < 0) {
		dprintf(2, "%s\n", e.text);
		EXPECT(!"a box");
	}
	EXPECT(layers == 0); /* the plan has none, and none is claimed */
	plan_free(plan);
	return box;
}

static void run_to_the_end(void)
{
	struct mon_res res;
	struct err e = ERR_INIT;
	struct box_note note;
	char text[16] = "";
	struct box box;
	int fds[2], status = 0;

	EXPECT(pipe2(fds, O_CLOEXEC) == 0);
	box = spawn("echo hello; exit 3", fds[1]);
	note = next_note(&box);
	EXPECT(note.kind == BOX_STARTED && note.layers == LAYER_BIT(LAYER_FDS));
	note = next_note(&box);
	EXPECT(note.kind == BOX_ENDED && WEXITSTATUS((int)note.value) == 3);
	EXPECT(read(fds[0], text, sizeof(text)) == 6 && !strcmp(text, "hello\n"));
	EXPECT(mon_ask(&box, MON_RELEASE, 0, &res, &e) == 0);
	EXPECT(res.usage.have & USAGE_CPU);
	EXPECT(mon_ask(&box, MON_SIGNAL, SIGKILL, &res, &e) == -1 && e.kind == ERR_USAGE);
	mon_close(&box);
	EXPECT(box.control_fd == -1 && box.note_fd == -1);
	mon_close(&box);
	/* A keeper that has released its box goes by itself, and nothing else is there. */
	EXPECT((waitpid(-1, &status, 0) > 0 && status == 0) || errno == ECHILD);
	EXPECT(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
}

static void a_program_starts_ends_and_leaves_nothing(void **state)
{
	(void)state;
	child_succeeds(run_to_the_end);
}

/* Ward's ends of its pipes: were a keeper to hold them, an end of file would never come. */
static void hold_nothing_else(void)
{
	int output[2], ours[2], poked[2];
	struct box box;
	char byte;

	EXPECT(pipe2(output, O_CLOEXEC) == 0 && pipe2(ours, 0) == 0 && pipe2(poked, 0) == 0);
	EXPECT(dup2(poked[1], 200) == 200); /* also far from the others */
	box = spawn("exec sleep 100", output[1]);
	EXPECT(next_note(&box).kind == BOX_STARTED);
	close(ours[1]);
	close(poked[1]);
	close(200);
	EXPECT(read(ours[0], &byte, 1) == 0);
	EXPECT(read(poked[0], &byte, 1) == 0);
	mon_close(&box);
}

static void a_box_holds_no_descriptor_but_its_own(void **state)
{
	(void)state;
	child_succeeds(hold_nothing_else);
}

static void close_early(void)
{
	int output[2];
	struct box box;
	char text[64];
	pid_t pid;

	EXPECT(pipe2(output, O_CLOEXEC) == 0);
	box = spawn("trap '' TERM HUP; echo $$; while :; do sleep 100; done", output[1]);
	close(output[1]);
	EXPECT(next_note(&box).kind == BOX_STARTED);
	EXPECT(read(output[0], text, sizeof(text)) > 0);
	pid = (pid_t)strtol(text, NULL, 10);
	EXPECT(pid > 1 && kill(pid, 0) == 0);
	mon_close(&box);
	EXPECT(kill(pid, 0) == -1 && errno == ESRCH);
	EXPECT(read(output[0], text, sizeof(text)) == 0); /* its own children too */
}

static void closing_the_channel_ends_everything(void **state)
{
	(void)state;
	child_succeeds(close_early);
}

static void signal_it(void)
{
	struct mon_res res;
	struct err e = ERR_INIT;
	struct box_note note;
	struct box box;
	int output[2];
	char text[8];

	EXPECT(pipe2(output, O_CLOEXEC) == 0);
	box = spawn("trap 'exit 9' USR1; echo ready; while :; do sleep 0.01; done", output[1]);
	EXPECT(next_note(&box).kind == BOX_STARTED);
	EXPECT(read(output[0], text, sizeof(text)) > 0);
	EXPECT(mon_ask(&box, MON_SIGNAL, SIGUSR1, &res, &e) == 0);
	note = next_note(&box);
	EXPECT(note.kind == BOX_ENDED && WIFEXITED((int)note.value) && WEXITSTATUS((int)note.value) == 9);
	mon_close(&box);
}

static void a_signal_reaches_the_program(void **state)
{
	(void)state;
	child_succeeds(signal_it);
}

static void start_what_is_not_there(void)
{
	struct plan *plan = plan_new();
	struct box box = BOX_NONE;
	struct err e = ERR_INIT;
	struct box_note note;
	uint64_t layers;

	plan_add_exec(plan, (const char *const[]){ "/none/such", NULL }, (const char *const[]){ NULL });
	EXPECT(mon_spawn(plan, NULL, 0, NULL, &box, &layers, &e) == 0);
	note = next_note(&box);
	EXPECT(note.kind == BOX_NOEXEC && note.value == ENOENT);
	mon_close(&box);
	plan_free(plan);
}

static void a_program_that_is_not_there_is_told(void **state)
{
	(void)state;
	child_succeeds(start_what_is_not_there);
}

static void start_a_bad_plan(void)
{
	struct plan *plan = plan_new();
	struct box box = BOX_NONE;
	struct err e = ERR_INIT;
	uint64_t layers = 5;

	plan_add(plan, OP_CHDIR, .s = "relative");
	plan_add_exec(plan, (const char *const[]){ "/bin/true", NULL }, (const char *const[]){ NULL });
	EXPECT(mon_spawn(plan, NULL, 0, NULL, &box, &layers, &e) == -1);
	EXPECT(e.kind == ERR_DENIED && !strcmp(e.text, "step 0 (chdir): a path is not absolute and normal"));
	EXPECT(box.control_fd == -1 && box.note_fd == -1 && layers == 5);
	EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	plan_free(plan);
}

static void a_bad_plan_is_refused_by_the_keeper_too(void **state)
{
	(void)state;
	child_succeeds(start_a_bad_plan);
}

static void keepers_that_are_not_needed_go(void **state)
{
	struct box box = BOX_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(mon_start(&box, MON_NETWORK, -1, &e), 0);
	assert_true(box.keeper_pid > 0);
	mon_close(&box);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* What a plan for namespaces is answered by a keeper to which the network is lent that it comes from. */
static void lend_our_own(uint32_t namespaces, const char *answer)
{
	struct plan *plan = plan_new();
	const int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct box box = BOX_NONE;
	struct err e = ERR_INIT;
	uint64_t layers = 0;

	EXPECT(fd >= 0);
	if (setns(fd, CLONE_NEWNET) < 0)
		child_cannot("joining a network takes CAP_SYS_ADMIN");
	plan_add(plan, OP_NS, .flags = namespaces);
	plan_add_exec(plan, (const char *const[]){ "/bin/true", NULL }, (const char *const[]){ NULL });
	EXPECT(plan_finish(plan, &e) == 0);
	EXPECT(mon_start(&box, 0, fd, &e) == 0);
	EXPECT(mon_spawn(plan, NULL, 0, NULL, &box, &layers, &e) == -1);
	if (!strstr(e.text, answer))
		dprintf(2, "%s\n", e.text);
	EXPECT(strstr(e.text, answer));
	EXPECT(layers == 0 && waitpid(-1, NULL, WNOHANG) == -1);
	plan_free(plan);
}

static void lend_for_a_network_of_its_own(void)
{
	lend_our_own(CLONE_NEWNET | CLONE_NEWPID, "the box shares our net namespace");
}

static void lend_for_the_hosts(void)
{
	lend_our_own(CLONE_NEWPID, "return to the host's network");
}

static void a_network_that_is_lent_is_neither_ours_nor_stands_for_ours(void **state)
{
	(void)state;
	child_succeeds(lend_for_a_network_of_its_own);
	child_succeeds(lend_for_the_hosts);
}

static void a_monitor_that_does_not_answer_is_named(void **state)
{
	struct plan *plan = plan_new();
	struct box box = BOX_NONE;
	struct err e = ERR_INIT;
	uint64_t layers;
	char path[200];

	(void)state;
	assert_int_equal(mon_spawn(plan, NULL, 0, "/tmp/ward-none.sock", &box, &layers, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_non_null(strstr(e.text, "connect to the monitor at /tmp/ward-none.sock"));
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(mon_spawn(plan, NULL, 0, path, &box, &layers, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	plan_free(plan);
}

/* Takes the place of the C library's: bounds become short, and the longest one is remembered. */
static struct {
	bool is_short;
	int longest_ms;
} waits;

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	if (timeout_ms > waits.longest_ms)
		waits.longest_ms = timeout_ms;
	return (int)syscall(SYS_poll, fds, n, waits.is_short && timeout_ms > 0 ? 1 : timeout_ms);
}

static void ask_a_stopped_keeper(void)
{
	struct mon_res res;
	struct err e = ERR_INIT;
	struct box box;
	int output[2];
	pid_t pid;

	EXPECT(pipe2(output, O_CLOEXEC) == 0);
	box = spawn("exec sleep 100", output[1]);
	close(output[1]);
	EXPECT(next_note(&box).kind == BOX_STARTED);
	pid = box.keeper_pid;
	EXPECT(kill(pid, SIGSTOP) == 0);
	waits.is_short = true;
	waits.longest_ms = 0;
	EXPECT(mon_ask(&box, MON_USAGE, 0, &res, &e) == -1);
	EXPECT(e.sys == ETIMEDOUT && strstr(e.text, "has not answered for 20 s"));
	EXPECT(waits.longest_ms == 20000);
	EXPECT(mon_ask(&box, MON_RELEASE, 0, &res, &e) == -1 && e.sys == EPIPE);
	mon_close(&box);
	/* It finds the channel closed when it goes on, and ends the box. */
	EXPECT(kill(pid, SIGCONT) == 0);
	EXPECT(waitpid(pid, NULL, 0) == pid);
	EXPECT(read(output[0], &e, sizeof(e)) == 0);
}

static void a_keeper_that_does_not_answer_is_not_waited_for(void **state)
{
	(void)state;
	child_succeeds(ask_a_stopped_keeper);
}

static void start_at_a_silent_monitor(void)
{
	const int listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char place[] = "/tmp/ward-silent.XXXXXX";
	struct plan *plan = plan_new();
	struct box box = BOX_NONE;
	struct err e = ERR_INIT;
	uint64_t layers;

	EXPECT(mkdtemp(place));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", place);
	EXPECT(bind(listening, (struct sockaddr *)&address, sizeof(address)) == 0);
	EXPECT(listen(listening, 1) == 0);
	waits.is_short = true;
	EXPECT(mon_spawn(plan, NULL, 0, address.sun_path, &box, &layers, &e) == -1);
	unlink(address.sun_path);
	rmdir(place);
	EXPECT(strstr(e.text, "has not answered for 60 s"));
	EXPECT(box.control_fd == -1 && waits.longest_ms == 60000);
	plan_free(plan);
}

static void a_start_without_an_answer_is_given_up(void **state)
{
	(void)state;
	child_succeeds(start_at_a_silent_monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_starts_ends_and_leaves_nothing),
		cmocka_unit_test(a_box_holds_no_descriptor_but_its_own),
		cmocka_unit_test(closing_the_channel_ends_everything),
		cmocka_unit_test(a_signal_reaches_the_program),
		cmocka_unit_test(a_program_that_is_not_there_is_told),
		cmocka_unit_test(a_bad_plan_is_refused_by_the_keeper_too),
		cmocka_unit_test(keepers_that_are_not_needed_go),
		cmocka_unit_test(a_network_that_is_lent_is_neither_ours_nor_stands_for_ours),
		cmocka_unit_test(a_keeper_that_does_not_answer_is_not_waited_for),
		cmocka_unit_test(a_start_without_an_answer_is_given_up),
		cmocka_unit_test(a_monitor_that_does_not_answer_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
