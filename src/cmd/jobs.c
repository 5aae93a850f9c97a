/* `ward jobs`: a list, page by page, or what is known of some. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cmd/remote.h"
#include "cmd/remote_options.h"
#include "cmd/say.h"
#include "remote/ending.h"
#include "remote/field.h"

enum { STATE = 34, RUNTIME = 48, BOUNDARY = 60, CREATED = 72, NAME = 98 };    /* columns */

static int add_label(const char *value, struct str *query, struct err *e)
{
	const size_t len = strcspn(value, "=");
	OWN_MEM char *name = mem_raw(len + 1);

	if (!len || !value[len])
		return err_set(e, ERR_USAGE, "--label: '%.60s' is no NAME=VALUE", value);
	memcpy(name, value, len);
	name[len] = '\0';
	str_add(query, "&label.");
	service_escape(name, query);
	str_add(query, "=");
	service_escape(value + len + 1, query);
	return 0;
}

static int add_filters(const struct args *args, struct str *query, struct err *e)
{
	static const struct {
		int id;
		const char *name;
	} rows[] = {
		{ JOBS_STATE, "state" },           { JOBS_RUNTIME, "runtime" }, { JOBS_AFTER, "created_after" },
		{ JOBS_BEFORE, "created_before" },
	};

	for (size_t i = 0; i < args->n_hits; i++) {
		const struct opt_hit *const hit = &args->hits[i];

		if (hit->opt->id == JOBS_LABEL && add_label(hit->value, query, e) < 0)
			return -1;
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
			if (rows[k].id == hit->opt->id) {
				str_addf(query, "&%s=", rows[k].name);
				service_escape(hit->value, query);
			}
	}
	return 0;
}

static void add_row(const json_t *job, struct str *out)
{
	const struct {
		const char *name;
		size_t column;
	} cells[] = {
		{ "id", 0 }, { "state", STATE }, { "runtime", RUNTIME }, { "boundary", BOUNDARY }, { "created_at", CREATED }, { "name", NAME },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		const char *const text = field_text(job, cells[i].name);

		if (cells[i].column && *text)
			str_pad(out, cells[i].column);
		tame_line(text, out);
	}
	str_add(out, "\n");
}

static int print_page(const struct args *args, const json_t *page, bool is_first, struct err *e)
{
	const json_t *const jobs = json_object_get(page, "jobs");
	OWN(str) out = STR_NONE;

	if (!json_is_array(jobs))
		return err_set(e, ERR_SYSTEM, "the service's answer is no list of jobs");
	if (is_first && !args_has(args, JOBS_JSON) && json_array_size(jobs)) {
		json_t *const head = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "id", "ID", "state", "STATE", "runtime", "RUNTIME",
					       "boundary", "BOUNDARY", "created_at", "CREATED", "name", "NAME");

		add_row(head, &out);
		json_decref(head);
	}
	for (size_t i = 0; i < json_array_size(jobs); i++)
		(args_has(args, JOBS_JSON) ? remote_add_json : add_row)(json_array_get(jobs, i), &out);
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

/* Prints one page; *cursor is where the next one begins, empty at the end. */
static int list_page(struct remote *remote, const struct args *args, const struct str *query, bool is_first, struct str *cursor,
		     struct err *e)
{
	OWN(str) path = STR_NONE;
	json_t *page;
	int result;

	str_addf(&path, "/v1/jobs?%s", str_text(query) + 1);
	if (cursor->len) {
		str_add(&path, "&cursor=");
		service_escape(str_text(cursor), &path);
	}
	if (service_ask(&remote->service, &(struct http_call){ .method = "GET", .path = str_text(&path) }, &page, e) < 0)
		return -1;
	result = print_page(args, page, is_first, e);
	cursor->len = 0;
	str_add(cursor, field_text(page, "next"));
	json_decref(page);
	return result;
}

static int list(struct remote *remote, const struct args *args, struct err *e)
{
	const struct opt_hit *const limit = args_find(args, JOBS_LIMIT), *const begin = args_find(args, JOBS_CURSOR);
	OWN(str) query = STR_NONE, cursor = STR_NONE;
	bool is_first = true;

	str_add(&query, "&limit=");
	service_escape(limit ? limit->value : "50", &query);
	if (add_filters(args, &query, e) < 0)
		return -1;
	if (begin)
		str_add(&cursor, begin->value);
	do {
		if (list_page(remote, args, &query, is_first, &cursor, e) < 0)
			return -1;
		is_first = false;
	} while (cursor.len && args_has(args, JOBS_ALL));
	if (cursor.len)
		say(SAY_NOTE, "there are more: --all, or --cursor %s", str_text(&cursor));
	return 0;
}

static void add_one(const json_t *job, struct str *out)
{
	static const char *const names[] = { "name", "runtime", "boundary", "created_at", "started_at", "ended_at", "kept_until" };
	const char *name;
	const json_t *value;

	tame_line(field_text(job, "id"), out);
	str_add(out, ": ");
	ending_text(job, out);
	str_add(out, "\n");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (*field_text(job, names[i])) {
			str_addf(out, "  %s", names[i]);
			str_pad(out, 14);
			tame_line(field_text(job, names[i]), out);
			str_add(out, "\n");
		}
	json_object_foreach (json_object_get(job, "labels"), name, value) {
		str_add(out, "  label       ");
		tame_line(name, out);
		str_add(out, "=");
		tame_line(json_string_value(value) ? json_string_value(value) : "", out);
		str_add(out, "\n");
	}
}

static int show(struct remote *remote, const struct args *args, const char *id, struct err *e)
{
	OWN(str) path = STR_NONE, out = STR_NONE;
	json_t *job;

	if (remote_job_path(id, "", &path, e) < 0 ||
	    service_ask(&remote->service, &(struct http_call){ .method = "GET", .path = str_text(&path) }, &job, e) < 0)
		return err_add(e, "%.60s", id);
	(args_has(args, JOBS_JSON) ? remote_add_json : add_one)(job, &out);
	json_decref(job);
	return say_out(STDOUT_FILENO, "standard output", &out, e);
}

int command_jobs_run(struct args *args, struct err *e)
{
	OWN(remote) remote = REMOTE_NONE;

	if (remote_open(&remote, args, false, false, e) < 0)
		return -1;
	if (!args->n_operands)
		return list(&remote, args, e);
	for (size_t i = 0; i < args->n_operands; i++)
		if (show(&remote, args, args->operands[i], e) < 0)
			return -1;
	return 0;
}
