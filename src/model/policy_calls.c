/* Turns syscall rules as written into filter rows. Refuses comparisons that could never hold on the
 * argument's true width, and rules whose effect would depend on reading between the lines. */
#include "model/policy_calls.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "model/policy_value.h"
#include "model/syscalls.h"

#define RULES_MAX   256
#define NAMES_MAX   512 /* of a rule, and of allow */
#define CHOICES_MAX 64  /* values of one argument */
#define PRODUCT_MAX 512 /* rows one call of one rule may become */
#define ERRNO_MAX   133 /* EHWPOISON, asm-generic/errno.h */

/* Rows that give a narrowed call the default; known by their origin, so that --syscall-default
 * reaches them too. */
static const char closing[] = "policy, otherwise";

struct argument {
	struct place at;
	uint8_t arg;
	size_t n;
	struct filter_test tests[CHOICES_MAX]; /* one of them must hold */
};

struct rule {
	struct filter_row row; /* without number and tests */
	size_t n_arguments;
	struct argument arguments[FILTER_TESTS]; /* all of them must hold */
};

struct reader {
	struct policy *policy;
	const struct tree *tree;
	const char *source;
	uint32_t *narrowed; /* calls with an `allow ... when` rule */
	size_t n_narrowed, cap_narrowed;
};

static uint8_t default_act(const struct policy *policy)
{
	static const uint8_t acts[] = {
		[SYS_KILL] = FILTER_KILL,
		[SYS_ERRNO] = FILTER_ERRNO,
		[SYS_NOTIFY] = FILTER_NOTIFY,
		[SYS_LOG] = FILTER_LOG,
	};

	return acts[policy_n(policy, KEY_SYS_DEFAULT)];
}

void policy_calls_sync(struct policy *policy)
{
	struct filter_set *const set = &policy->syscalls;

	set->otherwise = default_act(policy);
	set->otherwise_sys = set->otherwise_sys ? set->otherwise_sys : ENOSYS;
	set->report = policy_n(policy, KEY_REPORT) == REPORT_DENIALS;
	for (size_t i = 0; i < set->n_rows; i++)
		if (set->rows[i].origin == closing) {
			set->rows[i].act = set->otherwise;
			set->rows[i].sys = set->otherwise_sys;
		}
}

int policy_errno(const char *name, uint16_t *number, struct err *e)
{
	struct str_near near = STR_NEAR(name);

	for (int i = 1; i <= ERRNO_MAX; i++) {
		const char *const known = strerrorname_np(i);

		if (known && strcmp(known, name) == 0) {
			*number = (uint16_t)i;
			return 0;
		}
		if (known)
			str_near_offer(&near, known);
	}
	if (str_near_best(&near))
		return err_set(e, ERR_USAGE, "unknown errno '%.40s' (did you mean '%s'?)", name,
			       str_near_best(&near));
	return err_set(e, ERR_USAGE, "unknown errno '%.40s'; write a name such as EPERM", name);
}

/* Decimal, hexadecimal, or a name. */
static int read_number(const struct reader *r, const struct node *node, uint64_t *n, struct err *e)
{
	const char *const text = node->text;
	char *end;

	if (tree_want(r->tree, node, NODE_TEXT, "an argument", e) < 0)
		return -1;
	if (*text == '-')
		return tree_fail(r->tree, node->at, e, ERR_USAGE,
				 "'%.40s' is negative; write it in hexadecimal, like 0xffffff9c",
				 text);
	if (*text < '0' || *text > '9')
		return syscalls_constant(text, n)
			       ? 0
			       : tree_fail(r->tree, node->at, e, ERR_USAGE,
					   "unknown constant '%.40s'; write its number", text);
	errno = 0;
	*n = strtoull(text, &end, text[1] == 'x' ? 16 : 10);
	if (*end || end == text || errno || (text[1] == 'x' && !text[2]))
		return tree_fail(r->tree, node->at, e, ERR_USAGE,
				 "'%.40s' is not a 64-bit number; write digits or 0x...", text);
	return 0;
}

/* VALUE or {mask: M, is: V}. */
static int read_test(const struct reader *r, const struct node *node, struct filter_test *test,
		     struct err *e)
{
	static const char *const known[] = { "mask", "is" };
	const struct node *mask, *is;

