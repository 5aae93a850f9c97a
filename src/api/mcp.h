/* POST /mcp: the Model Context Protocol over streamable HTTP. A message is answered when all that it asked of /v1 was:
 * every tool is requests of /v1 (inner.h), so what a model may do is what its key may. */
#pragma once

#include "api/inner.h"
#include "api/mcp_tool.h"
#include "serve/rpc.h"

struct mcp;
/* One message that waits for its answer; in the request's arena. */
struct mcp_call {
	struct mcp *mcp;
	struct mcp_call *next, **at;    /* in front->mcp_calls while a tool runs */
	json_t *id, *args;              /* of the message */
	enum mcp_tool_id tool;
	char job[STORE_ID_TEXT];        /* "": not known yet */
	json_t *seen;                   /* the job, as it was seen last */
	struct str out;                 /* what was read of its output */
	uint64_t out_total;
	struct request *waiting;        /* for the end of the job */
	bool is_cancelled;
	json_t *answer;                 /* NULL: not yet */
};

/* The one request of HTTP. */
struct mcp {
	struct request *request;
	struct rpc rpc;
	struct mcp_call *calls;         /* as many as messages; those of notifications stay empty */
	size_t n_open;                  /* without an answer; orders to cancel count */
	const char *session;            /* NULL: it named none */
};

/* Begins tools/call. The call gets its answer now or later: mcp_answered() each time. */
void mcp_call_begin(struct mcp_call *call, json_t *params);
void mcp_call_done(struct mcp_call *call);
/* What the message `id` of this session asked for is not wanted any more. */
void mcp_call_cancel(struct mcp *mcp, const json_t *id);

/* Gives the answer, which is taken. */
void mcp_answered(struct mcp_call *call, json_t *answer);
/* An order that nobody waits for has been carried out. */
void mcp_carried_out(struct mcp *mcp);
