/* What became of a job. How it ended, the runner says, which saw it; of the box's own words only those are told that
 * nobody else can know, and they decide nothing but between two ways of having failed. */
#include "serve/attempt.h"

#include <string.h>

#include "model/result.h"
#include "model/syscalls.h"

struct ruling {
	enum job_state state;
	enum job_reason reason;
};

static const struct ruling by_verdict[VERDICTS] = {
	[VERDICT_OK] = { JOB_SUCCEEDED, REASON_NONE },
	[VERDICT_NONZERO] = { JOB_FAILED, REASON_EXIT },
	[VERDICT_SIGNAL] = { JOB_FAILED, REASON_SIGNAL },
	[VERDICT_LIMIT_WALL] = { JOB_TIMED_OUT, REASON_WALL },
	[VERDICT_LIMIT_CPU] = { JOB_TIMED_OUT, REASON_CPU },
	[VERDICT_LIMIT_MEMORY] = { JOB_FAILED, REASON_OOM },
	[VERDICT_LIMIT_OUTPUT] = { JOB_FAILED, REASON_OUTPUT_LIMIT },
	[VERDICT_LIMIT_PIDS] = { JOB_FAILED, REASON_PIDS_LIMIT },
	[VERDICT_LIMIT_DISK] = { JOB_FAILED, REASON_DISK_LIMIT },
	[VERDICT_DENIED_SYSCALL] = { JOB_FAILED, REASON_POLICY_KILL },
	[VERDICT_DENIED_PATH] = { JOB_FAILED, REASON_POLICY_KILL },
	[VERDICT_DENIED_NET] = { JOB_FAILED, REASON_POLICY_KILL },
	[VERDICT_INTERNAL] = { JOB_FAILED, REASON_PROTOCOL },
	[VERDICT_SETUP] = { JOB_FAILED, REASON_SETUP },
};

static struct ruling judge(const struct attempt *attempt)
{
	const struct order_report *const report = &attempt->report;
	const struct frame_ended *const last = attempt->n_ended ? &attempt->ended[attempt->n_ended - 1] : NULL;
	struct ruling ruling = by_verdict[report->verdict];

	if (attempt->is_cancelled)
		return (struct ruling){ JOB_CANCELLED, REASON_NONE };
	if (attempt->is_suspect)
		return (struct ruling){ JOB_FAILED, REASON_POLICY_KILL };
	if (attempt->is_overdue)
		return (struct ruling){ JOB_TIMED_OUT, REASON_WALL };
	/* A limit is the kernel's word, or the runner's own. */
	if (ruling.state == JOB_TIMED_OUT || (ruling.state == JOB_FAILED && ruling.reason > REASON_SIGNAL))
		return ruling;
	if (attempt->was_broken || (!attempt->is_done && !attempt->has_fault && ruling.reason != REASON_SIGNAL))
		return (struct ruling){ JOB_FAILED, REASON_PROTOCOL };
	if (attempt->has_fault)
		return (struct ruling){ JOB_FAILED, attempt->fault_is_room ? REASON_DISK_LIMIT : REASON_PROTOCOL };
	if (ruling.state == JOB_FAILED && last && last->over_output)
		ruling.reason = REASON_OUTPUT_LIMIT;
	else if (ruling.state == JOB_FAILED && last && attempt->steps[last->step].is_build)
		ruling.reason = REASON_COMPILE;
	return ruling;
}

static void put_steps(struct json *json, const struct attempt *attempt)
{
	json_put_array(json, "steps");
	for (size_t i = 0; i < attempt->n_ended; i++) {
		const struct frame_ended *const ended = &attempt->ended[i];

		json_put_object(json, NULL);
		json_put_text(json, "id", attempt->steps[ended->step].id);
		if ((ended->status & 0x7f) == 0)
			json_put_i64(json, "exit_code", (ended->status >> 8) & 0xff);
		else
			json_put_i64(json, "signal", ended->status & 0x7f);
		json_put_u64(json, "wall_us", ended->wall_us);
		json_put_u64(json, "cpu_user_us", ended->user_us);
		json_put_u64(json, "cpu_sys_us", ended->system_us);
		json_put_u64(json, "rss_peak_bytes", ended->rss_peak_bytes);
		json_put_u64(json, "stdout_bytes", ended->stdout_bytes);
		json_put_u64(json, "stderr_bytes", ended->stderr_bytes);
		json_put_end(json);
	}
	json_put_end(json);
}

