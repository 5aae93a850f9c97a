/* Writes a policy as config.json of the OCI runtime specification. Refuses to map ids: whoever runs the
 * container knows which of the host's are free.
 * Source: runtime-spec 1.0.2, config.md and config-linux.md */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "format/oci_parts.h"
#include "format/oci_write.h"
#include "model/policy_grant.h"

#define INSIDE_ID 1000

static void put_words(struct json *out, const char *key, const char *const *words, size_t n)
{
	json_put_array(out, key);
	for (size_t i = 0; i < n; i++)
		json_put_text(out, NULL, words[i]);
	json_put_end(out);
}

static void put_environment(struct json *out, const struct peer_box *box, struct peer_text *text)
{
	json_put_array(out, "env");
	for (size_t i = 0; i < box->policy->n_env; i++) {
		const struct env_rule *const rule = &box->policy->env[i];

		if (rule->value)
			json_put_text(out, NULL, arena_printf(&text->arena, "%s=%s", rule->name, rule->value));
		else
			peer_note(text, false, "variable %s is not kept: this file holds no values of callers",
				  rule->name);
	}
	json_put_end(out);
}

static void put_rlimit(struct json *out, const char *type, uint64_t n)
{
	json_put_object(out, NULL);
	json_put_text(out, "type", type);
	json_put_u64(out, "hard", n);
	json_put_u64(out, "soft", n);
	json_put_end(out);
}

static void put_rlimits(struct json *out, const struct policy *policy)
{
	static const struct { enum policy_key key; const char *type; uint64_t per; } rows[] = {
		{ KEY_FILES, "RLIMIT_NOFILE", 1 }, { KEY_FSIZE, "RLIMIT_FSIZE", 1 },
		{ KEY_STACK, "RLIMIT_STACK", 1 }, { KEY_CPU, "RLIMIT_CPU", 1000 },
	};

	json_put_array(out, "rlimits");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (policy->values[rows[i].key].set)
			put_rlimit(out, rows[i].type,
				   (policy_n(policy, rows[i].key) + rows[i].per - 1) / rows[i].per);
	put_rlimit(out, "RLIMIT_CORE", 0);
	put_rlimit(out, "RLIMIT_MEMLOCK", 64 << 10);
	put_rlimit(out, "RLIMIT_MSGQUEUE", 0);
	json_put_end(out);
}

