/* Reads the configuration of `ward serve`. Refuses what it does not know, with the nearest that it does. */
#include "serve/config.h"

#include <string.h>

#include "model/image.h"
#include "model/policy_tree.h"
#include "model/policy_value.h"
#include "serve/address.h"

#define WORDS_MAX 15    /* of a template: runtime.c */

static const struct config_row values[] = {
#define SETTING(id, path, type, bounds, front, help) { path, front, help, type, bounds, 0 },
#define SETTINGS(id, path, most, front, help)
#include "serve/config.def"
#undef SETTING
#undef SETTINGS
};
static const struct config_row lists[] = {
#define SETTING(id, path, type, bounds, front, help)
#define SETTINGS(id, path, most, front, help) { path, front, help, KEY_TEXT, NULL, most },
#include "serve/config.def"
#undef SETTING
#undef SETTINGS
};

struct reader {
	struct config *config;
	const struct tree *tree;
	struct place at[CONFIG_VALUES];
};

const struct config_row *config_value_row(enum config_id id)
{
	return &values[id];
}

const struct config_row *config_list_row(enum config_list_id id)
{
	return &lists[id];
}

void config_done(struct config *config)
{
	arena_done(&config->arena);
	*config = CONFIG_NONE;
}

static const char *keep(struct reader *r, const char *text)
{
	return arena_copy(&r->config->arena, text, strlen(text));
}

/* The rest of a path below a section ("" = the top), NULL when it is elsewhere. */
static const char *below(const char *path, const char *section)
{
	const size_t len = strlen(section);

	if (!len)
		return path;
	return strncmp(path, section, len) == 0 && path[len] == '.' ? path + len + 1 : NULL;
}

static int read_value(struct reader *r, size_t id, const struct node *node, struct err *e)
{
	const struct config_row *const row = &values[id];
	const bool is_text = row->type == KEY_TEXT || row->type == KEY_PATH;
	uint64_t n = 0;

	if (tree_want(r->tree, node, NODE_TEXT, row->path, e) < 0)
		return -1;
	if (is_text && !*node->text)
		return tree_fail(r->tree, node->at, e, ERR_USAGE, "%s is empty; leave it out for the default", row->path);
	if ((id == CONFIG_LISTEN || id == CONFIG_METRICS) && address_read(node->text, &(struct address){ .len = 0 }, e) < 0)
		return tree_locate(r->tree, node->at, e);
	if (!is_text && policy_value_parse(row->type, row->bounds, node->text, &n, e) < 0)
		return tree_locate(r->tree, node->at, e);
	r->config->values[id].text = keep(r, node->text);
	r->config->values[id].n = n;
	r->at[id] = node->at;
	return 0;
}

static int read_list(struct reader *r, size_t id, const struct node *list, struct err *e)
{
	if (tree_want(r->tree, list, NODE_LIST, lists[id].path, e) < 0)
		return -1;
	for (const struct node *node = list->first; node; node = node->next) {
		if (tree_want(r->tree, node, NODE_TEXT, lists[id].path, e) < 0)
			return -1;
		if (!*node->text || r->config->lists[id].n == lists[id].most)
			return tree_fail(r->tree, node->at, e, ERR_USAGE, "%s has 1 to %zu texts, none of them empty", lists[id].path,
					 lists[id].most);
		r->config->lists[id].items[r->config->lists[id].n++] = keep(r, node->text);
	}
	return 0;
}

/* Words that a job's argv is made of: see runtime.def. */
static int read_words(struct reader *r, const struct node *node, const char **out, struct err *e)
{
	size_t n = 1;

	if (tree_want(r->tree, node, NODE_TEXT, node->key, e) < 0)
		return -1;
	for (const char *p = node->text; *p; p++)
		n += *p == ' ';
	if (!*node->text || *node->text == ' ' || n > WORDS_MAX || strlen(node->text) >= RUNTIME_WORDS)
		return tree_fail(r->tree, node->at, e, ERR_USAGE, "%s wants 1 to %d words with a blank between them, less than %d bytes; "
				 "@ stands for the main file", node->key, WORDS_MAX, RUNTIME_WORDS);
	*out = keep(r, node->text);
	return 0;
}

