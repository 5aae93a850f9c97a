/* The advice as a threat model in Markdown: assets, attackers, the boundary drawn, what crosses it, a threat
 * for every layer, what remains. All of it comes from the threat, the policy and the tables of the source, so
 * that it cannot say what they do not. */
#include "judge/advise.h"

#include <string.h>

#include "base/clean.h"

static int used(const struct advice *advice)
{
	return advice->of->proposed >= 0 && !advice->is_refused ? advice->of->proposed : advice->chosen;
}

/* Names and paths come from files and words: what means something in a table or opens a tag is escaped. */
static void add_escaped(struct str *out, const char *text)
{
	OWN(str) clean = STR_NONE;

	clean_add(&clean, text);
	for (const char *c = str_text(&clean); *c; c++) {
		if (strchr("\\`*_[]<>|&#", *c))
			str_add(out, "\\");
		str_add_bytes(out, c, 1);
	}
}

static void add_words(const struct advice *advice, enum threat_field field, const char *without,
		      struct str *out)
{
	const uint64_t words = advice->of->threat->words & threat_row(field)->words;

	for (size_t i = 0; i < THREAT_WORDS; i++)
		if (words & WORD_BIT(i))
			str_addf(out, "* **%s**: %s\n", threat_meaning((enum threat_word)i)->word,
				 threat_meaning((enum threat_word)i)->meaning);
	if (!words)
		str_addf(out, "* %s\n", without);
}

static void add_attacker(const struct advice *advice, struct str *out)
{
	str_add(out, "\n## Assets\n\n");
	add_words(advice, THREAT_STAKE, "nothing was named", out);
	str_add(out, "\n## Attackers\n\nWho wrote the code, and in what form:\n\n");
	add_words(advice, THREAT_AUTHOR, "", out);
	add_words(advice, THREAT_FORM, "", out);
	str_add(out, "\nWhat is decided by somebody who may mean harm:\n\n");
	add_words(advice, THREAT_CONTROLS, "nothing", out);
	str_add(out, "\nOn the same host:\n\n");
	add_words(advice, THREAT_TENANTS, "", out);
	str_add(out, "\nSo the attacker is:\n\n");
	add_words(advice, THREAT_POWER, "", out);
	str_addf(out, "\nThe reason: %s.\n", advice->power_why);
}

/* From the outside in. */
static const char *const zones[STRENGTH_BOUNDARIES][4] = {
	[BOUNDARY_PROCESS] = { "process: Landlock, two filters, no right to gain" },
	[BOUNDARY_CONTAINER] = { "container: namespaces, a root of its own, cgroup, Landlock, two filters" },
	[BOUNDARY_GVISOR] = { "container: namespaces, cgroup, a short filter", "kernel in user space" },
	[BOUNDARY_MICROVM] = { "container: namespaces, cgroup, a short filter", "monitor, KVM", "guest's kernel" },
	[BOUNDARY_WASM] = { "container: namespaces, cgroup, a short filter", "engine: bounds checked in code" },
	[BOUNDARY_JS] = { "container: namespaces, cgroup, a short filter", "engine: a heap of its own" },
};

enum { DRAWING = 76 };

/* One line of the drawing, inside `depth` walls on each side. */
static void draw_line(struct str *out, size_t depth, const char *text, char fill)
{
	const size_t width = DRAWING - 4 * depth;
	size_t len = 0;

	for (size_t i = 0; i < depth; i++)
		str_add(out, "| ");
	for (const char *p = text; len < width && *p; p++, len++)
		str_add_bytes(out, p, 1);
	for (; len < width; len++)
		str_add_bytes(out, &fill, 1);
	for (size_t i = 0; i < depth; i++)
		str_add(out, " |");
	str_add(out, "\n");
}

static void draw_wall(struct str *out, size_t depth, const char *title)
{
	OWN(str) wall = STR_NONE;
	const size_t width = DRAWING - 4 * depth;

	str_addf(&wall, "+-%s%s%s", *title ? " " : "", title, *title ? " " : "");
	while (wall.len < width - 1)
		str_add(&wall, "-");
	if (wall.len == width - 1)
		str_add(&wall, "+");
	else
		wall.at[width - 1] = '+';
	draw_line(out, depth, str_text(&wall), '-');
}

