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

static const char *const engines[] = {
	[WARD_PLUGIN_ANY] = "any", [WARD_PLUGIN_V8] = "v8", [WARD_PLUGIN_WASM2C] = "wasm2c",
};

static int take_engine(struct plugin_given *given, const char *name, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (strcmp(engines[i], name) == 0) {
			given->engine = (enum ward_plugin_engine)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "there is no engine '%.40s'; write --engine any, v8 or wasm2c", name);
}

static int take_hit(struct plugin_given *given, const struct opt_hit *hit, struct err *e)
{
	if (hit->opt->id == PLUGIN_STORE)
		given->store = hit->value;
	if (hit->opt->id == PLUGIN_COMPILED)
		given->compiled = hit->value;
	given->adopt |= hit->opt->id == PLUGIN_ADOPT;
	given->json |= hit->opt->id == PLUGIN_JSON;
	given->quiet |= hit->opt->id == PLUGIN_QUIET;
	return hit->opt->id == PLUGIN_ENGINE ? take_engine(given, hit->value, e) : 0;
}

static int read_options(struct args *args, struct plugin_given *given, struct err *e)
{
	struct opt_reader reader = {
		.table = args->command->options, .n = command_count_options(args->command), .argv = args->operands + 1,
	};
	struct opt_hit hit;
	int more;

	for (size_t i = 0; i < args->n_hits; i++)
		if (take_hit(given, &args->hits[i], e) < 0)
			return -1;
	while ((more = opt_next(&reader, &hit, e)) > 0)
		if (take_hit(given, &hit, e) < 0)
			return -1;
	given->operands = args->operands + 1 + reader.at;
	while (more == 0 && given->operands[given->n])
		given->n++;
	return more;
}

static void print_log(void *at, const char *plugin, int level, const void *text, size_t len)
{
	const struct plugin_given *const given = at;
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

static int find_store(const struct plugin_given *given, struct arena *arena, const char **out, struct err *e)
{
	const char *folder;

	*out = given->store;
	if (given->store)
		return 0;
	if (plugin_state_dir(arena, &folder, e) < 0)
		return err_add(e, "write --store FILE");
	*out = arena_printf(arena, "%s/plugins.db", folder);
	return 0;
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

static int call(const struct plugin_given *given, const struct ward_plugin_options *options, const char *input, size_t len,
		struct err *e)
{
	struct ward_plugin_error error;
	OWN(arena) arena = { .blocks = NULL };
	const struct ward_plugin_choice choice = { .engine = given->engine, .compiled = plugin_compiled_dir(given, &arena) };
	struct ward_plugin *const plugin = ward_plugin_open_with(options, &choice, &error);
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

static int run(const struct plugin_given *given, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	OWN_MEM char *input = NULL;
	struct ward_plugin_options options = {
		.manifest = given->operands[0], .adopt = given->adopt, .log = print_log, .warn = print_warning, .at = (void *)(uintptr_t)given,
	};
	size_t len;

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

/* What the choice of an engine means for who breaks out of it. */
static const char *surface_of(const char *compiled)
{
	return compiled ? "compiled when it was installed; its process makes no code: memory cannot become executable" :
			  "a compiler in the worker's process, which makes code at run time; `ward plugin install` does without";
}

static void write_json(const struct load *load, const struct admission *admission, const char *compiled, struct str *out)
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
	json_put_text(&json, "engine", compiled ? "wasm2c" : "v8");
	if (compiled)
		json_put_text(&json, "compiled", compiled);
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

static void write_text(const struct load *load, const struct admission *admission, const char *compiled, struct str *out)
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
	str_addf(out, "\nengine: %s: %s\n", compiled ? "wasm2c" : "v8", surface_of(compiled));
}

static int check(const struct plugin_given *given, struct err *e)
{
	OWN(load) load = { .path = NULL };
	OWN(admission) admission = ADMISSION_NONE;
	OWN(arena) arena = { .blocks = NULL };
	OWN(str) out = STR_NONE;
	const char *compiled;

	if (load_plugin(given->operands[0], &load, e) < 0 || plugin_find_engine(given, &load, &arena, &compiled, e) < 0)
		return -1;
	admit_module(&load.manifest, load.module, load.len, &admission);
	if (given->json)
		write_json(&load, &admission, compiled, &out);
	else
		write_text(&load, &admission, compiled, &out);
	if (say_out(STDOUT_FILENO, "standard output", &out, e) < 0)
		return -1;
	return admission.n_refused || admission.n_unexplained ? CODE_FINDINGS : 0;
}

static const struct verb {
	const char *name;
	int (*run)(const struct plugin_given *given, struct err *e);
	size_t operands;        /* at most */
} verbs[] = {
	{ "run", run, 3 }, { "check", check, 1 }, { "install", plugin_install, 1 }, { "remove", plugin_remove, 1 },
	{ "policy", plugin_policy, 1 },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

int command_plugin_run(struct args *args, struct err *e)
{
	struct plugin_given given = { .n = 0 };
	const char *const word = args->n_operands ? args->operands[0] : "";
	const struct verb *const verb = find_verb(word);

	if (!verb)
		return err_set(e, ERR_USAGE, "%s%.40s%s; write `ward plugin run MANIFEST`, or check, install, remove or policy",
			       *word ? "'" : "nothing to do", word, *word ? "' is nothing a plug-in does" : "");
	if (read_options(args, &given, e) < 0)
		return -1;
	if (!given.n)
		return err_set(e, ERR_USAGE, "no manifest given; write `ward plugin %s MANIFEST`", word);
	if (given.n > verb->operands)
		return err_set(e, ERR_USAGE, verb->run == run ? "more than a manifest, a function and its input; quote the input" :
			       "%s takes one manifest", word);
	return verb->run(&given, e);
}

#define PLUGIN(name) DISPATCH_HERE(name)
#include "cmd/dispatch_rows.def"

int main(int argc, char **argv)
{
	return dispatch(&(struct dispatch){ PLUGIN, rows, ARRAY_SIZE(rows) }, argc, argv);
}
