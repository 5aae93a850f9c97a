/* Differences for people and for programs. Calls that differ in the same way stand on one line. */
#include <inttypes.h>
#include <linux/audit.h>
#include <stdio.h>
#include <string.h>

#include "judge/describe.h"
#include "judge/diff.h"
#include "model/syscalls.h"

#define CLAUSES 6
#define COLUMN 26

static const char *const headings[] = {
	"allowed by B only", "allowed by A only", "refused by both, differently",
};

static unsigned heading_of(const struct difference *one)
{
	const bool before = one->before >= ANSWER_LOG, after = one->after >= ANSWER_LOG;

	/* "log" against "allow" is no refusal: it stands with what B changes. */
	return before == after ? 2 : before ? 1 : 0;
}

static void name_of(const struct difference *one, char *out, size_t cap)
{
	const char *const abi = one->arch == AUDIT_ARCH_I386 ? "i386: " : one->low & SYSCALLS_X32 ? "x32: " : "";

	switch (one->of) {
	case OF_ONE:
		describe_numbers(one->arch, one->low, one->high, out, cap);
		break;
	case OF_OTHER_ARCH:
		snprintf(out, cap, "other architectures, such as %#" PRIx32, one->arch);
		break;
	default:
		snprintf(out, cap, "%s%s numbers from %" PRIu32 " on", abi,
			 one->of == OF_EVERY_FROM ? "all" : "some", one->low & ~SYSCALLS_X32);
	}
}

static bool is_like(const struct difference *a, const struct difference *b)
{
	return a->arch == b->arch && a->before == b->before && a->after == b->after &&
	       a->data_before == b->data_before && a->data_after == b->data_after &&
	       region_is_same(a->arguments, b->arguments) && region_is_same(a->arguments, REGION_ALL);
}

/* The names of all calls like the one at i, which are marked; then how both answer. */
static void add_group(const struct diff *diff, size_t i, bool *shown, struct str *out)
{
	const struct difference *const one = &diff->calls[i];
	char name[96];
	size_t column = 0;

	for (size_t j = i; j < diff->n_calls; j++) {
		if (shown[j] || !is_like(one, &diff->calls[j]))
			continue;
		shown[j] = true;
		name_of(&diff->calls[j], name, sizeof(name));
		if (column && column + strlen(name) > 76) {
			str_add(out, ",\n    ");
			column = 0;
		} else if (column) {
			str_add(out, ", ");
		}
		str_add(out, name);
		column += strlen(name) + 2;
	}
}

static void add_call(struct regions *store, const struct diff *diff, size_t i, bool *shown, struct str *out)
{
	static const char marks[] = { '+', '-', '~' };
	const struct difference *const one = &diff->calls[i];
	char text[256];

	str_addf(out, "  %c ", marks[heading_of(one)]);
	if (region_is_same(one->arguments, REGION_ALL)) {
		add_group(diff, i, shown, out);
	} else {
		name_of(one, text, sizeof(text));
		str_addf(out, "%s when ", text);
		describe_arguments(store, one->arguments, one->low & ~SYSCALLS_X32, CLAUSES, out);
		shown[i] = true;
	}
	str_add(out, "\n      ");
	answer_write(one->before, one->data_before, out);
	str_add(out, " -> ");
	answer_write(one->after, one->data_after, out);
	describe_call(&one->example, text, sizeof(text));
	str_addf(out, ", as in %s\n", text);
}

static void add_settings(const struct diff *diff, struct str *out)
{
	if (diff->n_settings)
		str_add(out, "\nsettings:\n");
	for (size_t i = 0; i < diff->n_settings; i++) {
		const struct setting_difference *const one = &diff->settings[i];

		str_addf(out, "  %c %s", one->before && one->after ? '~' : one->after ? '+' : '-', one->key);
		str_pad(out, COLUMN);
		if (one->before && one->after)
			str_addf(out, "%s -> %s\n", one->before, one->after);
		else
			str_addf(out, "%s\n", one->before ? one->before : one->after);
	}
}

void diff_text(struct regions *store, const struct diff *diff, const char *a, const char *b,
	       struct str *out)
{
	OWN_MEM bool *shown = mem_alloc(diff->n_calls + 1);
	unsigned last = ARRAY_SIZE(headings);

	str_addf(out, "A: %s\nB: %s\n", a, b);
	if (diff_is_empty(diff))
		str_add(out, "\nno difference: every call gets the same answer from both\n");
	for (size_t i = 0; i < diff->n_calls; i++) {
		if (shown[i])
			continue;
		if (heading_of(&diff->calls[i]) != last)
			str_addf(out, "\n%s:\n", headings[last = heading_of(&diff->calls[i])]);
		add_call(store, diff, i, shown, out);
	}
	add_settings(diff, out);
}

static void json_answer(struct json *out, const char *key, enum answer answer, uint16_t data)
{
	json_put_object(out, key);
	json_put_text(out, "action", answer_name(answer));
	if (answer == ANSWER_ERRNO) {
		json_put_u64(out, "errno", data);
		json_put_text(out, "errno_name", strerrorname_np(data));
	}
	json_put_end(out);
}

static void json_call(struct regions *store, const struct difference *one, struct json *out)
{
	static const char *const kinds[] = { "added", "removed", "changed" };
	OWN(str) when = STR_NONE;
	char text[256];

	json_put_object(out, NULL);
	json_put_text(out, "kind", kinds[heading_of(one)]);
	json_put_u64(out, "arch", one->arch);
	json_put_u64(out, "first", one->low);
	json_put_u64(out, "last", one->high);
	name_of(one, text, sizeof(text));
	json_put_text(out, "call", text);
	describe_arguments(store, one->arguments, one->low & ~SYSCALLS_X32, CLAUSES, &when);
	json_put_text(out, "when", str_text(&when));
	json_answer(out, "a", one->before, one->data_before);
	json_answer(out, "b", one->after, one->data_after);
	describe_call(&one->example, text, sizeof(text));
	json_put_text(out, "example", text);
	json_put_end(out);
}

void diff_json(struct regions *store, const struct diff *diff, const char *a, const char *b,
	       struct json *out)
{
	json_put_object(out, NULL);
	json_put_text(out, "schema", "ward.diff.1");
	json_put_text(out, "a", a);
	json_put_text(out, "b", b);
	json_put_bool(out, "equal", diff_is_empty(diff));
	json_put_array(out, "calls");
	for (size_t i = 0; i < diff->n_calls; i++)
		json_call(store, &diff->calls[i], out);
	json_put_end(out);
	json_put_array(out, "settings");
	for (size_t i = 0; i < diff->n_settings; i++) {
		json_put_object(out, NULL);
		json_put_text(out, "key", diff->settings[i].key);
		json_put_text(out, "a", diff->settings[i].before);
		json_put_text(out, "b", diff->settings[i].after);
		json_put_end(out);
	}
	json_put_end(out);
	json_put_end(out);
}
