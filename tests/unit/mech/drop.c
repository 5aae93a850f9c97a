/* mech/drop: what a child gave up, read back from the kernel, and tried again in vain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <termios.h>

#include <cmocka.h>

#include "child.h"
#include "mech/drop.h"

struct sets {
	uint64_t permitted, effective, inheritable;
};

static struct sets get_sets(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	EXPECT(syscall(SYS_capget, &header, data) == 0);
	return (struct sets){
		.permitted = data[0].permitted | (uint64_t)data[1].permitted << 32,
		.effective = data[0].effective | (uint64_t)data[1].effective << 32,
		.inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32,
	};
}

static void expect_no_more(uint64_t keep)
{
	const struct sets sets = get_sets();

	EXPECT(sets.permitted == keep && sets.effective == keep && sets.inheritable == 0);
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		EXPECT(prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 0);
		EXPECT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 0);
	}
}

static void need_root(void)
{
	if (geteuid() != 0 || !(get_sets().permitted & 1u << CAP_SETPCAP))
		child_cannot("needs root with its capabilities");
}

/* ---- capabilities ---- */

static void drop_all(void)
{
	struct err e = ERR_INIT;

	need_root();
	EXPECT(drop_caps(0, &e) == 0);
	expect_no_more(0);
	EXPECT(setresuid(1, 1, 1) == -1 && errno == EPERM);
	EXPECT(setgid(1) == -1);
	EXPECT(drop_caps(0, &e) == 0); /* nothing twice is nothing */
}

static void all_five_sets_are_empty(void **state)
{
	(void)state;
	child_succeeds(drop_all);
}

static void drop_what_children_get(void)
{
	struct err e = ERR_INIT;

	need_root();
	const uint64_t before = get_sets().permitted;
	EXPECT(drop_bounding(&e) == 0 && drop_bounding(&e) == 0);
	EXPECT(get_sets().permitted == before);
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		EXPECT(prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 0);
	EXPECT(drop_caps(0, &e) == 0);
	expect_no_more(0);
}

static void the_bounding_set_can_go_before_the_rest(void **state)
{
	(void)state;
	child_succeeds(drop_what_children_get);
}

static void drop_and_return(void)
{
	struct err e = ERR_INIT;

	need_root();
	EXPECT(drop_identity(4321, 4322, false, &e) == 0 && drop_caps(0, &e) == 0);
	expect_no_more(0);
	EXPECT(setuid(0) == -1 && errno == EPERM);
	EXPECT(setresuid(0, 0, 0) == -1 && setresgid(0, 0, 0) == -1 && setgroups(0, NULL) == -1);
	EXPECT(getuid() == 4321);
}

static void there_is_no_way_back_to_root(void **state)
{
	(void)state;
	child_succeeds(drop_and_return);
}

static void keep_one(void)
{
	struct err e = ERR_INIT;

	need_root();
	EXPECT(drop_caps(1u << CAP_KILL, &e) == 0);
	expect_no_more(1u << CAP_KILL);
}

static void what_is_kept_is_all_that_is_left(void **state)
{
	(void)state;
	child_succeeds(keep_one);
}

static void drop_ambient(void)
{
	struct err e = ERR_INIT;

	need_root();
	EXPECT(drop_nothing(&e) == 0);
	EXPECT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 1);
	EXPECT(get_sets().inheritable == get_sets().permitted);
	EXPECT(drop_caps(0, &e) == 0);
	expect_no_more(0);
}

static void ambient_capabilities_go_too(void **state)
{
	(void)state;
	child_succeeds(drop_ambient);
}

static void drop_as_an_ordinary_user(void)
{
	struct err e = ERR_INIT;

	if (geteuid() == 0 && setresuid(4321, 4321, 4321) < 0)
		child_cannot("cannot become an ordinary user");
	EXPECT(drop_caps(0, &e) == 0);
	EXPECT(get_sets().permitted == 0 && get_sets().effective == 0);
}

static void an_ordinary_user_has_nothing_to_drop(void **state)
{
	(void)state;
	child_succeeds(drop_as_an_ordinary_user);
}

static void drop_without_setpcap(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { .permitted = 1u << CAP_KILL, .effective = 1u << CAP_KILL } };
	struct err e = ERR_INIT;

	need_root();
	EXPECT(syscall(SYS_capset, &header, data) == 0);
	EXPECT(drop_caps(0, &e) == -1);
	EXPECT(strstr(e.text, "the bounding set cannot be emptied without CAP_SETPCAP"));
}

static void a_set_that_cannot_be_emptied_is_an_error(void **state)
{
	(void)state;
	child_succeeds(drop_without_setpcap);
}

/* ---- identity ---- */

static void become(void)
{
	struct err e = ERR_INIT;
	gid_t groups[2] = { 10, 20 };
	uid_t uids[3];
	gid_t gids[3];

	need_root();
	EXPECT(setgroups(2, groups) == 0);
	EXPECT(drop_identity(4321, 4322, false, &e) == 0);
	EXPECT(getresuid(&uids[0], &uids[1], &uids[2]) == 0 && getresgid(&gids[0], &gids[1], &gids[2]) == 0);
	for (int i = 0; i < 3; i++)
		EXPECT(uids[i] == 4321 && gids[i] == 4322);
	EXPECT(getgroups(0, NULL) == 0);
}

