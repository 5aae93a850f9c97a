/* Builds the tree. Refuses what is too deep, too much, said twice, or not plain text. */
#include "model/policy_tree.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

void tree_done(struct tree *tree)
{
	arena_done(&tree->arena);
	*tree = (struct tree){ .name = tree->name, .what = tree->what };
}

int tree_locate(const struct tree *tree, struct place at, struct err *e)
{
	return err_add(e, "%.100s:%" PRIu32 ":%" PRIu32, tree->name, at.line, at.column);
}

int tree_fail(const struct tree *tree, struct place at, struct err *e, enum err_kind kind,
	      const char *format, ...)
{
	char text[sizeof(e->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(e, kind, "%s", text);
	return tree_locate(tree, at, e);
}

struct place tree_place(const char *text, size_t offset)
{
	struct place place = { 1, 1 };

	for (size_t i = 0; i < offset; i++) {
		place.column += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (text[i] == '\n')
			place = (struct place){ place.line + 1, 1 };
	}
	return place;
}

/* Escapes of both languages can produce what the file itself may not contain. C1 is C2 80..9F. */
static int check_text(const struct tree *tree, const char *text, size_t len, struct place at,
		      struct err *e)
{
	if (len > TREE_TEXT_BYTES)
		return tree_fail(tree, at, e, ERR_LIMIT,
				 "text of %zu bytes; at most %d are allowed", len, TREE_TEXT_BYTES);
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)text[i];
		const bool is_c1 = c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0;

		if (c == '\n')
			return tree_fail(tree, at, e, ERR_USAGE,
					 "line break in a text; write it on one line");
		if (c == '\t')
			return tree_fail(tree, at, e, ERR_USAGE, "tab in a text; write a blank");
		if (c < 0x20 || c == 0x7f || is_c1)
			return tree_fail(tree, at, e, ERR_USAGE,
					 "control byte 0x%02x in a text; remove it",
					 is_c1 ? (unsigned char)text[i + 1] : c);
	}
	return 0;
}

static int check_key(const struct tree *tree, const struct node *map, const char *key,
		     struct place at, struct err *e)
{
	if (map->n >= TREE_MAP_KEYS)
		return tree_fail(tree, at, e, ERR_LIMIT, "more than %d keys in one map",
				 TREE_MAP_KEYS);
	if (strcmp(key, "<<") == 0)
		return tree_fail(tree, at, e, ERR_USAGE,
				 "merge keys are not allowed; write the keys out");
	for (const struct node *node = map->first; node; node = node->next)
		if (strcmp(node->key, key) == 0)
			return tree_fail(tree, at, e, ERR_USAGE,
					 "duplicate key '%.40s', first on line %" PRIu32
					 "; keep one",
					 key, node->key_at.line);
	return 0;
}

static int add(struct tree *tree, enum node_kind kind, struct place at, struct node **added,
	       struct err *e)
{
	struct node *const parent = tree->depth ? tree->open[tree->depth - 1] : NULL;
	struct node *node;

	if (tree->n_nodes++ >= TREE_NODES)
		return tree_fail(tree, at, e, ERR_LIMIT, "more than %d values; split the %s",
				 TREE_NODES, tree->what);
	node = arena_alloc(&tree->arena, sizeof(*node));
	*node = (struct node){ .kind = kind, .at = at, .key = tree->key, .key_at = tree->key_at };
	tree->key = NULL;
	if (!parent) {
		tree->root = node;
	} else {
		*(parent->last ? &parent->last->next : &parent->first) = node;
		parent->last = node;
		parent->n++;
	}
	*added = node;
	return 0;
}

static bool wants_key(const struct tree *tree)
{
	return tree->depth && tree->open[tree->depth - 1]->kind == NODE_MAP && !tree->key;
}

int tree_add_text(struct tree *tree, const char *text, size_t len, struct place at, struct err *e)
{
	struct node *node;
	const char *copy;

	if (check_text(tree, text, len, at, e) < 0)
		return -1;
	copy = arena_copy(&tree->arena, text, len);
	if (wants_key(tree)) {
		if (check_key(tree, tree->open[tree->depth - 1], copy, at, e) < 0)
			return -1;
		tree->key = copy;
		tree->key_at = at;
		return 0;
	}
	if (add(tree, NODE_TEXT, at, &node, e) < 0)
		return -1;
	node->text = copy;
	return 0;
}

int tree_open(struct tree *tree, enum node_kind kind, struct place at, struct err *e)
{
	struct node *node;

	if (wants_key(tree))
		return tree_fail(tree, at, e, ERR_USAGE,
				 "a key must be plain text, not a list or a map");
	if (tree->depth >= TREE_DEPTH)
		return tree_fail(tree, at, e, ERR_LIMIT,
				 "nested deeper than %d; no %s needs that", TREE_DEPTH, tree->what);
	if (add(tree, kind, at, &node, e) < 0)
		return -1;
	tree->open[tree->depth++] = node;
	return 0;
}

