/* Units become the filters that systemd installs: what each directive refuses, how lines merge, and what is
 * known of the place. */
#include "format/systemd_read.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "model/filter.h"

#define ARCH_64 0xc000003e
#define ARCH_32 0x40000003
#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))
#define ALLOW SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_KILL_PROCESS

static void read_good(const char *body, struct subject *out)
{
	struct err e = ERR_INIT;
	char text[1024];

	snprintf(text, sizeof(text), "[Service]\n%s\n", body);
	if (systemd_read("x", text, strlen(text), out, &e) < 0)
		fail_msg("%s", e.text);
}

/* The kernel's choice of several filters: the least action, taken as a signed number. */
static uint32_t answer(const struct subject *subject, uint32_t arch, uint32_t nr, const uint64_t args[6])
{
	struct seccomp_data data = { .nr = (int)nr, .arch = arch };
	uint32_t strictest = ALLOW;
	bool valid;

	memcpy(data.args, args, sizeof(data.args));
	for (size_t i = 0; i < subject->n_filters; i++) {
		const uint32_t said =
			filter_run(subject->filters[i].program, subject->filters[i].n, &data, &valid);

		assert_true(valid);
		if ((int32_t)(said & SECCOMP_RET_ACTION_FULL) < (int32_t)(strictest & SECCOMP_RET_ACTION_FULL))
			strictest = said;
	}
	return strictest;
}

struct row {
	const char *body;
	uint32_t nr;
	uint64_t args[6];
	uint32_t answer;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		OWN(subject) subject = SUBJECT_NONE;

		read_good(rows[i].body, &subject);
		if (subject.n_missing)
			fail_msg("row %zu: %s", i, subject.missing[0]);
		if (answer(&subject, ARCH_64, rows[i].nr, rows[i].args) != rows[i].answer)
			fail_msg("row %zu: 0x%x", i, answer(&subject, ARCH_64, rows[i].nr, rows[i].args));
	}
}

static void call_lists_merge_as_documented(void **state)
{
	static const struct row rows[] = {
		{ "SystemCallFilter=read", SYS_read, { 0 }, ALLOW },
		{ "SystemCallFilter=read", SYS_write, { 0 }, KILL },
		{ "SystemCallFilter=read", SYS_execve, { 0 }, ALLOW },                /* @default comes along */
		{ "SystemCallFilter=~read", SYS_read, { 0 }, KILL },
		{ "SystemCallFilter=~read", SYS_write, { 0 }, ALLOW },
		{ "SystemCallFilter=@system-service\nSystemCallFilter=~@mount", SYS_mount, { 0 }, KILL },
		{ "SystemCallFilter=@system-service\nSystemCallFilter=~@chown", SYS_chown, { 0 }, KILL },
		{ "SystemCallFilter=@system-service", SYS_chown, { 0 }, ALLOW },
		{ "SystemCallFilter=~@mount\nSystemCallFilter=umount2", SYS_umount2, { 0 }, ALLOW },
		{ "SystemCallFilter=~@mount\nSystemCallFilter=umount2", SYS_mount, { 0 }, KILL },
		{ "SystemCallFilter=~read\nSystemCallFilter=\nSystemCallFilter=write", SYS_read, { 0 }, KILL },
		{ "SystemCallFilter=~read\nSystemCallFilter=", SYS_read, { 0 }, ALLOW },
		{ "SystemCallFilter=~read \\\n  write", SYS_write, { 0 }, KILL },
		{ "SystemCallFilter=read\nSystemCallErrorNumber=EPERM", SYS_write, { 0 }, ERRNO(EPERM) },
		{ "SystemCallErrorNumber=255\nSystemCallFilter=~read", SYS_read, { 0 }, ERRNO(255) },
		{ "SystemCallErrorNumber=EPERM\nSystemCallErrorNumber=\nSystemCallFilter=~read", SYS_read, { 0 }, KILL },
		{ "SystemCallFilter=~read:ENOSYS @mount", SYS_read, { 0 }, ERRNO(ENOSYS) },
		{ "SystemCallFilter=~read:ENOSYS @mount", SYS_mount, { 0 }, KILL },
		{ "SystemCallErrorNumber=EPERM\nSystemCallFilter=~@mount:kill", SYS_mount, { 0 }, KILL },
		{ "SystemCallFilter=read write\nSystemCallFilter=~read:EACCES", SYS_read, { 0 }, ERRNO(EACCES) },
		{ "SystemCallFilter=read write\nSystemCallFilter=~read:kill", SYS_read, { 0 }, KILL },
		{ "SystemCallLog=read", SYS_read, { 0 }, SECCOMP_RET_LOG },
		{ "SystemCallLog=read", SYS_write, { 0 }, ALLOW },
		{ "SystemCallLog=~read", SYS_write, { 0 }, SECCOMP_RET_LOG },
		{ "SystemCallLog=read\nSystemCallFilter=~read", SYS_read, { 0 }, KILL },
	};

	(void)state;
	check(rows, ARRAY_SIZE(rows));
}

