/* Classic BPF as seccomp takes it: what the kernel would accept, and what it would answer. Refuses
 * everything the kernel refuses. */
#include <linux/bpf_common.h>
#include <string.h>

#include "model/filter.h"

/* Instructions seccomp accepts: kernel/seccomp.c, seccomp_check_filter(). Loads of a byte or a half
 * word, packet loads, and remainders are for sockets only. */
static bool is_known(uint16_t op)
{
	switch (op) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
	case BPF_ALU | BPF_NEG:
	case BPF_JMP | BPF_JA:
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
		return true;
	default:
		break;
	}
	if (op & ~(BPF_CLASS(0xff) | BPF_OP(0xff) | BPF_SRC(0xff)))
		return false;
	switch (BPF_CLASS(op)) {
	case BPF_ALU:
		return BPF_OP(op) <= BPF_RSH || BPF_OP(op) == BPF_XOR;
	case BPF_JMP:
		return BPF_OP(op) >= BPF_JEQ && BPF_OP(op) <= BPF_JSET;
	default:
		return false;
	}
}

static bool is_scratch(uint16_t op)
{
	return op == BPF_ST || op == BPF_STX || op == (BPF_LD | BPF_MEM) ||
	       op == (BPF_LDX | BPF_MEM);
}

/* True when instruction i may stand where it does: operands and targets in bounds.
 * Source: net/core/filter.c, bpf_check_classic(); kernel/seccomp.c, seccomp_check_filter() */
static bool is_sound(const struct sock_filter *insn, size_t i, size_t n)
{
	const size_t left = n - i - 1;  /* instructions after this one */

	if (!is_known(insn->code))
		return false;
	if (is_scratch(insn->code))
		return insn->k < BPF_MEMWORDS;
	if (insn->code == (BPF_LD | BPF_W | BPF_ABS))
		return insn->k < sizeof(struct seccomp_data) && !(insn->k & 3);
	if (insn->code == (BPF_JMP | BPF_JA))
		return insn->k < left;
	if (BPF_CLASS(insn->code) == BPF_JMP)
		return insn->jt < left && insn->jf < left;
	if (insn->code == (BPF_ALU | BPF_DIV | BPF_K))
		return insn->k != 0;
	if (insn->code == (BPF_ALU | BPF_LSH | BPF_K) || insn->code == (BPF_ALU | BPF_RSH | BPF_K))
		return insn->k < 32;
	return true;
}

/* True when no scratch word is read before it is written, on any path.
 * Source: net/core/filter.c, check_load_and_stores() */
static bool is_scratch_written(const struct sock_filter *program, size_t n)
{
	uint16_t masks[BPF_MAXINSNS];
	uint16_t written = 0;

	memset(masks, 0xff, n * sizeof(*masks));
	for (size_t i = 0; i < n; i++) {
		const struct sock_filter *insn = &program[i];
		const uint16_t bit = (uint16_t)(1u << (insn->k % BPF_MEMWORDS));

		written &= masks[i];
		if (insn->code == BPF_ST || insn->code == BPF_STX) {
			written |= bit;
		} else if (is_scratch(insn->code)) {
			if (!(written & bit))
				return false;
		} else if (insn->code == (BPF_JMP | BPF_JA)) {
			masks[i + 1 + insn->k] &= written;
			written = UINT16_MAX;
		} else if (BPF_CLASS(insn->code) == BPF_JMP) {
			masks[i + 1 + insn->jt] &= written;
			masks[i + 1 + insn->jf] &= written;
			written = UINT16_MAX;
		}
	}
	return true;
}

int filter_check(const struct sock_filter *program, size_t n, struct err *e)
{
	if (!n || n > BPF_MAXINSNS)
		return err_set(e, ERR_USAGE, "a filter of %zu instructions (1 to %d are possible)",
			       n, BPF_MAXINSNS);
	for (size_t i = 0; i < n; i++)
		if (!is_sound(&program[i], i, n))
			return err_set(e, ERR_USAGE,
				       "filter instruction %zu is not valid (code 0x%x, jumps %u and %u, "
				       "k 0x%x)", i, program[i].code, program[i].jt, program[i].jf,
				       program[i].k);
	if (BPF_CLASS(program[n - 1].code) != BPF_RET)
		return err_set(e, ERR_USAGE, "the filter does not end in a return");
	if (!is_scratch_written(program, n))
		return err_set(e, ERR_USAGE, "the filter reads scratch memory it has not written");
	return 0;
}

