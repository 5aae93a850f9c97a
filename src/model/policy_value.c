/* Reads and writes single values. Refuses what has no unit where one is needed, fractions of a byte
 * or a millisecond, and everything outside the bounds of the row. */
#include "model/policy_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* In rising order: formatting takes the largest that divides. */
static const struct unit sizes[] = {
	{ "", 1 },           { "K", 1ULL << 10 }, { "M", 1ULL << 20 },
	{ "G", 1ULL << 30 }, { "T", 1ULL << 40 },
};
static const struct unit durations[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }
};
static const struct unit counts[] = { { "", 1 } };
static const struct unit millis[] = { { "", 1000 } };

static const struct {
	const struct unit *units;
	size_t n_units;
	const char *wanted, *fix;
	const char *whole; /* of what: it has no fraction */
} types[] = {
	[KEY_DURATION] = { durations, ARRAY_SIZE(durations), "a duration",
			   "write 2s or 500ms (ms, s, m, h)", " of milliseconds" },
	[KEY_SIZE] = { sizes, ARRAY_SIZE(sizes), "a size",
		       "write 64M or a number of bytes (K, M, G, T)", " of bytes" },
	[KEY_COUNT] = { counts, 1, "a whole number", "write digits, like 64", "" },
	[KEY_MILLI] = { millis, 1, "a number", "write 2 or 1.5", " of thousandths" },
	[KEY_BOOL] = { NULL, 0, "true or false", NULL, NULL },
	[KEY_CHOICE] = { NULL, 0, "one word", NULL, NULL },
	[KEY_TEXT] = { NULL, 0, "a text", NULL, NULL },
	[KEY_PATH] = { NULL, 0, "a path", NULL, NULL },
};

const char *policy_value_wanted(enum key_type type)
{
	return types[type].wanted;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* Digits with at most three decimals, in thousandths; UINT64_MAX stands for too many.
 * Returns what follows, or NULL when there is no number. */
static const char *scan(const char *p, uint64_t *milli)
{
	uint64_t n = 0, place = 1000;

	if (*p < '0' || *p > '9')
		return NULL;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = times(n, 10);
		n = n > UINT64_MAX - 9 ? UINT64_MAX : n + (uint64_t)(*p - '0');
	}
	n = times(n, 1000);
	n = n > UINT64_MAX - 999 ? UINT64_MAX : n;
	if (*p == '.' && p[1] >= '0' && p[1] <= '9')
		for (p++; *p >= '0' && *p <= '9' && place > 1; p++) {
			place /= 10;
			n += n == UINT64_MAX ? 0 : place * (uint64_t)(*p - '0');
		}
	*milli = n;
	return p;
}

/* One side of "1M..1T"; rows are ours, so they are not checked. */
static uint64_t bound(const char *p)
{
	char *end;
	const uint64_t n = strtoull(p, &end, 10);

	for (size_t i = 1; i < ARRAY_SIZE(sizes); i++)
		if (*end == *sizes[i].suffix)
			return n * sizes[i].factor;
	return n;
}

static int check_bounds(enum key_type type, const char *arg, const char *text, uint64_t n,
			struct err *e)
{
	const char *const dots = strstr(arg, "..");
	char low[32], high[32];

	if (!dots || (n >= bound(arg) && n <= bound(dots + 2)))
		return 0;
	policy_value_format(type, arg, bound(arg), low, sizeof(low));
	policy_value_format(type, arg, bound(dots + 2), high, sizeof(high));
	return err_set(e, ERR_USAGE, "%.40s is outside %s to %s", text, low, high);
}

static int parse_number(enum key_type type, const char *arg, const char *text, uint64_t *n,
			struct err *e)
{
	const char *const wanted = types[type].wanted, *const fix = types[type].fix;
	const struct unit *unit = NULL;
	uint64_t milli, value;
	const char *const rest = scan(text, &milli);

	if (*text == '-')
		return err_set(e, ERR_USAGE, "%.40s is negative; %s", text, fix);
	for (size_t i = 0; rest && i < types[type].n_units; i++)
		if (strcmp(types[type].units[i].suffix, rest) == 0)
			unit = &types[type].units[i];
	if (rest && !unit && !*rest)
		return err_set(e, ERR_USAGE, "%.40s has no unit; %s", text, fix);
	if (!unit)
		return err_set(e, ERR_USAGE, "'%.40s' is not %s; %s", text, wanted, fix);
	value = times(milli, unit->factor);
	if (value != UINT64_MAX && value % 1000)
		return err_set(e, ERR_USAGE, "%.40s is not a whole number%s; %s", text,
			       types[type].whole, fix);
	if (value != UINT64_MAX)
		value /= 1000;
	if (check_bounds(type, arg, text, value, e) < 0)
		return -1;
	*n = value;
	return 0;
}

