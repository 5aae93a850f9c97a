/* The page, section by section. Every sentence stands in a table that the service uses, or in one that a document is
 * held to; here they are only put in order. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "boundary/boundary.h"
#include "explain/making.h"
#include "judge/contain.h"
#include "judge/strength.h"
#include "model/note.h"
#include "serve/frame.h"
#include "serve/herald.h"

enum { TOLD = 10 };     /* open items of a boundary that are told one by one */

#define F(id) FACT_BIT(id)

/* -- what crosses -- */

bool explain_edge(const struct explain *explain, enum explain_edge_id id, struct explain_edge *out)
{
	const struct {
		const char *from, *to, *data, *authority;
		uint64_t when;
		size_t bound;
		const char *unit;
	} rows[EDGES] = {
#define EDGE(id, from, to, when, data, authority, bound, unit) { from, to, data, authority, when, bound, unit },
#include "explain/edges.def"
#undef EDGE
	};

	if (rows[id].when && !(rows[id].when & explain->facts))
		return false;
	*out = (struct explain_edge){ rows[id].from, rows[id].to, rows[id].data, rows[id].authority, "" };
	if (rows[id].bound)
		snprintf(out->bound, sizeof(out->bound), "%zu %s", rows[id].bound, rows[id].unit);
	return true;
}

unsigned explain_edge_number(const struct explain *explain, enum explain_edge_id id)
{
	struct explain_edge edge;
	unsigned n = 0;

	for (unsigned i = 0; i <= (unsigned)id; i++)
		if (explain_edge(explain, (enum explain_edge_id)i, &edge))
			n++;
		else if (i == (unsigned)id)
			return 0;
	return n;
}

static void write_edges(const struct explain *explain, struct doc *doc)
{
	static const char *const heads[] = { "way", "data", "authority", "bound", NULL };

	doc_section(doc, "ways", "What crosses between them");
	doc_table(doc, heads);
	for (unsigned i = 0; i < EDGES; i++) {
		struct explain_edge edge;
		char way[128];

		if (!explain_edge(explain, (enum explain_edge_id)i, &edge))
			continue;
		snprintf(way, sizeof(way), "%u  %s to %s", explain_edge_number(explain, (enum explain_edge_id)i), edge.from, edge.to);
		doc_row(doc, DOC_PLAIN, (const char *const[]){ way, edge.data, edge.authority, edge.bound });
	}
	doc_end_table(doc);
}

/* -- alarms -- */

static const struct {
	enum explain_fact fact;
	enum doc_mark mark;
	const char *text;
} widened[] = {
#define WIDENED(id, mark, text) { FACTS_##id, DOC_##mark, text },
#include "explain/widened.def"
#undef WIDENED
};

/* Returns how many of that mark there are. */
static size_t write_widened(const struct explain *explain, enum doc_mark mark, struct doc *doc)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(widened); i++) {
		const char *const detail = explain->details[widened[i].fact];
		OWN(str) text = STR_NONE;

		if (widened[i].mark != mark || !(explain->facts >> widened[i].fact & 1))
			continue;
		str_addf(&text, "%s%s%s", widened[i].text, detail ? ": " : "", detail ? detail : "");
		if (mark == DOC_BAD)
			doc_alarm(doc, str_text(&text));
		else
			doc_item(doc, mark, str_text(&text));
		n++;
	}
	return n;
}

static void write_alarms(const struct explain *explain, struct doc *doc)
{
	doc_section(doc, "wider", "Wider than the service is by itself");
	if (write_widened(explain, DOC_BAD, doc) + write_widened(explain, DOC_DOUBT, doc) == 0)
		doc_say(doc, "Nothing: neither the configuration nor this host makes anything wider.");
}

/* -- processes -- */

const char *explain_calls(const struct explain_reach *reach, bool has_filter, char out[64])
{
	if (!has_filter)
		return "no filter";
	if (!reach->surface.calls_known)
		return "nobody knows how many system calls";
	snprintf(out, 64, "%zu system calls", reach->surface.calls);
	return out;
}

