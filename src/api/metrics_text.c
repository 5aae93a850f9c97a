/* Every number is written with digits of our own: a locale has no say in it. */
#include "api/metrics_text.h"

#include <inttypes.h>

void metrics_family(struct str *out, const char *name, const char *type, const char *help)
{
	str_addf(out, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

/* Backslash, quote and line feed have a form of their own; other controls have none, and are left out. */
static void add_value(struct str *out, const char *value)
{
	for (const char *c = value; *c; c++) {
		if (*c == '\n')
			str_add(out, "\\n");
		else if (*c == '\\' || *c == '"')
			str_addf(out, "\\%c", *c);
		else if ((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f)
			str_add_bytes(out, c, 1);
	}
}

static void add_labels(struct str *out, const struct metrics_label *labels, const char *le)
{
	const char *before = "{";

	for (size_t i = 0; labels && i < METRICS_LABELS && labels[i].name; i++) {
		str_addf(out, "%s%s=\"", before, labels[i].name);
		add_value(out, labels[i].value);
		str_add(out, "\"");
		before = ",";
	}
	if (le)
		str_addf(out, "%sle=\"%s\"", before, le);
	if (le || *before == ',')
		str_add(out, "}");
}

void metrics_number(struct str *out, const char *name, const struct metrics_label labels[METRICS_LABELS], uint64_t n)
{
	str_add(out, name);
	add_labels(out, labels, NULL);
	str_addf(out, " %" PRIu64 "\n", n);
}

void metrics_signed(struct str *out, const char *name, int64_t n)
{
	str_addf(out, "%s %" PRId64 "\n", name, n);
}

static void add_micro(struct str *out, uint64_t micro)
{
	str_addf(out, "%" PRIu64 ".%06u", micro / 1000000, (unsigned)(micro % 1000000));
}

void metrics_micro(struct str *out, const char *name, const struct metrics_label labels[METRICS_LABELS], uint64_t micro)
{
	str_add(out, name);
	add_labels(out, labels, NULL);
	str_add(out, " ");
	add_micro(out, micro);
	str_add(out, "\n");
}

static void add_bucket(struct str *out, const char *name, const struct metrics_label *labels, const char *le, uint64_t n)
{
	str_addf(out, "%s_bucket", name);
	add_labels(out, labels, le);
	str_addf(out, " %" PRIu64 "\n", n);
}

static void add_part(struct str *out, const char *name, const char *part, const struct metrics_label *labels)
{
	str_addf(out, "%s_%s", name, part);
	add_labels(out, labels, NULL);
	str_add(out, " ");
}

void metrics_hist(struct str *out, const char *name, const struct metrics_label labels[METRICS_LABELS], const struct hist *hist)
{
	uint64_t below = 0;

	for (size_t i = 0; i < HIST_BOUNDS; i++) {
		OWN(str) le = STR_NONE;

		below += hist->n[i];
		add_micro(&le, hist_bound_us(i));
		add_bucket(out, name, labels, str_text(&le), below);
	}
	add_bucket(out, name, labels, "+Inf", hist->total);
	add_part(out, name, "sum", labels);
	add_micro(out, hist->sum_us);
	str_add(out, "\n");
	add_part(out, name, "count", labels);
	str_addf(out, "%" PRIu64 "\n", hist->total);
}
