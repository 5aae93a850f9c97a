/* Subjects made by hand, for the tests of lint. */
#pragma once

#include <assert.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "judge/lint.h"
#include "model/filter.h"
#include "model/syscalls.h"

#define LOAD(offset_)          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset_))
#define LOAD_ARCH              LOAD(offsetof(struct seccomp_data, arch))
#define LOAD_NR                LOAD(offsetof(struct seccomp_data, nr))
#define LOAD_LOW(arg)          LOAD(offsetof(struct seccomp_data, args) + 8 * (arg))
#define LOAD_HIGH(arg)         LOAD(offsetof(struct seccomp_data, args) + 8 * (arg) + 4)
#define IF_EQ(value, yes, no)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define IF_GE(value, yes, no)  BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (value), (yes), (no))
#define IF_SET(mask, yes, no)  BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (mask), (yes), (no))
#define RETURN(word)           BPF_STMT(BPF_RET | BPF_K, (word))
#define FAIL(number)           RETURN(SECCOMP_RET_ERRNO | (number))
#define ALLOW_IT               RETURN(SECCOMP_RET_ALLOW)
#define KILL_IT                RETURN(SECCOMP_RET_KILL_PROCESS)
/* The architecture, and x32: 5 instructions; the number is loaded then. */
#define CHECKED                LOAD_ARCH, IF_EQ(AUDIT_ARCH_X86_64, 1, 0), KILL_IT, LOAD_NR, \
			       IF_GE(0x40000000, 0, 1), KILL_IT

#define ADD_PROGRAM(subject, ...) do { \
		static const struct sock_filter program_[] = { __VA_ARGS__ }; \
		subject_add_filter((subject), "filter", program_, ARRAY_SIZE(program_)); \
	} while (0)

/* Adds the filter ward makes of rows, which decide in order; other calls get `otherwise`. */
static inline void add_rows(struct subject *subject, const struct filter_row *rows, size_t n,
			    enum filter_act otherwise)
{
	OWN(filter_set) set = FILTER_SET_NONE;
	struct sock_filter program[BPF_MAXINSNS];
	struct err e = ERR_INIT;
	size_t made = 0;
	int done;

	set.otherwise = otherwise;
	set.otherwise_sys = 38;
	for (size_t i = 0; i < n; i++)
		filter_add(&set, &rows[i]);
	done = filter_build(&set, program, BPF_MAXINSNS, &made, &e);
	assert(done == 0);
	(void)done;
	subject_add_filter(subject, "filter", program, made);
}

static inline const struct finding *find(const struct lint *lint, const char *id)
{
	for (size_t i = 0; i < lint->n; i++)
		if (strcmp(lint->findings[i].danger.id, id) == 0)
			return &lint->findings[i];
	return NULL;
}

static inline uint32_t nr_of(const char *name)
{
	return (uint32_t)syscalls_number(name);
}
