/* A key goes where it is safe, and comes from where nobody else can read it. */
#include "remote/setting.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY "wk_ABCDEFGH_secret"

static int read_url(const char *url, struct setting *out, struct err *e)
{
	return setting_read(&(struct setting_words){ .url = url, .key = KEY }, out, e);
}

static void this_machine_and_https_are_talked_to(void **state)
{
	static const struct {
		const char *url, *kept;
		bool is_near;
	} rows[] = {
		{ NULL, SETTING_URL, true },
		{ "http://127.0.0.1:80/", "http://127.0.0.1:80", true },
		{ "http://127.9.8.7", "http://127.9.8.7", true },
		{ "http://[::1]:8086", "http://[::1]:8086", true },
		{ "http://localhost:1", "http://localhost:1", true },
		{ "https://ward.example", "https://ward.example", false },
		{ "unix:/run/ward.sock", "http://localhost", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(setting) setting = SETTING_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(read_url(rows[i].url, &setting, &e), 0);
		assert_string_equal(setting.url, rows[i].kept);
		assert_int_equal(setting.is_near, rows[i].is_near);
		assert_string_equal(setting.key, KEY);
	}
}

static void other_addresses_are_refused(void **state)
{
	static const struct {
		const char *url;
		enum err_kind kind;
	} rows[] = {
		{ "http://192.0.2.1", ERR_DENIED },         { "http://127.0.0.1.example", ERR_DENIED },
		{ "http://[::2]:80", ERR_DENIED },          { "http://localhost.example", ERR_DENIED },
		{ "http://a@127.0.0.1", ERR_USAGE },        { "http://127.0.0.1/v1", ERR_USAGE },
		{ "http://127.0.0.1//", ERR_USAGE },        { "http://", ERR_USAGE },
		{ "file:///etc/passwd", ERR_USAGE },        { "unix:", ERR_USAGE },
		{ "", ERR_USAGE },                          { "https://a b", ERR_USAGE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct setting setting;
		struct err e = ERR_INIT;

		assert_int_equal(read_url(rows[i].url, &setting, &e), -1);
		assert_int_equal(e.kind, rows[i].kind);
	}
}

static void put(const char *path, const char *text, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void a_key_file_is_its_owners_alone(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		int result;
	} rows[] = {
		{ KEY "\n", 0600, 0 },      { KEY, 0400, 0 },             { KEY, 0640, -1 }, { KEY, 0604, -1 },
		{ "\n" KEY, 0600, -1 },     { "wk_ bad key", 0600, -1 },  { "", 0600, -1 },
	};
	char place[] = "/tmp/ward-key-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(place));
	snprintf(path, sizeof(path), "%s/key", place);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(setting) setting = SETTING_NONE;
		struct err e = ERR_INIT;

		unlink(path);
		put(path, rows[i].text, rows[i].mode);
		assert_int_equal(setting_read(&(struct setting_words){ .config = place }, &setting, &e), rows[i].result);
		if (rows[i].result == 0)
			assert_string_equal(setting.key, KEY);
	}
	unlink(path);
	rmdir(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_machine_and_https_are_talked_to),
		cmocka_unit_test(other_addresses_are_refused),
		cmocka_unit_test(a_key_file_is_its_owners_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
