/* Asks the kernel what a filter answers to a call, without the call ever being made: beneath it lies another one that
 * answers whatever the first lets through, if its last argument says that it is such a question. Of two errnos the newer
 * filter's counts (kernel/seccomp.c, seccomp_run_filters). Include it behind cmocka.h. */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "child.h"
#include "mech/drop.h"
#include "mech/seccomp.h"
#include "model/filter.h"

#define ASKED_PASSES 4000       /* an errno that is nobody's */
#define ASKED_KILLED 4001
#define ASKED_MARK   0x4a41494c

struct asked {
	struct sock_filter program[4096];
	size_t n;
};

static inline void asked_build(struct asked *asked, const struct filter_set *set)
{
	struct err e = ERR_INIT;

	assert_int_equal(filter_build(set, asked->program, 4096, &asked->n, &e), 0);
}

static inline int asked_enter_below(struct err *e)
{
	const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ASKED_MARK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ASKED_PASSES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return seccomp_enter(program, sizeof(program) / sizeof(*program), SECCOMP_ALONE, e);
}

/* uretprobe and uprobe, which the kernel calls by itself and lets no filter see (kernel/seccomp.c,
 * seccomp_uprobe_exception()); they fail for whoever calls them from elsewhere. */
static inline bool asked_is_exempt(uint32_t nr)
{
	return nr == 335 || nr == 336;
}

/* ASKED_PASSES, ASKED_KILLED, or the errno it fails with. */
static inline int asked_kernel(const struct asked *asked, uint32_t nr, const uint64_t args[5])
{
	const pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct err e = ERR_INIT;
		long got;

		if (drop_new_privs(&e) < 0 || asked_enter_below(&e) < 0 || seccomp_enter(asked->program, asked->n, SECCOMP_ALONE, &e) < 0)
			_exit(CHILD_CANNOT);
		got = syscall(nr, args[0], args[1], args[2], args[3], args[4], (uint64_t)ASKED_MARK);
		/* _exit() would leave the mark in its register. */
		for (;;)
			syscall(SYS_exit_group, got != -1 ? 78 : errno == ASKED_PASSES ? 79 : errno < CHILD_CANNOT ? errno : 78, 0, 0, 0, 0, 0);
	}
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return ASKED_KILLED;
	}
	assert_int_not_equal(WEXITSTATUS(status), CHILD_CANNOT);
	assert_int_not_equal(WEXITSTATUS(status), 78);
	return WEXITSTATUS(status) == 79 ? ASKED_PASSES : WEXITSTATUS(status);
}

/* A call, and what has to come of it. */
struct asked_row {
	const char *name;
	uint32_t nr;
	uint64_t args[5];
	int answer;
};

static inline void asked_rows(const struct asked *asked, const struct asked_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const int got = asked_kernel(asked, rows[i].nr, rows[i].args);

		if (got != rows[i].answer)
			fail_msg("%s: the kernel answers %d, not %d", rows[i].name, got, rows[i].answer);
	}
}
