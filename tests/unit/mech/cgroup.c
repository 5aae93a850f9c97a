/* mech/cgroup: text of kernel files by table, then real groups where the caller may make some. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "mech/cgroup.h"
#include "mech/cgroup_tree.h"

#define MEMORY	 CGROUP_BIT(CGROUP_MEMORY)
#define SWAP	 CGROUP_BIT(CGROUP_SWAP)
#define PIDS	 CGROUP_BIT(CGROUP_PIDS)
#define CPUS	 CGROUP_BIT(CGROUP_CPUS)
#define CPU_TIME CGROUP_BIT(CGROUP_CPU_TIME)

/* ---- text of kernel files ---- */

static void a_line_of_proc_cgroup_is_split(void **state)
{
	static const struct {
		const char *text, *controllers, *path;
		bool goes_on;
	} rows[] = {
		{ "0::/\n", "", "/", false },
		{ "4:cpu,cpuacct:/a\n3:memory:/b\n", "cpu,cpuacct", "/a", true },
		{ "4:cpu:/a\n3:memory\n", "cpu", "/a", false },
		{ "9:name=systemd:/user.slice\n", "name=systemd", "/user.slice", false },
		{ "0::/../../x", "", "/../../x", false },
		{ "5:pids:/odd:name:here\n", "pids", "/odd:name:here", false },
		{ "", NULL, NULL, false },
		{ "\n", NULL, NULL, false },
		{ "garbage\n0::/x\n", NULL, NULL, false },
		{ "1:memory\n", NULL, NULL, false },
		{ "1:memory\n:/x", NULL, NULL, false },
		{ "1:memory:relative\n", NULL, NULL, false },
		{ "1:memory:", NULL, NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tree_line line;
		const char *rest = tree_next_line(rows[i].text, &line);

		assert_int_equal(rest != NULL, rows[i].path != NULL);
		if (!rest)
			continue;
		assert_int_equal(line.controllers_len, strlen(rows[i].controllers));
		assert_memory_equal(line.controllers, rows[i].controllers, strlen(rows[i].controllers));
		assert_int_equal(line.path_len, strlen(rows[i].path));
		assert_memory_equal(line.path, rows[i].path, strlen(rows[i].path));
		assert_int_equal(tree_next_line(rest, &line) != NULL, rows[i].goes_on);
	}
}

static void a_number_is_read_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *text;
		bool is_number;
		uint64_t number;
	} rows[] = {
		{ "0\n", true, 0 }, { "4096", true, 4096 }, { "17 more", true, 17 },
		{ "18446744073709551615\n", true, UINT64_MAX }, { "18446744073709551616\n", false, 0 },
		{ "", false, 0 }, { "max\n", false, 0 }, { "-1\n", false, 0 }, { " 1\n", false, 0 },
		{ "+1\n", false, 0 }, { "1x\n", false, 0 }, { "0x10\n", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t number = 0;

		assert_int_equal(tree_number(rows[i].text, &number), rows[i].is_number);
		assert_true(number == rows[i].number);
	}
}

static void a_key_is_found_only_where_a_line_begins(void **state)
{
	(void)state;
	assert_string_equal(tree_after("oom_kill_disable 0\noom_kill 3\n", "oom_kill "), "3\n");
	assert_string_equal(tree_after("254:0 1\n", "254:0 "), "1\n");
	assert_null(tree_after("1254:0 1\n", "254:0 "));
	assert_null(tree_after("max_oom_kill 1\n", "oom_kill "));
	assert_null(tree_after("", "x"));
	assert_null(tree_after("oom_kil", "oom_kill "));
}

static void words_are_summed_over_all_devices(void **state)
{
	(void)state;
	assert_int_equal(tree_sum("8:0 rbytes=10 wbytes=2 rios=1\n8:16 rbytes=5 wbytes=0\n", " rbytes="), 15);
	assert_int_equal(tree_sum("8:0 Read 7\n8:0 Write 9\nTotal 16\n", " Write "), 9);
	assert_int_equal(tree_sum("Total 0\n", " Read "), 0);
	assert_int_equal(tree_sum("8:0 Read x\n8:0 Read ", " Read "), 0);
	assert_int_equal(tree_sum("", " Read "), 0);
}

