/* serve/launcher_networks: what is made is another network with a loopback that is up; what is lent comes back or is gone. */
#include "serve/launcher_networks.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int some_fd(void)
{
	const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

static bool is_loopback_up(void)
{
	struct ifreq lo = { .ifr_name = "lo" };
	OWN_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return ioctl(fd, SIOCGIFFLAGS, &lo) == 0 && (lo.ifr_flags & IFF_UP);
}

#define MAY_NOT 77

/* In a process of its own, which stays in what it made. */
static int make_two(void)
{
	OWN_FD int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct err e = ERR_INIT;
	OWN_FD int first = networks_make(true, &e);
	OWN_FD int second = -1;

	if (first < 0)
		return e.sys == EPERM || e.sys == ENOSPC || e.sys == EINVAL ? MAY_NOT : 1;
	if (!is_loopback_up())
		return 2;
	second = networks_make(false, &e);
	if (second < 0 || !is_loopback_up())
		return 3;
	return inode_of(first) == inode_of(own) || inode_of(second) == inode_of(own) || inode_of(first) == inode_of(second) ? 4 : 0;
}

static void each_that_is_made_is_a_network_of_its_own_with_its_loopback_up(void **state)
{
	const pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		_exit(make_two());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == MAY_NOT)
		skip();
	assert_int_equal(status, 0);
}

static bool wait_for(struct networks *networks)
{
	while (networks->maker_fd >= 0) {
		struct pollfd one = { .fd = networks->maker_fd, .events = POLLIN };

		assert_int_equal(poll(&one, 1, 60000), 1);
		networks_hear(networks);
	}
	assert_true(networks_reap(networks, waitpid(networks->maker, NULL, 0)));
	return networks->n;
}

static void who_finds_none_has_others_made(void **state)
{
	struct networks networks = NETWORKS_NONE;
	int fds[NETWORKS_BATCH];

	(void)state;
	assert_int_equal(networks_take(&networks), -1);
	assert_int_equal(networks_take(&networks), -1);
	if (!wait_for(&networks)) {
		/* It is not tried again with each box. */
		assert_int_equal(networks_take(&networks), -1);
		assert_int_equal(networks.maker, 0);
		skip();
	}
	assert_int_equal(networks.n, NETWORKS_BATCH);
	for (size_t i = 0; i < NETWORKS_BATCH; i++) {
		fds[i] = networks_take(&networks);
		assert_true(inode_of(fds[i]));
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(inode_of(fds[i]), inode_of(fds[k]));
	}
	assert_int_not_equal(networks.maker, 0);
	for (size_t i = 0; i < NETWORKS_BATCH; i++)
		close(fds[i]);
	networks_done(&networks);
	assert_int_equal(networks.maker, 0);
}

static void what_comes_back_is_lent_again_and_no_more_are_kept_than_there_is_room_for(void **state)
{
	struct networks networks = NETWORKS_NONE;
	int fds[NETWORKS_IDLE_MAX + 1];

	(void)state;
	for (size_t i = 0; i <= NETWORKS_IDLE_MAX; i++) {
		fds[i] = some_fd();
		networks_give(&networks, fds[i]);
	}
	assert_false(is_open(fds[NETWORKS_IDLE_MAX]));
	assert_int_equal(networks_take(&networks), fds[NETWORKS_IDLE_MAX - 1]);
	assert_int_equal(networks_take(&networks), fds[NETWORKS_IDLE_MAX - 2]);
	networks_give(&networks, fds[NETWORKS_IDLE_MAX - 1]);
	assert_int_equal(networks_take(&networks), fds[NETWORKS_IDLE_MAX - 1]);
	close(fds[NETWORKS_IDLE_MAX - 1]);
	close(fds[NETWORKS_IDLE_MAX - 2]);
	networks_done(&networks);
	for (size_t i = 0; i < NETWORKS_IDLE_MAX; i++)
		assert_false(is_open(fds[i]));
	assert_int_equal(networks.n, 0);
}

static void those_that_nobody_asks_for_go_but_for_some(void **state)
{
	struct networks networks = NETWORKS_NONE;

	(void)state;
	for (size_t i = 0; i < 3 * NETWORKS_BATCH; i++)
		networks_give(&networks, some_fd());
	assert_true(networks.shrink_at_us > loop_now_us());
	networks_shrink(&networks);
	assert_int_equal(networks.n, 3 * NETWORKS_BATCH);
	networks.n_least = networks.n;
	/* As many as were in use at once stay. */
	for (size_t i = 0; i < NETWORKS_BATCH; i++)
		close(networks_take(&networks));
	for (size_t i = 0; i < NETWORKS_BATCH; i++)
		networks_give(&networks, some_fd());
	networks.shrink_at_us = 1;
	networks_shrink(&networks);
	assert_int_equal(networks.n, 2 * NETWORKS_BATCH);
	assert_true(networks.shrink_at_us > loop_now_us());
	networks.shrink_at_us = 1;
	networks_shrink(&networks);
	assert_int_equal(networks.n, NETWORKS_BATCH);
	assert_int_equal(networks.shrink_at_us, 0);
	networks_done(&networks);
}

static void what_is_no_network_is_not_taken_from_a_maker(void **state)
{
	struct networks networks = NETWORKS_NONE;
	struct err e = ERR_INIT;
	const int number = 0, fd = some_fd();
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	networks.maker_fd = ends[0];
	assert_int_equal(fd_send(ends[1], &number, sizeof(number), &fd, 1, &e), 0);
	networks_hear(&networks);
	assert_int_equal(networks.n, 0);
	assert_int_equal(networks.maker_fd, -1);
	assert_true(networks.not_before_us > loop_now_us());
	close(ends[1]);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_that_is_made_is_a_network_of_its_own_with_its_loopback_up),
		cmocka_unit_test(who_finds_none_has_others_made),
		cmocka_unit_test(what_comes_back_is_lent_again_and_no_more_are_kept_than_there_is_room_for),
		cmocka_unit_test(those_that_nobody_asks_for_go_but_for_some),
		cmocka_unit_test(what_is_no_network_is_not_taken_from_a_maker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
