/* Adds to a record, and adds records up. Refuses to grow past its bounds: what there is no room for marks
 * the record as cut. */
#include "model/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "model/syscalls.h"

static const char *const access_names[RECORD_ACCESSES] = { "read", "write", "create", "exec", "stat", "list", "unlink" };
static const char *const family_names[RECORD_FAMILIES] = { "unix", "inet", "inet6", "other" };

const char *record_access_name(unsigned bit)
{
	return bit < RECORD_ACCESSES ? access_names[bit] : NULL;
}

const char *record_family_name(enum record_family family)
{
	return family < RECORD_FAMILIES ? family_names[family] : NULL;
}

void record_done(struct record *record)
{
	free(record->files);
	free(record->slots);
	arena_done(&record->arena);
	memset(record, 0, sizeof(*record));
}

void record_cut(struct record *record, const char *why)
{
	if (!record->cut)
		record->cut = arena_copy(&record->arena, why, strnlen(why, 200));
}

/* NULL when the texts have reached their bound. Control bytes become '?'. */
static const char *keep(struct record *record, const char *text)
{
	const size_t len = text ? strlen(text) : 0;
	char *copy;

	if (!text)
		return NULL;
	if (record->arena.total + len > RECORD_TEXT) {
		record_cut(record, "names and paths took more room than a record has");
		return NULL;
	}
	copy = arena_copy(&record->arena, text, len);
	clean_bytes(copy, strlen(copy), "");
	return copy;
}

void record_set_text(struct record *record, const char **field, const char *text)
{
	*field = keep(record, text);
}

static void add_value(struct record_arg *arg, uint64_t value, bool is_first)
{
	uint8_t at = 0;

	arg->all = is_first ? value : arg->all & value;
	arg->any = is_first ? value : arg->any | value;
	while (at < arg->n && arg->values[at] < value)
		at++;
	if (at < arg->n && arg->values[at] == value)
		return;
	if (arg->n == RECORD_VALUES) {
		arg->more = true;
		return;
	}
	memmove(arg->values + at + 1, arg->values + at, (arg->n - at) * sizeof(*arg->values));
	arg->values[at] = value;
	arg->n++;
}

