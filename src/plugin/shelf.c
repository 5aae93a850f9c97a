/* Open addressing over entries, entries over bytes. A value that has become longer leaves its place; when the bytes are full,
 * what lives moves together: at most half of them does, so that a put stays cheap however often a key changes. */
#include "plugin/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void shelf_done(struct shelf *shelf)
{
	free(shelf->entries);
	free(shelf->index);
	free(shelf->bytes);
	*shelf = (struct shelf){ .n_entries = 0 };
}

/* Eight bytes a step. A module that makes keys collide waits for itself. */
static inline uint64_t hash_of(const uint8_t *key, size_t len)
{
	uint64_t hash = len * UINT64_C(0x9e3779b97f4a7c15);

	for (; len >= 8; key += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, key, 8);
		hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 32;
	}
	for (; len; key++, len--)
		hash = (hash ^ *key) * UINT64_C(0x100000001b3);
	hash *= UINT64_C(0xff51afd7ed558ccd);
	return hash ^ hash >> 29;
}

/* memcmp(3) is a call for what is mostly a word or two. */
static inline bool is_same(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (; len >= 8; a += 8, b += 8, len -= 8) {
		uint64_t x, y;

		memcpy(&x, a, 8);
		memcpy(&y, b, 8);
		if (x != y)
			return false;
	}
	for (; len; a++, b++, len--)
		if (*a != *b)
			return false;
	return true;
}

/* Where the key's number stands or would stand in the index. */
static inline size_t seek(const struct shelf *shelf, uint64_t hash, const uint8_t *key, uint32_t key_len)
{
	size_t at = hash & shelf->mask;

	for (; shelf->index[at]; at = (at + 1) & shelf->mask) {
		const struct shelf_entry *const entry = &shelf->entries[shelf->index[at] - 1];

		if (entry->hash == hash && entry->key_len == key_len &&
		    is_same(shelf->bytes + entry->key_at, key, key_len))
			break;
	}
	return at;
}

static uint32_t store_bytes(uint8_t *to, size_t *at, const uint8_t *from, uint32_t len)
{
	const size_t place = *at;

	memcpy(to + place, from, len);
	*at += len;
	return (uint32_t)place;
}

/* Drops entries that the host never had and that are gone again, and values nobody can reach. */
static void compact(struct shelf *shelf)
{
	uint8_t *const bytes = mem_raw(shelf->cap_bytes);
	size_t n_bytes = 0, n = 0;

	memset(shelf->index, 0, (shelf->mask + 1) * sizeof(*shelf->index));
	for (size_t i = 0; i < shelf->n_entries; i++) {
		struct shelf_entry entry = shelf->entries[i];

		if (!entry.value_len && !entry.based)
			continue;
		entry.key_at = store_bytes(bytes, &n_bytes, shelf->bytes + entry.key_at, entry.key_len);
		entry.value_at = store_bytes(bytes, &n_bytes, shelf->bytes + entry.value_at, entry.value_len);
		shelf->entries[n] = entry;
		for (size_t at = entry.hash & shelf->mask;; at = (at + 1) & shelf->mask)
			if (!shelf->index[at]) {
				shelf->index[at] = (uint32_t)++n;
				break;
			}
	}
	free(shelf->bytes);
	shelf->bytes = bytes;
	shelf->n_bytes = n_bytes;
	shelf->n_entries = n;
}

/* Room for everything the quota allows twice over, and for what the host has: more than that is never live. */
static void make_room(struct shelf *shelf, const struct journal_bounds *bounds, size_t held_bytes, size_t held_keys)
{
	size_t slots = 64;

	shelf->cap_entries = 2 * (bounds->keys + held_keys) + 64;
	shelf->cap_bytes = 2 * (bounds->bytes + held_bytes + shelf->cap_entries * JOURNAL_KEY) + bounds->value;
	while (slots < 2 * shelf->cap_entries)
		slots *= 2;
	shelf->mask = slots - 1;
	shelf->entries = mem_raw(shelf->cap_entries * sizeof(*shelf->entries));
	shelf->index = mem_alloc(slots * sizeof(*shelf->index));
	shelf->bytes = mem_raw(shelf->cap_bytes);
}

static struct shelf_entry *add_entry(struct shelf *shelf, uint64_t hash, const uint8_t *key, uint32_t key_len)
{
	struct shelf_entry *const entry = &shelf->entries[shelf->n_entries];

	shelf->index[seek(shelf, hash, key, key_len)] = (uint32_t)++shelf->n_entries;
	*entry = (struct shelf_entry){
		.hash = hash, .key_len = key_len, .key_at = store_bytes(shelf->bytes, &shelf->n_bytes, key, key_len),
	};
	return entry;
}