bool filter_notifies(const struct sock_filter *program, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (program[i].code == (BPF_RET | BPF_K) &&
		    (program[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			return true;
	return false;
}

struct machine {
	uint32_t a, x;
	uint32_t scratch[BPF_MEMWORDS];
	uint16_t written;       /* scratch words */
	bool is_done;
	uint32_t result;
};

static void arithmetic(struct machine *m, const struct sock_filter *insn)
{
	const uint32_t by = BPF_SRC(insn->code) == BPF_X ? m->x : insn->k;

	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		m->a += by;
		break;
	case BPF_SUB:
		m->a -= by;
		break;
	case BPF_MUL:
		m->a *= by;
		break;
	case BPF_DIV:
		/* Dividing by an X of zero ends the program with 0: bpf_convert_filter(). */
		m->is_done = !by;
		m->result = 0;
		m->a = by ? m->a / by : 0;
		break;
	case BPF_OR:
		m->a |= by;
		break;
	case BPF_AND:
		m->a &= by;
		break;
	case BPF_LSH:
		m->a <<= by & 31;
		break;
	case BPF_RSH:
		m->a >>= by & 31;
		break;
	case BPF_XOR:
		m->a ^= by;
		break;
	default:
		m->a = -m->a;
	}
}

/* How many instructions a jump leaves out. */
static size_t skipped(const struct machine *m, const struct sock_filter *insn)
{
	const uint32_t to = BPF_SRC(insn->code) == BPF_X ? m->x : insn->k;

	switch (BPF_OP(insn->code)) {
	case BPF_JA:
		return insn->k;
	case BPF_JEQ:
		return m->a == to ? insn->jt : insn->jf;
	case BPF_JGT:
		return m->a > to ? insn->jt : insn->jf;
	case BPF_JGE:
		return m->a >= to ? insn->jt : insn->jf;
	default:
		return m->a & to ? insn->jt : insn->jf;
	}
}

static uint32_t loaded(const struct machine *m, const struct sock_filter *insn,
		       const struct seccomp_data *data)
{
	uint32_t word;

	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		memcpy(&word, (const char *)data + insn->k, sizeof(word));
		return word;
	case BPF_LEN:
		return sizeof(*data);
	case BPF_MEM:
		return m->scratch[insn->k];
	default:
		return insn->k;
	}
}

/* Anything but jumps and returns. */
static void execute(struct machine *m, const struct sock_filter *insn,
		    const struct seccomp_data *data)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		m->a = loaded(m, insn, data);
		break;
	case BPF_LDX:
		m->x = loaded(m, insn, data);
		break;
	case BPF_ST:
	case BPF_STX:
		m->scratch[insn->k] = BPF_CLASS(insn->code) == BPF_ST ? m->a : m->x;
		m->written |= (uint16_t)(1u << insn->k);
		break;
	case BPF_ALU:
		arithmetic(m, insn);
		break;
	default:
		if (BPF_MISCOP(insn->code) == BPF_TAX)
			m->x = m->a;
		else
			m->a = m->x;
	}
}

static bool is_unwritten(const struct machine *m, const struct sock_filter *insn)
{
	return BPF_MODE(insn->code) == BPF_MEM &&
	       (BPF_CLASS(insn->code) == BPF_LD || BPF_CLASS(insn->code) == BPF_LDX) &&
	       !(m->written >> insn->k & 1);
}

uint32_t filter_run(const struct sock_filter *program, size_t n, const struct seccomp_data *data,
		    bool *valid)
{
	struct machine m = { .is_done = false };

	*valid = true;
	for (size_t i = 0; i < n; i++) {
		const struct sock_filter *insn = &program[i];

		if (!is_sound(insn, i, n) || is_unwritten(&m, insn))
			break;
		if (BPF_CLASS(insn->code) == BPF_RET)
			return BPF_RVAL(insn->code) == BPF_A ? m.a : insn->k;
		if (BPF_CLASS(insn->code) == BPF_JMP)
			i += skipped(&m, insn);
		else
			execute(&m, insn, data);
		if (m.is_done)
			return m.result;
	}
	*valid = false;
	return SECCOMP_RET_KILL_PROCESS;
}
