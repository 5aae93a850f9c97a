/* Reads a threat model: bytes to tree to threat, against one closed schema made of threat_fields.def. What
 * must be stated and is not is an error that lists the words: silence is no answer. Opens nothing. */
#include <string.h>

#include "model/policy_tree.h"
#include "model/threat.h"

#define NAME_BYTES 64

struct threat_reader {
	struct threat *threat;
	const struct tree *tree;
	uint64_t stated;        /* bit of each field */
	bool has_version;
};

static bool is_name(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const size_t len = strlen(text);

	return len && len <= NAME_BYTES && strspn(text, letters) == len;
}

static int read_plain(struct threat_reader *r, const struct node *node, struct err *e)
{
	if (strcmp(node->key, "version") == 0) {
		r->has_version = true;
		return tree_want_version(r->tree, node, e);
	}
	if (tree_want(r->tree, node, NODE_TEXT, "name", e) < 0)
		return -1;
	if (!is_name(node->text))
		return tree_fail(r->tree, node->at, e, ERR_USAGE,
				 "a name has 1 to %d characters of A-Z a-z 0-9 . _ -", NAME_BYTES);
	r->threat->name = arena_copy(&r->threat->arena, node->text, strlen(node->text));
	return 0;
}

/* A set is a list; its words are set one by one, so that each is reported where it stands. */
static int read_set(struct threat_reader *r, enum threat_field field, const struct node *node,
		    struct err *e)
{
	uint64_t words = 0;

	if (tree_want(r->tree, node, NODE_LIST, threat_row(field)->path, e) < 0)
		return -1;
	for (const struct node *item = node->first; item; item = item->next) {
		const uint64_t others = words;

		if (tree_want(r->tree, item, NODE_TEXT, threat_row(field)->path, e) < 0)
			return -1;
		if (!*item->text || strpbrk(item->text, " ,"))
			return tree_fail(r->tree, item->at, e, ERR_USAGE, "%s wants single words",
					 threat_row(field)->path);
		if (threat_set(r->threat, field, item->text, e) < 0)
			return tree_locate(r->tree, item->at, e);
		words |= r->threat->words & threat_row(field)->words;
		if (words == others)
			return tree_fail(r->tree, item->at, e, ERR_USAGE, "%s says '%.40s' twice; keep one",
					 threat_row(field)->path, item->text);
	}
	r->threat->words |= words;
	return 0;
}

static int read_field(struct threat_reader *r, enum threat_field field, const struct node *node,
		      struct err *e)
{
	r->stated |= WORD_BIT(field);
	if (threat_row(field)->kind == THREAT_SET)
		return read_set(r, field, node, e);
	if (tree_want(r->tree, node, NODE_TEXT, threat_row(field)->path, e) < 0)
		return -1;
	if (threat_set(r->threat, field, node->text, e) < 0)
		return tree_locate(r->tree, node->at, e);
	return 0;
}

/* The rest of a field's path below a section ("" = the top), NULL when it is elsewhere. */
static const char *below(enum threat_field field, const char *section)
{
	const char *const path = threat_row(field)->path;
	const size_t len = strlen(section);

	if (threat_row(field)->kind == THREAT_DERIVED)
		return NULL;
	if (!len)
		return path;
	return strncmp(path, section, len) == 0 && path[len] == '.' ? path + len + 1 : NULL;
}

static int refuse_key(const struct threat_reader *r, const struct node *node, const char *section,
		      struct err *e)
{
	static const char *const plain[] = { "version", "name", "code", "attacker", "cost", "host" };
	const char *known[ARRAY_SIZE(plain) + THREAT_FIELDS];
	size_t n = 0;

	for (size_t i = 0; i < THREAT_FIELDS; i++) {
		const char *const name = below((enum threat_field)i, section);

		if (name && !strchr(name, '.'))
			known[n++] = name;
		else if (name && strcmp(strchr(name, '.') + 1, node->key) == 0)
			return tree_fail(r->tree, node->key_at, e, ERR_USAGE,
					 "unknown key '%.40s' (did you mean '%s'?)", node->key, name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(plain) && !*section; i++)
		known[n++] = plain[i];
	return tree_fail_key(r->tree, node, section, known, n, e);
}

static int read_leaf(struct threat_reader *r, const struct node *node, const char *section,
		     struct err *e)
{
	for (size_t i = 0; i < THREAT_FIELDS; i++) {
		const char *const name = below((enum threat_field)i, section);

		if (name && strcmp(name, node->key) == 0)
			return read_field(r, (enum threat_field)i, node, e);
	}
	if (!*section && (strcmp(node->key, "version") == 0 || strcmp(node->key, "name") == 0))
		return read_plain(r, node, e);
	return refuse_key(r, node, section, e);
}

static bool is_section(const char *key)
{
	for (size_t i = 0; *key && i < THREAT_FIELDS; i++)
		if (below((enum threat_field)i, key))
			return true;
	return false;
}

static int read_section(struct threat_reader *r, const struct node *section, struct err *e)
{
	if (tree_want(r->tree, section, NODE_MAP, section->key, e) < 0)
		return -1;
	for (const struct node *node = section->first; node; node = node->next)
		if (read_leaf(r, node, section->key, e) < 0)
			return -1;
	return 0;
}

static int check_stated(const struct threat_reader *r, struct err *e)
{
	for (size_t i = 0; i < THREAT_FIELDS; i++) {
		const struct threat_row *const row = threat_row((enum threat_field)i);
		const struct threat everything = { .words = row->words };
		OWN(str) words = STR_NONE;

		if (!row->must || (r->stated & WORD_BIT(i)))
			continue;
		threat_list(&everything, (enum threat_field)i, &words);
		return tree_fail(r->tree, r->tree->root->at, e, ERR_USAGE, "%s is missing; %s of: %s",
				 row->path, row->kind == THREAT_SET ? "a list" : "one", str_text(&words));
	}
	return 0;
}

static int read_schema(struct threat_reader *r, struct err *e)
{
	const struct node *const root = r->tree->root;

	for (const struct node *node = root->first; node; node = node->next)
		if ((is_section(node->key) ? read_section(r, node, e) : read_leaf(r, node, "", e)) < 0)
			return -1;
	if (!r->has_version)
		return tree_fail(r->tree, root->at, e, ERR_USAGE,
				 "version is missing; begin with version: 1");
	if (check_stated(r, e) < 0)
		return -1;
	return threat_finish(r->threat, e) < 0 ? err_add(e, "%.100s", r->tree->name) : 0;
}

int threat_read(const char *name, const char *text, size_t len, struct threat *out, struct err *e)
{
	OWN(tree) tree = { .name = name, .what = "threat model" };
	OWN(threat) threat = THREAT_NONE;
	struct threat_reader r = { .threat = &threat, .tree = &tree };

	if (tree_parse(&tree, text, len, "version: 1", e) < 0 || read_schema(&r, e) < 0)
		return -1;
	*out = TAKE(threat, THREAT_NONE);
	return 0;
}
