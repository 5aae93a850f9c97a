/* model/policy: setting and narrowing single keys, flags for files, contradictions. */
#include "model/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/policy_grant.h"

static const struct origin from_flag = { .source = "--flag" };
static const struct origin from_file = { .source = "x.yaml", .line = 7, .column = 3 };

static void every_key_has_a_row_that_makes_sense(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEYS; i++) {
		const struct key_row *const row = policy_key_row((enum policy_key)i);

		assert_true(strlen(row->path) > 0 && strlen(row->help) > 0);
		assert_int_equal(policy_key_find(row->path), i);
		assert_true(row->type != KEY_CHOICE || strchr(row->arg, '|'));
		assert_true(row->type > KEY_MILLI || strstr(row->arg, ".."));
	}
	assert_null(policy_key_row(KEYS));
	assert_int_equal(policy_key_find("limits.nothing"), KEYS);
	assert_string_equal(policy_key_near("limits.memmory"), "limits.memory");
	assert_null(policy_key_near("what is this"));
}

/* text -> number -> text; NULL: refused with this sentence */
static const struct {
	enum policy_key key;
	const char *text;
	uint64_t n;
	const char *written, *refused;
} values[] = {
	{ KEY_CPU, "2s", 2000, "2s", NULL },
	{ KEY_CPU, "500ms", 500, "500ms", NULL },
	{ KEY_CPU, "1.5s", 1500, "1500ms", NULL },
	{ KEY_CPU, "90s", 90000, "90s", NULL },
	{ KEY_WALL, "15m", 900000, "15m", NULL },
	{ KEY_WALL, "720h", 2592000000, "720h", NULL },
	{ KEY_WALL, "721h", 0, NULL, "limits.wall: 721h is outside 1ms to 720h" },
	{ KEY_GRACE, "0ms", 0, "0ms", NULL },
	{ KEY_GRACE, "0.001s", 1, "1ms", NULL },
	{ KEY_CPU, "10", 0, NULL, "limits.cpu: 10 has no unit; write 2s or 500ms (ms, s, m, h)" },
	{ KEY_CPU, "10 s", 0, NULL,
	  "limits.cpu: '10 s' is not a duration; write 2s or 500ms (ms, s, m, h)" },
	{ KEY_CPU, "s", 0, NULL,
	  "limits.cpu: 's' is not a duration; write 2s or 500ms (ms, s, m, h)" },
	{ KEY_CPU, "", 0, NULL,
	  "limits.cpu: '' is not a duration; write 2s or 500ms (ms, s, m, h)" },
	{ KEY_CPU, "-2s", 0, NULL, "limits.cpu: -2s is negative; write 2s or 500ms (ms, s, m, h)" },
	{ KEY_CPU, "0s", 0, NULL, "limits.cpu: 0s is outside 1ms to 24h" },
	{ KEY_CPU, "0.1ms", 0, NULL,
	  "limits.cpu: 0.1ms is not a whole number of milliseconds; write 2s or 500ms (ms, s, m, "
	  "h)" },
	{ KEY_CPU, "1d", 0, NULL,
	  "limits.cpu: '1d' is not a duration; write 2s or 500ms (ms, s, m, h)" },
	{ KEY_MEMORY, "64M", 64 << 20, "64M", NULL },
	{ KEY_MEMORY, "1048576", 1 << 20, "1M", NULL },
	{ KEY_MEMORY, "1.5G", 3ULL << 29, "1536M", NULL },
	{ KEY_MEMORY, "1T", 1ULL << 40, "1T", NULL },
	{ KEY_MEMORY, "1048577", (1 << 20) + 1, "1048577", NULL },
	{ KEY_MEMORY, "64Q", 0, NULL,
	  "limits.memory: '64Q' is not a size; write 64M or a number of bytes (K, M, G, T)" },
	{ KEY_MEMORY, "64m", 0, NULL,
	  "limits.memory: '64m' is not a size; write 64M or a number of bytes (K, M, G, T)" },
	{ KEY_MEMORY, "64MB", 0, NULL,
	  "limits.memory: '64MB' is not a size; write 64M or a number of bytes (K, M, G, T)" },
	{ KEY_MEMORY, "99999999999999T", 0, NULL,
	  "limits.memory: 99999999999999T is outside 1M to 1T" },
	{ KEY_MEMORY, "18446744073709551616", 0, NULL,
	  "limits.memory: 18446744073709551616 is outside 1M to 1T" },
	{ KEY_MEMORY, "18446744073709551.999K", 0, NULL,
	  "limits.memory: 18446744073709551.999K is outside 1M to 1T" },
	{ KEY_MEMORY, "-5", 0, NULL,
	  "limits.memory: -5 is negative; write 64M or a number of bytes (K, M, G, T)" },
	{ KEY_MEMORY, "1M ", 0, NULL,
	  "limits.memory: '1M ' is not a size; write 64M or a number of bytes (K, M, G, T)" },
	{ KEY_MEMORY, "1.0001M", 0, NULL,
	  "limits.memory: '1.0001M' is not a size; write 64M or a number of bytes (K, M, G, T)" },
	{ KEY_SWAP, "0", 0, "0", NULL },
	{ KEY_PIDS, "64", 64, "64", NULL },
	{ KEY_PIDS, "0", 0, NULL, "limits.pids: 0 is outside 1 to 4194304" },
	{ KEY_PIDS, "1.5", 0, NULL,
	  "limits.pids: 1.5 is not a whole number; write digits, like 64" },
	{ KEY_PIDS, "0x40", 0, NULL,
	  "limits.pids: '0x40' is not a whole number; write digits, like 64" },
	{ KEY_PIDS, "1K", 0, NULL,
	  "limits.pids: '1K' is not a whole number; write digits, like 64" },
	{ KEY_CPUS, "1.5", 1500, "1.5", NULL },
	{ KEY_CPUS, "2", 2000, "2", NULL },
	{ KEY_CPUS, "0.01", 10, "0.01", NULL },
	{ KEY_CPUS, "0.125", 125, "0.125", NULL },
	{ KEY_CPUS, "0.009", 0, NULL, "limits.cpus: 0.009 is outside 0.01 to 1024" },
	{ KEY_MDWE, "true", 1, "true", NULL },
	{ KEY_MDWE, "on", 1, "true", NULL },
	{ KEY_MDWE, "yes", 1, "true", NULL },
	{ KEY_MDWE, "no", 0, "false", NULL },
	{ KEY_MDWE, "off", 0, "false", NULL },
	{ KEY_MDWE, "1", 0, NULL, "hardening.mdwe: '1' is not true or false" },
	{ KEY_NETWORK, "host", NETWORK_HOST, "host", NULL },
	{ KEY_NETWORK, "hos", 0, NULL,
	  "network.mode: 'hos' is not one of none|host (did you mean 'host'?)" },
	{ KEY_NETWORK, "none|host", 0, NULL, "network.mode: 'none|host' is not one of none|host" },
	{ KEY_CORE_SCHED, "true", CORE_SCHED_ON, "on", NULL },
	{ KEY_CORE_SCHED, "false", CORE_SCHED_OFF, "off", NULL },
	{ KEY_CORE_SCHED, "auto", CORE_SCHED_AUTO, "auto", NULL },
	{ KEY_NAME, "no", 0, "no", NULL }, /* the schema wants a text, so a text it is */
	{ KEY_NAME, "a b", 0, NULL, "name: 'a b' is not a name; use 1 to 64 of A-Z a-z 0-9 . _ -" },
	{ KEY_NAME, "", 0, NULL, "name: '' is not a name; use 1 to 64 of A-Z a-z 0-9 . _ -" },
	{ KEY_HOSTNAME, "box-1.local", 0, "box-1.local", NULL },
	{ KEY_HOSTNAME, "box_1", 0, NULL,
	  "identity.hostname: 'box_1' is not a host name; use 1 to 64 of A-Z a-z 0-9 . -" },
	{ KEY_CWD, "/", 0, "/", NULL },
	{ KEY_CWD, "/work", 0, "/work", NULL },
	{ KEY_CWD, "work", 0, NULL,
	  "cwd: 'work' must be absolute, without '..', '//' or a '/' at the end" },
	{ KEY_CWD, "/work/", 0, NULL,
	  "cwd: '/work/' must be absolute, without '..', '//' or a '/' at the end" },
	{ KEY_CWD, "/a/../b", 0, NULL,
	  "cwd: '/a/../b' must be absolute, without '..', '//' or a '/' at the end" },
	{ KEY_IMAGE, "images/py", 0, "images/py", NULL },
	{ KEY_IMAGE, "a/../b", 0, NULL,
	  "image: 'a/../b' contains '..'; write the path without it" },
};

