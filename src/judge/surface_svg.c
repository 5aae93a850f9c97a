/* The boundary as a picture: zones of the host around the box, what crosses as a line, the guarding layer
 * where the line meets the boundary. Every position is computed from the lists, so that the same surface
 * is the same bytes; letters are of one width, so that what fits is known. Writes no script, no link and
 * no byte of a host but ASCII. */
#include <stdio.h>
#include <string.h>

#include "judge/surface.h"

enum {
	WIDTH = 1180, MARGIN = 20, PANEL = 330, BOX_X = 480, BOX_WIDTH = 220, ROW = 36, HEAD = 34, GAP = 16,
	PILL = 104, LANE = 44, FOOT = 46, LEAK_ROW = 42, NAME_SIZE = 12, DETAIL_SIZE = 10,
	ROWS = 64 /* of one panel; the others are counted */
};
/* How many letters fit; one is 0.61 of its size wide at most. */
#define LETTERS(size, width) ((width) * 100 / ((size) * 61))

/* What a reader's eye needs to tell apart, for light and for dark surroundings. */
static const struct {
	const char *selector, *light, *dark;
} styles[] = {
	{ ".ground", "fill:#ffffff", "fill:#0d1117" },
	{ ".panel", "fill:#f6f8fa;stroke:#d0d7de", "fill:#161b22;stroke:#3d444d" },
	{ ".box", "fill:#ddf4ff;stroke:#0969da;stroke-width:3", "fill:#10233a;stroke:#4493f8" },
	{ ".inner", "fill:#ffffff;stroke:#0969da", "fill:#0d1117;stroke:#4493f8" },
	{ ".guest", "fill:#dafbe1;stroke:#1a7f37", "fill:#12261e;stroke:#3fb950" },
	{ ".worst", "fill:#ffebe9;stroke:#cf222e;stroke-width:2", "fill:#3c1618;stroke:#f85149" },
	{ ".pill", "fill:#ffffff;stroke:#0969da", "fill:#0d1117;stroke:#4493f8" },
	{ "text", "fill:#1f2328", "fill:#f0f6fc" },
	{ ".dim", "fill:#59636e", "fill:#9198a1" },
	{ ".alarm", "fill:#cf222e", "fill:#ff7b72" },
	{ ".line", "fill:none;stroke:#59636e", "stroke:#9198a1" },
	{ ".power", "stroke-width:2.5", "" },
	{ ".stopped", "fill:none;stroke:#1a7f37;stroke-width:1.5", "stroke:#3fb950" },
	{ ".hot", "fill:none;stroke:#cf222e;stroke-width:4", "stroke:#f85149" },
	{ ".leak", "fill:none;stroke:#8250df;stroke-width:1.5;stroke-dasharray:5 4", "stroke:#ab7df8" },
	{ ".doubt", "fill:none;stroke:#9a6700;stroke-dasharray:2 3", "stroke:#d29922" },
	{ ".tip", "fill:#59636e", "fill:#9198a1" },
	{ ".hottip", "fill:#cf222e", "fill:#f85149" },
	{ ".s1", "fill:#8c959f", "fill:#656c76" },
	{ ".s2", "fill:#d4a72c", "fill:#bb8009" },
	{ ".s3", "fill:#e16f24", "fill:#db6d28" },
	{ ".s4", "fill:#cf222e", "fill:#f85149" },
	{ ".s5", "fill:#82071e", "fill:#ff8182" },
	{ ".held", "fill:#1a7f37", "fill:#3fb950" },
};

struct drawing {
	const struct surface *surface;
	const struct surface_item *worst;
	struct str *out;
};

/* Text from anywhere: markup becomes entities, what is not printable ASCII '?'. limit: letters, 0 = all. */
static void add_text(struct str *out, const char *text, size_t limit)
{
	const size_t len = strlen(text);
	const size_t n = limit && len > limit ? limit - 3 : len;

	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c == '&' || c == '<' || c == '>' || c == '"')
			str_addf(out, "&#%u;", c);
		else
			str_add_bytes(out, c >= 0x20 && c < 0x7f ? (const char *)&c : "?", 1);
	}
	str_add(out, n < len ? "..." : "");
}

