/* Finds what is to be judged and fills it from where it really comes: the filters of a policy are those
 * of the plan a run would have. Runs nothing. */
#include "cmd/subject_find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/environment.h"
#include "cmd/host.h"
#include "cmd/policy_find.h"
#include "cmd/say.h"
#include "cmd/subject_fit.h"
#include "cmd/subject_pid.h"
#include "format/bpf_read.h"
#include "format/capability.h"
#include "format/guess.h"
#include "format/oci_read.h"
#include "format/systemd_read.h"
#include "model/syscalls.h"

#define FILE_BYTES ((size_t)16 << 20)
#define PID_MAX 4194304 /* proc_sys_kernel(5) */

/* Everything of one look-up. */
struct finding {
	const struct args *args;
	const char *word;       /* NULL: nobody named anything */
	struct found *out;
};

void found_done(struct found *found)
{
	fit_done(&found->fit);
	subject_done(&found->subject);
	arena_done(&found->arena);
	*found = FOUND_NONE;
}

bool found_tell_missing(const struct found *found)
{
	const struct subject *const subject = &found->subject;

	for (size_t i = 0; i < subject->n_missing; i++)
		say(SAY_NOTE, "%s: %s", subject->name, subject->missing[i]);
	return subject->n_missing != 0;
}

/* How the policy says what a row means. Several entries may stand on one line: the one that names the
 * row's group, or the call itself, is preferred. */
static const struct call_rule *rule_of(const struct policy *policy, const struct filter_row *row)
{
	const char *const wanted = *row->origin == '@' ? row->origin : syscalls_name(row->nr);
	const struct call_rule *best = NULL;

	for (size_t i = 0; i < policy->n_calls && row->line; i++) {
		const struct call_rule *const rule = &policy->calls[i];
		const char *const name = strrchr(rule->text, ' ');

		if (rule->origin.line != row->line)
			continue;
		if (!best || (name && wanted && strcmp(name + 1, wanted) == 0))
			best = rule;
	}
	return best;
}

static void add_row(struct subject *subject, const struct filter_row *row)
{
	const struct call_rule *const rule = rule_of(subject->policy, row);

	subject_add_line(subject, row->nr, row->line, rule ? rule->origin.column : 0,
			 rule ? rule->text : row->origin);
}

/* Of several lines for a call the last one counts, of several rows the first. */
static void add_lines(struct found *found)
{
	const struct policy_value *const otherwise = &found->subject.policy->values[KEY_SYS_DEFAULT];
	const struct filter_set *const set = &found->fit.rung.filter;
	char text[64] = "default ";

	policy_format(found->subject.policy, KEY_SYS_DEFAULT, text + strlen(text),
		      sizeof(text) - strlen(text));
	if (found->subject.calls_are_fixed)
		subject_add_line(&found->subject, SUBJECT_ANY, 0, 0, "not among the engine's calls, whatever the policy says");
	else
		subject_add_line(&found->subject, SUBJECT_ANY, otherwise->origin.line, otherwise->origin.column, text);
	for (int fallback = 1; fallback >= 0; fallback--)
		for (size_t i = filter_count(set); i-- > 0;)
			if (filter_row_at(set, i)->fallback == fallback)
				add_row(&found->subject, filter_row_at(set, i));
}

/* What a policy requires of the processor means the same where there is none that has it: whether it runs on this host is for
 * `ward check` to say. What it leaves to the host (auto) stays as the host has it. */
static void grant_processor(const struct policy *policy, struct host *host)
{
	if (policy->values[KEY_SPEC].set && policy_n(policy, KEY_SPEC) == SPEC_STRICT)
		host->spec_store = host->spec_branch = true;
}

static int plan_policy(struct finding *f, struct err *e)
{
	static const char *const any[] = { "true", NULL };
	struct found *const out = f->out;
	const struct policy *const policy = out->subject.policy;
	const char *socket;

	if (host_look(NULL, &out->host, &socket, e) < 0)
		return -1;
	grant_processor(policy, &out->host);
	out->payload = (struct payload){
		.argv = any,
		.envp = environment_make(policy, environ, false, &out->arena),
		.pass_numbers = policy->pass_fds,
		.n_pass = policy->n_pass,
		.pty = policy_n(policy, KEY_TERMINAL) == TERMINAL_PTY,
	};
	if (fit_make(policy, &out->payload, &out->host, &out->fit, e) < 0)
		return -1;
	if (subject_add_fit(&out->subject, &out->fit, &out->host, e) < 0)
		return -1;
	add_lines(out);
	return 0;
}

/* text  of the policy, for its comments; NULL: it was not read here */
static int take_policy(struct finding *f, struct policy *policy, const char *source, const char *text,
		       size_t len, struct err *e)
{
	struct subject *const subject = &f->out->subject;

	subject->kind = SUBJECT_POLICY;
	subject->policy = mem_alloc(sizeof(*policy));
	*subject->policy = TAKE(*policy, POLICY_NONE);
	subject->name = arena_copy(&subject->arena, source, strlen(source));
	if (compose_flags(f->args, f->word, subject->policy, e) < 0)
		return -1;
	if (text)
		subject_add_whys(subject, text, len);
	return plan_policy(f, e);
}

