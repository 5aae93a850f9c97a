/* judge/derive: whatever a program did, the policy made of it is read back, allows all of that, and nothing
 * that was not seen. */
#include "judge/derive.h"

#include <stdio.h>
#include <stdlib.h>

#include "../model/near_calls.h"
#include "model/filter_cases.h"

#define RECORDS 60
#define MADE    400

struct made {
	uint32_t nr;
	uint64_t args[6];
};

static struct record *new_record(void)
{
	struct record *const record = mem_alloc(sizeof(*record));

	record->runs = 1;
	return record;
}

static void free_record(struct record *record)
{
	record_done(record);
	free(record);
}

/* Read back as `ward run -p` would. */
static void read_back(struct near_sets *sets, const struct record *record, const struct derive_how *how,
		      struct str *text, struct derived *counts)
{
	struct err e = ERR_INIT;

	derive_policy(record, how, text, counts);
	*sets = (struct near_sets){ .policy = POLICY_NONE, .rows = FILTER_SET_NONE };
	if (policy_read("derived", str_text(text), text->len, &sets->policy, &e) < 0 ||
	    parts_filter_rows(&sets->policy, NULL, 0, &sets->rows, &e) < 0)
		fail_msg("%s\n%s", e.text, str_text(text));
	floor_rows(&sets->floor);
}

static bool is_tested(const struct filter_set *set, uint32_t nr, unsigned arg)
{
	for (size_t i = 0; i < set->n_rows; i++)
		for (size_t t = 0; set->rows[i].nr == nr && t < set->rows[i].n_tests; t++)
			if (set->rows[i].tests[t].arg == arg)
				return true;
	return false;
}

/* The policy or the floor judges an argument that had more values than a record holds; or a mode with set-id
 * bits came with an open that makes nothing. */
static bool is_cut_short(const struct near_sets *under, const struct record *record, uint32_t nr)
{
	for (unsigned i = 0; i < 6; i++)
		if (record->calls[nr].args[i].more &&
		    (is_tested(&under->rows, nr, i) || is_tested(&under->floor, nr, i)))
			return true;
	return (nr == 2 && (record->calls[nr].args[2].any & 06000)) ||
	       (nr == 257 && (record->calls[nr].args[3].any & 06000));
}

/* Nothing is allowed that was refused where it ran. */
static void check_within(const struct near_sets *under, const struct near_sets *sets, const char *text,
			 uint64_t *seed)
{
	for (size_t i = 0; i < 4000; i++) {
		uint64_t args[6];
		uint32_t nr;

		near_call(i & 1 ? under : sets, &nr, args, seed);
		if (filter_word_passes(near_answer(sets, nr, args)) &&
		    !filter_word_passes(near_answer(under, nr, args)))
			fail_msg("%s(%#lx, %#lx, %#lx, %#lx) was refused and is allowed by\n%s",
				 syscalls_name(nr), args[0], args[1], args[2], args[3], text);
	}
}

