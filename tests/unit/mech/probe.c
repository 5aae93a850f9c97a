/* mech/probe: facts agree with each other and with what is tried; nothing is left behind. */
#include "mech/probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define ITEMS 128

static void a_release_is_a_number_or_nothing(void **state)
{
	static const struct {
		const char *release;
		uint32_t kernel;
	} rows[] = {
	    {"6.8.0", 0x060800},
	    {"6.1.0-56-cloud-amd64", 0x060100},
	    {"5.15.153.1-microsoft-standard-WSL2", 0x050f99},
	    {"6.18-rc3", 0x061200},
	    {"4.19.300", 0x0413ff}, /* a long-lived branch runs over its byte */
	    {"300.1.1", 0},
	    {"6", 0},
	    {"", 0},
	    {"vmlinuz", 0},
	    {"-6.1.0", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(probe_kernel(rows[i].release), rows[i].kernel);
}

static void a_kernel_file_holds_one_number(void **state)
{
	static const struct {
		const char *text;
		long number;
	} rows[] = {
	    {"0\n", 0}, {"1\n", 1},  {"-1\n", -1}, {"96365", 96365}, {"", 7},
	    {"\n", 7},  {"on\n", 7}, {"1x\n", 7},  {"1 2\n", 7},
	};
	char name[] = "/tmp/ward-probe-XXXXXX";
	const int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, rows[i].text, strlen(rows[i].text), 0),
				 strlen(rows[i].text));
		assert_int_equal(probe_number(name, 7), rows[i].number);
	}
	close(fd);
	unlink(name);
	assert_int_equal(probe_number(name, 7), 7);
	assert_int_equal(probe_number("/", 7), 7);
}

static void facts_do_not_contradict_each_other(void **state)
{
	struct probe probe;

	(void)state;
	probe_fast(&probe);
	assert_true(probe.kernel >= 0x040000);
	assert_int_equal(probe.uid, geteuid());
	assert_int_equal(probe.gid, getegid());
	assert_true(!probe.root || (probe.uid == 0 && probe.may_setuid));
	assert_int_equal(probe.userns, *probe.userns_why == 0);
	if (!probe.cgroup_limits)
		assert_true(*probe.cgroup_why);
}

static void an_ordinary_user_is_not_taken_for_root(void **state)
{
	struct probe probe;
	int status;

	(void)state;
	if (geteuid() != 0) {
		print_message("missing: root, to become another user\n");
		skip();
	}
	const pid_t pid = fork();
	if (pid == 0) {
		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		probe_fast(&probe);
		_exit(probe.root || probe.may_setuid || probe.uid != 65534);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static size_t count(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static size_t size_of(const char *path)
{
	char text[65536];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t len = read(fd, text, sizeof(text));

	close(fd);
	return (size_t)len;
}

static const struct probe_item *find(const struct probe_item *items, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i].name, name) == 0)
			return &items[i];
	fail_msg("no item '%s'", name);
	return NULL;
}

static void trying_agrees_with_the_facts_and_leaves_nothing(void **state)
{
	static struct probe_item items[ITEMS];
	const size_t fds = count("/proc/self/fd"), mounts = size_of("/proc/self/mountinfo");
	struct probe probe;

	(void)state;
	const size_t n = probe_try(items, ITEMS);
	assert_in_range(n, 30, ITEMS - 1);
	for (size_t i = 0; i < n; i++) {
		assert_in_range(items[i].works + 1, 0, 2);
		if (items[i].works != 1 && !*items[i].detail)
			fail_msg("%s does not work and nobody says why", items[i].name);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(items[i].name, items[j].name);
	}
	probe_fast(&probe);
	assert_int_equal(find(items, n, "landlock files")->works == 1, probe.landlock_abi > 0);
	assert_int_equal(find(items, n, "mdwe")->works == 1, probe.mdwe);
	assert_int_equal(find(items, n, "core scheduling")->works == 1, probe.core_sched);
	assert_int_equal(find(items, n, "cgroup")->works == 1, probe.cgroup_limits != 0);
	assert_int_equal(count("/proc/self/fd"), fds);
	assert_int_equal(size_of("/proc/self/mountinfo"), mounts);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void no_more_items_than_there_is_room_for(void **state)
{
	struct probe_item items[3] = {{.name = NULL}};

	(void)state;
	assert_int_equal(probe_try(items, 2), 2);
	assert_null(items[2].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_release_is_a_number_or_nothing),
	    cmocka_unit_test(a_kernel_file_holds_one_number),
	    cmocka_unit_test(facts_do_not_contradict_each_other),
	    cmocka_unit_test(an_ordinary_user_is_not_taken_for_root),
	    cmocka_unit_test(trying_agrees_with_the_facts_and_leaves_nothing),
	    cmocka_unit_test(no_more_items_than_there_is_room_for),
	};

	return cmocka_run_group_tests_name("mech/probe", tests, NULL, NULL);
}
