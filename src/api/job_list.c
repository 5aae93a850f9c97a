/* GET /v1/jobs: a page of a tenant's jobs, or for an operator of everybody's. Where a page ended is signed, with the filters it was made for. */
#include <string.h>

#include "api/cursor.h"
#include "api/handlers.h"
#include "api/job_show.h"
#include "api/tenant.h"
#include "serve/job.h"

struct asked {
	struct store_filter filter;
	struct store_label labels[STORE_LABELS_MAX];
	struct sha256 hash;             /* of all that was asked for but limit and cursor */
	struct request *request;
	uint64_t tenant;                /* 0: all of them */
	bool is_fine;
};

static bool take_states(const char *words, uint32_t *states)
{
	for (*states = 0; *words;) {
		const size_t len = strcspn(words, ",");
		const enum job_state state = job_state_find(words, len);

		if (state == JOB_STATES)
			return false;
		*states |= 1u << state;
		words += len + (words[len] == ',');
	}
	return *states != 0;
}

static bool take_moment(const char *text, uint64_t *out)
{
	int64_t ms;

	if (!job_moment_read(text, &ms) || ms <= 0)
		return false;
	*out = (uint64_t)ms;
	return true;
}

static enum MHD_Result take_label(void *at, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct asked *const asked = at;
	struct store_label *const label = &asked->labels[asked->filter.n_labels];

	(void)kind;
	(void)value;
	if (strncmp(name, "label.", 6))
		return MHD_YES;
	asked->is_fine = asked->filter.n_labels < STORE_LABELS_MAX && job_name_is_valid(name + 6);
	if (!asked->is_fine)
		return MHD_NO;
	*label = (struct store_label){ name + 6, request_query(asked->request, name) };
	asked->filter.n_labels++;
	sha256_add(&asked->hash, name, strlen(name) + 1);
	sha256_add(&asked->hash, label->value, strlen(label->value) + 1);
	return MHD_YES;
}

/* Adds a parameter to what the cursor is signed with. NULL when it was not given. */
static const char *take(struct asked *asked, const char *name)
{
	const char *const value = request_query(asked->request, name);

	if (value) {
		sha256_add(&asked->hash, name, strlen(name) + 1);
		sha256_add(&asked->hash, value, strlen(value) + 1);
	}
	return value;
}

static bool refuse(struct request *request, const char *detail)
{
	request_fail(request, "invalid_parameter", NULL, "%s", detail);
	return false;
}

static bool take_filter(struct asked *asked)
{
	struct request *const request = asked->request;
	const char *const states = take(asked, "state"), *const after = take(asked, "created_after");
	const char *const before = take(asked, "created_before");

	asked->filter.runtime = take(asked, "runtime");
	if (states && !take_states(states, &asked->filter.states))
		return refuse(request, "state must be one or more states, separated by commas");
	if (after && !take_moment(after, &asked->filter.created_from_ms))
		return refuse(request, "created_after is no moment, as in 2026-11-21T18:00:00Z");
	if (before && !take_moment(before, &asked->filter.created_to_ms))
		return refuse(request, "created_before is no moment, as in 2026-11-21T18:00:00Z");
	MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, take_label, asked);
	asked->filter.labels = asked->labels;
	return asked->is_fine || refuse(request, "label.NAME=VALUE: the name has letters, digits, '.', '_' and '-' alone, and there are 32 at most");
}

static void show(struct request *request, const struct store_page *page, uint64_t tenant, const struct digest *filter)
{
	struct json json = JSON_NONE;
	struct err e = ERR_INIT;
	char cursor[CURSOR_TEXT];

	json_put_object(&json, NULL);
	json_put_array(&json, "jobs");
	for (size_t i = 0; i < page->n; i++)
		if (job_show_put(request, &json, NULL, &page->jobs[i], false, &e) < 0) {
			json_done(&json);
			request_broken(request, &e);
			return;
		}
	json_put_end(&json);
	if (page->next.created_ms) {
		cursor_write(request->front->cursor_key, tenant, filter, &page->next, cursor);
		json_put_text(&json, "next", cursor);
	}
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

void api_job_list(struct request *request)
{
	struct asked asked = { .request = request, .is_fine = true };
	const char *const cursor = request_query(request, "cursor");
	struct store_place after = { 0 };
	struct store_page page;
	struct err e = ERR_INIT;
	struct digest filter;
	size_t limit;

	sha256_init(&asked.hash);
	if (!tenant_scope(request, &asked.tenant) || !request_query_limit(request, &limit) || !take_filter(&asked))
		return;
	filter = sha256_end(&asked.hash);
	if (cursor && !cursor_read(request->front->cursor_key, asked.tenant, &filter, cursor, &after)) {
		request_fail(request, "invalid_cursor", NULL, "the cursor is not one of this list with these filters; begin without one");
		return;
	}
	if (store_job_list(request->front->store, asked.tenant, &asked.filter, &after, limit, &request->arena, &page, &e) < 0)
		request_broken(request, &e);
	else
		show(request, &page, asked.tenant, &filter);
}