const struct surface_item *explain_worst_call(const struct explain_reach *reach)
{
	for (size_t i = 0; i < reach->surface.n_items; i++) {
		const struct surface_item *const item = &reach->surface.items[i];

		if (item->kind == SURFACE_CALL && item->state == SURFACE_OPEN && item->severity > SEVERITY_INFO)
			return item;
	}
	return NULL;
}

static const struct words {
	const char *program, *name, *reads, *writes, *can, *cannot;
} parts[PARTS] = {
#define PROCESS(id, ...) { __VA_ARGS__ },
#include "explain/processes.def"
#undef PROCESS
};

static void write_process(const struct explain *explain, struct doc *doc, size_t i)
{
	const struct explain_process *const process = &explain->processes[i];
	const struct surface_item *const worst = explain_worst_call(&process->reach);
	OWN(str) calls = STR_NONE;
	char count[64];

	str_add(&calls, explain_calls(&process->reach, process->subject.n_filters, count));
	if (worst)
		str_addf(&calls, "; the worst: %s (%s)", worst->name, severity_name(worst->severity));
	doc_row(doc, process->is_absent ? DOC_DOUBT : DOC_PLAIN, (const char *const[]){
		parts[i].program, process->is_absent ? "not here" : process->runs_as, process->rights, process->files,
		i == PART_JOB ? "see the boxes below" : process->is_absent ? "" : str_text(&calls) });
}

static void write_processes(const struct explain *explain, struct doc *doc)
{
	static const char *const heads[] = { "process", "runs as", "rights", "files", "calls", NULL };
	static const char *const sees[] = { "process", "reads", "writes", NULL };
	static const char *const broken[] = { "if this is broken into", "it can", "it cannot", NULL };

	doc_section(doc, "processes", "Who does what, with what rights");
	doc_table(doc, heads);
	for (size_t i = PARTS; i-- > 0;)
		write_process(explain, doc, i);
	doc_end_table(doc);
	doc_table(doc, sees);
	for (size_t i = PARTS; i-- > 0;)
		doc_row(doc, DOC_PLAIN, (const char *const[]){ parts[i].program, parts[i].reads, parts[i].writes });
	doc_end_table(doc);
	doc_table(doc, broken);
	for (size_t i = 0; i < PARTS; i++)
		doc_row(doc, DOC_PLAIN, (const char *const[]){ parts[i].name, parts[i].can, parts[i].cannot });
	doc_end_table(doc);
}

/* -- boxes -- */

static void add_bytes(struct str *out, uint64_t bytes)
{
	if (bytes >= 1 << 20)
		str_addf(out, "%" PRIu64 " MiB", bytes >> 20);
	else
		str_addf(out, "%" PRIu64 " KiB", bytes >> 10);
}

static void add_limits(const struct order_class *class, bool most, struct str *out)
{
	const uint64_t memory = most ? class->memory_max_bytes : class->limits.memory_bytes;
	const uint64_t disk = most ? class->disk_max_bytes : class->limits.disk_bytes;

	str_addf(out, "%" PRIu64 " ms, processor %" PRIu64 " ms, memory ", most ? class->wall_max_ms : class->wall_ms,
		 most ? class->cpu_max_ms : class->cpu_ms);
	add_bytes(out, memory);
	str_addf(out, ", %" PRIu64 " process%s", most ? class->pids_max : class->limits.pids,
		 (most ? class->pids_max : class->limits.pids) == 1 ? "" : "es");
	if (disk) {
		str_add(out, ", disk ");
		add_bytes(out, disk);
	}
}