static void directives_refuse_what_they_promise(void **state)
{
	static const struct row rows[] = {
		{ "RestrictAddressFamilies=AF_UNIX AF_INET", SYS_socket, { 1 }, ALLOW },
		{ "RestrictAddressFamilies=AF_UNIX AF_INET", SYS_socket, { 2 }, ALLOW },
		{ "RestrictAddressFamilies=AF_UNIX AF_INET", SYS_socket, { 0 }, ERRNO(EAFNOSUPPORT) },
		{ "RestrictAddressFamilies=AF_UNIX AF_INET6", SYS_socket, { 2 }, ERRNO(EAFNOSUPPORT) },
		{ "RestrictAddressFamilies=AF_UNIX AF_INET", SYS_socket, { 40 }, ERRNO(EAFNOSUPPORT) },
		{ "RestrictAddressFamilies=AF_UNIX AF_INET", SYS_socketpair, { 40 }, ALLOW },
		/* libseccomp compares 64 bits: below the least, so refused all the same ... */
		{ "RestrictAddressFamilies=AF_UNIX AF_INET", SYS_socket, { 0x100000028 }, ERRNO(EAFNOSUPPORT) },
		/* ... but not by a list of what is refused. */
		{ "RestrictAddressFamilies=~AF_VSOCK", SYS_socket, { 40 }, ERRNO(EAFNOSUPPORT) },
		{ "RestrictAddressFamilies=~AF_VSOCK", SYS_socket, { 0x100000028 }, ALLOW },
		{ "RestrictAddressFamilies=none", SYS_socket, { 1 }, ERRNO(EAFNOSUPPORT) },
		{ "RestrictAddressFamilies=none\nRestrictAddressFamilies=AF_UNIX", SYS_socket, { 1 }, ALLOW },
		{ "RestrictAddressFamilies=AF_UNIX AF_INET\nRestrictAddressFamilies=~AF_INET", SYS_socket, { 2 },
		  ERRNO(EAFNOSUPPORT) },
		{ "RestrictNamespaces=yes", SYS_clone, { CLONE_NEWUSER }, ERRNO(EPERM) },
		{ "RestrictNamespaces=yes", SYS_clone, { CLONE_VM }, ALLOW },
		{ "RestrictNamespaces=yes", SYS_unshare, { CLONE_NEWNET | CLONE_FS }, ERRNO(EPERM) },
		{ "RestrictNamespaces=yes", SYS_unshare, { 0x80 /* CLONE_NEWTIME */ }, ALLOW },
		{ "RestrictNamespaces=yes", SYS_clone3, { 0 }, ERRNO(ENOSYS) },
		{ "RestrictNamespaces=yes", SYS_setns, { 0 }, ERRNO(EPERM) },
		{ "RestrictNamespaces=no", SYS_clone, { CLONE_NEWUSER }, ALLOW },
		{ "RestrictNamespaces=user pid", SYS_clone, { CLONE_NEWUSER }, ALLOW },
		{ "RestrictNamespaces=user pid", SYS_clone, { CLONE_NEWNET }, ERRNO(EPERM) },
		{ "RestrictNamespaces=~user", SYS_unshare, { CLONE_NEWUSER }, ERRNO(EPERM) },
		{ "RestrictNamespaces=~user", SYS_setns, { 0, CLONE_NEWNET }, ALLOW },
		{ "RestrictNamespaces=~user", SYS_setns, { 0, 0 }, ERRNO(EPERM) },
		{ "RestrictNamespaces=user\nRestrictNamespaces=net", SYS_unshare, { CLONE_NEWNET }, ALLOW },
		{ "MemoryDenyWriteExecute=yes", SYS_mmap, { 0, 0, 6 }, ERRNO(EPERM) },
		{ "MemoryDenyWriteExecute=yes", SYS_mmap, { 0, 0, 5 }, ALLOW },
		{ "MemoryDenyWriteExecute=1", SYS_mprotect, { 0, 0, 4 }, ERRNO(EPERM) },
		{ "MemoryDenyWriteExecute=on", SYS_shmat, { 0, 0, 0100000 }, ERRNO(EPERM) },
		{ "RestrictRealtime=true", SYS_sched_setscheduler, { 0, SCHED_FIFO }, ERRNO(EPERM) },
		{ "RestrictRealtime=true", SYS_sched_setscheduler, { 0, SCHED_BATCH }, ALLOW },
		{ "RestrictRealtime=true", SYS_sched_setscheduler, { 0, 6 }, ERRNO(EPERM) },
		{ "RestrictSUIDSGID=y", SYS_chmod, { 0, 04755 }, ERRNO(EPERM) },
		{ "RestrictSUIDSGID=y", SYS_openat, { 0, 0, O_CREAT, 02755 }, ERRNO(EPERM) },
		{ "RestrictSUIDSGID=y", SYS_openat, { 0, 0, 0, 02755 }, ALLOW },
		{ "RestrictSUIDSGID=y", SYS_openat2, { 0 }, ERRNO(ENOSYS) },
		{ "DynamicUser=y", 452 /* fchmodat2 */, { 0 }, ERRNO(ENOSYS) },
		{ "ProtectHostname=yes", SYS_sethostname, { 0 }, ERRNO(EPERM) },
		{ "ProtectClock=yes", SYS_clock_settime, { 0 }, ERRNO(EPERM) },
		{ "ProtectKernelModules=yes", SYS_finit_module, { 0 }, ERRNO(EPERM) },
		{ "ProtectKernelLogs=yes", SYS_syslog, { 0 }, ERRNO(EPERM) },
		{ "ProtectKernelTunables=yes", SYS__sysctl, { 0 }, ERRNO(EPERM) },
		{ "PrivateDevices=yes", SYS_iopl, { 0 }, ERRNO(EPERM) },
		{ "LockPersonality=yes", SYS_personality, { 0x0040000 }, ERRNO(EPERM) },
		{ "LockPersonality=yes", SYS_personality, { 0 }, ALLOW },
		{ "LockPersonality=yes\nPersonality=x86", SYS_personality, { 8 }, ALLOW },
		{ "LockPersonality=no", SYS_personality, { 8 }, ALLOW },
	};

	(void)state;
	check(rows, ARRAY_SIZE(rows));
}

