/* The boundaries as a picture: who stands where, what crosses as a numbered way, boxes in boxes. The numbers are those of
 * the page's list; positions are fixed, what is not there is not drawn, and what this host lacks is drawn as missing. */
#include <stdio.h>
#include <string.h>

#include "boundary/boundary.h"
#include "explain/making.h"
#include "judge/strength.h"

enum { TOP = 40, WIDTH = 1180, MARGIN = 40, BAND = 560, COLUMN = 236, GAP = 16, SIZE = 12, SMALL = 10, TITLE = 14 };
/* How many letters fit; one of the narrow kind is 0.61 of its size wide at most. */
#define LETTERS(size, width) ((size_t)((width) * 100 / ((size) * 61)))

const char explain_drawing_style[] =
	"svg{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}\n"
	".ground,.panel,.node,.frame,.inner,.job{stroke:var(--line);stroke-width:1.5}\n"
	":root{--node:#fff;--edge:#59636e;--frame:#ddf4ff;--frame-line:#0969da;--inner:#dafbe1;--inner-line:#1a7f37}\n"
	"@media (prefers-color-scheme:dark){:root{--node:#0d1117;--edge:#9198a1;--frame:#10233a;--frame-line:#4493f8;--inner:#12261e;"
	"--inner-line:#3fb950}}\n"
	".ground{fill:var(--ground);stroke:none}.panel{fill:var(--panel)}.node{fill:var(--node)}"
	".frame{fill:var(--frame);stroke:var(--frame-line);stroke-width:3}.inner{fill:var(--inner);stroke:var(--inner-line)}"
	".job{fill:var(--node)}.let{stroke:var(--bad);stroke-width:4}.gone{fill:none;stroke:var(--line);stroke-width:1.5;"
	"stroke-dasharray:6 5}\n"
	"text{fill:var(--text)}.title{font-weight:bold}.dim{fill:var(--dim)}.alarmed{fill:var(--bad);font-weight:bold}\n"
	".way{fill:none;stroke:var(--edge);stroke-width:1.6}.tip{fill:var(--edge)}.badge{fill:var(--edge)}.number{fill:var(--ground);"
	"font-weight:bold}\n"
	".wall{stroke:var(--frame-line);stroke-width:2;stroke-dasharray:2 4;fill:none}\n";

struct drawing {
	const struct explain *explain;
	struct str *out;
};

static void put_text(struct drawing *d, const char *class, int x, int y, int size, const char *text, int width)
{
	const size_t most = LETTERS(size, width), len = strlen(text);
	OWN(str) cut = STR_NONE;

	str_add_bytes(&cut, text, len > most ? most - 3 : len);
	str_add(&cut, len > most ? "..." : "");
	str_addf(d->out, "<text class=\"%s\" x=\"%d\" y=\"%d\" font-size=\"%d\">", class, x, y, size);
	doc_escape(d->out, str_text(&cut));
	str_add(d->out, "</text>\n");
}

