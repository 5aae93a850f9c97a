/* judge/place_process: facts of /proc, and what they do not tell. */
#include "judge/place_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define L(layer) LAYER_BIT(LAYER_##layer)

/* Everything held, as of a program in a box. */
static struct process_facts held(void)
{
	struct process_facts facts = {
		.pid = 812,
		.status = "Name:\tsleep\nUid:\t2000123\t2000123\t2000123\t2000123\nCapInh:\t0000000000000000\n"
			  "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
			  "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t2\n"
			  "Speculation_Store_Bypass:\tthread force mitigated\n"
			  "SpeculationIndirectBranch:\tconditional force disabled\n",
		.stat = "812 (a ) b) S 1 812 812 0 -1 0",
		.limits = "Limit                     Soft Limit           Hard Limit           Units     \n"
			  "Max cpu time              11                   12                   seconds   \n"
			  "Max core file size        1                    1                    bytes     \n"
			  "Max open files            256                  256                  files     \n"
			  "Max processes             unlimited            unlimited            processes \n",
		.mounts = "40 1 0:60 / / ro,nosuid,nodev - tmpfs tmpfs rw\n",
		.own_mounts = "1 1 8:1 / / rw - ext4 x rw\n",
		.interfaces = "Inter-|   Receive\n face |bytes\n    lo:       0 0\n",
		.has_cookie = KNOWN_YES,
		.smt = KNOWN_YES,
		.fds_known = true,
		.has_nodes = KNOWN_YES,
	};

	for (unsigned i = 0; i < PLACE_NAMESPACES; i++)
		facts.same_ns[i] = KNOWN_NO;
	return facts;
}

static void what_proc_shows_is_known(void **state)
{
	const struct process_facts facts = held();
	OWN(place) place = PLACE_NONE;

	(void)state;
	place_from_process(&place, &facts);
	assert_string_equal(place.name, "process 812 (sleep)");
	for (unsigned i = LAYER_USERNS; i <= LAYER_TIMENS; i++)
		assert_true(place.holds & LAYER_BIT(i));
	assert_true(place.holds & L(ROOTFS));
	assert_true(place.holds & L(CAPS));
	assert_true(place.holds & L(NNP));
	assert_true(place.holds & L(SECCOMP));
	assert_true(place.holds & L(SPEC));
	assert_true(place.holds & L(CORE_SCHED));
	assert_true(place.holds & L(DUMP));
	assert_true(place.holds & L(FDS));
	assert_true(place.holds & PLACE_NO_TERMINAL);
	assert_int_equal(place.bounds[PLACE_FILES].n, 256);
	assert_int_equal(place.bounds[PLACE_PIDS].each, KNOWN_NO);
	assert_int_equal(place.bounds[PLACE_CPU_TIME].n, 11000);
	assert_int_equal(place.n_missing, 0);
}

static void what_proc_does_not_show_is_unknown_and_not_closed(void **state)
{
	const struct process_facts facts = held();
	OWN(place) place = PLACE_NONE;

	(void)state;
	place_from_process(&place, &facts);
	assert_true(place.unknown & L(LANDLOCK));
	assert_true(place.unknown & L(TSC));
	assert_true(place.unknown & PLACE_SCOPED);
	assert_true(place.unknown & PLACE_OWN_USER);
	assert_int_equal(place.holds & place.unknown, 0);
	assert_int_equal(place.bounds[PLACE_MEMORY].whole, KNOWN_NOT);
}

static void nothing_readable_is_all_unknown(void **state)
{
	const struct process_facts facts = { .pid = 3 };
	OWN(place) place = PLACE_NONE;

	(void)state;
	place_from_process(&place, &facts);
	assert_int_equal(place.holds & ~PLACE_ONE_THREAD, 0);
	assert_true(place.unknown & L(CAPS));
	assert_true(place.unknown & L(SECCOMP));
	assert_true(place.unknown & L(USERNS));
	assert_true(place.unknown & L(ROOTFS));
	assert_true(place.unknown & L(FDS));
	assert_true(place.unknown & PLACE_NOT_ROOT);
	assert_true(place.unknown & PLACE_NO_TERMINAL);
	assert_true(place.n_missing >= 5);
}

static void root_with_everything_holds_nothing(void **state)
{
	struct process_facts facts = held();
	OWN(place) place = PLACE_NONE;

	(void)state;
	facts.status = "Name:\tx\nUid:\t0\t0\t0\t0\nCapInh:\t0\nCapPrm:\t1ff\nCapEff:\t1ff\nCapBnd:\t1ff\nCapAmb:\t0\n"
		       "NoNewPrivs:\t0\nSeccomp:\t0\nSpeculation_Store_Bypass:\tthread vulnerable\n"
		       "SpeculationIndirectBranch:\tconditional enabled\n";
	facts.stat = "812 (x) S 1 812 812 34816 812 0";
	for (unsigned i = 0; i < PLACE_NAMESPACES; i++)
		facts.same_ns[i] = KNOWN_YES;
	place_from_process(&place, &facts);
	assert_int_equal(place.caps, 0x1ff);
	assert_false((place.holds | place.unknown) & (L(CAPS) | L(NNP) | L(SECCOMP) | L(SPEC) | L(USERNS) | L(NETNS)));
	assert_false((place.holds | place.unknown) & (PLACE_NOT_ROOT | PLACE_OWN_USER | PLACE_NO_TERMINAL));
}

