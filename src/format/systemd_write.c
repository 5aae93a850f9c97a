/* Writes a policy as directives of systemd. Refuses paths that no directive can name, and says of every
 * directive that is missing what it would have held. */
#include "format/systemd_write.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "format/systemd_groups.h"
#include "model/policy_grant.h"
#include "model/policy_value.h"
#include "model/syscalls.h"

#define LINE 92         /* columns of a list of names */

/* Directives that hold part of what an argument rule of a call says. */
static const struct { const char *call, *directive; } restricted[] = {
	{ "clone", "RestrictNamespaces" }, { "socket", "RestrictAddressFamilies" },
	{ "socketpair", "RestrictAddressFamilies" }, { "personality", "LockPersonality" },
	{ "sched_setscheduler", "RestrictRealtime" }, { "mmap", "MemoryDenyWriteExecute" },
	{ "mprotect", "MemoryDenyWriteExecute" }, { "pkey_mprotect", "MemoryDenyWriteExecute" },
	{ "shmat", "MemoryDenyWriteExecute" },
};

/* What becomes of one call. */
struct fate {
	bool is_call;                   /* there is one of this number */
	bool passes, is_partial;        /* let through: at all, for some arguments only */
	uint32_t refusal;               /* SECCOMP_RET_* where it is not */
};

static struct fate fate_of(const struct filter_cases *cases, uint32_t nr)
{
	const bool is_open = filter_word_passes(cases->otherwise);
	struct fate fate = { .is_call = syscalls_name(nr) != NULL,
			     .refusal = is_open ? SECCOMP_RET_KILL_PROCESS : cases->otherwise };
	bool has_rest = true, refuses = false;

	for (size_t i = 0; i < cases->n; i++) {
		const struct filter_case *const one = &cases->at[i];

		if (one->nr != nr)
			continue;
		has_rest &= !filter_case_is_plain(one);
		if (filter_word_passes(one->word))
			fate.passes = true;
		else
			fate.refusal = one->word;
		refuses |= !filter_word_passes(one->word);
	}
	/* What no case holds gets the default, as far as there is something left: a call whose cases all
	 * pass and leave something is partial where the default refuses. */
	if (has_rest && is_open)
		fate.passes = fate.is_call;
	fate.is_partial = fate.passes && (refuses || (has_rest && !is_open));
	return fate;
}

/* The words of one list, broken into lines of the same directive. */
struct words {
	struct str *out;
	const char *prefix;
	size_t column;
};

static void add_word(struct words *words, const char *word)
{
	if (!words->column || words->column + strlen(word) + 1 > LINE) {
		str_addf(words->out, "%s%s%s", words->column ? "\n" : "", words->prefix, word);
		words->column = strlen(words->prefix) + strlen(word);
		return;
	}
	str_addf(words->out, " %s", word);
	words->column += strlen(word) + 1;
}

static void end_words(struct words *words)
{
	if (words->column)
		str_add(words->out, "\n");
}

