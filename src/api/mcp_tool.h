/* The tools of the Model Context Protocol: a table, its schemas, and the check of arguments against it. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/mcp_place.h"
#include "serve/job.h"

#define MCP_WAIT_S    50                /* less than the minute after which clients give up by themselves */
#define MCP_PIECE_MAX ((int64_t)256 << 10)

enum mcp_tool_id {
#define TOOL(id, name, title, hints, answer) MCP_##id,
#define ARG(id, name, kind, is_required, least, most, help)
#include "api/mcp_tool.def"
#undef TOOL
#undef ARG
	MCP_TOOLS
};

/* MCP_TOOLS: there is none of that name. */
enum mcp_tool_id mcp_tool_find(const char *name);
const char *mcp_tool_name(enum mcp_tool_id tool);

/* The array of tools/list. with_answers: titles and outputSchema, for revisions that have them. */
json_t *mcp_tool_list(const struct mcp_place *place, bool with_answers);

/* Every argument by its row; PARTs are left to job_spec_read(). args NULL: none were given. -1 with *fault. */
MUST_USE int mcp_tool_check(enum mcp_tool_id tool, const json_t *args, struct job_fault *fault);
