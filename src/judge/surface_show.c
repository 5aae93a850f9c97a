/* The surface for people and for programs. Invents nothing: every word is of the struct. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/json.h"
#include "base/opt.h"
#include "judge/surface.h"

enum { KIND_COLUMN = 12, TEXT_COLUMN = 22 };

static const char *const colours[] = {
	[SEVERITY_INFO] = "\033[2m", [SEVERITY_LOW] = "", [SEVERITY_MEDIUM] = "\033[33m",
	[SEVERITY_HIGH] = "\033[31m", [SEVERITY_CRITICAL] = "\033[1;31m",
};

static void add_layers(struct str *out, uint64_t layers)
{
	for (bool first = true; layers; layers &= layers - 1, first = false)
		str_addf(out, "%s%s", first ? "" : ", ", layer_name((enum layer)__builtin_ctzll(layers)));
}

/* "data in, data out, power" */
static void add_flow(struct str *out, uint32_t flow)
{
	static const char *const words[] = { "data in", "data out", "power" };

	for (unsigned i = 0, n = 0; i < ARRAY_SIZE(words); i++)
		if (flow & 1u << i)
			str_addf(out, "%s%s", n++ ? ", " : "", words[i]);
}

/* One long line, wrapped where the text column is. */
static void add_wrapped(struct str *out, const struct str *text)
{
	str_pad(out, TEXT_COLUMN);
	opt_wrap(out, str_text(text), TEXT_COLUMN);
}

static const char *word_of(const struct surface_item *item)
{
	return item->state == SURFACE_UNKNOWN ? "unknown" :
	       item->state == SURFACE_OPEN    ? severity_name(item->severity) :
						surface_state_name(item->state);
}

static void add_head(const struct surface_item *item, bool colour, struct str *out)
{
	const bool is_rated = item->state <= SURFACE_UNKNOWN;
	const char *const on = colour && is_rated ? colours[item->severity] : "";
	OWN(str) text = STR_NONE;

	str_addf(out, "  %s%-9s%s %-9s ", on, word_of(item), *on ? "\033[0m" : "", surface_kind_name(item->kind));
	clean_add(&text, item->name);
	if (item->state == SURFACE_UNKNOWN)
		str_addf(&text, " (%s, were it open)", severity_name(item->severity));
	if (*item->detail) {
		str_add(&text, ": ");
		clean_add(&text, item->detail);
	}
	opt_wrap(out, str_text(&text), TEXT_COLUMN);
}

/* Why it matters, what is on the way, what to do. */
static void add_body(const struct surface_item *item, struct str *out)
{
	OWN(str) text = STR_NONE;

	if (*item->reason) {
		clean_add(&text, item->reason);
		add_wrapped(out, &text);
	}
	text.len = 0;
	add_flow(&text, item->flow);
	if (item->guards) {
		str_add(&text, "; guarded by ");
		add_layers(&text, item->guards);
	}
	if (*item->close) {
		str_add(&text, "; close: ");
		clean_add(&text, item->close);
	}
	add_wrapped(out, &text);
}

/* Layers in front of a closed item, and what is left without each. */
static void add_guards(struct surface *surface, const struct surface_item *item, struct str *out)
{
	OWN(str) text = STR_NONE;

	if (!item->guards)
		return;
	str_add(&text, "by ");
	add_layers(&text, item->guards);
	if (!(item->guards & (item->guards - 1))) {
		const enum layer only = (enum layer)__builtin_ctzll(item->guards);
		const char *const why = surface_without(surface, item, only);

		str_addf(&text, " alone%s%s; what would defeat it: %s", *why ? ": " : "", why,
			 strcmp(layer_defeat(only), "-") == 0 ? "nothing known" : layer_defeat(only));
	}
	add_wrapped(out, &text);
}

static bool is_quiet(const struct surface_item *item)
{
	return item->state == SURFACE_OPEN && item->severity == SEVERITY_INFO;
}

/* Items of one meaning stand together, and it is said once. */
static bool says_the_same(const struct surface_item *a, const struct surface_item *b)
{
	return a && strcmp(a->reason, b->reason) == 0 && strcmp(a->close, b->close) == 0 &&
	       a->flow == b->flow && a->guards == b->guards;
}

