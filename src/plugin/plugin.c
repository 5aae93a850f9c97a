/* The host: judges a module, starts its worker, and keeps what a call that has succeeded leaves. */
#include "plugin/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "plugin/admit.h"
#include "base/clean.h"
#include "plugin/compiled.h"
#include "plugin/load.h"
#include "plugin/store.h"
#include "plugin/worker.h"

#define START_MS 20000  /* for the box, the engine, and compiling */
#define WHY_MOST 320

_Static_assert((int)WARD_PLUGIN_PURE == (int)PLUGIN_CLASS_PURE && (int)WARD_PLUGIN_LOG == (int)PLUGIN_CLASS_LOG &&
	       (int)WARD_PLUGIN_STORAGE == (int)PLUGIN_CLASS_STORAGE && (int)WARD_PLUGIN_FILE == (int)PLUGIN_CLASS_FILE &&
	       (int)WARD_PLUGIN_NETWORK == (int)PLUGIN_CLASS_NETWORK && (int)WARD_PLUGIN_PROCESS == PLUGIN_CLASSES - 1,
	       "the classes of plugin.h and classes.def");

struct ward_plugin {
	struct ward_plugin_options options;
	struct ward_plugin_choice choice;
	const char *compiled;           /* path, in the manifest's arena; NULL: the engine is V8 */
	const char *ward;               /* in the manifest's arena */
	struct load load;
	struct store *store;
	struct worker worker;
	uint64_t version;               /* of the namespace, which the worker's copy is of */
	const struct ward_plugin_function *functions[MANIFEST_FUNCTIONS];
	bool is_called;                 /* a function of the embedder's may call again, and there is one socket */
};

static enum ward_plugin_end tell(struct ward_plugin_error *error, enum ward_plugin_end end, const struct err *e)
{
	error->end = end;
	snprintf(error->text, sizeof(error->text), "%s", end == WARD_PLUGIN_OK ? "" : e->text);
	clean_bytes(error->text, strlen(error->text), "");
	return end;
}

static void warn(const struct ward_plugin *plugin, const char *lines)
{
	for (const char *p = lines; *p;) {
		const size_t len = strcspn(p, "\n");
		char line[1200];

		snprintf(line, sizeof(line), "%.*s", (int)len, p);
		if (plugin->options.warn)
			plugin->options.warn(plugin->options.at, line);
		else
			dprintf(STDERR_FILENO, "ward: %s\n", line);
		p += len + (p[len] == '\n');
	}
}

/* Manifest and embedder have to agree on every function: name and class. */
static int take_functions(struct ward_plugin *plugin, struct err *e)
{
	const struct manifest *const manifest = &plugin->load.manifest;

	for (size_t i = 0; i < plugin->options.n_functions; i++) {
		const struct ward_plugin_function *const given = &plugin->options.functions[i];
		const struct manifest_function *const listed = manifest_function(manifest, given->name);

		if (!listed || (int)listed->declared != (int)given->declared)
			return err_set(e, ERR_DENIED, "the embedder registers function %.64s of class %s, and the manifest %s; write "
				       "{name: %.64s, class: %s} there if it is meant", given->name,
				       plugin_class_row((enum plugin_class)given->declared)->word,
				       listed ? "says another class" : "lists none of that name", given->name,
				       plugin_class_row((enum plugin_class)given->declared)->word);
		plugin->functions[listed - manifest->functions] = given;
	}
	for (size_t i = 0; i < manifest->n_functions; i++)
		if (!plugin->functions[i])
			return err_set(e, ERR_UNSUPPORTED, "the manifest lists function %.64s, which this embedder does not have",
				       manifest->functions[i].name);
	return 0;
}