static void values_are_read_within_bounds_and_written_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		OWN(policy) policy = POLICY_NONE;
		struct err e = ERR_INIT;
		const int rc =
			policy_set(&policy, values[i].key, values[i].text, from_flag, true, &e);
		char written[64];

		if (values[i].refused) {
			assert_int_equal(rc, -1);
			assert_int_equal(e.kind, ERR_USAGE);
			assert_string_equal(e.text, values[i].refused);
			assert_false(policy.values[values[i].key].set);
			continue;
		}
		assert_string_equal(e.text, "");
		assert_int_equal(rc, 0);
		assert_int_equal(policy_n(&policy, values[i].key), values[i].n);
		policy_format(&policy, values[i].key, written, sizeof(written));
		assert_string_equal(written, values[i].written);
	}
}

static void unset_keys_read_as_what_they_mean(void **state)
{
	static const struct {
		enum policy_key key;
		const char *written;
	} rows[] = {
		{ KEY_MEMORY, "none" },  { KEY_NAME, "none" },      { KEY_MDWE, "false" },
		{ KEY_NETWORK, "none" }, { KEY_THREAT, "hostile" }, { KEY_SYS_DEFAULT, "kill" },
	};
	const struct policy policy = POLICY_NONE;
	char written[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		policy_format(&policy, rows[i].key, written, sizeof(written));
		assert_string_equal(written, rows[i].written);
	}
}

