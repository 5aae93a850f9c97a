/* Reads JSON through jansson into a tree. jansson checks the language but forgets where a value
 * stood; since it keeps members in order, a cursor walks the text beside it and finds the places.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "model/policy_tree.h"

struct cursor {
	const char *at, *end;
	struct place place;
};

static void step(struct cursor *cursor)
{
	if (*cursor->at == '\n')
		cursor->place = (struct place){ cursor->place.line + 1, 1 };
	else
		cursor->place.column += cursor->at + 1 == cursor->end ||
					((unsigned char)cursor->at[1] & 0xc0) != 0x80;
	cursor->at++;
}

/* The text is known to be JSON, so what lies between two values may simply be passed over. */
static struct place next_token(struct cursor *cursor)
{
	while (cursor->at < cursor->end && strchr(" \t\r\n,:]}", *cursor->at))
		step(cursor);
	return cursor->place;
}

static void pass_string(struct cursor *cursor)
{
	for (step(cursor); cursor->at < cursor->end && *cursor->at != '"'; step(cursor))
		if (*cursor->at == '\\')
			step(cursor);
	if (cursor->at < cursor->end)
		step(cursor);
}

static int add_string(struct tree *tree, struct cursor *cursor, const char *text, size_t len,
		      struct err *e)
{
	const struct place at = next_token(cursor);

	pass_string(cursor);
	return tree_add_text(tree, text, len, at, e);
}

/* Numbers and literals keep the spelling of the file: the schema decides what they are. */
static int add_literal(struct tree *tree, struct cursor *cursor, const json_t *value, struct err *e)
{
	const struct place at = next_token(cursor);
	const char *const start = cursor->at;

	if (json_is_null(value))
		return tree_fail(tree, at, e, ERR_USAGE, "null is not a value; leave the key out");
	while (cursor->at < cursor->end && !strchr(" \t\r\n,:]}", *cursor->at))
		step(cursor);
	return tree_add_text(tree, start, (size_t)(cursor->at - start), at, e);
}

/* One container being walked; TREE_DEPTH of them, so nothing recurses on the input. */
struct walk {
	json_t *container;
	void *iter;   /* of an object */
	size_t index; /* of an array */
};

/* The next value of the innermost container, NULL when it is finished; adds its key. */
static int next_value(struct tree *tree, struct cursor *cursor, struct walk *walk, json_t **value,
		      struct err *e)
{
	if (json_is_array(walk->container)) {
		*value = json_array_get(walk->container, walk->index++);
		return 0;
	}
	walk->iter = walk->index++ ? json_object_iter_next(walk->container, walk->iter)
				   : json_object_iter(walk->container);
	*value = json_object_iter_value(walk->iter);
	if (!walk->iter)
		return 0;
	return add_string(tree, cursor, json_object_iter_key(walk->iter),
			  json_object_iter_key_len(walk->iter), e);
}

static int add_value(struct tree *tree, struct cursor *cursor, json_t *value, struct walk *walks,
		     struct err *e)
{
	if (json_is_string(value))
		return add_string(tree, cursor, json_string_value(value), json_string_length(value),
				  e);
	if (!json_is_object(value) && !json_is_array(value))
		return add_literal(tree, cursor, value, e);
	if (tree_open(tree, json_is_array(value) ? NODE_LIST : NODE_MAP, next_token(cursor), e) < 0)
		return -1;
	step(cursor);
	walks[tree->depth - 1] = (struct walk){ .container = value };
	return 0;
}

static int walk_tree(struct tree *tree, json_t *root, const char *text, size_t len, struct err *e)
{
	struct cursor cursor = { text, text + len, { 1, 1 } };
	struct walk walks[TREE_DEPTH];
	int rc = add_value(tree, &cursor, root, walks, e);

	while (rc == 0 && tree->depth) {
		json_t *value = NULL;

		rc = next_value(tree, &cursor, &walks[tree->depth - 1], &value, e);
		if (rc == 0 && value)
			rc = add_value(tree, &cursor, value, walks, e);
		else if (rc == 0)
			tree_close(tree);
	}
	return rc;
}

static int fail_syntax(const struct tree *tree, const json_error_t *error, struct err *e)
{
	const struct place at = { (uint32_t)error->line, (uint32_t)error->column };

	switch (json_error_code(error)) {
	case json_error_duplicate_key:
		return tree_fail(tree, at, e, ERR_USAGE, "%s; keep one", error->text);
	case json_error_stack_overflow:
		return tree_fail(tree, at, e, ERR_LIMIT,
				 "nested deeper than %d; no %s needs that", TREE_DEPTH,
				 tree->what);
	case json_error_numeric_overflow:
		return tree_fail(tree, at, e, ERR_USAGE, "%s; no %s needs that", error->text, tree->what);
	default:
		return tree_fail(tree, at, e, ERR_USAGE, "not JSON: %s; check commas and quotes",
				 error->text);
	}
}

int tree_read_json(struct tree *tree, const char *text, size_t len, struct err *e)
{
	json_error_t error;
	json_t *const root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	int rc;

	if (!root)
		return fail_syntax(tree, &error, e);
	rc = walk_tree(tree, root, text, len, e);
	json_decref(root);
	return rc;
}