uint64_t attempt_written(const struct attempt *attempt, bool is_err)
{
	const uint64_t taken = attempt->written[is_err].seen;
	uint64_t seen = 0;

	for (size_t i = 0; i < attempt->n_ended; i++)
		seen += is_err ? attempt->ended[i].stderr_bytes : attempt->ended[i].stdout_bytes;
	return seen > taken ? seen : taken;
}

static void put_stream(struct json *json, const struct attempt *attempt, bool is_err)
{
	const struct written *const written = &attempt->written[is_err];
	const struct digest digest = sha256_end(&written->hash);
	char text[SHA256_TEXT];

	digest_write(&digest, text);
	json_put_object(json, is_err ? "stderr" : "stdout");
	json_put_u64(json, "bytes", attempt_written(attempt, is_err));
	json_put_u64(json, "kept", written->spool.kept);
	json_put_text(json, "sha256", text);
	json_put_end(json);
}

static void put_artifacts(struct json *json, const struct attempt *attempt)
{
	static const char *const why[FRAME_LEFTS] = {
		[FRAME_LEFT_KIND] = "not a regular file", [FRAME_LEFT_SIZE] = "too large",
		[FRAME_LEFT_COUNT] = "too many", [FRAME_LEFT_UNREADABLE] = "unreadable",
		[FRAME_LEFT_NAME] = "not a name: control bytes, no UTF-8, or above 254 bytes",
	};
	char text[SHA256_TEXT];

	json_put_array(json, "artifacts");
	for (size_t i = 0; i < attempt->n_artifacts; i++) {
		digest_write(&attempt->artifacts[i].digest, text);
		json_put_object(json, NULL);
		json_put_text(json, "name", attempt->artifacts[i].name);
		json_put_u64(json, "bytes", attempt->artifacts[i].bytes);
		json_put_text(json, "sha256", text);
		json_put_end(json);
	}
	json_put_end(json);
	json_put_array(json, "left_out");
	for (size_t i = 0; i < attempt->n_left_out; i++) {
		json_put_object(json, NULL);
		json_put_text(json, "name", attempt->left_out[i].name);
		json_put_text(json, "why", why[attempt->left_out[i].why]);
		json_put_end(json);
	}
	json_put_end(json);
}

static void put_usage(struct json *json, const struct order_report *report)
{
	json_put_object(json, "usage");
	json_put_u64(json, "wall_us", report->wall_us);
	json_put_u64(json, "cpu_user_us", report->user_us);
	json_put_u64(json, "cpu_sys_us", report->system_us);
	json_put_u64(json, "cpu_us", report->cpu_us);
	json_put_u64(json, "mem_peak_bytes", report->memory_peak_bytes);
	json_put_u64(json, "pids_peak", report->pids_peak);
	json_put_u64(json, "read_bytes", report->read_bytes);
	json_put_u64(json, "write_bytes", report->write_bytes);
	json_put_u64(json, "oom_kills", report->oom_kills);
	json_put_u64(json, "pids_refused", report->pids_refused);
	json_put_end(json);
}

static void put_refused(struct json *json, const struct order_report *report)
{
	json_put_u64(json, "refused_calls", report->refused_total);
	json_put_array(json, "refused");
	for (size_t i = 0; i < report->n_refused; i++) {
		struct denial denial = {
			.nr = report->refused[i].nr, .sys = (uint16_t)report->refused[i].sys, .act = FILTER_ERRNO,
			.count = report->refused[i].count, .origin = "",
		};

		memcpy(denial.args, report->refused[i].args, sizeof(denial.args));
		result_json_denial(json, NULL, &denial);
	}
	json_put_end(json);
}

