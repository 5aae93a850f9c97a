/* Reads a manifest, against one closed schema. Opens nothing. */
#include "plugin/manifest.h"

#include <string.h>

#include "base/str.h"
#include "model/policy_value.h"

struct reader {
	struct manifest *manifest;
	const struct tree *tree;
	bool has_version, has_sha256;
};

static const struct limit_row {
	const char *path;
	enum key_type type;
	const char *bounds;
	uint64_t otherwise;
} limits[] = {
#define LIMIT(id, path, type, bounds, otherwise) { path, type, bounds, otherwise },
#include "plugin/manifest_keys.def"
#undef LIMIT
};

static const struct plugin_class_row classes[] = {
#define CLASS(id, word, widens, takes, gives) { word, widens, takes, gives },
#include "plugin/classes.def"
#undef CLASS
};

const struct plugin_class_row *plugin_class_row(enum plugin_class which)
{
	return &classes[which];
}

void manifest_done(struct manifest *manifest)
{
	arena_done(&manifest->arena);
	*manifest = MANIFEST_NONE;
}

bool manifest_name_ok(const char *name)
{
	const size_t len = strlen(name);

	return len && len <= MANIFEST_NAME && *name != '-' && *name != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static const char *keep(struct reader *r, const char *text)
{
	return arena_copy(&r->manifest->arena, text, strlen(text));
}

static int take_text(struct reader *r, const struct node *node, const char **out, struct err *e)
{
	if (tree_want(r->tree, node, NODE_TEXT, node->key ? node->key : "a list's element", e) < 0)
		return -1;
	*out = keep(r, node->text);
	return 0;
}

static int take_name(struct reader *r, const struct node *node, const char **out, struct err *e)
{
	if (take_text(r, node, out, e) < 0)
		return -1;
	if (!manifest_name_ok(node->text))
		return tree_fail(r->tree, node->at, e, ERR_USAGE, "a name has 1 to %d letters, digits, '.', '_' and '-', "
				 "and begins with a letter or digit", MANIFEST_NAME);
	return 0;
}

static int read_version(struct reader *r, const struct node *node, struct err *e)
{
	r->has_version = true;
	return tree_want_version(r->tree, node, e);
}

static int read_name(struct reader *r, const struct node *node, struct err *e)
{
	return take_name(r, node, &r->manifest->name, e);
}

static int read_module(struct reader *r, const struct node *node, struct err *e)
{
	if (take_text(r, node, &r->manifest->module, e) < 0)
		return -1;
	return *node->text ? 0 : tree_fail(r->tree, node->at, e, ERR_USAGE, "module wants a file's name");
}

static int read_sha256(struct reader *r, const struct node *node, struct err *e)
{
	if (tree_want(r->tree, node, NODE_TEXT, "sha256", e) < 0)
		return -1;
	r->has_sha256 = digest_read(node->text, strlen(node->text), &r->manifest->sha256);
	return r->has_sha256 ? 0 : tree_fail(r->tree, node->at, e, ERR_USAGE, "sha256 wants 64 hexadecimal digits in lower "
					     "case, as sha256sum(1) prints them");
}

static int read_space(struct reader *r, const struct node *node, struct err *e)
{
	return take_name(r, node, &r->manifest->space, e);
}

/* One word of a list that is written "a|b|c". */
static int take_word(struct reader *r, const struct node *node, const char *words, uint64_t *n, struct err *e)
{
	if (tree_want(r->tree, node, NODE_TEXT, node->key ? node->key : "a list's element", e) < 0)
		return -1;
	if (policy_value_parse(KEY_CHOICE, words, node->text, n, e) < 0)
		return tree_locate(r->tree, node->at, e);
	return 0;
}

static int read_state(struct reader *r, const struct node *node, struct err *e)
{
	uint64_t n;

	if (take_word(r, node, "fresh|kept", &n, e) < 0)
		return -1;
	r->manifest->fresh = !n;
	return 0;
}

static int read_grant(struct reader *r, const struct node *list, struct err *e)
{
	if (tree_want(r->tree, list, NODE_LIST, "grant", e) < 0)
		return -1;
	for (const struct node *node = list->first; node; node = node->next) {
		uint64_t n;

		if (take_word(r, node, "clock|random", &n, e) < 0)
			return -1;
		r->manifest->grants |= n ? GRANT_RANDOM : GRANT_CLOCK;
	}
	return 0;
}

static int read_class(struct reader *r, const struct node *node, enum plugin_class *out, struct err *e)
{
	struct str_near near = STR_NEAR(node->text);
	OWN(str) known = STR_NONE;

	if (tree_want(r->tree, node, NODE_TEXT, "class", e) < 0)
		return -1;
	for (size_t i = 0; i < PLUGIN_CLASSES; i++) {
		if (strcmp(classes[i].word, node->text) == 0) {
			*out = (enum plugin_class)i;
			return 0;
		}
		str_near_offer(&near, classes[i].word);
		str_addf(&known, "%s%s", i ? ", " : "", classes[i].word);
	}
	if (str_near_best(&near))
		return tree_fail(r->tree, node->at, e, ERR_USAGE, "no class '%.40s' (did you mean '%s'?)", node->text,
				 str_near_best(&near));
	return tree_fail(r->tree, node->at, e, ERR_USAGE, "no class '%.40s'; known: %s", node->text, str_text(&known));
}

static int read_function(struct reader *r, const struct node *map, struct err *e)
{
	static const char *const known[] = { "name", "class", "why" };
	struct manifest_function *const out = &r->manifest->functions[r->manifest->n_functions];
	const struct node *name, *class, *why;

	if (tree_want(r->tree, map, NODE_MAP, "a function", e) < 0 ||
	    tree_check_keys(r->tree, map, "functions", known, ARRAY_SIZE(known), e) < 0)
		return -1;
	name = tree_get(map, "name");
	class = tree_get(map, "class");
	why = tree_get(map, "why");
	if (!name || !class)
		return tree_fail(r->tree, map->at, e, ERR_USAGE, "a function has a name and a class; write "
				 "{name: NAME, class: pure}");
	out->at = name->at;
	if (take_name(r, name, &out->name, e) < 0 || read_class(r, class, &out->declared, e) < 0 ||
	    (why && take_text(r, why, &out->why, e) < 0))
		return -1;
	if (manifest_function(r->manifest, out->name))
		return tree_fail(r->tree, name->at, e, ERR_USAGE, "function '%s' is there twice", out->name);
	r->manifest->n_functions++;
	return 0;
}

static int read_functions(struct reader *r, const struct node *list, struct err *e)
{
	if (tree_want(r->tree, list, NODE_LIST, "functions", e) < 0)
		return -1;
	if (list->n > MANIFEST_FUNCTIONS)
		return tree_fail(r->tree, list->at, e, ERR_LIMIT, "%zu functions; at most %d are read", list->n,
				 MANIFEST_FUNCTIONS);
	for (const struct node *node = list->first; node; node = node->next)
		if (read_function(r, node, e) < 0)
			return -1;
	return 0;
}

static int read_limits(struct reader *r, const struct node *section, struct err *e)
{
	const size_t len = strlen(section->key);
	const char *known[PLUGIN_LIMITS];
	size_t n_known = 0;

	if (tree_want(r->tree, section, NODE_MAP, section->key, e) < 0)
		return -1;
	for (size_t i = 0; i < PLUGIN_LIMITS; i++)
		if (strncmp(limits[i].path, section->key, len) == 0 && limits[i].path[len] == '.')
			known[n_known++] = limits[i].path + len + 1;
	if (tree_check_keys(r->tree, section, section->key, known, n_known, e) < 0)
		return -1;
	for (size_t i = 0; i < PLUGIN_LIMITS; i++) {
		const struct node *const node = strncmp(limits[i].path, section->key, len) == 0 ?
			tree_get(section, limits[i].path + len + 1) : NULL;

		if (!node)
			continue;
		if (tree_want(r->tree, node, NODE_TEXT, limits[i].path, e) < 0)
			return -1;
		if (policy_value_parse(limits[i].type, limits[i].bounds, node->text, &r->manifest->limits[i], e) < 0) {
			err_add(e, "%s", limits[i].path);
			return tree_locate(r->tree, node->at, e);
		}
	}
	return 0;
}

static const struct {
	const char *key;
	int (*read)(struct reader *r, const struct node *node, struct err *e);
} keys[] = {
	{ "version", read_version }, { "name", read_name }, { "module", read_module }, { "sha256", read_sha256 },
	{ "namespace", read_space }, { "state", read_state }, { "limits", read_limits }, { "quota", read_limits },
	{ "grant", read_grant }, { "functions", read_functions },
};

static int read_keys(struct reader *r, struct err *e)
{
	const struct node *const root = r->tree->root;
	const char *known[ARRAY_SIZE(keys)];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		known[i] = keys[i].key;
	if (tree_check_keys(r->tree, root, "", known, ARRAY_SIZE(keys), e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct node *const node = tree_get(root, keys[i].key);

		if (node && keys[i].read(r, node, e) < 0)
			return -1;
	}
	return 0;
}

static int check_whole(struct reader *r, struct err *e)
{
	struct manifest *const m = r->manifest;
	const char *missing = NULL;

	if (!r->has_version)
		missing = "version is missing; begin with version: 1";
	else if (!m->name)
		missing = "name is missing; write name: NAME";
	else if (!m->module)
		missing = "module is missing; write module: FILE.wasm, beside the manifest";
	else if (!r->has_sha256)
		missing = "sha256 is missing; `sha256sum FILE.wasm` prints it. Without it any module of that name would run";
	if (missing)
		return tree_fail(r->tree, r->tree->root->at, e, ERR_USAGE, "%s", missing);
	if (!m->space)
		m->space = m->name;
	/* A module's memory is counted in pages. */
	m->limits[PLUGIN_MEMORY] &= ~UINT64_C(0xffff);
	return 0;
}

int manifest_read(const char *name, const char *text, size_t len, struct manifest *out, struct err *e)
{
	OWN(tree) tree = { .name = name, .what = "manifest" };
	OWN(manifest) manifest = { .fresh = true };
	struct reader r = { .manifest = &manifest, .tree = &tree };

	for (size_t i = 0; i < PLUGIN_LIMITS; i++)
		manifest.limits[i] = limits[i].otherwise;
	if (tree_parse(&tree, text, len, "version: 1", e) < 0)
		return -1;
	manifest.file = keep(&r, name);
	if (read_keys(&r, e) < 0 || check_whole(&r, e) < 0)
		return -1;
	*out = TAKE(manifest, MANIFEST_NONE);
	return 0;
}

const struct manifest_function *manifest_function(const struct manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->n_functions; i++)
		if (strcmp(manifest->functions[i].name, name) == 0)
			return &manifest->functions[i];
	return NULL;
}
