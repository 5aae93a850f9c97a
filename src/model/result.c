/* A result as JSON, as isolate(1)'s meta file and as text. Pure: it formats what is given and
 * refuses to guess: what was not measured is left out. */
#include "model/result.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/json.h"
#include "model/layer.h"
#include "model/note.h"
#include "model/syscalls.h"

/* The bits of result->have: USAGE_* of mech/cgroup.h, which model may not see. The unit test
 * holds them together. */
enum {
	HAVE_CPU = 1, HAVE_MEMORY = 2, HAVE_PIDS = 4, HAVE_IO = 8, HAVE_OOM = 16, HAVE_REFUSED = 32,
};

/* What isolate's meta file calls it. */
enum isolate { ISOLATE_OK, ISOLATE_RE, ISOLATE_SG, ISOLATE_TO, ISOLATE_XX };
static const char *const isolate_names[] = { NULL, "RE", "SG", "TO", "XX" };

/* One row a verdict: its name; what ward exits with, 0 = by exit code or signal; isolate's status;
 * and the sentence for people, NULL = there is nothing to say. */
static const struct {
	const char *name;
	int code;
	enum isolate isolate;
	const char *says;
} verdicts[VERDICTS] = {
	[VERDICT_INTERNAL] = { "internal", 125, ISOLATE_XX, "stopped: ward failed" },
	[VERDICT_OK] = { "ok", 0, ISOLATE_OK, NULL },
	[VERDICT_NONZERO] = { "nonzero", 0, ISOLATE_RE, NULL },
	[VERDICT_SIGNAL] = { "signal", 0, ISOLATE_SG, "ended by a signal" },
	[VERDICT_LIMIT_WALL] = { "limit.wall", 124, ISOLATE_TO,
		"stopped: the time limit (limits.wall) was reached" },
	[VERDICT_LIMIT_CPU] = { "limit.cpu", 124, ISOLATE_TO,
		"stopped: the processor time limit (limits.cpu) was reached" },
	[VERDICT_LIMIT_MEMORY] = { "limit.memory", 0, ISOLATE_SG,
		"stopped: the memory limit (limits.memory) was reached" },
	[VERDICT_LIMIT_OUTPUT] = { "limit.output", 124, ISOLATE_SG,
		"stopped: the output limit (limits.output) was reached" },
	[VERDICT_LIMIT_PIDS] = { "limit.pids", 0, ISOLATE_SG,
		"failed at the limit of processes (limits.pids)" },
	[VERDICT_LIMIT_DISK] = { "limit.disk", 0, ISOLATE_SG,
		"stopped: the file size limit (limits.fsize) was reached" },
	[VERDICT_DENIED_SYSCALL] = { "denied.syscall", 0, ISOLATE_SG,
		"stopped: a refused system call" },
	[VERDICT_DENIED_PATH] = { "denied.path", 0, ISOLATE_SG, "stopped: a refused path" },
	[VERDICT_DENIED_NET] = { "denied.net", 0, ISOLATE_SG, "stopped: a refused connection" },
	[VERDICT_SETUP] = { "setup", 125, ISOLATE_XX, "not started" },
};

static const char *const stages[] = {
	[STAGE_SETUP] = "setup", [STAGE_EXEC] = "exec", [STAGE_RUN] = "run",
};

static const char *const acts[FILTER_ACTS] = {
	[FILTER_ALLOW] = "allow", [FILTER_LOG] = "log", [FILTER_NOTIFY] = "notify",
	[FILTER_ERRNO] = "errno", [FILTER_KILL] = "kill",
};

const char *verdict_name(enum verdict verdict)
{
	return (unsigned)verdict < VERDICTS ? verdicts[verdict].name : "internal";
}

int result_exit_code(const struct result *result)
{
	const enum verdict verdict = result->verdict;
	int code = verdicts[verdict].code;

	if (result->stage == STAGE_EXEC)
		return result->err.sys == ENOENT || result->err.sys == ENOTDIR ? 127 : 126;
	if (!code && result->signal)
		code = 128 + result->signal;
	else if (!code)
		code = result->exit_code;
	/* 0 belongs to a program that ended well, and to nothing else. */
	return (code == 0) == (verdict == VERDICT_OK) && code >= 0 ? code : 125;
}