static void put_text(struct drawing *d, const char *class, int x, int y, int size, const char *text, int width)
{
	str_addf(d->out, "<text class=\"%s\" x=\"%d\" y=\"%d\" font-size=\"%d\">", class, x, y, size);
	add_text(d->out, text, (size_t)LETTERS(size, width));
	str_add(d->out, "</text>\n");
}

static void put_box(struct drawing *d, const char *class, int x, int y, int width, int height, int round)
{
	str_addf(d->out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\"/>\n", class,
		 x, y, width, height, round);
}

static void put_line(struct drawing *d, const char *class, int x1, int y1, int x2, int y2)
{
	str_addf(d->out, "<path class=\"%s\" d=\"M%d %dL%d %d\"/>\n", class, x1, y1, x2, y2);
}

/* A head that points along one axis: dx, dy are -1, 0 or 1. */
static void put_tip(struct drawing *d, const char *class, int x, int y, int dx, int dy)
{
	str_addf(d->out, "<path class=\"%s\" d=\"M%d %dl%d %dl%d %dz\"/>\n", class, x, y,
		 -9 * dx - 5 * dy, -9 * dy - 5 * dx, 10 * dy, 10 * dx);
}

/* The full words behind a cut label. */
static void begin_item(struct drawing *d, const struct surface_item *item)
{
	str_addf(d->out, "<g class=\"item\"><title>%s ", surface_kind_name(item->kind));
	add_text(d->out, item->name, 0);
	str_addf(d->out, ", %s, %s: ", surface_state_name(item->state), severity_name(item->severity));
	add_text(d->out, item->detail, 0);
	str_add(d->out, *item->detail && *item->reason ? "; " : "");
	add_text(d->out, item->reason, 0);
	str_add(d->out, "</title>\n");
}

static void end_item(struct drawing *d)
{
	str_add(d->out, "</g>\n");
}

/* SEVERITY_NONE: nothing to fear. */
static void put_mark(struct drawing *d, unsigned severity, const char *words, int x, int y)
{
	char class[16] = "held";

	if (severity)
		snprintf(class, sizeof(class), "s%u", severity);
	str_addf(d->out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"4.5\"/>\n", class, x + 5, y - 4);
	if (words)
		put_text(d, "dim", x + 16, y, DETAIL_SIZE, words, 70);
}

/* Mark, name and detail of an item in a cell. */
static void put_cell(struct drawing *d, const struct surface_item *item, int x, int y, int width)
{
	if (item == d->worst)
		put_box(d, "worst", x + 4, y + 1, width - 8, ROW - 3, 5);
	else if (item->state == SURFACE_ALWAYS)
		put_box(d, "leak", x + 4, y, width - 8, ROW, 5);
	put_mark(d, item->state == SURFACE_CLOSED ? SEVERITY_NONE : item->severity, NULL, x + 11, y + 21);
	put_text(d, item == d->worst ? "alarm" : item->state == SURFACE_CLOSED ? "dim" : "name", x + 28,
		 y + (*item->detail ? 16 : 21), NAME_SIZE, item->name, width - 40);
	if (*item->detail)
		put_text(d, "dim", x + 28, y + 29, DETAIL_SIZE, item->detail, width - 40);
}

/* The layers on the way, on the boundary itself. otherwise: who guards it when no layer does. */
static void put_pill(struct drawing *d, uint64_t layers, const char *otherwise, int x, int y)
{
	char text[64] = "";
	size_t n = 0;

	for (uint64_t left = layers; left; left &= left - 1, n++) {
		const char *const name = layer_name((enum layer)__builtin_ctzll(left));

		if (n < 1)
			snprintf(text, sizeof(text), "%s", name);
	}
	if (n > 1)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " +%zu", n - 1);
	if (!n)
		snprintf(text, sizeof(text), "%s", otherwise);
	if (!*text)
		return;
	put_box(d, "pill", x - PILL / 2, y - 9, PILL, 18, 9);
	put_text(d, "layer", x - (int)strlen(text) * 305 / 100, y + 4, DETAIL_SIZE, text, PILL);
}