/* old NULL: unset; refused NULL: allowed */
static const struct {
	enum policy_key key;
	const char *old, *wanted, *refused;
} narrowings[] = {
	{ KEY_MEMORY, "512M", "256M", NULL },
	{ KEY_MEMORY, "512M", "512M", NULL },
	{ KEY_MEMORY, NULL, "1T", NULL }, /* a limit where there was none */
	{ KEY_MEMORY, "512M", "1G",
	  "limits.memory: 1G is more than the policy's 512M (from x.yaml:7); add --widen to allow "
	  "it" },
	{ KEY_SWAP, "0", "1M",
	  "limits.swap: 1M is more than the policy's 0 (from x.yaml:7); add --widen to allow it" },
	{ KEY_CPUS, "1.5", "2",
	  "limits.cpus: 2 is more than the policy's 1.5 (from x.yaml:7); add --widen to allow it" },
	{ KEY_NICE, "0", "19", NULL },
	{ KEY_NICE, "19", "0", NULL },
	{ KEY_MDWE, "false", "true", NULL },
	{ KEY_MDWE, "true", "false",
	  "hardening.mdwe: false is weaker than the policy's true (from x.yaml:7); add --widen to "
	  "allow "
	  "it" },
	{ KEY_MDWE, NULL, "false", NULL },
	{ KEY_NETWORK, "host", "none", NULL },
	{ KEY_NETWORK, "none", "host",
	  "network.mode: host is weaker than the policy's none (from x.yaml:7); add --widen to "
	  "allow "
	  "it" },
	{ KEY_NETWORK, NULL, "host", /* absence is not permission */
	  "network.mode: host is weaker than the policy's none (from ward's default); add --widen "
	  "to "
	  "allow it" },
	{ KEY_SYS_DEFAULT, "errno", "kill", NULL },
	{ KEY_SYS_DEFAULT, "errno", "log",
	  "syscalls.default: log is weaker than the policy's errno (from x.yaml:7); add --widen to "
	  "allow it" },
	{ KEY_PROC, "pid", "none", NULL },
	{ KEY_SPEC, "strict", "auto",
	  "hardening.spec: auto is weaker than the policy's strict (from x.yaml:7); add --widen to "
	  "allow it" },
	{ KEY_BOUNDARY, "container", "container", NULL },
	{ KEY_BOUNDARY, "container", "process",
	  "boundary: process is not the policy's container (from x.yaml:7); add --widen to allow "
	  "it" },
	{ KEY_BOUNDARY, "container", "microvm", /* fixed is fixed */
	  "boundary: microvm is not the policy's container (from x.yaml:7); add --widen to allow "
	  "it" },
	{ KEY_TERMINAL, "none", "pty", NULL },
	{ KEY_CWD, "/work", "/", NULL },
};

