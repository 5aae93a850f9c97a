/* JSON-RPC 2.0 as the Model Context Protocol speaks it: texts into messages, and answers. Knows no method. The text is a
 * stranger's: JOB_DEPTH levels, no duplicate keys, no NUL, RPC_BATCH_MAX messages. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define RPC_BATCH_MAX  32
#define RPC_METHOD_MAX 128      /* bytes */
#define RPC_ID_MAX     256      /* bytes of an id that is a text */

/* https://www.jsonrpc.org/specification, section 5.1; the last one is of the range left to servers. */
enum rpc_code {
	RPC_PARSE_ERROR = -32700, RPC_INVALID_REQUEST = -32600, RPC_METHOD_NOT_FOUND = -32601, RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603, RPC_REFUSED = -32000
};

enum rpc_kind {
	RPC_REQUEST,
	RPC_NOTIFICATION,       /* no id: nobody waits for an answer */
	RPC_ANSWER,             /* result or error of a request of ours */
	RPC_BAD                 /* none of these: to be answered with `code` and `why` */
};

/* Borrowed from the whole. */
struct rpc_message {
	enum rpc_kind kind;
	const char *method;     /* REQUEST, NOTIFICATION */
	json_t *id;             /* a text or a whole number; BAD: NULL when it has none */
	json_t *params;         /* an object, or NULL */
	const char *why;        /* BAD: a constant */
};

struct rpc {
	json_t *root;
	bool is_batch;
	struct rpc_message *messages;
	size_t n;
};
#define RPC_NONE ((struct rpc){ .root = NULL })
void rpc_done(struct rpc *rpc);

/* Errors: ERR_USAGE: no JSON at all (RPC_PARSE_ERROR); ERR_LIMIT: an empty batch, or one of too many (RPC_INVALID_REQUEST) */
MUST_USE int rpc_read(const char *text, size_t len, struct rpc *out, struct err *e);

/* Answers; json_decref() releases them. `result` is taken, `id` (NULL: null) and `data` (NULL: none) are not. Any bytes of
 * `message` may be there. */
json_t *rpc_result(json_t *id, json_t *result);
json_t *rpc_error(json_t *id, enum rpc_code code, const char *message, json_t *data);
