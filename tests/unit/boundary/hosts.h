/* Hosts by hand, a file system that is a table, and golden files: what the tests of boundaries and of
 * plans share. Include it behind cmocka.h. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "boundary/boundary.h"

#define HOST_ALL_LIMITS ((1u << PLAN_LIMITS) - 1)

/* Root on a modern machine: everything can be had. The others are this one with less. */
static inline struct host host_root_v2(void)
{
	return (struct host){
		.kernel = 0x060800, .landlock_abi = 6, .box_id = 2000123, .root = true, .may_setuid = true,
		.userns = true, .seccomp_notify = true, .core_sched = true, .smt = true, .mdwe = true,
		.spec_store = true, .spec_branch = true, .timens = true, .cgroupns = true, .idmap = true,
		.cgroup = HOST_CGROUP_V2, .cgroup_limits = HOST_ALL_LIMITS, .tasks = 40, .engine_libs = "",
		.engine = "/usr/libexec/ward/ward-v8", .runsc = "/usr/bin/runsc", .runsc_jailer = "/usr/libexec/ward/ward-runsc",
	};
}

static inline struct host host_root_v1(void)
{
	struct host host = host_root_v2();

	host.kernel = 0x050f00;
	host.landlock_abi = 1;
	host.cgroup = HOST_CGROUP_V1;
	host.mdwe = host.core_sched = host.smt = false;
	return host;
}

static inline struct host host_user_v2(void)
{
	struct host host = host_root_v2();

	host.root = host.may_setuid = false;
	host.uid = 1001;
	host.gid = 1002;
	host.box_id = 0;
	return host;
}

static inline struct host host_user(void)
{
	struct host host = host_user_v2();

	host.cgroup = HOST_CGROUP_NONE;
	host.cgroup_limits = 0;
	strcpy(host.cgroup_why, "this user owns no cgroup");
	return host;
}

static inline struct host host_old_landlock(void)
{
	struct host host = host_root_v2();

	host.landlock_abi = 2;
	return host;
}

static inline struct host host_no_landlock(void)
{
	struct host host = host_root_v2();

	host.landlock_abi = 0;
	host.timens = host.seccomp_notify = false;
	return host;
}

/* An ordinary user whom a resident monitor lends its cgroups. */
static inline struct host host_monitor(void)
{
	struct host host = host_user_v2();

	host.monitor = true;
	return host;
}

/* A Debian with a merged /usr, some things to grant, and an image. */
static inline struct path_info host_look(void *at, const char *path)
{
	static const struct {
		const char *path;
		enum path_kind kind;
		const char *link;
	} places[] = {
		{ "/usr", PATH_DIR, "" },         { "/bin", PATH_LINK, "usr/bin" },
		{ "/sbin", PATH_LINK, "usr/sbin" }, { "/lib", PATH_LINK, "usr/lib" },
		{ "/lib64", PATH_LINK, "usr/lib64" }, { "/etc/ld.so.cache", PATH_FILE, "" },
		{ "/etc/alternatives", PATH_DIR, "" },
		{ "/etc/localtime", PATH_LINK, "/usr/share/zoneinfo/Etc/UTC" },
		{ "/dev/null", PATH_DEVICE, "" }, { "/dev/zero", PATH_DEVICE, "" },
		{ "/dev/full", PATH_DEVICE, "" }, { "/dev/random", PATH_DEVICE, "" },
		{ "/dev/urandom", PATH_DEVICE, "" }, { "/srv/data", PATH_DIR, "" },
		{ "/srv/in.txt", PATH_FILE, "" }, { "/srv/tool", PATH_FILE, "" },
		{ "/srv/link", PATH_LINK, "in.txt" }, { "/srv/sock", PATH_DEVICE, "" },
		{ "/img/usr", PATH_DIR, "" },     { "/img/bin", PATH_LINK, "usr/bin" },
		{ "/img/etc", PATH_DIR, "" },     { "/img/opt", PATH_FILE, "" },
		{ "/work", PATH_DIR, "" }, { "/usr/lib64", PATH_DIR, "" }, { "/opt/v8", PATH_DIR, "" },
		{ "/usr/libexec/ward/ward-v8", PATH_FILE, "" }, { "/usr/lib/x86_64-linux-gnu", PATH_DIR, "" },
	};
	struct path_info info = { .kind = PATH_ABSENT };

	(void)at;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!strcmp(places[i].path, path)) {
			info.kind = places[i].kind;
			strcpy(info.link, places[i].link);
		}
	return info;
}

