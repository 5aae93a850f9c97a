/* Reads a call from words. Refuses what it would have to guess. */
#include "model/call_text.h"

#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "model/syscalls.h"

#define WORD 64

struct reading {
	const char *at;
	char word[WORD];        /* the last one taken */
	bool is_native;         /* the names of calls and the widths of arguments are x86-64's */
};

static void skip_blanks(struct reading *r)
{
	while (*r->at == ' ' || *r->at == '\t')
		r->at++;
}

static bool take(struct reading *r, char wanted)
{
	skip_blanks(r);
	if (*r->at != wanted)
		return false;
	r->at++;
	return true;
}

/* A name or a number, a sign before it included; empty when there is none. */
static int take_word(struct reading *r, struct err *e)
{
	size_t n = 0;

	skip_blanks(r);
	while (isalnum((unsigned char)r->at[n]) || r->at[n] == '_' || (!n && strchr("+-", r->at[n]) && r->at[n]))
		n++;
	if (n >= WORD)
		return err_set(e, ERR_USAGE, "a word of %zu characters is no call, number or constant", n);
	memcpy(r->word, r->at, n);
	r->word[n] = '\0';
	r->at += n;
	return 0;
}

static bool is_number(const char *word)
{
	return isdigit((unsigned char)word[strspn(word, "+-")]);
}

static int read_number(const char *word, uint64_t *out, struct err *e)
{
	char *end;

	errno = 0;
	*out = *word == '-' ? (uint64_t)strtoll(word, &end, 0) : strtoull(word, &end, 0);
	if (errno || *end)
		return err_set(e, ERR_USAGE, "'%s' is not a number of 64 bits", word);
	return 0;
}

static int read_constant(const char *word, uint64_t *out, struct err *e)
{
	if (!*word)
		return err_set(e, ERR_USAGE, "an argument is a number, a constant, or '_' for any");
	if (strcmp(word, "NULL") == 0) {
		*out = 0;
		return 0;
	}
	if (syscalls_constant(word, out))
		return 0;
	return err_set(e, ERR_USAGE, "unknown constant '%s'; a number says the same", word);
}

/* "text" in quotes stands for an address: whatever it is. */
static int skip_text(struct reading *r, struct err *e)
{
	for (r->at++; *r->at && *r->at != '"'; r->at++)
		if (*r->at == '\\' && r->at[1])
			r->at++;
	if (!*r->at)
		return err_set(e, ERR_USAGE, "a text in quotes does not end");
	r->at++;
	return 0;
}

static int read_sum(struct reading *r, uint64_t *value, struct err *e)
{
	uint64_t one;

	*value = 0;
	do {
		if (take_word(r, e) < 0)
			return -1;
		if (is_number(r->word) ? read_number(r->word, &one, e) < 0 : read_constant(r->word, &one, e) < 0)
			return -1;
		*value |= one;
	} while (take(r, '|'));
	return 0;
}

/* One argument; *is_given stays false for a free one. */
static int read_argument(struct reading *r, uint64_t *value, bool *is_given, struct err *e)
{
	skip_blanks(r);
	*is_given = false;
	if (*r->at == '"')
		return skip_text(r, e);
	if (strncmp(r->at, "...", 3) == 0) {
		r->at += 3;
		return 0;
	}
	if (*r->at == '_' && !isalnum((unsigned char)r->at[1]) && r->at[1] != '_') {
		r->at++;
		return 0;
	}
	*is_given = true;
	return read_sum(r, value, e);
}

static int read_arguments(struct reading *r, struct call_text *out, struct err *e)
{
	const unsigned most = r->is_native ? syscalls_arg_count(out->nr & ~SYSCALLS_X32) : 6;
	bool is_given;

	if (take(r, ')'))
		return 0;
	for (unsigned i = 0;; i++) {
		uint64_t value = 0;

		if (read_argument(r, &value, &is_given, e) < 0)
			return err_add(e, "argument %u", i);
		if (is_given && i >= most)
			return err_set(e, ERR_USAGE, "argument %u: the call has %u", i, most);
		if (is_given) {
			/* -1 as an int reaches the filter in 32 bits, as glibc and the kernel's entry pass it. */
			const bool is_int = r->is_native && syscalls_arg_bytes(out->nr & ~SYSCALLS_X32, i) == 4;

			out->args[i] = is_int && (int64_t)value < 0 && (int64_t)value >= INT32_MIN ?
					       (uint32_t)value : value;
			out->given |= (uint8_t)(1u << i);
		}
		if (take(r, ')'))
			return 0;
		if (!take(r, ','))
			return err_set(e, ERR_USAGE, "argument %u: ',' or ')' is missing at '%.20s'", i, r->at);
	}
}

static int read_call(struct reading *r, struct call_text *out, struct err *e)
{
	uint64_t nr;
	int known;

	if (take_word(r, e) < 0)
		return -1;
	if (is_number(r->word)) {
		if (read_number(r->word, &nr, e) < 0)
			return -1;
		if (nr > UINT32_MAX)
			return err_set(e, ERR_USAGE, "no call has the number %s", r->word);
		out->nr |= (uint32_t)nr;
		return 0;
	}
	known = syscalls_number(r->word);
	if (known < 0 || !r->is_native) {
		struct str_near near = STR_NEAR(r->word);

		for (size_t i = 0; r->is_native && syscalls_name_at(i); i++)
			str_near_offer(&near, syscalls_name_at(i));
		if (!r->is_native)
			return err_set(e, ERR_USAGE, "calls of i386 are given by number: i386:102");
		if (str_near_best(&near))
			return err_set(e, ERR_USAGE, "unknown system call '%s' (did you mean '%s'?)", r->word,
				       str_near_best(&near));
		return err_set(e, ERR_USAGE, "unknown system call '%s'", r->word);
	}
	out->nr |= (uint32_t)known;
	return 0;
}

int call_text_read(const char *text, struct call_text *out, struct err *e)
{
	struct reading r = { .at = text, .is_native = true };
	struct call_text call = { .arch = AUDIT_ARCH_X86_64 };

	if (strncmp(text, "i386:", 5) == 0) {
		call.arch = AUDIT_ARCH_I386;
		r.is_native = false;
		r.at += 5;
	} else if (strncmp(text, "x32:", 4) == 0) {
		call.nr = SYSCALLS_X32;
		r.at += 4;
	}
	if (read_call(&r, &call, e) < 0 || (take(&r, '(') && read_arguments(&r, &call, e) < 0))
		return err_add(e, "'%.60s'", text);
	skip_blanks(&r);
	if (*r.at)
		return err_set(e, ERR_USAGE, "'%.60s': nothing may follow the call, here '%.20s'", text, r.at);
	*out = call;
	return 0;
}