static void add_open(const struct surface *surface, bool colour, struct str *out)
{
	const struct surface_item *last = NULL;

	for (size_t i = 0; i < surface->n_items; i++) {
		const struct surface_item *const item = &surface->items[i];

		if (item->state > SURFACE_UNKNOWN || is_quiet(item))
			continue;
		if (last && !says_the_same(last, item))
			add_body(last, out);
		add_head(item, colour, out);
		last = item;
	}
	if (last)
		add_body(last, out);
}

static void add_channels(const struct surface *surface, struct str *out)
{
	str_add(out, "\non no list, and crosses all the same:\n");
	for (size_t i = 0; i < surface->n_items; i++) {
		const struct surface_item *const item = &surface->items[i];
		OWN(str) text = STR_NONE;

		if (item->state != SURFACE_ALWAYS)
			continue;
		str_addf(&text, "%s: %s", item->name, item->reason);
		str_add(out, "  ");
		opt_wrap(out, str_text(&text), 4);
		str_add(out, "    ");
		opt_wrap(out, item->detail, 4);
	}
}

static void add_closed(struct surface *surface, struct str *out)
{
	str_add(out, "\nclosed, and by what:\n");
	for (size_t i = 0; i < surface->n_items; i++) {
		const struct surface_item *const item = &surface->items[i];

		if (item->state != SURFACE_CLOSED)
			continue;
		add_head(item, false, out);
		add_guards(surface, item, out);
	}
}

static void add_quiet(const struct surface *surface, struct str *out)
{
	str_add(out, "\nquiet: open, and no reason for concern is known:\n");
	for (size_t i = 0; i < surface->n_items; i++)
		if (is_quiet(&surface->items[i]))
			add_head(&surface->items[i], false, out);
}

static size_t count(const struct surface *surface, bool (*fits)(const struct surface_item *item))
{
	size_t n = 0;

	for (size_t i = 0; i < surface->n_items; i++)
		n += fits(&surface->items[i]);
	return n;
}

static bool is_closed(const struct surface_item *item)
{
	return item->state == SURFACE_CLOSED;
}

static bool is_quiet_call(const struct surface_item *item)
{
	return is_quiet(item) && item->kind == SURFACE_CALL;
}

static void add_worst(const struct surface *surface, struct str *out)
{
	const struct surface_item *const worst = surface_worst(surface);
	OWN(str) text = STR_NONE;

	if (!worst)
		return;
	str_addf(&text, "worst: ");
	clean_add(&text, worst->name);
	str_addf(&text, " (%s)", severity_name(worst->severity));
	if (*worst->detail) {
		str_add(&text, ": ");
		clean_add(&text, worst->detail);
	}
	str_add(&text, "; ");
	clean_add(&text, worst->reason);
	opt_wrap(out, str_text(&text), 0);
}

/* The steps of the plan are about runsc; the program meets the kernel in it. */
static bool has_kernel(const struct surface *surface)
{
	return surface->place->boundary && strcmp(surface->place->boundary, "gvisor") == 0;
}

static void add_kernel(struct str *out)
{
	str_add(out, "\nnested:\n  container            ");
	opt_wrap(out, "what is listed below holds for runsc's processes, and so for whoever breaks out of gVisor's kernel", TEXT_COLUMN);
	str_add(out, "  gVisor's kernel      ");
	opt_wrap(out, "answers the program's calls, those that the policy lists; it has a filter of its own, an empty root and a user "
		 "namespace, and opens no file itself", TEXT_COLUMN);
}

/* Rings, the outermost first: everything else that is told here is of the first. */
static void add_rings(const struct surface *surface, struct str *out)
{
	const struct nest *const nest = &surface->place->nest;
	OWN(str) engine = STR_NONE;
	OWN(str) given = STR_NONE;

	if (has_kernel(surface))
		add_kernel(out);
	if (!nest->guest)
		return;
	str_add(out, "\nnested:\n  container            ");
	opt_wrap(out, "what is listed below holds for the engine's process, and so for whoever breaks out of the engine",
		 TEXT_COLUMN);
	if (surface->calls_known)
		str_addf(&engine, "%zu system calls until it seals itself; ", surface->calls);
	str_addf(&engine, "%zu from before the %s's first byte on, and of all files the guest's directories", nest->n_sealed,
		 nest->guest);
	str_addf(out, "  %-20s ", nest->engine);
	opt_wrap(out, str_text(&engine), TEXT_COLUMN);
	nest_list_given(nest, &given);
	str_addf(out, "  %-20s ", nest->guest);
	opt_wrap(out, str_text(&given), TEXT_COLUMN);
}

