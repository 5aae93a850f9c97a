/* A reader of JavaScript that knows comments, texts, templates and names, and nothing else. A regular expression with a
 * quote in it is taken for a text that ends with its line: at worst an import is missed, and the engine says so. */
#include "isolate/imports.h"

#include <string.h>

struct scan {
	const char *at, *end;
	bool is_start;          /* of a statement, as far as that can be told */
	bool is_module;
	bool wants;             /* the name before was `import` or `from` */
};

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

/* Behind a quote; at the quote that ends the text, or where its line does. */
static const char *text_end(const char *at, const char *end, char quote)
{
	for (; at < end && *at != quote && (quote == '`' || *at != '\n'); at++)
		at += *at == '\\' && at + 1 < end;
	return at;
}

static bool skip_comment(struct scan *scan)
{
	if (scan->end - scan->at < 2 || *scan->at != '/' || (scan->at[1] != '/' && scan->at[1] != '*'))
		return false;
	const bool is_line = scan->at[1] == '/';

	for (scan->at += 2; scan->at < scan->end; scan->at++) {
		if (is_line && *scan->at == '\n')
			return true;
		if (!is_line && *scan->at == '*' && scan->at + 1 < scan->end && scan->at[1] == '/') {
			scan->at += 2;
			return true;
		}
	}
	return true;
}

static void take_name(struct scan *scan)
{
	const char *const from = scan->at;

	while (scan->at < scan->end && is_name(*scan->at))
		scan->at++;
	const size_t len = (size_t)(scan->at - from);
	const bool is_import = len == 6 && memcmp(from, "import", 6) == 0;
	const bool is_export = len == 6 && memcmp(from, "export", 6) == 0;

	scan->is_module |= scan->is_start && (is_import || is_export);
	scan->wants = is_import || (len == 4 && memcmp(from, "from", 4) == 0);
	scan->is_start = false;
}

bool imports_scan(const char *text, size_t len, void (*found)(void *at, const char *specifier, size_t len), void *at)
{
	struct scan scan = { .at = text, .end = text + len, .is_start = true };

	while (scan.at < scan.end) {
		const char c = *scan.at;

		if (skip_comment(&scan))
			continue;
		if (is_name(c)) {
			take_name(&scan);
			continue;
		}
		scan.at++;
		if (c == '"' || c == '\'' || c == '`') {
			const char *const close = text_end(scan.at, scan.end, c);

			if (scan.wants && c != '`' && close < scan.end && *close == c)
				found(at, scan.at, (size_t)(close - scan.at));
			scan.at = close < scan.end && *close == c ? close + 1 : close;
			scan.is_start = false;
		} else if (c == '\n' || c == ';' || c == '}') {
			scan.is_start = true;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			scan.is_start = false;
		}
		scan.wants &= c == ' ' || c == '\t' || c == '\r' || c == '\n';
	}
	return scan.is_module;
}

/* Appends the parts of a path to the normal one in out; false: it does not fit. */
static bool append(char out[IMPORTS_NAME_MAX], const char *path, size_t len)
{
	size_t used = strlen(out);

	for (size_t at = 0; at < len;) {
		const char *const slash = memchr(path + at, '/', len - at);
		const size_t part = slash ? (size_t)(slash - path) - at : len - at;

		if (part == 2 && memcmp(path + at, "..", 2) == 0) {
			char *const last = strrchr(out, '/');

			used = last ? (size_t)(last - out) : 0;
		} else if (part && !(part == 1 && path[at] == '.')) {
			if (used + 1 + part >= IMPORTS_NAME_MAX)
				return false;
			out[used] = '/';
			memcpy(out + used + 1, path + at, part);
			used += 1 + part;
		}
		out[used] = '\0';
		at += part + 1;
	}
	return true;
}

static bool starts(const char *specifier, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(specifier, with, strlen(with)) == 0;
}

bool imports_resolve(const char *from, const char *specifier, size_t len, char out[IMPORTS_NAME_MAX])
{
	const char *const slash = strrchr(from, '/');

	out[0] = '\0';
	if (!len || memchr(specifier, '\0', len))
		return false;
	if (specifier[0] == '/')
		return append(out, specifier, len);
	if (starts(specifier, len, "./") || starts(specifier, len, "../"))
		return append(out, from, slash ? (size_t)(slash - from) : 0) && append(out, specifier, len);
	if (len >= IMPORTS_NAME_MAX)
		return false;
	memcpy(out, specifier, len);
	out[len] = '\0';
	return true;
}
