/* The smallest edit that ends a finding, in the terms of the source: a policy of ward, an OCI profile, a
 * unit, a program. Text alone: nothing is changed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "judge/lint_ask.h"
#include "model/syscalls.h"

/* What edits are made of. */
struct editing {
	struct lint *lint;
	struct finding *finding;
	enum subject_kind kind;
};

static void add_edit(struct editing *editing, const char *text)
{
	struct finding *const finding = editing->finding;
	const char **edits = arena_alloc(&editing->lint->arena, (finding->n_edits + 1) * sizeof(*edits));

	for (size_t i = 0; i < finding->n_edits; i++)
		edits[i] = finding->edits[i];
	edits[finding->n_edits++] = arena_copy(&editing->lint->arena, text, strlen(text));
	finding->edits = edits;
}

/* A number for every name of an errno the table uses. */
static int errno_number(const char *name)
{
	for (int number = 1; name && number < 134; number++) {
		const char *const known = strerrorname_np(number);

		if (known && strcmp(known, name) == 0)
			return number;
	}
	return EPERM;
}

/* The row with the question about one call that looks at an argument; NULL: the whole call is meant. */
static const struct danger_reach *narrowing(const struct danger *danger, const char *name)
{
	const int nr = syscalls_number(name);

	for (size_t i = 0; i < danger->n_reaches && danger->keep; i++)
		if (danger->reaches[i].nr == nr && danger->reaches[i].has_tests &&
		    !danger->reaches[i].is_whole)
			return &danger->reaches[i];
	return NULL;
}

/* Adds text with the argument's number in place of '#'. */
static void add_numbered(struct str *out, const char *text, unsigned arg)
{
	const size_t before = strcspn(text, "#");

	str_add_bytes(out, text, before);
	if (text[before])
		str_addf(out, "%u%s", arg, text + before + 1);
}

/* Bits that must have a value are one comparison; a choice of values is an entry for each. */
static void narrow_in_oci(const struct danger *danger, const char *name, unsigned arg, struct str *out)
{
	long long mask, value;

	str_addf(out, "give \"%s\" an entry of its own with \"args\": [{\"index\": %u, ", name, arg);
	if (sscanf(danger->keep_when, "arg#: {mask: %lli, is: %lli}", &mask, &value) == 2) {
		str_addf(out, "\"value\": %lld, \"valueTwo\": %lld, \"op\": \"SCMP_CMP_MASKED_EQ\"}]", mask, value);
		return;
	}
	str_add(out, "\"value\": 4294967295, \"valueTwo\": V, \"op\": \"SCMP_CMP_MASKED_EQ\"}] for each V, so that ");
	add_numbered(out, danger->keep, arg);
}

/* Rules come before the list, and the first that applies counts: one that allows a part is changed itself. */
static void begin_rule(const struct finding *finding, bool is_refusal, struct str *out)
{
	if (!is_refusal && finding->line && finding->line->line && strstr(finding->line->text, " when "))
		str_addf(out, "change the rule of line %u to ", finding->line->line);
	else
		str_add(out, "put first in syscalls.rules: ");
}

static void narrow(struct editing *editing, const char *name, const struct danger_reach *reach)
{
	const struct danger *const danger = &editing->finding->danger;
	const unsigned arg = reach->tests[0].arg;
	OWN(str) out = STR_NONE;

	if (editing->kind == SUBJECT_POLICY) {
		begin_rule(editing->finding, false, &out);
		str_addf(&out, "{call: %s, when: {", name);
		add_numbered(&out, danger->keep_when, arg);
		str_add(&out, "}}");
	} else if (editing->kind == SUBJECT_OCI) {
		narrow_in_oci(danger, name, arg, &out);
	} else {
		str_addf(&out, "let %s (%d) through only when ", name, syscalls_number(name));
		add_numbered(&out, danger->keep, arg);
		str_add(&out, ", comparing the low word alone");
	}
	add_edit(editing, str_text(&out));
}

static void list(struct str *out, const char *const *names, size_t n, const char *quote, const char *between)
{
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%s%s%s", i ? between : "", quote, names[i], quote);
}

static void refuse_in_policy(const struct finding *finding, const char *const *names, size_t n, struct str *out)
{
	begin_rule(finding, true, out);
	str_add(out, n > 1 ? "{call: [" : "{call: ");
	list(out, names, n, "", ", ");
	str_add(out, n > 1 ? "]" : "");
	str_addf(out, ", action: errno, errno: %s}", finding->danger.errno_name ?: "EPERM");
}

