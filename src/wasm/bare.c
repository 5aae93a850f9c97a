/* Copies sections as they are but for one that it writes itself. The caller has read the module: a section that does
 * not end where it says is a mistake of ours.
 * Source: WebAssembly Core Specification 1.0, section 5.5 (modules) */
#include "wasm/bare.h"

#include <stdio.h>
#include <string.h>

#include "wasm/cursor.h"

enum { CUSTOM = 0, EXPORTS = 7, MAGIC_BYTES = 8 };

static void put_number(struct str *out, uint64_t n)
{
	do {
		const char byte = (char)((n & 127) | (n > 127 ? 128 : 0));

		str_add_bytes(out, &byte, 1);
		n >>= 7;
	} while (n);
}

static void put_export(struct str *out, const char *name, enum wasm_kind kind, uint32_t index)
{
	put_number(out, strlen(name));
	str_add(out, name);
	put_number(out, kind);
	put_number(out, index);
}

const struct wasm_export *bare_memory(const struct wasm_module *says)
{
	const struct wasm_export *const memory = wasm_find_export(says, "memory");

	return memory && memory->kind == WASM_MEMORY ? memory : NULL;
}

static void put_exports(struct str *out, const struct wasm_module *says)
{
	const struct wasm_export *const memory = bare_memory(says);
	OWN(str) body = STR_NONE;
	size_t n = memory ? 1 : 0;
	char name[24];

	for (size_t i = 0; i < says->n_exports; i++)
		n += says->exports[i].kind == WASM_FUNCTION;
	put_number(&body, n);
	for (size_t i = 0; i < says->n_exports; i++) {
		snprintf(name, sizeof(name), "e%zu", i);
		if (says->exports[i].kind == WASM_FUNCTION)
			put_export(&body, name, WASM_FUNCTION, says->exports[i].index);
	}
	if (memory)
		put_export(&body, "memory", WASM_MEMORY, memory->index);
	put_number(out, EXPORTS);
	put_number(out, body.len);
	str_add_bytes(out, str_text(&body), body.len);
}

int bare_write(const uint8_t *bytes, size_t len, const struct wasm_module *says, struct str *out, struct err *e)
{
	struct cursor in = { .bytes = bytes, .at = MAGIC_BYTES, .end = len };

	out->max = len + ((size_t)1 << 20); /* names of exports become numbers, and shorter ones longer */
	str_add_bytes(out, (const char *)bytes, MAGIC_BYTES);
	while (in.at < len) {
		const size_t begin = in.at;
		const uint8_t number = cursor_byte(&in);
		const uint64_t size = cursor_number(&in, 32);

		if (in.bad || size > len - in.at)
			return err_set(e, ERR_BUG, "a section at byte %zu that was read before ends elsewhere", begin);
		in.at += size;
		if (number == EXPORTS)
			put_exports(out, says);
		else if (number != CUSTOM)
			str_add_bytes(out, (const char *)bytes + begin, in.at - begin);
	}
	return out->cut ? err_set(e, ERR_LIMIT, "a module of %zu bytes", len) : 0;
}
