/* Reads a policy file: bytes to tree to policy, against one closed schema. Refuses every key that
 * is not in policy_keys.def or in the table of policy_fields.c. Opens nothing. */
#include <string.h>

#include "model/policy_calls.h"
#include "model/policy_fields.h"
#include "model/policy_value.h"

static int read_scalar(struct reader *r, enum policy_key key, const struct node *node,
		       struct err *e)
{
	const struct key_row *const row = policy_key_row(key);

	if (node->kind != NODE_TEXT)
		return tree_fail(r->tree, node->at, e, ERR_USAGE,
				 "%s wants %s, found %s; write one value", row->path,
				 policy_value_wanted(row->type),
				 node->kind == NODE_MAP ? "a map" : "a list");
	if (policy_set(r->policy, key, node->text, field_origin(r, node->at), true, e) < 0)
		return tree_locate(r->tree, node->at, e);
	return 0;
}

#define PATHS (KEYS + FIELDS)

static const char *path_at(size_t i)
{
	return i < KEYS ? policy_key_row((enum policy_key)i)->path : field_at(i - KEYS)->path;
}

/* The part of path below section ("" = the top), NULL when it is elsewhere. Most paths differ in
 * the first letter: this runs for every pair of a key and a path. */
static inline const char *below(const char *path, const char *section, size_t len)
{
	if (!len)
		return path;
	if (*path != *section || strncmp(path, section, len) != 0 || path[len] != '.')
		return NULL;
	return path + len + 1;
}

static bool is_section(const char *key)
{
	const size_t len = strlen(key);

	for (size_t i = 0; i < PATHS && len; i++)
		if (below(path_at(i), key, len))
			return true;
	return false;
}

/* The right name in the wrong section. */
static const char *find_elsewhere(const char *key)
{
	for (size_t i = 0; i < PATHS; i++) {
		const char *const dot = strchr(path_at(i), '.');

		if (strcmp(dot ? dot + 1 : path_at(i), key) == 0)
			return path_at(i);
	}
	return NULL;
}

static int unknown_key(struct reader *r, const struct node *node, const char *section,
		       struct err *e)
{
	const size_t section_len = strlen(section);
	const char *const elsewhere = find_elsewhere(node->key);
	const char *known[PATHS];
	size_t n = 0;

	for (size_t i = 0; i < PATHS; i++) {
		const char *const name = below(path_at(i), section, section_len);
		const size_t len = name ? strcspn(name, ".") : 0;
		size_t k = 0;

		if (!name)
			continue;
		while (k < n && (strncmp(known[k], name, len) != 0 || known[k][len]))
			k++;
		if (k == n)
			known[n++] = arena_copy(&r->policy->arena, name, len);
	}
	if (elsewhere)
		return tree_fail(r->tree, node->key_at, e, ERR_USAGE,
				 "unknown key '%.40s'%s%s (did you mean '%s'?)", node->key,
				 section_len ? " in " : "", section, elsewhere);
	return tree_fail_key(r->tree, node, section, known, n, e);
}

static int read_leaf(struct reader *r, const struct node *node, const char *section, struct err *e)
{
	const size_t len = strlen(section);

	for (size_t i = 0; i < PATHS; i++) {
		const char *const name = below(path_at(i), section, len);

		if (!name || *name != *node->key || strcmp(name, node->key) != 0)
			continue;
		return i < KEYS ? read_scalar(r, (enum policy_key)i, node, e)
				: field_at(i - KEYS)->read(r, node, e);
	}
	return unknown_key(r, node, section, e);
}

static int read_section(struct reader *r, const struct node *section, struct err *e)
{
	/* `network: none` is short for `network: {mode: none}`. */
	if (section->kind == NODE_TEXT && *section->text && strcmp(section->key, "network") == 0)
		return read_scalar(r, KEY_NETWORK, section, e);
	if (tree_want(r->tree, section, NODE_MAP, section->key, e) < 0)
		return -1;
	for (const struct node *node = section->first; node; node = node->next)
		if (read_leaf(r, node, section->key, e) < 0)
			return -1;
	return 0;
}

/* Where a zero would be the weaker choice, or one that half of all hosts cannot have. */
static void set_unstated(struct policy *policy)
{
	static const struct {
		enum policy_key key;
		uint64_t n;
	} rows[] = {
		{ KEY_BOUNDARY, BOUNDARY_CONTAINER },
		{ KEY_ASLR, true },
		{ KEY_CORE_SCHED, CORE_SCHED_AUTO },
		{ KEY_SPEC, SPEC_AUTO },
		{ KEY_JS_JIT, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!policy->values[rows[i].key].set)
			policy->values[rows[i].key] = (struct policy_value){
				.set = true,
				.n = rows[i].n,
				.origin = { .source = POLICY_UNSTATED },
			};
}

static int read_schema(struct reader *r, const struct node *root, struct err *e)
{
	for (const struct node *node = root->first; node; node = node->next) {
		const int rc = is_section(node->key) ? read_section(r, node, e)
						     : read_leaf(r, node, "", e);

		if (rc < 0)
			return -1;
	}
	if (!r->has_version)
		return tree_fail(r->tree, root->at, e, ERR_USAGE,
				 "version is missing; begin with version: 1");
	set_unstated(r->policy);
	policy_calls_sync(r->policy);
	if (policy_calls_read(r->policy, r->tree, r->source, r->rules, r->allow, e) < 0)
		return -1;
	return policy_check(r->policy, e);
}

int policy_read(const char *name, const char *text, size_t len, struct policy *out, struct err *e)
{
	OWN(tree) tree = { .name = name, .what = "policy" };
	OWN(policy) policy = POLICY_NONE;
	struct reader r = { .policy = &policy, .tree = &tree };

	if (tree_parse(&tree, text, len, "version: 1", e) < 0)
		return -1;
	r.source = arena_copy(&policy.arena, name, strlen(name));
	if (read_schema(&r, tree.root, e) < 0)
		return -1;
	*out = TAKE(policy, POLICY_NONE);
	return 0;
}
