/* Symbolic execution of classic BPF. A filter has no loops, so one pass in order does it: each
 * instruction has one state, the union of all that leads to it, and paths never multiply. Only what a
 * later instruction still reads is merged. Refuses what the kernel refuses, and what the budget does
 * not hold. */
#include "judge/eval.h"

#include <linux/bpf_common.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "judge/bits.h"
#include "model/filter.h"

static const struct {
	const char *name;
	uint32_t action;
} names[ANSWERS] = {
	[ANSWER_KILL_PROCESS] = { "kill-process", SECCOMP_RET_KILL_PROCESS },
	[ANSWER_KILL_THREAD] = { "kill-thread", SECCOMP_RET_KILL_THREAD },
	[ANSWER_TRAP] = { "trap", SECCOMP_RET_TRAP },
	[ANSWER_ERRNO] = { "errno", SECCOMP_RET_ERRNO },
	[ANSWER_NOTIFY] = { "notify", SECCOMP_RET_USER_NOTIF },
	[ANSWER_TRACE] = { "trace", SECCOMP_RET_TRACE },
	[ANSWER_LOG] = { "log", SECCOMP_RET_LOG },
	[ANSWER_ALLOW] = { "allow", SECCOMP_RET_ALLOW },
};

const char *answer_name(enum answer answer)
{
	return names[answer].name;
}

void answer_write(enum answer answer, uint16_t data, struct str *out)
{
	const char *const name = answer == ANSWER_ERRNO ? strerrorname_np(data) : NULL;

	str_add(out, answer_name(answer));
	if (name)
		str_addf(out, " %s", name);
	else if (answer == ANSWER_ERRNO)
		str_addf(out, " %u", data);
}

enum answer answer_of(uint32_t returned)
{
	for (unsigned i = 0; i < ANSWERS; i++)
		if (names[i].action == (returned & SECCOMP_RET_ACTION_FULL))
			return (enum answer)i;
	return ANSWER_KILL_PROCESS;
}

/* ---- what is still read ---- */

/* Bits of a set of registers: 0..15 scratch words, then A and X. */
#define LIVE_A (1u << BPF_MEMWORDS)
#define LIVE_X (1u << (BPF_MEMWORDS + 1))

static uint32_t operand(uint16_t code)
{
	return BPF_SRC(code) == BPF_X ? LIVE_X : 0;
}

/* Of what lives behind an instruction, what lives before it. */
static uint32_t lives_before(const struct sock_filter *insn, uint32_t behind)
{
	const uint32_t word = 1u << (insn->k % BPF_MEMWORDS);

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return (behind & ~LIVE_A) | (BPF_MODE(insn->code) == BPF_MEM ? word : 0);
	case BPF_LDX:
		return (behind & ~LIVE_X) | (BPF_MODE(insn->code) == BPF_MEM ? word : 0);
	case BPF_ST:
		return (behind & ~word) | LIVE_A;
	case BPF_STX:
		return (behind & ~word) | LIVE_X;
	case BPF_ALU:
		return behind | LIVE_A | (BPF_OP(insn->code) == BPF_NEG ? 0 : operand(insn->code));
	case BPF_JMP:
		return insn->code == (BPF_JMP | BPF_JA) ? behind :
							  behind | LIVE_A | operand(insn->code);
	case BPF_RET:
		return BPF_RVAL(insn->code) == BPF_A ? LIVE_A : 0;
	default:
		return BPF_MISCOP(insn->code) == BPF_TAX ? (behind & ~LIVE_X) | LIVE_A :
							   (behind & ~LIVE_A) | LIVE_X;
	}
}