void surface_text(struct surface *surface, bool all, bool colour, struct str *out)
{
	const size_t quiet = count(surface, is_quiet), calls = count(surface, is_quiet_call);

	str_add(out, "surface of ");
	clean_add(out, surface->place->name);
	str_addf(out, surface->place->boundary ? ", boundary %s\n" : "\n", surface->place->boundary);
	add_worst(surface, out);
	add_rings(surface, out);
	for (size_t i = 0; i < surface->n_missing; i++) {
		str_add(out, "not judged: ");
		clean_add(out, surface->missing[i]);
		str_add(out, "\n");
	}
	str_add(out, "\nopen, the most dangerous first:\n");
	add_open(surface, colour, out);
	add_channels(surface, out);
	if (all) {
		add_quiet(surface, out);
		add_closed(surface, out);
		return;
	}
	str_addf(out, "\n%zu quiet items (%zu of them system calls) and %zu that are closed: --all lists them\n",
		 quiet, calls, count(surface, is_closed));
}

static void put_guards(struct surface *surface, const struct surface_item *item, struct json *json)
{
	json_put_array(json, "guards");
	for (uint64_t left = item->guards; left; left &= left - 1) {
		const enum layer layer = (enum layer)__builtin_ctzll(left);
		const char *const without = surface_without(surface, item, layer);
		const char *const defeat = layer_defeat(layer);

		json_put_object(json, NULL);
		json_put_text(json, "layer", layer_name(layer));
		json_put_text(json, "without", *without ? without : NULL);
		json_put_text(json, "defeated_by", strcmp(defeat, "-") == 0 ? NULL : defeat);
		json_put_end(json);
	}
	json_put_end(json);
}

static void put_item(struct surface *surface, const struct surface_item *item, struct json *json)
{
	json_put_object(json, NULL);
	json_put_text(json, "kind", surface_kind_name(item->kind));
	json_put_text(json, "name", item->name);
	json_put_text(json, "state", surface_state_name(item->state));
	json_put_text(json, "severity", severity_name(item->severity));
	json_put_bool(json, "data_in", item->flow & FLOW_IN);
	json_put_bool(json, "data_out", item->flow & FLOW_OUT);
	json_put_bool(json, "power", item->flow & FLOW_RIGHT);
	json_put_text(json, "detail", item->detail);
	json_put_text(json, "reason", item->reason);
	json_put_text(json, "close", item->close);
	put_guards(surface, item, json);
	json_put_end(json);
}

static void put_nest(const struct nest *nest, struct json *json)
{
	if (!nest->guest)
		return;
	json_put_object(json, "nested");
	json_put_text(json, "engine", nest->engine);
	json_put_u64(json, "engine_calls_sealed", nest->n_sealed);
	json_put_text(json, "guest", nest->guest);
	json_put_text(json, "interface", nest->interface);
	json_put_array(json, "calls");
	for (size_t i = 0; i < nest->n_calls; i++)
		json_put_text(json, NULL, nest->calls[i]);
	json_put_end(json);
	json_put_array(json, "directories");
	for (size_t i = 0; i < nest->n_directories; i++) {
		json_put_object(json, NULL);
		json_put_u64(json, "number", i + NEST_FIRST);
		json_put_text(json, "name", nest->directories[i].name);
		json_put_bool(json, "writes", nest->directories[i].writes);
		json_put_end(json);
	}
	json_put_end(json);
	json_put_u64(json, "passed", nest->n_passed);
	json_put_end(json);
}

void surface_json(struct surface *surface, struct str *out)
{
	const struct surface_item *const worst = surface_worst(surface);
	OWN(json) json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "schema", "ward.surface.1");
	json_put_text(&json, "subject", surface->place->name);
	json_put_text(&json, "boundary", surface->place->boundary);
	json_put_text(&json, "worst", worst ? worst->name : NULL);
	json_put_bool(&json, "complete", !surface->n_missing && surface->calls_known);
	json_put_array(&json, "missing");
	for (size_t i = 0; i < surface->n_missing; i++)
		json_put_text(&json, NULL, surface->missing[i]);
	json_put_end(&json);
	if (surface->calls_known)
		json_put_u64(&json, "calls", surface->calls);
	put_nest(&surface->place->nest, &json);
	json_put_array(&json, "items");
	for (size_t i = 0; i < surface->n_items; i++)
		put_item(surface, &surface->items[i], &json);
	json_put_end(&json);
	json_put_end(&json);
	json_put_line(&json);
	str_add_bytes(out, json.out.at, json.out.len);
}
