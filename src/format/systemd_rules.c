/* What systemd's directives refuse. Source: systemd 252, src/shared/seccomp-util.c */
#include "format/systemd_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "base/mem.h"

#define ALL (SYSTEMD_X86 | SYSTEMD_X32 | SYSTEMD_X86_64)
#define HAS(arg, bits) { arg, SCMP_CMP_MASKED_EQ, bits, bits }
#define RULE(directive, call, arches, error) { directive, call, arches, error, 0, { { 0 } } }
#define TEST(directive, call, arches, error, ...) { directive, call, arches, error, 1, { __VA_ARGS__ } }
#define TWO(directive, call, arches, error, ...) { directive, call, arches, error, 2, { __VA_ARGS__ } }
/* A mode that is asked for when a file is made or changed; of the calls that open, when they may make one. */
#define MODES(bit) \
	TEST("RestrictSUIDSGID", "chmod", ALL, EPERM, HAS(1, bit)), \
	TEST("RestrictSUIDSGID", "fchmod", ALL, EPERM, HAS(1, bit)), \
	TEST("RestrictSUIDSGID", "fchmodat", ALL, EPERM, HAS(2, bit)), \
	TEST("RestrictSUIDSGID", "mkdir", ALL, EPERM, HAS(1, bit)), \
	TEST("RestrictSUIDSGID", "mkdirat", ALL, EPERM, HAS(2, bit)), \
	TEST("RestrictSUIDSGID", "mknod", ALL, EPERM, HAS(1, bit)), \
	TEST("RestrictSUIDSGID", "mknodat", ALL, EPERM, HAS(2, bit)), \
	TEST("RestrictSUIDSGID", "creat", ALL, EPERM, HAS(1, bit)), \
	TWO("RestrictSUIDSGID", "open", ALL, EPERM, HAS(1, O_CREAT), HAS(2, bit)), \
	TWO("RestrictSUIDSGID", "openat", ALL, EPERM, HAS(2, O_CREAT), HAS(3, bit))

static const struct systemd_rule rules[] = {
	RULE("ProtectHostname", "sethostname", ALL, EPERM),
	RULE("ProtectHostname", "setdomainname", ALL, EPERM),

	TEST("MemoryDenyWriteExecute", "mmap", ALL & ~SYSTEMD_X86, EPERM, HAS(2, PROT_EXEC | PROT_WRITE)),
	TEST("MemoryDenyWriteExecute", "mmap2", SYSTEMD_X86, EPERM, HAS(2, PROT_EXEC | PROT_WRITE)),
	RULE("MemoryDenyWriteExecute", "mmap", SYSTEMD_X86, EPERM),
	TEST("MemoryDenyWriteExecute", "mprotect", ALL, EPERM, HAS(2, PROT_EXEC)),
	TEST("MemoryDenyWriteExecute", "pkey_mprotect", ALL, EPERM, HAS(2, PROT_EXEC)),
	TEST("MemoryDenyWriteExecute", "shmat", ALL & ~SYSTEMD_X86, EPERM, HAS(2, SHM_EXEC)),

	/* SCHED_OTHER, SCHED_BATCH and SCHED_IDLE stay. */
	TEST("RestrictRealtime", "sched_setscheduler", ALL, EPERM, { 1, SCMP_CMP_EQ, SCHED_FIFO, 0 }),
	TEST("RestrictRealtime", "sched_setscheduler", ALL, EPERM, { 1, SCMP_CMP_EQ, SCHED_RR, 0 }),
	TEST("RestrictRealtime", "sched_setscheduler", ALL, EPERM, { 1, SCMP_CMP_EQ, 4, 0 }),
	TEST("RestrictRealtime", "sched_setscheduler", ALL, EPERM, { 1, SCMP_CMP_GT, SCHED_IDLE, 0 }),

	MODES(S_ISUID),
	MODES(S_ISGID),
	/* The one has its mode in memory, the other is younger than libseccomp 2.5.4. */
	RULE("RestrictSUIDSGID", "openat2", ALL, ENOSYS),
	RULE("RestrictSUIDSGID", "fchmodat2", SYSTEMD_X86_64, ENOSYS),

	RULE("ProtectKernelTunables", "_sysctl", ALL & ~SYSTEMD_X32, EPERM),
	RULE("ProtectKernelLogs", "syslog", ALL, EPERM),
};

const struct systemd_rule *systemd_rule_at(size_t i)
{
	return i < ARRAY_SIZE(rules) ? &rules[i] : NULL;
}
