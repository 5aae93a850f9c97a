/* Reads the parts of a policy that are not scalar keys: lists, maps, the version. Refuses what
 * would let the caller's environment into the box, and words it does not know. */
#include "model/policy_fields.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "model/policy_calls.h"
#include "model/policy_files.h"
#include "model/policy_value.h"

#define PORTS_MAX 1024
#define ENV_MAX   256

struct origin field_origin(const struct reader *r, struct place at)
{
	return (struct origin){ r->source, at.line, at.column };
}

static int read_version(struct reader *r, const struct node *node, struct err *e)
{
	r->has_version = true;
	return tree_want_version(r->tree, node, e);
}

static int read_files(struct reader *r, const struct node *node, struct err *e)
{
	return policy_files_read(r->policy, r->tree, r->source, node, e);
}

static int read_ports(struct reader *r, const struct node *node, uint16_t **ports, size_t *n,
		      size_t *cap, struct err *e)
{
	if (tree_want(r->tree, node, NODE_LIST, node->key, e) < 0)
		return -1;
	if (node->n > PORTS_MAX)
		return tree_fail(r->tree, node->at, e, ERR_LIMIT, "more than %d ports", PORTS_MAX);
	r->policy->ports_listed = true;
	r->policy->ports_from = field_origin(r, node->at);
	for (const struct node *item = node->first; item; item = item->next) {
		uint64_t port;

		if (tree_want(r->tree, item, NODE_TEXT, node->key, e) < 0)
			return -1;
		if (policy_value_parse(KEY_COUNT, "1..65535", item->text, &port, e) < 0)
			return err_add(e, "port"), tree_locate(r->tree, item->at, e);
		*ports = mem_grow(*ports, cap, *n + 1, sizeof(**ports));
		(*ports)[(*n)++] = (uint16_t)port;
	}
	return 0;
}

static int read_connect(struct reader *r, const struct node *node, struct err *e)
{
	struct policy *const p = r->policy;

	return read_ports(r, node, &p->connect_ports, &p->n_connect, &p->cap_connect, e);
}

static int read_bind(struct reader *r, const struct node *node, struct err *e)
{
	struct policy *const p = r->policy;

	return read_ports(r, node, &p->bind_ports, &p->n_bind, &p->cap_bind, e);
}

static int refuse_broker(struct reader *r, const struct node *node, struct err *e)
{
	return tree_fail(r->tree, node->key_at, e, ERR_UNSUPPORTED,
			 "network.%s needs the egress broker, which this "
			 "version does not have; use network: none",
			 node->key);
}

static int read_rules(struct reader *r, const struct node *node, struct err *e)
{
	r->rules = node;
	return tree_want(r->tree, node, NODE_LIST, "syscalls.rules", e);
}

static int read_allow(struct reader *r, const struct node *node, struct err *e)
{
	r->allow = node;
	return tree_want(r->tree, node, NODE_LIST, "syscalls.allow", e);
}

static int read_errno(struct reader *r, const struct node *node, struct err *e)
{
	uint16_t number;

	if (tree_want(r->tree, node, NODE_TEXT, "syscalls.errno", e) < 0)
		return -1;
	if (policy_errno(node->text, &number, e) < 0)
		return tree_locate(r->tree, node->at, e);
	r->policy->syscalls.otherwise_sys = number;
	return 0;
}

/* Variables the dynamic loader and the C library obey: the caller's value would load the caller's
 * code into the box. Source: ld.so(8), environ(7) */
static bool is_loader_name(const char *name)
{
	return strncmp(name, "LD_", 3) == 0 || strcmp(name, "GLIBC_TUNABLES") == 0 ||
	       strcmp(name, "GCONV_PATH") == 0;
}

static int add_env(struct reader *r, const char *name, const char *value, struct place at,
		   struct err *e)
{
	struct policy *const p = r->policy;
	struct env_rule *rule;

