/* Reads the records of ward-probe, which come out of the box: strictly, a line at a time. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "judge/selftest.h"

#define LINE_MAX_BYTES 200

/* What is left of a line; words are cut off its front. */
struct line {
	const char *at;
	size_t len;
};

static struct line take_word(struct line *rest)
{
	const char *const space = rest->len ? memchr(rest->at, ' ', rest->len) : NULL;
	const struct line word = { rest->at, space ? (size_t)(space - rest->at) : rest->len };
	const size_t used = space ? word.len + 1 : word.len;

	rest->at += used;
	rest->len -= used;
	return word;
}

static bool word_is(struct line word, const char *text)
{
	return word.len == strlen(text) && !memcmp(word.at, text, word.len);
}

static const struct attempt_row *row_of(struct line word)
{
	for (size_t i = 0; i < attempt_count(); i++)
		if (word_is(word, attempt_at(i)->id))
			return attempt_at(i);
	return NULL;
}

/* Errnos go to 133 (asm-generic/errno.h), signals to 64; counts to the number of rows. */
static bool number_of(struct line word, int *out)
{
	int n = 0;

	if (!word.len || word.len > 4)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] < '0' || word.at[i] > '9')
			return false;
		n = n * 10 + (word.at[i] - '0');
	}
	*out = n;
	return true;
}

static bool outcome_of(struct line word, enum outcome_kind *out)
{
	for (unsigned kind = 0; kind < OUTCOMES; kind++)
		if (word_is(word, outcome_name((enum outcome_kind)kind))) {
			*out = (enum outcome_kind)kind;
			return true;
		}
	return false;
}

struct reader {
	struct selftest_pass *pass;
	const struct attempt_row *open; /* begun, not ended */
	bool *seen;
	int n_ended;
	bool over;
};

static const char *read_start(struct reader *reader, struct line rest)
{
	const struct attempt_row *const row = row_of(take_word(&rest));

	if (!row || rest.len)
		return "names no attempt";
	if (reader->open || reader->seen[attempt_index(row)])
		return "begins an attempt out of turn";
	reader->open = row;
	reader->seen[attempt_index(row)] = true;
	reader->pass->records[attempt_index(row)] = (struct selftest_record){ .begun = true };
	return NULL;
}

static const char *read_outcome(struct reader *reader, struct line rest)
{
	const struct attempt_row *const row = row_of(take_word(&rest));
	struct selftest_record record = { .begun = true };

	if (!row || row != reader->open)
		return "ends an attempt that was not begun";
	if (!outcome_of(take_word(&rest), &record.kind) ||
	    !number_of(take_word(&rest), &record.sys))
		return "has no outcome";
	if (!rest.len || rest.len >= sizeof(record.detail))
		return "has no detail, or too long a one";
	if (!word_is(rest, "-"))
		memcpy(record.detail, rest.at, rest.len);
	reader->pass->records[attempt_index(row)] = record;
	reader->open = NULL;
	reader->n_ended++;
	return NULL;
}

static const char *read_end(struct reader *reader, struct line rest)
{
	int n;

	if (!number_of(take_word(&rest), &n) || rest.len || n != reader->n_ended || reader->open)
		return "counts wrongly";
	reader->over = true;
	return NULL;
}

static const char *read_line(struct reader *reader, struct line line)
{
	if (reader->over)
		return "comes after the end";
	for (size_t i = 0; i < line.len; i++)
		if (line.at[i] < ' ' || line.at[i] > '~')
			return "has a control byte";
	const struct line word = take_word(&line);

	if (word_is(word, "S"))
		return read_start(reader, line);
	if (word_is(word, "P"))
		return read_outcome(reader, line);
	return word_is(word, "E") ? read_end(reader, line) : "is no record";
}

int selftest_read(struct selftest_pass *pass, const char *text, size_t len, struct err *e)
{
	OWN_MEM bool *seen = mem_alloc(attempt_count() * sizeof(*seen));
	struct reader reader = { .pass = pass, .seen = seen };
	size_t n = 1;

	for (size_t at = 0; at < len; n++) {
		const char *const end = memchr(text + at, '\n', len - at);
		const size_t bytes = end ? (size_t)(end - (text + at)) : len - at;
		const char *wrong = NULL;

		if (!end || bytes > LINE_MAX_BYTES)
			wrong = "has no end, or too late a one";
		else
			wrong = read_line(&reader, (struct line){ text + at, bytes });
		if (wrong)
			return err_set(e, ERR_USAGE, "line %zu of the probe's records %s", n,
				       wrong);
		at += bytes + 1;
	}
	return 0;
}
