/* `ward precompile`: what a module may import, and the way to the box in which it is compiled. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/loop.h"
#include "cmd/beside.h"
#include "cmd/command.h"
#include "cmd/precompile.h"
#include "cmd/precompiled.h"
#include "cmd/say.h"
#include "module/module.h"
#include "plugin/admit.h"
#include "plugin/install.h"
#include "wasm/sections.h"

#define MODULE_BYTES ((size_t)64 << 20)

static int read_module(const char *path, uint8_t **out, size_t *len, struct err *e)
{
	OWN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	char *bytes;

	if (fd < 0)
		return err_sys(e, "%.200s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "%.200s is no regular file", path);
	if (fd_read_file(fd, path, MODULE_BYTES, &bytes, len, e) < 0)
		return -1;
	*out = (uint8_t *)bytes;
	return 0;
}

/* The same table that an engine binds by, so that both refuse the same. A name that passes is one of WASI's. */
static int check_import(const struct wasm_module *says, size_t at, struct err *e)
{
	struct module module = { .exited = NULL };
	const struct engine_host host = module_host(&module);
	const struct wasm_import *const import = &says->imports[at];
	struct engine_import found = { .words = "" };
	const char result[] = { import->type.results[0], '\0' };

	if (import->kind != WASM_FUNCTION || !host.find(host.at, import->module, import->name, &found))
		return err_set(e, ERR_USAGE, "it imports the %s %.80s.%.80s, which is not there for it: a module has the calls of WASI "
			       "preview 1", wasm_kind_name(import->kind), import->module, import->name);
	if (import->type.too_long || strcmp(import->type.words, found.words) != 0 || strcmp(import->type.results, result) != 0 ||
	    *result != found.result)
		return err_set(e, ERR_USAGE, "it declares the import %.80s with a type that is not WASI's", import->name);
	return 0;
}

static int check(const struct wasm_module *says, struct err *e)
{
	const struct wasm_export *const start = wasm_find_export(says, "_start");

	for (size_t i = 0; i < says->n_imports; i++)
		if (check_import(says, i, e) < 0)
			return -1;
	if (says->memory_is_shared || says->memory_is_64)
		return err_set(e, ERR_UNSUPPORTED, "its memory is %s; compiled modules have one of 32 bits for themselves",
			       says->memory_is_shared ? "shared" : "of 64 bits");
	if (!start || !admit_callable(start) || *start->type.words)
		return err_set(e, ERR_USAGE, "it exports no function _start: it is a library, or not for WASI");
	return 0;
}

static const char *output_of(const struct args *args, struct arena *arena)
{
	const struct opt_hit *const hit = args_find(args, PRECOMPILE_OUTPUT);
	const char *const module = args->operands[0];
	const size_t len = strlen(module);
	const bool has_ending = len > 5 && strcmp(module + len - 5, ".wasm") == 0;

	return hit ? hit->value : arena_printf(arena, "%.*s.ward", (int)(has_ending ? len - 5 : len), module);
}

struct made {
	const char *path;
	size_t from, bytes;
	uint64_t took_ms;
};

static int say_made(const struct args *args, const struct made *made, struct err *e)
{
	OWN(str) out = STR_NONE;
	OWN(json) json = JSON_NONE;

	if (!args_has(args, PRECOMPILE_JSON)) {
		str_addf(&out, "%zu bytes of WebAssembly were compiled, in a box, to a program of %zu, in %llu.%llu s: %s\n", made->from,
			 made->bytes, (unsigned long long)made->took_ms / 1000, (unsigned long long)made->took_ms % 1000 / 100, made->path);
		return say_out(STDOUT_FILENO, "standard output", &out, e);
	}
	json_put_object(&json, NULL);
	json_put_text(&json, "schema", "ward.precompile.1");
	json_put_text(&json, "program", made->path);
	json_put_u64(&json, "bytes", made->bytes);
	json_put_u64(&json, "took_ms", made->took_ms);
	json_put_end(&json);
	json_put_line(&json);
	str_add_bytes(&out, json.out.at, json.out.len);
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

static int make(const struct args *args, struct arena *arena, struct made *made, struct err *e)
{
	struct install how = { .instead = "`ward run -b wasm` with the module as it is" };
	OWN_MEM uint8_t *module = NULL;
	OWN_MEM char *program = NULL;
	struct wasm_module says;

	if (read_module(args->operands[0], &module, &made->from, e) < 0)
		return -1;
	if (sections_read(module, made->from, arena, &says, e) < 0 || check(&says, e) < 0 ||
	    beside_find("ward", arena, &how.ward, e) < 0 || beside_find_file("libward-wasi.a", arena, &how.runtime, e) < 0 ||
	    install_make(&how, module, made->from, &says, &program, &made->bytes, e) < 0)
		return err_add(e, "%.200s", args->operands[0]);
	return precompiled_write(made->path, program, made->bytes, e);
}

int command_precompile_run(struct args *args, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	struct made made = { .path = NULL };
	const uint64_t begun = loop_now_us();

	if (args->n_operands != 1)
		return err_set(e, ERR_USAGE, "%s; write `ward precompile MODULE`", args->n_operands ? "more than one module" : "no module given");
	made.path = output_of(args, &arena);
	if (make(args, &arena, &made, e) < 0)
		return -1;
	made.took_ms = (loop_now_us() - begun) / 1000;
	return say_made(args, &made, e);
}
