/* ward-herald: takes deliveries from the front, one packet each, and tells what became of them. It is the only process
 * of the service that connects to anything, and holds nothing: no store, no secret, no state directory.
 *
 * Refuses: addresses that are not public, unless the operator named the host; plain HTTP to any other; redirects;
 * proxies; answers beyond a few KiB; more than fifteen seconds. */
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/mem.h"
#include "base/str.h"
#include "herald/address.h"
#include "herald/jail.h"
#include "serve/herald.h"

#define FRONT_FD   3
#define ALL_MS     ((long)HERALD_TRY_MS)
#define CONNECT_MS 5000L
#define HEAD_MAX   32768
#define BODY_MAX   65536
#define HOSTS_MAX  16

struct herald {
	const char *hosts[HOSTS_MAX];   /* whose addresses may be private */
	size_t n_hosts, n_open;
	CURLM *multi;
};

struct delivery {
	struct herald *herald;
	CURL *easy;
	struct curl_slist *head;
	uint64_t number;
	bool may_be_private, was_private;
	size_t head_bytes, body_bytes;
	char error[CURL_ERROR_SIZE];
	char body[HERALD_BODY];
};

static void tell(const struct delivery *delivery, long status, const char *why)
{
	struct herald_answer answer = { .magic = HERALD_MAGIC, .status = (uint32_t)status, .number = delivery->number };

	snprintf(answer.why, sizeof(answer.why), "%.159s", why);
	/* A front that is gone is seen at the next read. */
	(void)!send(FRONT_FD, &answer, sizeof(answer), MSG_NOSIGNAL);
}

static void delivery_free(struct delivery *delivery)
{
	if (delivery->easy)
		curl_easy_cleanup(delivery->easy);
	curl_slist_free_all(delivery->head);
	free(delivery);
}

/* The very address that is connected to: a name that changes its mind in between gains nothing. */
static curl_socket_t open_socket(void *at, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct delivery *const delivery = at;

	(void)purpose;
	if (!delivery->may_be_private && !address_is_public(&address->addr)) {
		delivery->was_private = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *at)
{
	struct delivery *const delivery = at;

	(void)bytes;
	delivery->body_bytes += size * n;
	return delivery->body_bytes > BODY_MAX ? 0 : size * n;
}

static size_t take_head(char *bytes, size_t size, size_t n, void *at)
{
	struct delivery *const delivery = at;

	(void)bytes;
	delivery->head_bytes += size * n;
	return delivery->head_bytes > HEAD_MAX ? 0 : size * n;
}

static bool is_named(const struct herald *herald, const char *host)
{
	for (size_t i = 0; i < herald->n_hosts; i++)
		if (!strcasecmp(herald->hosts[i], host))
			return true;
	return false;
}

/* What the URL says is read by the same parser that will connect. */
static const char *check_url(struct delivery *delivery, const char *text)
{
	CURLU *const url = curl_url();
	char *host = NULL, *scheme = NULL;
	const char *why = NULL;

	if (!url || curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) || curl_url_get(url, CURLUPART_HOST, &host, 0) ||
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0)) {
		why = "that is no URL of a webhook";
	} else {
		delivery->may_be_private = is_named(delivery->herald, host);
		if (strcmp(scheme, "https") && !(delivery->may_be_private && !strcmp(scheme, "http")))
			why = "only https is delivered to, or a host that --webhook-host names";
	}
	curl_free(host);
	curl_free(scheme);
	curl_url_cleanup(url);
	return why;
}

static void add_head(struct delivery *delivery, char *lines)
{
	char *rest = NULL;

	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		delivery->head = curl_slist_append(delivery->head, line);
	delivery->head = curl_slist_append(delivery->head, "Content-Type: application/json");
	delivery->head = curl_slist_append(delivery->head, "Expect:");
}

static bool set_all(struct delivery *delivery, const char *url, size_t body_len)
{
	CURL *const easy = delivery->easy;

	return !curl_easy_setopt(easy, CURLOPT_URL, url) && !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
	       !curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) && !curl_easy_setopt(easy, CURLOPT_PROXY, "") &&
	       !curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) && !curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ALL_MS) &&
	       !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) && !curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) &&
	       !curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	       !curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) && !curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, delivery) &&
	       !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) && !curl_easy_setopt(easy, CURLOPT_WRITEDATA, delivery) &&
	       !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head) && !curl_easy_setopt(easy, CURLOPT_HEADERDATA, delivery) &&
	       !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, delivery->error) && !curl_easy_setopt(easy, CURLOPT_PRIVATE, delivery) &&
	       !curl_easy_setopt(easy, CURLOPT_HTTPHEADER, delivery->head) && !curl_easy_setopt(easy, CURLOPT_USERAGENT, "ward-herald") &&
	       !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body_len) && !curl_easy_setopt(easy, CURLOPT_POSTFIELDS, delivery->body);
}

