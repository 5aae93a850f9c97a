/* `ward-plugin`: the commands of plug-ins, which `ward` hands on to it. An embedder of its own: it registers no
 * function, and has what every embedder has. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "cmd/beside.h"
#include "cmd/dispatch.h"
#include "cmd/plugin.h"
#include "cmd/say.h"
#include "plugin/admit.h"
#include "base/clean.h"
#include "plugin/load.h"
#include "plugin/plugin.h"

#define INPUT_MOST ((size_t)16 << 20)
#define CODE_NOT_KEPT 1
#define CODE_TRAP 134   /* as of a module that `ward run -b wasm` runs: 128 + SIGABRT */

static const char *const levels[] = { "error", "warning", "info", "debug" };

/* One option wherever it stands: before the word `run`, or behind it. */
struct given {
	const char *store;
	bool adopt, json, quiet;
	char *const *operands;  /* behind `run` or `check`; ends with NULL */
	size_t n;
};

static void take_hit(struct given *given, const struct opt_hit *hit)
{
	if (hit->opt->id == PLUGIN_STORE)
		given->store = hit->value;
	given->adopt |= hit->opt->id == PLUGIN_ADOPT;
	given->json |= hit->opt->id == PLUGIN_JSON;
	given->quiet |= hit->opt->id == PLUGIN_QUIET;
}

static int read_options(struct args *args, struct given *given, struct err *e)
{
	struct opt_reader reader = {
		.table = args->command->options, .n = command_count_options(args->command), .argv = args->operands + 1,
	};
	struct opt_hit hit;
	int more;

	for (size_t i = 0; i < args->n_hits; i++)
		take_hit(given, &args->hits[i]);
	while ((more = opt_next(&reader, &hit, e)) > 0)
		take_hit(given, &hit);
	given->operands = args->operands + 1 + reader.at;
	while (more == 0 && given->operands[given->n])
		given->n++;
	return more;
}

static void print_log(void *at, const char *plugin, int level, const void *text, size_t len)
{
	const struct given *const given = at;
	char line[4096];
	const size_t n = len < sizeof(line) ? len : sizeof(line);

	memcpy(line, text, n);
	clean_bytes(line, n, "");
	if (!given->quiet)
		say(SAY_NOTE, "%s: %s: %.*s", plugin, levels[level], (int)n, line);
}

static void print_warning(void *at, const char *text)
{
	(void)at;
	say(SAY_ERROR, "%s", text);
}

static int make_folder(const char *path, struct err *e)
{
	return mkdir(path, 0700) < 0 && access(path, W_OK) < 0 ? err_sys(e, "%.200s", path) : 0;
}

/* The user's own place for what is not configuration. Source: XDG Base Directory Specification 0.8 */
static int find_store(const struct given *given, struct arena *arena, const char **out, struct err *e)
{
	const char *const state = getenv("XDG_STATE_HOME"), *const home = getenv("HOME");
	const char *parts[] = { "", "/.local", "/.local/state" };

	*out = given->store;
	if (given->store)
		return 0;
	if ((!state || *state != '/') && (!home || *home != '/'))
		return err_set(e, ERR_USAGE, "neither XDG_STATE_HOME nor HOME is set; write --store FILE");
	const bool has_state = state && *state == '/';
	for (size_t i = 1; i < ARRAY_SIZE(parts) && !has_state; i++)
		if (make_folder(arena_printf(arena, "%s%s", home, parts[i]), e) < 0)
			return -1;
	const char *const folder = has_state ? arena_printf(arena, "%s/ward", state) :
		arena_printf(arena, "%s/.local/state/ward", home);
	*out = arena_printf(arena, "%s/plugins.db", folder);
	return make_folder(folder, e);
}

static int read_input(const char *word, char **text, size_t *len, struct err *e)
{
	if (!word || strcmp(word, "-") != 0) {
		*len = word ? strlen(word) : 0;
		*text = mem_alloc(*len + 1);
		memcpy(*text, word ? word : "", *len);
		return 0;
	}
	return fd_read_file(STDIN_FILENO, "standard input", INPUT_MOST, text, len, e);
}

/* Bytes as they are, but no control bytes to a terminal. */
static int write_output(char *bytes, size_t len, struct err *e)
{
	if (isatty(STDOUT_FILENO))
		clean_bytes(bytes, len, "\n\t");
	return len && fd_write_all(STDOUT_FILENO, bytes, len, e) < 0 ? err_add(e, "standard output") : 0;
}

static int code_of(enum ward_plugin_end end)
{
	static const int codes[] = {
		[WARD_PLUGIN_REFUSED] = CODE_SETUP, [WARD_PLUGIN_TRAP] = CODE_TRAP, [WARD_PLUGIN_LIMIT] = CODE_STOPPED,
		[WARD_PLUGIN_STORE] = CODE_NOT_KEPT, [WARD_PLUGIN_BROKEN] = CODE_SETUP,
	};

	return codes[end];
}

static int call(const struct given *given, const struct ward_plugin_options *options, const char *input, size_t len,
		struct err *e)
{
	struct ward_plugin_error error;
	struct ward_plugin *const plugin = ward_plugin_open(options, &error);
	OWN_MEM void *output = NULL;
	size_t output_len = 0;
	int code = 0;

	if (plugin)
		ward_plugin_call(plugin, given->n > 1 ? given->operands[1] : "run", input, len, &output, &output_len, &error);
	if (error.end != WARD_PLUGIN_OK) {
		say(SAY_ERROR, "%s", error.text);
		code = code_of(error.end);
	} else if (write_output(output, output_len, e) < 0) {
		code = -1;
	}
	ward_plugin_close(plugin);
	return code;
}

