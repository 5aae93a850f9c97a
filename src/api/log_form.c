/* Reads a line back and writes its members otherwise. Invents no member but the journal's own. */
#include "api/log_form.h"

#include <ctype.h>
#include <endian.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/mem.h"

enum { NAME_MAX_LEN = 64, TIME_AT = 11, TIME_LEN = 12 /* of "2026-11-21T18:00:00.250Z" */ };

static const struct level {
	const char *name, *code, *priority;
} levels[] = {
	{ "error", "\033[31m", "3" }, { "warning", "\033[33m", "4" }, { "info", "", "6" }, { "debug", "\033[2m", "7" },
};

static const struct level *level_of(const json_t *line)
{
	const char *const name = json_string_value(json_object_get(line, "level"));

	for (size_t i = 0; name && i < ARRAY_SIZE(levels); i++)
		if (strcmp(name, levels[i].name) == 0)
			return &levels[i];
	return &levels[2];
}

static const char *text_of(const json_t *line, const char *name)
{
	const char *const text = json_string_value(json_object_get(line, name));

	return text ? text : "";
}

/* What stands in every line, and has a place of its own. */
static bool is_head(const char *name)
{
	return strcmp(name, "t") == 0 || strcmp(name, "level") == 0 || strcmp(name, "event") == 0 || strcmp(name, "text") == 0;
}

static bool is_plain(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f || *text == '"' || *text == '=' || *text == '\\')
			return false;
	return true;
}

/* Strings that are plain words as they are; all else as JSON, in ASCII. */
static void add_value(const json_t *value, struct str *out)
{
	char *dumped;

	if (json_is_string(value) && is_plain(json_string_value(value))) {
		str_add(out, json_string_value(value));
		return;
	}
	dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT);
	/* DEL is a control as well, and JSON does not escape it. */
	if (dumped)
		clean_add(out, dumped);
	free(dumped);
}

static void add_members(json_t *line, struct str *out)
{
	const char *name;
	json_t *value;

	json_object_foreach(line, name, value) {
		if (is_head(name))
			continue;
		str_add(out, out->len ? " " : "");
		clean_add(out, name);
		str_add(out, "=");
		add_value(value, out);
	}
}

void log_form_text(const char *text, bool colour, struct str *out)
{
	json_t *const line = json_loads(text, 0, NULL);
	const struct level *const level = level_of(line);
	OWN(str) members = STR_NONE;

	if (!json_is_object(line)) {
		clean_add(out, text);
		str_add(out, "\n");
		json_decref(line);
		return;
	}
	add_members(line, &members);
	if (strlen(text_of(line, "t")) >= TIME_AT + TIME_LEN)
		str_add_bytes(out, text_of(line, "t") + TIME_AT, TIME_LEN);
	str_addf(out, " %s%-7s%s ", colour ? level->code : "", level->name, colour && *level->code ? "\033[0m" : "");
	clean_add(out, text_of(line, "event"));
	if (*text_of(line, "text")) {
		str_add(out, ": ");
		clean_add(out, text_of(line, "text"));
	}
	if (members.len) {
		str_add(out, "  ");
		str_add_bytes(out, members.at, members.len);
	}
	str_add(out, "\n");
	json_decref(line);
}

static void add_field(struct str *out, const char *name, const char *value, size_t len)
{
	const uint64_t size = htole64(len);

	str_add(out, name);
	if (!memchr(value, '\n', len)) {
		str_add(out, "=");
	} else {
		str_add(out, "\n");
		str_add_bytes(out, (const char *)&size, sizeof(size));
	}
	str_add_bytes(out, value, len);
	str_add(out, "\n");
}

/* "job" is WARD_JOB. Names of the journal's are letters, digits and underscores, and not long. */
static void add_member(struct str *out, const char *name, const json_t *value)
{
	char field[NAME_MAX_LEN + 1] = "WARD_";
	OWN(str) text = STR_NONE;
	size_t n = strlen(field);

	for (; *name && n < NAME_MAX_LEN; name++)
		field[n++] = (char)(isalnum((unsigned char)*name) ? toupper((unsigned char)*name) : '_');
	field[n] = '\0';
	if (json_is_string(value))
		str_add_bytes(&text, json_string_value(value), json_string_length(value));
	else
		add_value(value, &text);
	add_field(out, field, str_text(&text), text.len);
}

void log_form_journal(const char *text, struct str *out)
{
	json_t *const line = json_loads(text, 0, NULL);
	OWN(str) message = STR_NONE;
	const char *name;
	json_t *value;

	if (json_is_object(line)) {
		str_add(&message, text_of(line, "event"));
		str_add(&message, *text_of(line, "text") ? ": " : "");
		str_add(&message, text_of(line, "text"));
	} else {
		str_add(&message, text);
	}
	add_field(out, "MESSAGE", str_text(&message), message.len);
	add_field(out, "PRIORITY", level_of(line)->priority, 1);
	add_field(out, "SYSLOG_IDENTIFIER", "ward-serve", strlen("ward-serve"));
	if (json_is_object(line))
		json_object_foreach(line, name, value)
			if (strcmp(name, "t") != 0 && strcmp(name, "level") != 0 && strcmp(name, "text") != 0)
				add_member(out, name, value);
	json_decref(line);
}
