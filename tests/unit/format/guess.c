/* A format is told by its first words. */
#include "format/guess.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void bytes_tell_the_format(void **state)
{
	static const struct { const char *text; size_t len; enum subject_kind kind; } rows[] = {
#define ROW(text, kind) { text, sizeof(text) - 1, kind }
		ROW("version: 1\n", SUBJECT_POLICY),
		ROW("# [Service]\nversion: 1\n", SUBJECT_POLICY),
		ROW("{\"version\": 1, \"syscalls\": {}}", SUBJECT_POLICY),
		ROW("{\"version\": 1, \"files\": [{\"linux\": 1}]}", SUBJECT_POLICY),
		ROW("{\"defaultAction\": \"SCMP_ACT_ALLOW\"}", SUBJECT_OCI),
		ROW(" {\"comment\": {\"a\": []}, \"DefaultAction\": \"x\"}", SUBJECT_OCI),
		ROW("{\"ociVersion\": \"1.0\"}", SUBJECT_OCI),
		ROW("[Unit]\n", SUBJECT_SYSTEMD),
		ROW("; a comment\n\n# another\n[Service]\n", SUBJECT_SYSTEMD),
		ROW("[\"a\"]", SUBJECT_POLICY),
		ROW("2\n32 0 0 4\n6 0 0 0\n", SUBJECT_BPF),
		ROW("{ 0x20, 0, 0, 4 },\n", SUBJECT_BPF),
		ROW("\x20\0\0\0\4\0\0\0", SUBJECT_BPF),
		ROW("", SUBJECT_POLICY),
		ROW("{", SUBJECT_POLICY),
		ROW("{\"\": 0, \"ociVersion\": 1}", SUBJECT_OCI),
		ROW("# only a comment", SUBJECT_POLICY),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (guess_kind(rows[i].text, rows[i].len) != rows[i].kind)
			fail_msg("row %zu: %d", i, (int)guess_kind(rows[i].text, rows[i].len));
}

static void formats_have_names(void **state)
{
	(void)state;
	assert_int_equal(guess_named("ward"), SUBJECT_POLICY);
	assert_int_equal(guess_named("oci"), SUBJECT_OCI);
	assert_int_equal(guess_named("systemd"), SUBJECT_SYSTEMD);
	assert_int_equal(guess_named("bpf"), SUBJECT_BPF);
	assert_int_equal(guess_named("pid"), SUBJECT_KINDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_tell_the_format),
		cmocka_unit_test(formats_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
