/* Assembles a WebAssembly module that makes attempts by its WASI calls. Knows as much of the binary format as that
 * takes: no control flow but blocks, one function, one memory.
 * Source: WebAssembly Core Specification 1.0, section 5 (binary format). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "judge/guest.h"

/* What the rows of guest.def count on: a record's vector at 0, how much was written at 8, one byte as a vector at
 * 16, room for 16 bytes as a vector at 32, and answers at @. Texts follow. */
enum { AT_BYTE = 16, AT_ROOM = 32, AT_ANSWER = 64, AT_SPACE = 128, AT_TEXTS = 1024 };
enum { TYPE_I32 = 0x7f, TYPE_I64 = 0x7e };
#define MEMORY_PAGES 4
#define IMPORTS 64

static const struct row {
	const char *id, *steps;
} rows[] = {
#define GUEST(id, group, claims, steps, ...) { id, steps },
#include "probe/guest.def"
#undef GUEST
};

static const struct wasi_import {
	const char *name, *words;
} calls[] = {
#define CALL(name, parameters, arguments, words) { #name, words },
#include "wasi/calls.def"
#undef CALL
};

/* The number of Linux of each of WASI's, as three digits. ENOTCAPABLE has none: the nearest is EPERM. */
static const int numbers[] = {
#define E(name, number) number,
#include "wasi/errno.def"
#undef E
};

struct assembling {
	const struct guest_scene *scene;
	struct str code, texts;
	const struct wasi_import *imports[IMPORTS];
	size_t n_imports;
	const char *strange, *strange_name; /* an import that is not WASI's */
	size_t strange_len, strange_name_len;
	uint32_t at_numbers;
};

static void put_byte(struct str *out, unsigned byte)
{
	const char c = (char)byte;

	str_add_bytes(out, &c, 1);
}

static void put_leb(struct str *out, uint64_t n)
{
	for (; n > 127; n >>= 7)
		put_byte(out, (unsigned)(n & 127) | 128);
	put_byte(out, (unsigned)n);
}

static void put_signed(struct str *out, int64_t n)
{
	for (; n < -64 || n > 63; n >>= 7)
		put_byte(out, (unsigned)(n & 127) | 128);
	put_byte(out, (unsigned)(n & 127));
}

static void put_name(struct str *out, const char *name, size_t len)
{
	put_leb(out, len);
	str_add_bytes(out, name, len);
}

static void put_section(struct str *out, unsigned number, const struct str *body)
{
	put_byte(out, number);
	put_leb(out, body->len);
	str_add_bytes(out, str_text(body), body->len);
}

static void put_const(struct assembling *a, int64_t n)
{
	put_byte(&a->code, 0x41);
	put_signed(&a->code, (int32_t)(uint32_t)n);
}

static uint32_t keep_text(struct assembling *a, const char *text, size_t len)
{
	const uint32_t at = AT_TEXTS + (uint32_t)a->texts.len;

	str_add_bytes(&a->texts, text, len);
	return at;
}

/* The number of an import, which is added with its first use. */
static size_t import(struct assembling *a, const char *name, size_t len)
{
	for (size_t i = 0; i < a->n_imports; i++)
		if (strlen(a->imports[i]->name) == len && memcmp(a->imports[i]->name, name, len) == 0)
			return i;
	for (size_t i = 0; i < ARRAY_SIZE(calls) && a->n_imports < IMPORTS; i++)
		if (strlen(calls[i].name) == len && memcmp(calls[i].name, name, len) == 0) {
			a->imports[a->n_imports] = &calls[i];
			return a->n_imports++;
		}
	abort(); /* the table names a call that WASI has not */
}

/* Writes len bytes of memory to standard output. */
static void put_record(struct assembling *a, uint32_t at, size_t len)
{
	static const char store[] = { 0x36, 2, 0 }; /* i32.store */

	put_const(a, 0);
	put_const(a, at);
	str_add_bytes(&a->code, store, sizeof(store));
	put_const(a, 4);
	put_const(a, (int64_t)len);
	str_add_bytes(&a->code, store, sizeof(store));
	for (size_t i = 0; i < 4; i++)
		put_const(a, (const int[]){ 1, 0, 1, 8 }[i]);
	put_byte(&a->code, 0x10);
	put_leb(&a->code, import(a, "fd_write", 8));
	put_byte(&a->code, 0x1a); /* drop */
}

static void put_line(struct assembling *a, const struct str *line)
{
	put_record(a, keep_text(a, str_text(line), line->len), line->len);
}

/* "P id refused 000 -", with the digits of local 0 put in first. */
static void put_refused(struct assembling *a, const char *id)
{
	static const char load[] = { 0x2d, 0, 0 }, store[] = { 0x3a, 0, 0 }; /* i32.load8_u, i32.store8 */
	OWN(str) line = STR_NONE;
	uint32_t at, digits;

	str_addf(&line, "P %s refused ", id);
	digits = (uint32_t)line.len;
	str_add(&line, "000 -\n");
	at = keep_text(a, str_text(&line), line.len);
	for (uint32_t i = 0; i < 3; i++) {
		put_const(a, at + digits + i);
		str_add_bytes(&a->code, "\x20\x00", 2); /* local.get 0 */
		put_const(a, 3);
		str_add_bytes(&a->code, "\x6c", 1); /* i32.mul */
		put_const(a, a->at_numbers + i);
		str_add_bytes(&a->code, "\x6a", 1); /* i32.add */
		str_add_bytes(&a->code, load, sizeof(load));
		str_add_bytes(&a->code, store, sizeof(store));
	}
	put_record(a, at, line.len);
}

