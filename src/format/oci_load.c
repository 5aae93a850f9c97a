/* Loads what is wanted of a profile or a runtime configuration. Understands none of it. */
#include "format/oci_load.h"

#include <string.h>
#include <strings.h>

#include "base/clean.h"
#include "base/mem.h"
#include "format/json_scan.h"

struct loading {
	struct json_scan scan;
	struct tree *tree;
	const char *section;    /* the key at the top we are in */
};

/* section NULL: a key at the top. Of sections that are not named here everything is wanted. */
static const struct {
	const char *section, *key;
	bool wanted;
} rows[] = {
	{ NULL, "root", false },
	{ NULL, "mounts", false },
	{ NULL, "hooks", false },
	{ NULL, "annotations", false },
	{ NULL, "hostname", false },
	{ NULL, "domainname", false },
	{ NULL, "solaris", false },
	{ NULL, "windows", false },
	{ NULL, "vm", false },
	{ NULL, "zos", false },
	{ "process", "capabilities", true },
	{ "process", "noNewPrivileges", true },
	{ "process", "terminal", true },
	{ "linux", "seccomp", true },
	{ "linux", "namespaces", true },
};

static bool is_wanted(const struct loading *loading, const char *key)
{
	bool otherwise = true;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const bool is_here = loading->scan.depth == 1 ? !rows[i].section :
			loading->scan.depth == 2 && rows[i].section && loading->section &&
				strcasecmp(loading->section, rows[i].section) == 0;

		if (is_here && strcasecmp(rows[i].key, key) == 0)
			return rows[i].wanted;
		if (is_here)
			otherwise = !rows[i].wanted;
	}
	return otherwise;
}

static int add_text(struct loading *loading, const char *text, size_t len, struct place at, struct err *e)
{
	char *const copy = arena_copy(&loading->tree->arena, text, len);

	clean_bytes(copy, len, "");
	return tree_add_text(loading->tree, copy, len, at, e);
}

/* A key waits until it is known that its value is not null. */
struct key {
	const char *text;
	size_t len;
	struct place at;
};

static int take_key(struct loading *loading, struct key *key, struct err *e)
{
	struct json_scan *const scan = &loading->scan;

	if (!is_wanted(loading, scan->text))
		return json_scan_skip(scan, e);
	*key = (struct key){ arena_copy(&loading->tree->arena, scan->text, scan->len), scan->len, scan->began };
	if (scan->depth == 1)
		loading->section = key->text;
	return 0;
}

static int take_value(struct loading *loading, enum json_event event, struct key *key, struct err *e)
{
	const struct json_scan *const scan = &loading->scan;
	const struct key pending = TAKE(*key, (struct key){ .text = NULL });

	if (event == JSON_EVENT_NULL && pending.text)
		return 0;
	if (pending.text && add_text(loading, pending.text, pending.len, pending.at, e) < 0)
		return -1;
	if (event == JSON_EVENT_OBJECT || event == JSON_EVENT_ARRAY)
		return tree_open(loading->tree, event == JSON_EVENT_OBJECT ? NODE_MAP : NODE_LIST, scan->began, e);
	return add_text(loading, scan->text, event == JSON_EVENT_NULL ? 0 : scan->len, scan->began, e);
}

static int load(struct loading *loading, struct err *e)
{
	struct key key = { .text = NULL };
	enum json_event event;

	for (;;) {
		if (json_scan_next(&loading->scan, &event, e) < 0)
			return -1;
		if (event == JSON_EVENT_END)
			return 0;
		if (event == JSON_EVENT_CLOSE)
			tree_close(loading->tree);
		else if ((event == JSON_EVENT_KEY ? take_key(loading, &key, e) :
						    take_value(loading, event, &key, e)) < 0)
			return -1;
	}
}

int oci_load(struct tree *tree, const char *text, size_t len, struct err *e)
{
	struct loading loading = { .tree = tree };
	int rc;

	json_scan_init(&loading.scan, tree->name, text, len);
	rc = load(&loading, e);
	json_scan_done(&loading.scan);
	return rc;
}
