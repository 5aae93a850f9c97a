/* serve/config: what is in the file is what the service does; what is not known is refused where it stands. */
#include "serve/config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static void read_good(const char *text, struct config *config)
{
	struct err e = ERR_INIT;

	if (config_read("test", text, strlen(text), config, &e) < 0)
		fail_msg("%s", e.text);
}

static void a_file_may_say_nothing_but_its_version(void **state)
{
	OWN(config) config = CONFIG_NONE;

	(void)state;
	read_good("version: 1\n", &config);
	for (unsigned id = 0; id < CONFIG_VALUES; id++)
		assert_null(config.values[id].text);
	assert_int_equal(config_number(&config, CONFIG_BOXES, 64), 64);
	assert_null(config_runtime(&config, "python"));
}

static void values_have_their_units(void **state)
{
	OWN(config) config = CONFIG_NONE;

	(void)state;
	read_good("version: 1\nlisten: unix:front\nbehind_proxy: true\nlimits: {wall: 1.5s, memory: 64M}\nceilings: {cpus: 0.5}\n"
		  "hosts: [a.example, b.example]\nruntimes:\n  python: {warm: 5, run: python3 -I @}\n  exec: {enabled: false}\n  bash: {image: tools}\n",
		  &config);
	assert_string_equal(config.values[CONFIG_LISTEN].text, "unix:front");
	assert_int_equal(config_number(&config, CONFIG_PROXY, 0), 1);
	assert_int_equal(config_number(&config, CONFIG_LIMIT_WALL, 0), 1500);
	assert_int_equal(config_number(&config, CONFIG_LIMIT_MEMORY, 0), 64 << 20);
	assert_int_equal(config_number(&config, CONFIG_CEILING_CPUS, 0), 500);
	assert_int_equal(config.lists[CONFIG_LIST_HOSTS].n, 2);
	assert_string_equal(config.lists[CONFIG_LIST_HOSTS].items[1], "b.example");
	assert_int_equal(config_runtime(&config, "python")->warm, 5);
	assert_string_equal(config_runtime(&config, "python")->run, "python3 -I @");
	assert_string_equal(config_runtime(&config, "bash")->image, "tools");
	assert_true(config_runtime(&config, "exec")->is_off && !config_runtime(&config, "python")->is_off);
}

static void what_is_wrong_is_named_where_it_stands(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ "listen: unix:x\n", "no version" },
		{ "version: 2\n", "test:1:10: " },
		{ "version: 1\nlimit: {wall: 1s}\n", "test:2:1: unknown key 'limit' (did you mean 'limits'?)" },
		{ "version: 1\nlimits: {wal: 1s}\n", "test:2:10: unknown key 'wal' in limits (did you mean 'wall'?)" },
		{ "version: 1\nlimits: {wall: 1}\n", "test:2:16: " },
		{ "version: 1\nlimits: {wall: 2h}\n", "test:2:16: " },
		{ "version: 1\nlimits: 5\n", "test:2:9: " },
		{ "version: 1\nboxes: {most: 0}\n", "test:2:15: " },
		{ "version: 1\nbehind_proxy: maybe\n", "test:2:15: " },
		{ "version: 1\nlisten: ''\n", "test:2:9: listen is empty" },
		{ "version: 1\nlisten: 5\n", "test:2:9: 5 is no address" },
		{ "version: 1\nmetrics: {listen: localhost:1}\n", "test:2:19: localhost:1 is no address" },
		{ "version: 1\nboxs: {most: 1}\n", "test:2:1: unknown key 'boxs'" },
		{ "version: 1\nceilings: {wall: 1s}\nlimits: {wall: 2s}\n", "test:3:16: limits.wall is above ceilings.wall" },
		{ "version: 1\nlisten: a\nlisten: b\n", "test:3:1: " },
		{ "version: 1\nhosts: one\n", "test:2:8: " },
		{ "version: 1\nhosts: [a, b, c, d, e, f, g, h, i]\n", "test:2:33: hosts has 1 to 8 texts" },
		{ "version: 1\nruntimes: {pyton: {warm: 1}}\n", "test:2:12: unknown key 'pyton' in runtimes (did you mean 'python'?)" },
		{ "version: 1\nruntimes: {python: {wram: 1}}\n", "(did you mean 'warm'?)" },
		{ "version: 1\nruntimes: {exec: {run: ls}}\n", "exec runs what a job's steps say" },
		{ "version: 1\nruntimes: {js: {run: ls}}\n", "js is run by an engine" },
		{ "version: 1\nruntimes: {js: {image: tools}}\n", "js is run by an engine" },
		{ "version: 1\nruntimes: {bash: {image: ../tools}}\n", "image wants a name" },
		{ "version: 1\nruntimes: {bash: {image: '/a\"b'}}\n", "image wants a name" },
		{ "version: 1\nruntimes: {bash: {main: ../x}}\n", "main wants a file's name" },
		{ "version: 1\nruntimes: {bash: {run: a b c d e f g h i j k l m n o p}}\n", "run wants 1 to 15 words" },
		{ "version: 1\nlimits: {wall: 20s}\nceilings: {wall: 10s}\n", "limits.wall is above ceilings.wall" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN(config) config = CONFIG_NONE;
		struct err e = ERR_INIT;

		assert_int_equal(config_read("test", rows[i].text, strlen(rows[i].text), &config, &e), -1);
		if (!strstr(e.text, rows[i].wanted))
			fail_msg("%s: %s", rows[i].text, e.text);
		assert_null(config.arena.blocks);
	}
}

/* The example is the documentation: it has every key, and is sound. */
static void the_example_has_every_key(void **state)
{
	OWN(config) config = CONFIG_NONE;
	OWN_FD int fd = open("doc/ward-serve.yml", O_RDONLY | O_CLOEXEC);
	OWN_MEM char *text = NULL;
	struct err e = ERR_INIT;
	size_t len;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fd_read_file(fd, "doc/ward-serve.yml", 1 << 20, &text, &len, &e), 0);
	if (config_read("doc/ward-serve.yml", text, len, &config, &e) < 0)
		fail_msg("%s", e.text);
	for (unsigned id = 0; id < CONFIG_VALUES; id++)
		if (!config.values[id].text)
			fail_msg("%s is not in the example", config_value_row((enum config_id)id)->path);
	for (unsigned id = 0; id < CONFIG_LISTS; id++)
		assert_true(config.lists[id].n > 0 && config_list_row((enum config_list_id)id)->most <= CONFIG_LIST_MAX);
	assert_true(config.n_runtimes > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_may_say_nothing_but_its_version),
		cmocka_unit_test(values_have_their_units),
		cmocka_unit_test(what_is_wrong_is_named_where_it_stands),
		cmocka_unit_test(the_example_has_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
