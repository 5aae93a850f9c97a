/* Calls as people write them. */
#include "model/call_text.h"

#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/syscalls.h"

static const struct {
	const char *text;
	uint32_t nr;
	uint8_t given;
	uint64_t args[6];
} good[] = {
	{ "getpid", 39, 0, { 0 } },
	{ "getpid()", 39, 0, { 0 } },
	{ "socket(38,5,0)", 41, 7, { 38, 5, 0 } },
	{ " socket ( AF_ALG , SOCK_SEQPACKET , 0 ) ", 41, 7, { 38, 5, 0 } },
	{ "ioctl(_, TIOCSTI)", 16, 2, { 0, 0x5412 } },
	{ "ioctl(0, 0x5412, ...)", 16, 3, { 0, 0x5412 } },
	{ "openat(AT_FDCWD, \"/etc/passwd, (\\\"x\\\")\", O_RDONLY|O_CLOEXEC)", 257, 5, { 0xffffff9c, 0, 02000000 } },
	{ "mmap(NULL, 4096, PROT_READ|PROT_EXEC)", 9, 7, { 0, 4096, 5 } },
	{ "lseek(3, -1, 0)", 8, 7, { 3, UINT64_MAX, 0 } },
	{ "socket(0x100000028)", 41, 1, { 0x100000028 } },
	{ "600(1)", 600, 1, { 1 } },
	{ "x32:ioctl(0)", 0x40000010, 1, { 0 } },
};

static void a_call_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct call_text call;
		struct err e = ERR_INIT;

		if (call_text_read(good[i].text, &call, &e) < 0)
			fail_msg("%s: %s", good[i].text, e.text);
		assert_int_equal(call.arch, AUDIT_ARCH_X86_64);
		assert_int_equal(call.nr, good[i].nr);
		assert_int_equal(call.given, good[i].given);
		assert_memory_equal(call.args, good[i].args, sizeof(call.args));
	}
}

static void a_call_of_another_architecture_is_a_number(void **state)
{
	struct call_text call;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(call_text_read("i386:102(1, 2)", &call, &e), 0);
	assert_int_equal(call.arch, AUDIT_ARCH_I386);
	assert_int_equal(call.nr, 102);
	assert_int_equal(call.args[1], 2);
	assert_int_equal(call_text_read("i386:socketcall", &call, &e), -1);
}

static void what_must_be_guessed_is_refused(void **state)
{
	static const struct { const char *text, *says; } bad[] = {
		{ "", "unknown system call" },
		{ "sokcet(1)", "did you mean 'socket'?" },
		{ "socket(AF_LAG)", "unknown constant 'AF_LAG'" },
		{ "socket(1", "',' or ')' is missing" },
		{ "socket(1,)", "a number, a constant, or '_'" },
		{ "socket(1 2)", "',' or ')' is missing" },
		{ "socket(1,2,3,4)", "the call has 3" },
		{ "socket(1) + 2", "nothing may follow" },
		{ "openat(0, \"x", "does not end" },
		{ "socket(99999999999999999999)", "not a number of 64 bits" },
		{ "99999999999(0)", "no call has the number" },
		{ "socket(0x)", "not a number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct call_text call;
		struct err e = ERR_INIT;

		assert_int_equal(call_text_read(bad[i].text, &call, &e), -1);
		if (!strstr(e.text, bad[i].says))
			fail_msg("%s: %s", bad[i].text, e.text);
	}
}

/* What ward shows can be asked again. */
static void a_shown_call_is_read_back(void **state)
{
	static const uint64_t args[][6] = { { 0, 0x5412, 0 }, { 3, 0x541b, 0xffffffff }, { 1, 77, 4096 } };

	(void)state;
	for (size_t i = 0; i < sizeof(args) / sizeof(*args); i++) {
		struct call_text call;
		struct err e = ERR_INIT;
		char text[160];

		syscalls_format(16, args[i], text, sizeof(text));
		assert_int_equal(call_text_read(text, &call, &e), 0);
		assert_memory_equal(call.args, args[i], 3 * sizeof(uint64_t));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_read),
		cmocka_unit_test(a_call_of_another_architecture_is_a_number),
		cmocka_unit_test(what_must_be_guessed_is_refused),
		cmocka_unit_test(a_shown_call_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
