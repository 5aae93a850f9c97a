/* A policy from a record: heading, limits, and what it ran under that no record can show. Refuses to
 * state a limit that nobody measured and no policy named. */
#include "judge/derive.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "boundary/floor.h"
#include "boundary/parts.h"
#include "judge/derive_parts.h"
#include "model/layer.h"
#include "model/policy_value.h"

#define HEADROOM 2

void derive_comment(struct str *out, const char *text)
{
	for (; *text; text++) {
		const char c = *text >= 0x20 && *text < 0x7f ? *text : '?';

		str_add_bytes(out, &c, 1);
	}
}

void derive_quoted(struct str *out, const char *text)
{
	str_add(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			str_add(out, "\\");
		str_add_bytes(out, text, 1);
	}
	str_add(out, "\"");
}

/* "python3" of "/usr/bin/python3", made of what a name may have. */
static void add_name(const struct deriving *d)
{
	const char *const program = d->record->n_argv ? d->record->argv[0] : "program";
	const char *const slash = strrchr(program, '/');
	const char *text = d->how->name ? d->how->name : slash ? slash + 1 : program;
	char name[65] = "";
	size_t n = 0;

	for (; *text && n < sizeof(name) - 1; text++)
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
		    (*text >= '0' && *text <= '9') || strchr("._-", *text))
			name[n++] = *text;
	str_addf(d->out, "version: 1\nname: \"%s\"\n", n ? name : "program");
}

static void add_heading(const struct deriving *d)
{
	const struct record *const record = d->record;

	str_addf(d->out, "# Derived from %" PRIu32 " run%s of:", record->runs, record->runs == 1 ? "" : "s");
	for (size_t i = 0; i < record->n_argv; i++) {
		str_add(d->out, " ");
		derive_comment(d->out, record->argv[i]);
	}
	if (record->policy) {
		str_add(d->out, "\n# It ran under policy ");
		derive_comment(d->out, record->policy);
		str_add(d->out, ", boundary ");
		derive_comment(d->out, record->boundary ? record->boundary : "unknown");
		str_add(d->out, ".");
	}
	if (record->cut) {
		str_add(d->out, "\n# INCOMPLETE: ");
		derive_comment(d->out, record->cut);
	}
	str_add(d->out, "\n# What another input makes it do is not in here: run it again with that, and merge.\n");
}

/* What was measured, doubled; a policy's own limit where that is lower. */
static const struct measured {
	enum policy_key key;
	size_t offset;
} measured[] = {
	{ KEY_CPU, offsetof(struct derive_usage, cpu_ms) },
	{ KEY_WALL, offsetof(struct derive_usage, wall_ms) },
	{ KEY_MEMORY, offsetof(struct derive_usage, memory_bytes) },
	{ KEY_PIDS, offsetof(struct derive_usage, pids) },
	{ KEY_OUTPUT, offsetof(struct derive_usage, output_bytes) },
};

/* Rounded up to a figure people would write. */
static uint64_t with_headroom(enum policy_key key, uint64_t seen)
{
	static const struct { enum policy_key key; uint64_t least, step, most; } rows[] = {
		{ KEY_CPU, 1000, 1000, 86400000 },
		{ KEY_WALL, 2000, 1000, 2592000000 },
		{ KEY_MEMORY, UINT64_C(16) << 20, UINT64_C(1) << 20, UINT64_C(1) << 40 },
		{ KEY_PIDS, 1, 1, 4194304 },
		{ KEY_OUTPUT, UINT64_C(64) << 10, UINT64_C(64) << 10, UINT64_C(1) << 40 },
	};
	size_t i = 0;

	while (rows[i].key != key)
		i++;
	if (seen > rows[i].most / HEADROOM)
		return rows[i].most;
	if (seen * HEADROOM < rows[i].least)
		return rows[i].least;
	return (seen * HEADROOM + rows[i].step - 1) / rows[i].step * rows[i].step;
}

static uint64_t seen_of(const struct deriving *d, enum policy_key key)
{
	for (size_t i = 0; i < ARRAY_SIZE(measured); i++)
		if (measured[i].key == key)
			return *(const uint64_t *)((const char *)&d->how->usage + measured[i].offset);
	return 0;
}

static bool is_stated(const struct policy *policy, enum policy_key key)
{
	const struct policy_value *const value = &policy->values[key];

	return value->set && !(value->origin.source && strcmp(value->origin.source, POLICY_UNSTATED) == 0);
}

/* One scalar below its section. */
static void add_value(const struct deriving *d, enum policy_key key)
{
	const struct policy *const under = d->how->under;
	const struct key_row *const row = policy_key_row(key);
	const char *const dot = strchr(row->path, '.');
	const bool is_known = under && is_stated(under, key);
	const uint64_t seen = seen_of(d, key);
	uint64_t n = is_known ? under->values[key].n : 0;
	char text[64];

	str_addf(d->out, "%s%s: ", dot ? "  " : "", dot ? dot + 1 : row->path);
	if (is_known && under->values[key].text) {
		derive_quoted(d->out, under->values[key].text);
		str_add(d->out, "\n");
		return;
	}
	if (seen && (!is_known || with_headroom(key, seen) < n))
		n = with_headroom(key, seen);
	policy_value_format(row->type, row->arg, n, text, sizeof(text));
	str_add(d->out, text);
	if (seen) {
		policy_value_format(row->type, row->arg, seen, text, sizeof(text));
		str_addf(d->out, "  # %s were seen", text);
	}
	str_add(d->out, "\n");
}

