/* Capabilities: what a call asks for follows from its arguments on their true width. */
#include "model/caps.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/mem.h"

#define NONE (-1)

static void a_call_asks_for_what_its_arguments_say(void **state)
{
	static const struct {
		uint32_t nr;
		uint64_t args[6];
		uint16_t port;
		int cap;
		bool maybe;
	} rows[] = {
		{ SYS_bind, { 3 }, 80, CAP_NET_BIND_SERVICE, false },
		{ SYS_bind, { 3 }, 1023, CAP_NET_BIND_SERVICE, false },
		{ SYS_bind, { 3 }, 1024, NONE, false },
		{ SYS_bind, { 3 }, 0, NONE, false },
		{ SYS_socket, { AF_INET, SOCK_RAW | SOCK_CLOEXEC }, 0, CAP_NET_RAW, false },
		{ SYS_socket, { AF_PACKET, SOCK_DGRAM }, 0, CAP_NET_RAW, false },
		{ SYS_socket, { UINT64_C(1) << 32 | AF_PACKET, SOCK_DGRAM }, 0, CAP_NET_RAW, false },
		{ SYS_socket, { AF_INET, SOCK_STREAM }, 0, NONE, false },
		{ SYS_mknod, { 0, S_IFCHR | 0600 }, 0, CAP_MKNOD, false },
		{ SYS_mknod, { 0, S_IFIFO | 0600 }, 0, NONE, false },
		{ SYS_clone, { 0x10000000 }, 0, NONE, false },  /* a user namespace of its own asks for nothing */
		{ SYS_clone, { 0x20000000 }, 0, CAP_SYS_ADMIN, false },
		{ SYS_setuid, { 0 }, 0, CAP_SETUID, true },
		{ SYS_prlimit64, { 0, 7, 0 }, 0, NONE, false },
		{ SYS_prlimit64, { 0, 7, 0x1000 }, 0, CAP_SYS_RESOURCE, true },
		{ SYS_read, { 0 }, 0, NONE, false },
		{ UINT32_MAX, { 0 }, 0, NONE, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct caps_need needs[CAPS_NEEDS];
		const size_t n = caps_of_call(rows[i].nr, rows[i].args, rows[i].port, needs);

		assert_int_equal(n, rows[i].cap == NONE ? 0 : 1);
		if (n) {
			assert_int_equal(needs[0].cap, rows[i].cap);
			assert_int_equal(needs[0].maybe, rows[i].maybe);
		}
	}
}

static void every_capability_has_a_name(void **state)
{
	(void)state;
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		assert_int_equal(strncmp(caps_name(cap), "CAP_", 4), 0);
	assert_string_equal(caps_name(CAP_CHECKPOINT_RESTORE), "CAP_CHECKPOINT_RESTORE");
	assert_string_equal(caps_name(CAP_SYS_ADMIN), "CAP_SYS_ADMIN");
	assert_null(caps_name(CAP_LAST_CAP + 1));
	assert_non_null(caps_typical_at(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_asks_for_what_its_arguments_say),
		cmocka_unit_test(every_capability_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
