/* The functions. Every address of the guest is checked in 64 bits, every size against the host's terms; what is
 * outside ends the call, what is too much is an answer. */
#include "plugin/guest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/mem.h"

#define RANDOM_MOST 256 /* getrandom(2): up to here it is never interrupted */

/* Ends the guest's call. */
static bool stop(struct guest *guest, enum wire_end end, const char *format, ...) __attribute__((format(printf, 3, 4), cold));
static bool stop(struct guest *guest, enum wire_end end, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(guest->why.text, sizeof(guest->why.text), format, args);
	va_end(args);
	guest->end = end;
	return false;
}

static inline uint8_t *bytes_at(struct guest *guest, const struct engine_memory *memory, uint64_t at, uint64_t len)
{
	static uint8_t nothing;

	/* Words of 32 bits, so that the sum cannot overflow. */
	if (at + len <= memory->len)
		return len ? memory->base + at : &nothing;
	stop(guest, WIRE_ARGUMENT, "%" PRIu64 " bytes at 0x%" PRIx64 " are not in its memory of %" PRIu64 " bytes", len, at,
	     memory->len);
	return NULL;
}

static void add_line(struct guest *guest, uint8_t level, const uint8_t *text, uint32_t len)
{
	const struct journal_record line = { .kind = JOURNAL_LOG, .level = level, .value = text, .value_len = len };
	const uint64_t cost = sizeof(struct journal_head) + len;

	if (cost > guest->log_left || !journal_put(guest->journal, guest->cap_journal, &guest->n_journal, &line))
		guest->lines_dropped++;
	else
		guest->log_left -= cost;
}

static bool do_log(struct guest *guest, const uint64_t *words, const struct engine_memory *memory, uint64_t *result)
{
	const uint8_t *const text = bytes_at(guest, memory, words[1], words[2]);

	*result = 0;
	if (!text)
		return false;
	add_line(guest, words[0] < 4 ? (uint8_t)words[0] : 3, text,
		 words[2] < JOURNAL_LINE ? (uint32_t)words[2] : JOURNAL_LINE);
	return true;
}

static bool do_kv_get(struct guest *guest, const uint64_t *words, const struct engine_memory *memory, uint64_t *result)
{
	const uint8_t *const key = bytes_at(guest, memory, words[0], words[1]);
	uint8_t *const to = key ? bytes_at(guest, memory, words[2], words[3]) : NULL;
	const uint8_t *value;
	uint32_t len;

	if (!to)
		return false;
	value = words[1] <= JOURNAL_KEY ? shelf_get(&guest->shelf, key, (uint32_t)words[1], &len) : NULL;
	*result = value ? len : UINT32_MAX;
	if (value && len <= words[3])
		memcpy(to, value, len);
	return true;
}

static bool do_kv_put(struct guest *guest, const uint64_t *words, const struct engine_memory *memory, uint64_t *result)
{
	const uint8_t *const key = bytes_at(guest, memory, words[0], words[1]);
	const uint8_t *const value = key ? bytes_at(guest, memory, words[2], words[3]) : NULL;

	if (!value)
		return false;
	*result = (uint32_t)shelf_put(&guest->shelf, key, (uint32_t)words[1], value, (uint32_t)words[3]);
	return true;
}

static bool do_clock_ms(struct guest *guest, const uint64_t *words, const struct engine_memory *memory, uint64_t *result)
{
	(void)words;
	(void)memory;
	*result = guest->now_ms;
	return true;
}

static bool do_random_get(struct guest *guest, const uint64_t *words, const struct engine_memory *memory, uint64_t *result)
{
	uint8_t *const to = bytes_at(guest, memory, words[0], words[1]);

	if (!to)
		return false;
	*result = (uint32_t)SHELF_TOO_LARGE;
	if (words[1] <= RANDOM_MOST)
		*result = (uint32_t)getrandom(to, words[1], 0);
	return true;
}

static bool spend_call(struct guest *guest)
{
	if (guest->calls_left) {
		guest->calls_left--;
		return true;
	}
	return stop(guest, WIRE_CALLS, "more than %" PRIu64 " calls of host functions (limits.calls)", guest->terms.calls);
}

