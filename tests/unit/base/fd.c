/* base/fd: whole reads and writes, one owner, nothing above a directory. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static size_t count_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void a_scope_closes_what_it_owns(void **state)
{
	const size_t before = count_fds();
	int kept;

	(void)state;
	{
		OWN_FD int none = -1;
		OWN_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		OWN_FD int given = open("/dev/null", O_RDONLY | O_CLOEXEC);

		(void)none;
		assert_true(fd >= 0);
		kept = TAKE_FD(given);
		assert_int_equal(given, -1);
	}
	assert_int_equal(count_fds(), before + 1);
	errno = ENOTTY;
	fd_close(kept);
	fd_close(-1);
	fd_close(kept); /* EBADF stays inside */
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(count_fds(), before);
}

static void a_short_file_is_an_error(void **state)
{
	struct err e = ERR_INIT;
	char bytes[8];
	int ends[2];

	(void)state;
	assert_int_equal(fd_pipe(ends, &e), 0);
	assert_int_equal(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_write_all(ends[1], "12345678abc", 11, &e), 0);
	close(ends[1]);
	assert_int_equal(fd_read_all(ends[0], bytes, 8, &e), 0);
	assert_memory_equal(bytes, "12345678", 8);
	assert_int_equal(fd_read_all(ends[0], bytes, 8, &e), -1);
	assert_int_equal(e.sys, EPIPE);
	close(ends[0]);
}

static void a_file_is_read_up_to_its_bound(void **state)
{
	const int fd = memfd_create("text", MFD_CLOEXEC);
	struct err e = ERR_INIT;
	char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(ftruncate(fd, 10000), 0);
	assert_int_equal(fd_read_file(fd, "text", 10000, &text, &len, &e), 0);
	assert_int_equal(len, 10000);
	assert_int_equal(text[10000], 0);
	free(text);
	text = NULL;
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(fd_read_file(fd, "text", 9999, &text, &len, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_null(text);
	close(fd);
}

static void nothing_above_the_directory_can_be_opened(void **state)
{
	static const struct {
		const char *path;
		bool opens;
	} rows[] = {
		{ "file", true },        { "sub/file", true },  { "sub/../file", true },
		{ "../outside", false }, { "/etc/passwd", false }, { "sub/../../outside", false },
		{ "up", false },         { "absolute", false }, { "missing", false },
		{ "inner", true },
	};
	char dir[] = "/tmp/ward-fd-XXXXXX", path[64];
	struct err e = ERR_INIT;
	int dir_fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/root", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(dir_fd, "sub", 0700), 0);
	close(openat(dir_fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(openat(dir_fd, "sub/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(openat(dir_fd, "../outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(symlinkat("../outside", dir_fd, "up"), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir_fd, "absolute"), 0);
	assert_int_equal(symlinkat("sub/file", dir_fd, "inner"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const int fd = fd_open_below(dir_fd, rows[i].path, O_RDONLY, &e);

		assert_int_equal(fd >= 0, rows[i].opens);
		if (fd >= 0)
			assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		fd_close(fd);
	}
	close(dir_fd);
	snprintf(path, sizeof(path), "rm -r %s", dir);
	assert_int_equal(system(path), 0);
}

static void a_sealed_file_cannot_be_changed(void **state)
{
	struct err e = ERR_INIT;
	const int fd = fd_sealed("plan", "abc", 3, &e);
	char back[4] = "";

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, back, 4, 0), 3);
	assert_string_equal(back, "abc");
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 100), -1);
	assert_ptr_equal(mmap(NULL, 3, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	close(fd);
}

static void descriptors_travel_with_a_packet(void **state)
{
	struct err e = ERR_INIT;
	int pair[2], fds[FD_PACKET_MAX], sent[FD_PACKET_MAX];
	const size_t before = count_fds();
	char text[8];
	size_t n = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (size_t i = 0; i < FD_PACKET_MAX; i++)
		sent[i] = pair[0];
	assert_int_equal(fd_send(pair[0], "hello", 5, sent, FD_PACKET_MAX, &e), 0);
	assert_int_equal(fd_receive(pair[1], text, 8, fds, FD_PACKET_MAX, &n, &e), 5);
	assert_int_equal(n, FD_PACKET_MAX);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		close(fds[i]);
	}
	assert_int_equal(fd_send(pair[0], "none", 4, NULL, 0, &e), 0);
	assert_int_equal(fd_receive(pair[1], text, 8, fds, 1, &n, &e), 4);
	assert_int_equal(n, 0);
	close(pair[0]);
	assert_int_equal(fd_receive(pair[1], text, 8, fds, 1, &n, &e), 0);
	close(pair[1]);
	assert_int_equal(count_fds(), before);
}

static void too_much_in_a_packet_leaves_nothing_open(void **state)
{
	struct err e = ERR_INIT;
	const size_t before = count_fds();
	const int three[] = { 0, 0, 0 };
	int pair[2], fds[2];
	size_t n = 99;
	char text[4];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fd_send(pair[0], "abc", 3, three, 3, &e), 0);
	assert_int_equal(fd_receive(pair[1], text, 4, fds, 2, &n, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(fd_send(pair[0], "abcdefgh", 8, three, 1, &e), 0);
	assert_int_equal(fd_receive(pair[1], text, 4, fds, 2, &n, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(n, 99);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(count_fds(), before);
}

static void a_reopened_pipe_has_flags_of_its_own(void **state)
{
	struct err e;
	int ends[2], own;

	(void)state;
	assert_int_equal(fd_pipe(ends, &e), 0);
	own = fd_reopen_nonblock(ends[0], O_RDONLY);
	assert_true(own >= 0);
	assert_true(fcntl(own, F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(own, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_set_nonblock(ends[0], &e), 0);
	assert_true(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	close(own);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scope_closes_what_it_owns),
		cmocka_unit_test(a_short_file_is_an_error),
		cmocka_unit_test(a_file_is_read_up_to_its_bound),
		cmocka_unit_test(nothing_above_the_directory_can_be_opened),
		cmocka_unit_test(a_sealed_file_cannot_be_changed),
		cmocka_unit_test(descriptors_travel_with_a_packet),
		cmocka_unit_test(too_much_in_a_packet_leaves_nothing_open),
		cmocka_unit_test(a_reopened_pipe_has_flags_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