static void write_classes(const struct explain *explain, struct doc *doc)
{
	static const char *const heads[] = { "runtime, boundary", "here", "for hostile tenants", "limits, where a job states none",
					     "the most it may ask for", NULL };

	doc_section(doc, "boxes", "Which boxes there are");
	doc_table(doc, heads);
	for (size_t i = 0; i < explain->n_classes; i++) {
		const struct order_class *const class = &explain->classes[i];
		OWN(str) name = STR_NONE, here = STR_NONE, usual = STR_NONE, most = STR_NONE;

		str_addf(&name, "%s%s%s, %s", class->runtime, *class->version ? " " : "", class->version, class->boundary);
		if (*class->why)
			str_addf(&here, "no: %s", class->why);
		else if (class->warm)
			str_addf(&here, "yes, %u kept parked", class->warm);
		else
			str_add(&here, "yes, built when it is asked for");
		add_limits(class, false, &usual);
		add_limits(class, true, &most);
		doc_row(doc, *class->why ? DOC_DOUBT : DOC_GOOD, (const char *const[]){
			str_text(&name), str_text(&here), class->hostile_ok ? "yes" : "no",
			*class->why ? "" : str_text(&usual), *class->why ? "" : str_text(&most) });
	}
	doc_end_table(doc);
}

static void write_layers(const struct explain_box *box, struct doc *doc)
{
	static const char *const heads[] = { "layer", "holds", "answers", "what would defeat it", NULL };
	OWN(str) missing = STR_NONE;

	doc_table(doc, heads);
	for (unsigned i = 0; i < LAYERS; i++) {
		const enum layer layer = (enum layer)i;

		if (box->layers & LAYER_BIT(layer))
			doc_row(doc, DOC_GOOD, (const char *const[]){ layer_name(layer), layer_holds(layer), layer_attack(layer),
				strcmp(layer_defeat(layer), "-") == 0 ? "nothing known" : layer_defeat(layer) });
		else
			str_addf(&missing, "%s%s", missing.len ? ", " : "", layer_name(layer));
	}
	doc_end_table(doc);
	doc_say(doc, "Layers that these boxes do not have: %s.", missing.len ? str_text(&missing) : "none");
	for (unsigned bit = 0; bit < 32; bit++)
		if (box->notes >> bit & 1 && note_text(1u << bit))
			doc_item(doc, DOC_DOUBT, note_text(1u << bit));
}

static enum doc_mark mark_of(const struct surface_item *item)
{
	return item->state == SURFACE_UNKNOWN || item->severity >= SEVERITY_HIGH ? DOC_BAD :
	       item->severity >= SEVERITY_MEDIUM ? DOC_DOUBT : DOC_PLAIN;
}

static void write_reach(const struct explain_box *box, struct doc *doc)
{
	static const char *const heads[] = { "what crosses", "how bad", "how", "why it matters", NULL };
	const struct surface *const surface = &box->reach.surface;
	size_t told = 0, open = 0;

	doc_table(doc, heads);
	for (size_t i = 0; i < surface->n_items; i++) {
		const struct surface_item *const item = &surface->items[i];
		const bool is_open = item->state == SURFACE_OPEN || item->state == SURFACE_UNKNOWN;

		open += is_open;
		if (!is_open || told >= TOLD || item->severity <= SEVERITY_INFO)
			continue;
		told++;
		doc_row(doc, mark_of(item), (const char *const[]){ item->name,
			item->state == SURFACE_UNKNOWN ? "not known" : severity_name(item->severity), item->detail, item->reason });
	}
	doc_end_table(doc);
	doc_say(doc, "%zu things cross in all, these %zu are the worst; `ward surface` lists such a box's whole.", open, told);
	for (size_t i = 0; i < surface->n_missing; i++)
		doc_item(doc, DOC_BAD, surface->missing[i]);
}

static void write_holds(const struct explain_box *box, struct doc *doc)
{
	static const char *const heads[] = { "against", "holds", "because", NULL };
	static const enum doc_mark marks[] = { [HOLDS_NO] = DOC_BAD, [HOLDS_PARTLY] = DOC_DOUBT, [HOLDS_YES] = DOC_GOOD };

	doc_table(doc, heads);
	for (unsigned i = 0; i < PROPERTIES; i++) {
		const enum property property = (enum property)i;
		const enum holds holds = strength_holds(box->boundary, property);

		doc_row(doc, marks[holds], (const char *const[]){
			property_attack(property), holds_name(holds), strength_because(box->boundary, property) });
	}
	doc_end_table(doc);
}

