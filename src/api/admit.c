/* Each check answers by itself and in this order, so that who has no key learns nothing of what is there: what is
 * missing and what is another's look the same to it. */
#include "api/admit.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/digits.h"
#include "api/login.h"
#include "api/page.h"
#include "serve/job.h"

#define HEADERS_MAX ((size_t)16 << 10)
#define HEADERS_N   64

static bool refuse(struct request *request, const char *code, const char *detail)
{
	request_fail(request, code, NULL, "%s", detail);
	return false;
}

/* -- Host: a page of the web that has its name resolve to 127.0.0.1 has the user's browser ask here -- */

/* The name without its port; false for what is no host. */
static bool split_host(const char *host, char *name, size_t size)
{
	const char *const close = *host == '[' ? strchr(host, ']') : NULL;
	const size_t len = close ? (size_t)(close + 1 - host) : strcspn(host, ":");
	uint64_t port;

	if (!len || len >= size || (host[len] && (host[len] != ':' || !digits_are(host + len + 1, &port))))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return true;
}

bool admit_host(const struct front *front, bool is_loopback, const char *host)
{
	static const char *const local[] = { "localhost", "127.0.0.1", "[::1]" };
	char name[256];

	if (!is_loopback && !front->options.n_hosts)
		return true;
	if (!host || !split_host(host, name, sizeof(name)))
		return false;
	for (size_t i = 0; is_loopback && i < ARRAY_SIZE(local); i++)
		if (!strcasecmp(name, local[i]))
			return true;
	for (size_t i = 0; i < front->options.n_hosts; i++)
		if (!strcasecmp(name, front->options.hosts[i]))
			return true;
	return false;
}

static bool check_host(struct request *request)
{
	const struct front *const front = request->front;

	return admit_host(front, front->is_loopback, request_header_in(request, "Host")) ||
	       refuse(request, "misdirected_request", "this Host is not served here; start with --host NAME to serve it");
}

/* -- the head as a whole -- */

struct head {
	unsigned n, lengths, codings, seen;
	const char *length, *twice;
};

/* What a proxy in front may have read another one of. */
static const char *const single[] = { "Host", "Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID" };

static enum MHD_Result count_header(void *at, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct head *const head = at;

	(void)kind;
	head->n++;
	head->codings += !strcasecmp(name, "Transfer-Encoding");
	if (!strcasecmp(name, "Content-Length")) {
		head->lengths++;
		head->length = value;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(single); i++) {
		if (strcasecmp(name, single[i]))
			continue;
		if (head->seen & 1u << i)
			head->twice = single[i];
		head->seen |= 1u << i;
	}
	return MHD_YES;
}

/* One length, or none and no body: a proxy in front and this must agree on where a request ends. */
static bool check_head(struct request *request)
{
	const union MHD_ConnectionInfo *const size =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct head head = { 0 };

	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_header, &head);
	if ((size && size->header_size > HEADERS_MAX) || head.n > HEADERS_N)
		return refuse(request, "invalid_header", "the head of a request has at most 64 fields in 16 KiB");
	if (head.codings)
		return refuse(request, "length_required", "say Content-Length; transfer codings are not taken");
	if (head.lengths > 1 || (head.lengths && !digits_are(head.length, &request->body_len)))
		return refuse(request, "invalid_header", "Content-Length must be there once, and a whole number");
	if (head.twice) {
		request_fail(request, "invalid_header", NULL, "%s may be there once", head.twice);
		return false;
	}
	return true;
}

static bool check_path(struct request *request, const char *method, const char *url)
{
	const enum route_method wanted = route_method_find(method);
	unsigned allowed = 0;
	const int found = strlen(url) > ROUTE_PATH_MAX ? 0 :
			  route_find(wanted, url, &request->arena, &request->route, request->parts, &allowed);
	char methods[64] = "";

	if (found == 1)
		return true;
	request->route = NULL;
	if (found == -2)
		return refuse(request, "invalid_path", "the path is no UTF-8, or has control bytes");
	/* Only who has a key learns which paths there are: see admit_head(). */
	if (found == 0)
		return refuse(request, "not_found", "there is no such path; GET /v1/openapi.json lists them");
	for (unsigned m = 0; m < ROUTE_METHODS; m++)
		if (allowed & 1u << m)
			snprintf(methods + strlen(methods), sizeof(methods) - strlen(methods), "%s%s", *methods ? ", " : "",
				 route_method_name((enum route_method)m));
	request_fail(request, "method_not_allowed", NULL, "this path takes %s", methods);
	request_header(request, "Allow", methods);
	return false;
}

