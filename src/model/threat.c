/* The fields and words of a threat model, setting them and writing them out. */
#include "model/threat.h"

#include <inttypes.h>
#include <string.h>

#include "model/policy_value.h"

#define DURATION_BOUNDS "1..86400000"
#define COUNT_BOUNDS    "1..1000000"

static const struct threat_meaning meanings[THREAT_WORDS] = {
#define WORD(field, id, word, meaning) { THREAT_##field, word, meaning },
#include "model/threat_words.def"
#undef WORD
};

_Static_assert(THREAT_WORDS <= 64, "sets of words are 64 bits wide");

#define NAMES_AUTHOR     WORDS_OF(AUTHOR_OWN, AUTHOR_STRANGER)
#define NAMES_FORM       WORDS_OF(FORM_NATIVE, FORM_JS)
#define NAMES_CONTROLS   WORDS_OF(CONTROLS_SOURCE, CONTROLS_DEPENDENCIES)
#define NAMES_STAKE      WORDS_OF(STAKE_HOST, STAKE_AVAILABILITY)
#define NAMES_TENANTS    WORDS_OF(TENANTS_ALONE, TENANTS_HOSTILE)
#define NAMES_START      0
#define NAMES_DENSITY    0
#define NAMES_NEEDS      WORDS_OF(NEEDS_NETWORK, NEEDS_MODULES)
#define NAMES_KERNEL     WORDS_OF(KERNEL_UNKNOWN, KERNEL_OLD)
#define NAMES_KVM        WORDS_OF(KVM_AUTO, KVM_NO)
#define NAMES_DISPOSABLE WORDS_OF(DISPOSABLE_NO, DISPOSABLE_YES)
#define NAMES_POWER      WORDS_OF(POWER_MISTAKE, POWER_HOSTILE)
#define WORDS_OF(first, last) \
	((WORD_BIT(WORD_##last) | (WORD_BIT(WORD_##last) - 1)) & ~(WORD_BIT(WORD_##first) - 1))

static const struct threat_row rows[THREAT_FIELDS] = {
#define FIELD(id, path, kind, must, question) { path, THREAT_##kind, must, question, NAMES_##id },
#include "model/threat_fields.def"
#undef FIELD
};

const struct threat_row *threat_row(enum threat_field field)
{
	return (unsigned)field < THREAT_FIELDS ? &rows[field] : NULL;
}

const struct threat_meaning *threat_meaning(enum threat_word word)
{
	return (unsigned)word < THREAT_WORDS ? &meanings[word] : NULL;
}

void threat_done(struct threat *threat)
{
	arena_done(&threat->arena);
	*threat = THREAT_NONE;
}

bool threat_is(const struct threat *threat, uint64_t when)
{
	for (size_t i = 0; i < THREAT_FIELDS; i++)
		if ((when & rows[i].words) && !(when & rows[i].words & threat->words))
			return false;
	return true;
}

static int refuse_word(const struct threat_row *row, const char *word, struct err *e)
{
	struct str_near near = STR_NEAR(word);
	OWN(str) known = STR_NONE;

	for (size_t i = 0; i < THREAT_WORDS; i++) {
		if (!(row->words & WORD_BIT(i)))
			continue;
		str_near_offer(&near, meanings[i].word);
		str_addf(&known, "%s%s", known.len ? ", " : "", meanings[i].word);
	}
	if (str_near_best(&near))
		return err_set(e, ERR_USAGE, "%s has no word '%.40s' (did you mean '%s'?)", row->path,
			       word, str_near_best(&near));
	return err_set(e, ERR_USAGE, "%s has no word '%.40s'; known: %s", row->path, word,
		       str_text(&known));
}

static int find_word(const struct threat_row *row, const char *word, uint64_t *bits, struct err *e)
{
	for (size_t i = 0; i < THREAT_WORDS; i++)
		if ((row->words & WORD_BIT(i)) && strcmp(meanings[i].word, word) == 0) {
			if (*bits & WORD_BIT(i))
				return err_set(e, ERR_USAGE, "%s says '%s' twice; keep one", row->path,
					       word);
			*bits |= WORD_BIT(i);
			return 0;
		}
	return refuse_word(row, word, e);
}

static int set_words(struct threat *threat, const struct threat_row *row, const char *answer,
		     struct err *e)
{
	static const char between[] = " ,";
	uint64_t bits = 0;

	while (*(answer += strspn(answer, between))) {
		const size_t len = strcspn(answer, between);
		char word[64];

		if (len >= sizeof(word))
			return refuse_word(row, answer, e);
		memcpy(word, answer, len);
		word[len] = '\0';
		if (find_word(row, word, &bits, e) < 0)
			return -1;
		answer += len;
	}
	if (row->kind == THREAT_CHOICE && __builtin_popcountll(bits) != 1)
		return err_set(e, ERR_USAGE, "%s wants one word", row->path);
	threat->words = (threat->words & ~row->words) | bits;
	return 0;
}

int threat_set(struct threat *threat, enum threat_field field, const char *answer, struct err *e)
{
	const struct threat_row *const row = &rows[field];

	switch (row->kind) {
	case THREAT_DURATION:
		if (policy_value_parse(KEY_DURATION, DURATION_BOUNDS, answer, &threat->start_ms, e) < 0)
			return err_add(e, "%s", row->path);
		return 0;
	case THREAT_COUNT:
		if (policy_value_parse(KEY_COUNT, COUNT_BOUNDS, answer, &threat->density, e) < 0)
			return err_add(e, "%s", row->path);
		return 0;
	case THREAT_DERIVED:
		return err_set(e, ERR_USAGE, "%s is concluded, not stated", row->path);
	default:
		return set_words(threat, row, answer, e);
	}
}

int threat_finish(struct threat *threat, struct err *e)
{
	for (size_t i = 0; i < THREAT_FIELDS; i++)
		if (rows[i].kind == THREAT_CHOICE && !(threat->words & rows[i].words) && !rows[i].must)
			threat->words |= rows[i].words & -rows[i].words;
	if (threat_has(threat, WORD_TENANTS_ALONE) && threat_has(threat, WORD_STAKE_OTHERS))
		return err_set(e, ERR_USAGE,
			       "stake names tenants, and tenants says none; correct one of them");
	if (threat_has(threat, WORD_DISPOSABLE_YES) && !threat_has(threat, WORD_TENANTS_ALONE))
		return err_set(e, ERR_USAGE,
			       "host.disposable says that nothing else is on the host, and tenants "
			       "that others are; correct one of them");
	return 0;
}

void threat_list(const struct threat *threat, enum threat_field field, struct str *out)
{
	const uint64_t words = threat->words & rows[field].words;
	size_t n = 0;

	for (size_t i = 0; i < THREAT_WORDS; i++)
		if (words & WORD_BIT(i))
			str_addf(out, "%s%s", n++ ? ", " : "", meanings[i].word);
	if (!n)
		str_add(out, "none");
}

static void write_value(const struct threat *threat, enum threat_field field, struct str *out)
{
	char text[32];

	if (rows[field].kind == THREAT_DURATION) {
		policy_value_format(KEY_DURATION, DURATION_BOUNDS, threat->start_ms, text, sizeof(text));
		str_add(out, text);
	} else if (rows[field].kind == THREAT_COUNT) {
		str_addf(out, "%" PRIu64, threat->density);
	} else if (rows[field].kind == THREAT_SET) {
		str_add(out, "[");
		if (threat->words & rows[field].words)
			threat_list(threat, field, out);
		str_add(out, "]");
	} else {
		threat_list(threat, field, out);
	}
}

static bool is_stated(const struct threat *threat, enum threat_field field)
{
	switch (rows[field].kind) {
	case THREAT_DURATION: return threat->start_ms;
	case THREAT_COUNT: return threat->density;
	case THREAT_DERIVED: return false;
	default: return true;
	}
}

void threat_write(const struct threat *threat, struct str *out)
{
	const char *section = "";
	size_t len = 0;

	str_add(out, "version: 1\n");
	if (threat->name)
		str_addf(out, "name: %s\n", threat->name);
	for (size_t i = 0; i < THREAT_FIELDS; i++) {
		const char *const path = rows[i].path, *const dot = strchr(path, '.');

		if (!is_stated(threat, (enum threat_field)i))
			continue;
		if (dot && (strncmp(path, section, len) != 0 || len != (size_t)(dot - path) + 1)) {
			section = path;
			len = (size_t)(dot - path) + 1;
			str_addf(out, "%.*s:\n", (int)len - 1, path);
		}
		str_addf(out, "%s%s: ", dot ? "  " : "", dot ? dot + 1 : path);
		write_value(threat, (enum threat_field)i, out);
		str_add(out, "\n");
	}
}