/* "ioctl:ENOTTY"; only a list of refusals may say that. */
static void add_refused(struct words *words, uint32_t nr, uint32_t refusal)
{
	char word[80];

	if ((refusal & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		snprintf(word, sizeof(word), "%s:%s", syscalls_name(nr),
			 strerrorname_np((int)(refusal & SECCOMP_RET_DATA)));
	else
		snprintf(word, sizeof(word), "%s:kill", syscalls_name(nr));
	add_word(words, word);
}

static bool is_let(const struct peer_box *box, const struct fate *fate)
{
	return fate->passes && (!fate->is_partial || box->widen);
}

/* What an allow list of systemd permits unasked; what the policy does not allow of it is taken out. */
static bool is_always(uint32_t nr)
{
	const char *const name = syscalls_name(nr);
	const size_t len = strlen(name);

	for (const char *at = systemd_group("@default"); *at; at += strspn(at, " ")) {
		const size_t n = strcspn(at, " ");

		if (n == len && strncmp(at, name, n) == 0)
			return true;
		at += n;
	}
	return false;
}

static void add_allow_list(const struct peer_box *box, struct str *out)
{
	struct words let = { out, "SystemCallFilter=", 0 }, taken = { out, "SystemCallFilter=~", 0 };

	for (uint32_t nr = 0; nr < SYSCALLS_NUMBERS; nr++) {
		const struct fate fate = fate_of(box->cases, nr);

		if (is_let(box, &fate))
			add_word(&let, syscalls_name(nr));
	}
	end_words(&let);
	for (uint32_t nr = 0; nr < SYSCALLS_NUMBERS; nr++) {
		const struct fate fate = fate_of(box->cases, nr);

		if (fate.is_call && is_always(nr) && !is_let(box, &fate))
			add_word(&taken, syscalls_name(nr));
	}
	end_words(&taken);
}

/* For a policy whose default lets through: what it refuses. */
static void add_deny_list(const struct peer_box *box, struct str *out)
{
	struct words refused = { out, "SystemCallFilter=~", 0 };

	for (uint32_t nr = 0; nr < SYSCALLS_NUMBERS; nr++) {
		const struct fate fate = fate_of(box->cases, nr);

		if (fate.is_call && !is_let(box, &fate))
			add_refused(&refused, nr, fate.refusal);
	}
	end_words(&refused);
}

static const char *directive_of(uint32_t nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(restricted); i++)
		if (strcmp(restricted[i].call, syscalls_name(nr)) == 0)
			return restricted[i].directive;
	return NULL;
}

/* One note for each call that is wider, one for all that are left out. */
static void note_calls(const struct peer_box *box, struct peer_text *text)
{
	const bool is_open = filter_word_passes(box->cases->otherwise);
	OWN(str) names = STR_NONE;
	size_t n = 0, n_errno = 0;

	for (uint32_t nr = 0; nr < SYSCALLS_NUMBERS; nr++) {
		const struct fate fate = fate_of(box->cases, nr);

		n_errno += fate.is_call && !fate.passes && !is_open && fate.refusal != box->cases->otherwise;
		if (!fate.is_partial)
			continue;
		if (box->widen)
			peer_note(text, true, "%s is let through whole; the policy tests its arguments%s%s",
				  syscalls_name(nr), directive_of(nr) ? ", which in part holds " : "",
				  directive_of(nr) ? directive_of(nr) : "");
		else
			str_addf(&names, "%s%s", n++ ? " " : "", syscalls_name(nr));
	}
	if (n)
		peer_note(text, false, "%zu calls are refused, because systemd cannot test arguments as the "
			  "policy does; few programs start without them, --wider lets them through: %s",
			  n, str_text(&names));
	if (n_errno)
		peer_note(text, false, "%zu calls that the policy refuses with an errno of their own get the "
			  "default: an allow list of systemd has one", n_errno);
	if (is_open)
		peer_note(text, true, "the default lets calls through, and a systemd that does not know a name "
			  "skips it: use syscalls.default errno or kill");
}

/* Whether the call is let through for some arguments of which the first is this. */
static bool allows(const struct filter_cases *cases, const char *call, uint64_t first)
{
	const uint32_t nr = (uint32_t)syscalls_number(call);
	bool passes = filter_word_passes(cases->otherwise);

	for (size_t i = 0; i < cases->n; i++)
		if (cases->at[i].nr == nr && (first & cases->at[i].mask[0]) == cases->at[i].value[0]) {
			passes = filter_word_passes(cases->at[i].word);
			if (passes)
				break;
		}
	return passes;
}

static void add_families(const struct peer_box *box, struct str *out)
{
	static const struct { const char *name; uint64_t family; } rows[] = {
		{ "AF_UNIX", 1 }, { "AF_INET", 2 }, { "AF_INET6", 10 },
	};
	size_t n = 0;

	str_add(out, "RestrictAddressFamilies=");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (allows(box->cases, "socket", rows[i].family))
			str_addf(out, "%s%s", n++ ? " " : "", rows[i].name);
	str_add(out, n ? "\n" : "none\n");
}

static void add_calls(const struct peer_box *box, struct peer_text *text)
{
	const uint32_t otherwise = box->cases->otherwise;
	struct str *const out = &text->out;

	str_add(out, "\n# system calls\nSystemCallArchitectures=native\n");
	if ((otherwise & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		str_addf(out, "SystemCallErrorNumber=%s\n",
			 strerrorname_np((int)(otherwise & SECCOMP_RET_DATA)));
	if (filter_word_passes(otherwise))
		add_deny_list(box, out);
	else
		add_allow_list(box, out);
	add_families(box, out);
	if (policy_n(box->policy, KEY_MDWE))
		str_add(out, "MemoryDenyWriteExecute=yes\n");
	if (!allows(box->cases, "personality", 8 /* PER_LINUX32 */))
		str_add(out, "LockPersonality=yes\n");
	note_calls(box, text);
}

/* What every box of ward has, whatever its policy says. */
static void add_fixed(struct str *out)
{
	str_add(out, "\n# privileges: none, and no way to get any\n"
		     "DynamicUser=yes\nPrivateUsers=yes\nNoNewPrivileges=yes\nCapabilityBoundingSet=\n"
		     "AmbientCapabilities=\nRestrictNamespaces=yes\nRestrictRealtime=yes\n"
		     "RestrictSUIDSGID=yes\nKeyringMode=private\nUMask=0077\n"
		     "PrivateIPC=yes\nProtectHostname=yes\nProtectClock=yes\nProtectKernelTunables=yes\n"
		     "ProtectKernelModules=yes\nProtectKernelLogs=yes\nProtectControlGroups=yes\n"
		     "LimitCORE=0\nLimitMEMLOCK=64K\nLimitMSGQUEUE=0\nLimitSIGPENDING=1024\n"
		     "LimitNICE=0\nLimitRTPRIO=0\n");
}

/* Limits by the directive that states them; per process where systemd has no other. */
static const struct {
	enum policy_key key;
	const char *directive, *unit;
	uint64_t per;           /* the policy's unit in the directive's */
	bool is_process;
} limits[] = {
	{ KEY_MEMORY, "MemoryMax", "", 1, false },   { KEY_SWAP, "MemorySwapMax", "", 1, false },
	{ KEY_PIDS, "TasksMax", "", 1, false },      { KEY_CPUS, "CPUQuota", "%", 10, false },
	{ KEY_WALL, "RuntimeMaxSec", "ms", 1, false }, { KEY_GRACE, "TimeoutStopSec", "ms", 1, false },
	{ KEY_FILES, "LimitNOFILE", "", 1, false },  { KEY_FSIZE, "LimitFSIZE", "", 1, false },
	{ KEY_STACK, "LimitSTACK", "", 1, false },   { KEY_CPU, "LimitCPU", "", 1000, true },
	{ KEY_NICE, "Nice", "", 1, false },
};

static void add_limits(const struct peer_box *box, struct peer_text *text)
{
	str_add(&text->out, "\n# limits\n");
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct policy_value *const value = &box->policy->values[limits[i].key];

		if (!value->set)
			continue;
		str_addf(&text->out, "%s=%" PRIu64 "%s\n", limits[i].directive,
			 (value->n + limits[i].per - 1) / limits[i].per, limits[i].unit);
		if (limits[i].is_process)
			peer_note(text, true, "%s counts each process by itself; %s counts them together",
				  limits[i].directive, policy_key_row(limits[i].key)->path);
	}
	if (box->policy->values[KEY_IO_READ].set)
		str_addf(&text->out, "IOReadBandwidthMax=/ %" PRIu64 "\n",
			 policy_n(box->policy, KEY_IO_READ));
	if (box->policy->values[KEY_IO_WRITE].set)
		str_addf(&text->out, "IOWriteBandwidthMax=/ %" PRIu64 "\n",
			 policy_n(box->policy, KEY_IO_WRITE));
	if (box->policy->values[KEY_OUTPUT].set)
		peer_note(text, true, "limits.output is not held: the journal has its own rate limit");
}

/* A path of BindPaths= ends at ':' and at a blank, and '%' begins a specifier. */
static bool can_say(const char *path)
{
	return !strpbrk(path, ": \t\"'\\%$");
}

static void add_bind(struct peer_text *text, const struct grant *grant)
{
	const bool is_written = grant->kind == GRANT_WRITE;
	const bool runs = grant->kind == GRANT_EXEC || grant->may_exec;

	if (!can_say(grant->what) || !can_say(grant->as)) {
		peer_note(text, false, "%s is not granted: systemd cannot say this path", grant->what);
		return;
	}
	if (is_written)
		peer_note(text, false, "%s is written as the service's own user: let that own it, or set User=",
			  grant->what);
	str_addf(&text->out, "%s=%s:%s\n", is_written ? "BindPaths" : "BindReadOnlyPaths", grant->what,
		 grant->as);
	if (!runs)
		str_addf(&text->out, "NoExecPaths=%s\n", grant->as);
}

static void add_scratch(const struct peer_box *box, struct peer_text *text, const struct grant *grant)
{
	if (!can_say(grant->as)) {
		peer_note(text, false, "%s is not granted: systemd cannot say this path", grant->as);
		return;
	}
	str_addf(&text->out, "TemporaryFileSystem=%s:mode=1777,nosuid,nodev,size=%" PRIu64 ",nr_inodes=%" PRIu64
		 "%s\n", grant->as, policy_scratch_bytes(box->policy, grant),
		 policy_scratch_inodes(box->policy, grant), grant->may_exec ? "" : ",noexec");
}

static void add_host(const struct peer_box *box, struct peer_text *text)
{
	for (const char *const *tree = box->host.trees; *tree; tree++)
		str_addf(&text->out, "BindReadOnlyPaths=-%s\n", *tree);
	for (const char *const *etc = box->host.etc; *etc; etc++)
		str_addf(&text->out, "BindReadOnlyPaths=-%s\n", *etc);
	peer_note(text, false, "/etc/passwd and the other files that ward makes up are not there");
}

static void add_files(const struct peer_box *box, struct peer_text *text)
{
	const char *const cwd = policy_text(box->policy, KEY_CWD);

	str_add(&text->out, "\n# files: an empty root, and in it what is granted\nTemporaryFileSystem=/:ro\n"
			    "MountAPIVFS=yes\nPrivateDevices=yes\nProtectProc=invisible\nProcSubset=pid\n");
	for (size_t i = 0; i < box->policy->n_grants; i++) {
		const struct grant *const grant = &box->policy->grants[i];

		if (grant->kind == GRANT_SCRATCH)
			add_scratch(box, text, grant);
		else if (strcmp(grant->what, "host") == 0)
			add_host(box, text);
		else if (strcmp(grant->what, "image") == 0)
			peer_note(text, false, "the image is not shown: name it with RootDirectory=");
		else
			add_bind(text, grant);
	}
	if (cwd && can_say(cwd))
		str_addf(&text->out, "WorkingDirectory=%s\n", cwd);
	if (policy_n(box->policy, KEY_PROC) == PROC_NONE)
		peer_note(text, true, "there is a /proc, of the service's own user's processes");
}

static void add_network(const struct peer_box *box, struct peer_text *text)
{
	const struct policy *const policy = box->policy;

	str_add(&text->out, "\n# network\n");
	if (policy_n(policy, KEY_NETWORK) == NETWORK_NONE) {
		str_add(&text->out, "PrivateNetwork=yes\n");
		return;
	}
	if (!policy->ports_listed)
		return;
	str_add(&text->out, "SocketBindDeny=any\n");
	for (size_t i = 0; i < policy->n_bind; i++)
		str_addf(&text->out, "SocketBindAllow=tcp:%u\n", policy->bind_ports[i]);
	peer_note(text, true, "network.connect is not held: systemd knows addresses, not ports; see "
		  "IPAddressDeny=");
}

static void add_environment(const struct peer_box *box, struct peer_text *text)
{
	str_add(&text->out, "\n# environment\n");
	for (size_t i = 0; i < box->policy->n_env; i++) {
		const struct env_rule *const rule = &box->policy->env[i];

		if (!rule->value)
			str_addf(&text->out, "PassEnvironment=%s\n", rule->name);
		else if (!strpbrk(rule->value, "\"'\\%$"))
			str_addf(&text->out, "Environment=\"%s=%s\"\n", rule->name, rule->value);
		else
			peer_note(text, false, "variable %s is not set: its value has quotes or '%%'",
				  rule->name);
	}
}

int systemd_write(const struct peer_box *box, struct peer_text *text, struct err *e)
{
	OWN(str) body = STR_NONE;

	str_add(&text->out, "\n[Service]\n");
	add_calls(box, text);
	add_fixed(&text->out);
	add_limits(box, text);
	add_files(box, text);
	add_network(box, text);
	add_environment(box, text);
	peer_note(text, true, "no Landlock: files and ports are held by mounts and namespaces alone");
	body = TAKE(text->out, STR_NONE);
	str_addf(&text->out, "# Policy %s, for a service: save as "
		 "/etc/systemd/system/NAME.service.d/ward.conf\n", box->source);
	peer_add_notes(text, "# ", &text->out);
	str_add_bytes(&text->out, str_text(&body), body.len);
	(void)e;
	return 0;
}
