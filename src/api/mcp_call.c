/* tools/call: each tool is a chain of requests of /v1. A job is made first and waited for then, so that it has a name by
 * which it can be cancelled, and outlives the connection that asked for it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "api/mcp.h"
#include "api/mcp_show.h"
#include "api/url.h"
#include "base/hex.h"
#include "serve/runtime.h"

#define OUT_MAX "32767"                 /* last byte of standard output in an answer */
#define ERR_MAX "16384"                 /* last bytes of standard error */
#define PIECE   65536

/* -- the end of a call -- */

static void leave(struct mcp_call *call)
{
	if (call->at)
		*call->at = call->next;
	if (call->at && call->next)
		call->next->at = call->at;
	call->at = NULL;
}

void mcp_call_done(struct mcp_call *call)
{
	leave(call);
	json_decref(call->seen);
	json_decref(call->answer);
	str_done(&call->out);
}

static json_t *made(json_t *value)
{
	if (!value)
		mem_fail();
	return value;
}

static json_t *text_content(const struct str *text)
{
	return made(json_pack("{s:s,s:s%}", "type", "text", "text", str_text(text), text->len));
}

/* structured, more: taken; NULL: none. */
static void succeed(struct mcp_call *call, const struct str *text, json_t *structured, json_t *more)
{
	json_t *const result = made(json_pack("{s:[o],s:b}", "content", text_content(text), "isError", 0));

	if (more)
		json_array_append_new(json_object_get(result, "content"), more);
	if (structured)
		json_object_set_new(result, "structuredContent", structured);
	leave(call);
	mcp_answered(call, rpc_result(call->id, result));
}

/* A refusal is the tool's answer, not the protocol's: a model can read it, and mend what it asked for. */
static void refuse(struct mcp_call *call, json_t *problem, const char *retry_after)
{
	OWN(str) text = STR_NONE;
	json_t *result;

	mcp_show_problem(problem, retry_after, &text);
	if (*call->job)
		str_addf(&text, "The job is %s; job_status looks at it.\n", call->job);
	result = made(json_pack("{s:[o],s:b,s:{s:O}}", "content", text_content(&text), "isError", 1, "_meta", "ward/problem", problem));
	leave(call);
	mcp_answered(call, rpc_result(call->id, result));
}

static void refuse_fault(struct mcp_call *call, const struct job_fault *fault)
{
	json_t *const problem = made(json_pack("{s:s,s:s,s:s,s:b}", "code", fault->code, "detail", fault->detail, "field", fault->field,
					       "retryable", 0));

	refuse(call, problem, NULL);
	json_decref(problem);
}

static void refuse_argument(struct mcp_call *call, const char *field, const char *detail)
{
	struct job_fault fault = { .code = "invalid_value" };

	snprintf(fault.field, sizeof(fault.field), "%s", field);
	snprintf(fault.detail, sizeof(fault.detail), "%s", detail);
	refuse_fault(call, &fault);
}

/* True when the inner request was refused, and the call with it. */
static bool was_refused(struct mcp_call *call, const struct request *inner)
{
	json_error_t error;
	json_t *problem;

	if (inner->status < 300)
		return false;
	problem = json_loadb(inner->text ? inner->text : "", inner->text_len, 0, &error);
	if (problem)
		refuse(call, problem, inner_answer_header(inner, "Retry-After"));
	else
		refuse_argument(call, "", "the service has no answer to that");
	json_decref(problem);
	return true;
}

static void begin(struct mcp_call *call, const struct inner_call *inner, inner_done *done)
{
	(void)inner_begin(call->mcp->request, inner, done, call);
}

static uint64_t number_of(const struct mcp_call *call, const char *name, uint64_t otherwise)
{
	const json_t *const value = json_object_get(call->args, name);

	return json_is_integer(value) ? (uint64_t)json_integer_value(value) : otherwise;
}

static const char *word_of(const struct mcp_call *call, const char *name)
{
	return json_string_value(json_object_get(call->args, name));
}

static void make_mark(char mark[MCP_MARK])
{
	uint8_t bytes[(MCP_MARK - 1) / 2];

	/* Without it there is nothing that a program could not have written: then there is no answer either. */
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		mem_fail();
	hex_write(bytes, sizeof(bytes), mark);
}