static void a_flag_only_narrows_unless_told_to_widen(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(narrowings); i++) {
		const enum policy_key key = narrowings[i].key;
		OWN(policy) policy = POLICY_NONE;
		struct err e = ERR_INIT;
		struct policy_value before;
		int rc;

		if (narrowings[i].old)
			assert_int_equal(
				policy_set(&policy, key, narrowings[i].old, from_file, true, &e),
				0);
		before = policy.values[key];
		rc = policy_set(&policy, key, narrowings[i].wanted, from_flag, false, &e);
		assert_string_equal(e.text, narrowings[i].refused ? narrowings[i].refused : "");
		assert_int_equal(rc, narrowings[i].refused ? -1 : 0);
		if (narrowings[i].refused) {
			assert_int_equal(e.kind, ERR_DENIED);
			assert_memory_equal(&policy.values[key], &before, sizeof(before));
		}
		assert_int_equal(
			policy_set(&policy, key, narrowings[i].wanted, from_flag, true, &e), 0);
		assert_string_equal(policy.values[key].origin.source, "--flag");
	}
}

static void the_filter_follows_its_two_keys(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(policy.syscalls.otherwise, FILTER_KILL);
	assert_int_equal(policy_set(&policy, KEY_SYS_DEFAULT, "errno", from_flag, true, &e), 0);
	assert_int_equal(policy.syscalls.otherwise, FILTER_ERRNO);
	assert_true(policy.syscalls.report);
	assert_int_equal(policy_set(&policy, KEY_REPORT, "none", from_flag, true, &e), 0);
	assert_false(policy.syscalls.report);
}

/* refused NULL: what and as are expected */
static const struct {
	enum grant_kind kind;
	const char *spec, *what, *as;
	uint64_t size;
	const char *refused;
} grants[] = {
	{ GRANT_READ, "/data", "/data", "/data", 0, NULL },
	{ GRANT_READ, "/data:/in", "/data", "/in", 0, NULL },
	{ GRANT_WRITE, "./out:/out", "./out", "/out", 0, NULL },
	{ GRANT_EXEC, "/opt/a:b:/opt/c", "/opt/a:b", "/opt/c", 0, NULL },
	{ GRANT_READ, "/opt/a:b", "/opt/a:b", "/opt/a:b", 0, NULL }, /* a place begins with '/' */
	{ GRANT_READ, "host", "host", "/", 0, NULL },
	{ GRANT_SCRATCH, "/tmp", NULL, "/tmp", 0, NULL },
	{ GRANT_SCRATCH, "/tmp:64M", NULL, "/tmp", 64 << 20, NULL },
	{ GRANT_SCRATCH, "/tmp:64", NULL, NULL, 0, "/tmp:64: 64 is outside 4K to 1T" },
	{ GRANT_SCRATCH, "tmp", NULL, NULL, 0,
	  "tmp: 'tmp' is not an absolute place inside; add `as: /PATH`" },
	{ GRANT_READ, "data", NULL, NULL, 0,
	  "data: 'data' is not an absolute place inside; add `as: /PATH`" },
	{ GRANT_READ, "", NULL, NULL, 0, ": no path given; write the path outside" },
	{ GRANT_READ, "/a/../b", NULL, NULL, 0,
	  "/a/../b: '/a/../b' contains '..', which leads elsewhere when a directory is moved or "
	  "linked; "
	  "write the path "
	  "without it" },
	{ GRANT_READ, "/proc/1/root:/x", NULL, NULL, 0,
	  "/proc/1/root:/x: /proc/1/root belongs to the host's /proc, which is never granted; "
	  "remove "
	  "it" },
	{ GRANT_READ, "/./proc:/x", NULL, NULL, 0,
	  "/./proc:/x: '/./proc' is not a plain path; write it without '.', '//' and a '/' at the "
	  "end" },
	{ GRANT_READ, "//./sys/:/x", NULL, NULL, 0,
	  "//./sys/:/x: '//./sys/' is not a plain path; write it without '.', '//' and a '/' at "
	  "the "
	  "end" },
	{ GRANT_READ, "/sys:/x", NULL, NULL, 0,
	  "/sys:/x: /sys belongs to the host's /sys, which is never granted; remove it" },
	{ GRANT_READ, "/system:/procure", "/system", "/procure", 0, NULL },
	{ GRANT_READ, "/x:/dev/x", NULL, NULL, 0,
	  "/x:/dev/x: /dev/x is in /dev, which the boundary makes itself; use another place" },
	{ GRANT_SCRATCH, "/", NULL, "/", 0, NULL }, /* policy_check() asks for which boundary */
	{ GRANT_READ, "/:/x", NULL, NULL, 0,
	  "/:/x: / contains /proc, /sys and /dev of the host; grant the directories needed, or "
	  "`read: "
	  "host`" },
};

