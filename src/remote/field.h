/* Members of an answer that may lack them. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* A text of an object, "" when there is none. Borrowed. */
const char *field_text(const json_t *object, const char *name);

/* True for what may be a job's id: it becomes a part of a path, and is printed. */
bool field_is_id(const char *text);