static void find_lives(const struct sock_filter *program, size_t n, uint32_t *lives)
{
	for (size_t i = n; i-- > 0;) {
		const struct sock_filter *const insn = &program[i];
		uint32_t behind = i + 1 < n ? lives[i + 1] : 0;

		if (insn->code == (BPF_JMP | BPF_JA))
			behind = lives[i + 1 + insn->k];
		else if (BPF_CLASS(insn->code) == BPF_JMP)
			behind = lives[i + 1 + insn->jt] | lives[i + 1 + insn->jf];
		lives[i] = lives_before(insn, behind);
	}
}

/* ---- one pass ---- */

#define REGISTERS (BPF_MEMWORDS + 2)
#define REG_A BPF_MEMWORDS
#define REG_X (BPF_MEMWORDS + 1)

/* All zero: nothing leads here. */
struct state {
	struct region when;
	struct bits reg[REGISTERS];
};

struct pass {
	struct regions *store;
	const struct sock_filter *program;
	size_t n;
	uint32_t *lives;
	struct state **states;  /* by instruction; NULL until something leads there */
	struct bits returned;
	struct region done;     /* has returned */
};

static void pass_done(struct pass *pass)
{
	for (size_t i = 0; i < pass->n; i++)
		free(pass->states[i]);
	free(pass->states);
	free(pass->lives);
}

/* Whatever of *from lies in `when` goes on at instruction i. */
static void lead(struct pass *pass, size_t i, const struct state *from, struct region when)
{
	struct state *to = pass->states[i];

	if (region_is_empty(when))
		return;
	if (!to) {
		to = mem_alloc(sizeof(*to));
		*to = *from;
		to->when = when;
		pass->states[i] = to;
		return;
	}
	for (unsigned reg = 0; reg < REGISTERS; reg++)
		if (pass->lives[i] >> reg & 1)
			to->reg[reg] = bits_choose(pass->store, when, &from->reg[reg], &to->reg[reg]);
	to->when = region_or(pass->store, to->when, when);
}

static void give_back(struct pass *pass, struct region when, const struct bits *word)
{
	pass->returned = bits_choose(pass->store, when, word, &pass->returned);
	pass->done = region_or(pass->store, pass->done, when);
}

static struct bits loaded(struct pass *pass, const struct state *state,
			  const struct sock_filter *insn)
{
	/* By offset / 4 in struct seccomp_data, little end first. */
	static const enum word order[] = {
		WORD_NR, WORD_ARCH, WORD_IP_LO, WORD_IP_HI,
		WORD_ARG_LO, WORD_ARG_HI, WORD_ARG_LO + 2, WORD_ARG_HI + 2,
		WORD_ARG_LO + 4, WORD_ARG_HI + 4, WORD_ARG_LO + 6, WORD_ARG_HI + 6,
		WORD_ARG_LO + 8, WORD_ARG_HI + 8, WORD_ARG_LO + 10, WORD_ARG_HI + 10,
	};

	_Static_assert(ARRAY_SIZE(order) * 4 == sizeof(struct seccomp_data), "words of a point");
	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		return bits_word(pass->store, order[insn->k / 4]);
	case BPF_LEN:
		return bits_constant(sizeof(struct seccomp_data));
	case BPF_MEM:
		return state->reg[insn->k];
	default:
		return bits_constant(insn->k);
	}
}

typedef struct bits arithmetic(struct regions *store, const struct bits *a, const struct bits *b);

static void calculate(struct pass *pass, struct state *state, const struct sock_filter *insn)
{
	static arithmetic *const operations[] = {
		[BPF_ADD >> 4] = bits_add, [BPF_SUB >> 4] = bits_subtract,
		[BPF_MUL >> 4] = bits_multiply, [BPF_DIV >> 4] = bits_divide,
		[BPF_OR >> 4] = bits_or, [BPF_AND >> 4] = bits_and,
		[BPF_LSH >> 4] = bits_shift_left, [BPF_RSH >> 4] = bits_shift_right,
		[BPF_XOR >> 4] = bits_xor,
	};
	const struct bits zero = bits_constant(0);
	const struct bits by = BPF_SRC(insn->code) == BPF_X ? state->reg[REG_X] :
							      bits_constant(insn->k);
	struct bits *const a = &state->reg[REG_A];

	if (BPF_OP(insn->code) == BPF_NEG) {
		*a = bits_subtract(pass->store, &zero, a);
		return;
	}
	if (insn->code == (BPF_ALU | BPF_DIV | BPF_X)) {
		/* Dividing by an X of zero ends the program with 0: bpf_convert_filter(). */
		const struct region by_zero = region_and(pass->store, state->when,
							 bits_equal(pass->store, &by, &zero));

		give_back(pass, by_zero, &zero);
		state->when = region_minus(pass->store, state->when, by_zero);
	}
	*a = operations[BPF_OP(insn->code) >> 4](pass->store, a, &by);
}