static void a_line_or_a_word_in_it_is_matched_whole(void **state)
{
	static const struct {
		const char *text, *start, *word;
		bool is_there;
	} rows[] = {
		{ "4096\n", "4096", "", true },
		{ "4096\n", "409", "", false },
		{ "14096\n", "4096", "", false },
		{ "7\n17\n71\n", "71", "", true },
		{ "7\n17\n71", "71", "", false }, /* cut: it may have been 712 */
		{ "50000 100000\n", "50000 100000", "", true },
		{ "max 100000\n", "50000 100000", "", false },
		{ "8:0 1048576\n", "8:0", "1048576", true },
		{ "8:0 1048576\n", "8:0", "104857", false },
		{ "18:0 1048576\n", "8:0", "1048576", false },
		{ "8:0 rbps=max wbps=5 riops=max\n", "8:0", "wbps=5", true },
		{ "8:0 rbps=5 wbps=max\n", "8:0", "wbps=5", false },
		{ "8:0 rbps=max wbps=max\n8:16 wbps=5\n", "8:0", "wbps=5", false },
		{ "8:0 wbps=5", "8:0", "wbps=5", false },
		{ "", "8:0", "wbps=5", false },
		{ "", "4096", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(tree_has(rows[i].text, rows[i].start, rows[i].word), rows[i].is_there);
}

static void disks_are_those_that_end_in_hardware(void **state)
{
	const char *at = "major minor  #blocks  name\n\n"
			 "   7        0     1000 loop0\n"
			 "   8        0 16777216 sda\n"
			 "   1        0     8192 ram0\n"
			 " garbage\n"
			 " 253        0     2048 zram0\n"
			 " 259        1 16777216 nvme0n1";
	char device[32];

	(void)state;
	at = tree_next_disk(at, device, sizeof(device));
	assert_string_equal(device, "8:0");
	at = tree_next_disk(at, device, sizeof(device));
	assert_string_equal(device, "259:1");
	assert_null(tree_next_disk(at, device, sizeof(device)));
}

/* ---- real groups: skipped where the caller may not make any ---- */

static struct cgroup make(uint32_t limits)
{
	struct cgroup cgroup = CGROUP_NONE;
	struct err e = ERR_INIT;
	char why[160];
	bool v2;

	if (limits & ~CGROUP_NEVER_FROZEN & ~cgroup_available(false, &v2, why, sizeof(why))) {
		print_message("missing: %s\n", why);
		skip();
	}
	if (cgroup_create(&cgroup, limits, &e) < 0)
		fail_msg("%s", e.text);
	return cgroup;
}

static void set(const struct cgroup *cgroup, enum cgroup_limit limit, uint64_t value)
{
	struct err e = ERR_INIT;

	if (cgroup_set(cgroup, limit, value, &e) < 0)
		fail_msg("%s", e.text);
}

/* Runs `what` in a child that has been moved into the group; returns its pid. */
static pid_t start(const struct cgroup *cgroup, int (*what)(void *), void *with)
{
	struct err e = ERR_INIT;
	int gate[2];
	char byte;

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	const pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(read(gate[0], &byte, 1) == 1 ? what(with) : 99);
	}
	if (cgroup_attach(cgroup, pid, &e) < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		fail_msg("%s", e.text);
	}
	assert_int_equal(write(gate[1], "", 1), 1);
	close(gate[0]);
	close(gate[1]);
	return pid;
}

static struct cgroup_usage usage_of(const struct cgroup *cgroup)
{
	struct cgroup_usage usage;
	struct err e = ERR_INIT;

	if (cgroup_usage(cgroup, ~0u, &usage, &e) < 0)
		fail_msg("%s", e.text);
	return usage;
}

static void end(struct cgroup *cgroup)
{
	const struct cgroup made = *cgroup;
	struct err e = ERR_INIT;

	if (cgroup_kill(cgroup, 5000, &e) < 0)
		fail_msg("%s", e.text);
	while (waitpid(-1, NULL, 0) > 0)
		;
	if (cgroup_remove(cgroup, 5000, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(cgroup->n_dirs, 0);
	for (size_t i = 0; i < made.n_dirs; i++)
		assert_int_equal(fcntl(made.dirs[i].fd, F_GETFD), -1);
}

static int wait_for_signal(void *with)
{
	(void)with;
	pause();
	return 0;
}

static int fork_until_refused(void *with)
{
	int n = 0;

	(void)with;
	for (;; n++) {
		const pid_t pid = fork();

		if (pid < 0)
			return errno == EAGAIN ? n : 98;
		if (pid == 0)
			_exit(wait_for_signal(NULL));
	}
}

static void processes_are_limited_and_refusals_counted(void **state)
{
	struct cgroup cgroup = make(PIDS);
	int status;

	(void)state;
	set(&cgroup, CGROUP_PIDS, 8);
	const pid_t pid = start(&cgroup, fork_until_refused, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	const struct cgroup_usage usage = usage_of(&cgroup);
	assert_true(usage.have & USAGE_REFUSED);
	assert_int_equal(usage.pids_refused, 1);
	if (usage.have & USAGE_PIDS)
		assert_int_equal(usage.pids_peak, 8);
	end(&cgroup);
}

static int take_64_mib(void *with)
{
	char *all = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)with;
	for (size_t i = 0; i < 64 << 20; i += 4096)
		all[i] = 1;
	return 0;
}

static void memory_beyond_the_limit_kills_and_is_counted(void **state)
{
	struct cgroup cgroup = make(MEMORY | SWAP);
	int status;

	(void)state;
	set(&cgroup, CGROUP_MEMORY, (32 << 20) + 5); /* rounded to pages */
	set(&cgroup, CGROUP_SWAP, 0);
	const pid_t pid = start(&cgroup, take_64_mib, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	const struct cgroup_usage usage = usage_of(&cgroup);
	assert_true(usage.have & USAGE_OOM);
	assert_true(usage.oom_kills >= 1);
	if (usage.have & USAGE_MEMORY)
		assert_in_range(usage.memory_peak_bytes, 30 << 20, 32 << 20);
	end(&cgroup);
}

static int spin(void *with)
{
	volatile uint64_t *n = with;

	for (;;)
		(*n)++;
	return 0;
}

static void processor_time_is_counted(void **state)
{
	struct cgroup cgroup = make(CPU_TIME);
	uint64_t *n = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	start(&cgroup, spin, n);
	while (usage_of(&cgroup).cpu_us < 20000)
		usleep(1000);
	assert_true(usage_of(&cgroup).have & 1);
	end(&cgroup);
}

static void what_is_held_now_is_told_beside_the_peak(void **state)
{
	struct cgroup cgroup = make(MEMORY | PIDS);

	(void)state;
	start(&cgroup, wait_for_signal, NULL);
	const struct cgroup_usage usage = usage_of(&cgroup);
	struct cgroup_usage without;
	struct err e;

	assert_true(usage.have & USAGE_MEMORY_NOW);
	assert_true(usage.have & USAGE_PIDS_NOW);
	assert_int_equal(cgroup_usage(&cgroup, ~CGROUP_NOW, &without, &e), 0);
	assert_int_equal(without.have, usage.have & ~(USAGE_MEMORY_NOW | USAGE_PIDS_NOW));
	assert_int_equal(usage.pids, 1);
	if (usage.have & USAGE_MEMORY)
		assert_in_range(usage.memory_bytes, 0, usage.memory_peak_bytes);
	end(&cgroup);
}

static void every_share_of_a_processor_can_be_set(void **state)
{
	struct cgroup cgroup = make(CPUS);

	(void)state;
	for (size_t i = 1; i < 2000; i = i * 3 + 1)
		set(&cgroup, CGROUP_CPUS, i);
	end(&cgroup);
}

static void disks_can_be_limited(void **state)
{
	struct cgroup cgroup = make(TREE_IO);
	struct err e = ERR_INIT;

	(void)state;
	const int done = cgroup_set(&cgroup, CGROUP_IO_READ, 1 << 20, &e);
	if (done == 0)
		set(&cgroup, CGROUP_IO_WRITE, 2 << 20);
	end(&cgroup);
	if (done < 0 && e.kind == ERR_UNSUPPORTED) {
		print_message("missing: %s\n", e.text);
		skip();
	}
	if (done < 0)
		fail_msg("%s", e.text);
}

static void a_value_the_kernel_does_not_keep_is_refused(void **state)
{
	struct cgroup cgroup = make(PIDS | CPU_TIME);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(cgroup_set(&cgroup, CGROUP_PIDS, UINT64_MAX, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_non_null(strstr(e.text, "pids.max"));
	end(&cgroup);
}

static void a_frozen_group_stands_still_until_thawed(void **state)
{
	struct cgroup cgroup = make(PIDS);
	volatile uint64_t *n = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct err e = ERR_INIT;

	(void)state;
	start(&cgroup, spin, (void *)(uintptr_t)n);
	while (*n == 0)
		usleep(100);
	if (cgroup_freeze(&cgroup, true, &e) < 0)
		fail_msg("%s", e.text);
	const uint64_t before = *n;
	usleep(5000);
	assert_true(*n == before);
	if (cgroup_freeze(&cgroup, false, &e) < 0)
		fail_msg("%s", e.text);
	while (*n == before)
		usleep(100);
	end(&cgroup);
}

static void a_frozen_group_can_be_killed(void **state)
{
	struct cgroup cgroup = make(PIDS);
	struct err e = ERR_INIT;

	(void)state;
	start(&cgroup, wait_for_signal, NULL);
	start(&cgroup, wait_for_signal, NULL);
	if (cgroup_freeze(&cgroup, true, &e) < 0)
		fail_msg("%s", e.text);
	end(&cgroup);
}

static void one_that_is_never_frozen_has_no_place_in_the_freezers_tree(void **state)
{
	struct cgroup plain = make(PIDS), cgroup = make(PIDS | CGROUP_NEVER_FROZEN);
	const bool is_v2 = cgroup_is_v2();
	struct err e = ERR_INIT;

	(void)state;
	assert_true(cgroup.n_dirs == (is_v2 ? plain.n_dirs : 1) && plain.n_dirs <= 2);
	if (!is_v2)
		assert_int_equal(cgroup_freeze(&cgroup, true, &e), -1);
	start(&cgroup, wait_for_signal, NULL);
	end(&cgroup);
	end(&plain);
}

static int fork_bomb(void *with)
{
	(void)with;
	setpgid(0, 0);
	for (;;)
		if (fork() < 0)
			sched_yield();
	return 0;
}

static void a_fork_bomb_is_killed_whole(void **state)
{
	struct cgroup cgroup = make(PIDS);
	int status;

	(void)state;
	set(&cgroup, CGROUP_PIDS, 300);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	start(&cgroup, fork_bomb, NULL);
	while (usage_of(&cgroup).pids_refused < 10)
		usleep(1000);
	end(&cgroup);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
}

static void zombies_do_not_keep_a_group(void **state)
{
	struct cgroup cgroup = make(PIDS | MEMORY);
	struct err e = ERR_INIT;

	(void)state;
	start(&cgroup, wait_for_signal, NULL);
	assert_int_equal(cgroup_kill(&cgroup, 5000, &e), 0);
	if (cgroup_remove(&cgroup, 5000, &e) < 0)
		fail_msg("%s", e.text);
	waitpid(-1, NULL, 0);
}

static void a_group_with_processes_is_not_removed(void **state)
{
	struct cgroup cgroup = make(PIDS), copy;
	struct err e = ERR_INIT;

	(void)state;
	start(&cgroup, wait_for_signal, NULL);
	copy = cgroup;
	for (size_t i = 0; i < copy.n_dirs; i++) {
		copy.dirs[i].parent_fd = dup(copy.dirs[i].parent_fd);
		copy.dirs[i].fd = dup(copy.dirs[i].fd);
	}
	assert_int_equal(cgroup_remove(&copy, 20, &e), -1);
	end(&cgroup);
}

static void a_child_can_be_born_inside_on_v2(void **state)
{
	struct cgroup cgroup = make(PIDS);
	const int fd = cgroup_into_fd(&cgroup);
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)fd };
	int status;

	(void)state;
	assert_int_equal(fd >= 0, cgroup.v2);
	set(&cgroup, CGROUP_PIDS, 1);
	if (cgroup.v2) {
		const pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

		if (pid == 0)
			_exit(fork() < 0 ? 7 : 8);
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), 7);
	}
	end(&cgroup);
}

static void make_old(const struct cgroup *cgroup)
{
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	for (size_t i = 0; i < cgroup->n_dirs; i++)
		assert_int_equal(futimens(cgroup->dirs[i].fd, old), 0);
}

static void the_sweep_takes_what_a_dead_keeper_left_and_nothing_else(void **state)
{
	struct cgroup kept = make(PIDS | MEMORY), left = CGROUP_NONE;
	int pipe_fds[2], status;
	struct stat st;
	pid_t inmate;

	(void)state;
	make_old(&kept);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	const pid_t keeper = fork();
	if (keeper == 0) {
		left = make(PIDS | MEMORY);
		make_old(&left);
		inmate = fork();
		if (inmate == 0) {
			cgroup_forget(&left);
			_exit(wait_for_signal(NULL));
		}
		struct err e;
		if (cgroup_attach(&left, inmate, &e) < 0 || write(pipe_fds[1], &left, sizeof(left)) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(read(pipe_fds[0], &left, sizeof(left)), sizeof(left));
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
	assert_true(WIFSIGNALED(status));
	/* the inmate's copies of the locks go when it comes to run */
	for (int i = 0; i < 1000 && fstatat(kept.dirs[0].parent_fd, left.name, &st, 0) == 0; i++) {
		cgroup_sweep();
		usleep(1000);
	}
	for (size_t i = 0; i < kept.n_dirs; i++) {
		assert_int_equal(fstatat(kept.dirs[i].parent_fd, left.name, &st, 0), -1);
		assert_int_equal(fstatat(kept.dirs[i].parent_fd, kept.name, &st, 0), 0);
	}
	assert_true(waitpid(-1, &status, 0) > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	end(&kept);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void what_is_missing_is_said_with_a_fix(void **state)
{
	struct cgroup cgroup;
	struct err e = ERR_INIT;
	char why[160] = "";
	bool v2;
	int status;

	(void)state;
	if (getuid() != 0) {
		print_message("missing: root, to become another user\n");
		skip();
	}
	const pid_t pid = fork();
	if (pid == 0) {
		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		if (cgroup_available(false, &v2, why, sizeof(why)) != 0 || !strstr(why, "ward-monitor"))
			_exit(3);
		if (cgroup_create(&cgroup, PIDS, &e) == 0 || e.kind != ERR_UNSUPPORTED)
			_exit(4);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void trying_leaves_nothing_and_agrees_with_looking(void **state)
{
	char why[160];
	bool v2;

	(void)state;
	assert_int_equal(cgroup_available(true, &v2, why, sizeof(why)),
			 cgroup_available(false, &v2, why, sizeof(why)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_proc_cgroup_is_split),
		cmocka_unit_test(a_number_is_read_whole_or_not_at_all),
		cmocka_unit_test(a_key_is_found_only_where_a_line_begins),
		cmocka_unit_test(words_are_summed_over_all_devices),
		cmocka_unit_test(a_line_or_a_word_in_it_is_matched_whole),
		cmocka_unit_test(disks_are_those_that_end_in_hardware),
		cmocka_unit_test(processes_are_limited_and_refusals_counted),
		cmocka_unit_test(memory_beyond_the_limit_kills_and_is_counted),
		cmocka_unit_test(processor_time_is_counted),
		cmocka_unit_test(what_is_held_now_is_told_beside_the_peak),
		cmocka_unit_test(every_share_of_a_processor_can_be_set),
		cmocka_unit_test(disks_can_be_limited),
		cmocka_unit_test(a_value_the_kernel_does_not_keep_is_refused),
		cmocka_unit_test(a_frozen_group_stands_still_until_thawed),
		cmocka_unit_test(a_frozen_group_can_be_killed),
		cmocka_unit_test(one_that_is_never_frozen_has_no_place_in_the_freezers_tree),
		cmocka_unit_test(a_fork_bomb_is_killed_whole),
		cmocka_unit_test(zombies_do_not_keep_a_group),
		cmocka_unit_test(a_group_with_processes_is_not_removed),
		cmocka_unit_test(a_child_can_be_born_inside_on_v2),
		cmocka_unit_test(the_sweep_takes_what_a_dead_keeper_left_and_nothing_else),
		cmocka_unit_test(what_is_missing_is_said_with_a_fix),
		cmocka_unit_test(trying_leaves_nothing_and_agrees_with_looking),
	};

	return cmocka_run_group_tests_name("mech/cgroup", tests, NULL, NULL);
}