	if (!*name || (*name >= '0' && *name <= '9') ||
	    name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")])
		return tree_fail(r->tree, at, e, ERR_USAGE,
				 "'%.40s' is not a variable name; use A-Z a-z 0-9 _", name);
	if (p->n_env >= ENV_MAX)
		return tree_fail(r->tree, at, e, ERR_LIMIT, "more than %d variables", ENV_MAX);
	for (size_t i = 0; i < p->n_env; i++)
		if (strcmp(p->env[i].name, name) == 0)
			return tree_fail(r->tree, at, e, ERR_USAGE,
					 "variable %.40s is named twice, first on line %" PRIu32
					 "; keep one",
					 name, p->env[i].origin.line);
	p->env = mem_grow(p->env, &p->cap_env, p->n_env + 1, sizeof(*p->env));
	rule = &p->env[p->n_env++];
	rule->name = arena_copy(&p->arena, name, strlen(name));
	rule->value = value ? arena_copy(&p->arena, value, strlen(value)) : NULL;
	rule->origin = field_origin(r, at);
	return 0;
}

static int read_env_keep(struct reader *r, const struct node *node, struct err *e)
{
	if (tree_want(r->tree, node, NODE_LIST, "env.keep", e) < 0)
		return -1;
	for (const struct node *item = node->first; item; item = item->next) {
		if (tree_want(r->tree, item, NODE_TEXT, "env.keep", e) < 0)
			return -1;
		if (is_loader_name(item->text))
			return tree_fail(
				r->tree, item->at, e, ERR_DENIED,
				"%.40s is not kept: the loader obeys it, so the "
				"caller's value would run the caller's code inside; use env.set",
				item->text);
		if (add_env(r, item->text, NULL, item->at, e) < 0)
			return -1;
	}
	return 0;
}

static int read_env_set(struct reader *r, const struct node *node, struct err *e)
{
	if (tree_want(r->tree, node, NODE_MAP, "env.set", e) < 0)
		return -1;
	for (const struct node *item = node->first; item; item = item->next) {
		if (tree_want(r->tree, item, NODE_TEXT, item->key, e) < 0)
			return -1;
		if (add_env(r, item->key, item->text, item->key_at, e) < 0)
			return -1;
	}
	return 0;
}

static int unknown_word(struct reader *r, const struct node *item, const char *what,
			struct str_near *near, const char *fix, struct err *e)
{
	if (str_near_best(near))
		return tree_fail(r->tree, item->at, e, ERR_USAGE,
				 "unknown %s '%.40s' (did you mean '%s'?)", what, item->text,
				 str_near_best(near));
	return tree_fail(r->tree, item->at, e, ERR_USAGE, "unknown %s '%.40s'; %s", what,
			 item->text, fix);
}

static int read_require(struct reader *r, const struct node *node, struct err *e)
{
	if (tree_want(r->tree, node, NODE_LIST, "require", e) < 0)
		return -1;
	r->policy->require_from = field_origin(r, node->at);
	for (const struct node *item = node->first; item; item = item->next) {
		struct str_near near;
		enum layer layer;

		if (tree_want(r->tree, item, NODE_TEXT, "require", e) < 0)
			return -1;
		layer = layer_find(item->text);
		if (layer < LAYERS) {
			r->policy->require |= LAYER_BIT(layer);
			continue;
		}
		near = STR_NEAR(item->text);
		for (size_t i = 0; i < LAYERS; i++)
			str_near_offer(&near, layer_name((enum layer)i));
		return unknown_word(r, item, "layer", &near, "`ward doctor` lists the layers", e);
	}
	return 0;
}

static int read_fallback(struct reader *r, const struct node *node, struct err *e)
{
	if (tree_want(r->tree, node, NODE_LIST, "fallback", e) < 0)
		return -1;
	r->policy->fallback_from = field_origin(r, node->at);
	for (const struct node *item = node->first; item; item = item->next) {
		size_t i = 0;

		if (tree_want(r->tree, item, NODE_TEXT, "fallback", e) < 0)
			return -1;
		while (policy_fallback_name(i) && strcmp(policy_fallback_name(i), item->text) != 0)
			i++;
		if (!policy_fallback_name(i)) {
			struct str_near near = STR_NEAR(item->text);

			for (i = 0; policy_fallback_name(i); i++)
				str_near_offer(&near, policy_fallback_name(i));
			return unknown_word(r, item, "fallback", &near, "known: process, rlimits",
					    e);
		}
		r->policy->fallback |= 1U << i;
	}
	return 0;
}

/* What is not a scalar key. */
static const struct field fields[] = {
	{ "version", read_version },         { "files", read_files },
	{ "require", read_require },         { "fallback", read_fallback },
	{ "network.connect", read_connect }, { "network.bind", read_bind },
	{ "network.allow", refuse_broker },  { "network.services", refuse_broker },
	{ "syscalls.rules", read_rules },    { "syscalls.allow", read_allow },
	{ "syscalls.errno", read_errno },    { "env.keep", read_env_keep },
	{ "env.set", read_env_set },
};

_Static_assert(ARRAY_SIZE(fields) == FIELDS, "one row for each field");

const struct field *field_at(size_t i)
{
	return i < ARRAY_SIZE(fields) ? &fields[i] : NULL;
}