static void a_flag_for_files_is_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(grants); i++) {
		OWN(policy) policy = POLICY_NONE;
		struct err e = ERR_INIT;
		const int rc = policy_grant(&policy, grants[i].kind, grants[i].spec, from_flag, &e);

		assert_string_equal(e.text, grants[i].refused ? grants[i].refused : "");
		assert_int_equal(rc, grants[i].refused ? -1 : 0);
		assert_int_equal(policy.n_grants, grants[i].refused ? 0 : 1);
		if (grants[i].refused)
			continue;
		if (grants[i].what)
			assert_string_equal(policy.grants[0].what, grants[i].what);
		assert_string_equal(policy.grants[0].as, grants[i].as);
		assert_int_equal(policy.grants[0].size, grants[i].size);
	}
}

static void a_flag_takes_the_place_of_an_earlier_grant(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(policy_grant(&policy, GRANT_SCRATCH, "/work", from_file, &e), 0);
	assert_int_equal(policy_grant(&policy, GRANT_READ, "/b", from_file, &e), 0);
	assert_int_equal(policy_grant(&policy, GRANT_WRITE, "/project:/work", from_flag, &e), 0);
	assert_int_equal(policy.n_grants, 2);
	assert_string_equal(policy.grants[0].as, "/b");
	assert_int_equal(policy.grants[1].kind, GRANT_WRITE);
	assert_int_equal(policy_check(&policy, &e), 0);
}

static void a_flag_can_bring_a_contradiction(void **state)
{
	OWN(policy) policy = POLICY_NONE;
	struct err e = ERR_INIT;

	(void)state;
	policy.require = LAYER_BIT(LAYER_PIDNS);
	assert_int_equal(policy_set(&policy, KEY_BOUNDARY, "container", from_file, true, &e), 0);
	assert_int_equal(policy_check(&policy, &e), 0);
	assert_int_equal(policy_set(&policy, KEY_BOUNDARY, "process", from_flag, true, &e), 0);
	assert_int_equal(policy_check(&policy, &e), -1);
	assert_string_equal(
		e.text,
		"require names pidns, which boundary process never has; use boundary: container");
}

static void the_empty_policy_is_done_twice(void **state)
{
	struct policy policy = POLICY_NONE;

	(void)state;
	policy_done(&policy);
	policy_done(&policy);
}

static void a_path_lies_in_a_directory_by_whole_names(void **state)
{
	(void)state;
	assert_true(policy_path_is_in("/a/b", "/a/b"));
	assert_true(policy_path_is_in("/a/b/c", "/a/b"));
	assert_false(policy_path_is_in("/a/bc", "/a/b"));
	assert_false(policy_path_is_in("/a", "/a/b"));
	assert_string_equal(policy_owned_tree("/proc"), "/proc");
	assert_string_equal(policy_owned_tree("/sys/kernel"), "/sys");
	assert_string_equal(policy_owned_tree("/dev/null"), "/dev");
	assert_string_equal(policy_owned_tree("/"), "/");
	assert_null(policy_owned_tree("/process"));
	assert_null(policy_owned_tree("/srv/proc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_a_row_that_makes_sense),
		cmocka_unit_test(values_are_read_within_bounds_and_written_back),
		cmocka_unit_test(unset_keys_read_as_what_they_mean),
		cmocka_unit_test(a_flag_only_narrows_unless_told_to_widen),
		cmocka_unit_test(the_filter_follows_its_two_keys),
		cmocka_unit_test(a_flag_for_files_is_read_or_refused),
		cmocka_unit_test(a_flag_takes_the_place_of_an_earlier_grant),
		cmocka_unit_test(a_flag_can_bring_a_contradiction),
		cmocka_unit_test(the_empty_policy_is_done_twice),
		cmocka_unit_test(a_path_lies_in_a_directory_by_whole_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
