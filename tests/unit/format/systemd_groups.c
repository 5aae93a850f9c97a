/* The groups are those of systemd, where it is installed. */
#include "format/systemd_groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static void a_group_has_members_and_no_blanks_to_spare(void **state)
{
	(void)state;
	assert_null(systemd_group("@none"));
	assert_null(systemd_group("aio"));
	assert_non_null(strstr(systemd_group("@aio"), "io_uring_setup"));
	for (unsigned i = 0; systemd_group_at(i); i++) {
		const char *const members = systemd_group(systemd_group_at(i));

		assert_null(strstr(members, "  "));
		assert_true(*members != ' ' && members[strlen(members) - 1] != ' ');
	}
}

/* What systemd-analyze prints of a group: its name, a comment, its members. */
static void read_group(const char *name, struct str *out)
{
	char command[128], line[256];
	FILE *pipe;

	snprintf(command, sizeof(command), "systemd-analyze --no-pager syscall-filter %s 2>/dev/null", name);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		const char *const word = line + strspn(line, " ");

		line[strcspn(line, "\n")] = '\0';
		if (word != line && *word && *word != '#')
			str_addf(out, "%s%s", out->len ? " " : "", word);
	}
	pclose(pipe);
}

static void groups_are_those_of_the_installed_systemd(void **state)
{
	(void)state;
	if (system("systemd-analyze --version 2>/dev/null | grep -q '^systemd 252 '") != 0) {
		print_message("[  SKIPPED ] systemd 252 is not installed\n");
		skip();
	}
	for (unsigned i = 0; systemd_group_at(i); i++) {
		OWN(str) out = STR_NONE;

		read_group(systemd_group_at(i), &out);
		assert_string_equal(systemd_group(systemd_group_at(i)), str_text(&out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_has_members_and_no_blanks_to_spare),
		cmocka_unit_test(groups_are_those_of_the_installed_systemd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
