/* Shared by the tests of model/filter*: building and running rule sets, and a child in which the
 * kernel can be asked. */
#pragma once

#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/filter.h"
#include "model/syscalls.h"

struct program {
	struct sock_filter insns[BPF_MAXINSNS];
	size_t n;
};

static inline struct program built(const struct filter_set *set)
{
	struct program program;
	struct err e = ERR_INIT;

	if (filter_build(set, program.insns, BPF_MAXINSNS, &program.n, &e) < 0 ||
	    filter_check(program.insns, program.n, &e) < 0)
		fail_msg("%s", e.text);
	return program;
}

static inline uint32_t answer(const struct program *program, uint32_t nr, const uint64_t args[6])
{
	struct seccomp_data data = { .nr = (int)nr, .arch = AUDIT_ARCH_X86_64 };
	uint32_t word;
	bool valid;

	memcpy(data.args, args, sizeof(data.args));
	word = filter_run(program->insns, program->n, &data, &valid);
	assert_true(valid);
	return word;
}

/* What the header promises for a verdict, written down a second time. */
static inline uint32_t word_for(const struct filter_set *set, enum filter_act act,
			 const struct filter_row *row, uint32_t nr)
{
	const bool is_told = set->report && !(row && row->quiet);

	if (nr >= 0x40000000)
		return SECCOMP_RET_KILL_PROCESS;
	if (act == FILTER_ALLOW)
		return SECCOMP_RET_ALLOW;
	if (act == FILTER_LOG)
		return SECCOMP_RET_LOG;
	if (is_told || (act == FILTER_NOTIFY && !(row && row->quiet)))
		return SECCOMP_RET_USER_NOTIF;
	if (act == FILTER_KILL)
		return SECCOMP_RET_KILL_PROCESS;
	return SECCOMP_RET_ERRNO | filter_errno(set, row);
}
static inline bool install(const struct sock_filter *program, size_t n)
{
	const struct sock_fprog fprog = { (unsigned short)n,
					  (struct sock_filter *)(uintptr_t)program };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog) == 0;
}

/* Runs check(shared) in a child that may install filters; skips where that is impossible. The child
 * writes its findings to *shared, since a filter may leave it no call but exit. */
static inline void in_child(void (*check)(size_t *shared), size_t *shared)
{
	const struct sock_filter harmless = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !install(&harmless, 1))
			_exit(77);
		check(shared);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skipped: this kernel or sandbox lets no filter be installed\n");
		skip();
	}
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
static inline size_t *shared_new(void)
{
	void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(shared != MAP_FAILED);
	return shared;
}
