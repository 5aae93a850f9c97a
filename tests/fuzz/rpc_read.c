/* Fuzz: any bytes as messages: each is of one kind and within its bounds, every answer that is made of one is one line of
 * JSON, and a refusal is a sentence. */
#include "serve/rpc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void look_at_answer(json_t *answer)
{
	char *const text = json_dumps(answer, JSON_COMPACT);
	OWN(rpc) again = RPC_NONE;
	struct err e = ERR_INIT;

	require_that(text && !strchr(text, '\n'));
	require_that(rpc_read(text, strlen(text), &again, &e) == 0 && again.n == 1 && again.messages[0].kind == RPC_ANSWER);
	free(text);
	json_decref(answer);
}

static void look_at(const struct rpc_message *message)
{
	require_that(!message->id || json_is_integer(message->id) || (json_is_string(message->id) && json_string_length(message->id) <= RPC_ID_MAX));
	require_that(!message->params || json_is_object(message->params));
	require_that((message->kind == RPC_REQUEST || message->kind == RPC_NOTIFICATION) == (message->method != NULL));
	if (message->method)
		require_that(*message->method && strlen(message->method) <= RPC_METHOD_MAX);
	if (message->kind == RPC_REQUEST)
		look_at_answer(rpc_result(message->id, json_object()));
	if (message->kind == RPC_BAD)
		look_at_answer(rpc_error(message->id, RPC_INVALID_REQUEST, message->why, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	OWN(rpc) rpc = RPC_NONE;
	struct err e = ERR_INIT;

	if (rpc_read((const char *)bytes, n, &rpc, &e) < 0) {
		require_error(&e);
		look_at_answer(rpc_error(NULL, RPC_PARSE_ERROR, e.text, NULL));
		return 0;
	}
	require_that(rpc.n && rpc.n <= RPC_BATCH_MAX && rpc.is_batch == json_is_array(rpc.root));
	for (size_t i = 0; i < rpc.n; i++)
		look_at(&rpc.messages[i]);
	return 0;
}