void tree_close(struct tree *tree)
{
	tree->depth--;
}

int tree_want(const struct tree *tree, const struct node *node, enum node_kind kind,
	      const char *name, struct err *e)
{
	static const struct {
		const char *name, *fix;
	} kinds[] = {
		[NODE_TEXT] = { "one value", "write KEY: VALUE" },
		[NODE_LIST] = { "a list", "write [A, B]" },
		[NODE_MAP] = { "a map", "write {KEY: VALUE}" },
	};

	if (node->kind == kind)
		return 0;
	return tree_fail(tree, node->at, e, ERR_USAGE, "%.40s wants %s, found %s; %s", name,
			 kinds[kind].name,
			 node->kind == NODE_TEXT && !*node->text ? "nothing"
								 : kinds[node->kind].name,
			 kinds[kind].fix);
}

const struct node *tree_get(const struct node *map, const char *key)
{
	const struct node *node = map->first;

	while (node && strcmp(node->key, key) != 0)
		node = node->next;
	return node;
}

int tree_fail_key(const struct tree *tree, const struct node *node, const char *where,
		  const char *const *known, size_t n, struct err *e)
{
	struct str_near near = STR_NEAR(node->key);
	const char *const in = *where ? " in " : "";
	char names[200] = "";
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		str_near_offer(&near, known[i]);
		if (len < sizeof(names))
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						i ? ", " : "", known[i]);
	}
	if (str_near_best(&near))
		return tree_fail(tree, node->key_at, e, ERR_USAGE,
				 "unknown key '%.40s'%s%s (did you mean '%s'?)", node->key, in,
				 where, str_near_best(&near));
	return tree_fail(tree, node->key_at, e, ERR_USAGE, "unknown key '%.40s'%s%s; known: %s",
			 node->key, in, where, names);
}

int tree_check_keys(const struct tree *tree, const struct node *map, const char *where,
		    const char *const *known, size_t n, struct err *e)
{
	for (const struct node *node = map->first; node; node = node->next) {
		size_t i = 0;

		while (i < n && strcmp(known[i], node->key) != 0)
			i++;
		if (i == n)
			return tree_fail_key(tree, node, where, known, n, e);
	}
	return 0;
}

/* Control bytes are looked for before any parser sees the text: a NUL or an escape sequence has no
 * place in a file for people. Returns the offset of the first one, len when there is none. */
static size_t find_control(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && ((unsigned char)text[i] >= 0x20
				   ? text[i] != 0x7f
				   : text[i] == '\n' || text[i] == '\t' || text[i] == '\r'))
		i++;
	return i;
}

static int check_bytes(const struct tree *tree, const char *text, size_t len, struct err *e)
{
	const size_t at = find_control(text, len);

	if (at == len)
		return 0;
	return tree_fail(tree, tree_place(text, at), e, ERR_USAGE,
			 "control byte 0x%02x; a %s is plain UTF-8 text", (unsigned char)text[at],
			 tree->what);
}

static int parse(struct tree *tree, const char *text, size_t len, struct err *e)
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t blank = 0;

	if (len > TREE_BYTES)
		return err_set(e, ERR_LIMIT, "%.100s: %zu bytes; a %s has at most %zu", tree->name, len,
			       tree->what, TREE_BYTES);
	if (len >= 3 && memcmp(text, bom, 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (check_bytes(tree, text, len, e) < 0)
		return -1;
	while (blank < len && strchr(" \t\r\n", text[blank]))
		blank++;
	if (blank < len && text[blank] == '{')
		return tree_read_json(tree, text, len, e);
	return tree_read_yaml(tree, text, len, e);
}

int tree_parse(struct tree *tree, const char *text, size_t len, const char *first, struct err *e)
{
	char what[64];

	if (parse(tree, text, len, e) < 0)
		return -1;
	if (!tree->root)
		return tree_fail(tree, (struct place){ 1, 1 }, e, ERR_USAGE, "the %s is empty; begin with %s",
				 tree->what, first);
	snprintf(what, sizeof(what), "a %.50s", tree->what);
	return tree_want(tree, tree->root, NODE_MAP, what, e);
}

int tree_want_version(const struct tree *tree, const struct node *node, struct err *e)
{
	if (tree_want(tree, node, NODE_TEXT, "version", e) < 0)
		return -1;
	if (strcmp(node->text, "1") != 0)
		return tree_fail(tree, node->at, e, ERR_UNSUPPORTED,
				 "version '%.20s' is not known to this ward; write version: 1", node->text);
	return 0;
}