static int read_main(struct reader *r, const struct node *node, const char **out, struct err *e)
{
	if (tree_want(r->tree, node, NODE_TEXT, "main", e) < 0)
		return -1;
	if (!job_name_is_valid(node->text))
		return tree_fail(r->tree, node->at, e, ERR_USAGE, "main wants a file's name of letters, digits, '.', '_' and '-'");
	*out = keep(r, node->text);
	return 0;
}

/* It becomes a word of each box's policy. */
static int read_image(struct reader *r, const struct node *node, const char **out, struct err *e)
{
	if (tree_want(r->tree, node, NODE_TEXT, "image", e) < 0)
		return -1;
	if ((*node->text != '/' && !image_name_is_good(node->text)) || strpbrk(node->text, "\"\\\n\r\t") || strlen(node->text) > 200)
		return tree_fail(r->tree, node->at, e, ERR_USAGE, "image wants a name of `ward image list`, or the absolute path of its directory");
	*out = keep(r, node->text);
	return 0;
}

static int read_number(struct reader *r, const struct node *node, enum key_type type, const char *bounds, uint64_t *n,
		       struct err *e)
{
	if (tree_want(r->tree, node, NODE_TEXT, node->key, e) < 0)
		return -1;
	return policy_value_parse(type, bounds, node->text, n, e) < 0 ? tree_locate(r->tree, node->at, e) : 0;
}

static int read_runtime_key(struct reader *r, const struct node *node, struct config_runtime *of, struct err *e)
{
	static const char *const known[] = { "enabled", "warm", "main", "build", "run", "image" };
	uint64_t n = 0;

	if (strcmp(node->key, "enabled") == 0) {
		if (read_number(r, node, KEY_BOOL, NULL, &n, e) < 0)
			return -1;
		of->is_off = !n;
		return 0;
	}
	if (strcmp(node->key, "warm") == 0) {
		of->has_warm = true;
		return read_number(r, node, KEY_COUNT, "0..64", &of->warm, e);
	}
	if (strcmp(node->key, "main") == 0)
		return read_main(r, node, &of->main, e);
	if (strcmp(node->key, "build") == 0)
		return read_words(r, node, &of->build, e);
	if (strcmp(node->key, "run") == 0)
		return read_words(r, node, &of->run, e);
	if (strcmp(node->key, "image") == 0)
		return read_image(r, node, &of->image, e);
	return tree_fail_key(r->tree, node, "a runtime", known, ARRAY_SIZE(known), e);
}

static int read_runtime(struct reader *r, const struct node *node, struct err *e)
{
	const char *known[CONFIG_RUNTIMES];
	const struct runtime *const runtime = runtime_find(node->key);
	struct config_runtime *const of = &r->config->runtimes[r->config->n_runtimes];
	size_t n = 0;

	for (const struct runtime *one; n < CONFIG_RUNTIMES && (one = runtime_at(n)); n++)
		known[n] = one->name;
	if (!runtime)
		return tree_fail_key(r->tree, node, "runtimes", known, n, e);
	if (tree_want(r->tree, node, NODE_MAP, node->key, e) < 0)
		return -1;
	r->config->n_runtimes++;
	of->name = runtime->name;
	for (const struct node *one = node->first; one; one = one->next) {
		if (read_runtime_key(r, one, of, e) < 0)
			return -1;
		if ((of->build || of->run || of->main) && !*runtime->main)
			return tree_fail(r->tree, one->at, e, ERR_USAGE, "%s runs what a job's steps say; it has no words of its own",
					 runtime->name);
		if ((of->build || of->run || of->image) && runtime_has_engine(runtime))
			return tree_fail(r->tree, one->at, e, ERR_USAGE, "%s is run by an engine, not by words", runtime->name);
	}
	return 0;
}

static int read_runtimes(struct reader *r, const struct node *section, struct err *e)
{
	if (tree_want(r->tree, section, NODE_MAP, "runtimes", e) < 0)
		return -1;
	for (const struct node *node = section->first; node; node = node->next)
		if (read_runtime(r, node, e) < 0)
			return -1;
	return 0;
}

static bool is_among(const char *const *texts, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(texts[i], text) == 0)
			return true;
	return false;
}