/* One word of a step; false at its end. */
static bool take_word(const char **at, const char **word, size_t *len)
{
	while (**at == ' ')
		(*at)++;
	if (!**at || strchr(",;", **at))
		return false;
	*word = *at;
	if (**at == '\'')
		*at = strchr(*at + 1, '\'') + 1;
	else
		*at += strcspn(*at, " ,;");
	*len = (size_t)(*at - *word);
	return true;
}

static void put_argument(struct assembling *a, const char *word, size_t len, char type)
{
	if (*word == '@') {
		put_const(a, AT_ANSWER);
	} else if (*word == '*') {
		put_const(a, AT_ANSWER);
		str_add_bytes(&a->code, "\x28\x02\x00", 3); /* i32.load */
	} else if (*word == '$') {
		put_const(a, word[1] == 'r' ? a->scene->read_fd : a->scene->write_fd);
	} else if (*word == '\'') {
		put_const(a, keep_text(a, word + 1, len - 2));
		put_const(a, (int64_t)len - 2);
	} else if (type == 'I') {
		put_byte(&a->code, 0x42);
		put_signed(&a->code, (int64_t)strtoull(word, NULL, 10));
	} else {
		put_const(a, (int64_t)strtoull(word, NULL, 10));
	}
}

/* A call; its answer is left in local 0 and on the stack. */
static void put_call(struct assembling *a, const char **at, const char *name, size_t name_len)
{
	const size_t number = import(a, name, name_len);
	const char *types = a->imports[number]->words, *word;
	size_t len;

	while (take_word(at, &word, &len)) {
		put_argument(a, word, len, *types);
		types += *word == '\'' ? 2 : 1;
	}
	if (*types)
		abort(); /* the row has too few arguments */
	put_byte(&a->code, 0x10);
	put_leb(&a->code, number);
	str_add_bytes(&a->code, "\x22\x00", 2); /* local.tee 0 */
}

/* Refused, with no number, when the answer is not below. */
static void put_less(struct assembling *a, const char **at)
{
	const char *word;
	size_t len;

	if (!take_word(at, &word, &len))
		abort();
	put_const(a, 0);
	str_add_bytes(&a->code, "\x21\x00", 2); /* local.set 0 */
	put_const(a, AT_ANSWER);
	str_add_bytes(&a->code, "\x29\x03\x00\x42", 4); /* i64.load, i64.const */
	put_signed(&a->code, (int64_t)strtoull(word, NULL, 10));
	str_add_bytes(&a->code, "\x5a", 1); /* i64.ge_u */
}

/* Branches: from inside three blocks, out of the innermost when it is refused, of the next when the scene could
 * not be set. */
static void put_steps(struct assembling *a, const char *at)
{
	const char *name;
	size_t len;

	while (take_word(&at, &name, &len)) {
		if (len == 4 && memcmp(name, "less", 4) == 0)
			put_less(a, &at);
		else
			put_call(a, &at, name, len);
		put_byte(&a->code, 0x0d); /* br_if */
		put_leb(&a->code, *at == ';' ? 1 : 0);
		at += *at != '\0';
	}
}

static void put_attempt(struct assembling *a, const struct row *row)
{
	static const char block[] = { 0x02, 0x40 };
	const bool lacks = (a->scene->write_fd < 0 && strstr(row->steps, "$write")) ||
			   (a->scene->read_fd < 0 && strstr(row->steps, "$read"));
	OWN(str) begin = STR_NONE;
	OWN(str) allowed = STR_NONE;
	OWN(str) skipped = STR_NONE;

	str_addf(&begin, "S %s\n", row->id);
	str_addf(&allowed, "P %s allowed 0 -\n", row->id);
	str_addf(&skipped, "P %s skipped 0 %s\n", row->id, lacks ? "no such directory is granted" : "the scene could not be set");
	put_line(a, &begin);
	if (lacks) {
		put_line(a, &skipped);
		return;
	}
	for (size_t i = 0; i < 3; i++)
		str_add_bytes(&a->code, block, sizeof(block));
	put_steps(a, row->steps);
	put_line(a, &allowed);
	str_add_bytes(&a->code, "\x0c\x02\x0b", 3); /* br 2, end */
	put_refused(a, row->id);
	str_add_bytes(&a->code, "\x0c\x01\x0b", 3);
	put_line(a, &skipped);
	put_byte(&a->code, 0x0b);
}

/* A module that is not run refuses nothing by itself: it tells that it was. */
static void put_import(struct assembling *a, const struct row *row)
{
	const char *at = row->steps + strlen("import");
	OWN(str) text = STR_NONE;

	if (!take_word(&at, &a->strange, &a->strange_len) || !take_word(&at, &a->strange_name, &a->strange_name_len))
		abort();
	str_addf(&text, "S %s\nP %s allowed 0 it was run\n", row->id, row->id);
	put_line(a, &text);
}

