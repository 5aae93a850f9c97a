/* Reads the entries of `files`. Refuses an entry that says two things, and options that its kind
 * has not. */
#include "model/policy_files.h"

#include <string.h>

#include "model/policy_grant.h"
#include "model/policy_value.h"

enum option { OPTION_AS, OPTION_SIZE, OPTION_INODES, OPTION_EXEC, OPTIONS };

static const struct {
	const char *name;
	enum key_type type;
	const char *arg;
} options[OPTIONS] = {
	[OPTION_AS] = { "as", KEY_PATH, "" },
	[OPTION_SIZE] = { "size", KEY_SIZE, VALUE_SIZE_BOUNDS },
	[OPTION_INODES] = { "inodes", KEY_COUNT, VALUE_INODES_BOUNDS },
	[OPTION_EXEC] = { "exec", KEY_BOOL, "" },
};

static const struct {
	const char *name;
	bool has[OPTIONS];
} kinds[GRANT_KINDS] = {
	[GRANT_READ] = { "read", { [OPTION_AS] = true } },
	[GRANT_EXEC] = { "exec", { [OPTION_AS] = true } },
	[GRANT_WRITE] = { "write", { [OPTION_AS] = true, [OPTION_EXEC] = true } },
	[GRANT_SCRATCH] = { "scratch",
			    { [OPTION_SIZE] = true,
			      [OPTION_INODES] = true,
			      [OPTION_EXEC] = true } },
};

static enum option find_option(const char *key)
{
	size_t i = 0;

	while (i < OPTIONS && strcmp(options[i].name, key) != 0)
		i++;
	return (enum option)i;
}

static enum grant_kind find_kind(const char *key)
{
	size_t i = 0;

	while (i < GRANT_KINDS && strcmp(kinds[i].name, key) != 0)
		i++;
	return (enum grant_kind)i;
}

/* `exec: PATH` grants; `exec: true` beside `write` or `scratch` is an option of theirs. */
static bool is_exec_option(const struct node *node)
{
	uint64_t n;
	struct err ignored = ERR_INIT;

	return find_kind(node->key) == GRANT_EXEC && node->kind == NODE_TEXT &&
	       policy_value_parse(KEY_BOOL, "", node->text, &n, &ignored) == 0;
}

static int unknown(const struct tree *tree, const struct node *node, struct err *e)
{
	static const char *const known[] = { "read", "exec", "write", "scratch",
					     "as",   "size", "inodes" };

	if (strcmp(node->key, "hide") == 0 || strcmp(node->key, "overlay") == 0)
		return tree_fail(tree, node->key_at, e, ERR_UNSUPPORTED,
				 "'%s' is not in this version; grant only the directories needed",
				 node->key);
	return tree_fail_key(tree, node, "files", known, ARRAY_SIZE(known), e);
}

/* The one key of the entry that says what is granted. */
static const struct node *find_verb(const struct tree *tree, const struct node *entry,
				    struct err *e)
{
	const struct node *verb = NULL;

	for (const struct node *node = entry->first; node; node = node->next) {
		if (find_kind(node->key) == GRANT_KINDS || is_exec_option(node))
			continue;
		if (verb) {
			tree_fail(tree, node->key_at, e, ERR_USAGE,
				  "'%s' and '%s' in one entry; begin a second entry with '- '",
				  verb->key, node->key);
			return NULL;
		}
		verb = node;
	}
	for (const struct node *node = entry->first; node && !verb; node = node->next)
		if (find_option(node->key) == OPTIONS) {
			unknown(tree, node, e);
			return NULL;
		}
	if (!verb)
		tree_fail(tree, entry->at, e, ERR_USAGE,
			  "entry grants nothing; begin it with read:, exec:, write: or "
			  "scratch: and a path");
	return verb;
}

static int read_option(const struct tree *tree, const struct node *node, struct grant *grant,
		       struct err *e)
{
	const enum option option = find_option(node->key);
	uint64_t n = 0;

	if (option == OPTIONS)
		return unknown(tree, node, e);
	if (!kinds[grant->kind].has[option])
		return tree_fail(tree, node->key_at, e, ERR_USAGE, "'%s' has no '%s'; remove it",
				 kinds[grant->kind].name, node->key);
	if (tree_want(tree, node, NODE_TEXT, node->key, e) < 0)
		return -1;
	if (policy_value_parse(options[option].type, options[option].arg, node->text, &n, e) < 0)
		return err_add(e, "%s", node->key), tree_locate(tree, node->at, e);
	if (option == OPTION_AS)
		grant->as = node->text;
	else if (option == OPTION_EXEC)
		grant->may_exec = n != 0;
	else
		*(option == OPTION_SIZE ? &grant->size : &grant->inodes) = n;
	return 0;
}

static int read_entry(struct policy *policy, const struct tree *tree, const char *source,
		      const struct node *entry, struct err *e)
{
	const struct node *verb;
	struct grant grant = { .origin = { source, entry->at.line, entry->at.column } };

	if (tree_want(tree, entry, NODE_MAP, "an entry of files", e) < 0)
		return -1;
	verb = find_verb(tree, entry, e);
	if (!verb || tree_want(tree, verb, NODE_TEXT, verb->key, e) < 0)
		return -1;
	grant.kind = find_kind(verb->key);
	grant.may_exec = grant.kind == GRANT_EXEC;
	*(grant.kind == GRANT_SCRATCH ? &grant.as : &grant.what) = verb->text;
	for (const struct node *node = entry->first; node; node = node->next)
		if (node != verb && read_option(tree, node, &grant, e) < 0)
			return -1;
	if (policy_grant_add(policy, &grant, e) < 0)
		return tree_locate(tree, verb->at, e);
	return 0;
}

int policy_files_read(struct policy *policy, const struct tree *tree, const char *source,
		      const struct node *list, struct err *e)
{
	if (tree_want(tree, list, NODE_LIST, "files", e) < 0)
		return -1;
	for (const struct node *entry = list->first; entry; entry = entry->next)
		if (read_entry(policy, tree, source, entry, e) < 0)
			return -1;
	return 0;
}