/* One for each, so that the engine calls it and it calls nobody. */
#define FUNCTION(id, grant, name, letters, type, what) \
	static bool call_##name(void *at, const void *of, const uint64_t *words, struct engine_memory memory, uint64_t *result) \
	{ \
		(void)of; \
		return spend_call(at) && do_##name(at, words, &memory, result); \
	}
#include "plugin/functions.def"
#undef FUNCTION

static bool (*const calls[])(void *at, const void *of, const uint64_t *words, struct engine_memory memory, uint64_t *result) = {
#define FUNCTION(id, grant, name, letters, type, what) call_##name,
#include "plugin/functions.def"
#undef FUNCTION
};

/* The embedder's functions are in another process: a frame there, a frame back. */
static bool call_embedder(void *at, const void *what, const uint64_t *words, struct engine_memory memory, uint64_t *result)
{
	struct guest *const guest = at;
	const uint64_t room = words[3] < guest->terms.output ? words[3] : guest->terms.output, most[] = { room, 0, 0 };
	const uint8_t *const in = bytes_at(guest, &memory, words[0], words[1]);
	uint8_t *const out = in ? bytes_at(guest, &memory, words[2], words[3]) : NULL;
	struct wire_frame answer;
	struct err e = ERR_INIT;

	if (!out || !spend_call(guest))
		return false;
	if (words[1] > guest->terms.input)
		return stop(guest, WIRE_ARGUMENT, "%" PRIu64 " bytes for a function of the embedder; limits.input is %" PRIu64,
			    words[1], guest->terms.input);
	const struct wire_frame ask = {
		.kind = WIRE_ASK, .word = (int32_t)((const char *const *)what - guest->embedder),
		.len = { (uint32_t)words[1], sizeof(room) }, .part = { in, &room },
	};

	if (wire_send(guest->wire, &ask, 0, &e) < 0 || wire_receive(guest->wire, most, &answer, 0, &e) < 0 ||
	    answer.kind != WIRE_ANSWER)
		return stop(guest, WIRE_TRAP, "the host is gone");
	memcpy(out, answer.part[0], answer.len[0]);
	*result = (uint32_t)answer.word;
	return true;
}

static bool find_import(void *at, const char *module, const char *name, struct engine_import *out)
{
	struct guest *const guest = at;
	const enum plugin_function which = plugin_function_find(name);

	if (strcmp(module, PLUGIN_MODULE) == 0 && which < PLUGIN_FUNCTIONS) {
		const struct plugin_function_row *const row = plugin_function_row(which);

		if (row->grant & ~guest->terms.grants)
			return false;
		*out = (struct engine_import){ .words = row->words, .result = row->result, .call = calls[which] };
		return true;
	}
	for (size_t i = 0; strcmp(module, PLUGIN_EMBEDDER) == 0 && i < guest->terms.n_functions; i++)
		if (strcmp(guest->embedder[i], name) == 0) {
			*out = (struct engine_import){
				.words = PLUGIN_EMBEDDER_WORDS, .result = 'i', .call = call_embedder, .what = &guest->embedder[i],
			};
			return true;
		}
	return false;
}

void guest_init(struct guest *guest, const struct wire_hello *terms, struct wire *wire)
{
	const struct journal_bounds bounds = { terms->keys, terms->bytes, terms->value, terms->log };

	guest->terms = *terms;
	guest->wire = wire;
	guest->cap_journal = journal_most(&bounds);
	guest->journal = mem_raw(guest->cap_journal + 1);
	(void)shelf_load(&guest->shelf, &bounds, NULL, 0);
}

struct engine_host guest_host(struct guest *guest)
{
	return (struct engine_host){ .find = find_import, .at = guest };
}

void guest_begin(struct guest *guest)
{
	struct timespec now = { 0 };

	if (guest->terms.grants & 1)
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	guest->now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	guest->n_journal = 0;
	guest->log_left = guest->terms.log;
	guest->calls_left = guest->terms.calls;
	guest->lines_dropped = 0;
	guest->end = WIRE_OK;
}

bool guest_finish(struct guest *guest, bool has_succeeded)
{
	return !has_succeeded || shelf_settle(&guest->shelf, guest->journal, guest->cap_journal, &guest->n_journal);
}