static void other_architectures_are_as_open_as_the_unit_leaves_them(void **state)
{
	static const struct { const char *body; uint32_t i386, x32; size_t n_filters; } rows[] = {
		{ "SystemCallFilter=read", KILL, KILL, 3 },
		{ "SystemCallFilter=read\nSystemCallArchitectures=native", SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_THREAD, 2 },
		{ "SystemCallArchitectures=x86", ALLOW, SECCOMP_RET_KILL_THREAD, 1 },
		{ "SystemCallArchitectures=x86 x32 x86-64", ALLOW, ALLOW, 0 },
		{ "SystemCallArchitectures=native\nSystemCallArchitectures=", ALLOW, ALLOW, 0 },
		{ "RestrictAddressFamilies=AF_UNIX", ALLOW, ALLOW, 2 },
	};
	static const uint64_t none[6] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(subject) subject = SUBJECT_NONE;

		read_good(rows[i].body, &subject);
		assert_int_equal(subject.n_filters, rows[i].n_filters);
		/* mount in both */
		assert_int_equal(answer(&subject, ARCH_32, 21, none), rows[i].i386);
		assert_int_equal(answer(&subject, ARCH_64, 0x40000000 | SYS_mount, none), rows[i].x32);
	}
}

static void what_systemd_would_ignore_is_told(void **state)
{
	static const struct { const char *body, *missing; } rows[] = {
		{ "SystemCallFilter=read\\\n frobnicate", "x:3: SystemCallFilter= unknown system call 'frobnicate'" },
		{ "SystemCallFilter=@sytem-service", "unknown group '@sytem-service'" },
		{ "SystemCallFilter=~read:EFOO", "unknown error" },
		{ "SystemCallFilter=read:EPERM", "an allowed call with an error" },
		{ "SystemCallErrorNumber=4096", "unknown error" },
		{ "SystemCallArchitectures=z80", "unknown architecture 'z80'" },
		{ "RestrictAddressFamilies=AF_FOO", "unknown address family" },
		{ "RestrictNamespaces=~time", "unknown namespace 'time'" },
		{ "LockPersonality=maybe", "neither yes nor no" },
		{ "Personality=s390", "unknown personality" },
		{ "CapabilityBoundingSet=CAP_X", "unknown capability" },
		{ "ExecStart=-+/bin/x", "runs without filters, because of its '+': '-+/bin/x'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(subject) subject = SUBJECT_NONE;

		read_good(rows[i].body, &subject);
		if (subject.n_missing != 1 || !strstr(subject.missing[0], rows[i].missing))
			fail_msg("row %zu: %s", i, subject.n_missing ? subject.missing[0] : "nothing");
	}
}

static void the_place_is_what_the_unit_says(void **state)
{
	OWN(subject) plain = SUBJECT_NONE, closed = SUBJECT_NONE, dynamic = SUBJECT_NONE;

	(void)state;
	read_good("", &plain);
	assert_int_equal(plain.kind, SUBJECT_SYSTEMD);
	assert_int_equal(plain.n_filters, 0);
	assert_int_equal(plain.context.no_new_privs, KNOWN_NO);
	assert_int_equal(plain.context.own_net, KNOWN_NO);
	assert_true(plain.context.caps_known && plain.context.caps >> CAP_SYS_ADMIN & 1);
	read_good("NoNewPrivileges=yes\nPrivateNetwork=yes\nPrivateUsers=yes\nProtectSystem=strict\nStandardInput=tty\n"
		  "CapabilityBoundingSet=CAP_CHOWN CAP_SYSLOG\nCapabilityBoundingSet=cap_kill\nProtectKernelLogs=yes", &closed);
	assert_int_equal(closed.context.no_new_privs, KNOWN_YES);
	assert_int_equal(closed.context.own_net, KNOWN_YES);
	assert_int_equal(closed.context.own_user, KNOWN_YES);
	assert_int_equal(closed.context.own_mount, KNOWN_YES);
	assert_int_equal(closed.context.own_terminal, KNOWN_NO);
	assert_int_equal(closed.context.caps, 1 << CAP_CHOWN | 1 << CAP_KILL);
	read_good("DynamicUser=yes\nAmbientCapabilities=CAP_NET_BIND_SERVICE", &dynamic);
	assert_int_equal(dynamic.context.no_new_privs, KNOWN_YES);
	assert_int_equal(dynamic.context.caps, 1 << CAP_NET_BIND_SERVICE);
}

static void calls_have_the_line_that_named_them_last(void **state)
{
	OWN(subject) subject = SUBJECT_NONE;

	(void)state;
	read_good("ProtectClock=yes\nSystemCallFilter=@system-service\n# why: a tracer\nSystemCallFilter=ptrace", &subject);
	assert_int_equal(subject_line_of(&subject, SYS_ptrace)->line, 5);
	assert_string_equal(subject_line_of(&subject, SYS_ptrace)->text, "SystemCallFilter=ptrace");
	assert_string_equal(subject_why_of(&subject, 5), "a tracer");
	assert_int_equal(subject_line_of(&subject, SYS_clock_settime)->line, 2);
	assert_int_equal(subject_line_of(&subject, 999)->line, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_lists_merge_as_documented),
		cmocka_unit_test(directives_refuse_what_they_promise),
		cmocka_unit_test(other_architectures_are_as_open_as_the_unit_leaves_them),
		cmocka_unit_test(what_systemd_would_ignore_is_told),
		cmocka_unit_test(the_place_is_what_the_unit_says),
		cmocka_unit_test(calls_have_the_line_that_named_them_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
