/* Reads the job document: job_json.c or jansson makes values of the bytes, tables make a job_spec of the values. What is not in
 * a table is refused, and so is what this service cannot do: a document that is taken is done as it stands. */
#include "serve/job.h"

#include <assert.h>
#include <string.h>

#include "serve/job_fields.h"
#include "serve/job_json.h"
#include "serve/job_parts.h"

#define TTL_MIN     60
#define TTL_MAX     (90 * 86400)
#define TTL_DEFAULT 86400
#define OUTPUT_MAX  ((uint64_t)1 << 30)
#define OUTPUT_FILES_MAX 1000

static const char *const boundary_names[] = { "auto", "container", "gvisor", "microvm", "wasm", "js" };
_Static_assert(ARRAY_SIZE(boundary_names) == JOB_BOUNDARIES, "a name for each boundary");

const char *job_boundary_name(enum job_boundary boundary)
{
	return boundary_names[boundary];
}

enum job_boundary job_boundary_find(const char *name)
{
	size_t i = 0;

	while (i < JOB_BOUNDARIES && strcmp(boundary_names[i], name))
		i++;
	return (enum job_boundary)i;
}

static int read_boundary(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct job_spec *const spec = into;

	spec->boundary = json_is_string(value) ? job_boundary_find(json_string_value(value)) : JOB_BOUNDARIES;
	return spec->boundary < JOB_BOUNDARIES ? 0 :
	       fields_fault(r, at, "invalid_value", "must be auto, container, gvisor, microvm, wasm or js");
}

static int read_name(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return job_part_name(r, at, value, &((struct job_spec *)into)->name);
}

static int read_runtime(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct job_spec *const spec = into;
	char *version;

	if (fields_text(r, at, value, 1, 2 * JOB_NAME_MAX + 1, &spec->runtime) < 0)
		return -1;
	version = strchr(spec->runtime, '@');
	if (version) {
		*version = '\0';
		spec->version = version + 1;
	}
	if (!job_name_is_valid(spec->runtime) || (spec->version && !job_name_is_valid(spec->version)))
		return fields_fault(r, at, "invalid_value", "must be a runtime's name, or NAME@VERSION; GET /v1/runtimes lists them");
	return 0;
}

static int read_labels(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct job_spec *const spec = into;

	return job_part_pairs(r, at, value, false, &spec->labels, &spec->n_labels);
}

static int read_env(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct job_spec *const spec = into;

	return job_part_pairs(r, at, value, true, &spec->env, &spec->n_env);
}

static int read_file_path(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return job_part_path(r, at, value, &((struct job_file *)into)->path);
}

static int read_executable(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	((struct job_file *)into)->is_executable = json_is_true(value);
	return json_is_boolean(value) ? 0 : fields_fault(r, at, "invalid_value", "must be true or false");
}

/* The members of a file that say what is in it, one at a time through the table of bytes. */
static int read_content(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct job_file *const file = into;
	json_t *const alone = json_pack("{s:O}", at->key, value);
	const int result = alone ? job_part_bytes(r, at->up, alone, &file->bytes) : -1;

	json_decref(alone);
	return result;
}

static int read_file(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	static const struct field fields[] = {
		{ "path", read_file_path },  { "text", read_content }, { "base64", read_content },
		{ "blob", read_content },    { "executable", read_executable },
	};
	struct job_file *const file = into;

	if (fields_read(r, at, value, fields, ARRAY_SIZE(fields), file) < 0)
		return -1;
	if (!file->path)
		return fields_fault(r, at, "invalid_value", "path is missing");
	return file->bytes.source == JOB_EMPTY ? fields_fault(r, at, "invalid_value", "text, base64 or blob is missing") : 0;
}

static int read_files(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	static const struct list list = { 0, JOB_FILES, sizeof(struct job_file), read_file };
	struct job_spec *const spec = into;

	if (fields_list(r, at, value, &list, (void **)&spec->files, &spec->n_files) < 0)
		return -1;
	return job_part_paths_fit(r, at, spec->files, spec->n_files);
}

static int read_step_id(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return job_part_name(r, at, value, &((struct job_step *)into)->id);
}

static int read_argv(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	static const struct list list = { 1, JOB_ARGS, sizeof(char *), job_part_argument };
	struct job_step *const step = into;

	if (fields_list(r, at, value, &list, (void **)&step->argv, &step->argc) < 0)
		return -1;
	return *step->argv[0] ? 0 : fields_fault(r, at, "invalid_value", "the program's name is empty");
}

static int read_step_input(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return job_part_input(r, at, value, &((struct job_step *)into)->input);
}

static int read_step(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	static const struct field fields[] = {
		{ "id", read_step_id },
		{ "argv", read_argv },
		{ "stdin", read_step_input },
	};
	struct job_step *const step = into;

	if (fields_read(r, at, value, fields, ARRAY_SIZE(fields), step) < 0)
		return -1;
	if (!step->id)
		step->id = arena_printf(r->arena, "%zu", at->index);
	return step->argc ? 0 : fields_fault(r, at, "invalid_value", "argv is missing");
}

