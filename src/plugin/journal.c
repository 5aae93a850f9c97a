/* Reads and writes records. Believes no length. */
#include "plugin/journal.h"

#include <inttypes.h>
#include <string.h>

int journal_next(const uint8_t *bytes, size_t len, size_t *at, struct journal_record *out)
{
	struct journal_head head;
	const size_t left = len - *at;

	if (!left)
		return 0;
	if (left < sizeof(head))
		return -1;
	memcpy(&head, bytes + *at, sizeof(head));
	if (left - sizeof(head) < (uint64_t)head.key_len + head.value_len)
		return -1;
	if (head.kind == JOURNAL_PUT ? !head.key_len || head.key_len > JOURNAL_KEY || head.level :
	    head.kind != JOURNAL_LOG || head.key_len || head.value_len > JOURNAL_LINE)
		return -1;
	*out = (struct journal_record){
		.kind = (enum journal_kind)head.kind, .level = head.level,
		.key = bytes + *at + sizeof(head), .key_len = head.key_len,
		.value = bytes + *at + sizeof(head) + head.key_len, .value_len = head.value_len,
	};
	*at += sizeof(head) + head.key_len + head.value_len;
	return 1;
}

/* A line costs its head too, or empty ones were free. */
static uint64_t cost_of(const struct journal_record *line)
{
	return sizeof(struct journal_head) + line->value_len;
}

int journal_check(const uint8_t *bytes, size_t len, const struct journal_bounds *bounds, struct err *e)
{
	struct journal_record record;
	uint64_t keys = 0, put = 0, log = 0;
	size_t at = 0;
	int more;

	while ((more = journal_next(bytes, len, &at, &record)) > 0) {
		if (record.kind == JOURNAL_LOG) {
			log += cost_of(&record);
			continue;
		}
		if (record.value_len > bounds->value)
			return err_set(e, ERR_LIMIT, "a value of %" PRIu32 " bytes; quota.value is %" PRIu64, record.value_len,
				       bounds->value);
		keys++;
		put += record.value_len ? (uint64_t)record.key_len + record.value_len : 0;
	}
	if (more < 0)
		return err_set(e, ERR_USAGE, "byte %zu is no record", at);
	/* Each key once: those that are there in the end, and those that went. */
	if (keys > 2 * bounds->keys || put > bounds->bytes)
		return err_set(e, ERR_LIMIT, "%" PRIu64 " keys with %" PRIu64 " bytes; quota.keys is %" PRIu64 ", quota.bytes %" PRIu64,
			       keys, put, bounds->keys, bounds->bytes);
	if (log > bounds->log)
		return err_set(e, ERR_LIMIT, "%" PRIu64 " bytes of log; quota.log is %" PRIu64, log, bounds->log);
	return 0;
}

uint64_t journal_most(const struct journal_bounds *bounds)
{
	return bounds->bytes + bounds->log + 2 * bounds->keys * (sizeof(struct journal_head) + JOURNAL_KEY);
}

bool journal_put(uint8_t *bytes, size_t cap, size_t *at, const struct journal_record *record)
{
	const struct journal_head head = {
		.kind = (uint8_t)record->kind, .level = record->level,
		.key_len = (uint16_t)record->key_len, .value_len = record->value_len,
	};

	if (cap - *at < sizeof(head) + (uint64_t)record->key_len + record->value_len)
		return false;
	memcpy(bytes + *at, &head, sizeof(head));
	if (record->key_len)
		memcpy(bytes + *at + sizeof(head), record->key, record->key_len);
	if (record->value_len)
		memcpy(bytes + *at + sizeof(head) + record->key_len, record->value, record->value_len);
	*at += sizeof(head) + record->key_len + record->value_len;
	return true;
}
