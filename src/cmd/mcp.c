/* `ward mcp`: messages of an agent, a line each, go to the service's POST /mcp, and its answers come back, a line each. It
 * knows no tool and no method but the one that begins; what it says itself is that something could not be asked. Standard
 * output carries the protocol and nothing else. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/loop.h"
#include "cmd/remote.h"
#include "cmd/remote_options.h"
#include "cmd/say.h"
#include "remote/lines.h"
#include "remote/relay.h"
#include "serve/rpc.h"

#define LINE_MAX_BYTES ((size_t)9 << 20)        /* more than the service takes */
#define WAITING_MAX    64                       /* messages that wait for a slot */
#define WAITING_BYTES  ((size_t)32 << 20)
#define PIECE          4096                     /* PIPE_BUF: what a pipe takes at once when poll(2) says that it takes any */
#define GOODBYE_US     3000000
#define RESERVE        8                        /* slots that orders to cancel alone may use */

/* One line that was asked, or is to be. */
struct message {
	struct message *next;
	struct str body;
	json_t *ids;            /* of its requests: each is owed an answer */
	bool begins;            /* initialize: what comes behind it belongs to the session that it opens */
	bool is_order;          /* no request at all */
};

struct talk {
	struct remote remote;
	struct relay *relay;
	struct lines lines;
	struct err trouble;     /* kind NONE: the service can be asked */
	struct message *waiting, **waiting_end, *asked;
	size_t n_waiting, waiting_bytes;
	char session[129], revision[33];
	bool is_beginning;      /* initialize is under way */
	bool has_input, is_deaf;        /* nobody reads what is said */
};

static void message_free(struct message *message)
{
	str_done(&message->body);
	json_decref(message->ids);
	free(message);
}

/* -- what is said -- */

