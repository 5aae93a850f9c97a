/* Numbers that are none are 0, texts are tamed, and nothing that a service says moves the cursor. */
#include "remote/overview.h"

#include <inttypes.h>
#include <string.h>

#include "base/tame.h"
#include "remote/field.h"

#define CHART_MAX  120

enum { STATE = 34, RUNTIME = 44, BOUNDARY = 56, CREATED = 68, NAME = 94 };      /* columns */

/* One line is made apart, cut to the width, and added. */
struct view {
	const struct overview_page *page;
	struct str *out;
	unsigned lines;
};

static uint64_t number(const json_t *object, const char *name)
{
	const json_t *const value = json_object_get(object, name);

	return json_is_integer(value) && json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

/* Bytes of as many characters as fit. */
static size_t cut(const char *text, size_t len, unsigned width)
{
	size_t i = 0;

	for (unsigned n = 0; i < len && (!width || n < width); n++) {
		const size_t step = str_utf8(text + i, len - i);

		i += step ? step : 1;
	}
	return i;
}

static void add_line(struct view *view, const char *colour, const struct str *line)
{
	const bool is_coloured = colour && view->page->has_colour;

	if (view->page->height && view->lines >= view->page->height)
		return;
	view->lines++;
	if (is_coloured)
		str_add(view->out, colour);
	str_add_bytes(view->out, str_text(line), cut(str_text(line), line->len, view->page->width));
	str_add(view->out, is_coloured ? "\033[0m\n" : "\n");
}

static void add_us(struct str *out, uint64_t us)
{
	if (us < 1000)
		str_addf(out, "%" PRIu64 " us", us);
	else if (us < 1000000)
		str_addf(out, "%" PRIu64 ".%" PRIu64 " ms", us / 1000, us / 100 % 10);
	else
		str_addf(out, "%" PRIu64 ".%" PRIu64 " s", us / 1000000, us / 100000 % 10);
}

/* -- the figures -- */

static void add_title(struct view *view, const json_t *now)
{
	OWN(str) line = STR_NONE;
	const bool is_all = !strcmp(field_text(view->page->overview, "scope"), "all");

	str_add(&line, is_all ? "ward top: every tenant  " : "ward top: one tenant  ");
	tame_line(field_text(now, "at"), &line);
	add_line(view, "\033[1m", &line);
}

static void add_jobs_line(struct view *view, const json_t *now)
{
	OWN(str) line = STR_NONE;

	str_addf(&line, "jobs      %" PRIu64 " running, %" PRIu64 " waiting, the oldest for %.1f s; %.1f end in a second", number(now, "running"),
		 number(now, "queued"), json_number_value(json_object_get(now, "oldest_s")),
		 json_number_value(json_object_get(now, "jobs_per_s")));
	add_line(view, json_number_value(json_object_get(now, "oldest_s")) > 60 ? "\033[33m" : NULL, &line);
}

static void add_starts(struct view *view, const json_t *now)
{
	const uint64_t warm = number(now, "starts_warm"), cold = number(now, "starts_cold");
	OWN(str) line = STR_NONE;

	str_add(&line, "starts    half within ");
	add_us(&line, number(now, "start_p50_us"));
	str_add(&line, ", 99 of 100 within ");
	add_us(&line, number(now, "start_p99_us"));
	str_addf(&line, "; %" PRIu64 " warm, %" PRIu64 " cold", warm, cold);
	add_line(view, NULL, &line);
}

static void add_boxes(struct view *view, const json_t *now)
{
	const json_t *const boxes = json_object_get(now, "boxes");
	const uint64_t open = number(boxes, "breakers_open");
	OWN(str) line = STR_NONE;

	if (!boxes)
		return;
	str_addf(&line, "boxes     %" PRIu64 ": %" PRIu64 " run, %" PRIu64 " wait, %" PRIu64 " are built", number(boxes, "live"),
		 number(boxes, "running"), number(boxes, "parked"), number(boxes, "building"));
	if (open)
		str_addf(&line, "; %" PRIu64 " pools cannot build theirs", open);
	add_line(view, open ? "\033[31m" : NULL, &line);
}

static void add_totals(struct view *view, const json_t *totals)
{
	static const char *const names[] = { "accepted", "succeeded", "failed", "timed_out", "cancelled", "rejected", "infra_failed" };
	OWN(str) line = STR_NONE;

	str_add(&line, "in all    ");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		str_addf(&line, "%s%" PRIu64 " %s", i ? ", " : "", number(totals, names[i]), names[i]);
	add_line(view, NULL, &line);
}

/* -- the last minutes: a character a point, the newest at the right -- */

static void add_chart(struct view *view, const char *name, const char *field)
{
	static const char ramp[] = " .:-=+*#";
	const json_t *const points = json_object_get(json_object_get(view->page->overview, "history"), field);
	const size_t room = view->page->width > 30 ? view->page->width - 26 : CHART_MAX;
	const size_t n = json_array_size(points), shown = n < room ? n : room;
	json_int_t most = 0;
	OWN(str) line = STR_NONE;

	for (size_t i = n - shown; i < n; i++)
		most = json_integer_value(json_array_get(points, i)) > most ? json_integer_value(json_array_get(points, i)) : most;
	str_addf(&line, "%-10s|", name);
	for (size_t i = n - shown; i < n; i++) {
		const json_int_t value = json_integer_value(json_array_get(points, i));
		const size_t step = value <= 0 ? 0 : 1 + (size_t)((double)value / (double)most * (sizeof(ramp) - 3));

		str_add_bytes(&line, &ramp[step], 1);
	}
	str_addf(&line, "| up to %" JSON_INTEGER_FORMAT, most);
	add_line(view, NULL, &line);
}

/* -- jobs -- */

static void add_job(struct view *view, const json_t *job, const char *colour)
{
	static const struct {
		const char *name;
		size_t column;
	} cells[] = {
		{ "id", 0 }, { "state", STATE }, { "runtime", RUNTIME }, { "boundary", BOUNDARY }, { "created_at", CREATED }, { "name", NAME },
	};
	OWN(str) line = STR_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		if (cells[i].column)
			str_pad(&line, cells[i].column);
		tame_line(field_text(job, cells[i].name), &line);
	}
	add_line(view, colour, &line);
}

static void add_jobs(struct view *view)
{
	const json_t *const jobs = json_object_get(view->page->jobs, "jobs");
	json_t *const head = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "id", "ID", "state", "STATE", "runtime", "RUNTIME", "boundary",
				       "BOUNDARY", "created_at", "CREATED", "name", "NAME");
	OWN(str) empty = STR_NONE;

	if (view->page->jobs) {
		add_line(view, NULL, &empty);
		add_job(view, head, "\033[1m");
		for (size_t i = 0; i < json_array_size(jobs); i++)
			add_job(view, json_array_get(jobs, i), NULL);
	}
	json_decref(head);
}

void overview_show(const struct overview_page *page, struct str *out)
{
	const json_t *const now = json_object_get(page->overview, "now");
	struct view view = { .page = page, .out = out };
	OWN(str) denials = STR_NONE;

	add_title(&view, now);
	add_jobs_line(&view, now);
	add_starts(&view, now);
	add_boxes(&view, now);
	add_totals(&view, json_object_get(page->overview, "totals"));
	str_addf(&denials, "refused   %" PRIu64 " calls of jobs", number(now, "denials"));
	add_line(&view, NULL, &denials);
	add_chart(&view, "running", "running");
	add_chart(&view, "waiting", "queued");
	add_chart(&view, "started", "started");
	add_chart(&view, "refused", "denials");
	add_jobs(&view);
}