static const char *errno_name(int sys)
{
	const char *const name = strerrorname_np(sys);

	return name ? name : "unknown";
}

static void add_signal(struct str *out, int signal)
{
	const char *const name = sigabbrev_np(signal);

	if (name)
		str_addf(out, "SIG%s", name);
	else
		str_addf(out, "signal %d", signal);
}

void result_json_layers(struct json *json, const char *key, uint64_t layers)
{
	json_put_array(json, key);
	for (unsigned i = 0; i < LAYERS; i++)
		if (layers & LAYER_BIT(i))
			json_put_text(json, NULL, layer_name(i));
	json_put_end(json);
}

void result_json_denial(struct json *json, const char *key, const struct denial *denial)
{
	char call[256], hex[24];

	syscalls_format(denial->nr, denial->args, call, sizeof(call));
	json_put_object(json, key);
	json_put_text(json, "call", call);
	json_put_text(json, "name", syscalls_name(denial->nr));
	json_put_u64(json, "nr", denial->nr);
	json_put_array(json, "args");       /* as text: a double holds 53 bits */
	for (size_t i = 0; i < ARRAY_SIZE(denial->args); i++) {
		snprintf(hex, sizeof(hex), "0x%" PRIx64, denial->args[i]);
		json_put_text(json, NULL, hex);
	}
	json_put_end(json);
	json_put_text(json, "action", denial->act < FILTER_ACTS ? acts[denial->act] : "kill");
	if (denial->act != FILTER_KILL)
		json_put_text(json, "errno", errno_name(denial->sys));
	json_put_text(json, "origin", denial->origin);
	if (denial->line)
		json_put_u64(json, "line", denial->line);
	json_put_u64(json, "count", denial->count);
	json_put_end(json);
}

static void json_ending(struct json *json, const struct result *result)
{
	struct str name = STR_NONE;

	json_put_text(json, "verdict", verdict_name(result->verdict));
	json_put_text(json, "stage", stages[result->stage]);
	if (result->exit_code >= 0)
		json_put_i64(json, "exit", result->exit_code);
	else
		json_put_null(json, "exit");
	if (result->signal) {
		add_signal(&name, result->signal);
		json_put_i64(json, "signal", result->signal);
		json_put_text(json, "signal_name", str_text(&name));
		str_done(&name);
	} else {
		json_put_null(json, "signal");
	}
	json_put_i64(json, "ward_exit",
		     result->ward_code ? result->ward_code : result_exit_code(result));
	json_put_bool(json, "killed", result->killed);
	json_put_bool(json, "ended_by_user", result->ended_by_user);
}

static void json_names(struct json *json, const struct result *result)
{
	if (result->boundary)
		json_put_text(json, "boundary", result->boundary);
	if (result->boundary_why)
		json_put_text(json, "boundary_why", result->boundary_why);
	if (result->policy_name)
		json_put_text(json, "policy", result->policy_name);
	if (result->policy_source)
		json_put_text(json, "policy_source", result->policy_source);
}

