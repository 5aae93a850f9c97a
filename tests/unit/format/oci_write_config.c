/* format/oci_write_config: config.json says what the policy says. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "boxes.h"
#include "format/oci_write.h"

static const char policy[] =
	"version: 1\nlimits: {memory: 128M, swap: 64M, pids: 7, cpus: 1.5, wall: 90s, cpu: 2500ms, files: 64}\n"
	"network: none\ncwd: /out\nfiles:\n  - {write: \"/srv/o\\\"ut\", as: /out}\n  - {exec: /srv/t, as: /out/t}\n"
	"  - {scratch: /tmp, size: 1M}\nenv: {keep: [LANG], set: {WHO: \"a\\\\b\"}}\n"
	"identity: {uid: 77}\nsyscalls:\n  default: errno\n  allow: [execve, wait4]\n";

static json_t *at(json_t *root, const char *path)
{
	char text[128];
	char *rest = NULL;

	snprintf(text, sizeof(text), "%s", path);
	for (char *key = strtok_r(text, ".", &rest); key; key = strtok_r(NULL, ".", &rest))
		root = *key >= '0' && *key <= '9' ? json_array_get(root, strtoul(key, NULL, 10)) :
						    json_object_get(root, key);
	return root;
}

static void every_part_of_the_policy_is_in_it(void **state)
{
	static const struct { const char *path; long long n; } numbers[] = {
		{ "process.user.uid", 77 }, { "process.user.gid", 1000 }, { "linux.resources.memory.limit", 128 << 20 },
		{ "linux.resources.memory.swap", 192 << 20 }, { "linux.resources.pids.limit", 7 },
		{ "linux.resources.cpu.quota", 150000 }, { "process.rlimits.0.hard", 64 },
		{ "process.rlimits.1.hard", 3 }, { "linux.seccomp.defaultErrnoRet", 38 },
	};
	static const struct { const char *path, *text; } texts[] = {
		{ "process.args.1", "it's" }, { "process.cwd", "/out" }, { "process.env.0", "WHO=a\\b" },
		{ "mounts.3.destination", "/out" }, { "mounts.3.source", "/srv/o\"ut" },
		{ "mounts.3.options.3", "rw" }, { "mounts.3.options.4", "noexec" },
		{ "mounts.4.destination", "/out/t" }, { "mounts.4.options.3", "ro" },
		{ "mounts.5.destination", "/tmp" }, { "mounts.5.options.3", "size=1048576" },
		{ "linux.namespaces.5.type", "network" }, { "linux.seccomp.defaultAction", "SCMP_ACT_ERRNO" },
	};
	static const char *const argv[] = { "prog", "it's", NULL };
	struct boxed *const made = boxed_write("oci-config", policy, strlen(policy), "test", argv, false);
	json_error_t error;
	json_t *const root = json_loads(boxed_out(made), JSON_REJECT_DUPLICATES, &error);

	(void)state;
	assert_non_null(root);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (json_integer_value(at(root, numbers[i].path)) != numbers[i].n)
			fail_msg("%s is not %lld in\n%s", numbers[i].path, numbers[i].n, boxed_out(made));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *const text = json_string_value(at(root, texts[i].path));

		if (!text || strcmp(text, texts[i].text) != 0)
			fail_msg("%s is not '%s' in\n%s", texts[i].path, texts[i].text, boxed_out(made));
	}
	assert_true(json_is_true(at(root, "process.noNewPrivileges")));
	assert_true(json_is_true(at(root, "root.readonly")));
	assert_int_equal(json_array_size(at(root, "process.capabilities.bounding")), 0);
	assert_null(at(root, "mounts.4.options.4"));
	assert_true(boxed_has_note(made, true, "user namespace"));
	assert_true(boxed_has_note(made, true, "limits.wall"));
	json_decref(root);
	boxed_free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_of_the_policy_is_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