static void write_box(const struct explain_box *box, struct doc *doc)
{
	const struct strength *const strength = strength_of(box->boundary);
	const struct nest *const nest = &box->reach.place.nest;
	char count[64];

	doc_heading(doc, strength->name);
	doc_say(doc, "For %s. Whoever wants out has to break: %s.", box->runtimes, strength->breaks);
	if (nest->guest)
		doc_say(doc, "A %s has %zu calls of %s and no system call; its engine's process, sealed, has %zu. What follows holds for "
			     "that process, and so for whoever breaks the engine.", nest->guest, nest->n_calls, nest->interface, nest->n_sealed);
	if (boundary_find(strength->name)->has_kernel)
		doc_say(doc, "A job's calls are answered by gVisor's kernel. What follows holds for that kernel's processes, and so for whoever "
			     "breaks out of it.");
	doc_say(doc, "From the plan of these boxes: %d layers; %s reach the host's kernel.", __builtin_popcountll(box->layers),
		explain_calls(&box->reach, box->subject.n_filters, count));
	write_layers(box, doc);
	write_reach(box, doc);
	write_holds(box, doc);
}

/* -- whose code goes where -- */

/* What a tenant's code of that threat demands and this boundary does not hold; NULL: nothing. */
static const struct demand *unmet_by(const struct explain_box *box, int word)
{
	const enum threat_word form = box->boundary == BOUNDARY_JS ? WORD_FORM_JS :
				      box->boundary == BOUNDARY_WASM ? WORD_FORM_WASM : WORD_FORM_NATIVE;
	struct threat threat;

	contain_model(word, form, true, &threat);
	return contain_unmet(&threat, box->boundary);
}

bool explain_is_let(const struct explain_box *box)
{
	return box->first->hostile_ok && unmet_by(box, THREAT_HOSTILE);
}

static void write_threats(const struct explain *explain, struct doc *doc)
{
	static const struct {
		int threat;
		const char *name;
	} rows[] = { { THREAT_OWN, "own" }, { THREAT_KNOWN, "known" }, { THREAT_HOSTILE, "hostile" } };
	static const char *const heads[] = { "a tenant's code is", "boundary", "holds it", "because", NULL };

	doc_section(doc, "tenants", "Whose code each boundary holds");
	doc_table(doc, heads);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < explain->n_boxes; k++) {
			const struct explain_box *const box = &explain->boxes[k];
			const bool is_let = rows[i].threat != THREAT_HOSTILE || box->first->hostile_ok;
			const struct demand *const unmet = unmet_by(box, rows[i].threat);

			doc_row(doc, !unmet ? DOC_GOOD : is_let ? DOC_BAD : DOC_PLAIN, (const char *const[]){
				rows[i].name, strength_of(box->boundary)->name,
				!unmet ? "yes" : is_let ? "NO, and it is let in" : "no, and it is refused",
				unmet ? unmet->why : "it holds all that such code demands" });
		}
	doc_end_table(doc);
}

/* -- the rest -- */

static void write_remains(const struct explain *explain, struct doc *doc)
{
	static const struct {
		uint64_t when;
		const char *text;
	} rows[] = {
#define REMAINS(id, when, text) { when, text },
#include "explain/remains.def"
#undef REMAINS
	};

	doc_section(doc, "remains", "What remains when all of this works");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!rows[i].when || rows[i].when & explain->facts)
			doc_item(doc, DOC_PLAIN, rows[i].text);
}