static size_t put_attempts(struct assembling *a, const bool *selected)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct attempt_row *const row = attempt_find(rows[i].id);

		if (row->group != GROUP_WASM || !selected[attempt_index(row)])
			continue;
		if (strncmp(rows[i].steps, "import ", 7) == 0)
			put_import(a, &rows[i]);
		else
			put_attempt(a, &rows[i]);
		n++;
	}
	return n;
}

static void put_types(const struct assembling *a, struct str *out)
{
	OWN(str) body = STR_NONE;

	put_leb(&body, a->n_imports + 1);
	for (size_t i = 0; i < a->n_imports; i++) {
		const char *const words = a->imports[i]->words;

		put_byte(&body, 0x60);
		put_leb(&body, strlen(words));
		for (const char *word = words; *word; word++)
			put_byte(&body, *word == 'I' ? TYPE_I64 : TYPE_I32);
		str_add_bytes(&body, "\x01\x7f", 2);
	}
	str_add_bytes(&body, "\x60\0\0", 3);
	put_section(out, 1, &body);
}

static void put_import_entry(struct str *body, const char *module, size_t module_len, const char *name, size_t len, size_t type)
{
	put_name(body, module, module_len);
	put_name(body, name, len);
	put_byte(body, 0);
	put_leb(body, type);
}

static void put_imports(const struct assembling *a, struct str *out)
{
	static const char wasi[] = "wasi_snapshot_preview1";
	OWN(str) body = STR_NONE;

	put_leb(&body, a->n_imports + (a->strange ? 1 : 0));
	for (size_t i = 0; i < a->n_imports; i++)
		put_import_entry(&body, wasi, sizeof(wasi) - 1, a->imports[i]->name, strlen(a->imports[i]->name), i);
	if (a->strange)
		put_import_entry(&body, a->strange, a->strange_len, a->strange_name, a->strange_name_len, a->n_imports);
	put_section(out, 2, &body);
}

/* Function, memory, exports, code. */
static void put_function(struct assembling *a, struct str *out)
{
	OWN(str) function = STR_NONE;
	OWN(str) memory = STR_NONE;
	OWN(str) exports = STR_NONE;
	OWN(str) code = STR_NONE;

	put_leb(&function, 1);
	put_leb(&function, a->n_imports);
	put_section(out, 3, &function);
	str_add_bytes(&memory, "\x01\x00", 2);
	put_leb(&memory, MEMORY_PAGES);
	put_section(out, 5, &memory);
	put_leb(&exports, 2);
	put_name(&exports, "memory", 6);
	str_add_bytes(&exports, "\x02\x00", 2);
	put_name(&exports, "_start", 6);
	put_byte(&exports, 0);
	put_leb(&exports, a->n_imports + (a->strange ? 1 : 0));
	put_section(out, 7, &exports);
	put_leb(&code, 1);
	put_leb(&code, a->code.len + 4);
	str_add_bytes(&code, "\x01\x01\x7f", 3); /* one local of 32 bits */
	str_add_bytes(&code, str_text(&a->code), a->code.len);
	put_byte(&code, 0x0b);
	put_section(out, 10, &code);
}

static void put_word(char *at, uint32_t n)
{
	for (size_t i = 0; i < 4; i++)
		at[i] = (char)(n >> 8 * i);
}

static void put_data(const struct assembling *a, struct str *out)
{
	OWN(str) body = STR_NONE;
	char fixed[AT_TEXTS] = "";

	put_word(fixed + AT_BYTE, AT_SPACE);
	put_word(fixed + AT_BYTE + 4, 1);
	put_word(fixed + AT_ROOM, AT_SPACE);
	put_word(fixed + AT_ROOM + 4, 16);
	put_leb(&body, 1);
	str_add_bytes(&body, "\x00\x41\x00\x0b", 4); /* memory 0, i32.const 0, end */
	put_leb(&body, sizeof(fixed) + a->texts.len);
	str_add_bytes(&body, fixed, sizeof(fixed));
	str_add_bytes(&body, str_text(&a->texts), a->texts.len);
	put_section(out, 11, &body);
}

static void keep_numbers(struct assembling *a)
{
	OWN(str) text = STR_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		str_addf(&text, "%03d", numbers[i] || !i ? numbers[i] : EPERM);
	a->at_numbers = keep_text(a, str_text(&text), text.len);
}

void guest_make_wasm(const bool *selected, const struct guest_scene *scene, struct str *out)
{
	struct assembling a = { .scene = scene };
	OWN(str) end = STR_NONE;

	keep_numbers(&a);
	str_addf(&end, "E %zu\n", put_attempts(&a, selected));
	put_line(&a, &end);
	str_add_bytes(out, "\0asm\1\0\0\0", 8);
	put_types(&a, out);
	put_imports(&a, out);
	put_function(&a, out);
	put_data(&a, out);
	str_done(&a.code);
	str_done(&a.texts);
}