/* A reader that is slow does not keep a signal from being seen. */
static void write_line(struct talk *talk, const char *text, size_t len)
{
	while (len && !talk->is_deaf) {
		struct pollfd fds[2] = { { .fd = STDOUT_FILENO, .events = POLLOUT }, { .fd = talk->remote.signal_fd, .events = POLLIN } };
		ssize_t n = 0;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			talk->is_deaf = true;
		else if (fds[0].revents)
			n = write(STDOUT_FILENO, text, len < PIECE ? len : PIECE);
		else if (fds[1].revents)
			talk->is_deaf = true;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			talk->is_deaf = true;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

static void say_value(struct talk *talk, const json_t *value)
{
	OWN(str) line = STR_NONE;

	remote_add_json(value, &line);
	write_line(talk, str_text(&line), line.len);
}

/* Every request of the message gets the same error. */
static void fail(struct talk *talk, const json_t *ids, const char *text, json_t *data)
{
	json_t *id;
	size_t i;

	json_array_foreach (ids, i, id) {
		json_t *const answer = rpc_error(id, RPC_REFUSED, text, data);

		say_value(talk, answer);
		json_decref(answer);
	}
}

static void fail_format(struct talk *talk, const json_t *ids, const struct err *why)
{
	OWN(str) text = STR_NONE;

	str_addf(&text, "no ward service can be asked: %s. Start one with `ward serve`, and say where it is with WARD_URL and whose key "
		 "counts with WARD_KEY", why->text);
	fail(talk, ids, str_text(&text), NULL);
}

/* -- what comes back -- */

static bool is_rpc(const json_t *value)
{
	const json_t *const one = json_is_array(value) ? json_array_get(value, 0) : value;
	const char *const version = json_string_value(json_object_get(one, "jsonrpc"));

	return version && strcmp(version, "2.0") == 0;
}

/* The revision that was agreed on, and the session, go with every message from now on. */
static void begin_session(struct talk *talk, const json_t *answer, const char *session)
{
	const char *const revision = json_string_value(json_object_get(json_object_get(answer, "result"), "protocolVersion"));

	*talk->session = *talk->revision = '\0';
	if (session && strlen(session) < sizeof(talk->session))
		strcpy(talk->session, session);
	if (revision && strlen(revision) < sizeof(talk->revision))
		strcpy(talk->revision, revision);
}

static void refused(struct talk *talk, const struct message *message, long status, json_t *problem)
{
	const char *const detail = json_string_value(json_object_get(problem, "detail"));
	OWN(str) text = STR_NONE;

	if (detail)
		str_addf(&text, "the ward service refused (%ld): %.400s", status, detail);
	else
		str_addf(&text, "what answered (%ld) is no ward service", status);
	fail(talk, message->ids, str_text(&text), detail ? problem : NULL);
}

static void forget(struct talk *talk, struct message *message)
{
	struct message **at = &talk->asked;

	while (*at && *at != message)
		at = &(*at)->next;
	if (*at)
		*at = message->next;
	if (message->begins)
		talk->is_beginning = false;
	message_free(message);
}

static void ended(void *at, void *tag, const struct http_answer *answer, const char *session, const struct err *e)
{
	struct talk *const talk = at;
	struct message *const message = tag;
	json_error_t error;
	json_t *const value = e ? NULL : json_loadb(str_text(&answer->body), answer->body.len, JSON_REJECT_DUPLICATES, &error);

	if (e)
		fail_format(talk, message->ids, e);
	else if (is_rpc(value)) {
		if (message->begins && answer->status == 200)
			begin_session(talk, value, session);
		say_value(talk, value);
	} else if (answer->status != 202)
		refused(talk, message, answer->status, value);
	json_decref(value);
	forget(talk, message);
}

/* -- what is asked -- */

static void post(struct talk *talk, struct message *message)
{
	const struct relay_word words[HTTP_MORE] = {
		{ "Mcp-Session-Id", *talk->session ? talk->session : NULL },
		{ "Mcp-Protocol-Version", *talk->revision ? talk->revision : NULL },
	};

	message->next = talk->asked;
	talk->asked = message;
	if (message->begins)
		talk->is_beginning = true;
	relay_post(talk->relay, "/mcp", &message->body, words, message);
}

/* In their order, as far as there is room; orders may use the last slots. */
static void send_waiting(struct talk *talk)
{
	struct message **at = &talk->waiting;

	while (*at && !talk->is_beginning && relay_busy(talk->relay) < RELAY_SLOTS) {
		struct message *const message = *at;

		if (relay_busy(talk->relay) >= RELAY_SLOTS - RESERVE && !message->is_order) {
			at = &message->next;
			continue;
		}
		*at = message->next;
		if (!*at)
			talk->waiting_end = at;
		talk->n_waiting--;
		talk->waiting_bytes -= message->body.len;
		post(talk, message);
	}
}

static void enqueue(struct talk *talk, struct message *message)
{
	if (talk->trouble.kind != ERR_NONE) {
		fail_format(talk, message->ids, &talk->trouble);
		message_free(message);
		return;
	}
	if (talk->n_waiting == WAITING_MAX || message->body.len > WAITING_BYTES - talk->waiting_bytes) {
		fail(talk, message->ids, "too many messages at once; wait for answers", NULL);
		message_free(message);
		return;
	}
	*talk->waiting_end = message;
	talk->waiting_end = &message->next;
	talk->n_waiting++;
	talk->waiting_bytes += message->body.len;
	send_waiting(talk);
}

static struct message *make(const struct rpc *rpc, const char *line, size_t len)
{
	struct message *const message = mem_alloc(sizeof(*message));

	message->ids = json_array();
	for (size_t i = 0; i < rpc->n; i++)
		if (rpc->messages[i].kind == RPC_REQUEST)
			json_array_append(message->ids, rpc->messages[i].id);
	message->is_order = !json_array_size(message->ids);
	message->begins = !rpc->is_batch && rpc->messages[0].kind == RPC_REQUEST && strcmp(rpc->messages[0].method, "initialize") == 0;
	str_add_bytes(&message->body, line, len);
	return message;
}

static void no_message(struct talk *talk, enum rpc_code code, const char *why)
{
	json_t *const answer = rpc_error(NULL, code, why, NULL);

	say_value(talk, answer);
	json_decref(answer);
}

static void take_line(void *at, const char *line, size_t len)
{
	struct talk *const talk = at;
	OWN(rpc) rpc = RPC_NONE;
	struct err e = ERR_INIT;

	if (!line)
		no_message(talk, RPC_INVALID_REQUEST, "the line is longer than any message may be");
	else if (strspn(line, " \t\r") == len)
		return;
	else if (rpc_read(line, len, &rpc, &e) < 0)
		no_message(talk, e.kind == ERR_USAGE ? RPC_PARSE_ERROR : RPC_INVALID_REQUEST, e.text);
	else
		enqueue(talk, make(&rpc, line, len));
}

static void read_input(struct talk *talk)
{
	static char bytes[65536];
	const ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n > 0)
		lines_add(&talk->lines, bytes, (size_t)n, take_line, talk);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		talk->has_input = false;
		lines_end(&talk->lines, take_line, talk);
	}
}

