/* From settings to programs, with libseccomp as systemd uses it. */
#include "format/systemd_filters.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "format/scmp.h"
#include "format/systemd_groups.h"
#include "format/systemd_rules.h"
#include "format/unit.h"
#include "model/syscalls.h"

#define FAMILIES 46     /* one past AF_MCTP, the last that systemd 252 knows */

static const struct {
	uint32_t token;
	unsigned bit;
	const char *name;
} arches[] = {
	{ SCMP_ARCH_X86, SYSTEMD_X86, "x86" },
	{ SCMP_ARCH_X32, SYSTEMD_X32, "x32" },
	{ SCMP_ARCH_X86_64, SYSTEMD_X86_64, "x86-64" },
};

struct building {
	const struct systemd_settings *settings;
	struct subject *out;
	unsigned arches;                /* that are not refused already */
	const char *directive;
	uint32_t line;
	struct scmp filter;             /* the one being built */
	uint32_t otherwise;             /* its action for calls without a rule */
};

static int init(struct building *b, size_t arch, uint32_t action, struct err *e)
{
	int rc = 0;

	if (scmp_init(&b->filter, action, e) < 0)
		return -1;
	if (arches[arch].token != SCMP_ARCH_X86_64) {
		rc = seccomp_arch_remove(b->filter.ctx, SCMP_ARCH_X86_64);
		if (rc == 0)
			rc = seccomp_arch_add(b->filter.ctx, arches[arch].token);
	}
	if (rc == 0)
		rc = seccomp_attr_set(b->filter.ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	if (rc == 0)
		return 0;
	errno = -rc;
	return err_sys(e, "libseccomp: architecture %s", arches[arch].name);
}

static int finish(struct building *b, const char *arch, struct err *e)
{
	char name[80];
	int rc;

	snprintf(name, sizeof(name), "%.50s (%s)", b->directive, arch);
	rc = scmp_add_filter(&b->filter, name, b->out, e);
	scmp_done(&b->filter);
	return rc;
}

/* What an architecture does not have needs no rule. */
static int add(struct building *b, uint32_t action, int nr, unsigned n, const struct scmp_arg_cmp *args, struct err *e)
{
	const int rc = seccomp_rule_add_exact_array(b->filter.ctx, action, nr, n, args);

	if (rc == 0 || rc == -EDOM)
		return 0;
	errno = -rc;
	return err_sys(e, "libseccomp refuses a rule of %s", b->directive);
}

/* Calls fill() for each architecture and adds the filter. */
typedef int filling(struct building *b, unsigned arch, struct err *e);

static int build(struct building *b, const char *directive, uint32_t line, unsigned which, uint32_t action,
		 filling *fill, struct err *e)
{
	b->directive = directive;
	b->line = line;
	b->otherwise = action;
	for (size_t i = 0; i < ARRAY_SIZE(arches); i++) {
		if (!(arches[i].bit & b->arches & which))
			continue;
		if (init(b, i, action, e) < 0 || fill(b, arches[i].bit, e) < 0)
			return -1;
		if (finish(b, arches[i].name, e) < 0)
			return -1;
	}
	return 0;
}

static void add_line(const struct building *b, int nr, const char *text)
{
	if (nr >= 0)
		subject_add_line(b->out, (uint32_t)nr, b->line, 0, text);
}

static int fill_rules(struct building *b, unsigned arch, struct err *e)
{
	const struct systemd_rule *rule;

	for (size_t i = 0; (rule = systemd_rule_at(i)) != NULL; i++) {
		const int known = seccomp_syscall_resolve_name(rule->call);
		/* Younger than libseccomp: systemd falls back to the number of the call. */
		const int nr = known == __NR_SCMP_ERROR ? syscalls_number(rule->call) : known;

		if (strcmp(rule->directive, b->directive) != 0 || !(rule->arches & arch))
			continue;
		if (add(b, SCMP_ACT_ERRNO(rule->error), nr, rule->n, rule->tests, e) < 0)
			return -1;
		if (arch == SYSTEMD_X86_64)
			add_line(b, nr, b->directive);
	}
	return 0;
}

/* A group that is refused as a whole. */
static int fill_group(struct building *b, const char *at, unsigned arch, struct err *e)
{
	uint32_t line = 0;
	char word[40];

	while (unit_word(&at, &line, word, sizeof(word))) {
		const int nr = seccomp_syscall_resolve_name(word);

		if (nr == __NR_SCMP_ERROR)
			continue;
		if (add(b, SCMP_ACT_ERRNO(EPERM), nr, 0, NULL, e) < 0)
			return -1;
		if (arch == SYSTEMD_X86_64)
			add_line(b, nr, b->directive);
	}
	return 0;
}

static int fill_modules(struct building *b, unsigned arch, struct err *e)
{
	return fill_group(b, systemd_group("@module"), arch, e);
}

static int fill_clock(struct building *b, unsigned arch, struct err *e)
{
	return fill_group(b, systemd_group("@clock"), arch, e);
}

static int fill_devices(struct building *b, unsigned arch, struct err *e)
{
	return fill_group(b, systemd_group("@raw-io"), arch, e);
}

static int fill_personality(struct building *b, unsigned arch, struct err *e)
{
	const struct scmp_arg_cmp other = SCMP_A0(SCMP_CMP_NE, b->settings->personality);

	(void)arch;
	add_line(b, SCMP_SYS(personality), b->directive);
	return add(b, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(personality), 1, &other, e);
}

static int refuse_family(struct building *b, enum scmp_compare op, uint64_t family, struct err *e)
{
	const struct scmp_arg_cmp test = { .arg = 0, .op = op, .datum_a = family };

	return add(b, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, &test, e);
}

/* An allow list is everything below, above and between that is not in it. */
static int fill_families(struct building *b, unsigned arch, struct err *e)
{
	const uint64_t set = b->settings->families;
	const bool allows = b->settings->families_allowed;
	const uint64_t known = set & ((UINT64_C(1) << FAMILIES) - 2);

	(void)arch;
	add_line(b, SCMP_SYS(socket), b->directive);
	if (allows && !known)
		return add(b, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 0, NULL, e);
	if (allows && (refuse_family(b, SCMP_CMP_LT, (uint64_t)__builtin_ctzll(known), e) < 0 ||
		       refuse_family(b, SCMP_CMP_GT, 63 - (uint64_t)__builtin_clzll(known), e) < 0))
		return -1;
	for (unsigned family = allows; family < (allows ? FAMILIES : 64); family++)
		if ((set >> family & 1) != allows && refuse_family(b, SCMP_CMP_EQ, family, e) < 0)
			return -1;
	return 0;
}

static int refuse_flag(struct building *b, int nr, unsigned arg, uint64_t flag, struct err *e)
{
	const struct scmp_arg_cmp test = { .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = flag, .datum_b = flag };

	return add(b, SCMP_ACT_ERRNO(EPERM), nr, 1, &test, e);
}

static int fill_namespaces(struct building *b, unsigned arch, struct err *e)
{
	const uint64_t retain = b->settings->namespaces;
	const struct scmp_arg_cmp any = SCMP_A1(SCMP_CMP_EQ, 0);
	static const int calls[] = { SCMP_SYS(clone3), SCMP_SYS(clone), SCMP_SYS(unshare), SCMP_SYS(setns) };

	for (size_t i = 0; i < ARRAY_SIZE(calls) && arch == SYSTEMD_X86_64; i++)
		add_line(b, calls[i], b->directive);
	/* clone3's flags lie in memory, where no filter looks. */
	if (add(b, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL, e) < 0 ||
	    add(b, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(setns), retain ? 1 : 0, &any, e) < 0)
		return -1;
	for (uint64_t flags = SYSTEMD_NAMESPACES & ~retain; flags; flags &= flags - 1) {
		const uint64_t flag = flags & -flags;

		if (refuse_flag(b, SCMP_SYS(unshare), 0, flag, e) < 0 || refuse_flag(b, SCMP_SYS(clone), 0, flag, e) < 0 ||
		    (retain && refuse_flag(b, SCMP_SYS(setns), 1, flag, e) < 0))
			return -1;
	}
	return 0;
}

/* Needs no program for an architecture: the others are killed by libseccomp's own check. */
static int add_arches(struct building *b, struct err *e)
{
	const struct systemd_settings *const s = b->settings;
	int rc = 0;

	if (!s->has_arches || (s->allows_x86 && s->allows_x32))
		return 0;
	b->arches &= ~(s->allows_x86 ? 0u : SYSTEMD_X86) & ~(s->allows_x32 ? 0u : SYSTEMD_X32);
	b->directive = "SystemCallArchitectures";
	if (scmp_init(&b->filter, SCMP_ACT_ALLOW, e) < 0)
		return -1;
	if (s->allows_x86)
		rc = seccomp_arch_add(b->filter.ctx, SCMP_ARCH_X86);
	if (s->allows_x32 && rc == 0)
		rc = seccomp_arch_add(b->filter.ctx, SCMP_ARCH_X32);
	if (rc == 0)
		return finish(b, "all", e);
	errno = -rc;
	return err_sys(e, "libseccomp: architectures");
}

static uint32_t refusal(int error)
{
	return error == SYSTEMD_KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO((uint32_t)error);
}

/* What gets the default anyway needs no rule. */
static int fill_calls(struct building *b, const struct systemd_calls *calls, uint32_t action, struct err *e)
{
	for (size_t i = 0; i < calls->n; i++) {
		const struct systemd_call *const call = &calls->of[i];
		const uint32_t own = call->error == SYSTEMD_DEFAULT ? action : refusal(call->error);

		if (call->is_in && own != b->otherwise && add(b, own, call->nr, 0, NULL, e) < 0)
			return -1;
	}
	return 0;
}

static bool has_calls(const struct systemd_calls *calls)
{
	size_t i = 0;

	while (i < calls->n && !calls->of[i].is_in)
		i++;
	return calls->is_allow_list || i < calls->n;
}

static int fill_filter(struct building *b, unsigned arch, struct err *e)
{
	const struct systemd_settings *const s = b->settings;

	(void)arch;
	return fill_calls(b, &s->filter, s->filter.is_allow_list ? SCMP_ACT_ALLOW : refusal(s->error_number), e);
}

static int fill_log(struct building *b, unsigned arch, struct err *e)
{
	(void)arch;
	return fill_calls(b, &b->settings->log, b->settings->log.is_allow_list ? SCMP_ACT_LOG : SCMP_ACT_ALLOW, e);
}

static void add_call_lines(const struct building *b)
{
	const struct systemd_calls *const calls = &b->settings->filter;

	if (!has_calls(calls))
		return;
	subject_add_line(b->out, SUBJECT_ANY, calls->line, 0,
			 calls->is_allow_list ? "SystemCallFilter= refuses what it does not list" :
						"SystemCallFilter= allows what it does not list");
	for (size_t i = 0; i < calls->n; i++)
		if (calls->of[i].nr >= 0)
			subject_add_line(b->out, (uint32_t)calls->of[i].nr, calls->of[i].line, 0, calls->of[i].word);
}

/* The order of exec_child() in systemd 252, src/core/execute.c. */
static int build_all(struct building *b, struct err *e)
{
	const struct systemd_settings *const s = b->settings;
	const unsigned all = SYSTEMD_X86 | SYSTEMD_X32 | SYSTEMD_X86_64;
	const struct {
		const char *directive;
		bool is_on;
		uint32_t line;
		unsigned arches;
		uint32_t action;
		filling *fill;
	} steps[] = {
#define SWITCH(name, which, fill) \
	{ name, s->switches[SWITCH_##which].on, s->switches[SWITCH_##which].line, all, SCMP_ACT_ALLOW, fill }
		SWITCH("ProtectHostname", HOSTNAME, fill_rules),
		/* x86 reaches socket() through socketcall() too, so systemd does not try. */
		{ "RestrictAddressFamilies", s->families_allowed || s->families, s->families_line, all & ~SYSTEMD_X86, SCMP_ACT_ALLOW,
		  fill_families },
		SWITCH("MemoryDenyWriteExecute", MEMORY, fill_rules),
		SWITCH("RestrictRealtime", REALTIME, fill_rules),
		SWITCH("RestrictSUIDSGID", SUID, fill_rules),
		{ "RestrictNamespaces", s->has_namespaces && s->namespaces != SYSTEMD_NAMESPACES, s->namespaces_line, all,
		  SCMP_ACT_ALLOW, fill_namespaces },
		SWITCH("ProtectKernelTunables", TUNABLES, fill_rules),
		SWITCH("ProtectKernelModules", MODULES, fill_modules),
		SWITCH("ProtectKernelLogs", LOGS, fill_rules),
		SWITCH("ProtectClock", CLOCK, fill_clock),
		SWITCH("PrivateDevices", DEVICES, fill_devices),
		{ NULL, true, 0, 0, 0, NULL }, /* SystemCallArchitectures */
		SWITCH("LockPersonality", PERSONALITY, fill_personality),
#undef SWITCH
		{ "SystemCallLog", has_calls(&s->log), s->log.line, all,
		  s->log.is_allow_list ? SCMP_ACT_ALLOW : SCMP_ACT_LOG, fill_log },
		{ "SystemCallFilter", has_calls(&s->filter), s->filter.line, all,
		  s->filter.is_allow_list ? refusal(s->error_number) : SCMP_ACT_ALLOW, fill_filter },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		const int rc = !steps[i].is_on ? 0 : !steps[i].fill ? add_arches(b, e) :
			build(b, steps[i].directive, steps[i].line, steps[i].arches, steps[i].action, steps[i].fill, e);

		if (rc < 0)
			return -1;
	}
	return 0;
}

int systemd_add_filters(const struct systemd_settings *settings, struct subject *out, struct err *e)
{
	struct building b = {
		.settings = settings, .out = out, .arches = SYSTEMD_X86 | SYSTEMD_X32 | SYSTEMD_X86_64,
	};
	const int rc = build_all(&b, e);

	scmp_done(&b.filter);
	if (rc == 0)
		add_call_lines(&b);
	return rc;
}
