/* The table of capabilities, and its reading. */
#include "model/caps.h"

#include <linux/capability.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "model/syscalls.h"

enum {
#define CALL(name, number, heat, args) NR_##name = number,
#include "model/syscalls.def"
#undef CALL
};

enum test { TEST_ALWAYS, TEST_EQ, TEST_GT, TEST_BITS, TEST_LOW_PORT, TEST_TYPE_RAW, TEST_DEVICE, TEST_SOL_ADMIN };
#define ALWAYS          TEST_ALWAYS, 0, 0
#define EQ(arg, n)      TEST_EQ, arg, n
#define GT(arg, n)      TEST_GT, arg, n
#define BITS(arg, mask) TEST_BITS, arg, mask
#define LOW_PORT        TEST_LOW_PORT, 0, 0
#define TYPE_RAW        TEST_TYPE_RAW, 1, 0
#define DEVICE(arg)     TEST_DEVICE, arg, 0
#define SOL_ADMIN       TEST_SOL_ADMIN, 1, 0

/* Testing an argument costs more than finding the number: rows are tried in their order. */
static const struct row {
	uint16_t nr;
	uint8_t cap;
	uint8_t test, arg;
	uint32_t n;
	bool maybe;
} rows[] = {
#define CAP(cap, call, test, maybe) { NR_##call, CAP_##cap, test, maybe },
#include "model/caps.def"
#undef CAP
};

#define SOL_SOCKET_LEVEL 1      /* asm-generic/socket.h: SOL_SOCKET, SO_MARK, SO_RCVBUFFORCE, SO_SNDBUFFORCE */
static bool is_admin_option(uint32_t level, uint32_t option)
{
	return level == SOL_SOCKET_LEVEL && (option == 36 || option == 33 || option == 32);
}

static bool holds(const struct row *row, uint64_t value, const uint64_t args[6], uint16_t port)
{
	switch ((enum test)row->test) {
	case TEST_ALWAYS:
		return true;
	case TEST_EQ:
		return value == row->n;
	case TEST_GT:
		return value > row->n;
	case TEST_BITS:
		return value & row->n;
	case TEST_LOW_PORT:
		return port && port < 1024;
	case TEST_TYPE_RAW:
		return (value & 0xf) == 3;
	case TEST_DEVICE:
		return S_ISCHR(value) || S_ISBLK(value);
	case TEST_SOL_ADMIN:
		return is_admin_option((uint32_t)args[1], (uint32_t)args[2]);
	}
	return false;
}

size_t caps_of_call(uint32_t nr, const uint64_t args[6], uint16_t port, struct caps_need out[CAPS_NEEDS])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && n < CAPS_NEEDS; i++) {
		const struct row *const row = &rows[i];
		const uint64_t width = UINT64_MAX >> (64 - 8 * syscalls_arg_bytes(nr, row->arg));

		if (row->nr != nr || (n && out[n - 1].cap == row->cap) || !holds(row, args[row->arg] & width, args, port))
			continue;
		out[n++] = (struct caps_need){ row->cap, row->maybe };
	}
	return n;
}

static const char *const names[] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
	"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
	"CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};

const char *caps_name(unsigned cap)
{
	return cap < ARRAY_SIZE(names) ? names[cap] : NULL;
}

static const struct caps_typical typical[] = {
	{ CAP_NET_BIND_SERVICE, "listen on a port below 1024; a socket passed in by its manager needs nothing" },
	{ CAP_SETUID, "give up root after that; started as its own user it needs nothing" },
	{ CAP_SETGID, "give up root's groups with it" },
	{ CAP_DAC_READ_SEARCH, "read a private key that only root can; one that belongs to the service needs nothing" },
	{ CAP_CHOWN, "hand its log or socket to somebody else" },
};

const struct caps_typical *caps_typical_at(size_t i)
{
	return i < ARRAY_SIZE(typical) ? &typical[i] : NULL;
}
