/* Reads options and describes them, from the same rows. Refuses abbreviations: a script that uses
 * one breaks when an option is added. */
#include "base/opt.h"

#include <string.h>

#define WIDTH       80
#define HELP_COLUMN 28

static const struct opt *find_long(const struct opt_reader *reader, const char *name, size_t len)
{
	for (size_t i = 0; i < reader->n; i++) {
		const struct opt *const opt = &reader->table[i];

		if (opt->name && strncmp(opt->name, name, len) == 0 && !opt->name[len])
			return opt;
	}
	return NULL;
}

static const struct opt *find_letter(const struct opt_reader *reader, char letter)
{
	for (size_t i = 0; i < reader->n; i++)
		if (reader->table[i].name && reader->table[i].letter == letter)
			return &reader->table[i];
	return NULL;
}

static int refuse_long(const struct opt_reader *reader, const char *name, size_t len, struct err *e)
{
	char wanted[64] = "";
	struct str_near near = STR_NEAR(wanted);

	if (len < sizeof(wanted))
		memcpy(wanted, name, len);
	for (size_t i = 0; *wanted && i < reader->n; i++)
		if (reader->table[i].name)
			str_near_offer(&near, reader->table[i].name);
	if (*wanted && str_near_best(&near))
		return err_set(e, ERR_USAGE, "unknown option --%s (did you mean --%s?)", wanted,
			       str_near_best(&near));
	return err_set(e, ERR_USAGE, "unknown option --%.*s", len > 80 ? 80 : (int)len, name);
}

/* The argument of an option that has not got it yet: the next word, whatever it is. */
static int take_word(struct opt_reader *reader, struct opt_hit *hit, struct err *e)
{
	hit->value = reader->argv[reader->at];
	if (!hit->value)
		return err_set(e, ERR_USAGE, "--%s needs an argument: --%s=%s", hit->opt->name,
			       hit->opt->name, hit->opt->arg);
	reader->at++;
	return 1;
}

static int read_long(struct opt_reader *reader, const char *name, struct opt_hit *hit,
		     struct err *e)
{
	const size_t len = strcspn(name, "=");

	*hit = (struct opt_hit){ .opt = find_long(reader, name, len) };
	if (!hit->opt)
		return refuse_long(reader, name, len, e);
	if (name[len] && hit->opt->kind == OPT_FLAG)
		return err_set(e, ERR_USAGE, "--%s takes no argument", hit->opt->name);
	if (name[len])
		hit->value = name + len + 1;
	else if (hit->opt->kind == OPT_VALUE)
		return take_word(reader, hit, e);
	return 1;
}

static int read_short(struct opt_reader *reader, struct opt_hit *hit, struct err *e)
{
	const char letter = *reader->cluster++;

	*hit = (struct opt_hit){ .opt = find_letter(reader, letter) };
	if (!hit->opt)
		return err_set(e, ERR_USAGE, "unknown option -%c", letter);
	if (hit->opt->kind == OPT_VALUE && *reader->cluster) {
		hit->value = reader->cluster;
		reader->cluster = NULL;
		return 1;
	}
	if (!*reader->cluster)
		reader->cluster = NULL;
	return hit->opt->kind == OPT_VALUE ? take_word(reader, hit, e) : 1;
}

int opt_next(struct opt_reader *reader, struct opt_hit *hit, struct err *e)
{
	const char *const word = reader->argv[reader->at];

	if (reader->cluster)
		return read_short(reader, hit, e);
	if (!word || word[0] != '-' || !word[1])
		return 0;
	reader->at++;
	if (word[1] != '-') {
		reader->cluster = word + 1;
		return read_short(reader, hit, e);
	}
	return word[2] ? read_long(reader, word + 2, hit, e) : 0;
}

/* The first row of a group prints it; groups are few, so looking back is cheap. */
static bool is_first_of_group(const struct opt *table, size_t at)
{
	if (!table[at].name)
		return false;
	for (size_t i = 0; i < at; i++)
		if (table[i].name && strcmp(table[i].group, table[at].group) == 0)
			return false;
	return true;
}

static bool is_in_group(const struct opt *opt, const char *group)
{
	return opt->name && strcmp(opt->group, group) == 0;
}

void opt_wrap(struct str *out, const char *text, size_t indent)
{
	const char *const last = out->at ? memrchr(out->at, '\n', out->len) : NULL;
	size_t column = out->len - (last ? (size_t)(last - out->at) + 1 : 0);
	bool is_start = true;

	for (const char *p = text; *p; p += strspn(p, " ")) {
		const size_t len = strcspn(p, " ");

		if (!is_start && column + 1 + len > WIDTH) {
			str_add(out, "\n");
			if (indent)
				str_pad(out, indent); /* which adds one space at least */
			column = indent;
		} else if (!is_start) {
			str_add(out, " ");
			column++;
		}
		str_add_bytes(out, p, len);
		column += len;
		is_start = false;
		p += len;
	}
	str_add(out, "\n");
}

static void help_row(const struct opt *opt, struct str *out)
{
	const size_t start = out->len;

	if (opt->letter)
		str_addf(out, "  -%c, --%s", opt->letter, opt->name);
	else
		str_addf(out, "      --%s", opt->name);
	if (opt->kind != OPT_FLAG)
		str_addf(out, opt->kind == OPT_MAYBE ? "[=%s]" : "=%s", opt->arg);
	if (out->len - start >= HELP_COLUMN)
		str_add(out, "\n");
	str_pad(out, HELP_COLUMN);
	opt_wrap(out, opt->help, HELP_COLUMN);
}

void opt_help(const struct opt *table, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_first_of_group(table, i))
			continue;
		str_addf(out, "\n%s:\n", table[i].group);
		for (size_t j = i; j < n; j++)
			if (is_in_group(&table[j], table[i].group))
				help_row(&table[j], out);
	}
}

/* A dash that begins a word is an option's and must stay a dash; the others are hyphens. */
static void man_text(const char *text, struct str *out)
{
	char before = ' ';

	for (const char *p = text; *p; before = *p++) {
		if (*p == '\\')
			str_add(out, "\\e");
		else if (*p == '-' && (before == ' ' || before == '-' || before == '`'))
			str_add(out, "\\-");
		else
			str_add_bytes(out, p, 1);
	}
}

static void man_row(const struct opt *opt, struct str *out)
{
	str_add(out, ".It ");
	if (opt->letter)
		str_addf(out, "Fl %c , ", opt->letter);
	str_addf(out, "Fl -%s", opt->name);
	if (opt->kind == OPT_VALUE)
		str_addf(out, " Ns = Ns Ar %s", opt->arg);
	if (opt->kind == OPT_MAYBE)
		str_addf(out, " Ns Op = Ns Ar %s", opt->arg);
	str_add(out, "\n\\&");
	man_text(opt->help, out);
	str_add(out, ".\n");
}

void opt_man(const struct opt *table, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_first_of_group(table, i))
			continue;
		str_addf(out, ".Ss %s\n.Bl -tag -width Ds\n", table[i].group);
		for (size_t j = i; j < n; j++)
			if (is_in_group(&table[j], table[i].group))
				man_row(&table[j], out);
		str_add(out, ".El\n");
	}
}

void opt_words(const struct opt *table, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++) {
		if (!table[i].name)
			continue;
		str_addf(out, "%s--%s", out->len ? " " : "", table[i].name);
		if (table[i].letter)
			str_addf(out, " -%c", table[i].letter);
	}
}
