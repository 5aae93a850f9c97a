/* Sessions over HTTP. A browser sends its cookie with whatever page made it ask, and to every port of the machine; so a
 * cookie counts only beside the token, in a header that no page of another origin can set, and only when the browser
 * does not say that another origin asked. */
#include "api/login.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/handlers.h"
#include "api/holder.h"
#include "api/key.h"
#include "api/tenant.h"

#define TOKEN_HEADER "Ward-Token"
#define COOKIE_NAME  32

static bool is_secure(const struct front *front)
{
	return front->tls_cert || front->options.is_behind_proxy;
}

/* Cookies know no ports: two services on one machine must not take each other's. __Host- holds it to this host, and TLS. */
static const char *cookie_name(const struct front *front, char name[COOKIE_NAME])
{
	if (is_secure(front))
		snprintf(name, COOKIE_NAME, "__Host-ward");
	else
		snprintf(name, COOKIE_NAME, "ward_%u", front->port);
	return name;
}

static const char *cookie_of(struct request *request)
{
	char name[COOKIE_NAME];

	return MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, cookie_name(request->front, name));
}

bool login_is_shown(struct request *request)
{
	return !request_header_in(request, "Authorization") && cookie_of(request) && request_header_in(request, TOKEN_HEADER);
}

/* -- where the request came from -- */

static bool is_our_origin(const struct request *request, const char *origin)
{
	const struct front *const front = request->front;
	const char *const scheme = is_secure(front) ? "https://" : "http://";
	const char *const host = request_header_in(request, "Host");

	if (strncasecmp(origin, scheme, strlen(scheme)))
		return false;
	origin += strlen(scheme);
	if (host && !strcasecmp(origin, host))
		return true;
	for (size_t i = 0; i < front->options.n_hosts; i++)
		if (!strcasecmp(origin, front->options.hosts[i]))
			return true;
	return false;
}

bool login_is_ours(const struct request *request)
{
	const char *const site = request_header_in(request, "Sec-Fetch-Site");
	const char *const origin = request_header_in(request, "Origin");

	return (!site || !strcmp(site, "same-origin")) && (!origin || is_our_origin(request, origin));
}

/* A browser says where a request came from, and always so when it may change something. */
static bool is_from_here(struct request *request)
{
	const bool changes = strcmp(request->method, "GET") && strcmp(request->method, "HEAD");

	return login_is_ours(request) && (!changes || request_header_in(request, "Origin"));
}

/* -- checking one -- */

static uint64_t now_ms(void)
{
	return loop_now_us() / 1000;
}

static void log_torn(struct request *request)
{
	struct json json = JSON_NONE;

	log_begin(&json, "warning", "session_torn");
	json_put_text(&json, "request_id", request->id);
	json_put_text(&json, "text", "a session's cookie came with another's token: the session was ended");
	log_end(&request->front->log, &json);
}

/* The session's key, as it is now: a session ends with its key. */
static int find_key(struct request *request, struct session *session, struct err *e)
{
	struct store *const store = request->front->store;
	int found = store_key_get(store, session->public, &request->arena, &request->key, e);

	if (found == 1)
		found = store_tenant_get(store, request->key.tenant, &request->arena, &request->tenant, e);
	if (found == 0)
		session_end(session);
	return found;
}

bool login_check(struct request *request)
{
	struct session *session = NULL;
	enum session_found found = SESSION_NONE;
	struct err e = ERR_INIT;
	int has_key = 0;

	if (!is_from_here(request)) {
		request_fail(request, "foreign_origin", NULL, "a page of another origin asked; a session is for pages of this service");
		return false;
	}
	found = session_find(&request->front->sessions, cookie_of(request), request_header_in(request, TOKEN_HEADER), now_ms(), &session);
	if (found == SESSION_TORN)
		log_torn(request);
	if (found == SESSION_HELD) {
		request->is_session = true;
		request->session = session->cookie;
		has_key = find_key(request, session, &e);
	}
	if (has_key < 0)
		request_broken(request, &e);
	else if (has_key == 0)
		request_fail(request, "session_ended", NULL, "this session has ended; open another one with a key");
	return has_key == 1;
}

bool login_holds(struct front *front, const struct digest *cookie)
{
	struct session *const session = session_of(&front->sessions, cookie, now_ms());

	if (session)
		session->used_ms = now_ms();
	return session;
}

/* -- the routes -- */

static void tell(struct request *request, unsigned status, const char *token)
{
	struct json json = JSON_NONE;

	json_put_object(&json, NULL);
	json_put_text(&json, "tenant", request->tenant.name);
	json_put_text(&json, "key", request->key.public);
	key_scopes_put(&json, "scopes", request->key.scopes);
	if (token)
		json_put_text(&json, "token", token);
	json_put_u64(&json, "idle_s", SESSION_IDLE_MS / 1000);
	json_put_u64(&json, "life_s", SESSION_LIFE_MS / 1000);
	json_put_end(&json);
	request_json(request, status, &json);
}

/* An empty value takes the cookie away. */
static void set_cookie(struct request *request, const char *value)
{
	char name[COOKIE_NAME], cookie[COOKIE_NAME + SESSION_TEXT + 96];

	snprintf(cookie, sizeof(cookie), "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", cookie_name(request->front, name), value,
		 is_secure(request->front) ? "; Secure" : "", *value ? "" : "; Max-Age=0");
	request_header(request, "Set-Cookie", cookie);
}

void api_session_open(struct request *request)
{
	char cookie[SESSION_TEXT], token[SESSION_TEXT];
	struct err e = ERR_INIT;

	/* A session that opened the next one would never end; a page of another origin must not choose who its visitor is. */
	if (request->is_session) {
		request_fail(request, "unauthenticated", NULL, "a session is opened with a key: Authorization: Bearer wk_...");
		return;
	}
	if (request_header_in(request, "Sec-Fetch-Site") && !is_from_here(request)) {
		request_fail(request, "foreign_origin", NULL, "a page of another origin asked");
		return;
	}
	if (session_open(&request->front->sessions, &request->key, now_ms(), cookie, token, &e) < 0) {
		request_broken(request, &e);
		return;
	}
	tenant_audit(request, request->tenant.id, "session.open", request->key.public);
	tell(request, MHD_HTTP_CREATED, token);
	set_cookie(request, cookie);
	explicit_bzero(cookie, sizeof(cookie));
	explicit_bzero(token, sizeof(token));
}

void api_session_get(struct request *request)
{
	tell(request, MHD_HTTP_OK, NULL);
}

void api_session_close(struct request *request)
{
	struct sessions *const sessions = &request->front->sessions;
	struct session *const own = request->is_session ? session_of(sessions, &request->session, now_ms()) : NULL;
	struct json json = JSON_NONE;
	size_t n = 1;

	if (own)
		session_end(own);
	else
		n = session_end_key(sessions, request->key.public);
	holder_end_waits(request->front);
	json_put_object(&json, NULL);
	json_put_u64(&json, "ended", n);
	json_put_end(&json);
	request_json(request, MHD_HTTP_OK, &json);
	set_cookie(request, "");
}