/* Where the jump is taken. */
static struct region jumps(struct pass *pass, const struct state *state,
			   const struct sock_filter *insn)
{
	const struct bits by = BPF_SRC(insn->code) == BPF_X ? state->reg[REG_X] :
							      bits_constant(insn->k);
	const struct bits *const a = &state->reg[REG_A];

	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return bits_equal(pass->store, a, &by);
	case BPF_JGT:
		return bits_above(pass->store, a, &by);
	case BPF_JGE:
		return region_not(pass->store, bits_above(pass->store, &by, a));
	default:
		return bits_meet(pass->store, a, &by);
	}
}

static void jump(struct pass *pass, size_t i, const struct state *state)
{
	const struct sock_filter *const insn = &pass->program[i];
	struct region taken;

	if (insn->code == (BPF_JMP | BPF_JA)) {
		lead(pass, i + 1 + insn->k, state, state->when);
		return;
	}
	taken = region_and(pass->store, state->when, jumps(pass, state, insn));
	lead(pass, i + 1 + insn->jt, state, taken);
	lead(pass, i + 1 + insn->jf, state, region_minus(pass->store, state->when, taken));
}

/* Anything but jumps and returns. */
static void execute(struct pass *pass, struct state *state, const struct sock_filter *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		state->reg[REG_A] = loaded(pass, state, insn);
		break;
	case BPF_LDX:
		state->reg[REG_X] = loaded(pass, state, insn);
		break;
	case BPF_ST:
		state->reg[insn->k] = state->reg[REG_A];
		break;
	case BPF_STX:
		state->reg[insn->k] = state->reg[REG_X];
		break;
	case BPF_ALU:
		calculate(pass, state, insn);
		break;
	default:
		if (BPF_MISCOP(insn->code) == BPF_TAX)
			state->reg[REG_X] = state->reg[REG_A];
		else
			state->reg[REG_A] = state->reg[REG_X];
	}
}

static void step(struct pass *pass, size_t i)
{
	const struct sock_filter *const insn = &pass->program[i];
	struct state *const state = pass->states[i];

	if (BPF_CLASS(insn->code) == BPF_RET) {
		const struct bits constant = bits_constant(insn->k);

		give_back(pass, state->when,
			  BPF_RVAL(insn->code) == BPF_A ? &state->reg[REG_A] : &constant);
	} else if (BPF_CLASS(insn->code) == BPF_JMP) {
		jump(pass, i, state);
	} else {
		execute(pass, state, insn);
		lead(pass, i + 1, state, state->when);
	}
	free(state);
	pass->states[i] = NULL;
}

/* ---- from words to actions ---- */

static int fail_full(struct err *e)
{
	return err_set(e, ERR_LIMIT, "the filter is too intricate to be judged exactly within the memory budget");
}

static struct bits word_of(const struct answers *answers)
{
	struct bits word;

	for (unsigned i = 0; i < 16; i++) {
		word.bit[i] = answers->data[i];
		word.bit[i + 16] = answers->action[i];
	}
	return word;
}