/* The walls this box really had, and what is weaker about it than usual. */
static void put_walls(struct json *json, const struct attempt *attempt)
{
	const struct order_class *const class = attempt->class;

	json_put_text(json, "boundary", class->boundary);
	json_put_text(json, "image", class->image);
	result_json_layers(json, "layers", attempt->layers);
	json_put_u64(json, "notes", attempt->report.notes);
	json_put_text(json, "start_path", attempt->was_cold ? "cold" : "warm");
	if (attempt->product.has_compiler)
		json_put_text(json, "compile", attempt->product.is_cached ? "cached" : "fresh");
}

static bool is_boundary(const struct attempt *attempt, const char *name)
{
	return strcmp(attempt->class->boundary, name) == 0;
}

void attempt_tell_end(const struct attempt *attempt, struct detect_end *out)
{
	const struct order_report *const report = &attempt->report;
	const bool ended_by_us = attempt->is_cancelled || attempt->is_suspect || attempt->is_overdue || report->killed;
	const bool by_itself = report->verdict == VERDICT_OK || report->verdict == VERDICT_NONZERO ||
			       report->verdict == VERDICT_SIGNAL;

	*out = (struct detect_end){
		.is_isolate = is_boundary(attempt, "isolate") || is_boundary(attempt, "js") || is_boundary(attempt, "wasm"),
		.is_gvisor = is_boundary(attempt, "gvisor"),
		.was_denied = report->verdict == VERDICT_DENIED_SYSCALL,
		.has_failed = report->kind == ORDER_ENDED && report->verdict == VERDICT_INTERNAL && !ended_by_us,
		.was_killed = ended_by_us,
		.lied = attempt->was_broken,
		.is_full = report->verdict == VERDICT_LIMIT_DISK || attempt->fault_is_room,
		.signal = by_itself && !attempt->is_done && !attempt->has_fault ? report->signal : 0,
		.forks_refused = report->pids_refused, .oom_kills = report->oom_kills,
		.written = attempt_written(attempt, false) + attempt_written(attempt, true),
		.kept = attempt->written[0].spool.kept + attempt->written[1].spool.kept,
	};
}

void attempt_judge(const struct attempt *attempt, const char *node, struct store_finish *finish, struct json *json)
{
	const struct order_report *const report = &attempt->report;
	const struct ruling ruling = judge(attempt);

	*finish = (struct store_finish){
		.state = ruling.state, .reason = ruling.reason,
		.exit_code = report->exit_code, .signal = report->signal,
		.cpu_us = report->cpu_us, .wall_us = report->wall_us,
		.out_bytes = attempt_written(attempt, false), .err_bytes = attempt_written(attempt, true),
	};
	json->out.max = STR_MAX;
	json_put_object(json, NULL);
	json_put_text(json, "state", job_state_name(ruling.state));
	json_put_text(json, "reason", job_reason_name(ruling.reason));
	json_put_i64(json, "exit_code", report->exit_code);
	json_put_i64(json, "signal", report->signal);
	if (attempt->has_fault)
		json_put_text(json, "detail", attempt->fault);
	put_steps(json, attempt);
	put_stream(json, attempt, false);
	put_stream(json, attempt, true);
	put_artifacts(json, attempt);
	json_put_u64(json, "suspicion", attempt->detect.score);
	json_put_u64(json, "queue_us", attempt->queue_us);
	json_put_u64(json, "start_us", attempt->sent_us ? attempt->sent_us - attempt->leased_us : 0);
	json_put_u64(json, "run_us", report->wall_us);
	put_usage(json, report);
	if (attempt->series)
		series_put(json, "usage_series", attempt->series);
	put_walls(json, attempt);
	put_refused(json, report);
	json_put_text(json, "node", node);
	json_put_u64(json, "attempt", attempt->number);
	json_put_end(json);
}