/* -- a job, looked at -- */

/* "bytes 0-9/1234": how many there are. */
static uint64_t total_of(const struct request *inner)
{
	const char *const range = inner_answer_header(inner, "Content-Range"), *const slash = range ? strchr(range, '/') : NULL;

	return slash ? strtoull(slash + 1, NULL, 10) : inner->text_len;
}

static void show(struct mcp_call *call, const struct mcp_piece *err)
{
	const struct mcp_piece out = { str_text(&call->out), call->out.len, 0, call->out_total };
	OWN(str) text = STR_NONE;
	char mark[MCP_MARK];

	make_mark(mark);
	json_t *const structured = mcp_show_job(call->seen, &out, err, mark, &text);

	succeed(call, &text, structured, NULL);
}

static void take_err(void *at, struct request *inner)
{
	struct mcp_call *const call = at;
	const uint64_t total = total_of(inner);

	if (!was_refused(call, inner))
		show(call, &(struct mcp_piece){ inner->text, inner->text_len, total - inner->text_len, total });
}

/* A path of the job: the id is one that the service gave, or encoded. */
static const char *path_of(struct mcp_call *call, const char *rest)
{
	return arena_printf(&call->mcp->request->arena, "/v1/jobs/%s%s", call->job, rest);
}

static void read_stream(struct mcp_call *call, const char *rest, const char *range, inner_done *done)
{
	begin(call, &(struct inner_call){ .method = ROUTE_GET, .path = path_of(call, rest), .headers = { { "Range", range } } }, done);
}

/* An empty stream has no last bytes: 416 is then what says that it is empty. */
static bool is_empty(const struct request *inner)
{
	return inner->status == MHD_HTTP_RANGE_NOT_SATISFIABLE;
}

static void take_err_or_none(void *at, struct request *inner)
{
	static const struct mcp_piece none = { .bytes = "" };

	if (is_empty(inner))
		show(at, &none);
	else
		take_err(at, inner);
}

static void take_out(void *at, struct request *inner)
{
	struct mcp_call *const call = at;

	if (!is_empty(inner)) {
		if (was_refused(call, inner))
			return;
		str_add_bytes(&call->out, inner->text, inner->text_len);
		call->out_total = total_of(inner);
	}
	read_stream(call, "/stderr", "bytes=-" ERR_MAX, take_err_or_none);
}

/* Reads the job that the inner request was answered with; false: refused. */
static bool take_job(struct mcp_call *call, struct request *inner)
{
	json_error_t error;

	if (was_refused(call, inner))
		return false;
	json_decref(call->seen);
	call->seen = made(json_loadb(inner->text, inner->text_len, 0, &error));
	snprintf(call->job, sizeof(call->job), "%s", json_string_value(json_object_get(call->seen, "id")));
	return true;
}

static void take_end(void *at, struct request *inner)
{
	struct mcp_call *const call = at;

	call->waiting = NULL;
	if (take_job(call, inner))
		read_stream(call, "/stdout", "bytes=0-" OUT_MAX, take_out);
}

static void wait_for_end(struct mcp_call *call, const char *path, uint64_t wait_s)
{
	char wait[24];

	snprintf(wait, sizeof(wait), "%" PRIu64 "s", call->is_cancelled && call->tool == MCP_JOB_STATUS ? 0 : wait_s);
	call->waiting = inner_begin(call->mcp->request, &(struct inner_call){ .method = ROUTE_GET, .path = path, .query = { { "wait", wait } } },
				    take_end, call);
}

/* -- making one -- */

static void cancelled(void *at, struct request *inner)
{
	(void)inner;
	mcp_carried_out(at);
}

/* Asks for the end of the call's job, in the name of who does not want it any more. */
static void cancel_job(struct mcp *mcp, struct mcp_call *call)
{
	mcp->n_open++;
	(void)inner_begin(mcp->request, &(struct inner_call){ .method = ROUTE_POST, .path = path_of(call, "/cancel") }, cancelled, mcp);
}

