/* libcurl, held to what the service speaks. */
#include "remote/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "remote/http_parts.h"

#define CONNECT_MS   10000L
#define SILENCE_S    60L        /* four heartbeats of a stream; longer than any wait that is asked for */
#define ANSWER_MS    45000L       /* more than the 30 s that a wait is asked for, less than the patience */

/* What one request's callbacks share. */
struct flow {
	CURL *curl;
	const struct http_call *call;
	struct http_answer *answer;
	uint64_t sent;
	bool is_over;           /* larger than HTTP_BODY_MAX */
};

struct http {
	CURL *curl;
	const struct setting *setting;
	char error[CURL_ERROR_SIZE];
	struct flow flow;               /* of the request that is under way */
	struct curl_slist *headers;
};

void http_answer_done(struct http_answer *answer)
{
	str_done(&answer->body);
	*answer = HTTP_ANSWER_NONE;
}

static size_t take(char *bytes, size_t size, size_t n, void *at)
{
	struct flow *const flow = at;
	long status = 0;

	(void)size; /* always 1: CURLOPT_WRITEFUNCTION(3) */
	curl_easy_getinfo(flow->curl, CURLINFO_RESPONSE_CODE, &status);
	if (flow->call->sink && status / 100 == 2) {
		flow->answer->is_ended = flow->call->sink(flow->call->at, bytes, n) < 0;
		return flow->answer->is_ended ? 0 : n;
	}
	str_add_bytes(&flow->answer->body, bytes, n);
	flow->is_over = flow->answer->body.cut;
	return flow->is_over ? 0 : n;
}

static size_t give(char *bytes, size_t size, size_t n, void *at)
{
	struct flow *const flow = at;
	const uint64_t left = flow->call->upload_len - flow->sent;
	const size_t want = left < size * n ? (size_t)left : size * n;
	const ssize_t got = pread(flow->call->upload_fd, bytes, want, (off_t)flow->sent);

	if (got < 0 || (want && !got))
		return CURL_READFUNC_ABORT;
	flow->sent += (uint64_t)got;
	return (size_t)got;
}

static int tick(void *at, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	struct flow *const flow = at;

	(void)down_all, (void)down, (void)up_all, (void)up;
	if (!flow->call->tick || flow->call->tick(flow->call->at) == 0)
		return 0;
	flow->answer->is_ended = true;
	return 1;
}

int http_new(const struct setting *setting, struct http **out, struct err *e)
{
	struct http *const http = mem_alloc(sizeof(*http));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		http->curl = curl_easy_init();
	if (!http->curl) {
		free(http);
		return err_set(e, ERR_SYSTEM, "libcurl cannot be used");
	}
	http->setting = setting;
	*out = http;
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	curl_slist_free_all(http->headers);
	curl_global_cleanup();
	free(http);
}

static void set_manners(struct http *http, const struct http_call *call)
{
	CURL *const curl = http->curl;

	curl_easy_reset(curl); /* the connection stays */
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "ward/" WARD_VERSION);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	if (call->is_stream || call->upload_len) {
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
	} else {
		curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, call->patience_ms ? call->patience_ms : ANSWER_MS);
	}
	if (http->setting->is_near)
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (http->setting->socket)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, http->setting->socket);
}

static void set_flow(struct http *http, struct flow *flow)
{
	const struct http_call *const call = flow->call;
	CURL *const curl = http->curl;

	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, flow);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, tick);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, flow);
	if (call->upload_len) {
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
		curl_easy_setopt(curl, CURLOPT_READDATA, flow);
		curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->upload_len);
	} else if (call->body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
	}
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
	struct arena arena = { .blocks = NULL };
	struct curl_slist *const longer = curl_slist_append(list, arena_printf(&arena, "%s: %s", name, value));

	arena_done(&arena);
	if (!longer)
		mem_fail();
	return longer;
}

static struct curl_slist *make_headers(const struct http *http, const struct http_call *call)
{
	struct curl_slist *list = add_header(NULL, "Accept", call->accept ? call->accept : "application/json");
	struct str bearer = STR_NONE;

	str_addf(&bearer, "Bearer %s", http->setting->key);
	list = add_header(list, "Authorization", str_text(&bearer));
	str_done(&bearer);
	list = add_header(list, "Expect", ""); /* a body goes at once: no second way there and back */
	if (call->type)
		list = add_header(list, "Content-Type", call->type);
	if (call->idempotency_key)
		list = add_header(list, "Idempotency-Key", call->idempotency_key);
	for (size_t i = 0; i < HTTP_MORE; i++)
		if (call->more[i].value)
			list = add_header(list, call->more[i].name, call->more[i].value);
	return list;
}

static int conclude(const struct http *http, const struct flow *flow, CURLcode code, struct err *e)
{
	struct http_answer *const answer = flow->answer;
	curl_off_t retry_s = 0;

	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
	if (curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &retry_s) == CURLE_OK && retry_s > 0)
		answer->retry_ms = (uint64_t)retry_s * 1000;
	if (flow->is_over)
		return err_set(e, ERR_LIMIT, "the service's answer has more than %zu bytes", HTTP_BODY_MAX);
	if (code == CURLE_OK || answer->is_ended)
		return 0;
	return err_set(e, ERR_SYSTEM, "%.80s: %.200s", http->setting->socket ? http->setting->socket : http->setting->url,
		       *http->error ? http->error : curl_easy_strerror(code));
}

void http_begin(struct http *http, const struct http_call *call, struct http_answer *out)
{
	struct str url = STR_NONE;

	http->flow = (struct flow){ .curl = http->curl, .call = call, .answer = out };
	http->headers = make_headers(http, call);
	*http->error = '\0';
	http_answer_done(out);
	set_manners(http, call);
	set_flow(http, &http->flow);
	str_addf(&url, "%s%s", http->setting->url, call->path);
	curl_easy_setopt(http->curl, CURLOPT_URL, str_text(&url)); /* copied */
	curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, http->headers);
	str_done(&url);
}

int http_end(struct http *http, CURLcode code, struct err *e)
{
	const int result = conclude(http, &http->flow, code, e);

	curl_slist_free_all(http->headers);
	http->headers = NULL;
	return result;
}

int http_do(struct http *http, const struct http_call *call, struct http_answer *out, struct err *e)
{
	http_begin(http, call, out);
	return http_end(http, curl_easy_perform(http->curl), e);
}

/* -- connections without requests -- */

CURL *http_curl(struct http *http)
{
	return http->curl;
}

const char *http_host(const struct http *http)
{
	const char *const host = strstr(http->setting->url, "://");

	return host ? host + 3 : http->setting->url;
}

const char *http_key(const struct http *http)
{
	return http->setting->key;
}

int http_connect(struct http *http, int *fd, struct err *e)
{
	const struct http_call none = { .is_stream = true };
	curl_socket_t socket = CURL_SOCKET_BAD;
	CURLcode code;

	*http->error = '\0';
	set_manners(http, &none);
	curl_easy_setopt(http->curl, CURLOPT_URL, http->setting->url);
	curl_easy_setopt(http->curl, CURLOPT_CONNECT_ONLY, 1L);
	code = curl_easy_perform(http->curl);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(http->curl, CURLINFO_ACTIVESOCKET, &socket);
	if (code != CURLE_OK || socket == CURL_SOCKET_BAD)
		return err_set(e, ERR_SYSTEM, "%.80s: %.200s", http->setting->socket ? http->setting->socket : http->setting->url,
			       *http->error ? http->error : curl_easy_strerror(code));
	*fd = socket;
	return 0;
}