struct query {
	struct request *request;
	const char *names[32];
	size_t n;
	bool is_fine;
};

static enum MHD_Result check_parameter(void *at, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct query *const query = at;

	(void)kind;
	query->is_fine = query->n < ARRAY_SIZE(query->names) && value && route_has_query(query->request->route, name) &&
			 request_query(query->request, name);
	for (size_t i = 0; i < query->n && query->is_fine; i++)
		query->is_fine = strcmp(query->names[i], name) != 0;
	if (query->is_fine)
		query->names[query->n++] = name;
	return query->is_fine ? MHD_YES : MHD_NO;
}

static bool check_query(struct request *request)
{
	struct query query = { .request = request, .is_fine = true };

	MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, check_parameter, &query);
	if (query.is_fine)
		return true;
	request_fail(request, "invalid_parameter", NULL, "each parameter at most once, as UTF-8; this path takes %s",
		     *request->route->query ? request->route->query : "none");
	return false;
}

/* -- key and tenant -- */

static void write_address(const struct sockaddr *address, char *out, size_t size)
{
	const char *text = NULL;

	if (address && address->sa_family == AF_INET)
		text = inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, out, (socklen_t)size);
	else if (address && address->sa_family == AF_INET6)
		text = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, out, (socklen_t)size);
	if (!text)
		snprintf(out, size, "a socket of this host");
}

/* Into the log, and the audit chain of who runs the service: the oldest tenant (first.c). */
static void tell_burst(struct front *front, enum burst_word word)
{
	const struct burst *const burst = &front->burst;
	struct store_audit entry = { .at_ms = loop_wall_ms(), .actor = "throttle", .action = "keys.guessed" };
	OWN(arena) arena = { .total = 0 };
	struct err ignored = ERR_INIT;
	struct store_tenant *tenants;
	struct json json = JSON_NONE;
	char text[160];
	size_t n = 0;

	if (word == BURST_BEGAN)
		snprintf(text, sizeof(text), "%s sends wrong keys, and now has to wait", front->burst_from);
	else
		snprintf(text, sizeof(text), "%" PRIu64 " wrong keys in %" PRIu64 " s, last from %s%s", burst->n,
			 (burst->last_ms - burst->began_ms) / 1000, front->burst_from, word == BURST_OVER ? "; it is over" : "");
	log_begin(&json, "warning", "keys_guessed");
	json_put_text(&json, "text", text);
	json_put_u64(&json, "count", burst->n);
	log_end(&front->log, &json);
	if (store_tenant_list(front->store, 0, 1, &arena, &tenants, &n, &ignored) < 0 || !n)
		return;
	entry.tenant = tenants[0].id;
	entry.subject = text;
	store_audit_append(front->store, &entry, NULL, NULL);
}

void admit_beat(struct front *front)
{
	const enum burst_word word = burst_turn(&front->burst, front->is_ending, loop_now_us() / 1000);

	if (word != BURST_SILENT)
		tell_burst(front, word);
	if (word == BURST_OVER)
		front->burst = (struct burst){ 0 };
}

static bool refuse_key(struct request *request)
{
	const union MHD_ConnectionInfo *const info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *const address = info ? info->client_addr : NULL;
	struct front *const front = request->front;
	const uint64_t now_ms = loop_now_us() / 1000, retry_ms = throttle_wrong(&front->throttle, address, now_ms);

	front->refused_keys++;
	if (retry_ms)
		write_address(address, front->burst_from, sizeof(front->burst_from));
	if (burst_wrong(&front->burst, retry_ms, now_ms) == BURST_BEGAN)
		tell_burst(front, BURST_BEGAN);
	request->is_counted = retry_ms;
	if (retry_ms)
		request_fail_for(request, "too_many_failures", retry_ms, "too many wrong keys came from this address");
	else
		request_fail(request, "unauthenticated", NULL, "send a valid key: Authorization: Bearer wk_...");
	return false;
}