static void created(void *at, struct request *inner)
{
	struct mcp_call *const call = at;
	const uint64_t wait_s = number_of(call, "wait_s", call->tool == MCP_RUN_CODE ? MCP_WAIT_S : 0);
	static const struct mcp_piece nothing = { .bytes = NULL };

	if (!take_job(call, inner))
		return;
	if (call->is_cancelled)
		cancel_job(call->mcp, call);
	if (wait_s || call->is_cancelled) {
		wait_for_end(call, path_of(call, ""), wait_s);
		return;
	}
	OWN(str) text = STR_NONE;
	json_t *const structured = mcp_show_job(call->seen, &nothing, &nothing, "", &text);

	succeed(call, &text, structured, NULL);
}

/* Taken: the document. */
static void create(struct mcp_call *call, json_t *document)
{
	char *const text = json_dumps(document, JSON_COMPACT);

	if (!text)
		mem_fail();
	json_decref(document);
	begin(call, &(struct inner_call){ .method = ROUTE_POST, .path = "/v1/jobs", .body = text, .len = strlen(text),
					  .headers = { { "Idempotency-Key", word_of(call, "idempotency_key") } } }, created);
	free(text);
}

/* The file that the runtime runs; what has none is told so by the runtime's own words. */
static const char *main_of(struct mcp_call *call)
{
	const char *const named = word_of(call, "runtime");
	char name[JOB_NAME_MAX + 1];
	const struct runtime *runtime;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(named, "@"), named);
	runtime = runtime_find(name);
	return runtime && *runtime->main && runtime->park != PARK_WASM ? runtime->main : NULL;
}

static json_t *patterns_of(const json_t *list)
{
	json_t *const out = json_array(), *one;
	size_t i;

	json_array_foreach (list, i, one)
		json_array_append_new(out, made(json_pack("{s:O}", "path", one)));
	return out;
}

static void run_code(struct mcp_call *call)
{
	static const char *const same[] = { "runtime", "args", "env", "limits", "boundary" };
	const char *const main = main_of(call);
	json_t *const files = json_object_get(call->args, "files");
	json_t *document, *all;

	if (!main) {
		refuse_argument(call, "/runtime", "is no language of a source file here; list_runtimes lists them, and run_job runs commands");
		return;
	}
	all = made(json_pack("[{s:s,s:O}]", "path", main, "text", json_object_get(call->args, "code")));
	if (files && (!json_is_array(files) || json_array_extend(all, files) < 0)) {
		json_decref(all);
		refuse_argument(call, "/files", "must be a list of files");
		return;
	}
	document = made(json_pack("{s:o}", "files", all));
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (json_object_get(call->args, same[i]))
			json_object_set(document, same[i], json_object_get(call->args, same[i]));
	if (json_object_get(call->args, "stdin"))
		json_object_set_new(document, "stdin", made(json_pack("{s:O}", "text", json_object_get(call->args, "stdin"))));
	if (json_object_get(call->args, "outputs"))
		json_object_set_new(document, "outputs", patterns_of(json_object_get(call->args, "outputs")));
	create(call, document);
}

static void run_job(struct mcp_call *call)
{
	json_t *const document = made(json_copy(call->args));

	json_object_del(document, "wait_s");
	json_object_del(document, "idempotency_key");
	create(call, document);
}

/* -- looking -- */

/* The id of the arguments as one part of a path: what is none is no job. */
static const char *encoded_job(struct mcp_call *call, const char *rest)
{
	OWN(str) path = STR_NONE;

	str_add(&path, "/v1/jobs/");
	url_encode(&path, word_of(call, "job_id"));
	str_add(&path, rest);
	return arena_copy(&call->mcp->request->arena, str_text(&path), path.len);
}

static void job_status(struct mcp_call *call)
{
	wait_for_end(call, encoded_job(call, ""), number_of(call, "wait_s", 0));
}

/* Behind the last byte there is a piece without any. */
static bool is_end(const struct mcp_call *call, const struct request *inner)
{
	return is_empty(inner) && total_of(inner) == number_of(call, "offset", 0);
}

