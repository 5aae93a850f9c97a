/* Random filters, and calls that lie near what they compare with. A generator of its own, so that a seed
 * gives the same filters everywhere. */
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct dice {
	uint64_t state;
};

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators" (2016). */
static inline uint64_t roll(struct dice *dice)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return dice->state * 0x2545f4914f6cdd1dULL;
}

static inline uint32_t below(struct dice *dice, uint32_t n)
{
	return (uint32_t)((roll(dice) >> 32) * n >> 32);
}

static const uint32_t interesting[] = {
	0, 1, 2, 3, 16, 38, 40, 41, 56, 59, 0x5412, 0x541c, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x7e020000, 0x40000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, AUDIT_ARCH_X86_64, AUDIT_ARCH_I386,
};
#define N_INTERESTING (sizeof(interesting) / sizeof(*interesting))

static inline uint32_t number(struct dice *dice)
{
	const uint32_t kind = below(dice, 8);
	const uint32_t base = interesting[below(dice, N_INTERESTING)];

	if (kind < 5)
		return base;
	return kind == 5 ? base + below(dice, 3) - 1 : kind == 6 ? (uint32_t)roll(dice) : below(dice, 512);
}

static inline uint32_t any_return(struct dice *dice)
{
	static const uint32_t actions[] = {
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
		SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW,
		SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, 0x12340000, 0x7ff10000,
	};

	return actions[below(dice, sizeof(actions) / sizeof(*actions))] | below(dice, 64);
}

#define K(code_, k_) ((struct sock_filter){ .code = (code_), .k = (k_) })

static inline struct sock_filter any_jump(struct dice *dice, uint32_t left, bool with_x)
{
	static const uint16_t kinds[] = { BPF_JEQ, BPF_JEQ, BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	const uint32_t reach = left < 24 ? left : 24;
	struct sock_filter insn = K(BPF_JMP, number(dice));

	insn.code |= kinds[below(dice, 6)];
	if (with_x && below(dice, 16) == 0)
		insn.code |= BPF_X;
	insn.jt = (uint8_t)below(dice, reach);
	insn.jf = (uint8_t)below(dice, reach);
	return insn;
}

static inline struct sock_filter any_arithmetic(struct dice *dice, bool hard)
{
	static const uint16_t easy[] = { BPF_AND, BPF_AND, BPF_AND, BPF_OR, BPF_XOR, BPF_ADD, BPF_SUB };
	static const uint16_t all[] = { BPF_LSH, BPF_RSH, BPF_NEG, BPF_MUL, BPF_DIV };
	const uint16_t op = hard && below(dice, 4) == 0 ? all[below(dice, 5)] : easy[below(dice, 7)];
	struct sock_filter insn = K((uint16_t)(BPF_ALU | op), number(dice));

	if (hard && op != BPF_NEG && below(dice, 8) == 0)
		insn.code |= BPF_X;
	else if (op == BPF_LSH || op == BPF_RSH)
		insn.k &= 31;
	else if (op == BPF_MUL || op == BPF_DIV)
		insn.k = below(dice, 17) + 1;
	return insn;
}

/* A valid program of n instructions (at least 8). hard: everything the kernel takes; else what people
 * and compilers write. Source of the shape: loads, tests of what was loaded, a return now and then. */
static inline void any_filter(struct dice *dice, struct sock_filter *program, uint32_t n, bool hard)
{
	uint32_t at = 0;

	program[at++] = K(BPF_LD | BPF_W | BPF_ABS, 4 * below(dice, 16));
	program[at++] = K(BPF_ST, 0);
	program[at++] = K(BPF_LDX | BPF_IMM, number(dice));
	program[at++] = K(BPF_STX, 1);
	while (at < n - 1) {
		const uint32_t left = n - at - 1;

		switch (below(dice, 16)) {
		case 0: case 1: case 2: case 3: case 4:
			program[at++] = K(BPF_LD | BPF_W | BPF_ABS, 4 * below(dice, 16));
			break;
		case 5: case 6: case 7: case 8: case 9: case 10:
			program[at++] = any_jump(dice, left, hard);
			break;
		case 11:
			program[at++] = any_arithmetic(dice, hard);
			break;
		case 12:
			program[at++] = below(dice, 2) ? K(BPF_ST, below(dice, 2)) : K(BPF_LD | BPF_MEM, below(dice, 2));
			break;
		case 13:
			program[at++] = below(dice, 2) ? K(BPF_MISC | BPF_TAX, 0) :
				hard ? K(BPF_MISC | BPF_TXA, 0) : K(BPF_LDX | BPF_MEM, below(dice, 2));
			break;
		case 14:
			program[at++] = hard && below(dice, 16) == 0 ? K(BPF_RET | BPF_A, 0) :
				below(dice, 3) ? K(BPF_LD | BPF_W | BPF_ABS, 4 * below(dice, 16)) :
				K(BPF_RET | BPF_K, any_return(dice));
			break;
		default:
			program[at++] = below(dice, 4) ? K(BPF_JMP | BPF_JA, below(dice, left < 8 ? left : 8)) :
				K(BPF_LD | BPF_W | BPF_LEN, 0);
		}
	}
	program[at] = K(BPF_RET | BPF_K, any_return(dice));
}

/* A call near the constants of a program. */
static inline struct seccomp_data any_call(struct dice *dice, const struct sock_filter *program, uint32_t n)
{
	struct seccomp_data call;
	uint32_t words[sizeof(call) / 4];

	for (size_t i = 0; i < sizeof(words) / 4; i++) {
		const uint32_t near = program[below(dice, n)].k;
		const uint32_t kind = below(dice, 8);

		words[i] = kind < 3 ? near : kind == 3 ? near + below(dice, 3) - 1 :
			   kind == 4 ? near | 1u << below(dice, 32) : number(dice);
	}
	memcpy(&call, words, sizeof(call));
	if (below(dice, 2))
		call.arch = AUDIT_ARCH_X86_64;
	return call;
}
