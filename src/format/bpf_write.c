/* Writes filters out. The listing follows every call through the program, as the kernel would, to find
 * which instructions are whose; it refuses to guess what an instruction means that no call reaches. */
#include "format/bpf_write.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "model/syscalls.h"

#define WORD_NONE   UINT32_MAX  /* the accumulator holds no plain word of seccomp_data */
#define OWNER_NONE  UINT32_MAX  /* no call gets here */
#define OWNER_MANY  (UINT32_MAX - 1)
#define ARGS        ((uint32_t)offsetof(struct seccomp_data, args))

/* What is known of an instruction. */
struct insn_note {
	uint32_t owner;         /* the only call that gets here */
	uint32_t word;          /* offset in seccomp_data of what the accumulator was loaded from */
	uint32_t mask;
	bool is_reached;        /* by the call being followed */
};

int bpf_write(const struct peer_box *box, struct peer_text *text, struct err *e)
{
	str_add_bytes(&text->out, (const char *)box->program, box->n * sizeof(*box->program));
	(void)e;
	return 0;
}

static void reach(struct insn_note *to, const struct insn_note *from)
{
	to->word = to->is_reached && to->word != from->word ? WORD_NONE : from->word;
	to->mask = to->is_reached && to->mask != from->mask ? 0 : from->mask;
	to->is_reached = true;
}

/* 1: jumps, 0: does not, -1: that depends on the arguments. */
static int decide(const struct sock_filter *insn, const struct insn_note *note, uint32_t nr)
{
	const uint32_t a = note->word == offsetof(struct seccomp_data, nr) ? nr : AUDIT_ARCH_X86_64;

	if (note->word >= ARGS || note->word == offsetof(struct seccomp_data, instruction_pointer))
		return -1;
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return a == insn->k;
	case BPF_JGT:
		return a > insn->k;
	case BPF_JGE:
		return a >= insn->k;
	default:
		return (a & insn->k) != 0;
	}
}

static void follow_insn(const struct sock_filter *program, struct insn_note *notes, size_t i, uint32_t nr)
{
	const struct sock_filter *const insn = &program[i];
	struct insn_note next = notes[i];
	int taken;

	switch (BPF_CLASS(insn->code)) {
	case BPF_RET:
		return;
	case BPF_LD:
		next.word = BPF_MODE(insn->code) == BPF_ABS ? insn->k : WORD_NONE;
		next.mask = UINT32_MAX;
		break;
	case BPF_ALU:
		next.mask = BPF_OP(insn->code) == BPF_AND ? insn->k : 0;
		break;
	case BPF_JMP:
		if (BPF_OP(insn->code) == BPF_JA) {
			reach(&notes[i + 1 + insn->k], &next);
			return;
		}
		taken = decide(insn, &next, nr);
		if (taken != 0)
			reach(&notes[i + 1 + insn->jt], &next);
		if (taken != 1)
			reach(&notes[i + 1 + insn->jf], &next);
		return;
	default:
		break;
	}
	reach(&notes[i + 1], &next);
}

static void follow(const struct sock_filter *program, size_t n, struct insn_note *notes, uint32_t nr)
{
	for (size_t i = 0; i < n; i++)
		notes[i].is_reached = false;
	notes[0].word = WORD_NONE;
	notes[0].is_reached = true;
	for (size_t i = 0; i < n; i++) {
		if (!notes[i].is_reached)
			continue;
		notes[i].owner = notes[i].owner == OWNER_NONE ? nr : OWNER_MANY;
		follow_insn(program, notes, i, nr);
	}
}

static void write_value(struct str *out, const struct insn_note *note, uint32_t k)
{
	const bool is_low = note->word >= ARGS && (note->word - ARGS) % 8 == 0;
	const char *name = NULL;

	if (note->word == offsetof(struct seccomp_data, nr))
		name = syscalls_name(k);
	else if (note->word == offsetof(struct seccomp_data, arch))
		name = k == AUDIT_ARCH_X86_64 ? "x86_64" : NULL;
	else if (is_low && note->owner < OWNER_MANY)
		name = syscalls_value_name(note->owner, (note->word - ARGS) / 8, k);
	if (note->word == offsetof(struct seccomp_data, nr))
		str_addf(out, "%" PRIu32, k);
	else
		str_addf(out, "0x%" PRIx32, k);
	if (name)
		str_addf(out, " (%s)", name);
}

