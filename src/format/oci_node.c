/* Fields of a profile. Knows no entry of it. */
#include "format/oci_node.h"

#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/policy_calls.h"

const struct node *oci_get(const struct node *map, const char *key)
{
	const struct node *found = NULL;

	for (const struct node *node = map ? map->first : NULL; node; node = node->next)
		if (node->key && strcasecmp(node->key, key) == 0)
			found = node;
	return found;
}

const char *oci_text(const struct node *node)
{
	return node && node->kind == NODE_TEXT ? node->text : "";
}

int oci_list(const struct oci *oci, const struct node *map, const char *key, const struct node **list, struct err *e)
{
	*list = oci_get(map, key);
	return *list ? tree_want(oci->tree, *list, NODE_LIST, key, e) : 0;
}

int oci_u64(const struct oci *oci, const struct node *node, uint64_t *out, struct err *e)
{
	const char *const text = oci_text(node);
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno)
		return tree_fail(oci->tree, node->at, e, ERR_USAGE, "%.40s wants a number of 64 bits without a sign",
				 node->key);
	return 0;
}

void oci_miss(struct oci *oci, const struct node *node, const char *what, const char *word)
{
	subject_add_missing(oci->out, "%.100s:%" PRIu32 ": %s '%.80s'", oci->tree->name, node->at.line, what, word);
}

void oci_check_keys(struct oci *oci, const struct node *map, const char *const *known, size_t n)
{
	for (const struct node *node = map->first; node; node = node->next) {
		size_t i = 0;

		while (i < n && strcasecmp(known[i], node->key) != 0)
			i++;
		if (i == n)
			oci_miss(oci, node, "unknown key", node->key);
	}
}

int oci_errno(const struct oci *oci, const struct node *map, const char *number, const char *name, uint16_t *out,
	      struct err *e)
{
	const struct node *const ret = oci_get(map, number), *const named = oci_get(map, name);
	const char first = *oci_text(named);
	uint64_t sys = EPERM;

	if (ret && oci_u64(oci, ret, &sys, e) < 0)
		return -1;
	*out = (uint16_t)sys;
	if (!first)
		return 0;
	if (first < '0' || first > '9')
		return policy_errno(named->text, out, e) < 0 ? tree_locate(oci->tree, named->at, e) : 0;
	if (oci_u64(oci, named, &sys, e) < 0)
		return -1;
	*out = (uint16_t)sys;
	return 0;
}

int oci_action(struct oci *oci, const struct node *node, uint16_t sys, uint32_t *action, struct err *e)
{
	const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
		{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(sys) },
		{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
		{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
		{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(sys) },
		{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
		{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
	};

	if (tree_want(oci->tree, node, NODE_TEXT, node->key, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (strcmp(actions[i].name, node->text) == 0) {
			*action = actions[i].action;
			return 1;
		}
	oci_miss(oci, node, "unknown action", node->text);
	return 0;
}