/* Empty now, and a set-user-ID program would fill it. */
static void a_bounding_set_counts_where_exec_gains(void **state)
{
	struct process_facts facts = held();
	OWN(place) place = PLACE_NONE;

	(void)state;
	facts.status = "Uid:\t5\nCapInh:\t0\nCapPrm:\t0\nCapEff:\t0\nCapBnd:\t3f\nCapAmb:\t0\nNoNewPrivs:\t0\n";
	place_from_process(&place, &facts);
	assert_false(place.holds & L(CAPS));
	assert_true(place.holds & PLACE_NO_CAPS);
	assert_int_equal(place.caps, 0);
}

static void a_namespace_with_the_hosts_tree_in_it_hides_nothing(void **state)
{
	struct process_facts facts = held();
	OWN(place) tree = PLACE_NONE, proc = PLACE_NONE;

	(void)state;
	facts.mounts = "40 1 8:1 / / rw - ext4 x rw\n";
	place_from_process(&tree, &facts);
	assert_false((tree.holds | tree.unknown) & (L(MOUNTNS) | L(ROOTFS)));
	assert_true(tree.holds & L(PIDNS));
	facts.mounts = "40 1 0:60 / / ro,nosuid,nodev - tmpfs tmpfs rw\n41 40 0:4 / /proc rw - proc proc rw,subset=pid\n";
	facts.own_mounts = "1 1 8:1 / / rw - ext4 x rw\n2 1 0:4 / /proc rw - proc proc rw\n";
	place_from_process(&proc, &facts);
	assert_true(proc.holds & L(MOUNTNS));
	assert_false((proc.holds | proc.unknown) & L(PIDNS));
}

static void sockets_of_others_are_counted(void **state)
{
	struct process_facts facts = held();
	OWN(place) place = PLACE_NONE;

	(void)state;
	facts.same_ns[NS_NET] = KNOWN_YES;
	facts.tcp = "  sl  local_address rem_address   st tx_queue\n"
		    "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000\n"
		    "   1: 0100007F:0016 0100007F:9C40 01 00000000:00000000\n";
	facts.tcp6 = facts.tcp;
	facts.unix_sockets = "Num       RefCount Protocol Flags    Type St Inode Path\n"
			     "0: 00000002 00000000 00010000 0001 01 1 @/a\n0: 00000002 00000000 00010000 0001 01 1 /b\n";
	place_from_process(&place, &facts);
	assert_int_equal(place.listening, 2);
	assert_int_equal(place.abstract, 1);
}

/* A container engine's bridge is a network namespace of its own, and a way out. */
static void a_namespace_with_an_interface_is_not_offline(void **state)
{
	struct process_facts facts = held();
	OWN(place) lone = PLACE_NONE, bridged = PLACE_NONE, unread = PLACE_NONE;

	(void)state;
	place_from_process(&lone, &facts);
	assert_true(lone.holds & PLACE_OFFLINE);
	facts.interfaces = "Inter-|   Receive\n face |bytes\n    lo:       0 0\n  eth0:       0 0\n";
	place_from_process(&bridged, &facts);
	assert_false((bridged.holds | bridged.unknown) & PLACE_OFFLINE);
	assert_true(bridged.holds & L(NETNS));
	facts.interfaces = NULL;
	place_from_process(&unread, &facts);
	assert_true(unread.unknown & PLACE_OFFLINE);
}

static void nodes_are_devices_unless_they_are_mounts(void **state)
{
	struct process_facts facts = held();
	const char *nodes[] = { "/dev/null", "/dev/sda" };
	OWN(place) place = PLACE_NONE;

	(void)state;
	facts.mounts = "40 1 0:60 / / ro,nosuid,nodev - tmpfs tmpfs rw\n"
		       "43 40 0:5 /null /dev/null rw,nosuid - devtmpfs udev rw\n";
	facts.nodes = nodes;
	facts.n_nodes = ARRAY_SIZE(nodes);
	place_from_process(&place, &facts);
	assert_int_equal(place.n_mounts, 3);
	assert_string_equal(place.mounts[2].at, "/dev/sda");
	assert_string_equal(place.mounts[2].type, "device");
}

static void descriptors_show_which_way_they_go(void **state)
{
	struct process_facts facts = held();
	struct process_fd fds[] = {
		{ 0, "/dev/null", "pos:\t0\nflags:\t0100000\n" }, { 1, "pipe:[1]", "pos:\t0\nflags:\t01\n" },
		{ 9, "/x", "pos:\t0\nflags:\t02\n" },             { 10, "/y", NULL },
	};
	OWN(place) place = PLACE_NONE;

	(void)state;
	facts.fds = fds;
	facts.n_fds = ARRAY_SIZE(fds);
	place_from_process(&place, &facts);
	assert_int_equal(place.fds[0].flags, PLACE_READS);
	assert_int_equal(place.fds[1].flags, PLACE_WRITES);
	assert_int_equal(place.fds[2].flags, PLACE_READS | PLACE_WRITES);
	assert_int_equal(place.fds[3].flags, PLACE_READS | PLACE_WRITES);
	assert_false((place.holds | place.unknown) & L(FDS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_proc_shows_is_known),
		cmocka_unit_test(what_proc_does_not_show_is_unknown_and_not_closed),
		cmocka_unit_test(nothing_readable_is_all_unknown),
		cmocka_unit_test(root_with_everything_holds_nothing),
		cmocka_unit_test(a_bounding_set_counts_where_exec_gains),
		cmocka_unit_test(a_namespace_with_the_hosts_tree_in_it_hides_nothing),
		cmocka_unit_test(sockets_of_others_are_counted),
		cmocka_unit_test(a_namespace_with_an_interface_is_not_offline),
		cmocka_unit_test(nodes_are_devices_unless_they_are_mounts),
		cmocka_unit_test(descriptors_show_which_way_they_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
