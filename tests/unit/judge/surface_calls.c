/* judge/surface_calls: the calls that pass, their arguments, and the other doors. */
#include "judge/surface.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "surface_sample.h"

static size_t count_calls(const struct surface *surface)
{
	size_t n = 0;

	for (size_t i = 0; i < surface->n_items; i++)
		n += surface->items[i].kind == SURFACE_CALL;
	return n;
}

static void without_a_filter_every_call_is_there_by_name(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample_make(&sample);
	assert_int_equal(count_calls(&sample.surface), sample.surface.calls);
	assert_int_equal(sample_find(&sample, "mount")->state, SURFACE_OPEN);
	assert_int_equal(sample_find(&sample, "x32 system calls")->state, SURFACE_OPEN);
}

static void a_call_says_with_which_arguments_it_passes(void **state)
{
	const struct sock_filter program[] = {
		SAMPLE_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		SAMPLE_JEQ(AUDIT_ARCH_X86_64, 0, 5),
		SAMPLE_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		SAMPLE_JEQ(SYS_socket, 0, 3),
		SAMPLE_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		SAMPLE_JEQ(1, 0, 1),
		SAMPLE_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		SAMPLE_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	subject_add_filter(&sample.subject, "socket", program, ARRAY_SIZE(program));
	assert_string_equal(sample_find(&sample, "socket")->detail, "arg0 is AF_UNIX");
	assert_int_equal(count_calls(&sample.surface), 1);
	assert_int_equal(sample_find(&sample, "interfaces of the host")->state, SURFACE_CLOSED);
	assert_int_equal(sample_find(&sample, "abstract sockets of the host")->state, SURFACE_OPEN);
	assert_string_equal(sample_find(&sample, "the host's kernel")->detail, "1 of 385 system calls reach it");
}

static void what_a_supervisor_decides_is_nobodys_knowledge(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample_allow_only(&sample, SYS_read, SECCOMP_RET_USER_NOTIF);
	assert_int_equal(sample_find(&sample, "calls that a supervisor answers")->state, SURFACE_UNKNOWN);
	assert_int_equal(sample_find(&sample, "signals to other processes")->state, SURFACE_UNKNOWN);
	assert_int_equal(sample.surface.calls, 1);
}

static void what_ward_decides_is_refused(void **state)
{
	OWN(sample) sample = SAMPLE_NONE;

	(void)state;
	sample.place.is_ward = true;
	sample_allow_only(&sample, SYS_read, SECCOMP_RET_USER_NOTIF);
	assert_int_equal(sample_find(&sample, "signals to other processes")->state, SURFACE_CLOSED);
	for (size_t i = 0; i < sample.surface.n_items; i++)
		assert_string_not_equal(sample.surface.items[i].name, "calls that a supervisor answers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_filter_every_call_is_there_by_name),
		cmocka_unit_test(a_call_says_with_which_arguments_it_passes),
		cmocka_unit_test(what_a_supervisor_decides_is_nobodys_knowledge),
		cmocka_unit_test(what_ward_decides_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
