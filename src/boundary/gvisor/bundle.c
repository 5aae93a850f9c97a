/* Writes config.json. Refuses to leave anything to runsc's defaults that ward decides: /tmp, the limits of a process,
 * who the program is.
 * Source: runtime-spec 1.0.2, config.md; gVisor runsc/boot/vfs.go, what is mounted unasked */
#include "boundary/gvisor/bundle.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "model/policy_grant.h"

#define INSIDE_ID 1000
#define BUNDLE_BYTES (768u << 10) /* of the plan's 1 MiB */

static bool is_view(const struct grant *grant)
{
	return grant->kind == GRANT_READ && (strcmp(grant->what, "host") == 0 || strcmp(grant->what, "image") == 0);
}

static bool writes(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_grants; i++)
		if (policy->grants[i].kind == GRANT_WRITE)
			return true;
	return false;
}

uint64_t bundle_user(const struct policy *policy, bool groups)
{
	const uint64_t named = policy_n(policy, groups ? KEY_GID : KEY_UID);

	if (writes(policy))
		return 0;
	return named ? named : INSIDE_ID;
}

static void put_words(struct json *out, const char *key, const char *const *words)
{
	json_put_array(out, key);
	for (; words && *words; words++)
		json_put_text(out, NULL, *words);
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

/* Limits of each process, as the kernel in user space keeps them; those of the box are the cgroup's. */
static void put_rlimits(struct json *out, const struct policy *policy)
{
	static const struct {
		enum policy_key key;
		const char *type;
	} rows[] = {
		{ KEY_FILES, "RLIMIT_NOFILE" }, { KEY_FSIZE, "RLIMIT_FSIZE" }, { KEY_STACK, "RLIMIT_STACK" },
	};

	json_put_array(out, "rlimits");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (policy->values[rows[i].key].set)
			put_rlimit(out, rows[i].type, policy_n(policy, rows[i].key));
	put_rlimit(out, "RLIMIT_CORE", 0);
	put_rlimit(out, "RLIMIT_MEMLOCK", 64 << 10);
	put_rlimit(out, "RLIMIT_MSGQUEUE", 0);
	json_put_end(out);
}

static void put_process(struct json *out, const struct rung *rung)
{
	static const char *const sets[] = { "bounding", "effective", "permitted", "inheritable", "ambient" };
	const char *const cwd = policy_text(rung->policy, KEY_CWD);

	json_put_object(out, "process");
	json_put_bool(out, "terminal", rung->payload->pty);
	json_put_object(out, "user");
	json_put_u64(out, "uid", bundle_user(rung->policy, false));
	json_put_u64(out, "gid", bundle_user(rung->policy, true));
	json_put_end(out);
	put_words(out, "args", rung->payload->argv);
	put_words(out, "env", rung->payload->envp);
	json_put_text(out, "cwd", cwd ? cwd : "/");
	json_put_object(out, "capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		put_words(out, sets[i], NULL);
	json_put_end(out);
	put_rlimits(out, rung->policy);
	json_put_bool(out, "noNewPrivileges", true);
	json_put_end(out);
}

static void put_mount(struct json *out, const char *at, const char *type, const char *source, const char *const *options)
{
	json_put_line(out);
	json_put_object(out, NULL);
	json_put_text(out, "destination", at);
	json_put_text(out, "type", type);
	json_put_text(out, "source", source);
	put_words(out, "options", options);
	json_put_end(out);
}

/* Memory of the sandbox, and so of the box's cgroup. */
static void put_tmpfs(struct json *out, const struct rung *rung, const char *at, uint64_t bytes, bool may_exec)
{
	OWN(str) words = STR_NONE;
	OWN(str) user = STR_NONE;
	OWN(str) group = STR_NONE;
	const char *options[] = { "nosuid", "nodev", "mode=700", NULL, NULL, NULL, "noexec", NULL };

	str_addf(&words, "size=%" PRIu64, bytes);
	str_addf(&user, "uid=%" PRIu64, bundle_user(rung->policy, false));
	str_addf(&group, "gid=%" PRIu64, bundle_user(rung->policy, true));
	options[3] = str_text(&words);
	options[4] = str_text(&user);
	options[5] = str_text(&group);
	if (may_exec)
		options[6] = NULL;
	put_mount(out, at, "tmpfs", "tmpfs", options);
}

static void put_grant(struct json *out, const struct rung *rung, const struct grant *grant, struct str *source)
{
	const bool runs = grant->kind == GRANT_EXEC || grant->may_exec;
	const char *options[] = { "rbind", "nosuid", "nodev", grant->kind == GRANT_WRITE ? "rw" : "ro",
				  runs ? NULL : "noexec", NULL };

	if (grant->kind == GRANT_SCRATCH) {
		put_tmpfs(out, rung, grant->as, policy_scratch_bytes(rung->policy, grant), grant->may_exec);
		return;
	}
	source->len = 0;
	str_add(source, BUNDLE_ROOT);
	str_add(source, grant->as);
	put_mount(out, grant->as, "bind", str_text(source), options);
}

static bool grants_place(const struct policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->n_grants; i++)
		if (!is_view(&policy->grants[i]) && strcmp(policy->grants[i].as, path) == 0)
			return true;
	return false;
}

static int put_mounts(struct json *out, const struct rung *rung, struct err *e)
{
	static const char *const sealed[] = { "ro", "nosuid", "nodev", "noexec", "size=4096", NULL };
	static const char *const kernel[] = { "nosuid", "nodev", "noexec", NULL };
	OWN(str) source = STR_NONE;
	bool has_scratch = false;
	size_t n = 0;

	json_put_array(out, "mounts");
	put_mount(out, "/proc", "proc", "proc", kernel);
	for (const struct grant *grant = NULL; (grant = policy_grant_after(rung->policy, grant)) != NULL;) {
		if (is_view(grant))
			continue;
		if (++n > BUNDLE_MOUNTS)
			return err_set(e, ERR_LIMIT, "gVisor makes a mount of each grant, and %d are the most; grant the "
				       "directories above", BUNDLE_MOUNTS);
		has_scratch |= grant->kind == GRANT_SCRATCH;
		put_grant(out, rung, grant, &source);
	}
	if (has_scratch)
		put_tmpfs(out, rung, "/dev/shm", policy_n(rung->policy, KEY_DISK), false);
	/* Unasked, runsc makes /tmp writable and bounded by nothing. */
	if (!grants_place(rung->policy, "/tmp"))
		put_mount(out, "/tmp", "tmpfs", "tmpfs", sealed);
	json_put_end(out);
	return 0;
}

static int put_linux(struct json *out, const struct policy *policy, struct err *e)
{
	static const char *const kinds[] = { "pid", "network", "ipc", "uts", "mount" };

	json_put_object(out, "linux");
	json_put_array(out, "namespaces");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		json_put_object(out, NULL);
		json_put_text(out, "type", kinds[i]);
		json_put_end(out);
	}
	json_put_end(out);
	if (bundle_put_calls(out, policy, e) < 0)
		return -1;
	json_put_end(out);
	return 0;
}

