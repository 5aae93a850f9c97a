/* A plug-in as its manifest describes it: which bytes, whose data, how much of everything, and what beyond the
 * three functions. Pure data. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "model/policy_tree.h"

#define MANIFEST_FUNCTIONS 64
#define MANIFEST_NAME      64   /* of a plug-in, a namespace, a function */

enum plugin_limit {
#define LIMIT(id, path, type, bounds, otherwise) PLUGIN_##id,
#include "plugin/manifest_keys.def"
#undef LIMIT
	PLUGIN_LIMITS
};

/* What may be granted beyond the three. */
enum plugin_grant { GRANT_CLOCK = 1, GRANT_RANDOM = 2 };

enum plugin_class {
#define CLASS(id, word, widens, takes, gives) PLUGIN_CLASS_##id,
#include "plugin/classes.def"
#undef CLASS
	PLUGIN_CLASSES
};

struct plugin_class_row {
	const char *word;
	bool widens;
	const char *takes, *gives;
};
const struct plugin_class_row *plugin_class_row(enum plugin_class which);

/* A function that the embedder will register. */
struct manifest_function {
	const char *name;
	enum plugin_class declared;
	const char *why;        /* NULL: nobody has said why it is there */
	struct place at;
};

/* Texts are in the arena. */
struct manifest {
	const char *file;       /* the manifest's own name, for errors */
	const char *name, *module, *space;
	struct digest sha256;
	bool fresh;             /* each call has an instance of its own */
	uint64_t limits[PLUGIN_LIMITS];
	uint32_t grants;        /* of enum plugin_grant */
	struct manifest_function functions[MANIFEST_FUNCTIONS];
	size_t n_functions;
	struct arena arena;
};
#define MANIFEST_NONE ((struct manifest){ .name = NULL })
void manifest_done(struct manifest *manifest);

/* Reads a file's text, YAML or JSON.
 *
 * Errors: ERR_USAGE, ERR_LIMIT, as "name:line:column: cause; fix" */
MUST_USE int manifest_read(const char *name, const char *text, size_t len, struct manifest *out, struct err *e);

/* Fails unless the name is one that a file, a table and a terminal can carry: letters, digits, ".", "_", "-". */
bool manifest_name_ok(const char *name);

/* The function of that name that the embedder registers, NULL when there is none. */
const struct manifest_function *manifest_function(const struct manifest *manifest, const char *name);
