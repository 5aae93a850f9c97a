/* model/syscalls: the tables agree with the kernel's headers and prototypes. */
#include "model/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "model/filter.h"

/* Newer than Debian 12's headers: scripts/syscall.tbl of Linux 6.18 and 7.1. */
#define __NR_uretprobe         335
#define __NR_uprobe            336
#define __NR_cachestat         451
#define __NR_fchmodat2         452
#define __NR_map_shadow_stack  453
#define __NR_futex_wake        454
#define __NR_futex_wait        455
#define __NR_futex_requeue     456
#define __NR_statmount         457
#define __NR_listmount         458
#define __NR_lsm_get_self_attr 459
#define __NR_lsm_set_self_attr 460
#define __NR_lsm_list_modules  461
#define __NR_mseal             462
#define __NR_setxattrat        463
#define __NR_getxattrat        464
#define __NR_listxattrat       465
#define __NR_removexattrat     466
#define __NR_open_tree_attr    467
#define __NR_file_getattr      468
#define __NR_file_setattr      469
#define __NR_listns            470
#define __NR_rseq_slice_yield  471

static const struct { const char *name; uint32_t nr; } header[] = {
#define CALL(name, number, heat, args) { #name, __NR_##name },
#include "model/syscalls.def"
#undef CALL
};

static void numbers_are_those_of_the_kernel(void **state)
{
	bool taken[512] = { false };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(header); i++) {
		assert_int_equal(syscalls_number(header[i].name), header[i].nr);
		assert_string_equal(syscalls_name(header[i].nr), header[i].name);
		assert_false(taken[header[i].nr]);
		taken[header[i].nr] = true;
	}
	for (uint32_t nr = 0; nr < 512; nr++)
		assert_int_equal(taken[nr], nr <= 336 || (nr >= 424 && nr <= 471));
}

static void names_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; syscalls_name_at(i); i++)
		assert_true(strcmp(syscalls_name_at(i - 1), syscalls_name_at(i)) < 0);
	assert_null(syscalls_name_at(385));
}

static void unknown_names_and_numbers_are_unknown(void **state)
{
	uint64_t value = 7;
	size_t n = 7;

	(void)state;
	assert_int_equal(syscalls_number(""), -1);
	assert_int_equal(syscalls_number("reads"), -1);
	assert_int_equal(syscalls_number("zzz"), -1);
	assert_null(syscalls_name(337));
	assert_null(syscalls_name(472));
	assert_null(syscalls_name(UINT32_MAX));
	assert_int_equal(syscalls_arg_bytes(472, 0), 8);
	assert_int_equal(syscalls_arg_bytes(0, 6), 8);
	assert_int_equal(syscalls_heat(472), 0);
	assert_false(syscalls_constant("AF_", &value));
	assert_int_equal(value, 7);
	assert_null(syscalls_group("startup", &n));
	assert_null(syscalls_group("@nothing", &n));
	assert_null(syscalls_group_summary("@nothing"));
	assert_int_equal(n, 7);
}

/* Bytes of up to six arguments, '-' where there is none. */
static const struct { const char *name, *bytes; } widths[] = {
	{ "read", "488" },     { "socket", "444" },    { "ioctl", "448" },
	{ "fcntl", "448" },    { "clone", "48888" },   { "unshare", "8" },
	{ "mmap", "884448" },  { "mprotect", "888" },  { "prctl", "48888" },
	{ "openat", "4842" },  { "chmod", "82" },      { "fchmodat2", "4824" },
	{ "mknodat", "4824" }, { "prlimit64", "4488" }, { "futex", "844884" },
	{ "kill", "44" },      { "tgkill", "444" },    { "ptrace", "8488" },
	{ "lseek", "484" },    { "execveat", "48884" }, { "sendto", "488484" },
	{ "writev", "488" },   { "madvise", "884" },   { "seccomp", "448" },
	{ "fallocate", "4488" }, { "splice", "484884" }, { "getpid", "" },
	{ "arch_prctl", "48" }, { "personality", "4" }, { "pread64", "4888" },
};

