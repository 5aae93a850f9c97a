/* What a tenant has used, and who did what: the second is a chain of hashes that anybody who may read it can check. */
#include "api/handlers.h"
#include "api/tenant.h"

#define PIECE_ROWS 200          /* a millisecond */
#define SEEN_US    60000000     /* rows that held are looked at again after that */

void api_usage_get(struct request *request)
{
	struct json json = JSON_NONE;
	struct store_usage usage;
	struct store_tenant tenant;
	struct err e = ERR_INIT;

	if (!tenant_asked(request, &tenant))
		return;
	if (store_usage_get(request->front->store, tenant.id, &usage, &e) < 0) {
		request_broken(request, &e);
		return;
	}
	json_put_object(&json, NULL);
	json_put_text(&json, "tenant", tenant.name);
	json_put_u64(&json, "queued", usage.queued);
	json_put_u64(&json, "running", usage.running);
	json_put_u64(&json, "created", usage.created);
	json_put_object(&json, "ended");
	for (unsigned state = 0; state < JOB_STATES; state++)
		if (job_state_is_final((enum job_state)state))
			json_put_u64(&json, job_state_name((enum job_state)state), usage.ended[state]);
	json_put_end(&json);
	json_put_u64(&json, "cpu_us_today", usage.cpu_us_today);
	json_put_u64(&json, "cpu_us", usage.cpu_us);
	json_put_u64(&json, "wall_us", usage.wall_us);
	json_put_u64(&json, "blobs", usage.blobs);
	json_put_u64(&json, "blob_bytes", usage.blob_bytes);
	json_put_u64(&json, "output_bytes", usage.output_bytes);
	json_put_u64(&json, "memory_bytes", usage.memory_bytes);
	json_put_u64(&json, "sessions", usage.sessions);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

static void put_entry(struct json *json, const struct store_audit *entry)
{
	char digest[SHA256_TEXT];

	json_put_object(json, NULL);
	json_put_u64(json, "seq", entry->seq);
	log_put_moment(json, "at", entry->at_ms);
	json_put_text(json, "actor", entry->actor);
	json_put_text(json, "action", entry->action);
	json_put_text(json, "subject", entry->subject);
	digest_write(&entry->digest, digest);
	json_put_text(json, "digest", digest);
	json_put_end(json);
}

/* Who noted the digest of an older row compares it with this one, or with that of a backup. */
static void put_checkpoint(struct json *json, const struct store_checkpoint *from)
{
	char digest[SHA256_TEXT];

	digest_write(&from->digest, digest);
	json_put_object(json, "checkpoint");
	json_put_u64(json, "seq", from->seq);
	log_put_moment(json, "at", from->at_ms);
	json_put_text(json, "digest", digest);
	json_put_end(json);
}

/* -- the chain: a piece in each turn of the loop, because everybody waits for it -- */

struct auditing {
	struct store_tenant tenant;
	struct store_audit_walk walk;
	uint64_t after, since_us;
	size_t limit;
};

static void tell_audit(struct request *request, const struct auditing *auditing, bool holds, uint64_t broken)
{
	struct json json = JSON_NONE;
	struct store_audit *entries;
	struct store_checkpoint from;
	struct err e = ERR_INIT;
	size_t n = 0;

	if (store_audit_list(request->front->store, auditing->tenant.id, auditing->after, auditing->limit, &request->arena, &entries, &n, &e) < 0) {
		request_broken(request, &e);
		return;
	}
	json_put_object(&json, NULL);
	json_put_bool(&json, "chain_holds", holds);
	if (!holds)
		json_put_u64(&json, "broken_at", broken);
	if (store_checkpoint_get(request->front->store, auditing->tenant.id, &from, &e) == 1)
		put_checkpoint(&json, &from);
	json_put_array(&json, "entries");
	for (size_t i = 0; i < n; i++)
		put_entry(&json, &entries[i]);
	json_put_end(&json);
	if (n == auditing->limit)
		json_put_u64(&json, "next", entries[n - 1].seq);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
}

static struct audit_seen *seen_of(struct front *front, uint64_t tenant)
{
	return &front->audit_seen[tenant % ARRAY_SIZE(front->audit_seen)];
}

static void check_piece(struct request *request)
{
	struct auditing *const auditing = request->own;
	const uint64_t tenant = auditing->tenant.id;
	uint64_t broken = 0;
	struct err e = ERR_INIT;
	const int holds = store_audit_walk(request->front->store, tenant, PIECE_ROWS, &auditing->walk, &broken, &e);

	if (holds < 0) {
		request_broken(request, &e);
	} else if (holds == STORE_MORE) {
		request_wait(request, loop_now_us(), check_piece);
	} else {
		*seen_of(request->front, tenant) = holds ? (struct audit_seen){ tenant, auditing->since_us, auditing->walk } :
							   (struct audit_seen){ .tenant = 0 };
		tell_audit(request, auditing, holds, broken);
	}
}

void api_audit_list(struct request *request)
{
	struct auditing *const auditing = arena_alloc(&request->arena, sizeof(*auditing));
	const struct audit_seen *seen;

	auditing->since_us = loop_now_us();
	if (!tenant_asked(request, &auditing->tenant) || !request_query_limit(request, &auditing->limit) ||
	    !request_query_number(request, "after", &auditing->after))
		return;
	seen = seen_of(request->front, auditing->tenant.id);
	if (seen->tenant == auditing->tenant.id && auditing->since_us - seen->since_us < SEEN_US) {
		auditing->walk = seen->walk;
		auditing->since_us = seen->since_us;
	}
	request->own = auditing;
	check_piece(request);
}