/* What goes between ward and the outermost wall: the policy's words, else what the threat model needs. */
static void draw_crossings(const struct advice *advice, struct str *out)
{
	const struct policy *const policy = advice->of->policy;
	size_t n[GRANT_KINDS] = { 0 };
	OWN(str) files = STR_NONE;
	OWN(str) network = STR_NONE;

	draw_line(out, 1, "  |  streams in and out, counted; a result", ' ');
	if (policy) {
		for (size_t i = 0; i < policy->n_grants; i++)
			n[policy->grants[i].kind]++;
		str_addf(&files, "  |  files: %zu to read or execute, %zu to write, %zu scratch",
			 n[GRANT_READ] + n[GRANT_EXEC], n[GRANT_WRITE], n[GRANT_SCRATCH]);
		draw_line(out, 1, str_text(&files), ' ');
		str_addf(&network, "  |  network: %s",
			 policy_n(policy, KEY_NETWORK) == NETWORK_HOST ? "the host's" : "none");
	} else {
		str_addf(&network, "  |  network: %s",
			 threat_has(advice->of->threat, WORD_NEEDS_NETWORK) ? "the hosts on a list" : "none");
	}
	draw_line(out, 1, str_text(&network), ' ');
}

static void add_drawing(const struct advice *advice, struct str *out)
{
	const char *const *const inside = zones[used(advice)];
	const struct threat *const threat = advice->of->threat;
	OWN(str) host = STR_NONE;
	OWN(str) program = STR_NONE;
	size_t depth = 1;

	str_add(&host, "host: ");
	threat_list(threat, THREAT_STAKE, &host);
	str_add(&program, "the program: ");
	threat_list(threat, THREAT_FORM, &program);
	str_add(&program, ", by ");
	threat_list(threat, THREAT_AUTHOR, &program);
	str_add(out, "\n```\n");
	draw_wall(out, 0, str_text(&host));
	draw_line(out, 1, "ward: policy, limits, verdict; no right while the program runs", ' ');
	draw_crossings(advice, out);
	for (size_t i = 0; i < 4 && inside[i]; i++)
		draw_wall(out, depth++, inside[i]);
	draw_line(out, depth, str_text(&program), ' ');
	while (--depth)
		draw_wall(out, depth, "");
	draw_wall(out, 0, "");
	str_add(out, "```\n");
}

static void add_boundary(const struct advice *advice, struct str *out)
{
	const int boundary = used(advice);
	const char *missing;

	str_add(out, "\n## Boundary\n\n");
	if (advice->is_refused) {
		str_addf(out, "**%s was proposed and is refused.**", strength_of(advice->of->proposed)->name);
		for (size_t i = 0; i < PROPERTIES; i++)
			if (advice->rows[advice->of->proposed].fails[i])
				str_addf(out, " %s: %s.", property_name((enum property)i),
					 strength_because(advice->of->proposed, (enum property)i));
		str_add(out, "\n\n");
	}
	if (boundary < 0) {
		str_addf(out, "None of the six: %s.\n", advice->impossible);
		return;
	}
	missing = advice->of->missing[boundary];
	str_addf(out, "**%s**. To reach the host, the attacker has to break: %s.\n",
		 strength_of(boundary)->name, strength_of(boundary)->breaks);
	if (missing)
		str_addf(out, "\n**It cannot be used here yet**: %s. Nothing weaker takes its place.\n", missing);
	add_drawing(advice, out);
	str_add(out, "\n| it has to hold against | because | it does so by |\n|---|---|---|\n");
	for (size_t i = 0; i < PROPERTIES; i++)
		if (advice->demands[i])
			str_addf(out, "| %s | %s | %s |\n", property_attack((enum property)i),
				 advice->demands[i]->why, strength_because(boundary, (enum property)i));
}

static void add_comparison(const struct advice *advice, struct str *out)
{
	str_add(out, "\n## The six compared\n\n| boundary |");
	for (size_t p = 0; p < PROPERTIES; p++)
		str_addf(out, " %s |", property_name((enum property)p));
	str_add(out, " start p99 | idle box | figures |\n|---|");
	for (size_t p = 0; p < PROPERTIES + 3; p++)
		str_add(out, "---|");
	str_add(out, "\n");
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++) {
		const int boundary = strength_by_cost(i);
		const struct advise_row *const row = &advice->rows[boundary];

		str_addf(out, "| %s |", strength_of(boundary)->name);
		for (size_t p = 0; p < PROPERTIES; p++)
			str_addf(out, row->fails[p] ? " **%s** |" : " %s |",
				 holds_name(strength_holds(boundary, (enum property)p)));
		str_add(out, " ");
		figures_time(row->figure.start_p99_us, out);
		str_add(out, " | ");
		figures_memory(row->figure.idle_bytes, out);
		str_addf(out, " | %s%s%s |\n", advise_origin(&row->figure), row->figure.source ? ": " : "",
			 row->figure.source ? row->figure.source : "");
	}
	str_add(out, "\nBold is less than this threat demands.\n");
}