static void put_box(struct drawing *d, const char *class, int x, int y, int width, int height)
{
	str_addf(d->out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", class, x, y, width, height);
}

static void put_node(struct drawing *d, int x, int y, int width, int height, const char *title, const char *const *lines)
{
	put_box(d, "node", x, y, width, height);
	put_text(d, "title", x + 12, y + 24, TITLE, title, width - 24);
	for (int i = 0; lines[i]; i++)
		put_text(d, "dim", x + 12, y + 42 + 16 * i, SIZE, lines[i], width - 24);
}

/* -- ways -- */

struct point {
	int x, y;
};

/* Straight pieces along the axes; where the number stands, and the short word beside it. */
static const struct way {
	enum explain_edge_id edge;
	struct point points[4], badge;
	const char *word;
	bool is_both;                   /* a tip at each end */
} ways[] = {
	{ EDGE_REQUEST, { { 170, 120 }, { 170, 190 } }, { 170, 144 }, "HTTP, keys", true },
	{ EDGE_SCRAPE, { { 410, 120 }, { 410, 190 } }, { 410, 144 }, "numbers", false },
	{ EDGE_STORE, { { 520, 232 }, { 560, 232 } }, { 540, 214 }, "", true },
	{ EDGE_BACKUP, { { 650, 120 }, { 650, 190 } }, { 650, 144 }, "copies", true },
	{ EDGE_CONFIG, { { 780, 88 }, { 830, 88 }, { 830, 448 }, { 780, 448 } }, { 830, 372 }, "configuration", false },
	{ EDGE_DELIVER, { { 520, 300 }, { 880, 300 } }, { 690, 300 }, "", true },
	{ EDGE_POST, { { 1010, 190 }, { 1010, 120 } }, { 1010, 144 }, "HTTPS", true },
	{ EDGE_ORDER, { { 480, 320 }, { 480, 358 }, { 650, 358 }, { 650, 400 } }, { 566, 358 }, "", false },
	{ EDGE_WORD, { { 250, 320 }, { 250, 400 } }, { 250, 358 }, "claim, kill; verdict", true },
	{ EDGE_FORK, { { 560, 448 }, { 520, 448 } }, { 540, 430 }, "", false },
	{ EDGE_FRAME, { { 40, 270 }, { 16, 270 }, { 16, 640 }, { 40, 640 } }, { 16, 520 }, "frames", true },
	{ EDGE_HOLD, { { 280, 510 }, { 280, BAND } }, { 280, 532 }, "limits, clocks, kill", false },
};

/* A head at `to`, away from `from`. */
static void put_tip(struct drawing *d, struct point from, struct point to)
{
	const int dx = (to.x > from.x) - (to.x < from.x), dy = (to.y > from.y) - (to.y < from.y);

	str_addf(d->out, "<path class=\"tip\" d=\"M%d %dl%d %dl%d %dz\"/>\n", to.x, to.y, -9 * dx - 5 * dy, -9 * dy - 5 * dx,
		 10 * dy, 10 * dx);
}

static void put_badge(struct drawing *d, struct point at, unsigned number)
{
	str_addf(d->out, "<circle class=\"badge\" cx=\"%d\" cy=\"%d\" r=\"10\"/>\n<text class=\"number\" x=\"%d\" y=\"%d\" "
		 "font-size=\"%d\" text-anchor=\"middle\">%u</text>\n", at.x, at.y, at.x, at.y + 4, SIZE, number);
}

static void put_way(struct drawing *d, const struct way *way)
{
	struct explain_edge edge;
	size_t n = 1;

	if (!explain_edge(d->explain, way->edge, &edge))
		return;
	str_add(d->out, "<g><title>");
	doc_escape(d->out, edge.from);
	str_add(d->out, " to ");
	doc_escape(d->out, edge.to);
	str_add(d->out, ": ");
	doc_escape(d->out, edge.data);
	str_addf(d->out, "</title>\n<path class=\"way\" d=\"M%d %d", way->points[0].x, way->points[0].y);
	while (n < ARRAY_SIZE(way->points) && way->points[n].x) {
		str_addf(d->out, "L%d %d", way->points[n].x, way->points[n].y);
		n++;
	}
	str_add(d->out, "\"/>\n");
	put_tip(d, way->points[n - 2], way->points[n - 1]);
	if (way->is_both)
		put_tip(d, way->points[1], way->points[0]);
	put_badge(d, way->badge, explain_edge_number(d->explain, way->edge));
	if (*way->word)
		put_text(d, "dim", way->badge.x + 16, way->badge.y + 4, SIZE, way->word, 190);
	str_add(d->out, "</g>\n");
}

/* -- who stands outside, and the service's processes -- */

static void put_wall(struct drawing *d, int y, const char *class, const char *text)
{
	str_addf(d->out, "<path class=\"wall\" d=\"M20 %dH%d\"/>\n", y, WIDTH - 20);
	put_text(d, class, 188, y - 6, SMALL, text, 214);
}

static void put_outside(struct drawing *d)
{
	const uint64_t facts = d->explain->facts;
	const bool is_bare = facts & FACT_BIT(REFUSED), is_proxied = facts & FACT_BIT(PROXY);

	put_node(d, 40, 56, 260, 64, "clients of tenants", (const char *const[]){ "may be anybody", NULL });
	put_node(d, 560, 56, 220, 64, "the operator", (const char *const[]){ "ward-archive for copies", NULL });
	if (facts & FACT_BIT(METRICS))
		put_node(d, 330, 56, 190, 64, "who reads metrics", (const char *const[]){ d->explain->metrics, NULL });
	if (facts & FACT_BIT(HERALD))
		put_node(d, 880, 56, 260, 64, "receivers of webhooks", (const char *const[]){ "answer anything", NULL });
	put_wall(d, 172, is_bare || is_proxied ? "alarmed" : "dim",
		 is_bare ? "refused: keys would be in the clear" : is_proxied ? "TLS: believed to be in front of it" :
		 facts & FACT_BIT(TLS) ? "the network: TLS" : "this machine alone");
}

static void put_process(struct drawing *d, enum explain_part part, int x, int y, int width, int height, const char *title)
{
	const struct explain_process *const process = &d->explain->processes[part];
	char count[64];
	OWN(str) rights = STR_NONE, files = STR_NONE;

	if (process->is_absent) {
		put_box(d, "gone", x, y, width, height);
		put_text(d, "dim", x + 12, y + 24, SIZE, title, width - 24);
		put_text(d, "dim", x + 12, y + 42, SIZE, "not here", width - 24);
		return;
	}
	str_addf(&rights, "rights: %s", process->rights);
	str_addf(&files, "files: %s", process->files);
	put_node(d, x, y, width, height, title, (const char *const[]){ process->runs_as, str_text(&rights),
		explain_calls(&process->reach, process->subject.n_filters, count), str_text(&files), NULL });
}

static void put_service(struct drawing *d)
{
	put_process(d, PART_FRONT, 40, 190, 480, 130, "front: ward-serve");
	put_process(d, PART_HERALD, 880, 190, 260, 130, "herald: ward-herald");
	put_node(d, 560, 190, 220, 84, "state directory", (const char *const[]){ d->explain->state, "store.db, log/, blob/", NULL });
	put_process(d, PART_RUNNER, 40, 400, 480, 110, "runners, and a keeper each");
	put_process(d, PART_LAUNCHER, 560, 400, 220, 110, "launcher: ward");
}

/* -- boxes -- */

static const struct explain_box *find_box(const struct explain *explain, int boundary)
{
	for (size_t i = 0; i < explain->n_boxes; i++)
		if (explain->boxes[i].boundary == boundary)
			return &explain->boxes[i];
	return NULL;
}

/* Frames in frames: the plan's layers, what answers inside them, and the job. */
static void put_column(struct drawing *d, const struct explain_box *box, int x, int y, int width)
{
	const struct strength *const strength = strength_of(box->boundary);
	const struct nest *const nest = &box->reach.place.nest;
	const bool has_kernel = boundary_find(strength->name)->has_kernel, has_inner = nest->guest || has_kernel;
	const bool is_let = explain_is_let(box);
	const int inner = has_inner ? 52 : 0;
	char text[96], count[64];

	put_box(d, is_let ? "frame let" : "frame", x, y, width, COLUMN);
	snprintf(text, sizeof(text), "%s: %d layers", strength->name, __builtin_popcountll(box->layers));
	put_text(d, "title", x + 12, y + 22, TITLE, text, width - 24);
	put_text(d, "dim", x + 12, y + 40, SIZE, explain_calls(&box->reach, box->subject.n_filters, count), width - 24);
	if (is_let)
		put_text(d, "alarmed", x + 12, y + COLUMN - 10, SIZE, "given to hostile tenants", width - 24);
	if (has_inner) {
		put_box(d, "inner", x + 14, y + 52, width - 28, COLUMN - 78);
		if (nest->guest)
			snprintf(text, sizeof(text), "%s: %zu calls", nest->engine, nest->n_sealed);
		else
			snprintf(text, sizeof(text), "a kernel of its own");
		put_text(d, "title", x + 24, y + 72, SIZE, text, width - 48);
	}
	put_box(d, "job", x + 26, y + 60 + inner / 2, width - 52, COLUMN - 96 - inner / 2);
	put_text(d, "title", x + 38, y + 84 + inner / 2, SIZE, nest->guest ? nest->guest : "ward-step, and the job", width - 76);
	put_text(d, "dim", x + 38, y + 102 + inner / 2, SIZE, box->runtimes, width - 76);
	put_text(d, "dim", x + 38, y + 120 + inner / 2, SIZE, box->boundary == BOUNDARY_JS ? "a process for each job" : "one job, then it ends", width - 76);
}

/* What some class would have, and this host cannot give. */
static void put_missing(struct drawing *d, const struct order_class *class, int x, int y, int width)
{
	OWN(str) why = STR_NONE;
	const size_t letters = LETTERS(SIZE, width - 24);

	put_box(d, "gone", x, y, width, COLUMN);
	str_addf(&why, "%s: not here", class->boundary);
	put_text(d, "alarmed", x + 12, y + 24, TITLE, str_text(&why), width - 24);
	for (size_t at = 0, line = 0, len = strlen(class->why); at < len && line < 8; line++) {
		size_t n = len - at < letters ? len - at : letters;

		for (size_t k = n; k && at + n < len; k--)
			if (class->why[at + k] == ' ') {
				n = k;
				break;
			}
		why.len = 0;
		str_add_bytes(&why, class->why + at, n);
		put_text(d, "dim", x + 12, y + 46 + 16 * (int)line, SIZE, str_text(&why), width - 24);
		at += n + (class->why[at + n] == ' ');
	}
}

struct column {
	const struct explain_box *box;
	const struct order_class *missing;
};

/* One a boundary that a class names: the first of its boxes, or why there is none. */
static size_t choose_columns(const struct explain *explain, struct column columns[STRENGTH_BOUNDARIES])
{
	size_t n = 0;

	for (int boundary = 0; boundary < STRENGTH_BOUNDARIES; boundary++) {
		struct column column = { .box = find_box(explain, boundary) };

		for (size_t i = 0; i < explain->n_classes && !column.box && !column.missing; i++)
			if (strcmp(explain->classes[i].boundary, strength_of(boundary)->name) == 0)
				column.missing = &explain->classes[i];
		if (column.box || column.missing)
			columns[n++] = column;
	}
	return n;
}

static bool are_offline(const struct explain *explain)
{
	for (size_t i = 0; i < explain->n_boxes; i++)
		if (!(explain->boxes[i].reach.place.holds & PLACE_OFFLINE))
			return false;
	return explain->n_boxes > 0;
}

/* Returns where it ends. */
static int put_boxes(struct drawing *d)
{
	struct column columns[STRENGTH_BOUNDARIES];
	const size_t n = choose_columns(d->explain, columns);
	const int bottom = BAND + 34 + COLUMN + 14;
	const int width = n ? (WIDTH - 2 * MARGIN - 2 * GAP - ((int)n - 1) * GAP) / (int)n : 0;

	put_box(d, "panel", MARGIN, BAND, WIDTH - 2 * MARGIN, bottom - BAND);
	put_text(d, "title", MARGIN + 14, BAND + 22, TITLE, are_offline(d->explain) ? "boxes: no network" : "boxes", WIDTH - 2 * MARGIN - 28);
	for (size_t i = 0; i < n; i++) {
		const int x = MARGIN + GAP + (int)i * (width + GAP);

		if (columns[i].box)
			put_column(d, columns[i].box, x, BAND + 34, width);
		else
			put_missing(d, columns[i].missing, x, BAND + 34, width);
	}
	return bottom;
}

static void put_kernel(struct drawing *d, int y)
{
	const struct point from = { WIDTH / 2, y }, to = { WIDTH / 2, y + 50 };

	str_addf(d->out, "<path class=\"way\" d=\"M%d %dL%d %d\"/>\n", from.x, from.y, to.x, to.y);
	put_tip(d, from, to);
	put_badge(d, (struct point){ from.x, y + 22 }, explain_edge_number(d->explain, EDGE_CALLS));
	put_text(d, "dim", from.x + 16, y + 26, SIZE, "calls that filters let through; time, caches, contention", 440);
	put_box(d, "panel", MARGIN, y + 50, WIDTH - 2 * MARGIN, 40);
	put_text(d, "title", MARGIN + 14, y + 75, TITLE, "the host's kernel: shared by all of the above", WIDTH - 2 * MARGIN - 28);
}

void explain_draw(const struct explain *explain, struct str *out)
{
	OWN(str) body = STR_NONE;
	struct drawing d = { .explain = explain, .out = &body };
	int height;

	put_outside(&d);
	put_service(&d);
	height = put_boxes(&d);
	put_kernel(&d, height);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		put_way(&d, &ways[i]);
	height += 110;
	str_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 %d %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n"
		 "<title>Who stands where, and what crosses</title>\n", TOP, WIDTH, height - TOP, WIDTH, height - TOP);
	str_addf(out, "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n", WIDTH, height);
	str_add_bytes(out, body.at, body.len);
	str_add(out, "</svg>\n");
}