/* Sorts every point by the action in its word. */
static void settle(struct regions *store, const struct bits *word, struct answers *out)
{
	struct bits action = *word;
	struct region rest = REGION_ALL;

	for (unsigned i = 0; i < 16; i++) {
		out->data[i] = word->bit[i];
		out->action[i] = word->bit[i + 16];
		action.bit[i] = REGION_NONE;
	}
	for (unsigned i = 0; i < ANSWERS; i++) {
		const struct bits wanted = bits_constant(names[i].action);

		out->of[i] = bits_equal(store, &action, &wanted);
		rest = region_minus(store, rest, out->of[i]);
	}
	/* What the kernel does not know it treats as the strictest action. */
	out->of[ANSWER_KILL_PROCESS] = region_or(store, out->of[ANSWER_KILL_PROCESS], rest);
}

int eval_program(struct regions *store, const struct sock_filter *program, size_t n,
		 struct answers *out, struct err *e)
{
	static const struct state start = { .when = REGION_ALL };
	struct pass pass = { .store = store, .program = program, .n = n };

	if (filter_check(program, n, e) < 0)
		return -1;
	pass.states = mem_alloc(n * sizeof(struct state *));
	pass.lives = mem_alloc(n * sizeof(*pass.lives));
	find_lives(program, n, pass.lives);
	lead(&pass, 0, &start, REGION_ALL);
	for (size_t i = 0; i < n && !regions_are_full(store); i++)
		if (pass.states[i])
			step(&pass, i);
	settle(store, &pass.returned, out);
	pass_done(&pass);
	return regions_are_full(store) ? fail_full(e) : 0;
}

void eval_stack(struct regions *store, struct answers *stack, const struct answers *newer)
{
	struct bits old_word = word_of(stack), new_word = word_of(newer), word;
	struct bits old_action = old_word, new_action = new_word;
	struct region old_wins;

	/* The kernel compares the actions as signed numbers: with the sign turned, as unsigned ones. */
	for (unsigned i = 0; i < 16; i++)
		old_action.bit[i] = new_action.bit[i] = REGION_NONE;
	old_action.bit[31] = region_not(store, old_action.bit[31]);
	new_action.bit[31] = region_not(store, new_action.bit[31]);
	old_wins = bits_above(store, &new_action, &old_action);
	word = bits_choose(store, old_wins, &old_word, &new_word);
	settle(store, &word, stack);
}

int eval_subject(struct regions *store, const struct subject *subject, struct answers *out,
		 struct err *e)
{
	const struct bits allow = bits_constant(SECCOMP_RET_ALLOW);

	settle(store, &allow, out);
	for (size_t i = 0; i < subject->n_filters; i++) {
		const struct subject_filter *const filter = &subject->filters[i];
		struct answers one = ANSWERS_NONE;

		if (eval_program(store, filter->program, filter->n, &one, e) < 0)
			return err_add(e, "%s: %s", subject->name, filter->name);
		eval_stack(store, out, &one);
	}
	return regions_are_full(store) ? fail_full(e) : 0;
}

struct region eval_passes(struct regions *store, const struct answers *answers, bool with_supervisor)
{
	struct region passes = region_or(store, answers->of[ANSWER_ALLOW], answers->of[ANSWER_LOG]);

	if (!with_supervisor)
		return passes;
	passes = region_or(store, passes, answers->of[ANSWER_TRACE]);
	return region_or(store, passes, answers->of[ANSWER_NOTIFY]);
}

enum answer eval_at(const struct regions *store, const struct answers *answers,
		    const struct seccomp_data *point, uint16_t *data)
{
	unsigned answer = 0;

	while (answer < ANSWER_ALLOW && !region_has(store, answers->of[answer], point))
		answer++;
	for (unsigned i = 0; data && i < 16; i++) {
		const uint16_t bit = (uint16_t)(1u << i);

		*data = (uint16_t)(region_has(store, answers->data[i], point) ? *data | bit :
									       *data & ~bit);
	}
	return (enum answer)answer;
}
