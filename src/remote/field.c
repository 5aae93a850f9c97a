/* Reads single members. An answer without them is an answer with nothing in it. */
#include "remote/field.h"

#include <string.h>

#define ID_MAX 64

const char *field_text(const json_t *object, const char *name)
{
	const char *const text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

bool field_is_id(const char *text)
{
	const size_t len = strlen(text);

	return len && len <= ID_MAX && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}
