/* Reads programs of classic BPF. Refuses every one that the kernel would refuse. */
#include "format/bpf_read.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/filter.h"

#define NUMBERS (4 * BPF_MAXINSNS + 1)  /* with the count */

struct numbers {
	const char *name, *at, *end;
	uint32_t line;
	size_t n;
	struct {
		uint32_t value, line;
	} of[NUMBERS];
};

static int fail(const struct numbers *numbers, uint32_t line, const char *what, struct err *e)
{
	return err_set(e, ERR_USAGE, "%.100s:%" PRIu32 ": %s", numbers->name, line, what);
}

static bool begins(const struct numbers *numbers, const char *word)
{
	const size_t len = strlen(word);

	return (size_t)(numbers->end - numbers->at) >= len && memcmp(numbers->at, word, len) == 0;
}

static void pass_until(struct numbers *numbers, const char *word)
{
	while (numbers->at < numbers->end && !begins(numbers, word))
		numbers->line += *numbers->at++ == '\n';
}

/* Blanks, punctuation and comments. */
static int pass(struct numbers *numbers, struct err *e)
{
	while (numbers->at < numbers->end && !isdigit((unsigned char)*numbers->at)) {
		const char c = *numbers->at;

		if (c == '#' || c == ';' || begins(numbers, "//")) {
			pass_until(numbers, "\n");
		} else if (begins(numbers, "/*")) {
			pass_until(numbers, "*/");
			numbers->at += begins(numbers, "*/") ? 2 : 0;
		} else if (isspace((unsigned char)c) || strchr(",{}", c)) {
			numbers->line += c == '\n';
			numbers->at++;
		} else {
			return fail(numbers, numbers->line,
				    "a number is wanted here; write code, jt, jf and k of each instruction", e);
		}
	}
	return 0;
}

static int read_number(struct numbers *numbers, struct err *e)
{
	const bool is_hex = begins(numbers, "0x") || begins(numbers, "0X");
	uint64_t value = 0;
	const char *start;

	numbers->at += is_hex ? 2 : 0;
	for (start = numbers->at; numbers->at < numbers->end && isxdigit((unsigned char)*numbers->at); numbers->at++) {
		const char c = *numbers->at;

		if (!is_hex && !isdigit((unsigned char)c))
			break;
		value = value * (is_hex ? 16 : 10) + (uint64_t)(isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10);
		if (value > UINT32_MAX)
			return fail(numbers, numbers->line, "a number has more than 32 bits", e);
	}
	if (numbers->at == start || (numbers->at < numbers->end && (isalnum((unsigned char)*numbers->at) || *numbers->at == '_')))
		return fail(numbers, numbers->line, "not a number; write 21 or 0x15", e);
	if (numbers->n == NUMBERS)
		return fail(numbers, numbers->line, "more than 4096 instructions, the kernel's limit", e);
	numbers->of[numbers->n].value = (uint32_t)value;
	numbers->of[numbers->n++].line = numbers->line;
	return 0;
}

/* skip  1: the first number is the count */
static int build(const struct numbers *numbers, size_t skip, struct sock_filter *program, struct err *e)
{
	for (size_t i = skip; i < numbers->n; i += 4) {
		if (numbers->of[i].value > UINT16_MAX)
			return fail(numbers, numbers->of[i].line, "an instruction's code has more than 16 bits", e);
		if (numbers->of[i + 1].value > UINT8_MAX || numbers->of[i + 2].value > UINT8_MAX)
			return fail(numbers, numbers->of[i].line, "a conditional jump goes further than 255", e);
		*program++ = (struct sock_filter){
			.code = (uint16_t)numbers->of[i].value,
			.jt = (uint8_t)numbers->of[i + 1].value,
			.jf = (uint8_t)numbers->of[i + 2].value,
			.k = numbers->of[i + 3].value,
		};
	}
	return 0;
}

static int read_text(struct numbers *numbers, struct sock_filter *program, size_t *n, struct err *e)
{
	size_t skip;

	for (;;) {
		if (pass(numbers, e) < 0)
			return -1;
		if (numbers->at == numbers->end)
			break;
		if (read_number(numbers, e) < 0)
			return -1;
	}
	skip = numbers->n % 4;
	*n = numbers->n / 4;
	if (skip > 1 || (skip && numbers->of[0].value != *n))
		return fail(numbers, numbers->line,
			    "the numbers do not come out even; each instruction has four: code, jt, jf, k", e);
	return build(numbers, skip, program, e);
}

static int read_bytes(const char *name, const char *text, size_t len, struct sock_filter *program, size_t *n,
		      struct err *e)
{
	*n = len / sizeof(*program);
	if (len % sizeof(*program))
		return err_set(e, ERR_USAGE,
			       "%.100s: %zu bytes are no whole number of instructions, of 8 bytes each; "
			       "the file is cut short, or no filter", name, len);
	if (*n > BPF_MAXINSNS)
		return err_set(e, ERR_USAGE, "%.100s: more than 4096 instructions, the kernel's limit", name);
	memcpy(program, text, len);
	return 0;
}

int bpf_read(const char *name, const char *text, size_t len, struct subject *out, struct err *e)
{
	const bool is_binary = len && memchr(text, '\0', len);
	OWN_MEM struct sock_filter *program = mem_raw(BPF_MAXINSNS * sizeof(*program));
	OWN_MEM struct numbers *numbers = mem_alloc(sizeof(*numbers));
	size_t n;

	numbers->name = name;
	numbers->at = text;
	numbers->end = text + len;
	numbers->line = 1;
	if ((is_binary ? read_bytes(name, text, len, program, &n, e) : read_text(numbers, program, &n, e)) < 0)
		return -1;
	if (filter_check(program, n, e) < 0)
		return err_add(e, "%.100s", name);
	out->kind = SUBJECT_BPF;
	subject_add_filter(out, "filter", program, n);
	return 0;
}