static void add_grants(const struct policy *policy, struct str *out)
{
	static const char *const kinds[GRANT_KINDS] = {
		[GRANT_READ] = "can be read", [GRANT_WRITE] = "can be read and written",
		[GRANT_SCRATCH] = "empty at the start, in memory, gone at the end",
		[GRANT_EXEC] = "can be read and executed",
	};

	for (size_t i = 0; i < policy->n_grants; i++) {
		const struct grant *const grant = &policy->grants[i];

		str_add(out, "| files | ");
		add_escaped(out, grant->what ? grant->what : "nothing of the host");
		str_add(out, " at ");
		add_escaped(out, grant->as);
		str_addf(out, " | %s |\n", kinds[grant->kind]);
	}
}

static void add_limit(const struct policy *policy, enum policy_key key, struct str *out)
{
	char value[64];

	if (!policy->values[key].set)
		return;
	policy_format(policy, key, value, sizeof(value));
	str_addf(out, "| %s | %s | %s |\n", policy_key_row(key)->path, value, policy_key_row(key)->help);
}

static void add_crossing(const struct advice *advice, struct str *out)
{
	static const enum policy_key keys[] = {
		KEY_NETWORK, KEY_CPU, KEY_WALL, KEY_MEMORY, KEY_PIDS, KEY_OUTPUT, KEY_TERMINAL, KEY_PROC,
	};
	const struct policy *const policy = advice->of->policy;

	str_add(out, "\n## What crosses the boundary\n\n");
	if (!policy) {
		str_add(out, "No policy was named (`-p`), so this is what any box has: its standard streams, counted "
			     "and cut; time, and the result that ward writes. What the program needs beyond that:\n\n");
		add_words(advice, THREAT_NEEDS, "nothing", out);
		return;
	}
	str_add(out, "As the policy ");
	add_escaped(out, advice->of->policy_name);
	str_add(out, " says, and nothing else:\n\n");
	str_add(out, "| what | which | with what authority |\n|---|---|---|\n");
	str_add(out, "| streams | standard input, output, error | bytes, counted and cut |\n");
	add_grants(policy, out);
	for (size_t i = 0; i < policy->n_env; i++) {
		str_addf(out, "| environment | %s | ", policy->env[i].name);
		str_add(out, policy->env[i].value ? "set by the policy |\n" : "the caller's value |\n");
	}
	for (size_t i = 0; i < policy->n_pass; i++)
		str_addf(out, "| descriptor | %d | whatever it was opened for |\n", policy->pass_fds[i]);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		add_limit(policy, keys[i], out);
	str_addf(out, "| system calls | lines of the policy: %zu | what they do not list is refused |\n", policy->n_calls);
}

static const char *layer_state(const struct advice *advice, enum layer layer)
{
	if (!advice->of->layers)
		return "where the policy and the host have it";
	return advice->of->layers & LAYER_BIT(layer) ? "yes" : "**no**";
}

static void add_layers(const struct advice *advice, struct str *out)
{
	str_add(out, "\n## A threat for every layer\n\nThese are the layers of ward's own jail");
	str_add(out, used(advice) == BOUNDARY_PROCESS || used(advice) == BOUNDARY_CONTAINER ?
			     ", which is the boundary here.\n\n" :
			     ", which stands behind the boundary: they are what is left when that one is broken.\n\n");
	str_add(out, "| layer | holds | the attack it answers | what would defeat it | here |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < LAYERS; i++)
		str_addf(out, "| %s | %s | %s | %s | %s |\n", layer_name((enum layer)i),
			 layer_holds((enum layer)i), layer_attack((enum layer)i), layer_defeat((enum layer)i),
			 layer_state(advice, (enum layer)i));
}

static void add_texts(const char *title, const char *heads, const struct advise_text *texts, size_t n,
		      struct str *out)
{
	if (!n)
		return;
	str_addf(out, "\n## %s\n\n%s\n|---|---|\n", title, heads);
	for (size_t i = 0; i < n; i++)
		str_addf(out, "| %s | %s |\n", texts[i].what, texts[i].how);
}

void advise_doc(const struct advice *advice, struct str *out)
{
	const char *const name = advice->of->threat->name;

	str_addf(out, "# Threat model: %s\n\n", name ? name : "unnamed");
	str_add(out, "Written by `ward advise --doc` from a threat model"
		     " and the tables of the program; change those, not this.\n");
	add_attacker(advice, out);
	add_boundary(advice, out);
	add_comparison(advice, out);
	add_texts("Layered with", "| what | how |", advice->around, advice->n_around, out);
	add_crossing(advice, out);
	add_texts("Where the policy falls short", "| what | instead |", advice->gaps, advice->n_gaps, out);
	add_layers(advice, out);
	add_texts("What remains", "| risk | reduced by |", advice->remains, advice->n_remains, out);
}