static int check_options(const struct ward_plugin_options *options, struct err *e)
{
	if (!options->manifest || !options->store)
		return err_set(e, ERR_USAGE, "a plug-in needs a manifest and a store");
	for (size_t i = 0; i < options->n_functions; i++)
		if (!options->functions[i].name || !options->functions[i].call ||
		    (unsigned)options->functions[i].declared >= PLUGIN_CLASSES)
			return err_set(e, ERR_USAGE, "function %zu has no name, no call or no class", i);
	return 0;
}

/* Waits for what the module's start says. */
static enum ward_plugin_end await_ready(struct ward_plugin *plugin, struct err *e)
{
	static const uint64_t most[] = { WHY_MOST, 0, 0 };
	const uint64_t until = loop_now_us() + (START_MS + plugin->load.manifest.limits[PLUGIN_WALL]) * 1000;
	struct wire_frame frame;

	if (wire_receive(&plugin->worker.wire, most, &frame, until, e) < 0)
		return worker_post_mortem(&plugin->worker, e) ? WARD_PLUGIN_LIMIT : WARD_PLUGIN_BROKEN;
	if (frame.kind != WIRE_READY)
		return err_set(e, ERR_USAGE, "the worker did not say whether it is ready"), WARD_PLUGIN_BROKEN;
	if (frame.word == WIRE_OK)
		return WARD_PLUGIN_OK;
	err_set(e, ERR_USAGE, "it does not start: %.300s", (const char *)frame.part[0]);
	return frame.word == WIRE_CPU || frame.word == WIRE_CALLS ? WARD_PLUGIN_LIMIT : WARD_PLUGIN_TRAP;
}

/* Looked at anew for each worker: it is a file. */
static int find_compiled(struct ward_plugin *plugin, struct err *e)
{
	const char *const folder = plugin->choice.compiled;

	plugin->compiled = NULL;
	if (plugin->choice.engine == WARD_PLUGIN_V8)
		return 0;
	if (folder && compiled_find(folder, &plugin->load.manifest.sha256, &plugin->load.manifest.arena, &plugin->compiled, e) < 0)
		return -1;
	if (!plugin->compiled && plugin->choice.engine == WARD_PLUGIN_WASM2C)
		return err_set(e, ERR_MISSING, "%.200s was not compiled by this ward; write `ward plugin install` and its manifest",
			       plugin->load.path);
	return 0;
}

static enum ward_plugin_end start_worker(struct ward_plugin *plugin, struct err *e)
{
	struct worker_code code = { .module = plugin->load.module, .len = plugin->load.len };
	enum ward_plugin_end end;

	if (find_compiled(plugin, e) < 0)
		return WARD_PLUGIN_REFUSED;
	code.compiled = plugin->compiled;
	if (worker_start(plugin->ward, &plugin->load.manifest, &code, &plugin->worker, e) < 0)
		return WARD_PLUGIN_BROKEN;
	end = await_ready(plugin, e);
	if (end != WARD_PLUGIN_OK)
		worker_end(&plugin->worker);
	return end;
}

static enum ward_plugin_end open_all(struct ward_plugin *plugin, struct err *e)
{
	OWN(admission) admission = ADMISSION_NONE;

	if (check_options(&plugin->options, e) < 0 || load_plugin(plugin->options.manifest, &plugin->load, e) < 0)
		return WARD_PLUGIN_REFUSED;
	const char *const ward = plugin->options.ward ? plugin->options.ward : "/usr/bin/ward";
	plugin->ward = arena_copy(&plugin->load.manifest.arena, ward, strlen(ward));
	if (plugin->choice.compiled)
		plugin->choice.compiled = arena_copy(&plugin->load.manifest.arena, plugin->choice.compiled, strlen(plugin->choice.compiled));
	admit_module(&plugin->load.manifest, plugin->load.module, plugin->load.len, &admission);
	warn(plugin, str_text(&admission.warnings));
	if (admission.n_refused) {
		const char *const lines = str_text(&admission.refused);

		return err_set(e, ERR_DENIED, "%.100s: %.*s", plugin->load.path, (int)strcspn(lines, "\n"), lines),
		       WARD_PLUGIN_REFUSED;
	}
	if (take_functions(plugin, e) < 0)
		return WARD_PLUGIN_REFUSED;
	if (store_open(plugin->options.store, plugin->load.manifest.space, &plugin->load.manifest.sha256, plugin->options.adopt,
		       (int)plugin->load.manifest.limits[PLUGIN_WALL], &plugin->store, e) < 0)
		return WARD_PLUGIN_STORE;
	return start_worker(plugin, e);
}

