/* One entry of a profile's syscalls: does it count here, and which rules of libseccomp is it? */
#include "format/oci_rules.h"

#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/capability.h"
#include "model/syscalls.h"

#define RULES_MAX 8192         /* each rule with a condition is two instructions, of 4096 */

/* One entry of syscalls, without its names. */
struct rule {
	uint32_t action;
	const char *action_name, *why;
	size_t n_args;
	bool is_split;          /* one argument twice: each condition is a rule */
	struct scmp_arg_cmp args[32];
};

/* Returns 1 when the condition can be compiled, 0 when it is missing, -1. */
static int read_arg(struct oci *oci, const struct node *entry, struct scmp_arg_cmp *out, struct err *e)
{
	static const char *const known[] = { "index", "value", "valueTwo", "op" };
	static const struct {
		const char *name;
		enum scmp_compare op;
	} ops[] = {
		{ "SCMP_CMP_NE", SCMP_CMP_NE }, { "SCMP_CMP_LT", SCMP_CMP_LT }, { "SCMP_CMP_LE", SCMP_CMP_LE },
		{ "SCMP_CMP_EQ", SCMP_CMP_EQ }, { "SCMP_CMP_GE", SCMP_CMP_GE }, { "SCMP_CMP_GT", SCMP_CMP_GT },
		{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	};
	const struct node *const index = oci_get(entry, "index"), *const value = oci_get(entry, "value"),
				 *const second = oci_get(entry, "valueTwo"), *const op = oci_get(entry, "op");
	uint64_t arg = 0, a = 0, b = 0;

	if (tree_want(oci->tree, entry, NODE_MAP, "an entry of args", e) < 0)
		return -1;
	oci_check_keys(oci, entry, known, ARRAY_SIZE(known));
	if ((index && oci_u64(oci, index, &arg, e) < 0) || (value && oci_u64(oci, value, &a, e) < 0) ||
	    (second && oci_u64(oci, second, &b, e) < 0))
		return -1;
	if (arg > 5)
		return tree_fail(oci->tree, index->at, e, ERR_USAGE, "index %" PRIu64 ": a call has arguments 0 to 5", arg);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (strcmp(ops[i].name, oci_text(op)) == 0) {
			*out = (struct scmp_arg_cmp){ .arg = (unsigned)arg, .op = ops[i].op, .datum_a = a, .datum_b = b };
			return 1;
		}
	oci_miss(oci, op ? op : entry, "unknown operator", oci_text(op));
	return 0;
}

/* Returns 1, 0 when something of it is missing, -1. */
static int read_args(struct oci *oci, const struct node *entry, struct rule *rule, struct err *e)
{
	const struct node *list;
	unsigned seen = 0;
	int all = 1;

	if (oci_list(oci, entry, "args", &list, e) < 0)
		return -1;
	for (const struct node *item = list ? list->first : NULL; item; item = item->next) {
		struct scmp_arg_cmp *const arg = &rule->args[rule->n_args];
		int rc;

		if (rule->n_args == ARRAY_SIZE(rule->args))
			return tree_fail(oci->tree, item->at, e, ERR_LIMIT, "more than %zu conditions in one entry",
					 ARRAY_SIZE(rule->args));
		rc = read_arg(oci, item, arg, e);
		if (rc < 0)
			return -1;
		all &= rc;
		if (!rc)
			continue;
		rule->is_split |= seen >> arg->arg & 1;
		seen |= 1u << arg->arg;
		rule->n_args++;
	}
	return all;
}

static bool lists(const struct node *list, const char *word)
{
	for (const struct node *item = list ? list->first : NULL; item; item = item->next)
		if (strcmp(oci_text(item), word) == 0)
			return true;
	return false;
}

/* "4.8" or newer. */
static bool is_kernel(const struct oci *oci, const char *text)
{
	char *end;
	const unsigned long major = strtoul(text, &end, 10), minor = *end == '.' ? strtoul(end + 1, &end, 10) : 0;
	const uint32_t wanted = (uint32_t)((major & 0xff) << 16 | (minor & 0xff) << 8);

	return !oci->out->context.kernel || oci->out->context.kernel >= wanted;
}

/* How many of the capabilities in a list the context has. */
static size_t count_caps(struct oci *oci, const struct node *list)
{
	size_t n = 0;

	for (const struct node *item = list ? list->first : NULL; item; item = item->next) {
		const int number = capability_number(oci_text(item));

		if (number < 0)
			oci_miss(oci, item, "unknown capability", oci_text(item));
		else
			n += oci->out->context.caps >> number & 1;
	}
	return n;
}

/* Does an entry count in this context? includes: all must hold; excludes: any is enough. */
static int applies(struct oci *oci, const struct node *entry, bool *out, struct err *e)
{
	static const char *const known[] = { "arches", "caps", "minKernel" };

	*out = true;
	for (int excludes = 0; excludes < 2; excludes++) {
		const struct node *const map = oci_get(entry, excludes ? "excludes" : "includes"), *arches, *caps, *kernel;
		bool holds;

		if (!map)
			continue;
		if (tree_want(oci->tree, map, NODE_MAP, map->key, e) < 0 || oci_list(oci, map, "arches", &arches, e) < 0 ||
		    oci_list(oci, map, "caps", &caps, e) < 0)
			return -1;
		oci_check_keys(oci, map, known, ARRAY_SIZE(known));
		kernel = oci_get(map, "minKernel");
		if (excludes)
			holds = !lists(arches, "amd64") && !count_caps(oci, caps) &&
				!(*oci_text(kernel) && is_kernel(oci, oci_text(kernel)));
		else
			holds = (!arches || !arches->n || lists(arches, "amd64")) &&
				(!caps || count_caps(oci, caps) == caps->n) &&
				(!*oci_text(kernel) || is_kernel(oci, oci_text(kernel)));
		*out &= holds;
	}
	return 0;
}

static int refused(struct oci *oci, const struct node *node, int rc, struct err *e)
{
	return tree_fail(oci->tree, node->at, e, ERR_USAGE, "libseccomp refuses the rule for '%.60s': %s", oci_text(node),
			 strerror(-rc));
}

static int add_rules(struct oci *oci, const struct rule *rule, const struct node *name, int nr, struct err *e)
{
	const size_t n = rule->is_split ? rule->n_args : 1;
	int rc = 0;

	oci->n_rules += n;
	if (oci->n_rules > RULES_MAX)
		return tree_fail(oci->tree, name->at, e, ERR_LIMIT, "more than %d rules; no kernel takes that filter",
				 RULES_MAX);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = rule->is_split ? seccomp_rule_add_array(oci->filter.ctx, rule->action, nr, 1, &rule->args[i]) :
			seccomp_rule_add_array(oci->filter.ctx, rule->action, nr, (unsigned)rule->n_args, rule->args);
	return rc < 0 ? refused(oci, name, rc, e) : 0;
}

static int add_name(struct oci *oci, const struct rule *rule, const struct node *name, struct err *e)
{
	const int nr = seccomp_syscall_resolve_name(oci_text(name)), own = syscalls_number(oci_text(name));
	const size_t n_whys = oci->out->n_whys;
	char text[96];

	snprintf(text, sizeof(text), "syscalls[%zu]: %s", oci->index, rule->action_name);
	if (own >= 0)
		subject_add_line(oci->out, (uint32_t)own, name->at.line, name->at.column, text);
	if (rule->why && (!n_whys || oci->out->whys[n_whys - 1].line != name->at.line))
		subject_add_why(oci->out, name->at.line, rule->why);
	/* runc drops it: a refusal that is said twice is no rule. */
	if (rule->action == oci->otherwise)
		return 0;
	if (nr == __NR_SCMP_ERROR) {
		oci_miss(oci, name, own >= 0 ? "libseccomp does not know, so the default applies to" : "unknown system call",
		     oci_text(name));
		return 0;
	}
	return add_rules(oci, rule, name, nr, e);
}

static const char *why_of(const struct node *entry)
{
	const char *const text = oci_text(oci_get(entry, "comment"));

	return strncmp(text, "why:", 4) == 0 ? text + 4 + strspn(text + 4, " ") : NULL;
}

static int read_names(struct oci *oci, const struct node *entry, const struct rule *rule, struct err *e)
{
	const struct node *const name = oci_get(entry, "name"), *names;

	if (oci_list(oci, entry, "names", &names, e) < 0)
		return -1;
	if (*oci_text(name) && names && names->n)
		return tree_fail(oci->tree, name->at, e, ERR_USAGE, "both 'name' and 'names'; write one");
	if (*oci_text(name))
		return add_name(oci, rule, name, e);
	for (const struct node *item = names ? names->first : NULL; item; item = item->next)
		if (add_name(oci, rule, item, e) < 0)
			return -1;
	return 0;
}

int oci_add_entry(struct oci *oci, const struct node *entry, struct err *e)
{
	static const char *const known[] = {
		"name", "names", "action", "args", "errnoRet", "errno", "includes", "excludes", "comment",
	};
	const struct node *const action = oci_get(entry, "action");
	struct rule rule = { .why = why_of(entry) };
	bool counts;
	uint16_t sys;
	int rc;

	if (tree_want(oci->tree, entry, NODE_MAP, "an entry of syscalls", e) < 0)
		return -1;
	oci_check_keys(oci, entry, known, ARRAY_SIZE(known));
	if (!action)
		return tree_fail(oci->tree, entry->at, e, ERR_USAGE, "an entry without 'action'");
	if (applies(oci, entry, &counts, e) < 0)
		return -1;
	if (!counts)
		return 0;
	if (oci_errno(oci, entry, "errnoRet", "errno", &sys, e) < 0)
		return -1;
	rule.action_name = oci_text(action);
	rc = oci_action(oci, action, sys, &rule.action, e);
	if (rc == 1)
		rc = read_args(oci, entry, &rule, e);
	return rc == 1 ? read_names(oci, entry, &rule, e) : rc;
}