static void widths_are_those_of_the_kernels_prototypes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++)
		for (unsigned arg = 0; widths[i].bytes[arg]; arg++)
			if (syscalls_arg_bytes((uint32_t)syscalls_number(widths[i].name), arg) !=
			    (unsigned)(widths[i].bytes[arg] - '0'))
				fail_msg("%s argument %u", widths[i].name, arg);
	for (uint32_t nr = 0; nr < 480; nr++)
		for (unsigned arg = 0; arg < 8; arg++) {
			const unsigned bytes = syscalls_arg_bytes(nr, arg);

			assert_true(bytes == 2 || bytes == 4 || bytes == 8);
		}
}

static const struct { const char *name; uint64_t value; } known[] = {
	{ "AF_UNIX", 1 },          { "AF_ALG", 38 },          { "AF_VSOCK", 40 },
	{ "TIOCSTI", 0x5412 },     { "TIOCLINUX", 0x541c },   { "TIOCSETD", 0x5423 },
	{ "PR_SET_NAME", 15 },     { "CLONE_NEWUSER", 0x10000000 }, { "CLONE_NEWTIME", 0x80 },
	{ "O_TMPFILE", 020200000 }, { "O_LARGEFILE", 0100000 }, { "S_ISUID", 04000 },
	{ "F_OFD_SETLK", 37 },     { "MADV_FREE", 8 },        { "SIGSYS", 31 },
	{ "ARCH_SET_FS", 0x1002 }, { "FUTEX_LOCK_PI2", 13 },  { "PROT_EXEC", 4 },
	{ "MAP_ANONYMOUS", 0x20 }, { "SOCK_CLOEXEC", 02000000 }, { "AT_EMPTY_PATH", 0x1000 },
	{ "AT_FDCWD", (uint64_t)-100 }, { "__O_TMPFILE", 020000000 },
};

static void constants_are_found_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		uint64_t value = 0;

		if (!syscalls_constant(known[i].name, &value) || value != known[i].value)
			fail_msg("%s is %#llx", known[i].name, (unsigned long long)value);
	}
}

static const struct { const char *name; } constants[] = {
#define CONSTANT(name, value, class) { #name },
#include "model/constants.def"
#undef CONSTANT
};

static void every_constant_can_be_found(void **state)
{
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(constants); i++)
		if (!syscalls_constant(constants[i].name, &value))
			fail_msg("%s is out of order", constants[i].name);
}

static const struct { uint32_t nr; uint64_t args[6]; const char *text; } shown[] = {
	{ SYS_socket, { 38, 5 | 02000000 }, "socket(AF_ALG, SOCK_SEQPACKET|SOCK_CLOEXEC, 0)" },
	{ SYS_socket, { 0x100000028, 3 }, "socket(AF_VSOCK, SOCK_RAW, 0)" },
	{ SYS_ioctl, { 0, 0x5412, 0x7ffe1234 }, "ioctl(0, TIOCSTI, 0x7ffe1234)" },
	{ SYS_ioctl, { 0, 0xdead, 0 }, "ioctl(0, 0xdead, 0)" },
	{ SYS_openat, { (uint64_t)-100, 0x7ffe, 0, 0644 },
	  "openat(AT_FDCWD, 0x7ffe, O_RDONLY, 0644)" },
	{ SYS_openat, { 0xffffff9c, 0, 02000000 },
	  "openat(AT_FDCWD, NULL, O_RDONLY|O_CLOEXEC, 0)" },
	{ SYS_openat, { 3, 1, 0101, 0x14755 }, "openat(3, 0x1, O_CREAT|O_WRONLY, 043525)" },
	{ SYS_clone, { 0x1200011 },
	  "clone(CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, NULL, NULL, NULL, 0)" },
	{ SYS_clone, { 17 }, "clone(SIGCHLD, NULL, NULL, NULL, 0)" },
	{ SYS_unshare, { 0x10000000 }, "unshare(CLONE_NEWUSER)" },
	{ SYS_mmap, { 0, 4096, 7, 0x22, (uint64_t)-1 },
	  "mmap(NULL, 4096, PROT_EXEC|PROT_READ|PROT_WRITE, MAP_ANONYMOUS|MAP_PRIVATE, -1, 0)" },
	{ SYS_mmap, { 0, 1, 0, 3 }, "mmap(NULL, 1, PROT_NONE, MAP_SHARED_VALIDATE, 0, 0)" },
	{ SYS_futex, { 16, 0x189, 1 },
	  "futex(0x10, FUTEX_WAIT_BITSET|FUTEX_PRIVATE_FLAG|FUTEX_CLOCK_REALTIME, 1, NULL, NULL, "
	  "0)" },
	{ SYS_kill, { (uint64_t)-1, 9 }, "kill(-1, SIGKILL)" },
	{ SYS_lseek, { 1, (uint64_t)-5, 2 }, "lseek(1, -5, 2)" },
	{ SYS_getpid, { 1 }, "getpid()" },
	{ 600, { 1, 2, 3, 4, 5, 6 }, "syscall_600(0x1, 0x2, 0x3, 0x4, 0x5, 0x6)" },
	{ 0x40000001, { 0 }, "syscall_1073741825(0, 0, 0, 0, 0, 0)" },
};

