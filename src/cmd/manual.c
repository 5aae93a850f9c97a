/* Writes tables for tools/manpages.py. Prose is written by hand, in doc/. */
#include "cmd/manual.h"

#include <stdlib.h>
#include <string.h>

#include "boundary/boundary.h"
#include "cmd/commands.h"
#include "model/layer.h"
#include "model/policy.h"
#include "model/policy_value.h"
#include "model/syscalls.h"
#include "model/threat.h"

static void add_item(const char *name, const char *text, struct str *out)
{
	str_addf(out, ".It Sy %s\n\\&%s.\n", name, text);
}

static void write_commands(struct str *out)
{
	str_add(out, ".Bl -tag -width completion\n");
	for (size_t i = 0; command_at(i); i++)
		str_addf(out, ".It Nm Cm %s\n\\&%s.\n", command_at(i)->name,
			 command_at(i)->summary);
	str_add(out, ".El\n");
}

/* One end of "1M..1T": a number without unit is in the base unit, which nobody should read. */
static void add_bound(const struct key_row *row, const char *text, struct str *out)
{
	char *end, formatted[32];
	const uint64_t n = strtoull(text, &end, 10);

	policy_value_format(row->type, row->arg, n, formatted, sizeof(formatted));
	if (*end && *end != '.')
		str_addf(out, "%.*s", (int)(end - text) + 1, text);
	else
		str_add(out, formatted);
}

static void add_bounds(const struct key_row *row, struct str *out)
{
	const char *const dots = strstr(row->arg, "..");

	if (!dots)
		return;
	str_add(out, "From ");
	add_bound(row, row->arg, out);
	str_add(out, " to ");
	add_bound(row, dots + 2, out);
	str_add(out, ".\n");
}

static void add_narrow(const struct key_row *row, struct str *out)
{
	static const char *const sentences[] = {
		[NARROW_MIN] = "It may lower the value.",
		[NARROW_ON] = "It may switch it on.",
		[NARROW_OFF] = "It may switch it off.",
		[NARROW_RANK] = "It may choose an earlier word.",
		[NARROW_FREE] = "It may change the value.",
		[NARROW_FIXED] = "See there for when it may change it.",
	};

	if (row->flag)
		str_addf(out, "Flag:\n.Fl -%s .\n%s\n", row->flag, sentences[row->narrow]);
}

static void write_keys(struct str *out)
{
	str_add(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < KEYS; i++) {
		const struct key_row *const row = policy_key_row((enum policy_key)i);

		str_addf(out, ".It Sy %s : Ar %s\n\\&%s.\n", row->path,
			 row->type == KEY_CHOICE ? row->arg : policy_value_wanted(row->type),
			 row->help);
		add_bounds(row, out);
		add_narrow(row, out);
	}
	str_add(out, ".El\n");
}

static void write_layers(struct str *out)
{
	str_add(out, ".Bl -tag -width cgroup-memory -compact\n");
	for (size_t i = 0; i < LAYERS; i++)
		add_item(layer_name((enum layer)i), layer_holds((enum layer)i), out);
	str_add(out, ".El\n");
}

static void write_groups(struct str *out)
{
	str_add(out, ".Bl -tag -width @self-confine -compact\n");
	for (size_t i = 0; syscalls_group_at(i); i++)
		add_item(syscalls_group_at(i), syscalls_group_summary(syscalls_group_at(i)), out);
	str_add(out, ".El\n");
}

static void write_boundaries(struct str *out)
{
	str_add(out, ".Bl -tag -width container\n");
	for (size_t i = 0; boundary_at(i); i++)
		add_item(boundary_at(i)->name, boundary_at(i)->summary, out);
	str_add(out, ".El\n");
}

static void write_words(uint64_t words, struct str *out)
{
	str_add(out, ".Bl -tag -width dependencies -compact\n");
	for (size_t i = 0; i < THREAT_WORDS; i++)
		if (words & WORD_BIT(i))
			add_item(threat_meaning((enum threat_word)i)->word,
				 threat_meaning((enum threat_word)i)->meaning, out);
	str_add(out, ".El\n");
}

static void write_threat(struct str *out)
{
	static const char *const wanted[] = {
		[THREAT_CHOICE] = "one word", [THREAT_SET] = "a list of words",
		[THREAT_DURATION] = "a duration", [THREAT_COUNT] = "a whole number",
	};

	str_add(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < THREAT_FIELDS; i++) {
		const struct threat_row *const row = threat_row((enum threat_field)i);

		if (row->kind == THREAT_DERIVED)
			continue;
		str_addf(out, ".It Sy %s : Ar %s\n\\&%s\n%s", row->path, wanted[row->kind], row->question,
			 row->must ? "Has to be stated.\n" : "");
		if (row->words)
			write_words(row->words, out);
	}
	str_add(out, ".El\n");
}

static void write_powers(struct str *out)
{
	write_words(threat_row(THREAT_POWER)->words, out);
}

int manual_write(const char *table, struct str *out, struct err *e)
{
	static const struct {
		const char *name;
		void (*write)(struct str *out);
	} tables[] = {
		{ "commands", write_commands }, { "keys", write_keys }, { "layers", write_layers },
		{ "groups", write_groups }, { "boundaries", write_boundaries },
		{ "threat", write_threat }, { "powers", write_powers },
	};
	const struct command *const command = command_find(table);

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (strcmp(tables[i].name, table) == 0) {
			tables[i].write(out);
			return 0;
		}
	if (!command)
		return err_set(e, ERR_USAGE, "no table '%.40s'", table);
	opt_man(command->options, command_count_options(command), out);
	return 0;
}