/* What was let through under `under` is let through by the policy made of it. */
/* What the next run may make by chance: threads that meet at a lock, signals. */
static bool is_companion(const struct record *record, const char *name)
{
	static const char *const rows[][2] = {
		{ "rt_sigreturn", "rt_sigaction" }, { "restart_syscall", "rt_sigaction" }, { "sched_yield", "futex" },
		{ "sched_getaffinity", "futex" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(name, rows[i][0]))
			return record->calls[syscalls_number(rows[i][1])].count;
	return false;
}

static void check_record(const struct near_sets *under, uint64_t *seed, size_t *n_checked)
{
	struct record *const record = new_record();
	struct made *const made = mem_alloc(MADE * sizeof(*made));
	struct near_sets sets;
	OWN(str) text = STR_NONE;
	OWN(str) again = STR_NONE;
	const struct derive_how how = { .name = "random", .under = &under->policy };

	for (size_t i = 0; i < MADE; i++) {
		do
			near_call(under, &made[i].nr, made[i].args, seed);
		while (!syscalls_name(made[i].nr));
		record_add_call(record, made[i].nr, made[i].args,
				near_random(seed) & 1 ? PHASE_START : PHASE_STEADY,
				!filter_word_passes(near_answer(under, made[i].nr, made[i].args)));
	}
	read_back(&sets, record, &how, &text, NULL);
	derive_policy(record, &how, &again, NULL);
	assert_string_equal(str_text(&text), str_text(&again));
	for (size_t i = 0; i < MADE; i++) {
		if (!filter_word_passes(near_answer(under, made[i].nr, made[i].args)) ||
		    is_cut_short(under, record, made[i].nr))
			continue;
		if (!filter_word_passes(near_answer(&sets, made[i].nr, made[i].args)))
			fail_msg("%s(%#lx, %#lx, %#lx, %#lx) was made and is refused by\n%s",
				 syscalls_name(made[i].nr), made[i].args[0], made[i].args[1],
				 made[i].args[2], made[i].args[3], str_text(&text));
		++*n_checked;
	}
	for (uint32_t nr = 0; nr < SYSCALLS_NUMBERS; nr++) {
		const uint64_t any[6] = { 0 };
		const char *const name = syscalls_name(nr);

		if (!name || record->calls[nr].count || !strcmp(name, "execve") || !strncmp(name, "exit", 4) ||
		    is_companion(record, name))
			continue;
		if (filter_may_allow(&sets.rows, nr, any, 0))
			fail_msg("%s was never made and is allowed by\n%s", name, str_text(&text));
	}
	check_within(under, &sets, str_text(&text), seed);
	near_done(&sets);
	free(made);
	free_record(record);
}

static void what_was_made_is_allowed_and_what_was_not_is_not(void **state)
{
	uint64_t seed = 0x6465726976650001;
	size_t n_checked = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(near_policies); i++) {
		struct near_sets under;

		near_builtin(&under, near_policies[i]);
		for (size_t k = 0; k < RECORDS / ARRAY_SIZE(near_policies); k++)
			check_record(&under, &seed, &n_checked);
		near_done(&under);
	}
	print_message("# %zu calls of %d records\n", n_checked, RECORDS);
	assert_true(n_checked > RECORDS * MADE / 8);
}

/* Of what is listed by value nothing is allowed that the floor refuses. */
static void what_the_floor_refuses_is_never_written(void **state)
{
	uint64_t seed = 0x6465726976650002;

	(void)state;
	for (size_t k = 0; k < 40; k++) {
		struct record *const record = new_record();
		struct near_sets sets, all;
		OWN(str) text = STR_NONE;
		const struct derive_how how = { .name = NULL };

		near_builtin(&all, "build");
		for (size_t i = 0; i < MADE; i++) {
			uint64_t args[6];
			uint32_t nr;

			near_call(&all, &nr, args, &seed);
			if (syscalls_name(nr))
				record_add_call(record, nr, args, PHASE_STEADY, false);
		}
		read_back(&sets, record, &how, &text, NULL);
		for (size_t i = 0; i < 4000; i++) {
			uint64_t args[6];
			uint32_t nr;

			near_call(&sets, &nr, args, &seed);
			if (filter_judge(&sets.rows, nr, args, NULL) == FILTER_ALLOW &&
			    filter_judge(&sets.floor, nr, args, NULL) != FILTER_ALLOW)
				fail_msg("call %u(%#lx, %#lx) is allowed\n%s", nr, args[0], args[1],
					 str_text(&text));
		}
		near_done(&all);
		near_done(&sets);
		free_record(record);
	}
}

static void call(struct record *record, const char *name, uint8_t phase, bool refused, uint64_t a, uint64_t b,
		 uint64_t c, uint64_t d)
{
	const uint64_t args[6] = { a, b, c, d };

	record_add_call(record, (uint32_t)syscalls_number(name), args, phase, refused);
}

static void file(struct record *record, const char *path, uint8_t access, bool is_dir)
{
	record_add_file(record, &(struct record_file){ .path = path, .exists = true, .is_dir = is_dir,
						       .access = access, .phases = PHASE_STEADY,
						       .count = 1 });
}

static struct record *sample(void)
{
	static const char *const argv[] = { "/usr/bin/python3", "job.py" };
	struct record *const record = new_record();