static void a_call_is_shown_with_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		char text[256];

		syscalls_format(shown[i].nr, shown[i].args, text, sizeof(text));
		assert_string_equal(text, shown[i].text);
	}
}

static void a_shown_call_fits_any_buffer(void **state)
{
	const uint64_t args[6] = { 0x7fffffff, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	char text[64];

	(void)state;
	for (uint32_t nr = 0; nr < 480; nr++)
		for (size_t cap = 0; cap < sizeof(text); cap++) {
			memset(text, 'x', sizeof(text));
			syscalls_format(nr, args, text, cap);
			assert_true(!cap || memchr(text, '\0', cap));
			assert_true(text[cap] == 'x');
		}
}

static void hot_calls_are_hotter_than_rare_ones(void **state)
{
	(void)state;
	assert_true(syscalls_heat(SYS_read) > syscalls_heat(SYS_ioctl));
	assert_true(syscalls_heat(SYS_ioctl) > syscalls_heat(SYS_mount));
}

static void one_argument_is_shown_as_in_the_call(void **state)
{
	static const struct { const char *call; unsigned arg; uint64_t value; const char *text; } rows[] = {
		{ "socket", 0, 38, "AF_ALG" },
		{ "socket", 0, 0x100000026, "AF_ALG" }, /* an int to the kernel */
		{ "mmap", 2, 5, "PROT_EXEC|PROT_READ" },
		{ "read", 0, UINT64_MAX, "-1" },
		{ "getpid", 0, 31, "0x1f" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		syscalls_format_arg((uint32_t)syscalls_number(rows[i].call), rows[i].arg, rows[i].value, text,
				    sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
	assert_string_equal(syscalls_value_name(16, 1, 0x5412), "TIOCSTI");
	assert_null(syscalls_value_name(16, 1, 0x99999));
	assert_null(syscalls_value_name(16, 0, 1));
	assert_int_equal(syscalls_arg_class(16, 1), 'I');
	assert_int_equal(syscalls_arg_class(16, 3), '-');
	assert_int_equal(syscalls_arg_count((uint32_t)syscalls_number("getpid")), 0);
	assert_int_equal(syscalls_arg_count((uint32_t)syscalls_number("socket")), 3);
	assert_int_equal(syscalls_arg_count(5000), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_those_of_the_kernel),
		cmocka_unit_test(names_are_sorted),
		cmocka_unit_test(unknown_names_and_numbers_are_unknown),
		cmocka_unit_test(widths_are_those_of_the_kernels_prototypes),
		cmocka_unit_test(constants_are_found_by_name),
		cmocka_unit_test(every_constant_can_be_found),
		cmocka_unit_test(a_call_is_shown_with_names),
		cmocka_unit_test(a_shown_call_fits_any_buffer),
		cmocka_unit_test(one_argument_is_shown_as_in_the_call),
		cmocka_unit_test(hot_calls_are_hotter_than_rare_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
