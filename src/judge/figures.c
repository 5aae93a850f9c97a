/* Figures: what was published, percentiles, and the file of the benchmark. */
#include "judge/figures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/policy_tree.h"
#include "model/policy_value.h"

#define SCHEMA "ward.bench.1"
#define MIB    ((uint64_t)1 << 20)

static const struct figure published[STRENGTH_BOUNDARIES] = {
	[BOUNDARY_PROCESS] = { .source = "not measured here yet: `ward bench`" },
	[BOUNDARY_CONTAINER] = { .source = "not measured here yet: `ward bench`" },
	[BOUNDARY_GVISOR] = { FIGURE_PUBLISHED, 50000, 50000, .idle_bytes = 50000000,
			      .source = "OpenSandbox, guide to secure container runtimes: 10 to 50 ms and about "
					"50 MB above a container" },
	[BOUNDARY_MICROVM] = { FIGURE_PUBLISHED, 125000, 125000, .idle_bytes = 133 * MIB,
			       .source = "Firecracker, SPECIFICATION.md: at most 125 ms to /sbin/init, and 5 MiB above "
					 "the guest's memory, here 128 MiB" },
	[BOUNDARY_WASM] = { .source = "no figure for a module in a process of its own" },
	[BOUNDARY_JS] = { FIGURE_PUBLISHED, 5000, 5000, .idle_bytes = 3000000,
			  .source = "Cloudflare, Cloud Computing without Containers (2018): 5 ms and 3 MB in a shared "
				    "process" },
};

void figures_done(struct figures *figures)
{
	arena_done(&figures->arena);
	*figures = (struct figures){ .host = NULL };
}

struct figure figures_published(int boundary)
{
	return published[boundary];
}

struct figure figures_of(const struct figures *figures, int boundary)
{
	if (figures && figures->boundaries[boundary].kind == FIGURE_MEASURED)
		return figures->boundaries[boundary];
	return published[boundary];
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *const x = a, *const y = b;

	return (*x > *y) - (*x < *y);
}

uint64_t figures_percentile(uint64_t *durations, size_t n, unsigned q)
{
	qsort(durations, n, sizeof(*durations), by_size);
	return durations[(n * q + 99) / 100 ? (n * q + 99) / 100 - 1 : 0];
}

void figures_time(uint64_t us, struct str *out)
{
	if (!us)
		str_add(out, "-");
	else if (us < 1000)
		str_addf(out, "%" PRIu64 " us", us);
	else if (us < 100000)
		str_addf(out, "%" PRIu64 ".%02" PRIu64 " ms", us / 1000, us % 1000 / 10);
	else
		str_addf(out, "%" PRIu64 " ms", us / 1000);
}

void figures_memory(uint64_t bytes, struct str *out)
{
	if (!bytes)
		str_add(out, "-");
	else if (bytes < MIB)
		str_addf(out, "%" PRIu64 " KiB", bytes / 1024);
	else
		str_addf(out, "%" PRIu64 ".%" PRIu64 " MiB", bytes / MIB, bytes % MIB * 10 / MIB);
}

/* The numbers of a row, once: written and read. */
static const struct {
	const char *key;
	size_t at;
} numbers[] = {
	{ "launches", offsetof(struct figure, launches) },
	{ "start_p50_us", offsetof(struct figure, start_p50_us) },
	{ "start_p99_us", offsetof(struct figure, start_p99_us) },
	{ "rate_milli", offsetof(struct figure, rate_milli) },
	{ "idle_bytes", offsetof(struct figure, idle_bytes) },
};

static uint64_t *number(struct figure *figure, size_t i)
{
	return (uint64_t *)(void *)((char *)figure + numbers[i].at);
}

static void write_figure(struct json *json, const char *name, struct figure figure)
{
	if (figure.kind != FIGURE_MEASURED)
		return;
	json_put_object(json, name);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		json_put_u64(json, numbers[i].key, *number(&figure, i));
	json_put_end(json);
}

void figures_json(const struct figures *figures, struct str *out)
{
	OWN(json) json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "schema", SCHEMA);
	json_put_text(&json, "host", figures->host ? figures->host : "");
	json_put_object(&json, "figures");
	write_figure(&json, "spawn", figures->spawn);
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++)
		write_figure(&json, strength_of(i)->name, figures->boundaries[i]);
	json_put_end(&json);
	json_put_end(&json);
	json_put_line(&json);
	str_add_bytes(out, json.out.at, json.out.len);
}

static int read_figure(const struct tree *tree, const struct node *node, struct figure *out,
		       struct err *e)
{
	const char *known[ARRAY_SIZE(numbers)];

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		known[i] = numbers[i].key;
	if (tree_want(tree, node, NODE_MAP, node->key, e) < 0 ||
	    tree_check_keys(tree, node, node->key, known, ARRAY_SIZE(known), e) < 0)
		return -1;
	*out = (struct figure){ .kind = FIGURE_MEASURED };
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct node *const value = tree_get(node, numbers[i].key);

		if (!value)
			return tree_fail(tree, node->at, e, ERR_USAGE, "%s is missing; run `ward bench` again",
					 numbers[i].key);
		if (tree_want(tree, value, NODE_TEXT, value->key, e) < 0)
			return -1;
		if (policy_value_parse(KEY_COUNT, "0..1000000000000000", value->text, number(out, i), e) < 0)
			return err_add(e, "%s", value->key), tree_locate(tree, value->at, e);
	}
	return 0;
}

static int read_figures(const struct tree *tree, const struct node *map, struct figures *out,
			struct err *e)
{
	if (tree_want(tree, map, NODE_MAP, "figures", e) < 0)
		return -1;
	for (const struct node *node = map->first; node; node = node->next) {
		const int boundary = strength_find(node->key);
		struct figure *const to = boundary < 0 ? &out->spawn : &out->boundaries[boundary];

		if (boundary < 0 && strcmp(node->key, "spawn") != 0)
			return tree_fail(tree, node->key_at, e, ERR_USAGE, "no boundary is called '%.40s'",
					 node->key);
		if (read_figure(tree, node, to, e) < 0)
			return -1;
	}
	return 0;
}

static int read_schema(const struct tree *tree, struct figures *out, struct err *e)
{
	static const char *const keys[] = { "schema", "host", "figures" };
	const struct node *found[ARRAY_SIZE(keys)];

	if (tree_check_keys(tree, tree->root, "", keys, ARRAY_SIZE(keys), e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!(found[i] = tree_get(tree->root, keys[i])))
			return tree_fail(tree, tree->root->at, e, ERR_USAGE,
					 "%s is missing: this is no file of `ward bench`", keys[i]);
	for (size_t i = 0; i < 2; i++)
		if (tree_want(tree, found[i], NODE_TEXT, keys[i], e) < 0)
			return -1;
	if (strcmp(found[0]->text, SCHEMA) != 0)
		return tree_fail(tree, found[0]->at, e, ERR_UNSUPPORTED,
				 "schema '%.40s' is not known to this ward; run `ward bench` again",
				 found[0]->text);
	out->host = arena_copy(&out->arena, found[1]->text, strlen(found[1]->text));
	return read_figures(tree, found[2], out, e);
}

int figures_read(const char *name, const char *text, size_t len, struct figures *out, struct err *e)
{
	OWN(tree) tree = { .name = name, .what = "benchmark" };
	OWN(figures) figures = { .host = NULL };

	if (tree_parse(&tree, text, len, "a schema: run `ward bench` again", e) < 0)
		return -1;
	if (read_schema(&tree, &figures, e) < 0)
		return -1;
	*out = TAKE(figures, ((struct figures){ .host = NULL }));
	return 0;
}