static void take_piece(void *at, struct request *inner)
{
	struct mcp_call *const call = at;
	const bool is_over = is_end(call, inner);
	const char *const encoding = word_of(call, "encoding");
	const struct mcp_source source = { word_of(call, "job_id"), word_of(call, "name"), word_of(call, "stream"),
					   encoding && !strcmp(encoding, "base64") };
	const struct mcp_piece piece = { is_over ? "" : inner->text, is_over ? 0 : inner->text_len, number_of(call, "offset", 0), total_of(inner) };
	OWN(str) text = STR_NONE;
	json_t *structured, *blob;
	char mark[MCP_MARK];

	if (!is_over && was_refused(call, inner))
		return;
	make_mark(mark);
	structured = mcp_show_piece(&source, &piece, mark, &text, &blob);
	succeed(call, &text, structured, blob);
}

static void read_artifact(struct mcp_call *call)
{
	const char *const name = word_of(call, "name"), *const stream = word_of(call, "stream");
	const uint64_t offset = number_of(call, "offset", 0);
	OWN(str) rest = STR_NONE;
	char range[64];

	if (!name == !stream) {
		refuse_argument(call, "", "say either name or stream");
		return;
	}
	str_addf(&rest, "/%s", stream ? stream : "artifacts/");
	if (name)
		url_encode(&rest, name);
	snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, offset, offset + number_of(call, "max_bytes", PIECE) - 1);
	begin(call, &(struct inner_call){ .method = ROUTE_GET, .path = encoded_job(call, str_text(&rest)), .headers = { { "Range", range } } },
	      take_piece);
}

static void take_runtimes(void *at, struct request *inner)
{
	struct mcp_call *const call = at;
	OWN(str) text = STR_NONE;
	json_error_t error;
	json_t *list;

	if (was_refused(call, inner))
		return;
	list = made(json_loadb(inner->text, inner->text_len, 0, &error));
	mcp_show_runtimes(list, &text);
	succeed(call, &text, list, NULL);
}

static void list_runtimes(struct mcp_call *call)
{
	begin(call, &(struct inner_call){ .method = ROUTE_GET, .path = "/v1/runtimes" }, take_runtimes);
}

/* -- the table -- */

static void enter(struct mcp_call *call)
{
	struct front *const front = call->mcp->request->front;

	call->next = front->mcp_calls;
	call->at = &front->mcp_calls;
	if (front->mcp_calls)
		front->mcp_calls->at = &call->next;
	front->mcp_calls = call;
}

void mcp_call_begin(struct mcp_call *call, json_t *params)
{
	static void (*const tools[MCP_TOOLS])(struct mcp_call *call) = {
		[MCP_RUN_CODE] = run_code, [MCP_RUN_JOB] = run_job, [MCP_JOB_STATUS] = job_status,
		[MCP_READ_ARTIFACT] = read_artifact, [MCP_LIST_RUNTIMES] = list_runtimes,
	};
	const char *const name = json_string_value(json_object_get(params, "name"));
	json_t *const args = json_object_get(params, "arguments");
	struct job_fault fault;

	call->tool = name ? mcp_tool_find(name) : MCP_TOOLS;
	call->args = args;
	if (call->tool == MCP_TOOLS || (args && !json_is_object(args)))
		mcp_answered(call, rpc_error(call->id, RPC_INVALID_PARAMS, call->tool == MCP_TOOLS ? "there is no such tool; tools/list lists them" :
					     "arguments must be an object", NULL));
	else if (mcp_tool_check(call->tool, args, &fault) < 0)
		refuse_fault(call, &fault);
	else {
		enter(call);
		tools[call->tool](call);
	}
}

/* -- cancellation -- */

static bool is_of(const struct mcp_call *call, const struct mcp *mcp, const json_t *id)
{
	const struct mcp *const other = call->mcp;

	return other->session && mcp->session && !strcmp(other->session, mcp->session) && json_equal(call->id, id) &&
	       !strcmp(other->request->key.public, mcp->request->key.public);
}

/* A look that is not wanted any more ends with what there is; what a call started ends with it. */
void mcp_call_cancel(struct mcp *mcp, const json_t *id)
{
	for (struct mcp_call *call = mcp->request->front->mcp_calls; call; call = call->next) {
		if (!is_of(call, mcp, id) || call->is_cancelled)
			continue;
		call->is_cancelled = true;
		if (call->tool == MCP_JOB_STATUS && call->waiting)
			inner_hurry(call->waiting);
		else if (*call->job && call->tool != MCP_JOB_STATUS)
			cancel_job(mcp, call);
	}
}
