/* Writes a policy as a call of bubblewrap. Refuses to leave a word of the policy unquoted. */
#include "format/bwrap_write.h"

#include <inttypes.h>
#include <linux/seccomp.h>
#include <string.h>

#include "model/policy_grant.h"
#include "model/syscalls.h"

#define INSIDE_ID 1000
#define BASE64_LINE 76  /* RFC 2045 section 6.8 */

static void add_quoted(struct str *out, const char *text)
{
	str_add(out, "'");
	for (; *text; text++)
		if (*text == '\'')
			str_add(out, "'\\''");
		else
			str_add_bytes(out, text, 1);
	str_add(out, "'");
}

/* RFC 4648 section 4. */
static void add_base64(struct str *out, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t column = 0;

	for (size_t i = 0; i < n; i += 3) {
		const uint32_t second = i + 1 < n ? bytes[i + 1] : 0, third = i + 2 < n ? bytes[i + 2] : 0;
		const uint32_t word = (uint32_t)bytes[i] << 16 | second << 8 | third;
		const char four[] = { digits[word >> 18], digits[word >> 12 & 63],
				      i + 1 < n ? digits[word >> 6 & 63] : '=',
				      i + 2 < n ? digits[word & 63] : '=' };

		str_add_bytes(out, four, sizeof(four));
		column += sizeof(four);
		if (column == BASE64_LINE)
			str_add(out, "\n");
		column %= BASE64_LINE;
	}
	str_add(out, column ? "\n" : "");
}

/* One option with its words, a line of the command. */
static void add_option(struct str *out, const char *option, const char *first, const char *second)
{
	str_addf(out, " \\\n\t%s", option);
	if (first) {
		str_add(out, " ");
		add_quoted(out, first);
	}
	if (second) {
		str_add(out, " ");
		add_quoted(out, second);
	}
}

/* The reaper that bwrap puts in front of the program is under the same filter, and waits. */
static bool can_reap(const struct peer_box *box)
{
	const struct seccomp_data wait = { .nr = syscalls_number("wait4"), .arch = 0xc000003e,
					   .args = { UINT32_MAX } };
	bool is_valid;

	return filter_word_passes(filter_run(box->program, box->n, &wait, &is_valid));
}

static void add_namespaces(const struct peer_box *box, struct peer_text *text)
{
	const struct policy *const policy = box->policy;
	const char *const name = policy_text(policy, KEY_HOSTNAME);
	struct str *const out = &text->out;

	str_add(out, " \\\n\t--die-with-parent --new-session --cap-drop ALL"
		     " \\\n\t--unshare-user --disable-userns --unshare-pid --unshare-ipc --unshare-uts"
		     " --unshare-cgroup-try");
	if (policy_n(policy, KEY_NETWORK) == NETWORK_NONE)
		str_add(out, " --unshare-net");
	if (!can_reap(box))
		str_add(out, " --as-pid-1");
	str_addf(out, " \\\n\t--uid %" PRIu64 " --gid %" PRIu64,
		 policy_n(policy, KEY_UID) ? policy_n(policy, KEY_UID) : INSIDE_ID,
		 policy_n(policy, KEY_GID) ? policy_n(policy, KEY_GID) : INSIDE_ID);
	add_option(out, "--hostname", name ? name : "box", NULL);
}

static void add_scratch(const struct peer_box *box, struct str *out, const struct grant *grant)
{
	str_addf(out, " \\\n\t--perms 1777 --size %" PRIu64 " --tmpfs ",
		 policy_scratch_bytes(box->policy, grant));
	add_quoted(out, grant->as);
}

static void add_host(const struct peer_box *box, struct peer_text *text)
{
	for (const char *const *tree = box->host.trees; *tree; tree++)
		add_option(&text->out, "--ro-bind-try", *tree, *tree);
	for (const char *const *etc = box->host.etc; *etc; etc++)
		add_option(&text->out, "--ro-bind-try", *etc, *etc);
	peer_note(text, false, "/etc/passwd and the other files that ward makes up are not there");
}

