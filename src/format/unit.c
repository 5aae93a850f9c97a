/* Reads assignments line by line. Knows no key. */
#include "format/unit.h"

#include <inttypes.h>
#include <string.h>

static const char blanks[] = " \t\n\r";

int unit_init(struct unit *unit, const char *name, const char *text, size_t len, struct err *e)
{
	if (len > UNIT_BYTES)
		return err_set(e, ERR_LIMIT, "%.100s: longer than 1 MiB; no unit is", name);
	if (len && memchr(text, '\0', len))
		return err_set(e, ERR_USAGE, "%.100s: a zero byte; that is no text", name);
	*unit = (struct unit){ .name = name, .at = text, .end = text + len, .line = 1 };
	return 0;
}

void unit_done(struct unit *unit)
{
	str_done(&unit->section);
	str_done(&unit->key);
	str_done(&unit->value);
}

/* Sets it without the blanks at both ends. */
static void set(struct str *str, const char *text, size_t len)
{
	for (; len && strchr(blanks, *text); len--)
		text++;
	while (len && strchr(blanks, text[len - 1]))
		len--;
	str_done(str);
	str_add_bytes(str, text, len);
}

/* The next physical line from its first letter on, without its end; false when there is none. A blank behind
 * a backslash counts: such a line does not go on. */
static bool next_line(struct unit *unit, const char **line, size_t *len)
{
	const char *newline;

	if (unit->at == unit->end)
		return false;
	newline = memchr(unit->at, '\n', (size_t)(unit->end - unit->at));
	*line = unit->at;
	*len = (size_t)((newline ? newline : unit->end) - unit->at);
	for (; *len && strchr(blanks, **line); --*len)
		++*line;
	unit->at = newline ? newline + 1 : unit->end;
	unit->line++;
	return true;
}

static bool goes_on(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && line[len - 1 - n] == '\\')
		n++;
	return n % 2;
}

static bool is_comment(const char *line, size_t len)
{
	return len && (*line == '#' || *line == ';');
}

/* What follows a line that ends in a backslash. Comments on the way are passed over. */
static void add_rest(struct unit *unit)
{
	const char *line;
	size_t len;

	while (next_line(unit, &line, &len)) {
		const bool more = goes_on(line, len);

		str_add(&unit->value, "\n");
		if (is_comment(line, len))
			continue;
		str_add_bytes(&unit->value, line, len - more);
		if (!more)
			break;
	}
	while (unit->value.len && strchr(blanks, unit->value.at[unit->value.len - 1]))
		unit->value.at[--unit->value.len] = '\0';
}

static int fail(const struct unit *unit, uint32_t line, const char *what, struct err *e)
{
	return err_set(e, ERR_USAGE, "%.100s:%" PRIu32 ": %s", unit->name, line, what);
}

static bool take_section(struct unit *unit, const char *line, size_t len)
{
	while (len && strchr(blanks, line[len - 1]))
		len--;
	if (line[len - 1] != ']')
		return false;
	set(&unit->section, line + 1, len - 2);
	return true;
}

static void take_entry(struct unit *unit, const char *line, size_t len, const char *equals)
{
	const char *value = equals + 1;
	const bool more = goes_on(line, len);
	const size_t value_len = (size_t)(line + len - value) - more;

	set(&unit->key, line, (size_t)(equals - line));
	set(&unit->value, value, value_len);
	if (more)
		add_rest(unit);
}

int unit_next(struct unit *unit, struct unit_entry *out, struct err *e)
{
	const char *line;
	size_t len;

	while (next_line(unit, &line, &len)) {
		const char *const equals = len ? memchr(line, '=', len) : NULL;

		out->line = unit->line - 1;
		if (!len || is_comment(line, len))
			continue;
		if (*line == '[') {
			if (!take_section(unit, line, len))
				return fail(unit, out->line, "a section without ']'", e);
			continue;
		}
		if (!equals || equals == line)
			return fail(unit, out->line, "no assignment; write KEY=VALUE", e);
		if (!unit->section.len)
			return fail(unit, out->line, "an assignment outside of all sections", e);
		take_entry(unit, line, len, equals);
		out->section = str_text(&unit->section);
		out->key = str_text(&unit->key);
		out->value = str_text(&unit->value);
		for (; *out->value && strchr(blanks, *out->value); out->value++)
			out->line += *out->value == '\n';
		return 1;
	}
	return 0;
}

bool unit_word(const char **value, uint32_t *line, char *word, size_t cap)
{
	const char *start;
	size_t len;

	for (; **value && strchr(blanks, **value); ++*value)
		*line += **value == '\n';
	if (!**value)
		return false;
	start = *value;
	len = strcspn(start, blanks);
	*value += len;
	if (len > 1 && *start == '"' && start[len - 1] == '"') {
		start++;
		len -= 2;
	}
	len = len < cap ? len : cap - 1;
	memcpy(word, start, len);
	word[len] = '\0';
	return true;
}