static bool check_bearer(struct request *request)
{
	const char *const header = request_header_in(request, "Authorization");
	struct store *const store = request->front->store;
	struct err e = ERR_INIT;
	int found = 0;

	if (header && !strncasecmp(header, "Bearer ", 7))
		found = store_key_find(store, header + 7, strlen(header + 7), &request->arena, &request->key, &e);
	if (found == 1)
		found = store_tenant_get(store, request->key.tenant, &request->arena, &request->tenant, &e);
	if (found < 0) {
		request_broken(request, &e);
		return false;
	}
	return found == 1 || refuse_key(request);
}

static bool check_key(struct request *request)
{
	return login_is_shown(request) ? login_check(request) : check_bearer(request);
}

bool admit_scope(struct request *request)
{
	const uint32_t wanted = request->route->scope;

	/* Who runs the service may do to a tenant what the tenant's own admin may; its jobs are not among that. */
	if (wanted && !(request->key.scopes & wanted) &&
	    !(wanted == STORE_ADMIN_TENANT && request->key.scopes & STORE_ADMIN_OPERATOR))
		return refuse(request, "scope_missing", "this key may not do that; ask for one with the scope that /v1/openapi.json names");
	if (request->tenant.is_suspended && !(request->key.scopes & STORE_ADMIN_OPERATOR)) {
		request_fail(request, "tenant_suspended", NULL, "this tenant is suspended; ask who runs the service%s%s",
			     *request->tenant.suspended_why ? ". Why: " : "", request->tenant.suspended_why);
		return false;
	}
	return true;
}

static bool check_rate(struct request *request)
{
	const uint64_t retry_ms = store_request_take(request->front->store, &request->tenant);

	if (retry_ms)
		request_fail_for(request, "quota_requests", retry_ms, "more requests than %llu a second",
				 (unsigned long long)request->tenant.requests_per_s);
	return !retry_ms;
}

static bool check_body(struct request *request)
{
	const struct route *const route = request->route;
	const char *const type = request_header_in(request, "Content-Type");
	const size_t len = type ? strcspn(type, "; \t") : 0;

	if (request->body_len > route->body_max) {
		request_fail(request, "payload_too_large", NULL, "this takes a body of at most %zu bytes, not %llu", route->body_max,
			     (unsigned long long)request->body_len);
		return false;
	}
	/* curl -d says application/x-www-form-urlencoded: taken, and read as JSON all the same. What a page of the web may
	 * send without being asked has no Authorization. */
	if ((route->body == ROUTE_JSON || route->body == ROUTE_NDJSON) && type &&
	    !(len == 16 && !strncasecmp(type, "application/json", len)) && !(len == 20 && !strncasecmp(type, "application/x-ndjson", len)) &&
	    !(len == 33 && !strncasecmp(type, "application/x-www-form-urlencoded", len)))
		return refuse(request, "unsupported_media_type", "this takes application/json");
	return true;
}

static bool check_idempotency(struct request *request)
{
	const char *const key = request_header_in(request, "Idempotency-Key");

	if (!key || !(request->route->flags & ROUTE_KEYED))
		return true;
	for (const char *c = key; *c; c++)
		if (*c < 0x21 || *c > 0x7e)
			return refuse(request, "invalid_header", "Idempotency-Key must be printable ASCII without blanks");
	if (!*key || strlen(key) > 128)
		return refuse(request, "invalid_header", "Idempotency-Key must have 1 to 128 bytes");
	return true;
}

bool admit_head(struct request *request, const char *method, const char *url)
{
	if (!check_head(request) || !check_host(request))
		return false;
	/* An unknown path without a key is refused as any other without a key: what is here is not for strangers. */
	if (strcmp(url, "/healthz") && strcmp(url, "/readyz") && !page_is_at(url) && !check_key(request))
		return false;
	if (!check_path(request, method, url) || (request->route->scope != ROUTE_PUBLIC && !(admit_scope(request) && check_rate(request))))
		return false;
	return check_query(request) && check_body(request) && check_idempotency(request);
}