static void all_ids_are_the_new_ones_and_no_group_is_left(void **state)
{
	(void)state;
	child_succeeds(become);
}

static void become_keeping(void)
{
	struct err e = ERR_INIT;
	const uint64_t had = get_sets().permitted;
	int status = -1;

	need_root();
	if (fork() == 0) {
		EXPECT(drop_identity(4321, 4322, true, &e) == 0);
		EXPECT(get_sets().permitted == had && get_sets().effective == had);
		EXPECT(drop_caps(0, &e) == 0);
		expect_no_more(0);
		_exit(0);
	}
	EXPECT(wait(&status) > 0 && status == 0);
	EXPECT(drop_identity(4321, 4322, false, &e) == 0);
	EXPECT(get_sets().permitted == 1u << CAP_SETPCAP && get_sets().effective == 1u << CAP_SETPCAP);
}

static void with_the_identity_go_all_capabilities_but_those_that_are_needed(void **state)
{
	(void)state;
	child_succeeds(become_keeping);
}

static void become_root(void)
{
	static const uint32_t ids[][2] = { { 0, 1 }, { 1, 0 }, { 0, 0 } };
	struct err e = ERR_INIT;

	need_root();
	for (int i = 0; i < 3; i++) {
		const pid_t pid = fork();
		int status = -1;

		if (pid == 0)
			_exit(drop_identity(ids[i][0], ids[i][1], false, &e) == 0);
		EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	}
}

static void nobody_becomes_root(void **state)
{
	(void)state;
	child_succeeds(become_root);
}

static void become_without_rights(void)
{
	struct err e = ERR_INIT;

	if (geteuid() == 0 && setresuid(4321, 4321, 4321) < 0)
		child_cannot("cannot become an ordinary user");
	EXPECT(drop_identity(4399, 4399, false, &e) == -1 && e.kind == ERR_SYSTEM);
	EXPECT(getuid() != 4399);
}

static void without_rights_nobody_becomes_anybody(void **state)
{
	(void)state;
	child_succeeds(become_without_rights);
}

/* ---- limits ---- */

static void set_limits(void)
{
	static const struct {
		uint64_t soft, hard, is_soft, is_hard;
	} rows[] = {
		{ 100, 200, 100, 200 },
		{ 50, 1000, 50, 200 },          /* the hard limit never rises */
		{ 1000, 1000, 200, 200 },       /* nor does the soft one above it */
		{ UINT64_MAX, UINT64_MAX, 200, 200 },
		{ 30, 30, 30, 30 },
		{ 0, 0, 0, 0 },
	};
	struct err e = ERR_INIT;
	struct rlimit now;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		EXPECT(drop_rlimit(RLIMIT_NOFILE, rows[i].soft, rows[i].hard, &e) == 0);
		EXPECT(getrlimit(RLIMIT_NOFILE, &now) == 0);
		EXPECT(now.rlim_cur == rows[i].is_soft && now.rlim_max == rows[i].is_hard);
	}
	EXPECT(drop_rlimit(99, 1, 1, &e) == -1 && e.sys == EINVAL);
}

static void limits_only_shrink_even_for_root(void **state)
{
	(void)state;
	child_succeeds(set_limits);
}

static void forbid_dumps(void)
{
	struct err e = ERR_INIT;
	struct rlimit now;

	if (getrlimit(RLIMIT_CORE, &now) < 0 || now.rlim_max == 0)
		child_cannot("core dumps are forbidden already");
	EXPECT(drop_dumps(&e) == 0);
	EXPECT(getrlimit(RLIMIT_CORE, &now) == 0 && now.rlim_cur == 1 && now.rlim_max == 1);
}

static void a_core_dump_is_too_small_to_be_written_or_piped(void **state)
{
	(void)state;
	child_succeeds(forbid_dumps);
}

/* ---- one bit each ---- */

static void give_up_new_privs(void)
{
	struct err e = ERR_INIT;

	EXPECT(drop_new_privs(&e) == 0);
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == -1);
}

static void no_new_privileges_stays(void **state)
{
	(void)state;
	child_succeeds(give_up_new_privs);
}

static void give_up_the_counter(void)
{
	struct err e = ERR_INIT;
	int tsc = 0;

	EXPECT(drop_tsc(&e) == 0);
	EXPECT(prctl(PR_GET_TSC, &tsc, 0, 0, 0) == 0 && tsc == PR_TSC_SIGSEGV);
}

static void read_the_counter(void)
{
	give_up_the_counter();
	signal(SIGSEGV, SIG_DFL);
	__builtin_ia32_rdtsc();
}

static void reading_the_cycle_counter_kills(void **state)
{
	(void)state;
	child_succeeds(give_up_the_counter);
	child_is_killed(read_the_counter, SIGSEGV);
}

