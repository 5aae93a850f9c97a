/* `ward plugin install`, `remove` and `policy`: compiled plug-ins, and the box that any plug-in has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/loop.h"
#include "cmd/beside.h"
#include "cmd/command.h"
#include "cmd/plugin.h"
#include "cmd/say.h"
#include "cmd/state_dir.h"
#include "plugin/admit.h"
#include "plugin/box.h"
#include "plugin/compiled.h"
#include "plugin/install.h"

static int make_folder(const char *path, struct err *e)
{
	return mkdir(path, 0700) < 0 && access(path, W_OK) < 0 ? err_sys(e, "%.200s", path) : 0;
}

int plugin_state_dir(struct arena *arena, const char **out, struct err *e)
{
	const char *const home = getenv("HOME"), *const path = state_dir_of_user(arena);
	const char *const parts[] = { "/.local", "/.local/state" };

	if (!path)
		return err_set(e, ERR_USAGE, "neither XDG_STATE_HOME nor HOME is set");
	for (size_t i = 0; i < ARRAY_SIZE(parts) && home; i++) {
		const char *const above = arena_printf(arena, "%s%s/", home, parts[i]);

		if (strncmp(path, above, strlen(above)) == 0 && make_folder(above, e) < 0)
			return -1;
	}
	*out = path;
	return make_folder(path, e);
}

const char *plugin_compiled_dir(const struct plugin_given *given, struct arena *arena)
{
	const char *const state = given->compiled ? NULL : state_dir_of_user(arena);

	return state ? arena_printf(arena, "%s/compiled", state) : given->compiled;
}

int plugin_find_engine(const struct plugin_given *given, const struct load *load, struct arena *arena, const char **compiled,
		       struct err *e)
{
	const char *const folder = plugin_compiled_dir(given, arena);

	*compiled = NULL;
	if (given->engine == WARD_PLUGIN_V8)
		return 0;
	if (folder && compiled_find(folder, &load->manifest.sha256, arena, compiled, e) < 0)
		return -1;
	return *compiled || given->engine != WARD_PLUGIN_WASM2C ? 0 :
		err_set(e, ERR_MISSING, "%.200s was not compiled by this ward; write `ward plugin install`", load->path);
}

/* Reads it, and refuses a module that could not run anyway. */
static int load_admitted(const char *manifest, struct load *load, struct err *e)
{
	OWN(admission) admission = ADMISSION_NONE;

	if (load_plugin(manifest, load, e) < 0)
		return -1;
	admit_module(&load->manifest, load->module, load->len, &admission);
	const char *const lines = str_text(&admission.refused);

	return admission.n_refused ?
		err_set(e, ERR_DENIED, "%.100s: %.*s", load->path, (int)strcspn(lines, "\n"), lines) : 0;
}

static int say_installed(const struct plugin_given *given, const struct load *load, const char *path, size_t len, uint64_t ms,
			 struct err *e)
{
	OWN(str) out = STR_NONE;
	OWN(json) json = JSON_NONE;

	if (given->json) {
		json_put_object(&json, NULL);
		json_put_text(&json, "schema", "ward.plugin.install.1");
		json_put_text(&json, "name", load->manifest.name);
		json_put_text(&json, "engine", "wasm2c");
		json_put_text(&json, "compiled", path);
		json_put_u64(&json, "bytes", len);
		json_put_u64(&json, "took_ms", ms);
		json_put_end(&json);
		json_put_line(&json);
		str_add_bytes(&out, json.out.at, json.out.len);
	} else {
		str_addf(&out, "%s: %zu bytes of WebAssembly were compiled, in a box, to a program of %zu, in %llu.%llu s\n%s\n",
			 load->manifest.name, load->len, len, (unsigned long long)ms / 1000, (unsigned long long)ms % 1000 / 100, path);
	}
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

/* Where to keep it: the state's directory is made when that is the place. */
static int find_folder(const struct plugin_given *given, struct arena *arena, const char **out, struct err *e)
{
	const char *state;

	if (!given->compiled && plugin_state_dir(arena, &state, e) < 0)
		return err_add(e, "write --compiled DIR");
	*out = plugin_compiled_dir(given, arena);
	return 0;
}

int plugin_install(const struct plugin_given *given, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	OWN(load) load = { .path = NULL };
	OWN_MEM char *program = NULL;
	struct install how = { .instead = "--engine v8" };
	const char *folder, *path = NULL;
	size_t len;

	if (given->engine == WARD_PLUGIN_V8)
		return err_set(e, ERR_USAGE, "engine v8 compiles a module whenever it starts; only wasm2c has something to install");
	if (load_admitted(given->operands[0], &load, e) < 0 || find_folder(given, &arena, &folder, e) < 0 ||
	    beside_find("ward", &arena, &how.ward, e) < 0 || beside_find_file("libward-module.a", &arena, &how.runtime, e) < 0)
		return -1;
	const uint64_t begun = loop_now_us();

	if (install_make(&how, load.module, load.len, &load.says, &program, &len, e) < 0 ||
	    compiled_keep(folder, &load.manifest.sha256, program, len, e) < 0 ||
	    compiled_find(folder, &load.manifest.sha256, &arena, &path, e) < 0)
		return err_add(e, "%.100s", load.manifest.name);
	return say_installed(given, &load, path, len, (loop_now_us() - begun) / 1000, e);
}

int plugin_remove(const struct plugin_given *given, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	OWN(load) load = { .path = NULL };
	const char *folder;
	int n;

	if (load_plugin(given->operands[0], &load, e) < 0)
		return -1;
	folder = plugin_compiled_dir(given, &arena);
	n = folder ? compiled_remove(folder, &load.manifest.sha256, e) : 0;
	return n < 0 ? -1 : n ? 0 : err_set(e, ERR_MISSING, "%.200s was not compiled by this ward", load.path);
}

int plugin_policy(const struct plugin_given *given, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	OWN(load) load = { .path = NULL };
	OWN(str) out = STR_NONE;
	const char *compiled;

	if (load_admitted(given->operands[0], &load, e) < 0 || plugin_find_engine(given, &load, &arena, &compiled, e) < 0 ||
	    box_of_worker(&load.manifest, compiled, &out, e) < 0)
		return -1;
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}