static void add_image(const struct peer_box *box, struct peer_text *text)
{
	static const char *const trees[] = { "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32",
					     "/etc", "/opt", "/var", "/srv" };
	OWN(str) path = STR_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		path.len = 0;
		str_addf(&path, "%s%s", policy_text(box->policy, KEY_IMAGE), trees[i]);
		add_option(&text->out, "--ro-bind-try", str_text(&path), trees[i]);
	}
}

static void add_grant(const struct peer_box *box, struct peer_text *text, const struct grant *grant)
{
	if (grant->kind == GRANT_SCRATCH)
		add_scratch(box, &text->out, grant);
	else if (grant->kind == GRANT_READ && strcmp(grant->what, "host") == 0)
		add_host(box, text);
	else if (grant->kind == GRANT_READ && strcmp(grant->what, "image") == 0)
		add_image(box, text);
	else
		add_option(&text->out, grant->kind == GRANT_WRITE ? "--bind" : "--ro-bind", grant->what,
			   grant->as);
	if (!grant->may_exec && grant->kind != GRANT_EXEC && strcmp(grant->as, "/") != 0)
		peer_note(text, true, "%s: programs there can be executed; bwrap mounts nothing noexec",
			  grant->as);
}

static bool has_scratch(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_grants; i++)
		if (policy->grants[i].kind == GRANT_SCRATCH)
			return true;
	return false;
}

/* bwrap's /dev can be written, without a bound. */
static void add_devices(const struct peer_box *box, struct str *out)
{
	static const struct grant shm = { .kind = GRANT_SCRATCH, .as = "/dev/shm" };

	str_add(out, " \\\n\t--dev /dev");
	if (has_scratch(box->policy))
		add_scratch(box, out, &shm);
	str_add(out, " --remount-ro /dev");
}

static void add_files(const struct peer_box *box, struct peer_text *text)
{
	const struct policy *const policy = box->policy;
	const char *const cwd = policy_text(policy, KEY_CWD);

	for (const struct grant *grant = NULL; (grant = policy_grant_after(policy, grant)) != NULL;)
		add_grant(box, text, grant);
	add_devices(box, &text->out);
	if (policy_n(policy, KEY_PROC) == PROC_PID)
		str_add(&text->out, " --proc /proc");
	str_add(&text->out, " --remount-ro /");
	add_option(&text->out, "--chdir", cwd ? cwd : "/", NULL);
}

static void add_environment(const struct peer_box *box, struct str *out)
{
	str_add(out, " \\\n\t--clearenv");
	for (size_t i = 0; i < box->policy->n_env; i++) {
		const struct env_rule *const rule = &box->policy->env[i];

		if (rule->value)
			add_option(out, "--setenv", rule->name, rule->value);
		else if (*rule->name > '9')     /* $1 would be the script's first argument */
			str_addf(out, " \\\n\t${%s+--setenv %s \"$%s\"}", rule->name, rule->name, rule->name);
	}
}

/* Of each process by itself: prlimit(1). */
static const struct { enum policy_key key; const char *option; uint64_t per; } limits[] = {
	{ KEY_FILES, "nofile", 1 }, { KEY_FSIZE, "fsize", 1 }, { KEY_STACK, "stack", 1 },
	{ KEY_CPU, "cpu", 1000 },
};

/* Of the whole box, which needs a cgroup. */
static const struct { enum policy_key key; const char *property, *unit; uint64_t per; } shares[] = {
	{ KEY_MEMORY, "MemoryMax", "", 1 }, { KEY_SWAP, "MemorySwapMax", "", 1 },
	{ KEY_PIDS, "TasksMax", "", 1 }, { KEY_CPUS, "CPUQuota", "%", 10 },
};

