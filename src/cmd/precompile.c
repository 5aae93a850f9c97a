/* `ward precompile`: its words. What it does is precompile_make.c, in the program that compiles plug-ins as well. */
#include "cmd/precompile.h"

#include "cmd/command.h"

static const struct opt options[] = {
	{ .name = "output", .letter = 'o', .kind = OPT_VALUE, .arg = "FILE", .group = "Output", .words = OPT_PATHS,
	  .id = PRECOMPILE_OUTPUT, .help = "where to leave the program; default: the module's name with .ward in place of .wasm" },
	{ .name = "json", .group = "Output", .id = PRECOMPILE_JSON, .help = "say what was made as one JSON object" },
	COMMAND_HELP,
};

const struct command command_precompile = {
	.name = "precompile",
	.summary = "compile a WebAssembly module, for `ward run -b wasm` to start in a fraction of the time",
	.usage = "[option]... module",
	.about = "The module is translated by wasm2c and gcc, in a box without network, to a program that has WASI and no engine in it. "
		 "`ward run -b wasm FILE` runs it under the same policy as the module, with the same grants, in a box that holds that one "
		 "file and no library; it starts in about the time of a container. In that box nothing is made executable: there is no "
		 "compiler to need it. Not for it are threads, SIMD, exceptions, tail calls and memories of 64 bits: such a module is "
		 "refused, and runs as it is. A ward of another version refuses the file, since WASI is part of it; compile the module "
		 "again. Treat such a file of somebody else's as what it is, a program of theirs: it is held by the box and by nothing else.",
	.options = options,
	.trouble = CODE_USAGE,
};