/* Reasons are many classes' own: each is told once, with those it is for. */
static void write_off(const struct explain *explain, struct doc *doc)
{
	static const char *const heads[] = { "off", "why, and what to do", NULL };
	bool told[ORDER_CLASSES_MAX] = { false };

	doc_section(doc, "off", "What is off here");
	doc_table(doc, heads);
	for (size_t i = 0; i < explain->n_classes; i++) {
		OWN(str) names = STR_NONE;

		if (!*explain->classes[i].why || told[i])
			continue;
		for (size_t k = i; k < explain->n_classes; k++)
			if (strcmp(explain->classes[k].why, explain->classes[i].why) == 0) {
				told[k] = true;
				str_addf(&names, "%s%s/%s", names.len ? ", " : "", explain->classes[k].runtime,
					 explain->classes[k].boundary);
			}
		doc_row(doc, DOC_DOUBT, (const char *const[]){ str_text(&names), explain->classes[i].why });
	}
	if (explain->facts & FACT_BIT(NO_HERALD))
		doc_row(doc, DOC_DOUBT, (const char *const[]){ "webhooks", "ward-herald is not beside ward: it is built where libcurl is" });
	if (!(explain->facts & FACT_BIT(METRICS)))
		doc_row(doc, DOC_PLAIN, (const char *const[]){ "metrics", "metrics.listen says nowhere" });
	if (*explain->host->cgroup_why)
		doc_row(doc, DOC_DOUBT, (const char *const[]){ "limits of a whole box", explain->host->cgroup_why });
	if (!explain->host->landlock_abi)
		doc_row(doc, DOC_BAD, (const char *const[]){ "the front", "this kernel has no Landlock, and without it the front does not start" });
	doc_end_table(doc);
}

static void write_settings(const struct explain *explain, struct doc *doc)
{
	static const char *const heads[] = { "setting", "value", "what it is", NULL };

	doc_section(doc, "settings", "What was configured");
	doc_say(doc, "What is not here is as the service has it by itself.");
	doc_table(doc, heads);
	for (unsigned id = 0; id < CONFIG_VALUES; id++) {
		const struct config_row *const row = config_value_row((enum config_id)id);
		const char *const text = explain->config->values[id].text;

		if (text)
			doc_row(doc, DOC_PLAIN, (const char *const[]){ row->path, text, row->help });
	}
	for (unsigned id = 0; id < CONFIG_LISTS; id++) {
		const struct config_row *const row = config_list_row((enum config_list_id)id);
		OWN(str) items = STR_NONE;

		for (size_t i = 0; i < explain->config->lists[id].n; i++)
			str_addf(&items, "%s%s", i ? ", " : "", explain->config->lists[id].items[i]);
		if (items.len)
			doc_row(doc, DOC_PLAIN, (const char *const[]){ row->path, str_text(&items), row->help });
	}
	doc_end_table(doc);
}

/* A text has the same in its list of ways. */
static void write_drawing(const struct explain *explain, struct doc *doc)
{
	OWN(str) svg = STR_NONE;

	if (doc->form == DOC_TEXT)
		return;
	explain_draw(explain, &svg);
	doc_section(doc, "drawing", "The boundaries");
	doc_drawing(doc, &svg);
}

static void write_all(const struct explain *explain, struct doc *doc)
{
	doc_begin(doc, "ward serve: the architecture of this configuration", explain_drawing_style);
	doc_say(doc, "Made by %s from the plans, filters and tables that `ward serve` would use now, on this host, with this configuration. "
		     "Listens on %s; keeps its state in %s; Linux %u.%u.%u; started by %s.", explain->version, explain->listen,
		explain->state, explain->host->kernel >> 16, explain->host->kernel >> 8 & 255, explain->host->kernel & 255,
		explain->is_root ? "root" : "an ordinary user");
	write_alarms(explain, doc);
	write_drawing(explain, doc);
	write_edges(explain, doc);
	write_processes(explain, doc);
	write_classes(explain, doc);
	for (size_t i = 0; i < explain->n_boxes; i++)
		write_box(&explain->boxes[i], doc);
	write_threats(explain, doc);
	write_remains(explain, doc);
	write_off(explain, doc);
	write_settings(explain, doc);
	doc_end(doc);
}

void explain_write(const struct explain *explain, enum doc_form form, bool colour, struct str *out)
{
	struct doc doc = { .out = out, .form = form, .colour = colour };

	write_all(explain, &doc);
}
