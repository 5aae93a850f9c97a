/* mech/ns: processes in namespaces, their maps, and what they share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "child.h"
#include "mech/ns.h"

static void a_clone_without_flags_is_a_child_with_a_descriptor(void **state)
{
	struct err e = ERR_INIT;
	int pid_fd = -1, status;
	const pid_t pid = ns_clone(0, -1, &pid_fd, &e);

	(void)state;
	if (pid == 0)
		_exit(7);
	assert_true(pid > 0 && pid_fd >= 0);
	assert_int_equal(fcntl(pid_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	close(pid_fd);
}

static void a_failed_clone_says_which_flags(void **state)
{
	struct err e = ERR_INIT;
	int pid_fd = -1;

	(void)state;
	assert_int_equal(ns_clone(CLONE_THREAD, -1, &pid_fd, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(e.sys, EINVAL);
	assert_non_null(strstr(e.text, "clone3 (flags 0x10000)"));
}

static void in_a_mapped_namespace(void)
{
	struct err e = ERR_INIT;
	int pid_fd = -1, go[2], status = -1;
	pid_t pid;
	char byte;

	EXPECT(pipe(go) == 0);
	pid = ns_clone(CLONE_NEWUSER, -1, &pid_fd, &e);
	if (pid < 0)
		child_cannot("no user namespace can be made");
	if (pid == 0) {
		close(go[1]);
		EXPECT(read(go[0], &byte, 1) == 1);
		EXPECT(getuid() == 1234 && getgid() == 2345);
		_exit(0);
	}
	EXPECT(ns_inode(pid, "user") != ns_inode(getpid(), "user"));
	EXPECT(ns_inode(pid, "net") == ns_inode(getpid(), "net"));
	EXPECT(ns_map(pid, false, 1234, geteuid(), &e) == 0);
	EXPECT(ns_map(pid, true, 2345, getegid(), &e) == 0);
	/* a map is written once */
	EXPECT(ns_map(pid, false, 0, geteuid(), &e) == -1 && e.sys == EPERM);
	EXPECT(write(go[1], "g", 1) == 1);
	EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_map_makes_the_caller_who_it_says(void **state)
{
	(void)state;
	child_succeeds(in_a_mapped_namespace);
}

static void map_as_an_ordinary_user(void)
{
	/* Dumpable, or /proc/PID of a child would be root's. */
	if (geteuid() == 0 && (setresgid(4321, 4321, 4321) < 0 || setresuid(4321, 4321, 4321) < 0))
		child_cannot("cannot become an ordinary user");
	EXPECT(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	in_a_mapped_namespace();
}

static void an_ordinary_user_maps_itself(void **state)
{
	(void)state;
	child_succeeds(map_as_an_ordinary_user);
}

static void a_process_that_is_gone_cannot_be_mapped(void **state)
{
	struct err e = ERR_INIT;
	const pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	assert_int_equal(ns_map(pid, false, 0, 0, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(ns_inode(pid, "user"), 0);
	assert_int_equal(ns_inode(getpid(), "nonsense"), 0);
}

/* ---- the program's process ---- */

struct spawned {
	int fd, value;
	int *seen;      /* shared memory */
};

static int spawned_body(void *arg)
{
	struct spawned *spawned = arg;

	spawned->value = 1;
	*spawned->seen = 1;
	close(spawned->fd);
	_exit(5);
}

static void a_spawned_process_shares_descriptors_and_runs_first(void **state)
{
	struct err e = ERR_INIT;
	struct spawned spawned = { .fd = dup(0) };
	int status;
	pid_t pid;

	(void)state;
	spawned.seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(spawned.seen != MAP_FAILED && spawned.fd >= 0);
	pid = ns_spawn(spawned_body, &spawned, &e);
	assert_true(pid > 0);
	/* It has run to its end: we were suspended for so long. */
	assert_int_equal(*spawned.seen, 1);
	assert_int_equal(spawned.value, !SANITIZED);
	assert_int_equal(fcntl(spawned.fd, F_GETFD), -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 5);
	munmap(spawned.seen, 4096);
}

/* ---- later namespaces ---- */

static int tell_uptime(void *arg)
{
	(void)arg;
	execl("/bin/sh", "sh", "-c", "read -r up rest </proc/uptime && test \"${up%.*}\" -lt 60", NULL);
	_exit(1);
}

static void enter_time(void)
{
	struct err e = ERR_INIT;
	struct timespec now = { 0 };
	pid_t pid;
	int status = -1;

	child_enter_namespaces(0);
	if (ns_time(&e) < 0) {
		errno = e.sys;
		child_cannot("no time namespace");
	}
	pid = fork();
	if (pid == 0) {
		clock_gettime(CLOCK_BOOTTIME, &now);
		EXPECT(now.tv_sec < 60);
		clock_gettime(CLOCK_MONOTONIC, &now);
		EXPECT(now.tv_sec < 60);
		_exit(0);
	}
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	/* One that shares our memory until it executes gets its clocks then. */
	pid = ns_spawn(tell_uptime, NULL, &e);
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void children_of_a_new_time_namespace_were_born_a_moment_ago(void **state)
{
	(void)state;
	child_succeeds(enter_time);
}

static void nest(void)
{
	struct err e = ERR_INIT;
	pid_t pid;
	int status = -1;

	child_enter_namespaces(0);
	if (ns_no_nesting(&e) < 0) {
		errno = e.sys;
		child_cannot("max_user_namespaces cannot be written here");
	}
	pid = fork();
	if (pid == 0) {
		EXPECT(unshare(CLONE_NEWUSER) == -1 && errno == ENOSPC);
		_exit(0);
	}
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
}

static void no_namespace_is_made_beneath_one_that_forbids_it(void **state)
{
	(void)state;
	child_succeeds(nest);
}

static void enter_cgroup(void)
{
	struct err e = ERR_INIT;
	const uint64_t was = ns_inode(getpid(), "cgroup");

	child_enter_namespaces(0);
	if (ns_cgroup(&e) < 0) {
		errno = e.sys;
		child_cannot("no cgroup namespace");
	}
	EXPECT(was && ns_inode(getpid(), "cgroup") != was);
}

static void a_cgroup_namespace_is_another_one(void **state)
{
	(void)state;
	child_succeeds(enter_cgroup);
}

static void enter_without_rights(void)
{
	struct err e = ERR_INIT;

	if (geteuid() == 0 && setresuid(4321, 4321, 4321) < 0)
		child_cannot("cannot become an ordinary user");
	EXPECT(ns_cgroup(&e) == -1 && e.sys == EPERM);
	EXPECT(ns_time(&e) == -1 && e.sys == EPERM);
	EXPECT(ns_no_nesting(&e) == -1 && e.kind == ERR_SYSTEM);
}

static void without_rights_each_fails_and_says_so(void **state)
{
	(void)state;
	child_succeeds(enter_without_rights);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clone_without_flags_is_a_child_with_a_descriptor),
		cmocka_unit_test(a_failed_clone_says_which_flags),
		cmocka_unit_test(a_map_makes_the_caller_who_it_says),
		cmocka_unit_test(an_ordinary_user_maps_itself),
		cmocka_unit_test(a_process_that_is_gone_cannot_be_mapped),
		cmocka_unit_test(a_spawned_process_shares_descriptors_and_runs_first),
		cmocka_unit_test(children_of_a_new_time_namespace_were_born_a_moment_ago),
		cmocka_unit_test(no_namespace_is_made_beneath_one_that_forbids_it),
		cmocka_unit_test(a_cgroup_namespace_is_another_one),
		cmocka_unit_test(without_rights_each_fails_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
