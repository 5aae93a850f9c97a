/* `ward plugin`: its words. What it does is plugin_run.c, in a program of its own: what a run does not need, such as
 * a database, is not in `ward`. */
#include "cmd/plugin.h"

#include "cmd/command.h"

static const struct opt options[] = {
	{ .name = "store", .kind = OPT_VALUE, .arg = "FILE", .group = "Data", .words = OPT_PATHS, .id = PLUGIN_STORE,
	  .help = "the SQLite file with all plug-ins' data; default: $XDG_STATE_HOME/ward/plugins.db, or below "
		  "~/.local/state" },
	{ .name = "engine", .kind = OPT_VALUE, .arg = "NAME", .group = "Engine", .words = "any|v8|wasm2c", .id = PLUGIN_ENGINE,
	  .help = "v8: compiles the module at each start; wasm2c: runs what `install` has compiled, and nothing else; default: what is "
		  "installed, else v8" },
	{ .name = "compiled", .kind = OPT_VALUE, .arg = "DIR", .group = "Engine", .words = OPT_PATHS, .id = PLUGIN_COMPILED,
	  .help = "where `install` keeps what it has compiled; default: $XDG_STATE_HOME/ward/compiled, or below ~/.local/state" },
	{ .name = "adopt", .group = "Data", .id = PLUGIN_ADOPT,
	  .help = "let the module have its namespace though another one has used it: after an upgrade" },
	{ .name = "json", .group = "Output", .id = PLUGIN_JSON, .help = "check: as one JSON object" },
	{ .name = "quiet", .letter = 'q', .group = "Output", .id = PLUGIN_QUIET,
	  .help = "run: drop the plug-in's log; warnings and errors are still printed" },
	COMMAND_HELP,
};

const struct command command_plugin = {
	.name = "plugin",
	.summary = "run a WebAssembly module that can reach three functions, judge one, or compile one",
	.usage = "[option]... run manifest [function [input]] | check | install | remove | policy manifest",
	.about = "The manifest names the module and its sha256, its namespace, quotas and limits. The module can call log, "
		 "kv_get and kv_put, and nothing else. `run` calls one of its functions (default: run) with the input, - for "
		 "standard input, and writes what it returns to standard output; what it has put is kept when the call "
		 "succeeds. The exit code is then 0; 1 when that could not be kept, 124 when a limit was reached, 125 when "
		 "nothing ran, 134 when the module failed. `check` runs nothing: it refuses imports by name and warns of every "
		 "function that widens the sandbox; 0 when all is well, 1 with findings, 2 when there is nothing to judge. `install` "
		 "compiles the module with wasm2c and gcc, in a box, so that no compiler is in the worker; `remove` takes that away; "
		 "`policy` prints the policy of the worker's box, for `ward surface`, `ward selftest` and `ward run --dry-run`.",
	.options = options,
	.trouble = CODE_USAGE,
};