/* The section's own keys, and at the top the sections. */
static int refuse_key(const struct reader *r, const struct node *node, const char *section, struct err *e)
{
	const char *known[CONFIG_VALUES + CONFIG_LISTS + 2];
	struct arena arena = { .blocks = NULL };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(values) + ARRAY_SIZE(lists); i++) {
		const char *const path = i < ARRAY_SIZE(values) ? values[i].path : lists[i - ARRAY_SIZE(values)].path;
		const char *const name = below(path, section);
		const char *const one = name ? arena_copy(&arena, name, strcspn(name, ".")) : "";

		if (*one && !is_among(known, n, one))
			known[n++] = one;
	}
	if (!*section) {
		known[n++] = "runtimes";
		known[n++] = "version";
	}
	tree_fail_key(r->tree, node, *section ? section : "", known, n, e);
	arena_done(&arena);
	return -1;
}

static bool is_section(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (below(values[i].path, key))
			return true;
	return false;
}

static int read_leaf(struct reader *r, const struct node *node, const char *section, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		const char *const name = below(values[i].path, section);

		if (name && strcmp(name, node->key) == 0)
			return read_value(r, i, node, e);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const char *const name = below(lists[i].path, section);

		if (name && strcmp(name, node->key) == 0)
			return read_list(r, i, node, e);
	}
	return refuse_key(r, node, section, e);
}

static int read_top(struct reader *r, const struct node *node, bool *has_version, struct err *e)
{
	if (strcmp(node->key, "version") == 0) {
		*has_version = true;
		return tree_want_version(r->tree, node, e);
	}
	if (strcmp(node->key, "runtimes") == 0)
		return read_runtimes(r, node, e);
	if (!is_section(node->key))
		return read_leaf(r, node, "", e);
	if (tree_want(r->tree, node, NODE_MAP, node->key, e) < 0)
		return -1;
	for (const struct node *one = node->first; one; one = one->next)
		if (read_leaf(r, one, node->key, e) < 0)
			return -1;
	return 0;
}

/* What holds a job that states nothing may not be more than one may state. */
static int check_ceilings(const struct reader *r, struct err *e)
{
	static const struct {
		enum config_id limit, ceiling;
	} rows[] = {
		{ CONFIG_LIMIT_WALL, CONFIG_CEILING_WALL },     { CONFIG_LIMIT_CPU, CONFIG_CEILING_CPU },
		{ CONFIG_LIMIT_MEMORY, CONFIG_CEILING_MEMORY }, { CONFIG_LIMIT_PIDS, CONFIG_CEILING_PIDS },
		{ CONFIG_LIMIT_DISK, CONFIG_CEILING_DISK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct config *const config = r->config;

		if (config->values[rows[i].limit].text && config->values[rows[i].ceiling].text &&
		    config->values[rows[i].limit].n > config->values[rows[i].ceiling].n)
			return tree_fail(r->tree, r->at[rows[i].limit], e, ERR_USAGE, "%s is above %s; lower the first or raise the second",
					 values[rows[i].limit].path, values[rows[i].ceiling].path);
	}
	return 0;
}

static int read_all(struct reader *r, struct err *e)
{
	bool has_version = false;

	for (const struct node *node = r->tree->root->first; node; node = node->next)
		if (read_top(r, node, &has_version, e) < 0)
			return -1;
	if (!has_version)
		return tree_fail(r->tree, r->tree->root->at, e, ERR_USAGE, "no version; begin with `version: 1`");
	return check_ceilings(r, e);
}

int config_read(const char *name, const char *text, size_t len, struct config *out, struct err *e)
{
	struct config config = CONFIG_NONE;
	struct tree tree = { .name = name, .what = "configuration" };
	struct reader r = { .config = &config, .tree = &tree };
	int status = tree_parse(&tree, text, len, "version: 1", e);

	if (status == 0)
		status = read_all(&r, e);
	tree_done(&tree);
	if (status < 0)
		config_done(&config);
	else
		*out = config;
	return status;
}

const char *config_text(const struct config *config, enum config_id id, const char *otherwise)
{
	return config->values[id].text ? config->values[id].text : otherwise;
}

uint64_t config_number(const struct config *config, enum config_id id, uint64_t otherwise)
{
	return config->values[id].text ? config->values[id].n : otherwise;
}

const struct config_runtime *config_runtime(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_runtimes; i++)
		if (strcmp(config->runtimes[i].name, name) == 0)
			return &config->runtimes[i];
	return NULL;
}