	test->op = FILTER_EQ;
	test->mask = UINT64_MAX;
	if (node->kind != NODE_MAP)
		return read_number(r, node, &test->value, e);
	if (tree_check_keys(r->tree, node, "a masked argument", known, ARRAY_SIZE(known), e) < 0)
		return -1;
	mask = tree_get(node, "mask");
	is = tree_get(node, "is");
	if (!mask || !is)
		return tree_fail(r->tree, node->at, e, ERR_USAGE,
				 "a masked argument needs both; write {mask: M, is: V}");
	if (read_number(r, mask, &test->mask, e) < 0 || read_number(r, is, &test->value, e) < 0)
		return -1;
	if (test->value & ~test->mask)
		return tree_fail(r->tree, is->at, e, ERR_USAGE,
				 "'is' has bits outside 'mask' and could never hold");
	return 0;
}

static int read_argument(const struct reader *r, const struct node *node, struct argument *argument,
			 struct err *e)
{
	const bool is_list = node->kind == NODE_LIST;
	const char *const key = node->key;

	if (strncmp(key, "arg", 3) != 0 || key[3] < '0' || key[3] > '5' || key[4])
		return tree_fail(r->tree, node->key_at, e, ERR_USAGE,
				 "unknown argument '%.40s'; write arg0 to arg5", key);
	if (is_list && (!node->n || node->n > CHOICES_MAX))
		return tree_fail(r->tree, node->at, e, ERR_USAGE,
				 "%s lists %zu values; write 1 to %d", key, node->n, CHOICES_MAX);
	*argument = (struct argument){ .at = node->at, .arg = (uint8_t)(key[3] - '0') };
	for (const struct node *item = is_list ? node->first : node; item;
	     item = is_list ? item->next : NULL) {
		struct filter_test *const test = &argument->tests[argument->n++];

		test->arg = argument->arg;
		if (read_test(r, item, test, e) < 0)
			return -1;
	}
	return 0;
}

static int read_when(const struct reader *r, const struct node *when, struct rule *rule,
		     struct err *e)
{
	if (tree_want(r->tree, when, NODE_MAP, "when", e) < 0)
		return -1;
	if (!when->n)
		return tree_fail(r->tree, when->at, e, ERR_USAGE,
				 "'when' compares nothing; remove it or write {arg0: VALUE}");
	if (when->n > FILTER_TESTS)
		return tree_fail(r->tree, when->at, e, ERR_LIMIT,
				 "'when' compares at most %d arguments; leave the least telling out",
				 FILTER_TESTS);
	for (const struct node *node = when->first; node; node = node->next)
		if (read_argument(r, node, &rule->arguments[rule->n_arguments++], e) < 0)
			return -1;
	return 0;
}

static int read_action(const struct reader *r, const struct node *entry, struct rule *rule,
		       struct err *e)
{
	const struct node *const action = tree_get(entry, "action"), *const sys = tree_get(entry,
											   "errno");
	uint64_t act = FILTER_ALLOW;

	if (!action && !tree_get(entry, "when"))
		return tree_fail(r->tree, entry->at, e, ERR_USAGE,
				 "rule without 'action' and 'when'; say what happens, "
				 "or when it is allowed");
	if (action && tree_want(r->tree, action, NODE_TEXT, "action", e) < 0)
		return -1;
	/* The order of enum filter_act. */
	if (action && policy_value_parse(KEY_CHOICE, "allow|log|notify|errno|kill", action->text,
					 &act, e) < 0)
		return err_add(e, "action"), tree_locate(r->tree, action->at, e);
	rule->row.act = (uint8_t)act;
	rule->row.sys = act == FILTER_ERRNO || act == FILTER_NOTIFY ? EPERM : 0;
	if (!sys)
		return 0;
	if (!rule->row.sys)
		return tree_fail(r->tree, sys->key_at, e, ERR_USAGE,
				 "'errno' goes with action: errno or notify; remove it");
	if (tree_want(r->tree, sys, NODE_TEXT, "errno", e) < 0)
		return -1;
	return policy_errno(sys->text, &rule->row.sys, e) < 0 ? tree_locate(r->tree, sys->at, e)
							      : 0;
}

/* A test on an argument of which the kernel reads fewer than 8 bytes must fit into them: a value
 * with more bits would never be equal, and a mask would look at bits the kernel throws away. */
