/* Programs of BPF as bytes and as numbers: the same instructions, or one line that says what is wrong. */
#include "format/bpf_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* if (nr == 101) kill; allow */
static const struct sock_filter program[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 101, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, 0x7fff0000),
};

static void every_spelling_is_the_same_program(void **state)
{
	static const char *const texts[] = {
		"4\n32 0 0 0\n21 0 1 101\n6 0 0 0\n6 0 0 2147418112\n",
		"32 0 0 0\n21 0 1 101\n6 0 0 0\n6 0 0 2147418112",
		"{ 0x20, 0, 0, 0x00000000 },\n{ 0x15, 0, 1, 0x65 },\n{ 0x6, 0, 0, 0 }, /* kill\n */\n{ 6, 0, 0, 0x7fff0000 },\n",
		"4,32 0 0 0,21 0 1 101,6 0 0 0,6 0 0 2147418112",
		"# nr\n32 0 0 0 ; load\n21 0 1 101 // ptrace\n6 0 0 0\n6 0 0 0X7FFF0000\n",
	};

	(void)state;
	for (size_t i = 0; i <= ARRAY_SIZE(texts); i++) {
		OWN(subject) subject = SUBJECT_NONE;
		struct err e = ERR_INIT;
		const bool is_text = i < ARRAY_SIZE(texts);

		if (bpf_read("x", is_text ? texts[i] : (const char *)program,
			     is_text ? strlen(texts[i]) : sizeof(program), &subject, &e) < 0)
			fail_msg("row %zu: %s", i, e.text);
		assert_int_equal(subject.kind, SUBJECT_BPF);
		assert_int_equal(subject.n_filters, 1);
		assert_int_equal(subject.filters[0].n, ARRAY_SIZE(program));
		assert_memory_equal(subject.filters[0].program, program, sizeof(program));
	}
}

static void what_the_kernel_would_refuse_is_refused_with_its_place(void **state)
{
	static const struct { const char *text; size_t len; const char *error; } rows[] = {
#define ROW(text, error) { text, sizeof(text) - 1, error }
		ROW("", "0 instructions"),
		ROW("32 0 0\n", "do not come out even"),
		ROW("3\n32 0 0 0\n6 0 0 0\n", "do not come out even"),
		ROW("32 0 0 0\n6 0 0 x\n", "x:2: a number is wanted"),
		ROW("32 0 0 0\n6 0 0 12a\n", "x:2: not a number"),
		ROW("6 0 0 4294967296\n", "x:1: a number has more than 32 bits"),
		ROW("6 0 256 0\n", "x:1: a conditional jump"),
		ROW("65536 0 0 0\n", "code has more than 16 bits"),
		ROW("21 5 5 0\n6 0 0 0\n", "filter instruction 0 is not valid (code 0x15, jumps 5 and 5"),
		ROW("32 0 0 0\n", "does not end in a return"),
		ROW("32 0 0 64\n6 0 0 0\n", "instruction 0"),
		ROW("\6\0\0\0\0\0\0", "7 bytes are no whole number"),
		ROW("0x", "not a number"),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(subject) subject = SUBJECT_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(bpf_read("x", rows[i].text, rows[i].len, &subject, &e), -1);
		if (!strstr(e.text, rows[i].error))
			fail_msg("row %zu: %s", i, e.text);
		assert_int_equal(subject.n_filters, 0);
	}
}

static void four_thousand_instructions_are_the_limit(void **state)
{
	const size_t most = BPF_MAXINSNS;
	OWN_MEM struct sock_filter *long_one = mem_alloc((most + 1) * sizeof(*long_one));
	OWN(subject) subject = SUBJECT_NONE;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i <= most; i++)
		long_one[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	assert_int_equal(bpf_read("x", (const char *)long_one, most * 8, &subject, &e), 0);
	assert_int_equal(bpf_read("x", (const char *)long_one, (most + 1) * 8, &subject, &e), -1);
	assert_non_null(strstr(e.text, "4096"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_is_the_same_program),
		cmocka_unit_test(what_the_kernel_would_refuse_is_refused_with_its_place),
		cmocka_unit_test(four_thousand_instructions_are_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