static struct shelf_entry *find(const struct shelf *shelf, uint64_t hash, const uint8_t *key, uint32_t key_len)
{
	const uint32_t number = shelf->index[seek(shelf, hash, key, key_len)];

	return number ? &shelf->entries[number - 1] : NULL;
}

static void set_value(struct shelf *shelf, struct shelf_entry *entry, const uint8_t *value, uint32_t len)
{
	if (entry->value_len) {
		shelf->live_keys--;
		shelf->live_bytes -= (uint64_t)entry->key_len + entry->value_len;
	}
	/* In place when there is room: what is written again and again stays on lines that the processor has. */
	if (len && len <= entry->value_len)
		memcpy(shelf->bytes + entry->value_at, value, len);
	else
		entry->value_at = store_bytes(shelf->bytes, &shelf->n_bytes, value, len);
	entry->value_len = len;
	if (len) {
		shelf->live_keys++;
		shelf->live_bytes += (uint64_t)entry->key_len + len;
	}
}

bool shelf_load(struct shelf *shelf, const struct journal_bounds *bounds, const uint8_t *snapshot, size_t len)
{
	struct journal_record record;
	size_t at = 0, keys = 0;
	int more;

	while ((more = journal_next(snapshot, len, &at, &record)) > 0)
		keys++;
	if (more < 0 || len > UINT32_MAX / 8)
		return false;
	shelf_done(shelf);
	shelf->bounds = *bounds;
	make_room(shelf, bounds, len, keys);
	for (at = 0; journal_next(snapshot, len, &at, &record) > 0;) {
		if (record.kind != JOURNAL_PUT)
			return false;
		const uint64_t hash = hash_of(record.key, record.key_len);
		struct shelf_entry *const there = find(shelf, hash, record.key, record.key_len);
		struct shelf_entry *const entry = there ? there : add_entry(shelf, hash, record.key, record.key_len);

		entry->based = true;
		set_value(shelf, entry, record.value, record.value_len);
	}
	return true;
}

const uint8_t *shelf_get(const struct shelf *shelf, const uint8_t *key, uint32_t key_len, uint32_t *len)
{
	const struct shelf_entry *entry;

	if (!key_len || key_len > JOURNAL_KEY)
		return NULL;
	entry = find(shelf, hash_of(key, key_len), key, key_len);
	if (!entry || !entry->value_len)
		return NULL;
	*len = entry->value_len;
	return shelf->bytes + entry->value_at;
}

enum shelf_answer shelf_put(struct shelf *shelf, const uint8_t *key, uint32_t key_len, const uint8_t *value, uint32_t len)
{
	struct shelf_entry *entry;

	if (!key_len || key_len > JOURNAL_KEY || len > shelf->bounds.value)
		return SHELF_TOO_LARGE;
	const uint64_t hash = hash_of(key, key_len);

	entry = find(shelf, hash, key, key_len);
	const uint32_t old_len = entry ? entry->value_len : 0;
	const bool is_new = !old_len;
	const uint64_t freed = is_new ? 0 : (uint64_t)key_len + old_len;

	if (is_new && !len)
		return SHELF_DONE;
	/* What is over the quota since that was lowered may shrink. */
	if (len && ((is_new && shelf->live_keys >= shelf->bounds.keys) ||
		    (shelf->live_bytes - freed + key_len + len > shelf->bounds.bytes && len > old_len)))
		return SHELF_OVER_QUOTA;
	if (shelf->n_entries == shelf->cap_entries || shelf->cap_bytes - shelf->n_bytes < (uint64_t)key_len + len) {
		compact(shelf);
		entry = find(shelf, hash, key, key_len);
	}
	if (!entry)
		entry = add_entry(shelf, hash, key, key_len);
	entry->changed = true;
	set_value(shelf, entry, value, len);
	return SHELF_DONE;
}

bool shelf_settle(struct shelf *shelf, uint8_t *journal, size_t cap, size_t *at)
{
	for (size_t i = 0; i < shelf->n_entries; i++) {
		struct shelf_entry *const entry = &shelf->entries[i];
		const struct journal_record put = {
			.kind = JOURNAL_PUT,
			.key = shelf->bytes + entry->key_at, .key_len = entry->key_len,
			.value = shelf->bytes + entry->value_at, .value_len = entry->value_len,
		};

		if (!entry->changed)
			continue;
		entry->changed = false;
		if (!entry->value_len && !entry->based)
			continue;
		if (!journal_put(journal, cap, at, &put))
			return false;
		entry->based = entry->value_len;
	}
	return true;
}
