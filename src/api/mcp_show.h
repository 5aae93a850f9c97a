/* Answers of /v1 in the words and shapes of a tool's answer. Pure. What a job had a hand in is a stranger's: control bytes
 * are written out, and it stands between two lines with a mark that nobody could know before. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define MCP_MARK 17     /* 16 hexadecimal digits and the NUL */

/* Some bytes of a stream or a file; bytes NULL: none were asked for. */
struct mcp_piece {
	const char *bytes;
	size_t len;
	uint64_t offset, total; /* total: of what was kept */
};

/* Appends the text; returns structuredContent, which json_decref() releases.
 *
 * job   of GET /v1/jobs/{id}
 * mark  of this answer */
json_t *mcp_show_job(const json_t *job, const struct mcp_piece *out, const struct mcp_piece *err, const char *mark, struct str *text);

/* The same for a piece of a file. *blob: an embedded resource for what is no text, else NULL. */
struct mcp_source {
	const char *job, *name, *stream;        /* name or stream */
	bool as_base64;
};
json_t *mcp_show_piece(const struct mcp_source *source, const struct mcp_piece *piece, const char *mark, struct str *text,
		       json_t **blob);

/* A line for each runtime of GET /v1/runtimes. */
void mcp_show_runtimes(const json_t *list, struct str *text);

/* "quota_queued: this tenant has ...", with what can be done. retry_after: seconds, or NULL. */
void mcp_show_problem(const json_t *problem, const char *retry_after, struct str *text);
