/* From a job to argument vectors. Refuses to guess: a job with several files and none of the runtime's name for the
 * main one says what it runs. */
#include "serve/runtime.h"

#include <stdio.h>
#include <string.h>

static const struct runtime rows[] = {
#define RUNTIME(name, program, park, main, build, run) { #name, program, main, build, run, PARK_##park },
#include "serve/runtime.def"
#undef RUNTIME
};

const struct runtime *runtime_at(size_t i)
{
	return i < ARRAY_SIZE(rows) ? &rows[i] : NULL;
}

const struct runtime *runtime_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const struct runtime *runtime_of(const struct order_class *class, struct runtime *own)
{
	const struct runtime *const row = runtime_find(class->runtime);

	if (!row)
		return NULL;
	*own = *row;
	if (*class->main)
		own->main = class->main;
	if (*class->build)
		own->build = class->build;
	if (*class->run)
		own->run = class->run;
	return own;
}

static const char *find_main(const struct runtime *runtime, const struct job_spec *spec)
{
	for (size_t i = 0; i < spec->n_files; i++)
		if (strcmp(spec->files[i].path, runtime->main) == 0)
			return spec->files[i].path;
	return spec->n_files == 1 ? spec->files[0].path : NULL;
}

/* The words of a template, then those of the job. */
static const char *const *make_argv(const char *template, const char *main, const char *const *args, size_t n_args,
				    struct arena *arena)
{
	const char **const argv = arena_alloc(arena, (n_args + 16) * sizeof(*argv));
	size_t n = 0;

	while (*template && n < 15) {
		const size_t len = strcspn(template, " ");

		argv[n++] = len == 1 && *template == '@' ? main : arena_copy(arena, template, len);
		template += len;
		template += strspn(template, " ");
	}
	for (size_t i = 0; i < n_args; i++)
		argv[n++] = args[i];
	return argv;
}

/* An interpreter that waits is as good as `python3 FILE ...`, and as nothing else: neither with options of its own,
 * nor with a variable that it reads when it starts. */
static bool fits_parked(const struct runtime *runtime, const struct job_spec *spec, const char *const *argv)
{
	static const char *const prefixes[] = { "PYTHON", "NODE_", "LD_", "MALLOC_", "GLIBC_", "UV_", "LC_", "LANG" };

	if (runtime->park == PARK_WASM)
		return true; /* its engine was started without them, and nothing else is run */
	if (runtime->park != PARK_PYTHON && runtime->park != PARK_NODE)
		return false;
	if (strcmp(argv[0], runtime->program) != 0 || !argv[1] || *argv[1] == '-')
		return false;
	for (size_t i = 0; i < spec->n_env; i++)
		for (size_t k = 0; k < ARRAY_SIZE(prefixes); k++)
			if (strncmp(spec->env[i].name, prefixes[k], strlen(prefixes[k])) == 0)
				return false;
	return true;
}

static size_t refuse(struct job_fault *fault, const char *field, const char *detail)
{
	fault->code = "invalid_value";
	snprintf(fault->field, sizeof(fault->field), "%s", field);
	snprintf(fault->detail, sizeof(fault->detail), "%s", detail);
	return 0;
}

static size_t own_steps(const struct runtime *runtime, const struct job_spec *spec, struct runtime_step *steps,
			struct arena *arena, struct job_fault *fault)
{
	static const struct job_bytes none = { .source = JOB_EMPTY };
	const char *const main = find_main(runtime, spec);
	size_t n = 0;

	if (!*runtime->main)
		return refuse(fault, "/steps", "this runtime runs what the steps say; give at least one step");
	if (!main) {
		refuse(fault, "/files", "which of the files is run? Name one as the runtime expects, or give steps");
		snprintf(fault->detail, sizeof(fault->detail), "no file is named %s, and there is not just one; name the "
			 "main one so, or give steps", runtime->main);
		return 0;
	}
	if (*runtime->build)
		steps[n++] = (struct runtime_step){
			.id = "build", .argv = make_argv(runtime->build, main, NULL, 0, arena), .input = &none, .is_build = true,
		};
	steps[n++] = (struct runtime_step){
		.id = "run", .argv = make_argv(runtime->run, main, spec->args, spec->n_args, arena), .input = &spec->input,
	};
	return n;
}

/* What is run by an engine has no processes: one main file and words. A script, besides, has no files, and its input is
 * whole when it begins. */
static bool suits_engine(const struct runtime *runtime, const struct job_spec *spec, struct job_fault *fault)
{
	const bool is_script = runtime->park == PARK_JS;
	const struct {
		bool is_asked;
		const char *field, *detail;
	} asks[] = {
		{ spec->n_steps, "/steps", "this runtime runs one file and starts no programs; name it as the runtime expects, and give args" },
		{ is_script && spec->n_outputs, "/outputs", "a script writes no files; what it prints and what ward.output() is given is its output" },
		{ spec->tty.rows, "/tty", "this runtime has no terminal" },
		{ is_script && spec->input.source == JOB_LIVE, "/stdin", "a script's input is whole when it begins; give it as text or blob" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(asks); i++)
		if (asks[i].is_asked)
			return refuse(fault, asks[i].field, asks[i].detail);
	return true;
}

size_t runtime_steps(const struct runtime *runtime, const struct job_spec *spec, struct runtime_step *steps,
		     struct arena *arena, struct job_fault *fault)
{
	size_t n = spec->n_steps;

	if (runtime_has_engine(runtime) && !suits_engine(runtime, spec, fault))
		return 0;
	for (size_t i = 0; i < n; i++)
		steps[i] = (struct runtime_step){
			.id = spec->steps[i].id, .argv = spec->steps[i].argv, .input = &spec->steps[i].input,
		};
	if (!n)
		n = own_steps(runtime, spec, steps, arena, fault);
	if (n && fits_parked(runtime, spec, steps[0].argv)) {
		steps[0].argv++;
		steps[0].is_parked = true;
	}
	return n;
}
