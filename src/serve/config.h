/* The configuration of `ward serve`: a file in the policies' subset of YAML, against one closed schema. Pure: opens
 * nothing, and what it says is only believed where flags say nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/policy_key.h"
#include "serve/runtime.h"

/* Values first, then lists. */
enum config_id {
#define SETTING(id, path, type, bounds, front, help) CONFIG_##id,
#define SETTINGS(id, path, most, front, help)
#include "serve/config.def"
#undef SETTING
#undef SETTINGS
	CONFIG_VALUES
};
enum config_list_id {
#define SETTING(id, path, type, bounds, front, help)
#define SETTINGS(id, path, most, front, help) CONFIG_LIST_##id,
#include "serve/config.def"
#undef SETTING
#undef SETTINGS
	CONFIG_LISTS
};

struct config_row {
	const char *path, *front, *help;
	enum key_type type;
	const char *bounds;             /* of a value */
	size_t most;                    /* of a list */
};
const struct config_row *config_value_row(enum config_id id);
const struct config_row *config_list_row(enum config_list_id id);

#define CONFIG_LIST_MAX 16
#define CONFIG_RUNTIMES 16

/* What is said of one runtime: NULL and false where nothing is. */
struct config_runtime {
	const char *name;               /* of a row of runtime.def */
	bool is_off, has_warm;
	uint64_t warm;
	const char *main, *build, *run; /* words instead of the table's, see runtime.def */
	const char *image;              /* its programs: an image's name or directory */
};

/* Texts are in the arena. */
struct config {
	struct {
		const char *text;       /* as it stands there; NULL: it does not */
		uint64_t n;             /* of all but texts and paths */
	} values[CONFIG_VALUES];
	struct {
		const char *items[CONFIG_LIST_MAX];
		size_t n;
	} lists[CONFIG_LISTS];
	struct config_runtime runtimes[CONFIG_RUNTIMES];
	size_t n_runtimes;
	struct arena arena;
};
#define CONFIG_NONE ((struct config){ .n_runtimes = 0 })
void config_done(struct config *config);

/* Reads a file's text, YAML or JSON.
 *
 * Errors: ERR_USAGE, ERR_LIMIT, as "name:line:column: cause; fix" */
MUST_USE int config_read(const char *name, const char *text, size_t len, struct config *out, struct err *e);

/* What it says, or what holds where it says nothing. */
const char *config_text(const struct config *config, enum config_id id, const char *otherwise);
uint64_t config_number(const struct config *config, enum config_id id, uint64_t otherwise);
const struct config_runtime *config_runtime(const struct config *config, const char *name);