static int find_policy(struct finding *f, const char *name, struct err *e)
{
	OWN(policy) policy = POLICY_NONE;
	const char *source, *text;
	size_t len = 0;

	if (policy_find(name, &policy, &source, e) < 0)
		return -1;
	text = policy_builtin(name, &len);
	return take_policy(f, &policy, source, text, len, e);
}

/* Docker's for a container nobody said anything about: moby, oci/caps/defaults.go. */
#define DOCKER_CAPS \
	"chown,dac_override,fsetid,fowner,mknod,net_raw,setgid,setuid,setfcap,setpcap,net_bind_service," \
	"sys_chroot,kill,audit_write"

static int add_caps(const char *list, uint64_t *caps, struct err *e)
{
	for (const char *at = list; *at; at += *at == ',') {
		const size_t len = strcspn(at, ",");
		char name[32];
		int number;

		snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : 0), at);
		number = capability_number(name);
		if (number < 0)
			return err_set(e, ERR_USAGE, "--caps: no capability '%.*s'; write CAP_NET_RAW,CAP_CHOWN",
				       len < 40 ? (int)len : 40, at);
		*caps |= UINT64_C(1) << number;
		at += len;
	}
	return 0;
}

/* What a profile does not say of the place it is used in. */
static int assume(struct finding *f, struct err *e)
{
	const struct opt_hit *const caps = args_find(f->args, FOUND_CAPS);
	struct subject_context *const context = &f->out->subject.context;
	const char *socket;

	if (host_look("none", &f->out->host, &socket, e) < 0)
		return -1;
	context->kernel = f->out->host.kernel;
	context->caps_known = caps != NULL;
	if (caps && strcmp(caps->value, "all") == 0)
		context->caps = UINT64_MAX;
	else if (caps)
		return add_caps(strcmp(caps->value, "docker") == 0 ? DOCKER_CAPS : caps->value, &context->caps, e);
	return 0;
}

typedef int reader(const char *name, const char *text, size_t len, struct subject *out, struct err *e);
static reader *const readers[SUBJECT_KINDS] = {
	[SUBJECT_OCI] = oci_read,
	[SUBJECT_SYSTEMD] = systemd_read,
	[SUBJECT_BPF] = bpf_read,
};

static int kind_of(const struct finding *f, const char *text, size_t len, enum subject_kind *kind, struct err *e)
{
	const struct opt_hit *const as = args_find(f->args, FOUND_AS);

	*kind = as ? guess_named(as->value) : guess_kind(text, len);
	if (*kind == SUBJECT_KINDS)
		return err_set(e, ERR_USAGE, "--as: unknown format '%.40s'; one of " FOUND_KINDS, as->value);
	return 0;
}

static int read_text(struct finding *f, const char *text, size_t len, struct err *e)
{
	const char *const name = strcmp(f->word, "-") == 0 ? "standard input" : f->word;
	struct subject *const subject = &f->out->subject;
	OWN(policy) policy = POLICY_NONE;
	enum subject_kind kind;

	if (kind_of(f, text, len, &kind, e) < 0)
		return -1;
	if (readers[kind]) {
		subject->name = arena_copy(&subject->arena, name, strlen(name));
		return assume(f, e) < 0 ? -1 : readers[kind](name, text, len, subject, e);
	}
	if (policy_find_text(f->word, text, len, &policy, e) < 0)
		return -1;
	return take_policy(f, &policy, name, text, len, e);
}

static int find_file(struct finding *f, struct err *e)
{
	OWN_MEM char *text = NULL;
	size_t len;

	if (policy_find_bytes(f->word, FILE_BYTES, &text, &len, e) < 0)
		return -1;
	return read_text(f, text, len, e);
}

static int find_pid(struct finding *f, const char *number, struct err *e)
{
	struct subject *const subject = &f->out->subject;
	char *end;
	const unsigned long pid = strtoul(number, &end, 10);

	if (*number < '1' || *number > '9' || *end || pid > PID_MAX)
		return err_set(e, ERR_USAGE, "'%.40s' is no process; write its number", number);
	if (assume(f, e) < 0)
		return -1;
	f->out->pid = (int)pid;
	subject->name = arena_printf(&subject->arena, "process %lu", pid);
	return subject_pid((int)pid, subject, e);
}

/* --pid and -p say the same thing twice, and so do an operand and each of them. */
static int choose(struct finding *f, const char **pid, struct err *e)
{
	const struct opt_hit *const named = args_find(f->args, COMPOSE_POLICY);
	const struct opt_hit *const numbered = args_find(f->args, FOUND_PID);

	if ((named && numbered) || (f->word && (named || numbered)))
		return err_set(e, ERR_USAGE, "the subject is named twice; write an operand, --policy or --pid");
	if (named)
		f->word = named->value;
	if (numbered)
		*pid = numbered->value;
	if (f->word && strncmp(f->word, "pid:", 4) == 0)
		*pid = f->word + 4;
	return 0;
}

int subject_find(const struct args *args, const char *word, struct found *out, struct err *e)
{
	struct finding f = { .args = args, .word = word, .out = out };
	const char *pid = NULL;

	if (choose(&f, &pid, e) < 0)
		return -1;
	if (pid)
		return find_pid(&f, pid, e);
	if (f.word && !policy_find_is_builtin(f.word) &&
	    (strcmp(f.word, "-") == 0 || strpbrk(f.word, "/.")))
		return find_file(&f, e);
	return find_policy(&f, f.word ? f.word : POLICY_FIND_DEFAULT, e);
}
