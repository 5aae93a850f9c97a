/* Tables of fields over jansson's values, and faults with their place (RFC 6901). */
#include "serve/job_fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "serve/job_json.h"

#define WORDS_MOST ((size_t)64 << 10)

/* From the outermost on. The depth is bounded by JOB_DEPTH. */
static void put_pointer(struct str *out, const struct pointer *at)
{
	const struct pointer *chain[JOB_DEPTH];
	size_t n = 0;

	for (; at->up && n < ARRAY_SIZE(chain); at = at->up)
		chain[n++] = at;
	while (n-- > 0) {
		if (!chain[n]->key) {
			str_addf(out, "/%zu", chain[n]->index);
			continue;
		}
		str_add(out, "/");
		for (const char *c = chain[n]->key; *c; c++)
			if (*c == '~' || *c == '/')
				str_add(out, *c == '~' ? "~0" : "~1");
			else
				str_add_bytes(out, c, 1);
	}
}

int fields_fault(struct reading *r, const struct pointer *at, const char *code, const char *format, ...)
{
	char text[sizeof(r->fault->detail)];
	OWN(str) field = { .max = sizeof(r->fault->field) - 1 };
	struct err clean = ERR_INIT;    /* has no control bytes */
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_pointer(&field, at);
	r->fault->code = code;
	err_set(&clean, ERR_USAGE, "%s", str_text(&field));
	snprintf(r->fault->field, sizeof(r->fault->field), "%.*s", (int)sizeof(r->fault->field) - 1, clean.text);
	err_set(&clean, ERR_USAGE, "%s", text);
	snprintf(r->fault->detail, sizeof(r->fault->detail), "%s", clean.text);
	return -1;
}

static int unknown(struct reading *r, const struct pointer *at, const struct field *fields, size_t n)
{
	struct str_near near = STR_NEAR(at->key);
	const char *best;

	for (size_t i = 0; i < n; i++)
		str_near_offer(&near, fields[i].name);
	best = str_near_best(&near);
	return best ? fields_fault(r, at, "unknown_field", "there is no field \"%.64s\" here; did you mean \"%s\"?", at->key, best)
		    : fields_fault(r, at, "unknown_field", "there is no field \"%.64s\" here", at->key);
}

int fields_read(struct reading *r, const struct pointer *at, json_t *object, const struct field *fields, size_t n, void *into)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return fields_fault(r, at, "invalid_value", "must be an object");
	json_object_foreach (object, key, value) {
		const struct pointer inside = { at, key, 0 };
		size_t i = 0;

		while (i < n && strcmp(fields[i].name, key))
			i++;
		if (i == n)
			return unknown(r, &inside, fields, n);
		if (fields[i].read(r, &inside, value, into) < 0)
			return -1;
	}
	return 0;
}

int fields_list(struct reading *r, const struct pointer *at, json_t *value, const struct list *list, void **out, size_t *n)
{
	const size_t count = json_array_size(value);
	char *items;

	if (!json_is_array(value))
		return fields_fault(r, at, "invalid_value", "must be an array");
	if (count < list->least || count > list->most)
		return fields_fault(r, at, "invalid_value", "must have %zu to %zu elements, not %zu", list->least, list->most, count);
	/* One more than counted: an argv ends with a NULL. */
	items = arena_alloc(r->arena, (count + 1) * list->size);
	for (size_t i = 0; i < count; i++) {
		const struct pointer inside = { at, NULL, i };

		if (list->read(r, &inside, json_array_get(value, i), items + i * list->size) < 0)
			return -1;
	}
	*out = items;
	*n = count;
	return 0;
}

int fields_text(struct reading *r, const struct pointer *at, json_t *value, size_t least, size_t most, const char **out)
{
	const size_t len = json_string_length(value);

	if (!json_is_string(value))
		return fields_fault(r, at, "invalid_value", "must be a string");
	if (len < least || len > most)
		return fields_fault(r, at, "invalid_value", "must have %zu to %zu bytes, not %zu", least, most, len);
	*out = arena_copy(r->arena, json_string_value(value), len);
	return 0;
}

int fields_number(struct reading *r, const struct pointer *at, json_t *value, uint64_t least, uint64_t most, uint64_t *out)
{
	const json_int_t number = json_integer_value(value);

	if (!json_is_integer(value))
		return fields_fault(r, at, "invalid_value", "must be a whole number");
	if (number < 0 || (uint64_t)number < least)
		return fields_fault(r, at, "invalid_value", "must be at least %" PRIu64, least);
	if ((uint64_t)number > most)
		return fields_fault(r, at, "limit_above_ceiling", "must be at most %" PRIu64, most);
	*out = (uint64_t)number;
	return 0;
}

/* Brackets outside of strings: jansson would go 2,048 levels deep, by recursion. */
static bool is_shallow(const char *json, size_t len)
{
	size_t depth = 0;
	bool in_text = false;

	for (size_t i = 0; i < len; i++) {
		if (in_text && json[i] == '\\')
			i++;
		else if (json[i] == '"')
			in_text = !in_text;
		else if (!in_text && (json[i] == '{' || json[i] == '[') && ++depth > JOB_DEPTH)
			return false;
		else if (!in_text && (json[i] == '}' || json[i] == ']') && depth > 0)
			depth--;
	}
	return true;
}

/* jansson has words for what is wrong, but takes a byte at a time: it is asked about what is short. */
static void say_fault(struct reading *r, const char *json, size_t len, size_t at)
{
	const struct pointer whole = { .up = NULL };
	size_t line = 1, from = 0;
	json_error_t error;
	json_t *const root = len > WORDS_MOST ? NULL : json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);

	json_decref(root); /* it would be one */
	if (len <= WORDS_MOST && !root) {
		fields_fault(r, &whole, "invalid_json", "line %d, column %d: %s", error.line, error.column, error.text);
		return;
	}
	for (size_t i = 0; i < at; i++)
		if (json[i] == '\n') {
			line++;
			from = i + 1;
		}
	fields_fault(r, &whole, "invalid_json", "line %zu, column %zu: this is no JSON, or a name that is there already", line, at - from + 1);
}

json_t *fields_parse(struct reading *r, const char *json, size_t len, size_t most)
{
	const struct pointer whole = { .up = NULL };
	struct job_json_end ended;
	json_t *const root = job_json_read(json, len, most, &ended);

	if (root)
		return root;
	if (ended.is_full)
		fields_fault(r, &whole, "invalid_json", "more than %zu values", most);
	else if (!is_shallow(json, len))
		fields_fault(r, &whole, "invalid_json", "more than %d levels deep", JOB_DEPTH);
	else
		say_fault(r, json, len, ended.at);
	return NULL;
}