static int read_steps(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	static const struct list list = { 1, JOB_STEPS, sizeof(struct job_step), read_step };
	struct job_spec *const spec = into;

	if (fields_list(r, at, value, &list, (void **)&spec->steps, &spec->n_steps) < 0)
		return -1;
	for (size_t i = 0; i < spec->n_steps; i++)
		for (size_t k = 0; k < i; k++) {
			const struct pointer inside = { at, NULL, i };

			if (!strcmp(spec->steps[i].id, spec->steps[k].id))
				return fields_fault(r, &inside, "invalid_value", "another step has the same id");
		}
	return 0;
}

static int read_args(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	static const struct list list = { 0, JOB_ARGS, sizeof(char *), job_part_argument };
	struct job_spec *const spec = into;

	return fields_list(r, at, value, &list, (void **)&spec->args, &spec->n_args);
}

static int read_input(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return job_part_input(r, at, value, &((struct job_spec *)into)->input);
}

static int read_tty(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	struct job_window *const window = &((struct job_spec *)into)->tty;

	*window = (struct job_window){ 24, 80 };
	return job_part_window(r, at, value, window);
}

/* The rows of job_limits.def, in its order. */
static const struct {
	const char *name;
	uint64_t least, most;
	size_t at;
} limit_rows[] = {
#define LIMIT(name, least, most, what) { #name, least, most, offsetof(struct job_limits, name) },
#include "serve/job_limits.def"
#undef LIMIT
};

static int read_limit(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	size_t i = 0;

	while (strcmp(limit_rows[i].name, at->key))
		i++;
	return fields_number(r, at, value, limit_rows[i].least, limit_rows[i].most, (uint64_t *)((char *)into + limit_rows[i].at));
}

static int read_cpus(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	const double cpus = json_number_value(value);

	if (!json_is_number(value) || !(cpus >= 0.01))
		return fields_fault(r, at, "invalid_value", "must be a number of processors from 0.01 on");
	if (cpus > 64)
		return fields_fault(r, at, "limit_above_ceiling", "must be at most 64");
	((struct job_limits *)into)->cpus_milli = (uint64_t)(cpus * 1000 + 0.5);
	return 0;
}

static int read_at_limit(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	const char *const word = json_is_string(value) ? json_string_value(value) : "";

	((struct job_limits *)into)->kill_at_output_limit = !strcmp(word, "kill");
	return !strcmp(word, "kill") || !strcmp(word, "truncate") ? 0 :
	       fields_fault(r, at, "invalid_value", "must be \"truncate\" or \"kill\"");
}

static int read_limits(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	static const struct field fields[] = {
#define LIMIT(name, least, most, what) { #name, read_limit },
#include "serve/job_limits.def"
#undef LIMIT
		{ "cpus", read_cpus },
		{ "on_output_limit", read_at_limit },
	};

	return fields_read(r, at, value, fields, ARRAY_SIZE(fields), &((struct job_spec *)into)->limits);
}

static int read_output_path(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return job_part_pattern(r, at, value, &((struct job_output *)into)->pattern);
}

static int read_output_bytes(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return fields_number(r, at, value, 0, OUTPUT_MAX, &((struct job_output *)into)->max_bytes);
}

static int read_output_files(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	uint64_t n = 0;

	if (fields_number(r, at, value, 1, OUTPUT_FILES_MAX, &n) < 0)
		return -1;
	((struct job_output *)into)->max_files = (uint32_t)n;
	return 0;
}

static int read_output(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	static const struct field fields[] = {
		{ "path", read_output_path },
		{ "max_bytes", read_output_bytes },
		{ "max_files", read_output_files },
	};
	struct job_output *const output = into;

	*output = (struct job_output){ .max_bytes = 16 << 20, .max_files = 64 };
	if (fields_read(r, at, value, fields, ARRAY_SIZE(fields), output) < 0)
		return -1;
	return output->pattern ? 0 : fields_fault(r, at, "invalid_value", "path is missing");
}

static int read_outputs(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	static const struct list list = { 0, JOB_OUTPUTS, sizeof(struct job_output), read_output };
	struct job_spec *const spec = into;

	return fields_list(r, at, value, &list, (void **)&spec->outputs, &spec->n_outputs);
}

static int read_attempts(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	uint64_t n = 0;

	if (fields_number(r, at, value, 1, JOB_ATTEMPTS, &n) < 0)
		return -1;
	((struct job_spec *)into)->max_attempts = (uint32_t)n;
	return 0;
}

/* The only thing that is tried again is what failed by no fault of the job's; the document may say so. */
static int read_retry_on(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	const char *const word = json_array_size(value) == 1 ? json_string_value(json_array_get(value, 0)) : NULL;

	(void)into;
	return word && !strcmp(word, "infra") ? 0 : fields_fault(r, at, "invalid_value", "must be [\"infra\"]: a job that failed by itself is not run again");
}