struct ward_plugin *ward_plugin_open(const struct ward_plugin_options *options, struct ward_plugin_error *error)
{
	return ward_plugin_open_with(options, &(struct ward_plugin_choice){ .engine = WARD_PLUGIN_V8 }, error);
}

struct ward_plugin *ward_plugin_open_with(const struct ward_plugin_options *options, const struct ward_plugin_choice *choice,
					  struct ward_plugin_error *error)
{
	struct ward_plugin *const plugin = mem_alloc(sizeof(*plugin));
	struct err e = ERR_INIT;
	enum ward_plugin_end end;

	plugin->options = *options;
	plugin->choice = *choice;
	plugin->worker = WORKER_NONE;
	end = open_all(plugin, &e);
	if (tell(error, end, &e) == WARD_PLUGIN_OK)
		return plugin;
	ward_plugin_close(plugin);
	return NULL;
}

void ward_plugin_close(struct ward_plugin *plugin)
{
	if (!plugin)
		return;
	worker_end(&plugin->worker);
	store_close(plugin->store);
	load_done(&plugin->load);
	free(plugin);
}

const char *ward_plugin_engine_name(const struct ward_plugin *plugin)
{
	return plugin->compiled ? "wasm2c" : "v8";
}

const char *ward_plugin_name(const struct ward_plugin *plugin)
{
	return plugin->load.manifest.name;
}

long ward_plugin_process(const struct ward_plugin *plugin)
{
	return plugin->worker.pid;
}

static struct journal_bounds bounds_of(const struct manifest *manifest)
{
	const uint64_t *const limits = manifest->limits;

	return (struct journal_bounds){ limits[PLUGIN_KEYS], limits[PLUGIN_BYTES], limits[PLUGIN_VALUE], limits[PLUGIN_LOG] };
}

/* The call, with a snapshot when the worker's copy is not what the store has. */
static enum ward_plugin_end send_call(struct ward_plugin *plugin, struct wire_frame *call, uint64_t until, struct err *e)
{
	OWN_MEM uint8_t *snapshot = NULL;
	uint64_t version;
	size_t len = 0;

	if (store_version(plugin->store, &version, e) < 0)
		return WARD_PLUGIN_STORE;
	if (plugin->worker.has_news || version != plugin->version) {
		if (store_snapshot(plugin->store, UINT32_MAX / 8, &snapshot, &len, &plugin->version, e) < 0)
			return WARD_PLUGIN_STORE;
		call->word |= WIRE_SNAPSHOT;
		call->part[2] = snapshot;
		call->len[2] = (uint32_t)len;
	}
	plugin->worker.has_news = true; /* until it has succeeded */
	if (wire_send(&plugin->worker.wire, call, until, e) == 0)
		return WARD_PLUGIN_OK;
	return worker_post_mortem(&plugin->worker, e) ? WARD_PLUGIN_LIMIT : WARD_PLUGIN_BROKEN;
}