static void put_process(struct json *out, const struct peer_box *box, struct peer_text *text)
{
	static const char *const sets[] = { "bounding", "effective", "permitted", "inheritable", "ambient" };
	static const char *const shell[] = { "/bin/sh" };
	const struct policy *const policy = box->policy;
	const char *const cwd = policy_text(policy, KEY_CWD);
	size_t n = 0;

	while (box->argv[n])
		n++;
	json_put_object(out, "process");
	json_put_bool(out, "terminal", false);
	json_put_object(out, "user");
	json_put_u64(out, "uid", policy_n(policy, KEY_UID) ? policy_n(policy, KEY_UID) : INSIDE_ID);
	json_put_u64(out, "gid", policy_n(policy, KEY_GID) ? policy_n(policy, KEY_GID) : INSIDE_ID);
	json_put_end(out);
	put_words(out, "args", n ? box->argv : shell, n ? n : 1);
	put_environment(out, box, text);
	json_put_text(out, "cwd", cwd ? cwd : "/");
	json_put_object(out, "capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		put_words(out, sets[i], NULL, 0);
	json_put_end(out);
	put_rlimits(out, policy);
	json_put_bool(out, "noNewPrivileges", true);
	json_put_end(out);
}

static void put_mount(struct json *out, const char *at, const char *type, const char *source,
		      const char *const *options, size_t n)
{
	json_put_line(out);
	json_put_object(out, NULL);
	json_put_text(out, "destination", at);
	json_put_text(out, "type", type);
	json_put_text(out, "source", source);
	put_words(out, "options", options, n);
	json_put_end(out);
}

static void put_bind(struct json *out, const char *what, const char *as, bool is_written, bool runs)
{
	const char *const options[] = { "rbind", "nosuid", "nodev", is_written ? "rw" : "ro", "noexec" };

	put_mount(out, as, "bind", what, options, runs ? 4 : 5);
}

static void put_scratch(struct json *out, const struct peer_box *box, struct peer_text *text,
			const struct grant *grant)
{
	const char *const options[] = {
		"nosuid", "nodev", "mode=1777",
		arena_printf(&text->arena, "size=%" PRIu64, policy_scratch_bytes(box->policy, grant)),
		arena_printf(&text->arena, "nr_inodes=%" PRIu64, policy_scratch_inodes(box->policy, grant)),
		"noexec",
	};

	put_mount(out, grant->as, "tmpfs", "tmpfs", options, grant->may_exec ? 5 : 6);
}

static void put_grant(struct json *out, const struct peer_box *box, struct peer_text *text,
		      const struct grant *grant)
{
	if (grant->kind == GRANT_SCRATCH) {
		put_scratch(out, box, text, grant);
	} else if (grant->kind == GRANT_READ && strcmp(grant->what, "image") == 0) {
		peer_note(text, false, "the image is not shown: let root.path name it");
	} else if (grant->kind == GRANT_READ && strcmp(grant->what, "host") == 0) {
		for (const char *const *tree = box->host.trees; *tree; tree++)
			put_bind(out, *tree, *tree, false, true);
		peer_note(text, false, "a mount is not optional here: take out those that the host has not");
	} else {
		put_bind(out, grant->what, grant->as, grant->kind == GRANT_WRITE,
			 grant->kind == GRANT_EXEC || grant->may_exec);
	}
}

static void put_mounts(struct json *out, const struct peer_box *box, struct peer_text *text)
{
	static const char *const proc[] = { "nosuid", "noexec", "nodev" };
	static const char *const dev[] = { "nosuid", "noexec", "mode=755", "size=65536k" };
	static const char *const shm[] = { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" };

	json_put_array(out, "mounts");
	put_mount(out, "/proc", "proc", "proc", proc, ARRAY_SIZE(proc));
	put_mount(out, "/dev", "tmpfs", "tmpfs", dev, ARRAY_SIZE(dev));
	put_mount(out, "/dev/shm", "tmpfs", "shm", shm, ARRAY_SIZE(shm));
	for (const struct grant *grant = NULL; (grant = policy_grant_after(box->policy, grant)) != NULL;)
		put_grant(out, box, text, grant);
	json_put_end(out);
	if (policy_n(box->policy, KEY_PROC) == PROC_NONE)
		peer_note(text, true, "there is a /proc: the runtimes need one");
}

static void put_namespaces(struct json *out, const struct policy *policy)
{
	static const char *const kinds[] = { "pid", "ipc", "uts", "mount", "cgroup", "network" };
	const size_t n = ARRAY_SIZE(kinds) - (policy_n(policy, KEY_NETWORK) != NETWORK_NONE);

	json_put_array(out, "namespaces");
	for (size_t i = 0; i < n; i++) {
		json_put_object(out, NULL);
		json_put_text(out, "type", kinds[i]);
		json_put_end(out);
	}
	json_put_end(out);
}

static void put_resources(struct json *out, const struct policy *policy)
{
	const uint64_t memory = policy_n(policy, KEY_MEMORY);

	json_put_object(out, "resources");
	if (policy->values[KEY_MEMORY].set) {
		json_put_object(out, "memory");
		json_put_u64(out, "limit", memory);
		/* Memory and swap in one number here. */
		if (policy->values[KEY_SWAP].set)
			json_put_u64(out, "swap", memory + policy_n(policy, KEY_SWAP));
		json_put_end(out);
	}
	if (policy->values[KEY_PIDS].set) {
		json_put_object(out, "pids");
		json_put_u64(out, "limit", policy_n(policy, KEY_PIDS));
		json_put_end(out);
	}
	if (policy->values[KEY_CPUS].set) {
		json_put_object(out, "cpu");
		json_put_u64(out, "quota", policy_n(policy, KEY_CPUS) * 100);
		json_put_u64(out, "period", 100000);
		json_put_end(out);
	}
	json_put_end(out);
}

static int put_linux(struct json *out, const struct peer_box *box, struct peer_text *text, struct err *e)
{
	static const char *const masked[] = { "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
					      "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
					      "/proc/scsi", "/sys/firmware" };
	static const char *const fixed[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
					     "/proc/sysrq-trigger" };

	json_put_object(out, "linux");
	put_namespaces(out, box->policy);
	put_resources(out, box->policy);
	put_words(out, "maskedPaths", masked, ARRAY_SIZE(masked));
	put_words(out, "readonlyPaths", fixed, ARRAY_SIZE(fixed));
	if (oci_put_seccomp(out, "seccomp", box, text, e) < 0)
		return -1;
	json_put_end(out);
	return 0;
}

static void note_rest(const struct peer_box *box, struct peer_text *text)
{
	const struct policy *const policy = box->policy;

	peer_note(text, true, "no user namespace: ids inside are the host's, unless the engine maps them");
	peer_note(text, true, "no Landlock, no speculation controls, no core scheduling");
	if (policy->values[KEY_CPU].set)
		peer_note(text, true, "limits.cpu counts each process by itself");
	if (policy->values[KEY_WALL].set || policy->values[KEY_OUTPUT].set)
		peer_note(text, true, "limits.wall and limits.output are not held: put timeout(1) around it");
	if (policy->ports_listed)
		peer_note(text, true, "network.connect and network.bind are not held");
}

int oci_write_config(const struct peer_box *box, struct peer_text *text, struct err *e)
{
	const char *const name = policy_text(box->policy, KEY_HOSTNAME);
	OWN(json) json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "ociVersion", "1.0.2");
	put_process(&json, box, text);
	json_put_object(&json, "root");
	json_put_text(&json, "path", "rootfs");
	json_put_bool(&json, "readonly", true);
	json_put_end(&json);
	json_put_text(&json, "hostname", name ? name : "box");
	put_mounts(&json, box, text);
	if (put_linux(&json, box, text, e) < 0)
		return -1;
	json_put_end(&json);
	json_put_line(&json);
	str_add_bytes(&text->out, json.out.at, json.out.len);
	note_rest(box, text);
	return 0;
}