static void begin(struct herald *herald, const struct herald_order *order, const char *bytes)
{
	struct delivery *const delivery = mem_alloc(sizeof(*delivery));
	char url[HERALD_URL + 1], head[HERALD_HEAD + 1];
	const char *why;

	delivery->herald = herald;
	delivery->number = order->number;
	memcpy(url, bytes, order->url_len);
	url[order->url_len] = '\0';
	memcpy(head, bytes + order->url_len, order->head_len);
	head[order->head_len] = '\0';
	memcpy(delivery->body, bytes + order->url_len + order->head_len, order->body_len);
	add_head(delivery, head);
	why = check_url(delivery, url);
	delivery->easy = why ? NULL : curl_easy_init();
	if (!why && (!delivery->easy || !set_all(delivery, url, order->body_len) || curl_multi_add_handle(herald->multi, delivery->easy)))
		why = "libcurl cannot do that";
	if (why) {
		tell(delivery, 0, why);
		delivery_free(delivery);
	} else {
		herald->n_open++;
	}
}

/* False: the front has gone, or speaks another language. */
static bool take_order(struct herald *herald)
{
	static _Alignas(struct herald_order) char packet[HERALD_PACKET];
	const ssize_t got = recv(FRONT_FD, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);
	struct herald_order order;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if ((size_t)got < sizeof(order) || (size_t)got > sizeof(packet))
		return false;
	memcpy(&order, packet, sizeof(order));
	if (order.magic != HERALD_MAGIC || order.url_len > HERALD_URL || order.head_len > HERALD_HEAD || order.body_len > HERALD_BODY ||
	    sizeof(order) + order.url_len + order.head_len + order.body_len != (size_t)got)
		return false;
	begin(herald, &order, packet + sizeof(order));
	return true;
}

static void end(struct herald *herald, CURL *easy, CURLcode result)
{
	struct delivery *delivery = NULL;
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &delivery);
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_multi_remove_handle(herald->multi, easy);
	herald->n_open--;
	clean_bytes(delivery->error, strlen(delivery->error), "");
	if (delivery->was_private)
		tell(delivery, 0, "its address is not public: --webhook-host names hosts for which that is meant");
	else if (delivery->head_bytes > HEAD_MAX || delivery->body_bytes > BODY_MAX)
		tell(delivery, 0, "the answer does not end");
	else if (result != CURLE_OK)
		tell(delivery, 0, *delivery->error ? delivery->error : curl_easy_strerror(result));
	else
		tell(delivery, status, status >= 300 && status < 400 ? "redirects are not followed" : "");
	delivery_free(delivery);
}

static int work(struct herald *herald)
{
	herald->multi = curl_multi_init();
	if (!herald->multi)
		return 1;
	for (;;) {
		struct curl_waitfd front = { .fd = FRONT_FD, .events = CURL_WAIT_POLLIN };
		int running, left;
		CURLMsg *message;

		if (curl_multi_poll(herald->multi, &front, herald->n_open < HERALD_AT_ONCE, 1000, NULL))
			return 1;
		if (herald->n_open < HERALD_AT_ONCE && front.revents && !take_order(herald))
			return 0;
		if (curl_multi_perform(herald->multi, &running))
			return 1;
		while ((message = curl_multi_info_read(herald->multi, &left)))
			if (message->msg == CURLMSG_DONE)
				end(herald, message->easy_handle, message->data.result);
	}
}

/* Names are looked up with libraries that are loaded then: while it can still be done. */
static void warm_up(void)
{
	struct addrinfo *found = NULL;

	if (getaddrinfo("localhost", "https", NULL, &found) == 0)
		freeaddrinfo(found);
}

/* What was given to one that died: who gave it gives it again. */
static bool begin_anew(void)
{
	const struct herald_answer hello = { .magic = HERALD_MAGIC, .number = HERALD_HELLO };
	char rest[1];

	while (recv(FRONT_FD, rest, sizeof(rest), MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
	return send(FRONT_FD, &hello, sizeof(hello), MSG_NOSIGNAL) == sizeof(hello);
}

static int run(struct herald *herald)
{
	struct err e = ERR_INIT;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || curl_global_init(CURL_GLOBAL_ALL))
		return 1;
	warm_up();
	if (jail_enter(&e) < 0) {
		fprintf(stderr, "{\"level\":\"error\",\"event\":\"herald\",\"text\":\"%s\"}\n", e.text);
		return 1;
	}
	return begin_anew() ? work(herald) : 0;
}

int main(int argc, char **argv)
{
	static struct herald herald;
	struct stat channel;

	for (int i = 1; i < argc && herald.n_hosts < HOSTS_MAX; i++)
		herald.hosts[herald.n_hosts++] = argv[i];
	if (fstat(FRONT_FD, &channel) < 0 || !S_ISSOCK(channel.st_mode)) {
		fputs("ward-herald is started by `ward serve`, with its channel\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	return run(&herald);
}