	record->n_argv = 2;
	for (size_t i = 0; i < 2; i++)
		record_set_text(record, &record->argv[i], argv[i]);
	call(record, "execve", PHASE_START, false, 1, 2, 3, 0);
	call(record, "brk", PHASE_START, false, 0, 0, 0, 0);
	call(record, "read", PHASE_START, false, 3, 7, 100, 0);
	call(record, "read", PHASE_STEADY, false, 5, 9, 200, 0);
	call(record, "ioctl", PHASE_STEADY, false, 1, UINT64_C(0x700005401), 7, 0);
	call(record, "ioctl", PHASE_STEADY, false, 3, 0x5421, 7, 0);
	call(record, "ioctl", PHASE_STEADY, true, 0, 0x5412, 7, 0);
	call(record, "mmap", PHASE_START, false, 0, 4096, 3, 0x22);
	call(record, "socket", PHASE_STEADY, false, 1, 0x80001, 0, 0);
	call(record, "socket", PHASE_STEADY, true, 16, 0x80003, 0, 0);
	call(record, "clone3", PHASE_STEADY, true, 7, 88, 0, 0);
	call(record, "ptrace", PHASE_STEADY, true, 0, 0, 0, 0);
	call(record, "prlimit64", PHASE_START, false, 0, 3, 0, 7);
	record_add_site(record, 0, &(struct record_site){
					   .at = { "/usr/lib/libc.so.6", 7, "read\x1b" },
					   .by = { "/usr/bin/python3.11", 9, NULL },
					   .count = 2, .phases = PHASE_STEADY });
	file(record, "/usr/lib/libc.so.6", ACCESS_READ, false);
	file(record, "/etc/ld.so.cache", ACCESS_READ, false);
	file(record, "/proc/self/maps", ACCESS_READ, false);
	file(record, "/tmp/x", ACCESS_WRITE | ACCESS_CREATE, false);
	file(record, "/in/a", ACCESS_READ, false);
	file(record, "/in/deep/b", ACCESS_READ, false);
	file(record, "/in/deep/c", ACCESS_READ, false);
	file(record, "/in/deep/d", ACCESS_READ, false);
	file(record, "/out", ACCESS_STAT, true);
	file(record, "/out/result", ACCESS_WRITE | ACCESS_CREATE, false);
	return record;
}

static const char under_text[] =
	"version: 1\nboundary: container\nlimits: {memory: 1G, wall: 60s, pids: 8}\nfiles:\n"
	"  - read: host\n  - {read: /data/incoming, as: /in}\n  - {write: /data/outgoing, as: /out}\n"
	"  - {scratch: /tmp, size: 8M}\n  - {scratch: /unused, size: 8M}\n"
	"syscalls:\n  default: errno\n  allow: [\"@default\"]\n";

static void each_entry_has_its_reason(void **state)
{
	static const char *const says[] = {
		"# Derived from 1 run of: /usr/bin/python3 job.py\n", "name: \"python3\"\n",
		"memory: 40M  # 20M were seen\n", "wall: 1m  # 70s were seen\n", "pids: 8\n", "network: none\n",
		"# 2 files of programs and libraries\n  - read: host\n",
		"# 1 file, while it runs: read\n  - read: \"/data/incoming/a\"\n    as: \"/in/a\"\n",
		"# 3 files, while it runs: read\n  - read: \"/data/incoming/deep\"\n    as: \"/in/deep\"\n",
		"# 1 file, while it runs: write create\n  - write: \"/data/outgoing\"\n    as: \"/out\"\n",
		"# 1 file\n  - scratch: \"/tmp\"\n    size: 8M\n",
		"- read               # 2 calls; libc.so.6 read? for python3.11\n",
		"    # start-up only: mapping and advising one's own memory\n    - brk ",
		"when: {arg1: [TCGETS, FIONBIO]}\n", "when: {arg2: [3], arg3: [0x22]}\n",
		"# 1 call; PROT_READ|PROT_WRITE; MAP_ANONYMOUS|MAP_PRIVATE\n", "when: {arg0: [0], arg1: [3], arg2: [0]}\n",
		"when: {arg0: [AF_UNIX], arg1: [0x80001], arg2: [0]}\n",
		"{call: socket, action: errno, errno: EAFNOSUPPORT}\n",
		"{call: ioctl, action: errno, errno: ENOTTY}\n", "# clone3: 1 of 1 calls were refused",
		"# ptrace: 1 of 1 calls were refused, and it went on\n",
	};
	static const char *const never[] = { "TIOCSTI", "NETLINK", "call: clone3", "- ptrace", "/unused", "\x1b",
					     "/proc", "\"/in\"" };
	struct record *const record = sample();
	struct near_sets under, sets;
	struct derived counts;
	OWN(str) text = STR_NONE;

	(void)state;
	near_read(&under, under_text, strlen(under_text));
	const struct derive_how how = { .under = &under.policy,
					.usage = { .memory_bytes = 20 << 20, .wall_ms = 70000 } };
	read_back(&sets, record, &how, &text, &counts);
	for (size_t i = 0; i < ARRAY_SIZE(says); i++)
		if (!strstr(str_text(&text), says[i]))
			fail_msg("'%s' is missing in\n%s", says[i], str_text(&text));
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (strstr(str_text(&text), never[i]))
			fail_msg("'%s' is in\n%s", never[i], str_text(&text));
	assert_int_equal(counts.n_calls, 7);
	assert_int_equal(counts.n_narrowed, 4);
	assert_int_equal(counts.n_refused, 2);
	assert_int_equal(counts.n_grants, 5);
	assert_int_equal(sets.policy.n_grants, 5);
	near_done(&under);
	near_done(&sets);
	free_record(record);
}