/* From a zone to the box. outside, inside: where the line starts and where the boundary is. */
static void put_crossing(struct drawing *d, const struct surface_item *item, int outside, int inside, int y)
{
	const int in = inside > outside ? 1 : -1;
	const char *const class = item == d->worst ? "hot" : item->flow & FLOW_RIGHT ? "line power" : "line";
	const char *const tip = item == d->worst ? "hottip" : "tip";
	const int deep = inside + in * (PILL / 2 + 18);

	if (item->state == SURFACE_CLOSED) {
		put_line(d, "stopped", inside + in * 4, y, deep, y);
		put_line(d, "stopped", inside - in * (PILL / 2 + 6), y - 5, inside - in * (PILL / 2 + 6), y + 5);
	} else {
		put_line(d, item->state == SURFACE_UNKNOWN ? "doubt" : class, outside + in * 6, y, deep - in * 6, y);
		if (item->flow & (FLOW_IN))
			put_tip(d, tip, deep, y, in, 0);
		if (item->flow & (FLOW_OUT | FLOW_RIGHT))
			put_tip(d, tip, outside, y, -in, 0);
	}
	put_pill(d, item->guards, item->state == SURFACE_CLOSED && d->surface->place->is_ward ? "ward" : "", inside, y);
}

static bool is_of(const struct surface_item *item, uint32_t kinds)
{
	return kinds & 1u << item->kind;
}

static bool is_quiet_call(const struct surface_item *item)
{
	return item->kind == SURFACE_CALL && item->severity == SEVERITY_INFO;
}

static int count(const struct surface *surface, uint32_t kinds)
{
	int n = 0;

	for (size_t i = 0; i < surface->n_items; i++)
		n += is_of(&surface->items[i], kinds);
	return n;
}

static int panel_height(const struct drawing *d, enum surface_kind kind)
{
	const int n = count(d->surface, 1u << kind);

	return n ? HEAD + (n > ROWS ? ROWS + 1 : n) * ROW + GAP / 2 : 0;
}

/* One zone beside the box, with a line for each of its items. Returns where the next may begin. */
static int put_panel(struct drawing *d, enum surface_kind kind, const char *title, int x, int y)
{
	const int height = panel_height(d, kind), outside = x < BOX_X ? x + PANEL : x;
	const int inside = x < BOX_X ? BOX_X : BOX_X + BOX_WIDTH;
	int row = 0, more = 0;

	if (!height)
		return y;
	put_box(d, "panel", x, y, PANEL, height, 8);
	put_text(d, "title", x + 12, y + 22, 13, title, PANEL - 24);
	for (size_t i = 0; i < d->surface->n_items; i++) {
		const struct surface_item *const item = &d->surface->items[i];
		const int at = y + HEAD + row * ROW;

		if (item->kind != kind || row++ >= ROWS) {
			more += item->kind == kind;
			continue;
		}
		begin_item(d, item);
		put_cell(d, item, x, at, PANEL);
		put_crossing(d, item, outside, inside, at + ROW / 2 - 1);
		end_item(d);
	}
	if (more) {
		char text[64];

		snprintf(text, sizeof(text), "and %d more, which --json lists", more);
		put_text(d, "dim", x + 28, y + HEAD + ROWS * ROW + 16, NAME_SIZE, text, PANEL - 36);
	}
	return y + height + GAP;
}

static const struct zone {
	enum surface_kind kind;
	bool is_right;
	const char *title;
} zones[] = {
	{ SURFACE_FILE, false, "files of the host, and space to write" },
	{ SURFACE_DEVICE, false, "devices, /proc, /sys" },
	{ SURFACE_RESOURCE, false, "resources of the machine" },
	{ SURFACE_PROCESS, true, "processes of the host" },
	{ SURFACE_NETWORK, true, "network" },
	{ SURFACE_STARTER, true, "whoever started it" },
	{ SURFACE_CLOCK, true, "clocks" },
};

