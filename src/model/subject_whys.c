/* Finds `# why: ...` in a text whose comments begin with '#'. Understands no more of the language than
 * quotes, so that a '#' inside a text is none. */
#include <string.h>

#include "model/subject.h"

/* An apostrophe inside a word opens no text. */
static bool opens(const char *line, const char *p)
{
	return (*p == '"' || *p == '\'') && (p == line || strchr(" \t[{,:=", p[-1]));
}

/* Where the comment of a line begins; NULL: it has none. */
static const char *comment_of(const char *line, const char *end)
{
	char quote = '\0';

	for (const char *p = line; p < end; p++) {
		if (quote && *p == '\\' && quote == '"')
			p++;
		else if (quote)
			quote = *p == quote ? '\0' : quote;
		else if (*p == '#' && (p == line || p[-1] == ' ' || p[-1] == '\t'))
			return p;
		else if (opens(line, p))
			quote = *p;
	}
	return NULL;
}

static bool is_blank(const char *from, const char *to)
{
	while (from < to && strchr(" \t\r", *from))
		from++;
	return from == to;
}

/* The reason a comment gives; 0: it gives none. */
static size_t reason_of(const char *comment, const char *end, const char **reason)
{
	static const char mark[] = "why:";

	for (comment++; comment < end && *comment == ' ';)
		comment++;
	if ((size_t)(end - comment) <= strlen(mark) || memcmp(comment, mark, strlen(mark)) != 0)
		return 0;
	for (comment += strlen(mark); comment < end && strchr(" \t", *comment);)
		comment++;
	while (end > comment && strchr(" \t\r", end[-1]))
		end--;
	*reason = comment;
	return (size_t)(end - comment);
}

void subject_add_whys(struct subject *subject, const char *text, size_t len)
{
	const char *const end = text + len, *pending = NULL;
	size_t pending_len = 0;
	uint32_t line = 0;

	for (const char *at = text, *next; at < end; at = next) {
		const char *const newline = memchr(at, '\n', (size_t)(end - at));
		const char *const line_end = newline ? newline : end;
		const char *const comment = comment_of(at, line_end), *reason = NULL;
		const size_t n = comment ? reason_of(comment, line_end, &reason) : 0;
		const bool is_alone = is_blank(at, comment ? comment : line_end);

		line++;
		next = newline ? newline + 1 : end;
		if (n) {
			pending = reason;
			pending_len = n;
		}
		if (is_alone)
			continue;
		if (pending)
			subject_add_why(subject, line,
					arena_copy(&subject->arena, pending, pending_len));
		pending = NULL;
	}
}