static void nobodys_home_and_no_top_directory_is_granted(void **state)
{
	struct record *const record = new_record();
	struct near_sets sets;
	struct derived counts;
	OWN(str) text = STR_NONE;
	const struct derive_how how = { .home = "/srv/people/me" };

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/srv/people/me/%u", i);
		file(record, path, ACCESS_READ, false);
		snprintf(path, sizeof(path), "/opt/%u", i);
		file(record, path, ACCESS_READ | ACCESS_EXEC, false);
		snprintf(path, sizeof(path), "/opt/tool/%u/x", i);
		file(record, path, ACCESS_READ, false);
	}
	file(record, "/home/you", ACCESS_LIST, true);
	file(record, "/", ACCESS_LIST, true);
	file(record, "/opt/tool/../../root/x", ACCESS_READ, false);
	file(record, "/tmp/t", ACCESS_WRITE | ACCESS_CREATE, false);
	read_back(&sets, record, &how, &text, &counts);
	for (size_t i = 0; i < sets.policy.n_grants; i++) {
		const char *const as = sets.policy.grants[i].as;

		if (!strcmp(as, "/srv") || !strcmp(as, "/srv/people") || !strcmp(as, "/srv/people/me") ||
		    !strcmp(as, "/opt") || !strcmp(as, "/home/you"))
			fail_msg("%s is granted\n%s", as, str_text(&text));
	}
	assert_non_null(strstr(str_text(&text), "# 40 files, while it runs: read\n  - read: \"/opt/tool\"\n"));
	assert_non_null(strstr(str_text(&text), "- scratch: \"/tmp\"\n"));
	assert_int_equal(counts.n_uncovered, 2);
	near_done(&sets);
	free_record(record);
}

static void ports_are_listed_where_there_was_a_network(void **state)
{
	struct record *const record = new_record();
	struct near_sets sets;
	OWN(str) text = STR_NONE;
	const struct derive_how how = { .name = "net" };

	(void)state;
	record_add_host(record, &(struct record_host){ .family = FAMILY_INET, .address = "192.0.2.7", .port = 443,
						       .connects = true, .phases = PHASE_STEADY, .count = 2 });
	record_add_host(record, &(struct record_host){ .family = FAMILY_INET6, .address = "::1", .port = 8080,
						       .binds = true, .phases = PHASE_STEADY, .count = 1 });
	read_back(&sets, record, &how, &text, NULL);
	assert_int_equal(policy_n(&sets.policy, KEY_NETWORK), NETWORK_HOST);
	assert_int_equal(sets.policy.n_connect, 1);
	assert_int_equal(sets.policy.connect_ports[0], 443);
	assert_int_equal(sets.policy.n_bind, 1);
	assert_int_equal(sets.policy.bind_ports[0], 8080);
	assert_non_null(strstr(str_text(&text), "# 192.0.2.7 port 443: connects, 2 times\n"));
	near_done(&sets);
	free_record(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_made_is_allowed_and_what_was_not_is_not),
		cmocka_unit_test(what_the_floor_refuses_is_never_written),
		cmocka_unit_test(each_entry_has_its_reason),
		cmocka_unit_test(nobodys_home_and_no_top_directory_is_granted),
		cmocka_unit_test(ports_are_listed_where_there_was_a_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
