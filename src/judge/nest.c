/* Reads the engine's command line in a plan. The engine itself reads it in module/job.c. */
#include "judge/nest.h"

#include <string.h>

#include "model/policy_key.h"

static const char *const wasi_calls[] = {
#define CALL(name, ...) #name,
#include "wasi/calls.def"
#undef CALL
};

enum {
	SEALED = 0
#define ENGINE(name) + 1
#define WASI(name) + 1
#include "model/engine_calls.def"
#undef ENGINE
#undef WASI
};

/* What a guest of JavaScript keeps. */
enum {
	SEALED_GUEST = 0
#define GUEST(name) + 1
#define SERVE(name)
#define ZYGOTE(name)
#include "model/guest_calls.def"
#undef GUEST
#undef SERVE
#undef ZYGOTE
};

static const char *const script_calls[] = { "console", "performance.now", "ward.args", "ward.env", "ward.input", "ward.output" };

static void read_word(struct nest *nest, struct arena *arena, const char *word)
{
	const bool writes = strncmp(word, "--write=", 8) == 0;
	const char *const path = strncmp(word, "--read=", 7) == 0 ? word + 7 : writes ? word + 8 : NULL;
	const char *const colon = path ? strchr(path, ':') : NULL;

	nest->n_passed += strncmp(word, "--pass=", 7) == 0;
	if (colon)
		nest->directories[nest->n_directories++] = (struct nest_directory){
			.name = colon + 1, .path = arena_copy(arena, path, (size_t)(colon - path)), .writes = writes,
		};
}

/* The words up to the guest's own: those after the module are its business, and may look like ours. */
static void read_exec(struct nest *nest, struct arena *arena, const struct plan *plan, const struct step *exec)
{
	const char *word = plan_string(plan, exec->s);

	nest->directories = arena_alloc(arena, exec->n * sizeof(*nest->directories) + 1);
	if (strcmp(word, "/ward/module") == 0)
		nest->engine = "compiled";
	for (uint64_t i = 0; i < exec->n; i++, word += strlen(word) + 1) {
		if (i > 1 && strncmp(word, "--", 2) != 0)
			break;
		if (i > 1)
			read_word(nest, arena, arena_copy(arena, word, strlen(word)));
	}
}

void nest_read(const struct plan *plan, struct arena *arena, struct nest *out)
{
	*out = (struct nest){ .guest = NULL };
	if (plan->boundary == BOUNDARY_JS)
		*out = (struct nest){
			.guest = "script", .engine = "ward-v8", .interface = "the language",
			.calls = script_calls, .n_calls = ARRAY_SIZE(script_calls), .n_sealed = SEALED_GUEST,
		};
	if (plan->boundary != BOUNDARY_WASM)
		return;
	*out = (struct nest){
		.guest = "module", .engine = "ward-v8", .interface = "wasi_snapshot_preview1",
		.calls = wasi_calls, .n_calls = ARRAY_SIZE(wasi_calls), .n_sealed = SEALED,
	};
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == OP_EXEC)
			read_exec(out, arena, plan, &plan->steps[i]);
}

/* A name is the policy's, and bytes that steer a terminal may be in it. */
static void add_name(const char *name, struct str *out)
{
	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		str_addf(out, "%c", *c > ' ' && *c < 0x7f ? *c : '?');
}

static void add_directory(const struct nest_directory *directory, const char *place, struct str *out)
{
	add_name(place, out);
	str_add(out, directory->writes ? " write" : " read");
}

void nest_text(const struct nest *nest, struct str *out)
{
	if (!nest->guest)
		return;
	for (size_t i = 0; i < nest->n_directories; i++) {
		str_add(out, "engine landlock-path  ");
		add_directory(&nest->directories[i], nest->directories[i].path, out);
		str_add(out, "\n");
	}
	str_addf(out, "engine seccomp        %zu calls, any other kills\n", nest->n_sealed);
	str_addf(out, "%s import         %s: %zu calls\n", nest->guest, nest->interface, nest->n_calls);
	for (size_t i = 0; i < nest->n_directories; i++) {
		str_addf(out, "%s preopen        %zu ", nest->guest, i + NEST_FIRST);
		add_directory(&nest->directories[i], nest->directories[i].name, out);
		str_add(out, "\n");
	}
}

void nest_list_given(const struct nest *nest, struct str *out)
{
	str_addf(out, "the %zu calls of %s, and no system call", nest->n_calls, nest->interface);
	for (size_t i = 0; i < nest->n_directories; i++) {
		str_addf(out, "%s %zu ", i ? "," : "; directories", i + NEST_FIRST);
		add_directory(&nest->directories[i], nest->directories[i].name, out);
	}
	if (nest->n_passed)
		str_addf(out, "; %zu descriptor%s by number", nest->n_passed, nest->n_passed == 1 ? "" : "s");
}
