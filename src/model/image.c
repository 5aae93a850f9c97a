/* Reads and writes image.json. Refuses what it does not know: somebody will run what is described there. */
#include "model/image.h"

#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"

#define SCHEMA "ward.image.1"

static const char *const formats[IMAGE_FORMATS] = { "dir", "squashfs", "erofs" };

const char *image_format_name(enum image_format format)
{
	return formats[format];
}

enum image_format image_format_find(const char *name)
{
	enum image_format format = 0;

	while (format < IMAGE_FORMATS && strcmp(formats[format], name) != 0)
		format++;
	return format;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* One word: how many bytes of it are good. */
static size_t word(const char *text, const char *others)
{
	size_t n = 0;

	while (is_plain(text[n]) || (n && text[n] && strchr(others, text[n])))
		n++;
	return n;
}

bool image_name_is_good(const char *name)
{
	const size_t n = word(name, "._+-");

	return n && n <= 64 && !name[n];
}

bool image_packages_are_good(const char *list)
{
	for (;; list++) {
		const size_t n = word(list, "+-.");

		if (n < 2)
			return false;
		list += n;
		if (*list != ',')
			return !*list;
	}
}

void image_write(const struct image *image, struct str *out)
{
	OWN(json) json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "schema", SCHEMA);
	json_put_text(&json, "format", formats[image->format]);
	json_put_text(&json, "suite", image->suite);
	json_put_text(&json, "packages", image->packages);
	json_put_text(&json, "sha256", image->digest);
	json_put_u64(&json, "bytes", image->bytes);
	json_put_end(&json);
	json_put_line(&json);
	str_add_bytes(out, json.out.at, json.out.len);
}

static const char *text_of(json_t *object, const char *key, struct arena *arena)
{
	json_t *const value = json_object_get(object, key);

	return json_is_string(value) ? arena_copy(arena, json_string_value(value), json_string_length(value)) : NULL;
}

static int take(const char *name, json_t *object, struct arena *arena, struct image *out, struct err *e)
{
	const char *const schema = text_of(object, "schema", arena), *const format = text_of(object, "format", arena);
	struct image image = {
		.suite = text_of(object, "suite", arena), .packages = text_of(object, "packages", arena),
		.digest = text_of(object, "sha256", arena),
	};
	json_t *const bytes = json_object_get(object, "bytes");
	struct digest digest;

	if (!schema || strcmp(schema, SCHEMA) != 0)
		return err_set(e, ERR_UNSUPPORTED, "%.200s: not of the schema " SCHEMA, name);
	image.format = format ? image_format_find(format) : IMAGE_FORMATS;
	if (image.format == IMAGE_FORMATS || !image.suite || !image_name_is_good(image.suite) || !image.packages ||
	    !image_packages_are_good(image.packages) || !image.digest || !digest_read(image.digest, strlen(image.digest), &digest) ||
	    !json_is_integer(bytes) || json_integer_value(bytes) < 0)
		return err_set(e, ERR_USAGE, "%.200s: a member is missing or not what it must be; build the image anew", name);
	image.bytes = (uint64_t)json_integer_value(bytes);
	*out = image;
	return 0;
}

int image_read(const char *name, const char *text, size_t len, struct arena *arena, struct image *out, struct err *e)
{
	json_error_t fault;
	json_t *object;
	int status;

	if (len > IMAGE_BYTES)
		return err_set(e, ERR_LIMIT, "%.200s: larger than %u bytes", name, IMAGE_BYTES);
	object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &fault);
	if (!object)
		return err_set(e, ERR_USAGE, "%.200s:%d:%d: not JSON; build the image anew", name, fault.line, fault.column);
	status = take(name, object, arena, out, e);
	json_decref(object);
	return status;
}