/* Keys of one section, "" = those without; the section's name is written before the first. */
static void add_section(const struct deriving *d, const char *section)
{
	const size_t len = strlen(section);
	bool is_open = !len;

	for (size_t i = 0; i < KEYS; i++) {
		const enum policy_key key = (enum policy_key)i;
		const char *const path = policy_key_row(key)->path;
		const bool is_ours = len ? strncmp(path, section, len) == 0 && path[len] == '.' :
					   !strchr(path, '.');
		const bool is_known = seen_of(d, key) || (d->how->under && is_stated(d->how->under, key));

		if (!is_ours || !is_known || key == KEY_NAME)
			continue;
		if (!is_open)
			str_addf(d->out, "%s:\n", section);
		is_open = true;
		add_value(d, key);
	}
}

static bool is_loopback(const struct record_host *host)
{
	return strncmp(host->address, "127.", 4) == 0 || strcmp(host->address, "::1") == 0;
}

static void add_ports(const struct deriving *d, const char *name, bool binds)
{
	bool seen[65536] = { false };
	const char *before = "";

	for (size_t i = 0; i < d->record->n_hosts; i++) {
		const struct record_host *const host = &d->record->hosts[i];

		if (host->family == FAMILY_INET || host->family == FAMILY_INET6)
			seen[host->port] |= binds ? host->binds : host->connects;
	}
	str_addf(d->out, "  %s: [", name);
	for (size_t i = 1; i < ARRAY_SIZE(seen); i++)
		if (seen[i]) {
			str_addf(d->out, "%s%zu", before, i);
			before = ", ";
		}
	str_add(d->out, "]\n");
}

/* A host outside is granted only where the program had a way to it. */
static void add_network(const struct deriving *d)
{
	const struct policy *const under = d->how->under;
	size_t n_outside = 0;

	for (size_t i = 0; i < d->record->n_hosts; i++) {
		const struct record_host *const host = &d->record->hosts[i];

		if (host->family != FAMILY_INET && host->family != FAMILY_INET6)
			continue;
		str_add(d->out, "# ");
		derive_comment(d->out, host->address);
		str_addf(d->out, " port %u:%s%s, %" PRIu64 " time%s\n", host->port,
			 host->connects ? " connects" : "", host->binds ? " listens" : "", host->count,
			 host->count == 1 ? "" : "s");
		/* A box without the host's network may use no port, not even on the loopback of its own. */
		n_outside += under || !is_loopback(host);
	}
	if (!n_outside || (under && policy_n(under, KEY_NETWORK) == NETWORK_NONE)) {
		str_addf(d->out, "network: none%s\n",
			 n_outside ? "  # it asked for others, had no way to them, and went on" : "");
		return;
	}
	str_add(d->out, "network:\n  mode: host\n");
	add_ports(d, "connect", false);
	add_ports(d, "bind", true);
}

static void add_environment(const struct deriving *d)
{
	const struct policy *const under = d->how->under;
	const char *before = "";
	bool is_open = false;

	if (!under || !under->n_env)
		return;
	str_add(d->out, "env:\n  keep: [");
	for (size_t i = 0; i < under->n_env; i++)
		if (!under->env[i].value) {
			str_addf(d->out, "%s%s", before, under->env[i].name);
			before = ", ";
		}
	str_add(d->out, "]\n");
	for (size_t i = 0; i < under->n_env; i++) {
		if (!under->env[i].value)
			continue;
		str_addf(d->out, "%s    %s: ", is_open ? "" : "  set:\n", under->env[i].name);
		derive_quoted(d->out, under->env[i].value);
		str_add(d->out, "\n");
		is_open = true;
	}
}

static void add_list(const struct deriving *d, const char *key, const char *(*name)(size_t i), size_t n,
		     uint64_t set)
{
	const char *before = "";

	if (!set)
		return;
	str_addf(d->out, "%s: [", key);
	for (size_t i = 0; i < n; i++)
		if (set >> i & 1) {
			str_addf(d->out, "%s%s", before, name(i));
			before = ", ";
		}
	str_add(d->out, "]\n");
}

static const char *layer_at(size_t i)
{
	return layer_name((enum layer)i);
}

static void prepare(struct deriving *d)
{
	struct err ignored = ERR_INIT;

	d->rows = FILTER_SET_NONE;
	floor_rows(&d->floor);
	d->has_rows = d->how->under &&
		      parts_filter_rows(d->how->under, NULL, 0, &d->rows, &ignored) == 0;
}

void derive_policy(const struct record *record, const struct derive_how *how, struct str *out,
		   struct derived *counts)
{
	struct derived none;
	struct deriving d = { .record = record, .how = how, .out = out, .counts = counts ? counts : &none };
	static const char *const sections[] = { "", "limits", "identity", "hardening", "js" };

	*d.counts = (struct derived){ 0 };
	prepare(&d);
	add_heading(&d);
	add_name(&d);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		add_section(&d, sections[i]);
	if (how->under) {
		add_list(&d, "fallback", policy_fallback_name, 2, how->under->fallback);
		add_list(&d, "require", layer_at, LAYERS, how->under->require);
	}
	add_network(&d);
	add_environment(&d);
	derive_files(&d);
	derive_calls(&d);
	filter_set_done(&d.rows);
	filter_set_done(&d.floor);
}