/* -- the end -- */

/* Who asked is gone: what its calls have started is not wanted any more. */
static void cancel_all(struct talk *talk)
{
	struct message *asked = talk->asked, *next;
	json_t *id;
	size_t i;

	for (; asked; asked = next) {
		next = asked->next;
		json_array_foreach (asked->ids, i, id) {
			json_t *const order = json_pack("{s:s,s:s,s:{s:O}}", "jsonrpc", "2.0", "method", "notifications/cancelled", "params",
							"requestId", id);
			struct message *const message = mem_alloc(sizeof(*message));

			remote_add_json(order, &message->body);
			message->ids = json_array();
			message->is_order = true;
			json_decref(order);
			if (relay_busy(talk->relay) < RELAY_SLOTS)
				post(talk, message);
			else
				message_free(message);
		}
	}
}

static int goodbye(struct talk *talk, struct err *e)
{
	const uint64_t until = loop_now_us() + GOODBYE_US;

	if (*talk->session)
		cancel_all(talk);
	talk->is_deaf = true;
	while (relay_busy(talk->relay) && loop_now_us() < until)
		if (relay_turn(talk->relay, NULL, 0, 100, e) < 0)
			return -1;
	return CODE_INTERRUPTED;
}

static bool was_signalled(struct talk *talk)
{
	struct signalfd_siginfo info;

	while (talk->remote.signal_fd >= 0 && read(talk->remote.signal_fd, &info, sizeof(info)) == sizeof(info))
		talk->remote.interrupts++;
	return talk->remote.interrupts;
}

static int serve(struct talk *talk, struct err *e)
{
	while (talk->has_input || talk->waiting || relay_busy(talk->relay)) {
		struct curl_waitfd fds[2] = { { .fd = talk->remote.signal_fd, .events = CURL_WAIT_POLLIN },
					      { .fd = STDIN_FILENO, .events = CURL_WAIT_POLLIN } };

		if (relay_turn(talk->relay, fds, talk->has_input ? 2 : 1, 60000, e) < 0)
			return -1;
		if (was_signalled(talk) || talk->is_deaf)
			return goodbye(talk, e);
		if (fds[1].revents)
			read_input(talk);
		send_waiting(talk);
	}
	return 0;
}

/* There is nothing to ask, and the agent is told so in its own language, as long as it asks. */
static int apologise(struct talk *talk)
{
	say(SAY_ERROR, "%s", talk->trouble.text);
	while (talk->has_input && !talk->is_deaf && !was_signalled(talk)) {
		struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = talk->remote.signal_fd, .events = POLLIN } };

		if (poll(fds, 2, -1) > 0 && fds[0].revents)
			read_input(talk);
	}
	return CODE_SETUP;
}

static void talk_done(struct talk *talk)
{
	relay_free(talk->relay);
	for (struct message *list = talk->waiting, *next; list; list = next) {
		next = list->next;
		message_free(list);
	}
	for (struct message *list = talk->asked, *next; list; list = next) {
		next = list->next;
		message_free(list);
	}
	lines_done(&talk->lines);
	remote_done(&talk->remote);
}

int command_mcp_run(struct args *args, struct err *e)
{
	OWN(talk) talk = { .remote = REMOTE_NONE, .lines = { .max = LINE_MAX_BYTES }, .trouble = ERR_INIT, .has_input = true };

	talk.waiting_end = &talk.waiting;
	if (args->n_operands)
		return err_set(e, ERR_USAGE, "mcp takes no words: an agent writes to its input");
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, "signal");
	if (remote_open(&talk.remote, args, true, true, &talk.trouble) < 0 ||
	    relay_new(&talk.remote.setting, ended, &talk, &talk.relay, &talk.trouble) < 0)
		return apologise(&talk);
	return serve(&talk, e);
}
