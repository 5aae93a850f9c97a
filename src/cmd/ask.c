/* Asks. What each question and word means stands in model/threat_fields.def and threat_words.def. */
#include "cmd/ask.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/opt.h"
#include "cmd/say.h"

enum { ANSWER_BYTES = 400, MEANING_COLUMN = 16 };

static int put_question(enum threat_field field, struct err *e)
{
	static const char *const hints[] = {
		[THREAT_CHOICE] = "one word", [THREAT_SET] = "words with commas; nothing for none",
		[THREAT_DURATION] = "such as 500ms; nothing for any", [THREAT_COUNT] = "a number; nothing for any",
	};
	const struct threat_row *const row = threat_row(field);
	OWN(str) text = STR_NONE;

	str_addf(&text, "\n%s\n", row->question);
	for (size_t i = 0; i < THREAT_WORDS; i++) {
		if (!(row->words & WORD_BIT(i)))
			continue;
		str_addf(&text, "  %s", threat_meaning((enum threat_word)i)->word);
		str_pad(&text, MEANING_COLUMN);
		opt_wrap(&text, threat_meaning((enum threat_word)i)->meaning, MEANING_COLUMN);
	}
	str_addf(&text, "%s (%s%s): ", row->path, hints[row->kind],
		 row->kind == THREAT_CHOICE && !row->must ? "; nothing for the first" : "");
	return say_out(STDERR_FILENO, "standard error", &text, e);
}

/* Byte by byte: what follows the answers is not ours to take. Returns 0 at the end of the input. */
static int read_answer(char *out, struct err *e)
{
	size_t len = 0;

	for (;;) {
		char c;
		const ssize_t n = read(STDIN_FILENO, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "standard input");
		if (n == 0 && !len)
			return 0;
		if (n == 0 || c == '\n')
			break;
		if (len == ANSWER_BYTES)
			return err_set(e, ERR_LIMIT, "an answer of more than %d bytes", ANSWER_BYTES);
		if (c != '\r')
			out[len++] = c;
	}
	out[len] = '\0';
	return 1;
}

/* An answer that leaves the field as it is: without words, without a number. */
static bool is_nothing(enum threat_field field, const char *answer)
{
	const struct threat_row *const row = threat_row(field);

	if (row->kind == THREAT_SET && strcmp(answer, "none") == 0)
		return true;
	return !*answer && (row->kind == THREAT_SET || !row->must);
}

/* Returns 1 when answered, 0 to ask again, -1. */
static int ask(struct threat *threat, enum threat_field field, struct err *e)
{
	char answer[ANSWER_BYTES + 1];
	struct err wrong = ERR_INIT;
	int rc;

	if (put_question(field, e) < 0)
		return -1;
	rc = read_answer(answer, e);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(e, ERR_USAGE, "the answers end before %s", threat_row(field)->path);
	if (is_nothing(field, answer))
		return 1;
	if (threat_set(threat, field, answer, &wrong) == 0)
		return 1;
	if (!isatty(STDIN_FILENO)) {
		*e = wrong;
		return -1;
	}
	say(SAY_ERROR, "%s", wrong.text);
	return 0;
}

int ask_threat(struct threat *out, struct err *e)
{
	OWN(threat) threat = THREAT_NONE;

	for (size_t i = 0; i < THREAT_FIELDS; i++) {
		int rc = threat_row((enum threat_field)i)->kind == THREAT_DERIVED;

		while (!rc)
			rc = ask(&threat, (enum threat_field)i, e);
		if (rc < 0)
			return -1;
	}
	if (threat_finish(&threat, e) < 0)
		return -1;
	*out = TAKE(threat, THREAT_NONE);
	return 0;
}
