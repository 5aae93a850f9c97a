/* monitor/receive: what a client may send to have a box started, and nothing else.
 * The server's files are in no library: included here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "monitor/receive.c"

struct ends {
	int here, there;
};

static int set_up(void **state)
{
	struct ends *ends = mem_alloc(sizeof(*ends));
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	*ends = (struct ends){ pair[0], pair[1] };
	*state = ends;
	return 0;
}

static int tear_down(void **state)
{
	struct ends *ends = *state;

	close(ends->here);
	close(ends->there);
	free(ends);
	return 0;
}

static void send_packet(int to, const void *bytes, size_t len, const int *fds, size_t n)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(253 * sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	}
	assert_int_equal(sendmsg(to, &msg, MSG_NOSIGNAL), len);
}

static void a_descriptor_arrives_as_the_same_open_file(void **state)
{
	struct ends *ends = *state;
	int fds[2], got;
	struct stat a, b;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(receive_send_fd(ends->here, fds[0]), 0);
	got = receive_fd(ends->there);
	assert_true(got >= 0);
	assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
	assert_true(fstat(got, &a) == 0 && fstat(fds[0], &b) == 0 && a.st_ino == b.st_ino);
	close(got);
	close(fds[0]);
	close(fds[1]);
}

static void what_is_not_one_descriptor_is_none(void **state)
{
	static const struct {
		size_t len, n;
	} rows[] = { { sizeof(struct mon_req), 0 }, { sizeof(struct mon_req), 2 }, { 1, 1 },
		     { sizeof(struct mon_req) - 1, 1 }, { sizeof(struct mon_req) + 1, 1 } };
	struct ends *ends = *state;
	const char bytes[64] = { 0 };
	const int fds[2] = { 0, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		send_packet(ends->here, bytes, rows[i].len, fds, rows[i].n);
		assert_int_equal(receive_fd(ends->there), -1);
	}
}

static void an_end_that_has_gone_gives_nothing(void **state)
{
	struct ends *ends = *state;

	close(ends->here);
	ends->here = -1;
	assert_int_equal(receive_fd(ends->there), -1);
	assert_int_equal(receive_send_fd(ends->there, 0), -1); /* and no SIGPIPE */
}

/* ---- a plan ---- */

static int plan_file(off_t size, int seals)
{
	const int fd = memfd_create("plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static void send_spawn(int to, uint32_t zero, uint64_t n, int plan_fd)
{
	const struct mon_req req = { .op = MON_SPAWN, .zero = zero, .arg = n };
	const int fds[2] = { 0, plan_fd };

	send_packet(to, &req, sizeof(req), fds, 2);
}

static void send_fds(int to, enum mon_op op, size_t n)
{
	const struct mon_req req = { .op = op, .arg = n };
	int fds[253] = { 0 };

	send_packet(to, &req, sizeof(req), fds, n);
}

static struct received in;

static void a_sealed_plan_arrives_with_all_its_descriptors(void **state)
{
	struct ends *ends = *state;
	struct err e = ERR_INIT;
	const int plan_fd = plan_file(sizeof(struct plan), ALL_SEALS);

	memset(&in, 0, sizeof(in));
	send_spawn(ends->here, 0, 255, plan_fd);
	send_fds(ends->here, MON_FDS, 250);
	send_fds(ends->here, MON_FDS, 5);
	assert_int_equal(receive_plan(ends->there, &in, &e), 0);
	assert_int_equal(in.n_fds, 255);
	assert_non_null(in.plan);
	assert_int_equal(in.plan->n_steps, 0);
	for (size_t i = 0; i < in.n_fds; i++)
		assert_int_equal(fcntl(in.fds[i], F_GETFD), FD_CLOEXEC);
	receive_close(&in);
	assert_int_equal(fcntl(in.fds[0], F_GETFD), -1);
	munmap((void *)(uintptr_t)in.plan, sizeof(struct plan));
	close(plan_fd);
}

static void a_plan_its_sender_could_change_is_refused(void **state)
{
	static const struct {
		off_t size;
		int seals;
	} rows[] = {
		{ sizeof(struct plan), 0 },
		{ sizeof(struct plan), F_SEAL_SHRINK | F_SEAL_GROW },
		{ sizeof(struct plan), F_SEAL_WRITE | F_SEAL_GROW },
		{ sizeof(struct plan), F_SEAL_WRITE | F_SEAL_SHRINK },
		{ sizeof(struct plan) - 1, ALL_SEALS },
		{ sizeof(struct plan) + 1, ALL_SEALS },
		{ 0, ALL_SEALS },
	};
	struct ends *ends = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = ERR_INIT;
		const int plan_fd = plan_file(rows[i].size, rows[i].seals);

		memset(&in, 0, sizeof(in));
		send_spawn(ends->here, 0, 0, plan_fd);
		assert_int_equal(receive_plan(ends->there, &in, &e), -1);
		assert_int_equal(e.kind, ERR_DENIED);
		assert_string_equal(e.text, "the plan is not a sealed memfd of the right size");
		close(in.note_fd);
		close(plan_fd);
	}
}

static void what_is_no_request_to_start_is_refused(void **state)
{
	static const struct {
		struct mon_req req;
		size_t n;
	} rows[] = {
		{ { .op = MON_FDS }, 2 },       { { .op = MON_KILL }, 2 },      { { .op = MON_OPS }, 2 },
		{ { .op = MON_SPAWN, .zero = 1 }, 2 }, { { .op = MON_SPAWN }, 0 }, { { .op = MON_SPAWN }, 1 },
		{ { .op = MON_SPAWN }, 3 },     { { .op = MON_SPAWN, .arg = PLAN_FDS + 1 }, 2 },
		{ { .op = MON_SPAWN, .arg = UINT64_MAX }, 2 },
	};
	struct ends *ends = *state;
	const int fds[3] = { 0, 0, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = ERR_INIT;

		memset(&in, 0, sizeof(in));
		send_packet(ends->here, &rows[i].req, sizeof(rows[i].req), fds, rows[i].n);
		assert_int_equal(receive_plan(ends->there, &in, &e), -1);
		assert_int_equal(e.kind, ERR_DENIED);
		assert_string_equal(e.text, "that was no request to start a box");
	}
}

static void more_or_other_descriptors_than_announced_are_refused(void **state)
{
	static const struct {
		enum mon_op op;
		size_t n;
	} rows[] = { { MON_FDS, 3 }, { MON_FDS, 0 }, { MON_USAGE, 2 }, { MON_SPAWN, 2 }, { MON_FDS, 251 } };
	struct ends *ends = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = ERR_INIT;
		const int plan_fd = plan_file(sizeof(struct plan), ALL_SEALS);

		memset(&in, 0, sizeof(in));
		send_spawn(ends->here, 0, 2, plan_fd);
		send_fds(ends->here, rows[i].op, rows[i].n);
		assert_int_equal(receive_plan(ends->there, &in, &e), -1);
		assert_string_equal(e.text, "the plan's descriptors did not all come");
		munmap((void *)(uintptr_t)in.plan, sizeof(struct plan));
		close(plan_fd);
	}
}

#define with_ends(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_ends(a_descriptor_arrives_as_the_same_open_file),
		with_ends(what_is_not_one_descriptor_is_none),
		with_ends(an_end_that_has_gone_gives_nothing),
		with_ends(a_sealed_plan_arrives_with_all_its_descriptors),
		with_ends(a_plan_its_sender_could_change_is_refused),
		with_ends(what_is_no_request_to_start_is_refused),
		with_ends(more_or_other_descriptors_than_announced_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