static int run(struct given *given, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	OWN_MEM char *input = NULL;
	struct ward_plugin_options options = {
		.manifest = given->operands[0], .adopt = given->adopt, .log = print_log, .warn = print_warning, .at = given,
	};
	size_t len;

	if (given->n > 3)
		return err_set(e, ERR_USAGE, "more than a manifest, a function and its input; quote the input");
	if (given->json)
		return err_set(e, ERR_USAGE, "--json is for `check`; what a plug-in returns is written as it is");
	if (read_input(given->n > 2 ? given->operands[2] : NULL, &input, &len, e) < 0 ||
	    find_store(given, &arena, &options.store, e) < 0 || beside_find("ward", &arena, &options.ward, e) < 0)
		return -1;
	return call(given, &options, input, len, e);
}

static void put_lines(struct json *json, const char *key, const char *lines)
{
	json_put_array(json, key);
	for (const char *p = lines; *p; p += *p == '\n') {
		const size_t len = strcspn(p, "\n");

		json_put_bytes(json, NULL, p, len);
		p += len;
	}
	json_put_end(json);
}

static void put_exports(struct json *json, const struct wasm_module *says)
{
	json_put_array(json, "functions");
	for (size_t i = 0; i < says->n_exports; i++)
		if (admit_callable(&says->exports[i]) && strcmp(says->exports[i].name, "alloc") != 0)
			json_put_text(json, NULL, says->exports[i].name);
	json_put_end(json);
}

static void write_json(const struct load *load, const struct admission *admission, struct str *out)
{
	OWN(json) json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "schema", "ward.plugin.check.1");
	json_put_text(&json, "name", load->manifest.name);
	json_put_text(&json, "namespace", load->manifest.space);
	json_put_text(&json, "module", load->path);
	json_put_bool(&json, "admitted", !admission->n_refused);
	put_lines(&json, "refused", str_text(&admission->refused));
	put_lines(&json, "warnings", str_text(&admission->warnings));
	put_exports(&json, &load->says);
	json_put_end(&json);
	json_put_line(&json);
	str_add_bytes(out, json.out.at, json.out.len);
}

/* The first byte that would move a terminal becomes '?': names of exports are the module's. */
static void add_name(struct str *out, const char *name)
{
	struct err clean = ERR_INIT;

	err_set(&clean, ERR_USAGE, " %.100s", name);
	str_add(out, clean.text);
}

static void write_text(const struct load *load, const struct admission *admission, struct str *out)
{
	const struct wasm_module *const says = &load->says;

	str_addf(out, "%s: %s is %s\n", load->manifest.name, load->path, admission->n_refused ? "refused" : "admitted");
	for (const char *p = str_text(&admission->refused); *p; p += *p == '\n') {
		const size_t len = strcspn(p, "\n");

		str_addf(out, "refused: %.*s\n", (int)len, p);
		p += len;
	}
	str_add(out, str_text(&admission->warnings));
	if (admission->n_refused)
		return;
	str_add(out, "imports:");
	for (size_t i = 0; i < says->n_imports; i++)
		str_addf(out, " %s.%s", says->imports[i].module, says->imports[i].name);
	str_add(out, says->n_imports ? "\nfunctions:" : " none\nfunctions:");
	for (size_t i = 0; i < says->n_exports; i++)
		if (admit_callable(&says->exports[i]) && strcmp(says->exports[i].name, "alloc") != 0)
			add_name(out, says->exports[i].name);
	str_add(out, "\n");
}

static int check(const struct given *given, struct err *e)
{
	OWN(load) load = { .path = NULL };
	OWN(admission) admission = ADMISSION_NONE;
	OWN(str) out = STR_NONE;

	if (given->n > 1)
		return err_set(e, ERR_USAGE, "check takes one manifest");
	if (load_plugin(given->operands[0], &load, e) < 0)
		return -1;
	admit_module(&load.manifest, load.module, load.len, &admission);
	if (given->json)
		write_json(&load, &admission, &out);
	else
		write_text(&load, &admission, &out);
	if (say_out(STDOUT_FILENO, "standard output", &out, e) < 0)
		return -1;
	return admission.n_refused || admission.n_unexplained ? CODE_FINDINGS : 0;
}

int command_plugin_run(struct args *args, struct err *e)
{
	struct given given = { .n = 0 };
	const char *const verb = args->n_operands ? args->operands[0] : "";
	const bool is_run = strcmp(verb, "run") == 0;

	if (!is_run && strcmp(verb, "check") != 0)
		return err_set(e, ERR_USAGE, "%s%.40s%s; write `ward plugin run MANIFEST` or `ward plugin check MANIFEST`",
			       *verb ? "'" : "nothing to do", verb, *verb ? "' is nothing a plug-in does" : "");
	if (read_options(args, &given, e) < 0)
		return -1;
	if (!given.n)
		return err_set(e, ERR_USAGE, "no manifest given; write `ward plugin %s MANIFEST`", verb);
	return is_run ? run(&given, e) : check(&given, e);
}

#define PLUGIN(name) DISPATCH_HERE(name)
#include "cmd/dispatch_rows.def"

int main(int argc, char **argv)
{
	return dispatch(&(struct dispatch){ PLUGIN, rows, ARRAY_SIZE(rows) }, argc, argv);
}
