/* Gives out deliveries. Each is signed anew at each try, with the time; what is signed and its id stay the same. */
#include "api/delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clean.h"
#include "base/hex.h"
#include "base/mem.h"
#include "serve/dispatch.h"
#include "serve/herald.h"
#include "store/store_hook.h"

#define HERALD_FD 6             /* serve/launcher.h: FRONT_FD_HERALD */
#define LOOK_US   500000
#define LATE_US   ((uint64_t)HERALD_TRY_MS * 2000)        /* who has not answered by then never will */

struct sent {
	struct store_delivery delivery; /* its texts are gone: tenant, hook, id, tries and created_ms count */
	uint64_t number, at_us;         /* number 0: free */
};
struct post {
	struct sent sent[HERALD_AT_ONCE];
	uint64_t next;
	bool is_heard;                  /* the herald said that it is there; nothing is given out before */
	uint64_t asked_us;              /* when the newest one was asked for */
	size_t slot, alarm;
};

void webhook_find_herald(struct front *front)
{
	struct stat st;

	front->has_herald = fstat(HERALD_FD, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool is_under_way(const struct post *post, const struct store_delivery *delivery)
{
	for (size_t i = 0; i < HERALD_AT_ONCE; i++)
		if (post->sent[i].number && !memcmp(&post->sent[i].delivery.id, &delivery->id, sizeof(delivery->id)) &&
		    !memcmp(&post->sent[i].delivery.hook, &delivery->hook, sizeof(delivery->hook)))
			return true;
	return false;
}

static struct sent *find_sent(struct post *post, uint64_t number)
{
	for (size_t i = 0; i < HERALD_AT_ONCE; i++)
		if (post->sent[i].number == number)
			return &post->sent[i];
	return NULL;
}

/* Given out, and nothing was heard of it yet. */
static bool is_open(const struct sent *sent)
{
	return sent->number && sent->at_us != UINT64_MAX;
}

/* "Ward-Signature: t=SECONDS,v1=HEX": HMAC-SHA-256 over the time, a dot and the body. */
static size_t write_head(const struct store_delivery *delivery, char out[HERALD_HEAD])
{
	const uint64_t s = loop_wall_ms() / 1000;
	char id[STORE_ID_TEXT], text[SHA256_TEXT];
	OWN(str) signed_text = STR_NONE;
	struct digest digest;

	str_addf(&signed_text, "%" PRIu64 ".", s);
	str_add_bytes(&signed_text, delivery->body.at, delivery->body.len);
	digest = hmac_sha256(delivery->secret, str_text(&signed_text), signed_text.len);
	digest_write(&digest, text);
	store_id_write(&delivery->id, id);
	return (size_t)snprintf(out, HERALD_HEAD, "Ward-Event: %s\nWard-Delivery: %s\nWard-Signature: t=%" PRIu64 ",v1=%s\n", delivery->kind,
				id, s, text);
}

static bool send_one(struct post *post, const struct store_delivery *delivery, struct sent *sent)
{
	static char packet[HERALD_PACKET];
	struct herald_order order = { .magic = HERALD_MAGIC, .url_len = (uint32_t)strlen(delivery->url), .number = post->next };
	char head[HERALD_HEAD];
	size_t len = sizeof(order);

	order.head_len = (uint32_t)write_head(delivery, head);
	order.body_len = (uint32_t)delivery->body.len;
	if (order.url_len > HERALD_URL || order.body_len > HERALD_BODY || order.head_len >= HERALD_HEAD)
		return true; /* nothing of ours is; it then is late */
	memcpy(packet, &order, sizeof(order));
	memcpy(packet + len, delivery->url, order.url_len);
	len += order.url_len;
	memcpy(packet + len, head, order.head_len);
	len += order.head_len;
	memcpy(packet + len, delivery->body.at, order.body_len);
	len += order.body_len;
	if (send(HERALD_FD, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return false;
	*sent = (struct sent){ *delivery, post->next++, loop_now_us() };
	return true;
}

struct noting {
	struct front *front;
	uint64_t number;
};

static void noted(void *at, const struct store_answer *answer)
{
	OWN_MEM struct noting *noting = at;
	struct sent *const sent = find_sent(noting->front->post, noting->number);

	(void)answer;
	if (sent)
		sent->number = 0;
}

static void note(struct front *front, struct sent *sent, uint32_t status, const char *why)
{
	struct noting *const noting = mem_alloc(sizeof(*noting));

	*noting = (struct noting){ front, sent->number };
	sent->at_us = UINT64_MAX; /* told */
	store_delivery_tried(front->store, &sent->delivery, status, why, noted, noting);
}

/* Another herald than the one of before, which may have delivered or not: the same ids come again. */
static void on_hello(struct front *front)
{
	struct post *const post = front->post;

	post->is_heard = true;
	for (size_t i = 0; i < HERALD_AT_ONCE; i++)
		if (is_open(&post->sent[i]))
			note(front, &post->sent[i], 0, "the herald ended before it told what became of this");
}

static void take_answer(struct front *front, struct herald_answer *answer)
{
	struct sent *const sent = find_sent(front->post, answer->number);

	answer->why[sizeof(answer->why) - 1] = '\0';
	clean_bytes(answer->why, strlen(answer->why), "");
	if (sent && is_open(sent))
		note(front, sent, answer->status <= 999 ? answer->status : 0, answer->why);
}

static void on_answer(void *at, short revents)
{
	struct front *const front = at;
	struct herald_answer answer;
	ssize_t got;

	(void)revents;
	while ((got = recv(HERALD_FD, &answer, sizeof(answer), MSG_DONTWAIT)) == (ssize_t)sizeof(answer)) {
		if (answer.magic != HERALD_MAGIC)
			continue;
		if (answer.number == HERALD_HELLO)
			on_hello(front);
		else
			take_answer(front, &answer);
	}
	if (got == 0)
		loop_watch(&front->loop, front->post->slot, -1, POLLIN); /* the launcher's copy has gone as well: it ends */
}

static void give_out(struct front *front)
{
	struct post *const post = front->post;
	OWN(arena) arena = { .total = 0 };
	struct store_delivery *due;
	struct err e = ERR_INIT;
	size_t n = 0, k = 0;

	if (store_delivery_due(front->store, 2 * HERALD_AT_ONCE, &arena, &due, &n, &e) < 0)
		return;
	for (size_t i = 0; i < HERALD_AT_ONCE; i++) {
		while (k < n && is_under_way(post, &due[k]))
			k++;
		if (k == n)
			return;
		if (!post->sent[i].number && !send_one(post, &due[k++], &post->sent[i]))
			return;
	}
}

/* It hangs, or swallows what it is given. The launcher ends it and starts another, whose hello settles the rest. */
static void replace(struct front *front, uint64_t now)
{
	struct post *const post = front->post;

	log_say(&front->log, "warn", "herald", "it does not answer; another one is asked for");
	post->is_heard = false;
	post->asked_us = now;
	dispatch_replace_herald(front->dispatch);
}

static bool is_late(const struct post *post, uint64_t now)
{
	bool late = !post->is_heard && now - post->asked_us > LATE_US;

	for (size_t i = 0; i < HERALD_AT_ONCE && post->is_heard; i++)
		late |= is_open(&post->sent[i]) && now - post->sent[i].at_us > LATE_US;
	return late;
}

static void on_look(void *at)
{
	struct front *const front = at;
	struct post *const post = front->post;
	const uint64_t now = loop_now_us();

	if (is_late(post, now))
		replace(front, now);
	if (post->is_heard)
		give_out(front);
	loop_set_alarm(&front->loop, post->alarm, now + LOOK_US);
}

void webhook_begin(struct front *front)
{
	struct post *post;

	if (!front->has_herald)
		return;
	post = front->post = mem_alloc(sizeof(*post));
	post->next = HERALD_HELLO + 1;
	post->asked_us = loop_now_us();
	post->slot = loop_add(&front->loop, on_answer, front);
	loop_watch(&front->loop, post->slot, HERALD_FD, POLLIN);
	post->alarm = loop_add_alarm(&front->loop, on_look, front);
	loop_set_alarm(&front->loop, post->alarm, loop_now_us() + LOOK_US);
}

void webhook_end(struct front *front)
{
	free(TAKE_PTR(front->post));
}