static int read_retry(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	static const struct field fields[] = { { "max_attempts", read_attempts }, { "on", read_retry_on } };

	return fields_read(r, at, value, fields, ARRAY_SIZE(fields), into);
}

static int read_priority(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	uint64_t n = 0;

	if (fields_number(r, at, value, 0, 9, &n) < 0)
		return -1;
	((struct job_spec *)into)->priority = (uint32_t)n;
	return 0;
}

static int read_ttl(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return fields_number(r, at, value, TTL_MIN, TTL_MAX, &((struct job_spec *)into)->ttl_s);
}

static int read_deadline(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	return job_part_deadline(r, at, value, &((struct job_spec *)into)->deadline_ms);
}

static int refuse_network(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	(void)value;
	(void)into;
	return fields_fault(r, at, "egress_not_permitted", "jobs have no network here, and no secrets to use on one; leave %s out", at->key);
}

static int refuse_field(struct reading *r, const struct pointer *at, json_t *value, void *into)
{
	(void)value;
	(void)into;
	return fields_fault(r, at, "not_supported", "this service does not have %s; leave it out", at->key);
}

static const struct field document[] = {
	{ "name", read_name },           { "labels", read_labels },       { "runtime", read_runtime },
	{ "boundary", read_boundary },   { "files", read_files },         { "steps", read_steps },
	{ "args", read_args },           { "stdin", read_input },         { "env", read_env },
	{ "limits", read_limits },       { "outputs", read_outputs },     { "priority", read_priority },
	{ "deadline", read_deadline },   { "retry", read_retry },         { "ttl_s", read_ttl },
	{ "tty", read_tty },             { "egress", refuse_network },    { "secrets", refuse_network },   { "webhook", refuse_field },
	{ "image", refuse_field },       { "isolation", refuse_field },
};

static bool has_live_input(const struct job_spec *spec)
{
	for (size_t i = 0; i < spec->n_steps; i++)
		if (spec->steps[i].input.source == JOB_LIVE)
			return true;
	return spec->input.source == JOB_LIVE;
}

static int check_whole(struct reading *r, const struct pointer *at, const struct job_spec *spec)
{
	if (!spec->runtime)
		return fields_fault(r, at, "invalid_value", "runtime is missing; GET /v1/runtimes lists them");
	if (spec->n_steps && (spec->n_args || spec->input.source != JOB_EMPTY))
		return fields_fault(r, at, "invalid_value", "args and stdin go with the runtime's own steps; with steps, each has its argv and stdin");
	if (spec->tty.rows && !has_live_input(spec))
		return fields_fault(r, at, "invalid_value", "a tty is for steps with a stdin of {\"live\": true}, and none has one");
	return 0;
}

static int read_root(struct reading *r, json_t *root, struct job_spec *spec)
{
	const struct pointer at = { .up = NULL };

	return fields_read(r, &at, root, document, ARRAY_SIZE(document), spec) < 0 ? -1 : check_whole(r, &at, spec);
}

static void put_canonical(json_t *root, struct job_spec *spec)
{
	OWN(str) text = STR_NONE;

	/* What is escaped here was so when it came: it grows by its one number with a point, and STR_MAX is twice the most. */
	job_json_write(root, &text);
	assert(!text.cut);
	spec->canonical_len = text.len;
	spec->canonical = arena_copy(&spec->arena, str_text(&text), text.len);
}

void job_spec_done(struct job_spec *spec)
{
	arena_done(&spec->arena);
	*spec = JOB_SPEC_NONE;
}

static int read_document(const char *json, size_t len, bool is_canonical, struct job_spec *out, struct job_fault *fault)
{
	OWN(job_spec) spec = { .name = "", .priority = 5, .max_attempts = 3, .ttl_s = TTL_DEFAULT };
	struct reading r = { &spec.arena, fault };
	const struct pointer whole = { .up = NULL };
	json_t *root;
	int result;

	if (len > JOB_DOCUMENT_MAX)
		return fields_fault(&r, &whole, "payload_too_large", "a job document has at most %zu bytes; put more into blobs", JOB_DOCUMENT_MAX);
	root = fields_parse(&r, json, len, JOB_VALUES);
	if (!root)
		return -1;
	result = read_root(&r, root, &spec);
	if (result == 0 && !is_canonical)
		put_canonical(root, &spec);
	json_decref(root);
	if (result == 0)
		*out = TAKE(spec, JOB_SPEC_NONE);
	return result;
}

int job_spec_read(const char *json, size_t len, struct job_spec *spec, struct job_fault *fault)
{
	return read_document(json, len, false, spec, fault);
}

int job_spec_read_again(const char *canonical, size_t len, struct job_spec *spec, struct job_fault *fault)
{
	return read_document(canonical, len, true, spec, fault);
}