static void forbid_exec_gain(void)
{
	struct err e = ERR_INIT;

	if (drop_exec_gain(&e) < 0) {
		errno = e.sys;
		child_cannot("no PR_SET_MDWE (Linux 6.3)");
	}
	EXPECT(prctl(66 /* PR_GET_MDWE */, 0, 0, 0, 0) & 1);
	EXPECT(prctl(65 /* PR_SET_MDWE */, 0, 0, 0, 0) == -1);
}

static void memory_that_was_writable_stays_without_exec(void **state)
{
	(void)state;
	child_succeeds(forbid_exec_gain);
}

static void forbid_random_addresses(void)
{
	struct err e = ERR_INIT;

	EXPECT(drop_aslr(&e) == 0);
	EXPECT(personality(0xffffffff) == ADDR_NO_RANDOMIZE);
}

static void addresses_are_fixed_and_nothing_else_of_the_personality(void **state)
{
	(void)state;
	child_succeeds(forbid_random_addresses);
}

static void restrict_speculation(void)
{
	struct err e = ERR_INIT;

	EXPECT(drop_speculation(false, &e) == 0);
	if (drop_speculation(true, &e) < 0) {
		EXPECT(strstr(e.text, "use hardening.spec: auto"));
		child_cannot("speculation cannot be narrowed here");
	}
	for (int kind = PR_SPEC_STORE_BYPASS; kind <= PR_SPEC_INDIRECT_BRANCH; kind++) {
		const int state = prctl(PR_GET_SPECULATION_CTRL, kind, 0, 0, 0);

		EXPECT(state == PR_SPEC_NOT_AFFECTED || !(state & PR_SPEC_ENABLE));
	}
}

static void speculation_is_off_for_good_or_it_is_said(void **state)
{
	(void)state;
	child_succeeds(restrict_speculation);
}

static void begin_session(void)
{
	struct err e = ERR_INIT;

	EXPECT(drop_session(-1, &e) == 0);
	EXPECT(getsid(0) == getpid() && getpgrp() == getpid());
	EXPECT(open("/dev/tty", O_RDWR) == -1);
	EXPECT(drop_session(-1, &e) == -1 && e.sys == EPERM); /* a leader cannot begin another */
}

static void a_session_is_new_and_has_no_terminal(void **state)
{
	(void)state;
	child_succeeds(begin_session);
}

static void take_a_terminal(void)
{
	struct err e = ERR_INIT;
	const int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int unlock = 0, tty;

	if (master < 0)
		child_cannot("no /dev/ptmx");
	EXPECT(ioctl(master, 0x40045431 /* TIOCSPTLCK */, &unlock) == 0);
	tty = ioctl(master, 0x5441 /* TIOCGPTPEER */, O_RDWR | O_NOCTTY | O_CLOEXEC);
	EXPECT(tty >= 0);
	EXPECT(drop_session(tty, &e) == 0);
	EXPECT(tcgetsid(tty) == getpid());
	EXPECT(open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0);
}

static void a_terminal_that_is_given_becomes_the_controlling_one(void **state)
{
	(void)state;
	child_succeeds(take_a_terminal);
}

static void share_no_core(void)
{
	struct err e = ERR_INIT;

	if (drop_core_sharing(&e) < 0) {
		EXPECT(e.kind == ERR_SYSTEM);
		errno = e.sys;
		child_cannot("no core scheduling");
	}
}

static void a_core_cookie_is_set_or_it_is_said(void **state)
{
	(void)state;
	child_succeeds(share_no_core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_five_sets_are_empty),
		cmocka_unit_test(the_bounding_set_can_go_before_the_rest),
		cmocka_unit_test(there_is_no_way_back_to_root),
		cmocka_unit_test(what_is_kept_is_all_that_is_left),
		cmocka_unit_test(ambient_capabilities_go_too),
		cmocka_unit_test(an_ordinary_user_has_nothing_to_drop),
		cmocka_unit_test(a_set_that_cannot_be_emptied_is_an_error),
		cmocka_unit_test(all_ids_are_the_new_ones_and_no_group_is_left),
		cmocka_unit_test(with_the_identity_go_all_capabilities_but_those_that_are_needed),
		cmocka_unit_test(nobody_becomes_root),
		cmocka_unit_test(without_rights_nobody_becomes_anybody),
		cmocka_unit_test(limits_only_shrink_even_for_root),
		cmocka_unit_test(a_core_dump_is_too_small_to_be_written_or_piped),
		cmocka_unit_test(no_new_privileges_stays),
		cmocka_unit_test(reading_the_cycle_counter_kills),
		cmocka_unit_test(memory_that_was_writable_stays_without_exec),
		cmocka_unit_test(addresses_are_fixed_and_nothing_else_of_the_personality),
		cmocka_unit_test(speculation_is_off_for_good_or_it_is_said),
		cmocka_unit_test(a_session_is_new_and_has_no_terminal),
		cmocka_unit_test(a_terminal_that_is_given_becomes_the_controlling_one),
		cmocka_unit_test(a_core_cookie_is_set_or_it_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