static const char *title_of(const struct drawing *d, const struct zone *zone)
{
	return zone->kind == SURFACE_STARTER && d->surface->place->is_ward ? "ward, and whoever started it" : zone->title;
}

static int side_height(const struct drawing *d, bool is_right)
{
	int height = 0;

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++)
		if (zones[i].is_right == is_right && panel_height(d, zones[i].kind))
			height += panel_height(d, zones[i].kind) + GAP;
	return height ? height - GAP : 0;
}

static void put_centred(struct drawing *d, const char *class, int y, int size, const char *text)
{
	put_text(d, class, BOX_X + BOX_WIDTH / 2 - (int)strlen(text) * size * 61 / 200, y, size, text, BOX_WIDTH);
}

/* Words that run upwards, in the middle of a height. */
static void put_upright(struct drawing *d, int x, int middle, int size, const char *text)
{
	str_addf(d->out, "<text class=\"name\" transform=\"translate(%d %d) rotate(-90)\" font-size=\"%d\">", x,
		 middle + (int)strlen(text) * size * 61 / 200, size);
	add_text(d->out, text, 0);
	str_add(d->out, "</text>\n");
}

/* A guest in its engine. Who breaks the inner frame stands in the outer one. */
static void put_guest(struct drawing *d, int x, int y, int width, int height)
{
	const struct nest *const nest = &d->surface->place->nest;
	char text[96];

	snprintf(text, sizeof(text), "%s: %zu system calls, sealed", nest->engine, nest->n_sealed);
	put_upright(d, x + 16, y + height / 2, NAME_SIZE, text);
	put_box(d, "guest", x + 24, y + 8, width - 32, height - 16, 5);
	snprintf(text, sizeof(text), "%s: %zu calls of %s", nest->guest, nest->n_calls, nest->interface);
	put_upright(d, x + 24 + (width - 32) / 2 + 4, y + height / 2, DETAIL_SIZE, text);
}

static void put_program(struct drawing *d, int y, int height)
{
	const struct place *const place = d->surface->place;
	const bool has_first = place->is_ward && (place->holds & LAYER_BIT(LAYER_PIDNS));
	const int x = BOX_X + PILL / 2 + 22, width = BOX_WIDTH - PILL - 44;

	put_centred(d, "title", y + 26, 14, place->is_ward ? "the box" : "the process");
	put_centred(d, "dim", y + 44, DETAIL_SIZE, place->nest.guest ? "container" :
		    place->boundary ? place->boundary : "boundary not known");
	if (has_first)
		put_centred(d, "dim", y + height - FOOT + 12, DETAIL_SIZE, "first process: ward's, no rights");
	put_box(d, "inner", x, y + 62, width, height - 62 - FOOT - 6, 6);
	if (place->nest.guest)
		put_guest(d, x, y + 62, width, height - 62 - FOOT - 6);
	else
		str_addf(d->out, "<text class=\"name\" transform=\"translate(%d %d) rotate(-90)\" font-size=\"13\">program</text>\n",
			 x + width / 2 + 5, y + height / 2 + 26);
}

/* Cells in two columns with a lane between them. Returns the height. */
static int put_cells(struct drawing *d, uint32_t kinds, int row, int y)
{
	const int width = (WIDTH - 2 * MARGIN - LANE) / 2;
	int n = 0;

	for (size_t i = 0; i < d->surface->n_items; i++) {
		const struct surface_item *const item = &d->surface->items[i];
		const int x = n % 2 ? MARGIN + width + LANE : MARGIN;

		if (!is_of(item, kinds) || is_quiet_call(item))
			continue;
		begin_item(d, item);
		put_cell(d, item, x, y + n / 2 * row, width);
		end_item(d);
		n++;
	}
	return (n + 1) / 2 * row;
}

/* Running text of names: where the next one goes, in letters and lines. */
struct flow {
	int letters, column, line;
};

static void flow_take(struct flow *flow, int len)
{
	if (flow->column && flow->column + len > flow->letters) {
		flow->column = 0;
		flow->line++;
	}
}

