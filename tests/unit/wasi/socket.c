/* A guest talks over the sockets it was given, and has no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/un.h>

#include "guest.h"

static uint32_t pair(struct guest *g, int *other)
{
	struct err e = ERR_INIT;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*other = ends[1];
	return (uint32_t)wasi_add_stream(&g->w, ends[0], RIGHTS_ALL, &e);
}

static void bytes_go_both_ways_until_it_is_shut(void **state)
{
	struct guest *const g = *state;
	char got[8] = "";
	int other;
	const uint32_t fd = pair(g, &other);

	memcpy(g->memory + AT_BYTES, "ping", 4);
	guest_iovec(g, AT_BYTES, 4);
	assert_int_equal(wasi_sock_send(&g->w, fd, AT_IOVS, 1, 0, AT_OUT), WASI_SUCCESS);
	assert_int_equal(read(other, got, sizeof(got)), 4);
	assert_int_equal(write(other, "pong", 4), 4);
	assert_int_equal(wasi_sock_recv(&g->w, fd, AT_IOVS, 1, RI_PEEK, AT_OUT, AT_OUT + 4), WASI_SUCCESS);
	assert_int_equal(wasi_sock_recv(&g->w, fd, AT_IOVS, 1, 0, AT_OUT, AT_OUT + 4), WASI_SUCCESS);
	assert_int_equal(guest_out(g), 4);
	assert_memory_equal(g->memory + AT_BYTES, "pong", 4);
	assert_int_equal(wasi_sock_shutdown(&g->w, fd, 0), WASI_INVAL);
	assert_int_equal(wasi_sock_shutdown(&g->w, fd, 4), WASI_INVAL);
	assert_int_equal(wasi_sock_shutdown(&g->w, fd, SD_RD | SD_WR), WASI_SUCCESS);
	assert_int_equal(wasi_sock_send(&g->w, fd, AT_IOVS, 1, 0, AT_OUT), WASI_PIPE);
	close(other);
}

static void not_waiting_is_a_flag(void **state)
{
	struct guest *const g = *state;
	int other;
	const uint32_t fd = pair(g, &other);

	guest_iovec(g, AT_BYTES, 4);
	assert_int_equal(wasi_fd_fdstat_set_flags(&g->w, fd, FDFLAG_NONBLOCK), WASI_SUCCESS);
	assert_int_equal(wasi_sock_recv(&g->w, fd, AT_IOVS, 1, 0, AT_OUT, AT_OUT + 4), WASI_AGAIN);
	assert_int_equal(wasi_sock_recv(&g->w, fd, AT_IOVS, 1, 4, AT_OUT, AT_OUT + 4), WASI_INVAL);
	assert_int_equal(wasi_sock_recv(&g->w, fd, AT_IOVS, 1, 0, AT_OUT, GUEST_MEMORY - 1), WASI_FAULT);
	assert_int_equal(wasi_sock_send(&g->w, fd, AT_IOVS, 1, 1, AT_OUT), WASI_INVAL);
	close(other);
}

/* A file that came in beside the bytes is nobody's: it is closed, and no number of the guest's. */
static void descriptors_do_not_come_in_over_a_socket(void **state)
{
	struct guest *const g = *state;
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec byte = { .iov_base = (char[]){ 'x' }, .iov_len = 1 };
	const struct msghdr message = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control,
					.msg_controllen = sizeof(control) };
	int other, before, after;
	const uint32_t fd = pair(g, &other);

	memcpy(CMSG_DATA(&control.head), &g->top_fd, sizeof(int));
	assert_int_equal(sendmsg(other, &message, 0), 1);
	before = dup(0);
	close(before);
	guest_iovec(g, AT_BYTES, 4);
	assert_int_equal(wasi_sock_recv(&g->w, fd, AT_IOVS, 1, 0, AT_OUT, AT_OUT + 4), WASI_SUCCESS);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	close(other);
}

static void a_listener_hands_its_rights_to_connections(void **state)
{
	struct guest *const g = *state;
	const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(address);
	struct err e = ERR_INIT;

	assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(sa_family_t)), 0); /* a name of its own */
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	const uint32_t fd = (uint32_t)wasi_add_stream(&g->w, listener, RIGHTS_ALL & ~(uint32_t)RIGHT_FD_WRITE, &e);
	assert_int_equal(wasi_fd_fdstat_set_flags(&g->w, fd, FDFLAG_NONBLOCK), WASI_SUCCESS);
	assert_int_equal(wasi_sock_accept(&g->w, fd, 0, AT_OUT), WASI_AGAIN);
	const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(client, (const struct sockaddr *)&address, len), 0);
	assert_int_equal(wasi_sock_accept(&g->w, fd, FDFLAG_APPEND, AT_OUT), WASI_INVAL);
	assert_int_equal(wasi_sock_accept(&g->w, fd, 0, AT_OUT), WASI_SUCCESS);
	guest_iovec(g, AT_BYTES, 4);
	assert_int_equal(wasi_fd_write(&g->w, guest_out(g), AT_IOVS, 1, AT_OUT), WASI_BADF);
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST_TEST(bytes_go_both_ways_until_it_is_shut),
		GUEST_TEST(not_waiting_is_a_flag),
		GUEST_TEST(descriptors_do_not_come_in_over_a_socket),
		GUEST_TEST(a_listener_hands_its_rights_to_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
