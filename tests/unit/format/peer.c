/* format/peer: the table of formats and the notes they leave. */
#include "format/peer.h"

#include <stdio.h>
#include <stdlib.h>

#include "boxes.h"
#include "cmd/command.h"

static void the_option_lists_the_formats_of_the_table(void **state)
{
	OWN(str) names = STR_NONE;
	const struct opt *option = command_compile.options;

	(void)state;
	for (size_t i = 0; peer_at(i); i++) {
		str_addf(&names, "%s%s", i ? "|" : "", peer_at(i)->name);
		assert_ptr_equal(peer_find(peer_at(i)->name), peer_at(i));
	}
	while (!option->name || strcmp(option->name, "to") != 0)
		option++;
	assert_string_equal(option->words, str_text(&names));
	assert_null(peer_find("oc"));
	assert_null(peer_find(""));
}

static void what_is_wider_is_said_first_and_on_one_line(void **state)
{
	struct peer_text text = PEER_TEXT_NONE;
	OWN(str) out = STR_NONE;

	(void)state;
	peer_note(&text, false, "one %s", "a\nb\x1b[31m");
	peer_note(&text, true, "two");
	peer_note(&text, false, "three");
	peer_note(&text, true, "four");
	peer_add_notes(&text, "# ", &out);
	assert_string_equal(str_text(&out), "# wider: two\n# wider: four\n# narrower: one a?b?[31m\n"
					    "# narrower: three\n");
	peer_text_done(&text);
	assert_null(text.notes);
}

/* Each line of a text format is a comment, a directive, an instruction: none begins with what was in a name. */
static void a_source_with_line_breaks_stays_in_its_comment(void **state)
{
	static const char *const formats[] = { "bpf-text", "systemd", "bwrap" };
	static const char policy[] = "version: 1\nsyscalls:\n  allow: [execve]\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct boxed *const made = boxed_write(formats[i], policy, strlen(policy), "x\ntouch pwned\r\x7f",
						       boxed_nothing, false);

		assert_null(strstr(boxed_out(made), "\ntouch"));
		assert_non_null(strstr(boxed_out(made), "x?touch pwned??"));
		boxed_free(made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_option_lists_the_formats_of_the_table),
		cmocka_unit_test(what_is_wider_is_said_first_and_on_one_line),
		cmocka_unit_test(a_source_with_line_breaks_stays_in_its_comment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
