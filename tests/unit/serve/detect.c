/* serve/detect: which calls are tripwires, what a job's signals weigh together, and that nobody can hide one kind behind
 * many of another. */
#include "serve/detect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

static void a_call_is_a_tripwire_by_its_arguments(void **state)
{
	static const struct {
		uint32_t nr;
		uint64_t args[6];
		enum signal_kind kind;
	} rows[] = {
		{ SYS_ptrace, { 16, 1 }, SIGNAL_PTRACE },
		{ SYS_ptrace, { 0 }, SIGNALS },                         /* PTRACE_TRACEME */
		{ SYS_unshare, { 0x10000000 }, SIGNAL_NAMESPACE },
		{ SYS_unshare, { 0x400 }, SIGNALS },                    /* CLONE_FILES */
		{ SYS_clone, { 0x00020011 }, SIGNAL_NAMESPACE },        /* CLONE_NEWNS */
		{ SYS_clone, { 0x3d0f00 }, SIGNALS },                   /* a thread of glibc's */
		{ SYS_clone3, { 0x7ffc00000000, 88 }, SIGNALS },
		{ SYS_io_uring_setup, { 8 }, SIGNALS },                 /* node asks at its start */
		{ SYS_io_uring_enter, { 3 }, SIGNAL_IO_URING },
		{ SYS_socket, { 1 }, SIGNALS }, { SYS_socket, { 2 }, SIGNAL_NETWORK }, { SYS_socket, { 10 }, SIGNAL_NETWORK },
		{ SYS_socket, { 16, 3, 9 }, SIGNAL_SOCKET }, { SYS_socket, { 38 }, SIGNAL_SOCKET },
		{ SYS_socket, { UINT64_C(0x500000001) }, SIGNALS },     /* the kernel reads 32 bits */
		{ SYS_personality, { 0 }, SIGNALS }, { SYS_personality, { 0xffffffff }, SIGNALS },
		{ SYS_personality, { 0x0040000 }, SIGNALS }, { SYS_personality, { 0x0400000 }, SIGNAL_PERSONALITY },
		{ SYS_ioctl, { 0, 0x5412 }, SIGNAL_TERMINAL }, { SYS_ioctl, { 0, 0x5401 }, SIGNALS },
		{ SYS_chmod, { 0, 04755 }, SIGNALS }, { 511, { 0 }, SIGNALS }, { UINT32_MAX, { 0 }, SIGNALS },
		{ SYS_finit_module, { 0 }, SIGNAL_MODULE }, { SYS_kexec_load, { 0 }, SIGNAL_MODULE },
		{ SYS_open_by_handle_at, { 0 }, SIGNAL_HANDLE }, { SYS_name_to_handle_at, { 0 }, SIGNALS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(detect_call(rows[i].nr, rows[i].args), rows[i].kind);
}

static void no_kind_hides_another_in_the_tally(void **state)
{
	static struct tally tally;
	static struct detect detect;
	uint64_t args[6] = { 0 };

	(void)state;
	for (args[0] = 3; args[0] < 3000; args[0]++) /* every family there is, and more */
		tally_add(&tally, SYS_socket, args, 7, 9);
	assert_int_equal(tally.total, 2997);
	assert_true(tally.n <= 3);
	args[0] = 5;
	assert_true(tally_add(&tally, SYS_bpf, args, 7, 0x1234));
	assert_false(tally_add(&tally, SYS_bpf, args, 8, 0x5678));
	assert_int_equal(tally.calls[tally.n - 1].n, 2);
	assert_int_equal(tally.calls[tally.n - 1].pid, 7);
	assert_int_equal(tally.calls[tally.n - 1].ip, 0x1234);
	assert_true(detect_tally(&detect, &tally));
	assert_int_equal(detect.n[SIGNAL_BPF], 2);
	assert_int_equal(detect.n[SIGNAL_SOCKET] + detect.n[SIGNAL_NETWORK], 2997);
	assert_false(detect_tally(&detect, &tally));
	assert_int_equal(detect.level, DETECT_CRITICAL);
}

static void every_kind_of_call_has_room(void **state)
{
	static struct tally tally;
	bool was_seen[SIGNALS] = { false };
	size_t n = 0, kinds = 0;

	(void)state;
	for (uint32_t nr = 0; nr < 470; nr++)
		for (uint64_t first = 0; first < 64; first++) {
			const uint64_t args[6] = { first << 24 | first, 0x5412 };
			const enum signal_kind kind = detect_call(nr, args);

			tally_add(&tally, nr, args, 1, 1);
			if (kind < SIGNALS)
				was_seen[kind] = true;
		}
	for (unsigned kind = 0; kind < SIGNALS; kind++)
		kinds += was_seen[kind];
	memset(was_seen, 0, sizeof(was_seen));
	for (uint32_t i = 0; i < tally.n; i++) {
		bool *const seen = &was_seen[detect_call(tally.calls[i].nr, tally.calls[i].args)];

		n += !*seen;
		*seen = true;
	}
	assert_true(kinds >= 16);
	assert_int_equal(n, kinds);
}

static void weights_add_up_to_levels(void **state)
{
	static const struct {
		enum signal_kind kinds[4];
		uint32_t score;
		enum detect_level level;
	} rows[] = {
		{ { SIGNALS }, 0, DETECT_NONE },
		{ { SIGNAL_NETWORK, SIGNALS }, 10, DETECT_NONE },
		{ { SIGNAL_DENIALS, SIGNALS }, 20, DETECT_LOW },
		{ { SIGNAL_NAMESPACE, SIGNALS }, 40, DETECT_LOW },
		{ { SIGNAL_NAMESPACE, SIGNAL_NETWORK, SIGNALS }, 50, DETECT_HIGH },
		{ { SIGNAL_MOUNT, SIGNAL_PTRACE, SIGNALS }, 100, DETECT_CRITICAL },
		{ { SIGNAL_MODULE, SIGNAL_BPF, SIGNAL_HANDLE, SIGNALS }, 100, DETECT_CRITICAL },
		{ { SIGNAL_ENGINE, SIGNALS }, 100, DETECT_CRITICAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct detect detect = { .score = 0 };

		for (const enum signal_kind *kind = rows[i].kinds; *kind != SIGNALS; kind++) {
			assert_true(detect_note(&detect, *kind, 1));
			assert_false(detect_note(&detect, *kind, 7));
			assert_int_equal(detect.n[*kind], 7);
			assert_false(detect_note(&detect, *kind, 2));
			assert_int_equal(detect.n[*kind], 7);
		}
		assert_int_equal(detect.score, rows[i].score);
		assert_int_equal(detect.level, rows[i].level);
	}
	/* One refused call alone ends nobody by default. */
	for (unsigned kind = 0; kind < SIGNALS; kind++)
		assert_true(kind == SIGNAL_ENGINE || signal_weight((enum signal_kind)kind) < 100);
}

static void how_a_box_ended_counts(void **state)
{
	static const struct {
		struct detect_end end;
		enum signal_kind kind;
	} rows[] = {
		{ { .signal = 0 }, SIGNALS },
		{ { .signal = 9 }, SIGNAL_WAIT },
		{ { .signal = 9, .was_killed = true }, SIGNALS },
		{ { .signal = 9, .oom_kills = 1 }, SIGNALS },
		{ { .oom_kills = 4 }, SIGNAL_OOM },
		{ { .forks_refused = 19 }, SIGNALS },
		{ { .forks_refused = 20 }, SIGNAL_FORKS },
		{ { .written = UINT64_C(1) << 30, .kept = 1 << 20 }, SIGNAL_OUTPUT },
		{ { .written = UINT64_C(1) << 30, .kept = UINT64_C(1) << 30 }, SIGNALS },
		{ { .written = 1, .kept = 2 }, SIGNALS },
		{ { .is_full = true }, SIGNAL_DISK },
		{ { .lied = true }, SIGNAL_PROTOCOL },
		{ { .is_isolate = true, .was_denied = true }, SIGNAL_ENGINE },
		{ { .was_denied = true }, SIGNALS },
		{ { .is_gvisor = true, .has_failed = true }, SIGNAL_SENTRY },
		{ { .has_failed = true }, SIGNALS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct detect detect = { .score = 0 };

		assert_int_equal(detect_ended(&detect, &rows[i].end), rows[i].kind != SIGNALS);
		for (unsigned kind = 0; kind < SIGNALS; kind++)
			assert_int_equal(detect.n[kind] != 0, kind == rows[i].kind);
	}
}

static void storms_are_counted_in_thousands(void **state)
{
	struct tally tally = { .total = 1999 };
	struct detect detect = { .score = 0 };

	(void)state;
	assert_false(detect_tally(&detect, &tally));
	tally.total = 2000;
	assert_true(detect_tally(&detect, &tally));
	assert_int_equal(detect.level, DETECT_LOW);
	tally.total = 100000;
	assert_true(detect_tally(&detect, &tally));
	assert_int_equal(detect.level, DETECT_HIGH);
}

static void levels_and_actions_have_names(void **state)
{
	const struct detect_rules rules = DETECT_RULES_DEFAULT;

	(void)state;
	for (unsigned i = 0; i < DETECT_LEVELS; i++) {
		const char *const name = detect_level_name((enum detect_level)i);

		assert_int_equal(detect_level_find(name, strlen(name)), i);
		assert_int_equal(detect_level_find(name, strlen(name) - 1), DETECT_LEVELS);
	}
	for (unsigned i = 0; i < DETECT_ACTIONS; i++) {
		const char *const name = detect_action_name((enum detect_action)i);

		assert_int_equal(detect_action_find(name, strlen(name)), i);
	}
	assert_int_equal(detect_action_find("", 0), DETECT_ACTIONS);
	assert_int_equal(rules.action[DETECT_LOW], DETECT_LOG);
	assert_int_equal(rules.action[DETECT_HIGH], DETECT_LOG);
	assert_int_equal(rules.action[DETECT_CRITICAL], DETECT_KILL);
}

static void evidence_and_title_are_bounded_words_of_ours(void **state)
{
	struct json json = JSON_NONE;
	struct detect detect = { .score = 0 };
	struct tally tally = { .n = 0 };
	const uint64_t args[6] = { 16, 1 };
	char title[240], small[16];

	(void)state;
	tally_add(&tally, SYS_ptrace, args, 42, 0xabc);
	detect_tally(&detect, &tally);
	detect.honey[1] = 3;
	detect_note(&detect, SIGNAL_HONEY, 3);
	detect_put_evidence(&json, NULL, &detect, SIGNAL_PTRACE);
	assert_string_equal(json_written(&json), "[{\"nr\":101,\"call\":\"ptrace\",\"args\":[\"0x10\",\"0x1\",\"0x0\",\"0x0\",\"0x0\",\"0x0\"],"
			    "\"process\":1,\"ip\":\"0xabc\",\"count\":1}]");
	json_done(&json);
	json = JSON_NONE;
	detect_put_evidence(&json, NULL, &detect, SIGNAL_HONEY);
	assert_string_equal(json_written(&json), "[{\"path\":\"/var/run/docker.sock\",\"count\":3}]");
	json_done(&json);
	detect_title(&detect, title, sizeof(title));
	assert_string_equal(title, "critical: opened a file that is there for thieves alone; looked into another process (ptrace)");
	for (unsigned kind = 0; kind < SIGNALS; kind++)
		detect_note(&detect, (enum signal_kind)kind, 1);
	detect_title(&detect, title, sizeof(title));
	assert_true(strlen(title) < sizeof(title));
	detect_title(&detect, small, sizeof(small));
	assert_true(strlen(small) < sizeof(small));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_a_tripwire_by_its_arguments),
		cmocka_unit_test(no_kind_hides_another_in_the_tally),
		cmocka_unit_test(every_kind_of_call_has_room),
		cmocka_unit_test(weights_add_up_to_levels),
		cmocka_unit_test(how_a_box_ended_counts),
		cmocka_unit_test(storms_are_counted_in_thousands),
		cmocka_unit_test(levels_and_actions_have_names),
		cmocka_unit_test(evidence_and_title_are_bounded_words_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