static int quiet_lines(const struct surface *surface, int letters)
{
	struct flow flow = { .letters = letters };

	for (size_t i = 0; i < surface->n_items; i++) {
		const int len = (int)strlen(surface->items[i].name);

		if (!is_quiet_call(&surface->items[i]))
			continue;
		flow_take(&flow, len);
		flow.column += len + 1;
	}
	return flow.column ? flow.line + 1 : 0;
}

/* The names of calls nobody worries about, set as two columns. Returns the height. */
static int put_quiet_calls(struct drawing *d, int y)
{
	const int width = (WIDTH - 2 * MARGIN - LANE) / 2, letters = LETTERS(DETAIL_SIZE, width - 24);
	const int half = (quiet_lines(d->surface, letters) + 1) / 2;
	struct flow flow = { .letters = letters };

	for (size_t i = 0; i < d->surface->n_items; i++) {
		const struct surface_item *const item = &d->surface->items[i];
		const int len = (int)strlen(item->name);

		if (!is_quiet_call(item))
			continue;
		flow_take(&flow, len);
		begin_item(d, item);
		put_text(d, "dim", MARGIN + 12 + (flow.line >= half ? width + LANE : 0) + flow.column * 61 * DETAIL_SIZE / 100,
			 y + 14 + flow.line % half * 14, DETAIL_SIZE, item->name, width);
		end_item(d);
		flow.column += len + 1;
	}
	return half ? half * 14 + GAP : 0;
}

/* What the filters let through, on its way down; and what passes beside them. */
static void put_ways_down(struct drawing *d, int box_end, int kernel, int leaks)
{
	const bool is_worst = d->worst && (d->worst->kind == SURFACE_KERNEL || d->worst->kind == SURFACE_CALL);
	const uint64_t filters = d->surface->place->holds & (LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_FLOOR));
	const int middle = WIDTH / 2;
	char text[64];

	put_line(d, is_worst ? "hot" : "line power", middle - 10, box_end - 24, middle - 10, kernel - 8);
	put_tip(d, is_worst ? "hottip" : "tip", middle - 10, kernel, 0, 1);
	put_line(d, "leak", middle + 12, box_end - 24, middle + 12, leaks - 8);
	put_tip(d, "tip", middle + 12, leaks, 0, 1);
	put_pill(d, filters, "", middle - 10, box_end);
	if (d->surface->calls_known)
		snprintf(text, sizeof(text), "%zu system calls", d->surface->calls);
	else
		snprintf(text, sizeof(text), "unknown system calls");
	put_text(d, is_worst ? "alarm" : "name", middle - 190, box_end + 36, NAME_SIZE, text, 170);
	put_text(d, "dim", middle + 28, box_end + 36, NAME_SIZE, "time, caches, contention, bugs", 300);
}

/* The kernel beneath the box, and beneath that what no layer ends. Returns where the drawing ends. */
static int put_ground(struct drawing *d, int box_end)
{
	const int top = box_end + 56, width = WIDTH - 2 * MARGIN;
	const int channels = (count(d->surface, 1u << SURFACE_CHANNEL) + 1) / 2;
	struct str *const out = d->out;
	OWN(str) inside = STR_NONE;
	int y = top + HEAD, leaks;

	/* Its height is known when it is filled, and its ground is drawn first. */
	d->out = &inside;
	y += put_cells(d, 1u << SURFACE_KERNEL | 1u << SURFACE_CALL, ROW, y);
	y += put_quiet_calls(d, y);
	d->out = out;
	put_box(d, "panel", MARGIN, top, width, y - top + 4, 8);
	put_text(d, "title", MARGIN + 12, top + 22, 13, "the host's kernel: system calls, identities, rights", width / 2);
	str_add_bytes(d->out, inside.at, inside.len);
	leaks = y + GAP + 32;
	put_box(d, "panel", MARGIN, leaks, width, HEAD + channels * LEAK_ROW + GAP / 2, 8);
	put_text(d, "title", MARGIN + 12, leaks + 22, 13, "on no list, and crosses all the same", width / 2);
	put_cells(d, 1u << SURFACE_CHANNEL, LEAK_ROW, leaks + HEAD);
	put_ways_down(d, box_end, top, leaks);
	return leaks + HEAD + channels * LEAK_ROW + GAP / 2 + MARGIN;
}

