/* A threat model: who wrote the code, what an attacker decides, what is at stake, what may be spent.
 * Read from a file or asked for; judged elsewhere. Pure data. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

enum threat_field {
#define FIELD(id, path, kind, must, question) THREAT_##id,
#include "model/threat_fields.def"
#undef FIELD
	THREAT_FIELDS
};

enum threat_word {
#define WORD(field, id, word, meaning) WORD_##field##_##id,
#include "model/threat_words.def"
#undef WORD
	THREAT_WORDS
};

/* Sets of words are bit masks of these. */
#define WORD_BIT(word) ((uint64_t)1 << (word))

enum threat_kind { THREAT_CHOICE, THREAT_SET, THREAT_DURATION, THREAT_COUNT, THREAT_DERIVED };
struct threat_row {
	const char *path;
	enum threat_kind kind;
	bool must;
	const char *question;
	uint64_t words;         /* all of the field's; 0 for numbers */
};
struct threat_meaning {
	enum threat_field field;
	const char *word, *meaning;
};

const struct threat_row *threat_row(enum threat_field field);
const struct threat_meaning *threat_meaning(enum threat_word word);

/* All zero is the empty one. */
struct threat {
	const char *name;       /* in the arena */
	uint64_t words;         /* what was stated, and the first word of each choice that was not */
	uint64_t start_ms;      /* 0: any */
	uint64_t density;       /* idle boxes in a GiB; 0: any */
	struct arena arena;
};
#define THREAT_NONE ((struct threat){ .name = NULL })
void threat_done(struct threat *threat);

static inline bool threat_has(const struct threat *threat, enum threat_word word)
{
	return threat->words & WORD_BIT(word);
}

/* True when the threat has, of each field that `when` names words of, at least one of those. */
bool threat_is(const struct threat *threat, uint64_t when);

/* Reads a file's text, YAML or JSON.
 *
 * Errors: ERR_USAGE, ERR_LIMIT, as "name:line:column: cause; fix" */
MUST_USE int threat_read(const char *name, const char *text, size_t len, struct threat *out,
			 struct err *e);

/* Sets one field from what somebody answered: a word, words with commas or blanks between, a number with its
 * unit. An empty answer is no word at all.
 *
 * Errors: ERR_USAGE with the nearest word */
MUST_USE int threat_set(struct threat *threat, enum threat_field field, const char *answer,
			struct err *e);

/* Fills in the words of choices that were not stated, then looks for statements that contradict each other. */
MUST_USE int threat_finish(struct threat *threat, struct err *e);

/* Appends it as the file that says the same. */
void threat_write(const struct threat *threat, struct str *out);

/* Appends the words of one field that the threat has: "host, secrets"; "none" without any. */
void threat_list(const struct threat *threat, enum threat_field field, struct str *out);