static void add_limits(const struct peer_box *box, struct peer_text *text)
{
	const uint64_t wall = policy_n(box->policy, KEY_WALL), grace = policy_n(box->policy, KEY_GRACE);
	struct str *const out = &text->out;

	if (wall)
		str_addf(out, "timeout -k %" PRIu64 ".%03u %" PRIu64 ".%03u ", grace / 1000,
			 grace ? (unsigned)(grace % 1000) : 1, wall / 1000, (unsigned)(wall % 1000));
	str_add(out, "prlimit --core=0 --memlock=65536 --msgqueue=0 --nice=0 --rtprio=0");
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (box->policy->values[limits[i].key].set)
			str_addf(out, " --%s=%" PRIu64, limits[i].option,
				 (policy_n(box->policy, limits[i].key) + limits[i].per - 1) / limits[i].per);
	str_add(out, " \\\n\t");
}

static void note_limits(const struct peer_box *box, struct peer_text *text)
{
	OWN(str) line = STR_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(shares); i++)
		if (box->policy->values[shares[i].key].set)
			str_addf(&line, " -p %s=%" PRIu64 "%s", shares[i].property,
				 policy_n(box->policy, shares[i].key) / shares[i].per, shares[i].unit);
	if (line.len)
		peer_note(text, true, "bwrap makes no cgroup: for the limits of the whole box run this script "
			  "by systemd-run --user --scope%s", str_text(&line));
	if (box->policy->values[KEY_CPU].set)
		peer_note(text, true, "limits.cpu counts each process by itself");
	if (box->policy->values[KEY_OUTPUT].set)
		peer_note(text, true, "limits.output is not held");
}

static void note_layers(const struct peer_box *box, struct peer_text *text)
{
	peer_note(text, true, "no Landlock, no speculation controls, no core scheduling");
	if (box->policy->ports_listed)
		peer_note(text, true, "network.connect and network.bind are not held");
	if (policy_n(box->policy, KEY_TERMINAL) != TERMINAL_NONE)
		peer_note(text, false, "no terminal of its own: --new-session takes job control away");
	if (!can_reap(box))
		peer_note(text, false, "the program is PID 1 inside: the policy does not let bwrap's reaper "
			  "wait");
}

static void add_program(const struct peer_box *box, struct str *out)
{
	str_add(out, " \\\n\t--");
	if (!*box->argv)
		str_add(out, " \"$@\"");
	for (const char *const *word = box->argv; *word; word++) {
		str_add(out, " ");
		add_quoted(out, *word);
	}
}

static void add_command(const struct peer_box *box, struct peer_text *text)
{
	struct str *const out = &text->out;

	add_limits(box, text);
	str_add(out, "bwrap --seccomp 3");
	add_namespaces(box, text);
	add_files(box, text);
	add_environment(box, out);
	add_program(box, out);
}

int bwrap_write(const struct peer_box *box, struct peer_text *text, struct err *e)
{
	OWN(str) command = STR_NONE;
	struct str *const out = &text->out;

	add_command(box, text);
	note_limits(box, text);
	note_layers(box, text);
	command = TAKE(text->out, STR_NONE);
	str_addf(out, "#!/bin/sh\n# Policy %s under bubblewrap 0.8 or newer; run it as an ordinary user.\n",
		 box->source);
	peer_add_notes(text, "# ", out);
	str_add(out, "\nfilter() {\n\tbase64 -d <<'END'\n");
	add_base64(out, (const void *)box->program, box->n * sizeof(*box->program));
	str_add(out, "END\n}\n\n");
	if (!*box->argv)
		str_add(out, "if [ $# -eq 0 ]; then\n\techo \"usage: $0 program [argument]...\" >&2\n"
			     "\texit 2\nfi\n");
	str_addf(out, "{ filter | %s 3<&0 <&4 4<&-; } 4<&0\n", str_text(&command));
	(void)e;
	return 0;
}