/* A list of what is allowed loses a name, a list of what is refused gains one. */
static void refuse_in_oci(const struct finding *finding, const char *const *names, size_t n, struct str *out)
{
	if (finding->line && finding->line->nr != SUBJECT_ANY) {
		str_add(out, "take ");
		list(out, names, n, "\"", ", ");
		str_add(out, " out of the names of ");
		str_add_bytes(out, finding->line->text, strcspn(finding->line->text, ":"));
		return;
	}
	str_add(out, "add {\"names\": [");
	list(out, names, n, "\"", ", ");
	str_addf(out, "], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": %d}",
		 errno_number(finding->danger.errno_name));
}

static void refuse_in_program(const struct danger *danger, const char *const *names, size_t n,
			      struct str *out)
{
	str_add(out, "return SECCOMP_RET_ERRNO with ");
	str_addf(out, "%s for ", danger->errno_name ?: "EPERM");
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%s (%d)", i ? ", " : "", names[i], syscalls_number(names[i]));
}

static void refuse(struct editing *editing, const char *const *names, size_t n)
{
	const struct danger *const danger = &editing->finding->danger;
	OWN(str) out = STR_NONE;

	if (editing->kind == SUBJECT_POLICY) {
		refuse_in_policy(editing->finding, names, n, &out);
	} else if (editing->kind == SUBJECT_OCI) {
		refuse_in_oci(editing->finding, names, n, &out);
	} else if (editing->kind == SUBJECT_SYSTEMD) {
		str_add(&out, "SystemCallFilter=~");
		list(&out, names, n, "", " ");
		if (narrowing(danger, names[0]))
			str_add(&out, " (whole: its lists compare no arguments)");
	} else {
		refuse_in_program(danger, names, n, &out);
	}
	add_edit(editing, str_text(&out));
}

/* The calls that may keep a part are narrowed one by one, the others are refused together. */
static void edit_calls(struct editing *editing)
{
	const struct finding *const finding = editing->finding;
	OWN_MEM const char **whole = mem_alloc((finding->n_names + 1) * sizeof(*whole));
	size_t n = 0;

	for (size_t i = 0; i < finding->n_names; i++) {
		const struct danger_reach *const reach = narrowing(&finding->danger, finding->names[i]);

		if (reach && editing->kind != SUBJECT_SYSTEMD)
			narrow(editing, finding->names[i], reach);
		else if (syscalls_number(finding->names[i]) >= 0)
			whole[n++] = finding->names[i];
	}
	if (n)
		refuse(editing, whole, n);
}