/* Counters of the whole box; and, with names of their own, what waiting for its processes told. */
static void json_usage(struct json *json, const struct result *result)
{
	const struct {
		uint32_t bit;
		const char *name;
		uint64_t n;
	} rows[] = {
		{ HAVE_CPU, "cpu_us", result->cpu_us },
		{ HAVE_CPU, "user_us", result->user_us },
		{ HAVE_CPU, "system_us", result->system_us },
		{ HAVE_MEMORY, "memory_peak_bytes", result->memory_peak_bytes },
		{ HAVE_PIDS, "pids_peak", result->pids_peak },
		{ HAVE_IO, "read_bytes", result->read_bytes },
		{ HAVE_IO, "write_bytes", result->write_bytes },
		{ HAVE_OOM, "oom_kills", result->oom_kills },
		{ HAVE_REFUSED, "pids_refused", result->pids_refused },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (result->have & rows[i].bit)
			json_put_u64(json, rows[i].name, rows[i].n);
	if (result->have & HAVE_OOM)
		json_put_bool(json, "oom", result->oom_kills > 0);
	if (!(result->have & HAVE_CPU) && result->cpu_us)
		json_put_u64(json, "waited_cpu_us", result->cpu_us);
	if (!(result->have & HAVE_MEMORY) && result->memory_peak_bytes)
		json_put_u64(json, "waited_rss_peak_bytes", result->memory_peak_bytes);
}

static void json_lists(struct json *json, const struct result *result)
{
	result_json_layers(json, "layers", result->layers);
	json_put_array(json, "notes");
	for (size_t i = 0; note_text(1u << i); i++)
		if (result->notes & (1U << i))
			json_put_text(json, NULL, note_text(1u << i));
	json_put_end(json);
	json_put_array(json, "denials");
	for (size_t i = 0; i < result->n_denials; i++)
		result_json_denial(json, NULL, &result->denials[i]);
	json_put_end(json);
	json_put_u64(json, "denials_more", result->denials_more);
}

void result_json(const struct result *result, struct str *out)
{
	struct json json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_u64(&json, "schema", 1);
	json_ending(&json, result);
	json_names(&json, result);
	if (result->stage == STAGE_RUN)
		json_put_u64(&json, "wall_us", result->wall_us);
	json_put_u64(&json, "setup_us", result->setup_us);
	json_usage(&json, result);
	json_put_u64(&json, "output_bytes", result->output_bytes);
	json_put_bool(&json, "output_cut", result->output_cut);
	json_lists(&json, result);
	if (result->err.kind != ERR_NONE) {
		json_put_object(&json, "error");
		json_put_text(&json, "kind", err_kind_name(result->err.kind));
		if (result->err.sys)
			json_put_text(&json, "errno", errno_name(result->err.sys));
		json_put_text(&json, "text", result->err.text);
		json_put_end(&json);
	}
	json_put_end(&json);
	json_put_line(&json);
	str_add(out, json_written(&json));
	json_done(&json);
}

static void isolate_message(const struct result *result, struct str *out)
{
	str_add(out, "message:");
	if (result->verdict == VERDICT_NONZERO)
		str_addf(out, "Exited with error status %d", result->exit_code);
	else if (result->verdict == VERDICT_SIGNAL)
		str_addf(out, "Caught fatal signal %d", result->signal);
	else if (result->verdict == VERDICT_LIMIT_CPU)
		str_add(out, "Time limit exceeded");
	else if (result->verdict == VERDICT_LIMIT_WALL)
		str_add(out, "Time limit exceeded (wall clock)");
	else if (result->err.kind != ERR_NONE)
		clean_add(out, result->err.text);
	else
		str_add(out, verdict_name(result->verdict));
	str_add(out, "\n");
}

void result_isolate(const struct result *result, struct str *out)
{
	const enum isolate status = verdicts[result->verdict].isolate;

	if ((result->have & HAVE_CPU) || result->cpu_us)
		str_addf(out, "time:%" PRIu64 ".%03u\n", result->cpu_us / 1000000,
			 (unsigned)(result->cpu_us / 1000 % 1000));
	if (result->stage == STAGE_RUN)
		str_addf(out, "time-wall:%" PRIu64 ".%03u\n", result->wall_us / 1000000,
			 (unsigned)(result->wall_us / 1000 % 1000));
	if (result->have & HAVE_MEMORY)
		str_addf(out, "cg-mem:%" PRIu64 "\n", result->memory_peak_bytes / 1024);
	else if (result->memory_peak_bytes)
		str_addf(out, "max-rss:%" PRIu64 "\n", result->memory_peak_bytes / 1024);
	if ((result->have & HAVE_OOM) && result->oom_kills)
		str_add(out, "cg-oom-killed:1\n");
	if (result->exit_code >= 0)
		str_addf(out, "exitcode:%d\n", result->exit_code);
	if (result->signal)
		str_addf(out, "exitsig:%d\n", result->signal);
	if (result->killed)
		str_add(out, "killed:1\n");
	if (status == ISOLATE_OK)
		return;
	/* Ended by an exit code, whatever the cause: RE is the only status that goes with one. */
	str_addf(out, "status:%s\n",
		 isolate_names[status == ISOLATE_SG && !result->signal ? ISOLATE_RE : status]);
	isolate_message(result, out);
}

static void text_denial(const struct denial *denial, struct str *out)
{
	char call[256];

	syscalls_format(denial->nr, denial->args, call, sizeof(call));
	str_add(out, "refused: ");
	clean_add(out, call);
	if (denial->act == FILTER_KILL)
		str_add(out, ": killed");
	else
		str_addf(out, ": %s", errno_name(denial->sys));
	str_add(out, " (");
	clean_add(out, denial->origin);
	if (denial->line)
		str_addf(out, " line %u", denial->line);
	str_addf(out, ")%s", denial->count > 1 ? "" : "\n");
	if (denial->count > 1)
		str_addf(out, ", %" PRIu64 " times\n", denial->count);
}

static void text_denials(const struct result *result, size_t most, struct str *out)
{
	const size_t n = result->n_denials < most ? result->n_denials : most;
	uint64_t rest = result->denials_more;

	for (size_t i = 0; i < n; i++)
		text_denial(&result->denials[i], out);
	for (size_t i = n; i < result->n_denials; i++)
		rest += result->denials[i].count;
	if (rest)
		str_addf(out, "refused: %" PRIu64 " more calls\n", rest);
}

static void text_headline(const struct result *result, struct str *out)
{
	const char *says = verdicts[result->verdict].says;

	if (result->stage == STAGE_EXEC)
		says = "cannot run the program";
	if (result->ended_by_user && result->verdict != VERDICT_OK)
		says = "stopped: ward was asked to end";
	if (!says)
		return;
	str_add(out, says);
	if (result->err.kind != ERR_NONE) {
		str_add(out, ": ");
		clean_add(out, result->err.text);
	} else if (result->signal) {
		str_add(out, ", ");
		add_signal(out, result->signal);
	}
	str_add(out, "\n");
}

static void text_ms(struct str *out, const char *name, uint64_t us)
{
	str_addf(out, "%s%" PRIu64 ".%03u s", name, us / 1000000, (unsigned)(us / 1000 % 1000));
}

static void text_usage(const struct result *result, struct str *out)
{
	str_addf(out, "verdict %s, exit %d; setup %" PRIu64 " us", verdict_name(result->verdict),
		 result->ward_code ? result->ward_code : result_exit_code(result),
		 result->setup_us);
	if (result->stage == STAGE_RUN)
		text_ms(out, ", wall ", result->wall_us);
	if ((result->have & HAVE_CPU) || result->cpu_us)
		text_ms(out, ", cpu ", result->cpu_us);
	if ((result->have & HAVE_MEMORY) || result->memory_peak_bytes)
		str_addf(out, ", memory peak %" PRIu64 " KiB", result->memory_peak_bytes / 1024);
	if (result->have & HAVE_PIDS)
		str_addf(out, ", processes peak %" PRIu64, result->pids_peak);
	if ((result->have & HAVE_OOM) && result->oom_kills)
		str_addf(out, ", killed for memory %" PRIu64, result->oom_kills);
	if ((result->have & HAVE_REFUSED) && result->pids_refused)
		str_addf(out, ", processes refused %" PRIu64, result->pids_refused);
	str_addf(out, ", output %" PRIu64 " bytes%s\n", result->output_bytes,
		 result->output_cut ? " (cut)" : "");
}

static void text_layers(const struct result *result, struct str *out)
{
	size_t start = out->len;

	str_add(out, "layers:");
	for (unsigned i = 0; i < LAYERS; i++) {
		if (!(result->layers & LAYER_BIT(i)))
			continue;
		if (out->len - start > 80) {
			str_add(out, "\n       ");
			start = out->len;
		}
		str_addf(out, " %s", layer_name(i));
	}
	str_add(out, result->layers ? "\n" : " none\n");
}

void result_text(const struct result *result, bool verbose, struct str *out)
{
	text_headline(result, out);
	if (verbose || (result->verdict != VERDICT_OK && result->stage == STAGE_RUN))
		text_denials(result, verbose ? RESULT_DENIALS : 3, out);
	if (!verbose)
		return;
	if (result->boundary_why)
		str_addf(out, "boundary auto: %s\n", result->boundary_why);
	text_usage(result, out);
	text_layers(result, out);
	for (size_t i = 0; note_text(1u << i); i++)
		if (result->notes & (1U << i))
			str_addf(out, "note: %s\n", note_text(1u << i));
}
