/* Regions in words. */
#include "judge/describe.h"

#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/syscalls.h"

#define LOW UINT32_MAX
#define ALL UINT64_MAX


static void says(struct regions *s, const char *call, struct region r, const char *wanted)
{
	OWN(str) text = STR_NONE;

	describe_arguments(s, r, (uint32_t)syscalls_number(call), 3, &text);
	assert_string_equal(str_text(&text), wanted);
}

static struct region is(struct regions *s, unsigned arg, uint64_t mask, uint64_t value)
{
	return region_arg(s, arg, mask, value);
}

static void values_have_the_names_of_their_call(void **state)
{
	struct regions *const s = regions_new(REGIONS_NODES);
	struct region r;

	(void)state;
	says(s, "ioctl", REGION_ALL, "any arguments");
	says(s, "ioctl", REGION_NONE, "never");
	says(s, "ioctl", is(s, 1, LOW, 0x5412), "arg1 is TIOCSTI");
	says(s, "ioctl", region_not(s, is(s, 1, LOW, 0x5412)), "arg1 is not TIOCSTI");
	says(s, "kill", region_not(s, is(s, 0, LOW, 0)), "arg0 is not 0");
	says(s, "kill", region_range(s, WORD_ARG_LO, 1, 9), "arg0 is 1 to 9");
	r = region_or(s, is(s, 1, LOW, 0x5412), is(s, 1, LOW, 0x541c));
	says(s, "ioctl", r, "arg1 is TIOCSTI or TIOCLINUX");
	says(s, "ioctl", region_not(s, r), "arg1 is none of TIOCSTI or TIOCLINUX");
	says(s, "socket", region_range(s, WORD_ARG_LO, 1, 2), "arg0 is AF_UNIX or AF_INET");
	says(s, "clone", is(s, 0, 0x7e020000, 0), "arg0 & 0x7e020000 is 0");
	says(s, "clone", region_not(s, is(s, 0, 0x7e020000, 0)), "arg0 & 0x7e020000 is not 0");
	regions_free(s);
}

static void what_holds_together_is_said_together(void **state)
{
	struct regions *const s = regions_new(REGIONS_NODES);
	const struct region unix_stream = region_and(s, is(s, 0, LOW, 1), is(s, 1, LOW, 1));
	const struct region inet = is(s, 0, LOW, 2);

	(void)state;
	says(s, "socket", unix_stream, "arg0 is AF_UNIX and arg1 is SOCK_STREAM");
	says(s, "socket", region_or(s, unix_stream, inet),
	     "arg0 is AF_UNIX and arg1 is SOCK_STREAM; or arg0 is AF_INET");
	regions_free(s);
}

static void a_comparison_wider_than_the_kernels_is_told(void **state)
{
	struct regions *const s = regions_new(REGIONS_NODES);

	(void)state;
	says(s, "socket", is(s, 0, ALL, 40), "arg0 is AF_VSOCK (of all 64 bits, where the kernel reads 32)");
	says(s, "socket", is(s, 0, ALL, 0x100000028),
	     "arg0 is 0x100000028 (of all 64 bits, where the kernel reads 32)");
	says(s, "mmap", is(s, 1, LOW, 4096), "arg1 is 4096 (of the low 32 bits)");
	regions_free(s);
}

static void what_is_too_long_is_counted(void **state)
{
	struct regions *const s = regions_new(REGIONS_NODES);
	struct region r = REGION_NONE;
	OWN(str) text = STR_NONE;

	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		r = region_or(s, r, region_and(s, is(s, 0, LOW, i * 7), is(s, 1, LOW, i * 3)));
	describe_arguments(s, r, (uint32_t)syscalls_number("fcntl"), 3, &text);
	assert_non_null(strstr(str_text(&text), "; or in 7 other cases"));
	regions_free(s);
}

static void many_values_are_said_to_be_many(void **state)
{
	struct regions *const s = regions_new(REGIONS_NODES);
	struct region r = REGION_NONE;
	OWN(str) text = STR_NONE;

	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		r = region_or(s, r, is(s, 0, LOW, 1000 + i * i * 37));
	describe_arguments(s, r, (uint32_t)syscalls_number("close"), 3, &text);
	assert_string_equal(str_text(&text), "arg0 is one of many values, the least 1000");
	regions_free(s);
}

static void calls_of_other_abis_are_not_given_our_names(void **state)
{
	struct seccomp_data call = { .nr = 16, .arch = AUDIT_ARCH_X86_64, .args = { 0, 0x5412 } };
	char text[128];

	(void)state;
	describe_call(&call, text, sizeof(text));
	assert_string_equal(text, "ioctl(0, TIOCSTI, 0)");
	call.args[1] = 0x100005412;
	describe_call(&call, text, sizeof(text));
	assert_string_equal(text, "ioctl(0, 0x100005412, 0)");
	call.args[1] = 0x5412;
	call.nr |= 0x40000000;
	describe_call(&call, text, sizeof(text));
	assert_string_equal(text, "x32: ioctl(0, TIOCSTI, 0)");
	call.arch = AUDIT_ARCH_I386;
	call.nr = 102;
	describe_call(&call, text, sizeof(text));
	assert_string_equal(text, "i386: syscall 102 (arch 0x40000003)");
	describe_numbers(AUDIT_ARCH_X86_64, 16, 16, text, sizeof(text));
	assert_string_equal(text, "ioctl");
	describe_numbers(AUDIT_ARCH_X86_64, 600, 700, text, sizeof(text));
	assert_string_equal(text, "numbers 600 to 700");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_have_the_names_of_their_call),
		cmocka_unit_test(what_holds_together_is_said_together),
		cmocka_unit_test(a_comparison_wider_than_the_kernels_is_told),
		cmocka_unit_test(what_is_too_long_is_counted),
		cmocka_unit_test(many_values_are_said_to_be_many),
		cmocka_unit_test(calls_of_other_abis_are_not_given_our_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
