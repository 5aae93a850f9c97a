/* Strict where the specification says MUST: what is neither a request, a notification nor an answer is told so, by its
 * place in the batch, and the others of the batch do not depend on it. */
#include "serve/rpc.h"

#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/mem.h"
#include "serve/job_fields.h"

void rpc_done(struct rpc *rpc)
{
	free(rpc->messages);
	json_decref(rpc->root);
	*rpc = RPC_NONE;
}

static bool is_id(const json_t *id)
{
	return json_is_integer(id) || (json_is_string(id) && json_string_length(id) <= RPC_ID_MAX);
}

static bool is_version(const json_t *object)
{
	const char *const version = json_string_value(json_object_get(object, "jsonrpc"));

	return version && !strcmp(version, "2.0");
}

static struct rpc_message bad(const char *why, json_t *id)
{
	return (struct rpc_message){ .kind = RPC_BAD, .id = is_id(id) ? id : NULL, .why = why };
}

static struct rpc_message read_one(json_t *object)
{
	json_t *const id = json_object_get(object, "id"), *const method = json_object_get(object, "method");
	json_t *const params = json_object_get(object, "params");

	if (!json_is_object(object))
		return bad("a message is an object", NULL);
	if (!is_version(object))
		return bad("jsonrpc must be \"2.0\"", id);
	if (id && !is_id(id) && (method || !json_is_null(id)))
		return bad("id must be a whole number or a text of at most 256 bytes", NULL);
	if (!method && !json_object_get(object, "result") == !json_object_get(object, "error"))
		return bad("a message has a method, or else a result or an error", id);
	if (!method)
		return (struct rpc_message){ .kind = RPC_ANSWER, .id = id };
	if (!json_is_string(method) || !json_string_length(method) || json_string_length(method) > RPC_METHOD_MAX)
		return bad("method must be a text of 1 to 128 bytes", id);
	if (params && !json_is_object(params))
		return bad("params must be an object", id);
	return (struct rpc_message){
		.kind = id ? RPC_REQUEST : RPC_NOTIFICATION, .method = json_string_value(method), .id = id, .params = params,
	};
}

int rpc_read(const char *text, size_t len, struct rpc *out, struct err *e)
{
	OWN(arena) arena = { .blocks = NULL };
	OWN(rpc) rpc = RPC_NONE;
	struct job_fault fault;

	rpc.root = fields_parse(&(struct reading){ &arena, &fault }, text, len, JOB_VALUES);
	if (!rpc.root)
		return err_set(e, ERR_USAGE, "this is no message: %.240s", fault.detail);
	rpc.is_batch = json_is_array(rpc.root);
	rpc.n = rpc.is_batch ? json_array_size(rpc.root) : 1;
	if (!rpc.n || rpc.n > RPC_BATCH_MAX)
		return err_set(e, ERR_LIMIT, "a batch has 1 to %d messages", RPC_BATCH_MAX);
	rpc.messages = mem_alloc(rpc.n * sizeof(*rpc.messages));
	for (size_t i = 0; i < rpc.n; i++)
		rpc.messages[i] = read_one(rpc.is_batch ? json_array_get(rpc.root, i) : rpc.root);
	*out = TAKE(rpc, RPC_NONE);
	return 0;
}

static json_t *made(json_t *value)
{
	if (!value)
		mem_fail();
	return value;
}

json_t *rpc_result(json_t *id, json_t *result)
{
	return made(json_pack("{s:s,s:O,s:o}", "jsonrpc", "2.0", "id", id, "result", result));
}

json_t *rpc_error(json_t *id, enum rpc_code code, const char *message, json_t *data)
{
	OWN(str) text = STR_NONE;
	json_t *const error = made(json_pack("{s:i}", "code", (int)code));

	clean_add(&text, message);
	json_object_set_new(error, "message", made(json_string(str_text(&text))));
	if (data)
		json_object_set(error, "data", data);
	return made(json_pack("{s:s,s:o,s:o}", "jsonrpc", "2.0", "id", id ? json_incref(id) : json_null(), "error", error));
}
