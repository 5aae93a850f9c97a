/* format/bpf_write: the bytes are the filter, and the listing is of that filter. */
#include "format/bpf_write.h"

#include <stdlib.h>

#include "boxes.h"
#include "../model/filter_sets.h"

static void the_bytes_are_a_filter_without_a_listener(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(near_policies); i++) {
		struct boxed *const made = boxed_builtin("bpf", near_policies[i]);
		const struct sock_filter *const program = (const void *)made->text.out.at;
		const size_t n = made->text.out.len / sizeof(*program);
		struct program back;
		struct err e = ERR_INIT;
		uint64_t seed = 0x62706600 + i;

		assert_int_equal(made->text.out.len % sizeof(*program), 0);
		assert_int_equal(filter_check(program, n, &e), 0);
		assert_false(filter_notifies(program, n));
		memcpy(back.insns, program, n * sizeof(*program));
		back.n = n;
		for (size_t k = 0; k < 20000; k++) {
			uint64_t args[6];
			uint32_t nr;

			near_call(&made->sets, &nr, args, &seed);
			assert_int_equal(answer(&back, nr, args), near_answer(&made->sets, nr, args));
		}
		boxed_free(made);
	}
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		n++;
	return n;
}

static void the_listing_names_calls_values_and_lines(void **state)
{
	static const char *const says[] = {
		"jeq   0xc000003e (x86_64)", "# ioctl (16), from line 5 (policy)", "jeq   0x5401 (TCGETS)",
		"ret   errno ENOTTY", "ret   kill", "ret   allow", "jge   1073741824",
		"ld    arg1.low", "# socket (41), from line 6 (policy)\n",
	};
	struct boxed *const made = boxed_text(
		"bpf-text", "version: 1\nsyscalls:\n  default: errno\n  rules:\n"
			    "    - {call: ioctl, when: {arg1: [TCGETS, FIONBIO]}}\n"
			    "    - {call: socket, action: allow}\n"
			    "    - {call: ioctl, action: errno, errno: ENOTTY}\n"
			    "  allow: [execve]\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(says); i++)
		if (!strstr(boxed_out(made), says[i]))
			fail_msg("'%s' is missing in\n%s", says[i], boxed_out(made));
	assert_int_equal(count(boxed_out(made), "\n"),
			 made->box.n + count(boxed_out(made), "# "));
	boxed_free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_are_a_filter_without_a_listener),
		cmocka_unit_test(the_listing_names_calls_values_and_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
