/* libcurl's own loop, for a bounded number of requests. What a request borrows lives in its slot. */
#include "remote/relay.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "remote/http_parts.h"

#define PATIENCE_MS 120000L     /* twice as long as the service lets anybody wait */

struct slot {
	struct http *http;
	struct http_call call;
	struct http_answer answer;
	struct str body;
	struct arena arena;
	void *tag;
	bool is_busy;
};

struct relay {
	CURLM *multi;
	const struct setting *setting;
	relay_ended *ended;
	void *at;
	struct slot slots[RELAY_SLOTS];
	size_t n_busy;
};

int relay_new(const struct setting *setting, relay_ended *ended, void *at, struct relay **out, struct err *e)
{
	struct relay *const relay = mem_alloc(sizeof(*relay));

	relay->setting = setting;
	relay->ended = ended;
	relay->at = at;
	for (size_t i = 0; i < RELAY_SLOTS; i++) {
		relay->slots[i].answer = HTTP_ANSWER_NONE;
		if (http_new(setting, &relay->slots[i].http, e) < 0) {
			relay_free(relay);
			return -1;
		}
	}
	relay->multi = curl_multi_init();
	if (!relay->multi) {
		relay_free(relay);
		return err_set(e, ERR_SYSTEM, "libcurl cannot be used");
	}
	*out = relay;
	return 0;
}

static void empty(struct slot *slot)
{
	http_answer_done(&slot->answer);
	str_done(&slot->body);
	arena_done(&slot->arena);
	slot->is_busy = false;
}

void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	for (size_t i = 0; i < RELAY_SLOTS; i++) {
		if (relay->slots[i].is_busy)
			curl_multi_remove_handle(relay->multi, http_curl(relay->slots[i].http));
		empty(&relay->slots[i]);
		http_free(relay->slots[i].http);
	}
	curl_multi_cleanup(relay->multi);
	free(relay);
}

size_t relay_busy(const struct relay *relay)
{
	return relay->n_busy;
}

static struct slot *find_free(struct relay *relay)
{
	for (size_t i = 0; i < RELAY_SLOTS; i++)
		if (!relay->slots[i].is_busy)
			return &relay->slots[i];
	return NULL;
}

void relay_post(struct relay *relay, const char *path, struct str *body, const struct relay_word words[HTTP_MORE], void *tag)
{
	struct slot *const slot = find_free(relay);

	assert(slot);
	slot->is_busy = true;
	slot->tag = tag;
	slot->body = TAKE(*body, STR_NONE);
	slot->call = (struct http_call){
		.method = "POST", .path = arena_printf(&slot->arena, "%s", path), .type = "application/json", .body = str_text(&slot->body),
		.len = slot->body.len, .patience_ms = PATIENCE_MS,
	};
	for (size_t i = 0; i < HTTP_MORE; i++)
		if (words[i].value) {
			slot->call.more[i].name = words[i].name;
			slot->call.more[i].value = arena_printf(&slot->arena, "%s", words[i].value);
		}
	http_begin(slot->http, &slot->call, &slot->answer);
	relay->n_busy++;
	curl_multi_add_handle(relay->multi, http_curl(slot->http));
}

static const char *header_of(struct slot *slot, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(http_curl(slot->http), name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

static void finish(struct relay *relay, struct slot *slot, CURLcode code)
{
	struct err e = ERR_INIT;
	const int result = http_end(slot->http, code, &e);

	curl_multi_remove_handle(relay->multi, http_curl(slot->http));
	relay->n_busy--;
	relay->ended(relay->at, slot->tag, &slot->answer, result < 0 ? NULL : header_of(slot, "Mcp-Session-Id"), result < 0 ? &e : NULL);
	empty(slot);
}

static void tell(struct relay *relay)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(relay->multi, &left))) {
		const CURLcode code = message->data.result;
		CURL *const curl = message->easy_handle;

		if (message->msg != CURLMSG_DONE)
			continue;
		for (size_t i = 0; i < RELAY_SLOTS; i++)
			if (relay->slots[i].is_busy && http_curl(relay->slots[i].http) == curl) {
				finish(relay, &relay->slots[i], code);
				break;
			}
	}
}

int relay_turn(struct relay *relay, struct curl_waitfd *fds, unsigned n_fds, int wait_ms, struct err *e)
{
	int running;

	if (curl_multi_perform(relay->multi, &running) != CURLM_OK)
		return err_set(e, ERR_SYSTEM, "libcurl cannot go on");
	tell(relay);
	if (curl_multi_poll(relay->multi, fds, n_fds, wait_ms, NULL) != CURLM_OK)
		return err_set(e, ERR_SYSTEM, "libcurl cannot wait");
	if (curl_multi_perform(relay->multi, &running) != CURLM_OK)
		return err_set(e, ERR_SYSTEM, "libcurl cannot go on");
	tell(relay);
	return 0;
}