static int fit(const struct reader *r, const struct argument *argument, const char *call,
	       uint32_t nr, struct filter_test *test, struct err *e)
{
	const unsigned bits = 8 * syscalls_arg_bytes(nr, test->arg);
	const bool is_plain = test->mask == UINT64_MAX;

	if (bits >= 64)
		return 0;
	/* A named constant may be negative (AT_FDCWD): all ones from the sign bit up. */
	if (is_plain && test->value >> (bits - 1) == UINT64_MAX >> (bits - 1))
		test->value &= (UINT64_C(1) << bits) - 1;
	if (test->value >> bits || (!is_plain && test->mask >> bits))
		return tree_fail(r->tree, argument->at, e, ERR_USAGE,
				 "arg%u of %s has %u bits, and 0x%" PRIx64
				 " has more; write a smaller number",
				 test->arg, call, bits,
				 test->value >> bits ? test->value : test->mask);
	return 0;
}

static int add_row(const struct reader *r, const struct rule *rule, const char *call, uint32_t nr,
		   const size_t *at, struct err *e)
{
	struct filter_row row = rule->row;

	row.nr = nr;
	for (size_t i = 0; i < rule->n_arguments; i++) {
		row.tests[row.n_tests] = rule->arguments[i].tests[at[i]];
		if (fit(r, &rule->arguments[i], call, nr, &row.tests[row.n_tests++], e) < 0)
			return -1;
	}
	filter_add(&r->policy->syscalls, &row);
	return 0;
}

/* One row for every combination: counts like an odometer, last argument fastest. */
static int add_rows(const struct reader *r, const struct rule *rule, const char *call, uint32_t nr,
		    struct err *e)
{
	size_t at[FILTER_TESTS] = { 0 };
	size_t i;

	do {
		if (add_row(r, rule, call, nr, at, e) < 0)
			return -1;
		for (i = rule->n_arguments; i > 0 && ++at[i - 1] == rule->arguments[i - 1].n; i--)
			at[i - 1] = 0;
	} while (i > 0);
	return 0;
}

static void narrow(struct reader *r, uint32_t nr)
{
	for (size_t i = 0; i < r->n_narrowed; i++)
		if (r->narrowed[i] == nr)
			return;
	r->narrowed =
		mem_grow(r->narrowed, &r->cap_narrowed, r->n_narrowed + 1, sizeof(*r->narrowed));
	r->narrowed[r->n_narrowed++] = nr;
}

static int unknown_call(const struct reader *r, const struct node *node, struct err *e)
{
	struct str_near near = STR_NEAR(node->text);
	const char *name;

	if (*node->text == '@')
		return tree_fail(r->tree, node->at, e, ERR_USAGE,
				 "'%.40s' is a group; rules name calls, groups go under allow",
				 node->text);
	for (size_t i = 0; (name = syscalls_name_at(i)) != NULL; i++)
		str_near_offer(&near, name);
	if (str_near_best(&near))
		return tree_fail(r->tree, node->at, e, ERR_USAGE,
				 "unknown system call '%.40s' (did you mean '%s'?)", node->text,
				 str_near_best(&near));
	return tree_fail(r->tree, node->at, e, ERR_USAGE,
			 "unknown system call '%.40s'; see syscalls(2)", node->text);
}

static int add_call(struct reader *r, const struct rule *rule, const struct node *node,
		    struct err *e)
{
	int nr;

	if (tree_want(r->tree, node, NODE_TEXT, "call", e) < 0)
		return -1;
	nr = syscalls_number(node->text);
	if (nr < 0)
		return unknown_call(r, node, e);
	if (rule->row.act == FILTER_ALLOW && rule->n_arguments)
		narrow(r, (uint32_t)nr);
	return add_rows(r, rule, node->text, (uint32_t)nr, e);
}

static void write_value(struct str *out, const struct node *node)
{
	if (node->kind == NODE_MAP)
		str_addf(out, "%s masked with %s", tree_get(node, "is")->text,
			 tree_get(node, "mask")->text);
	else
		str_add(out, node->text);
}

static void write_values(struct str *out, const struct node *node)
{
	if (node->kind != NODE_LIST) {
		write_value(out, node);
		return;
	}
	for (const struct node *item = node->first; item; item = item->next) {
		write_value(out, item);
		str_add(out, !item->next ? "" : item->next->next ? ", " : " or ");
	}
}

static void add_text(struct reader *r, const char *text, struct place at)
{
	struct policy *const p = r->policy;

	p->calls = mem_grow(p->calls, &p->cap_calls, p->n_calls + 1, sizeof(*p->calls));
	p->calls[p->n_calls++] = (struct call_rule){
		.text = arena_copy(&p->arena, text, strlen(text)),
		.origin = { r->source, at.line, at.column },
	};
}