static void write_word(struct str *out, uint32_t word)
{
	if (word == offsetof(struct seccomp_data, nr))
		str_add(out, "number");
	else if (word == offsetof(struct seccomp_data, arch))
		str_add(out, "arch");
	else if (word >= ARGS && word < sizeof(struct seccomp_data))
		str_addf(out, "arg%" PRIu32 ".%s", (word - ARGS) / 8, (word - ARGS) % 8 ? "high" : "low");
	else
		str_addf(out, "[%" PRIu32 "]", word);
}

static void write_return(struct str *out, uint32_t word)
{
	const char *name;

	switch (word & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		str_add(out, "allow");
		return;
	case SECCOMP_RET_LOG:
		str_add(out, "log");
		return;
	case SECCOMP_RET_ERRNO:
		name = strerrorname_np((int)(word & SECCOMP_RET_DATA));
		str_addf(out, "errno %s", name ? name : "0");
		return;
	default:
		str_add(out, "kill");
	}
}

static void write_jump(struct str *out, const struct sock_filter *insn, const struct insn_note *note,
		       size_t at)
{
	static const char *const names[] = { "ja", "jeq", "jgt", "jge", "jset" };
	const unsigned op = BPF_OP(insn->code) >> 4;

	if (BPF_OP(insn->code) == BPF_JA) {
		str_addf(out, "ja    %zu", at + 1 + insn->k);
		return;
	}
	str_addf(out, "%-5s ", names[op]);
	write_value(out, note, insn->k);
	str_addf(out, "  %zu else %zu", at + 1 + insn->jt, at + 1 + insn->jf);
}

static void write_insn(struct str *out, const struct sock_filter *insn, const struct insn_note *note, size_t at)
{
	str_addf(out, "%4zu  ", at);
	switch (BPF_CLASS(insn->code)) {
	case BPF_RET:
		str_add(out, "ret   ");
		write_return(out, insn->k);
		break;
	case BPF_LD:
		str_add(out, "ld    ");
		write_word(out, insn->k);
		break;
	case BPF_ALU:
		str_addf(out, "and   0x%" PRIx32, insn->k);
		break;
	default:
		write_jump(out, insn, note, at);
	}
	str_add(out, "\n");
}

/* "fcntl (72), from line 49 (@default), line 51". */
static void write_owner(struct str *out, const struct filter_set *rows, uint32_t nr)
{
	uint32_t line = 0;
	const char *origin = NULL, *before = ", from ";

	str_addf(out, "# %s (%" PRIu32 ")", syscalls_name(nr), nr);
	for (size_t i = 0; i < filter_count(rows); i++) {
		const struct filter_row *const row = filter_row_at(rows, i);

		if (row->nr != nr || (row->line == line && row->origin == origin))
			continue;
		line = row->line;
		origin = row->origin;
		str_add(out, before);
		if (line)
			str_addf(out, "line %" PRIu32 " (%s)", line, origin);
		else
			str_add(out, origin);
		before = ", ";
	}
	str_add(out, "\n");
}

int bpf_write_text(const struct peer_box *box, struct peer_text *text, struct err *e)
{
	OWN_MEM struct insn_note *notes = mem_alloc((box->n + 1) * sizeof(*notes));
	uint32_t owner = OWNER_MANY;

	for (size_t i = 0; i < box->n; i++)
		notes[i].owner = OWNER_NONE;
	for (uint32_t nr = 0; nr < SYSCALLS_NUMBERS; nr++)
		if (syscalls_name(nr))
			follow(box->program, box->n, notes, nr);
	str_addf(&text->out, "# policy %s: %zu instructions\n", box->source, box->n);
	for (size_t i = 0; i < box->n; i++) {
		if (notes[i].owner != owner && notes[i].owner < OWNER_MANY)
			write_owner(&text->out, box->rows, notes[i].owner);
		if (notes[i].owner != OWNER_NONE)
			owner = notes[i].owner;
		write_insn(&text->out, &box->program[i], &notes[i], i);
	}
	(void)e;
	return 0;
}