void record_add_call(struct record *record, uint32_t nr, const uint64_t args[6], uint8_t phase, bool refused)
{
	struct record_call *const call = nr < RECORD_CALLS ? &record->calls[nr] : NULL;

	if (!call) {
		record->unknown++;
		return;
	}
	for (unsigned i = 0; i < 6; i++)
		add_value(&call->args[i], args[i] & UINT64_MAX >> (64 - 8 * syscalls_arg_bytes(nr, i)), !call->count);
	call->count++;
	call->refused += refused;
	call->phases |= phase;
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool is_same_place(const struct record_place *a, const struct record_place *b)
{
	return a->offset == b->offset && is_same_text(a->module, b->module);
}

/* Module names repeat: one copy of each, as far as the sites of this call know. */
static struct record_place keep_place(struct record *record, const struct record_place *place)
{
	return (struct record_place){ keep(record, place->module), place->offset, keep(record, place->symbol) };
}

void record_add_site(struct record *record, uint32_t nr, const struct record_site *site)
{
	struct record_call *const call = nr < RECORD_CALLS ? &record->calls[nr] : NULL;

	if (!call)
		return;
	for (uint8_t i = 0; i < call->n_sites; i++) {
		struct record_site *const one = &call->sites[i];

		if (is_same_place(&one->at, &site->at) && is_same_place(&one->by, &site->by)) {
			one->count += site->count;
			one->phases |= site->phases;
			return;
		}
	}
	if (call->n_sites == RECORD_SITES) {
		call->sites_more = true;
		return;
	}
	if (!call->sites)
		call->sites = arena_alloc(&record->arena, RECORD_SITES * sizeof(*call->sites));
	call->sites[call->n_sites++] = (struct record_site){
		.at = keep_place(record, &site->at),
		.by = keep_place(record, &site->by),
		.count = site->count,
		.phases = site->phases,
	};
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/. Whoever makes paths collide slows his own trace. */
static size_t hash(const char *text)
{
	uint64_t sum = 0xcbf29ce484222325;

	for (; *text; text++)
		sum = (sum ^ (unsigned char)*text) * 0x100000001b3;
	return (size_t)(sum ^ sum >> 32);
}

/* Slots hold a file's index + 1; twice as many as there can be files. */
#define SLOTS ((size_t)2 * RECORD_FILES)
_Static_assert((SLOTS & (SLOTS - 1)) == 0, "a mask finds a slot");

static uint32_t *find_slot(struct record *record, const char *path)
{
	size_t at = hash(path) & (SLOTS - 1);

	if (!record->slots)
		record->slots = mem_alloc(SLOTS * sizeof(*record->slots));
	while (record->slots[at] && strcmp(record->files[record->slots[at] - 1].path, path) != 0)
		at = (at + 1) & (SLOTS - 1);
	return &record->slots[at];
}

void record_add_file(struct record *record, const struct record_file *file)
{
	uint32_t *const slot = find_slot(record, file->path);
	struct record_file *one;
	const char *path;

	if (*slot) {
		one = &record->files[*slot - 1];
		one->is_odd |= file->is_odd;
		one->exists = file->exists;
		one->is_dir = file->is_dir;
		one->access |= file->access;
		one->phases |= file->phases;
		one->count += file->count;
		return;
	}
	if (record->n_files == RECORD_FILES) {
		record_cut(record, "it used more files than a record has room for");
		return;
	}
	path = keep(record, file->path);
	if (!path)
		return;
	record->files = mem_grow(record->files, &record->cap_files, record->n_files + 1, sizeof(*record->files));
	record->files[record->n_files] = *file;
	record->files[record->n_files].path = path;
	*slot = (uint32_t)++record->n_files;
}

void record_add_host(struct record *record, const struct record_host *host)
{
	struct record_host *one = record->hosts;
	const char *address;

	for (; one < record->hosts + record->n_hosts; one++)
		if (one->family == host->family && one->port == host->port && !strcmp(one->address, host->address)) {
			one->connects |= host->connects;
			one->binds |= host->binds;
			one->phases |= host->phases;
			one->count += host->count;
			return;
		}
	if (record->n_hosts == RECORD_HOSTS) {
		record_cut(record, "it used more addresses than a record has room for");
		return;
	}
	address = keep(record, host->address);
	if (!address)
		return;
	record->hosts[record->n_hosts] = *host;
	record->hosts[record->n_hosts++].address = address;
}

void record_add_cap(struct record *record, const struct record_cap *cap)
{
	for (size_t i = 0; i < record->n_caps; i++) {
		struct record_cap *const one = &record->caps[i];

		if (one->cap == cap->cap && one->nr == cap->nr && one->maybe == cap->maybe) {
			one->count += cap->count;
			return;
		}
	}
	if (record->n_caps == RECORD_CAPS)
		record_cut(record, "it needed capabilities for more calls than a record has room for");
	else
		record->caps[record->n_caps++] = *cap;
}

static void merge_arg(struct record_arg *into, const struct record_arg *from, bool is_first)
{
	const uint64_t all = is_first ? from->all : into->all & from->all;
	const uint64_t any = is_first ? from->any : into->any | from->any;

	for (uint8_t i = 0; i < from->n; i++)
		add_value(into, from->values[i], is_first && !i);
	into->more |= from->more;
	into->all = all;
	into->any = any;
}

static void merge_call(struct record *into, uint32_t nr, const struct record_call *from)
{
	struct record_call *const call = &into->calls[nr];

	if (!from->count)
		return;
	for (unsigned i = 0; i < 6; i++)
		merge_arg(&call->args[i], &from->args[i], !call->count);
	call->count += from->count;
	call->refused += from->refused;
	call->phases |= from->phases;
	for (uint8_t i = 0; i < from->n_sites; i++)
		record_add_site(into, nr, &from->sites[i]);
	call->sites_more |= from->sites_more;
}

void record_merge(struct record *into, const struct record *from)
{
	if (!into->runs) {
		for (size_t i = 0; i < from->n_argv; i++)
			record_set_text(into, &into->argv[into->n_argv++], from->argv[i]);
		record_set_text(into, &into->policy, from->policy);
		record_set_text(into, &into->boundary, from->boundary);
	}
	into->runs += from->runs;
	into->unknown += from->unknown;
	if (from->cut)
		record_cut(into, from->cut);
	for (uint32_t nr = 0; nr < RECORD_CALLS; nr++)
		merge_call(into, nr, &from->calls[nr]);
	for (size_t i = 0; i < from->n_files; i++)
		record_add_file(into, &from->files[i]);
	for (size_t i = 0; i < from->n_hosts; i++)
		record_add_host(into, &from->hosts[i]);
	for (size_t i = 0; i < from->n_caps; i++)
		record_add_cap(into, &from->caps[i]);
}