static int find_bool(const char *text)
{
	static const char *const words[] = { "false", "true", "off", "on", "no", "yes" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], text) == 0)
			return (int)(i & 1);
	return -1;
}

/* The i-th of "a|b|c" as length and start; 0 past the end. */
static size_t choice_at(const char *arg, size_t i, const char **start)
{
	const char *p = arg;

	for (; i && p; i--) {
		p = strchr(p, '|');
		p = p ? p + 1 : NULL;
	}
	*start = p;
	return p ? strcspn(p, "|") : 0;
}

static bool find_choice(const char *arg, const char *text, uint64_t *n)
{
	const char *start;
	size_t len;

	for (size_t i = 0; (len = choice_at(arg, i, &start)) > 0; i++)
		if (strncmp(start, text, len) == 0 && !text[len]) {
			*n = i;
			return true;
		}
	return false;
}

static int bad_choice(const char *arg, const char *text, struct err *e)
{
	struct str_near near = STR_NEAR(text);
	char names[8][24];
	const char *start;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(names) && (len = choice_at(arg, i, &start)) > 0; i++) {
		snprintf(names[i], sizeof(names[i]), "%.*s", (int)len, start);
		str_near_offer(&near, names[i]);
	}
	if (str_near_best(&near))
		return err_set(e, ERR_USAGE, "'%.40s' is not one of %s (did you mean '%s'?)", text,
			       arg, str_near_best(&near));
	return err_set(e, ERR_USAGE, "'%.40s' is not one of %s", text, arg);
}

static int parse_choice(const char *arg, const char *text, uint64_t *n, struct err *e)
{
	const int as_bool = find_bool(text);

	if (find_choice(arg, text, n))
		return 0;
	/* `core_sched: true` is what everyone writes for a choice that has on and off. */
	if (as_bool >= 0 && find_choice(arg, as_bool ? "on" : "off", n))
		return 0;
	return bad_choice(arg, text, e);
}

int policy_value_parse(enum key_type type, const char *arg, const char *text, uint64_t *n,
		       struct err *e)
{
	if (types[type].n_units)
		return parse_number(type, arg, text, n, e);
	if (type == KEY_CHOICE)
		return parse_choice(arg, text, n, e);
	if (type == KEY_BOOL) {
		const int is_true = find_bool(text);

		if (is_true < 0)
			return err_set(e, ERR_USAGE, "'%.40s' is not true or false", text);
		*n = (uint64_t)is_true;
	}
	return 0;
}

static void format_number(enum key_type type, uint64_t n, char *out, size_t cap)
{
	const struct unit *const units = types[type].units;
	size_t i = types[type].n_units - 1;

	while (i && (!n || n % units[i].factor))
		i--;
	snprintf(out, cap, "%" PRIu64 "%s", n / units[i].factor, units[i].suffix);
}

static void format_milli(uint64_t n, char *out, size_t cap)
{
	char decimals[] = { '.', (char)('0' + n / 100 % 10), (char)('0' + n / 10 % 10),
			    (char)('0' + n % 10), '\0' };
	size_t keep = 3;

	while (keep && decimals[keep] == '0')
		keep--;
	decimals[keep ? keep + 1 : 0] = '\0';
	snprintf(out, cap, "%" PRIu64 "%s", n / 1000, decimals);
}

void policy_value_format(enum key_type type, const char *arg, uint64_t n, char *out, size_t cap)
{
	const char *start;
	size_t len;

	if (type == KEY_MILLI) {
		format_milli(n, out, cap);
	} else if (types[type].n_units) {
		format_number(type, n, out, cap);
	} else if (type == KEY_BOOL) {
		snprintf(out, cap, "%s", n ? "true" : "false");
	} else if (type == KEY_CHOICE) {
		len = choice_at(arg, n, &start);
		snprintf(out, cap, "%.*s", (int)len, start ? start : "");
	} else {
		snprintf(out, cap, "none");
	}
}