/* One question of the plug-in's to a function of the embedder's. */
static int answer(struct ward_plugin *plugin, const struct wire_frame *ask, uint64_t *left, uint64_t until, struct err *e)
{
	const size_t n = (size_t)ask->word;
	OWN_MEM uint8_t *out = NULL;
	uint64_t room;
	long len;

	/* The worker counts too, if it still does what we told it. */
	if (ask->word < 0 || n >= plugin->load.manifest.n_functions || ask->len[1] != sizeof(room) || !(*left)--)
		return err_set(e, ERR_USAGE, "the worker asked for function %d, or too often", ask->word);
	memcpy(&room, ask->part[1], sizeof(room));
	if (room > plugin->load.manifest.limits[PLUGIN_OUTPUT])
		return err_set(e, ERR_USAGE, "the worker asked for %" PRIu64 " bytes", room);
	out = mem_raw(room + 1);
	len = plugin->functions[n]->call(plugin->functions[n]->at, ask->part[0], ask->len[0], out, room);
	const struct wire_frame reply = {
		.kind = WIRE_ANSWER, .word = len < 0 || (uint64_t)len > room ? -1 : (int32_t)len,
		.len = { len < 0 || (uint64_t)len > room ? 0 : (uint32_t)len }, .part = { out },
	};

	return wire_send(&plugin->worker.wire, &reply, until, e);
}

/* Answers until the call is over. */
static enum ward_plugin_end await_done(struct ward_plugin *plugin, struct wire_frame *done, uint64_t until, struct err *e)
{
	const uint64_t *const limits = plugin->load.manifest.limits;
	const struct journal_bounds bounds = bounds_of(&plugin->load.manifest);
	const uint64_t most[] = { limits[PLUGIN_INPUT] > WHY_MOST ? limits[PLUGIN_INPUT] : WHY_MOST,
				  limits[PLUGIN_OUTPUT] > 8 ? limits[PLUGIN_OUTPUT] : 8, journal_most(&bounds) };
	uint64_t left = limits[PLUGIN_CALLS];

	for (;;) {
		if (wire_receive(&plugin->worker.wire, most, done, until, e) < 0)
			break;
		if (done->kind == WIRE_DONE && done->word >= 0 && done->word < WIRE_ENDS)
			return WARD_PLUGIN_OK;
		if (done->kind != WIRE_ASK) {
			err_set(e, ERR_USAGE, "the worker spoke nonsense");
			break;
		}
		if (answer(plugin, done, &left, until, e) < 0)
			break;
	}
	const bool was_late = e->kind == ERR_LIMIT;
	const bool by_limit = worker_post_mortem(&plugin->worker, e);

	if (was_late)
		err_set(e, ERR_LIMIT, "the call took longer than %" PRIu64 " ms (limits.wall); its worker was ended",
			limits[PLUGIN_WALL]);
	return by_limit ? WARD_PLUGIN_LIMIT : WARD_PLUGIN_BROKEN;
}

static void tell_log(const struct ward_plugin *plugin, const struct wire_frame *done)
{
	const char *const name = plugin->load.manifest.name;
	struct journal_record record;
	size_t at = 0;

	if (!plugin->options.log)
		return;
	while (journal_next(done->part[2], done->len[2], &at, &record) > 0)
		if (record.kind == JOURNAL_LOG)
			plugin->options.log(plugin->options.at, name, record.level < 4 ? record.level : 3, record.value,
					    record.value_len);
	/* Of a call that has succeeded: what was dropped. */
	if (done->word == WIRE_OK && done->len[0])
		plugin->options.log(plugin->options.at, name, 1, done->part[0], done->len[0]);
}

/* Log, then data: a call whose data cannot be kept has still happened. */
static enum ward_plugin_end keep(struct ward_plugin *plugin, const struct wire_frame *done, struct err *e)
{
	const struct journal_bounds bounds = bounds_of(&plugin->load.manifest);
	struct journal_record record;
	size_t at = 0, puts = 0;