/* What ends a finding about the filter as a whole, for each kind of source; NULL: as for programs. */
static const struct {
	const char *id, *kinds[SUBJECT_KINDS];
} whole[] = {
	{ "set.no-filter", { [SUBJECT_SYSTEMD] = "SystemCallFilter=@system-service",
			     [SUBJECT_OCI] = "\"defaultAction\": \"SCMP_ACT_ERRNO\", and a list of what is allowed",
			     [SUBJECT_POLICY] = "syscalls: {allow: [\"@default\"]}",
			     [SUBJECT_BPF] = "install a filter",
			     [SUBJECT_PROCESS] = "start it under a filter: ward run" } },
	{ "set.no-new-privs", { [SUBJECT_SYSTEMD] = "NoNewPrivileges=yes",
				[SUBJECT_OCI] = "process.noNewPrivileges of the container: true",
				[SUBJECT_POLICY] = "a boundary of ward sets it",
				[SUBJECT_BPF] = "prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) before the filter",
				[SUBJECT_PROCESS] =
					"prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) before the filter" } },
	{ "abi.arch-unchecked", { [SUBJECT_SYSTEMD] = "SystemCallArchitectures=native",
				  [SUBJECT_OCI] = "\"architectures\": [\"SCMP_ARCH_X86_64\"]",
				  [SUBJECT_BPF] = "begin with: load word 4 (arch); unless it is 0xc000003e, "
						  "return SECCOMP_RET_KILL_PROCESS" } },
	{ "abi.x32", { [SUBJECT_SYSTEMD] = "SystemCallArchitectures=native",
		       [SUBJECT_OCI] = "take \"SCMP_ARCH_X32\" out of the architectures",
		       [SUBJECT_BPF] = "after the architecture: for numbers from 0x40000000 on, return "
				       "SECCOMP_RET_KILL_PROCESS" } },
	{ "abi.i386-socketcall", { [SUBJECT_SYSTEMD] = "SystemCallArchitectures=native",
				   [SUBJECT_OCI] = "take \"SCMP_ARCH_X86\" out of the architectures, or "
						   "\"socketcall\" out of the names",
				   [SUBJECT_BPF] = "refuse number 102 of AUDIT_ARCH_I386, or the whole of it" } },
	{ "abi.i386-gap", { [SUBJECT_SYSTEMD] = "SystemCallArchitectures=native",
			    [SUBJECT_OCI] = "take \"SCMP_ARCH_X86\" out of the architectures",
			    [SUBJECT_BPF] = "return SECCOMP_RET_KILL_PROCESS for AUDIT_ARCH_I386" } },
	{ "abi.width", { [SUBJECT_POLICY] = "report this: ward's own filters compare the width the kernel reads",
			 [SUBJECT_OCI] = "compare with SCMP_CMP_MASKED_EQ and the mask 4294967295 in \"value\"; "
					 "list what is allowed instead of what is not",
			 [SUBJECT_BPF] = "compare the low word of the argument alone" } },
	{ "abi.pointer-arg", { [SUBJECT_OCI] = "take the \"args\" that compare it out",
			       [SUBJECT_BPF] = "do not compare it: decide by the call alone" } },
	{ "abi.default-allow", { [SUBJECT_POLICY] = "syscalls: {default: errno}",
				 [SUBJECT_SYSTEMD] = "SystemCallFilter=@system-service (a list of what is "
						     "allowed), with SystemCallErrorNumber=ENOSYS",
				 [SUBJECT_OCI] = "\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, and "
						 "a list of what is allowed",
				 [SUBJECT_BPF] = "end with SECCOMP_RET_ERRNO|ENOSYS, after a list of what is "
						 "allowed" } },
	{ "abi.errno-choice", { [SUBJECT_SYSTEMD] = "SystemCallErrorNumber=ENOSYS" } },
	{ "host.uprobe", { [SUBJECT_POLICY] = "add uprobe and uretprobe to syscalls.allow" } },
	{ "time.rseq-membarrier", { [SUBJECT_POLICY] = "add rseq to syscalls.allow" } },
	{ "lsm.landlock", { [SUBJECT_POLICY] = "add \"@self-confine\" to syscalls.allow",
			    [SUBJECT_SYSTEMD] = "SystemCallFilter=@sandbox" } },
};

/* false: the finding is about calls. */
static bool edit_whole(struct editing *editing)
{
	const char *const id = editing->finding->danger.id;

	/* The entry has two sides: what is allowed, and what is killed for. */
	if (strcmp(id, "time.rseq-membarrier") == 0 && !editing->finding->is_refusal)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
		const char *const own = whole[i].kinds[editing->kind], *const other = whole[i].kinds[SUBJECT_BPF];

		if (strcmp(whole[i].id, id) != 0 || !(own || other))
			continue;
		add_edit(editing, own ?: other);
		return true;
	}
	return false;
}

/* Calls that are refused and should not be, or not so. */
static bool edit_refusal(struct editing *editing)
{
	const struct finding *const finding = editing->finding;
	const bool is_errno = strcmp(finding->danger.id, "abi.errno-choice") == 0;
	OWN(str) out = STR_NONE;

	if (!finding->is_refusal)
		return false;
	if (is_errno && editing->kind == SUBJECT_POLICY) {
		refuse(editing, finding->names, finding->n_names);
		return true;
	}
	if (editing->kind == SUBJECT_SYSTEMD) {
		str_add(&out, "SystemCallFilter=");
		list(&out, finding->names, finding->n_names, "", " ");
	} else {
		str_add(&out, is_errno ? "answer ENOSYS to " : "allow ");
		list(&out, finding->names, finding->n_names, "", ", ");
	}
	add_edit(editing, str_text(&out));
	return true;
}

void lint_edit(struct asking *asking, struct finding *finding)
{
	const struct danger *const danger = &finding->danger;
	struct editing editing = { .lint = asking->out, .finding = finding, .kind = asking->subject->kind };

	if (asking->subject->calls_are_fixed) {
		add_edit(&editing, "no edit: the calls are the engine's, the same under every policy");
		return;
	}
	if (edit_whole(&editing) || edit_refusal(&editing))
		return;
	if (editing.kind == SUBJECT_POLICY && danger->policy)
		add_edit(&editing, danger->policy);
	else if (editing.kind == SUBJECT_SYSTEMD && danger->systemd)
		add_edit(&editing, danger->systemd);
	else
		edit_calls(&editing);
}