static void put_style(struct drawing *d)
{
	str_add(d->out, "<style>\n");
	for (size_t i = 0; i < ARRAY_SIZE(styles); i++)
		str_addf(d->out, "%s{%s}\n", styles[i].selector, styles[i].light);
	str_add(d->out, ".title{font-weight:bold}\n@media (prefers-color-scheme: dark){\n");
	for (size_t i = 0; i < ARRAY_SIZE(styles); i++)
		if (*styles[i].dark)
			str_addf(d->out, "%s{%s}\n", styles[i].selector, styles[i].dark);
	str_add(d->out, "}\n</style>\n");
}

static void put_headline(struct drawing *d)
{
	const struct place *const place = d->surface->place;
	OWN(str) text = STR_NONE;

	put_text(d, "title", MARGIN, 34, 18, place->name, WIDTH - 2 * MARGIN);
	if (!d->worst)
		return;
	str_addf(&text, "the most dangerous item (%s): %s%s%s", severity_name(d->worst->severity), d->worst->name,
		 *d->worst->detail ? ": " : "", d->worst->detail);
	put_text(d, "alarm", MARGIN, 58, 12, str_text(&text), WIDTH - 2 * MARGIN);
	put_text(d, "dim", MARGIN, 76, 11, d->worst->reason, WIDTH - 2 * MARGIN);
}

static void put_key(struct drawing *d, int y)
{
	static const struct {
		const char *class, *text;
		int x;
	} keys[] = {
		{ "line", "data", 20 }, { "line power", "power over what is outside", 110 },
		{ "stopped", "stopped by a layer", 360 }, { "doubt", "not known", 560 },
		{ "leak", "no layer ends it", 700 }, { "hot", "the most dangerous", 880 },
	};
	int x = MARGIN;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		put_line(d, keys[i].class, keys[i].x, y - 4, keys[i].x + 32, y - 4);
		put_text(d, "dim", keys[i].x + 40, y, DETAIL_SIZE, keys[i].text, 220);
	}
	for (unsigned i = SEVERITY_CRITICAL; i > SEVERITY_NONE; i--, x += 90)
		put_mark(d, i, severity_name((enum severity)i), x, y + 20);
	put_mark(d, SEVERITY_NONE, "closed", x, y + 20);
}

static void put_body(struct drawing *d, int *end)
{
	const int top = 144, left = side_height(d, false), right = side_height(d, true);
	const int height = left > right ? left : right, tall = (height > 160 ? height : 160) + FOOT;
	int y[2] = { top, top };

	put_headline(d);
	put_key(d, 104);
	put_box(d, "box", BOX_X, top, BOX_WIDTH, tall, 12);
	put_program(d, top, tall);
	for (size_t i = 0; i < ARRAY_SIZE(zones); i++)
		y[zones[i].is_right] = put_panel(d, zones[i].kind, title_of(d, &zones[i]),
						 zones[i].is_right ? WIDTH - MARGIN - PANEL : MARGIN, y[zones[i].is_right]);
	*end = put_ground(d, top + tall);
}

void surface_svg(const struct surface *surface, struct str *out)
{
	OWN(str) body = STR_NONE;
	struct drawing d = { .surface = surface, .worst = surface_worst(surface), .out = &body };
	int height = 0;

	put_body(&d, &height);
	str_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		 "role=\"img\" font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\">\n<title>",
		 WIDTH, height, WIDTH, height);
	add_text(out, surface->place->name, 0);
	str_add(out, "</title>\n");
	d.out = out;
	put_style(&d);
	put_box(&d, "ground", 0, 0, WIDTH, height, 0);
	str_add_bytes(out, body.at, body.len);
	str_add(out, "</svg>\n");
}
