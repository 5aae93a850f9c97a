/* Call sites. Refuses to be slow: see the bounds in the header. */
#include "engine/site.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "engine/symbols.h"

#define PROBES 8
#define STACK_WORDS 512
#define CANDIDATES 32
#define WANTS 256

bool site_is_news(struct site_looker *looker, uint32_t nr, uint64_t at)
{
	const uint64_t sum = (at ^ (uint64_t)nr << 48) * 0x9e3779b97f4a7c15;
	size_t slot = (size_t)(sum >> 40) % SITE_SLOTS;

	if (nr >= RECORD_CALLS || looker->looks[nr] >= SITE_LOOKS_CALL)
		return false;
	for (int probe = 0; probe < PROBES; probe++, slot = (slot + 1) % SITE_SLOTS) {
		struct site_seen *const seen = &looker->seen[slot];

		if (seen->n && (seen->at != at || seen->nr != nr))
			continue;
		seen->at = at;
		seen->nr = nr;
		if (seen->n >= SITE_LOOKS)
			return false;
		seen->n++;
		looker->looks[nr]++;
		return true;
	}
	return false;
}

void site_forget(struct site_looker *looker, int tid)
{
	if (looker->maps.tid == tid)
		looker->maps.tid = 0;
}

const struct peek_map *site_map(struct site_looker *looker, int tid, uint64_t at)
{
	const struct peek_map *const map = looker->maps.tid == tid ? peek_find(&looker->maps, at) : NULL;

	if (map || !peek_read_maps(looker->proc_fd, tid, &looker->maps))
		return map;
	return peek_find(&looker->maps, at);
}

static const char *path_of(const struct site_looker *looker, const struct peek_map *map)
{
	const char *const path = looker->maps.texts + map->path;

	return *path ? path : "[anonymous]";
}

static struct record_place place_of(const struct site_looker *looker, const struct peek_map *map, uint64_t at)
{
	return (struct record_place){ .module = path_of(looker, map), .offset = map->offset + (at - map->start) };
}

/* The C library's parts: whoever called them is wanted, not they. */
static bool is_system(const char *path)
{
	static const char *const names[] = { "libc.so", "libc-", "libpthread", "ld-linux", "ld-musl", "ld-2" };
	const char *const slash = strrchr(path, '/');

	for (size_t i = 0; slash && i < ARRAY_SIZE(names); i++)
		if (!strncmp(slash + 1, names[i], strlen(names[i])))
			return true;
	return *path == '[';
}

enum behind { BEHIND_NOTHING, BEHIND_CALL, BEHIND_WAY_OUT };

/* Is there a stub of the linkage table, "[endbr64] [bnd] jmp *slot(%rip)", through which calls leave a file? */
static bool is_stub(int tid, uint64_t at)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	uint8_t code[8] = { 0 };
	const uint8_t *p = code;

	if (peek_bytes(tid, at, code, sizeof(code)) != (ssize_t)sizeof(code))
		return false;
	p += !memcmp(p, endbr64, sizeof(endbr64)) ? sizeof(endbr64) : 0;
	p += *p == 0xf2;
	return p[0] == 0xff && p[1] == 0x25;
}

/* Do the bytes before an address end in a call? E8 with four bytes of distance, or FF /2 with one to six
 * bytes of operand, of which FF 15 is the way out of code without stubs. Source: Intel SDM volume 2, CALL. */
static enum behind what_is_before(int tid, uint64_t at)
{
	static const uint8_t sizes[] = { 2, 3, 4, 6, 7 };
	uint8_t code[8];
	int32_t distance;

	if (peek_bytes(tid, at - sizeof(code), code, sizeof(code)) != (ssize_t)sizeof(code))
		return BEHIND_NOTHING;
	memcpy(&distance, code + 4, sizeof(distance));
	if (code[3] == 0xe8)
		return is_stub(tid, at + (uint64_t)(int64_t)distance) ? BEHIND_WAY_OUT : BEHIND_CALL;
	if (code[2] == 0xff && code[3] == 0x15)
		return BEHIND_WAY_OUT;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (code[8 - sizes[i]] == 0xff && (code[9 - sizes[i]] & 0x38) == 0x10)
			return BEHIND_CALL;
	return BEHIND_NOTHING;
}

/* A frame that was not filled keeps words of older calls, most of them within one file: so the nearest call
 * that leaves its file is believed, and any other only where there is none. */
static void find_caller(struct site_looker *looker, int tid, const char *library, struct record_site *out)
{
	uint64_t sp, words[STACK_WORDS];
	int candidates = 0;
	ssize_t n;

	if (!peek_stack(looker->proc_fd, tid, &sp))
		return;
	n = peek_bytes(tid, sp, words, sizeof(words));
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(*words) && candidates < CANDIDATES; i++) {
		const struct peek_map *const map = peek_find(&looker->maps, words[i]);
		enum behind behind;

		if (!map || is_system(path_of(looker, map)) || !strcmp(path_of(looker, map), library))
			continue;
		candidates++;
		behind = what_is_before(tid, words[i]);
		if (behind == BEHIND_WAY_OUT || (behind == BEHIND_CALL && !out->by.module))
			out->by = place_of(looker, map, words[i]);
		if (behind == BEHIND_WAY_OUT)
			return;
	}
}

void site_look(struct site_looker *looker, int tid, uint64_t at, struct record_site *out)
{
	const struct peek_map *const map = site_map(looker, tid, at);

	*out = (struct record_site){ .count = 1 };
	if (!map)
		return;
	out->at = place_of(looker, map, at);
	if (is_system(out->at.module))
		find_caller(looker, tid, out->at.module, out);
}

/* All places of a record, one after another: the i-th, NULL past the end. */
struct place_walk {
	uint32_t nr;
	uint8_t site;
	bool is_second;
};

static struct record_place *next_place(struct record *record, struct place_walk *walk)
{
	while (walk->nr < RECORD_CALLS) {
		struct record_call *const call = &record->calls[walk->nr];

		if (walk->site >= call->n_sites) {
			walk->nr++;
			walk->site = 0;
			continue;
		}
		struct record_site *const site = &call->sites[walk->site];
		const bool is_second = walk->is_second;

		walk->is_second = !is_second;
		walk->site += is_second;
		return is_second ? &site->by : &site->at;
	}
	return NULL;
}

/* Names up to WANTS places of one module; `done` marks those that were asked for, found or not. */
static void name_module(struct record *record, const char *module)
{
	struct record_place *places[WANTS], *place;
	OWN_MEM struct symbol_want *wants = mem_alloc(WANTS * sizeof(*wants));
	struct place_walk walk = { 0 };
	OWN_FD int fd = open(module, PEEK_OPEN);
	struct stat st;
	size_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	while (n < WANTS && (place = next_place(record, &walk)))
		if (place->module && !place->symbol && !strcmp(place->module, module)) {
			places[n] = place;
			wants[n++].offset = place->offset - !!place->offset; /* behind the call */
		}
	symbols_find(fd, wants, n);
	for (size_t i = 0; i < n; i++)
		if (*wants[i].name)
			record_set_text(record, &places[i]->symbol, wants[i].name);
}

#define MODULES 128

void site_name_all(struct record *record)
{
	const char *done[MODULES];
	struct record_place *place;
	struct place_walk walk = { 0 };
	size_t n = 0;

	while (n < MODULES && (place = next_place(record, &walk))) {
		size_t i = 0;

		if (!place->module || *place->module != '/')
			continue;
		while (i < n && strcmp(done[i], place->module) != 0)
			i++;
		if (i < n)
			continue;
		done[n++] = place->module;
		name_module(record, place->module);
	}
}