	if (journal_check(done->part[2], done->len[2], &bounds, e) < 0) {
		err_add(e, "the worker's journal");
		worker_end(&plugin->worker); /* ours writes none of those */
		return WARD_PLUGIN_BROKEN;
	}
	tell_log(plugin, done);
	if (done->word != WIRE_OK) {
		err_set(e, ERR_USAGE, "%.320s", (const char *)done->part[0]);
		return done->word == WIRE_CPU || done->word == WIRE_CALLS ? WARD_PLUGIN_LIMIT : WARD_PLUGIN_TRAP;
	}
	while (journal_next(done->part[2], done->len[2], &at, &record) > 0)
		puts += record.kind == JOURNAL_PUT;
	if (puts && store_apply(plugin->store, done->part[2], done->len[2], &bounds, &plugin->version, e) < 0)
		return WARD_PLUGIN_STORE;
	plugin->worker.has_news = false;
	return WARD_PLUGIN_OK;
}

static enum ward_plugin_end check_call(struct ward_plugin *plugin, const char *function, size_t len, struct wire_frame *call,
				       struct err *e)
{
	const struct wasm_export *const export = wasm_find_export(&plugin->load.says, function);
	const bool takes_input = export && *export->type.words;

	if (plugin->is_called)
		return err_set(e, ERR_CONFLICT, "it is being called; one call after the other"), WARD_PLUGIN_REFUSED;
	if (!export || !admit_callable(export))
		return err_set(e, ERR_USAGE, "it exports no function '%.80s' that is () or (i32, i32) -> i64; `ward plugin check` "
			       "lists those it has", function), WARD_PLUGIN_REFUSED;
	if (len > plugin->load.manifest.limits[PLUGIN_INPUT])
		return err_set(e, ERR_LIMIT, "%zu bytes of input; limits.input is %" PRIu64, len,
			       plugin->load.manifest.limits[PLUGIN_INPUT]), WARD_PLUGIN_REFUSED;
	if (len && (!takes_input || !wasm_find_export(&plugin->load.says, "alloc")))
		return err_set(e, ERR_USAGE, "function %.80s takes no input%s", function,
			       takes_input ? ": the module exports no alloc, (i32) -> i32, to make room for it" : ""),
		       WARD_PLUGIN_REFUSED;
	call->word = takes_input ? WIRE_TAKES_INPUT : 0;
	return WARD_PLUGIN_OK;
}

static enum ward_plugin_end run_call(struct ward_plugin *plugin, struct wire_frame *call, struct wire_frame *done,
				     struct err *e)
{
	enum ward_plugin_end end = WARD_PLUGIN_OK;
	uint64_t until;

	if (!plugin->worker.pid) {
		worker_end(&plugin->worker);
		end = start_worker(plugin, e);
	}
	until = loop_now_us() + plugin->load.manifest.limits[PLUGIN_WALL] * 1000;
	if (end == WARD_PLUGIN_OK)
		end = send_call(plugin, call, until, e);
	if (end == WARD_PLUGIN_OK)
		end = await_done(plugin, done, until, e);
	return end == WARD_PLUGIN_OK ? keep(plugin, done, e) : end;
}

enum ward_plugin_end ward_plugin_call(struct ward_plugin *plugin, const char *function, const void *input, size_t input_len,
				      void **output, size_t *output_len, struct ward_plugin_error *error)
{
	struct wire_frame call = {
		.kind = WIRE_CALL, .part = { function, input }, .len = { (uint32_t)strnlen(function, SECTIONS_NAME), (uint32_t)input_len },
	}, done = { .kind = 0 };
	struct err e = ERR_INIT;
	enum ward_plugin_end end = check_call(plugin, function, input_len, &call, &e);

	if (output)
		*output = NULL;
	if (output_len)
		*output_len = 0;
	if (end == WARD_PLUGIN_OK) {
		plugin->is_called = true;
		end = run_call(plugin, &call, &done, &e);
		plugin->is_called = false;
	}
	if (end == WARD_PLUGIN_OK && output && output_len && done.len[1]) {
		*output = mem_raw(done.len[1]);
		memcpy(*output, done.part[1], done.len[1]);
		*output_len = done.len[1];
	}
	if (end != WARD_PLUGIN_OK)
		err_add(&e, "plug-in %.64s: %.80s", plugin->load.manifest.name, function);
	return tell(error, end, &e);
}
