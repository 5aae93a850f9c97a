/* A record as text. Every text of it is clean already: the reader and the recorder see to that. */
#include "cmd/trace_show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/caps.h"
#include "model/syscalls.h"

static const char *const phases[] = { "-", "start", "steady", "both" };

struct row {
	uint32_t nr;
	const struct record_call *call;
	const char *name;
};

static int by_count(const void *a, const void *b)
{
	const struct row *const x = a, *const y = b;

	if (x->call->count != y->call->count)
		return x->call->count < y->call->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

static size_t sort_calls(const struct record *record, struct row rows[RECORD_CALLS], uint64_t *sum)
{
	size_t n = 0;

	*sum = 0;
	for (uint32_t nr = 0; nr < RECORD_CALLS; nr++) {
		const struct record_call *const call = &record->calls[nr];
		const char *const name = syscalls_name(nr);

		if (!call->count)
			continue;
		rows[n++] = (struct row){ nr, call, name ? name : "unknown" };
		*sum += call->count;
	}
	qsort(rows, n, sizeof(*rows), by_count);
	return n;
}

static void add_place(const struct record_place *place, struct str *out)
{
	const char *const slash = place->module ? strrchr(place->module, '/') : NULL;

	str_add(out, slash ? slash + 1 : place->module ? place->module : "?");
	if (place->symbol)
		str_addf(out, ":%s", place->symbol);
	else
		str_addf(out, "+0x%" PRIx64, place->offset);
}

static void add_sites(const struct record_call *call, struct str *out)
{
	for (uint8_t i = 0; i < call->n_sites; i++) {
		const struct record_site *const site = &call->sites[i];

		str_add(out, "                                          ");
		add_place(site->by.module ? &site->by : &site->at, out);
		if (site->by.module) {
			str_add(out, " by way of ");
			add_place(&site->at, out);
		}
		str_add(out, "\n");
	}
	if (call->sites_more)
		str_add(out, "                                          and other places\n");
}

static void show(const struct record *record, bool with_sites, struct str *out)
{
	struct row rows[RECORD_CALLS];
	uint64_t sum;
	const size_t n = sort_calls(record, rows, &sum);

	str_add(out, "% calls       calls    refused  phase   call\n");
	for (size_t i = 0; i < n; i++) {
		const struct record_call *const call = rows[i].call;
		const uint64_t tenths = (call->count * 1000 + sum / 2) / sum;

		str_addf(out, "%5" PRIu64 ".%" PRIu64 " %11" PRIu64 " ", tenths / 10, tenths % 10, call->count);
		if (call->refused)
			str_addf(out, "%10" PRIu64, call->refused);
		else
			str_add(out, "          ");
		str_addf(out, "  %-7s %s\n", phases[call->phases & 3], rows[i].name);
		if (with_sites)
			add_sites(call, out);
	}
	str_addf(out, "%19" PRIu64 "  in %zu different calls", sum, n);
	if (record->runs > 1)
		str_addf(out, ", %" PRIu32 " runs", record->runs);
	str_add(out, "\n");
	if (record->unknown)
		str_addf(out, "%19" PRIu64 "  with numbers of no call, refused\n", record->unknown);
	if (record->cut)
		str_addf(out, "incomplete: %s\n", record->cut);
}

void trace_show_calls(const struct record *record, struct str *out)
{
	show(record, false, out);
}

void trace_show_sites(const struct record *record, struct str *out)
{
	show(record, true, out);
}

static bool asked_for(const struct record *record, unsigned cap)
{
	for (size_t i = 0; i < record->n_caps; i++)
		if (record->caps[i].cap == cap)
			return true;
	return false;
}

static void add_cap(const struct record_cap *cap, struct str *out)
{
	const char *const name = caps_name(cap->cap), *const call = syscalls_name(cap->nr);

	str_addf(out, "  %s", name ? name : "unknown");
	str_pad(out, 26);
	str_addf(out, "%s, %" PRIu64 " time%s%s\n", call ? call : "unknown", cap->count, cap->count == 1 ? "" : "s",
		 cap->maybe ? "; only for what is not its own already" : "");
}

void trace_show_caps(const struct record *record, struct str *out)
{
	bool needs_any = false;

	for (size_t i = 0; i < record->n_caps; i++)
		needs_any |= !record->caps[i].maybe;
	str_add(out, needs_any ? "capabilities that the program's calls ask for:\n" :
				 "capabilities that the program's calls ask for: none for certain\n");
	for (unsigned maybe = 0; maybe < 2; maybe++)
		for (size_t i = 0; i < record->n_caps; i++)
			if (record->caps[i].maybe == maybe)
				add_cap(&record->caps[i], out);
	str_add(out, "a network service typically needs, where it is not arranged otherwise:\n");
	for (size_t i = 0; caps_typical_at(i); i++) {
		const struct caps_typical *const row = caps_typical_at(i);

		str_addf(out, "  %s", caps_name(row->cap));
		str_pad(out, 26);
		str_addf(out, "to %s%s\n", row->does, asked_for(record, row->cap) ? " (this one asked)" : "");
	}
	str_add(out, "a box of ward has none, whatever asks; a call that needs one fails there\n");
}