/* The rule in one line, for people; the entry has been checked. */
static void describe(struct reader *r, const struct node *entry)
{
	const struct node *const action = tree_get(entry, "action"), *const when = tree_get(entry,
											    "when");
	const struct node *const sys = tree_get(entry, "errno");
	OWN(str) out = STR_NONE;

	str_add(&out, action ? action->text : "allow");
	if (sys)
		str_addf(&out, " %s", sys->text);
	str_add(&out, " ");
	write_values(&out, tree_get(entry, "call"));
	for (const struct node *node = when ? when->first : NULL; node; node = node->next) {
		str_addf(&out, "%s%s is ", node == when->first ? " when " : " and ", node->key);
		write_values(&out, node);
	}
	add_text(r, str_text(&out), entry->at);
}

static int check_product(const struct reader *r, const struct rule *rule, const struct node *entry,
			 struct err *e)
{
	size_t product = 1;

	for (size_t i = 0; i < rule->n_arguments; i++)
		product *= rule->arguments[i].n; /* at most 64^6 = 2^36 */
	if (product > PRODUCT_MAX)
		return tree_fail(r->tree, entry->at, e, ERR_LIMIT,
				 "rule means %zu combinations; at most %d, so split or "
				 "mask the values",
				 product, PRODUCT_MAX);
	return 0;
}

static int read_rule(struct reader *r, const struct node *entry, struct err *e)
{
	static const char *const known[] = { "call", "when", "action", "errno" };
	struct rule rule = { .row = { .line = entry->at.line, .origin = "policy" } };
	const struct node *call, *when;

	if (tree_want(r->tree, entry, NODE_MAP, "an entry of rules", e) < 0 ||
	    tree_check_keys(r->tree, entry, "a rule", known, ARRAY_SIZE(known), e) < 0)
		return -1;
	call = tree_get(entry, "call");
	when = tree_get(entry, "when");
	if (!call)
		return tree_fail(r->tree, entry->at, e, ERR_USAGE,
				 "rule without 'call'; name one call or a list");
	if (read_action(r, entry, &rule, e) < 0 || (when && read_when(r, when, &rule, e) < 0) ||
	    check_product(r, &rule, entry, e) < 0)
		return -1;
	if (call->kind == NODE_LIST && (!call->n || call->n > NAMES_MAX))
		return tree_fail(r->tree, call->at, e, ERR_USAGE,
				 "'call' lists %zu names; write 1 to %d", call->n, NAMES_MAX);
	for (const struct node *item = call->kind == NODE_LIST ? call->first : call; item;
	     item = call->kind == NODE_LIST ? item->next : NULL)
		if (add_call(r, &rule, item, e) < 0)
			return -1;
	describe(r, entry);
	return 0;
}

static int read_rules(struct reader *r, const struct node *rules, struct err *e)
{
	if (rules->n > RULES_MAX)
		return tree_fail(r->tree, rules->at, e, ERR_LIMIT,
				 "more than %d rules; join those that say the same", RULES_MAX);
	for (const struct node *entry = rules->first; entry; entry = entry->next)
		if (read_rule(r, entry, e) < 0)
			return -1;
	/* After all rules, so that two rules for one call add up; before `allow`, so that they
	 * narrow it. */
	for (size_t i = 0; i < r->n_narrowed; i++)
		filter_add(&r->policy->syscalls,
			   &(struct filter_row){ .nr = r->narrowed[i],
						 .act = r->policy->syscalls.otherwise,
						 .sys = r->policy->syscalls.otherwise_sys,
						 .origin = closing });
	return 0;
}

static int read_allow(struct reader *r, const struct node *allow, struct err *e)
{
	if (allow->n > NAMES_MAX)
		return tree_fail(r->tree, allow->at, e, ERR_LIMIT, "more than %d names; use groups",
				 NAMES_MAX);
	for (const struct node *item = allow->first; item; item = item->next) {
		char text[80];

		if (tree_want(r->tree, item, NODE_TEXT, "syscalls.allow", e) < 0)
			return -1;
		if (filter_add_name(&r->policy->syscalls, item->text, item->at.line, e) < 0)
			return tree_locate(r->tree, item->at, e);
		snprintf(text, sizeof(text), "allow %s", item->text);
		add_text(r, text, item->at);
	}
	return 0;
}

int policy_calls_read(struct policy *policy, const struct tree *tree, const char *source,
		      const struct node *rules, const struct node *allow, struct err *e)
{
	struct reader r = { .policy = policy, .tree = tree, .source = source };
	int rc = 0;

	if (rules)
		rc = read_rules(&r, rules, e);
	if (rc == 0 && allow)
		rc = read_allow(&r, allow, e);
	free(r.narrowed);
	return rc;
}