/* JSON has no other bytes than those of Unicode, and what is replaced is not what was said. */
static int check_words(const char *const *words, const char *kind, struct err *e)
{
	for (; *words; words++)
		if (!str_is_utf8(*words, strlen(*words)))
			return err_set(e, ERR_UNSUPPORTED, "%s holds bytes that are not UTF-8, which gVisor cannot be "
				       "told; put them into a file", kind);
	return 0;
}

int bundle_write(const struct rung *rung, struct str *out, struct err *e)
{
	const char *const name = policy_text(rung->policy, KEY_HOSTNAME);
	OWN(json) json = JSON_NONE;

	if (check_words(rung->payload->argv, "an argument", e) < 0 || check_words(rung->payload->envp, "the environment", e) < 0)
		return -1;
	json_put_object(&json, NULL);
	json_put_text(&json, "ociVersion", "1.0.2");
	put_process(&json, rung);
	json_put_object(&json, "root");
	json_put_text(&json, "path", BUNDLE_ROOT);
	/* It is, and locked, as ward mounted it; runsc would mount it anew without nosuid and nodev, which are locked too. */
	json_put_bool(&json, "readonly", false);
	json_put_end(&json);
	json_put_text(&json, "hostname", name ? name : "box");
	if (put_mounts(&json, rung, e) < 0 || put_linux(&json, rung->policy, e) < 0)
		return -1;
	json_put_end(&json);
	json_put_line(&json);
	if (json.out.cut || json.out.len > BUNDLE_BYTES)
		return err_set(e, ERR_LIMIT, "arguments, environment and grants are %zu bytes of configuration, more than gVisor's "
			       "%u", json.out.len, BUNDLE_BYTES);
	str_add_bytes(out, json.out.at, json.out.len);
	return 0;
}