/* A plan in the making. All zero but the NONEs is the empty one. */
struct sketch {
	struct host host;
	struct policy policy;
	struct payload payload;
	struct surroundings around;
	struct rung rung;
	bool pty, observed, tells_sockets, passes_none, is_plugin, is_compiled;
	const char *program_path;       /* NULL: /srv/tool */
};
#define SKETCH_NONE ((struct sketch){ .policy = POLICY_NONE })

static inline void sketch_done(struct sketch *sketch)
{
	plan_free(sketch->rung.plan);
	sketch->rung.plan = NULL;
	rung_done(&sketch->rung);
	policy_done(&sketch->policy);
}

/* A built-in's name, or the text of a policy. */
static inline void sketch_policy(struct sketch *sketch, const char *policy)
{
	struct err e = ERR_INIT;
	const int status = strchr(policy, '\n') ?
		policy_read("test.yaml", policy, strlen(policy), &sketch->policy, &e) :
		policy_read_builtin(policy, &sketch->policy, &e);

	if (status < 0)
		print_error("%s\n", e.text);
	assert_int_equal(status, 0);
}

/* Plans once; sketch_done() before the next time. */
static inline int sketch_plan(struct sketch *sketch, const char *boundary, struct err *e)
{
	static const char *const argv[] = { "/bin/true", "two words", "", NULL };
	static const char *const envp[] = { "PATH=/usr/bin:/bin", "LANG=C", NULL };
	static const int pass[] = { 7 };

	sketch->payload = (struct payload){
		.argv = argv, .envp = envp, .pass_numbers = pass, .n_pass = sketch->passes_none ? 0 : 1, .observed = sketch->observed, .tells_sockets = sketch->tells_sockets,
		.is_plugin = sketch->is_plugin, .is_compiled = sketch->is_compiled, .pty = sketch->pty, .pty_size = sketch->pty ? 24u << 16 | 80 : 0, .program_path = sketch->program_path ? sketch->program_path : "/srv/tool",
	};
	sketch->around = (struct surroundings){ .look = host_look };
	sketch->rung = (struct rung){
		.policy = &sketch->policy, .payload = &sketch->payload, .host = &sketch->host,
		.around = &sketch->around, .plan = plan_new(), .first_fd = (uint16_t)(3 + sketch->payload.n_pass),
	};
	return boundary_find(boundary)->plan(&sketch->rung, e);
}

/* tests/golden/plan/NAME.txt; UPDATE_GOLDEN=1 rewrites it. */
static inline void expect_golden(const char *name, const char *text)
{
	const bool update = getenv("UPDATE_GOLDEN") != NULL;
	static char expected[128 * 1024];
	char path[256];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "tests/golden/plan/%s.txt", name);
	file = fopen(path, update ? "w+" : "r");
	if (!file)
		print_error("%s: cannot be opened\n", path);
	assert_non_null(file);
	if (update) {
		fputs(text, file);
		rewind(file);
	}
	len = fread(expected, 1, sizeof(expected) - 1, file);
	expected[len] = '\0';
	fclose(file);
	if (strcmp(text, expected) != 0)
		print_error("%s differs\n", path);
	assert_string_equal(text, expected);
}

/* A filter is golden elsewhere (tests/golden/filter): here only that it is there. */
static inline void cut_digests(const char *text, struct str *out)
{
	while (*text) {
		const size_t line = strcspn(text, "\n");
		const char *mark = strstr(text, " instructions=");

		if (mark && mark < text + line) {
			const char *flags = strstr(mark, " flags=");

			str_add_bytes(out, text, (size_t)(mark - text));
			if (flags && flags < text + line)
				str_add_bytes(out, flags, (size_t)(text + line - flags));
		} else {
			str_add_bytes(out, text, line);
		}
		str_add(out, "\n");
		text += line + (text[line] == '\n');
	}
}
