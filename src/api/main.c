/* ward-serve, the front: HTTP on one side, the store and the dispatcher on the other, one loop in the middle. Started by
 * `ward serve`, which gives it its directory and a channel; it gives itself its jail. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/admit.h"
#include "api/alert.h"
#include "api/blob.h"
#include "api/delivery.h"
#include "api/first.h"
#include "api/holder.h"
#include "api/http.h"
#include "api/jail.h"
#include "api/listen.h"
#include "api/metrics.h"
#include "api/openapi.h"
#include "api/overview.h"
#include "api/socket.h"
#include "api/stream.h"
#include "api/trash.h"
#include "base/fd.h"
#include "base/opt.h"
#include "model/policy_value.h"
#include "serve/dispatch.h"

#define LAUNCHER_FD 3   /* serve/launcher.h: FRONT_FD_LAUNCHER, FRONT_FD_STATE */
#define STATE_FD    4
#define BEAT_US     1000000
#define TRIM_BEATS  10
#define END_US      4000000     /* for what is under way, once the end was asked for */
#define EXIT_SETUP  125

enum { OPT_LISTEN, OPT_PROXY, OPT_CERT, OPT_KEY, OPT_HOST, OPT_LOW, OPT_HIGH, OPT_CRITICAL, OPT_CONNECTIONS, OPT_EACH, OPT_METRICS, OPT_QUEUE_WAIT, OPT_FIRST_KEYS, OPT_LOG, OPT_CACHE_EACH, OPT_CACHE_MOST, OPT_HELP };
static const struct opt options[] = {
	{ "listen", 0, OPT_VALUE, "ADDRESS:PORT", "where to listen, or unix:PATH", "Options", NULL, OPT_LISTEN },
	{ "behind-proxy", 0, OPT_FLAG, NULL, "a proxy in front has the certificate", "Options", NULL, OPT_PROXY },
	{ "tls-cert", 0, OPT_VALUE, "FILE", "certificate chain, PEM", "Options", NULL, OPT_CERT },
	{ "tls-key", 0, OPT_VALUE, "FILE", "its key, PEM", "Options", NULL, OPT_KEY },
	{ "host", 0, OPT_VALUE, "NAME", "a further name that Host may have", "Options", NULL, OPT_HOST },
	{ "cache-each", 0, OPT_VALUE, "SIZE", "of what compilers made, kept of one tenant; default: 32M", "Options", NULL, OPT_CACHE_EACH },
	{ "cache-most", 0, OPT_VALUE, "SIZE", "the same, of all tenants; default: 512M", "Options", NULL, OPT_CACHE_MOST },
	{ "on-low", 0, OPT_VALUE, "ACTION", "what is done about a job whose alert is low: log, kill or quarantine", "Options", NULL, OPT_LOW },
	{ "on-high", 0, OPT_VALUE, "ACTION", "the same where it is high", "Options", NULL, OPT_HIGH },
	{ "on-critical", 0, OPT_VALUE, "ACTION", "the same where it is critical", "Options", NULL, OPT_CRITICAL },
	{ "connections", 0, OPT_VALUE, "N", "at one time", "Options", NULL, OPT_CONNECTIONS },
	{ "connections-each", 0, OPT_VALUE, "N", "at one time, of one address", "Options", NULL, OPT_EACH },
	{ "first-keys", 0, OPT_VALUE, "NAME", "a file in the state directory for the first start's keys", "Options", NULL, OPT_FIRST_KEYS },
	{ "queue-wait", 0, OPT_VALUE, "DURATION", "no job is taken that would wait longer", "Options", NULL, OPT_QUEUE_WAIT },
	{ "metrics", 0, OPT_VALUE, "ADDRESS:PORT", "where to show metrics", "Options", NULL, OPT_METRICS },
	{ "log", 0, OPT_VALUE, "FORM", "json, text or journal", "Options", NULL, OPT_LOG },
	{ "help", 'h', OPT_FLAG, NULL, "show this help", "Options", NULL, OPT_HELP },
};

static int take_number(const char *text, unsigned most, unsigned *out, struct err *e)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || !n || n > most)
		return err_set(e, ERR_USAGE, "'%.40s' is no number from 1 to %u", text, most);
	*out = (unsigned)n;
	return 0;
}

static int take_action(const char *text, enum detect_action *out, struct err *e)
{
	const enum detect_action action = detect_action_find(text, strlen(text));

	if (action == DETECT_ACTIONS)
		return err_set(e, ERR_USAGE, "'%.40s': log, kill or quarantine", text);
	*out = action;
	return 0;
}

static int take_option(struct front_options *o, const struct opt_hit *hit, struct err *e)
{
	switch (hit->opt->id) {
	case OPT_LISTEN: o->listen = hit->value; break;
	case OPT_PROXY: o->is_behind_proxy = true; break;
	case OPT_CERT: o->tls_cert = hit->value; break;
	case OPT_KEY: o->tls_key = hit->value; break;
	case OPT_FIRST_KEYS: o->first_keys = hit->value; break;
	case OPT_METRICS: o->metrics = hit->value; break;
	case OPT_LOG: o->log = hit->value; break;
	case OPT_QUEUE_WAIT: return policy_value_parse(KEY_DURATION, "1..86400000", hit->value, &o->queue_wait_ms, e);
	case OPT_CONNECTIONS: return take_number(hit->value, 10000, &o->connections, e);
	case OPT_EACH: return take_number(hit->value, 10000, &o->connections_each, e);
	case OPT_CACHE_EACH: return policy_value_parse(KEY_SIZE, "0..16G", hit->value, &o->cache_each, e);
	case OPT_CACHE_MOST: return policy_value_parse(KEY_SIZE, "0..16G", hit->value, &o->cache_most, e);
	case OPT_LOW: return take_action(hit->value, &o->rules.action[DETECT_LOW], e);
	case OPT_HIGH: return take_action(hit->value, &o->rules.action[DETECT_HIGH], e);
	case OPT_CRITICAL: return take_action(hit->value, &o->rules.action[DETECT_CRITICAL], e);
	case OPT_HOST:
		if (o->n_hosts == ARRAY_SIZE(o->hosts))
			return err_set(e, ERR_USAGE, "--host may be given %zu times", ARRAY_SIZE(o->hosts));
		o->hosts[o->n_hosts++] = hit->value;
		break;
	}
	return 0;
}

/* 1: help was shown. */
static int read_options(char *const *argv, struct front_options *o, struct err *e)
{
	struct opt_reader reader = { .table = options, .n = ARRAY_SIZE(options), .argv = argv };
	OWN(str) help = STR_NONE;
	struct opt_hit hit;
	int got;

	while ((got = opt_next(&reader, &hit, e)) == 1) {
		if (hit.opt->id == OPT_HELP) {
			opt_help(options, ARRAY_SIZE(options), &help);
			printf("Usage: ward-serve [option]...    (started by `ward serve`)\n\n%s", str_text(&help));
			return 1;
		}
		if (take_option(o, &hit, e) < 0)
			return -1;
	}
	if (got == 0 && argv[reader.at])
		return err_set(e, ERR_USAGE, "'%.60s': it takes options only", argv[reader.at]);
	return got;
}

/* -- the loop -- */

static void on_store(void *at, short revents)
{
	(void)revents;
	store_turn(((struct front *)at)->store);
}

static void on_change(void *at, const struct store_change *change)
{
	struct front *const front = at;

	stats_moved(&front->stats, change, loop_now_us());
	watch_tell(&front->watch, change);
}

/* Dispatcher, sockets and HTTP are turned in every turn of the loop, whatever it woke up for: see turn(). */
static void on_other(void *at, short revents)
{
	(void)at;
	(void)revents;
}

static void on_due(void *at)
{
	(void)at;
}

static void on_wait(void *at)
{
	request_wait_over(at);
}

static void on_beat(void *at)
{
	struct front *const front = at;

	streams_beat(front);
	sockets_beat(front);
	holder_end_waits(front);
	uploads_sweep(front, false);
	trash_sweep(front);
	admit_beat(front);
	/* A batch of documents is tens of MB for a moment, and the allocator would keep them. */
	if (++front->beats % TRIM_BEATS == 0)
		malloc_trim(0);
	loop_set_alarm(&front->loop, front->beat_alarm, loop_now_us() + BEAT_US);
}

static void on_signal(void *at, short revents)
{
	struct front *const front = at;
	struct signalfd_siginfo info;

	(void)revents;
	if (read(front->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		front->is_ending = true;
}

static void add_to_loop(struct front *front)
{
	struct loop *const loop = &front->loop;

	loop_watch(loop, loop_add(loop, on_store, front), store_fd(front->store), POLLIN);
	loop_watch(loop, loop_add(loop, on_other, front), dispatch_fd(front->dispatch), POLLIN);
	loop_watch(loop, loop_add(loop, on_signal, front), front->signal_fd, POLLIN);
	loop_watch(loop, loop_add(loop, on_other, front), front->socket_epoll_fd, POLLIN);
	front->wait_alarm = loop_add_alarm(loop, on_wait, front);
	front->dispatch_alarm = loop_add_alarm(loop, on_due, front);
	front->beat_alarm = loop_add_alarm(loop, on_beat, front);
	loop_set_alarm(loop, front->beat_alarm, loop_now_us() + BEAT_US);
	overview_begin(front);
	webhook_begin(front);
}

static int turn(struct front *front, struct err *e)
{
	if (loop_turn(&front->loop, e) < 0 || dispatch_turn(front->dispatch, e) < 0)
		return -1;
	loop_set_alarm(&front->loop, front->dispatch_alarm, dispatch_due_us(front->dispatch));
	sockets_turn(front);
	http_turn(front);
	metrics_turn(front);
	return 0;
}

/* Nothing new is taken; who waits is told what there is; jobs may end by themselves for a while. */
static int end(struct front *front, struct err *e)
{
	const uint64_t due = loop_now_us() + END_US;

	log_say(&front->log, "info", "ending", "asked to end");
	http_quiet(front);
	dispatch_drain(front->dispatch);
	request_wait_over(front);
	streams_end(front);
	sockets_end(front);
	while (dispatch_busy(front->dispatch) && loop_now_us() < due) {
		loop_set_alarm(&front->loop, front->wait_alarm, loop_now_us() + 50000);
		if (turn(front, e) < 0)
			return -1;
	}
	return 0;
}

static int run(struct front *front, struct err *e)
{
	while (!front->is_ending)
		if (turn(front, e) < 0)
			return -1;
	return end(front, e);
}

/* -- start and end -- */

static int open_signals(struct front *front, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	/* Before the store's thread is started: it then has them blocked as well. */
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, "signals");
	front->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return front->signal_fd < 0 ? err_sys(e, "signalfd") : 0;
}

static int check_descriptors(struct err *e)
{
	struct stat channel, state;

	if (fstat(LAUNCHER_FD, &channel) < 0 || !S_ISSOCK(channel.st_mode) || fstat(STATE_FD, &state) < 0 || !S_ISDIR(state.st_mode))
		return err_set(e, ERR_USAGE, "ward-serve is started by `ward serve`, with its channel and its directory");
	if (fcntl(LAUNCHER_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(STATE_FD, F_SETFD, FD_CLOEXEC) < 0)
		return err_sys(e, "descriptors");
	return fchdir(STATE_FD) < 0 ? err_sys(e, "enter the state directory") : 0;
}

/* All that takes a right the jail does not have. */
static int prepare(struct front *front, struct err *e)
{
	webhook_find_herald(front);
	if (check_descriptors(e) < 0 || log_open(&front->log, front->options.log, e) < 0 || open_signals(front, e) < 0 || listen_read_tls(front, e) < 0 || listen_open(front, e) < 0 ||
	    metrics_open(front, e) < 0)
		return -1;
	front->state_fd = STATE_FD;
	front->began_ms = loop_wall_ms();
	front->socket_epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (front->socket_epoll_fd < 0)
		return err_sys(e, "epoll");
	json_object_seed(0); /* opens /dev/urandom where getrandom() fails */
	if (getrandom(&front->throttle.seed, sizeof(front->throttle.seed), 0) != sizeof(front->throttle.seed))
		return err_sys(e, "getrandom");
	front->openapi = openapi_write(&front->openapi_len);
	umask(077);
	return 0;
}

static void log_jail(struct front *front, const struct jail *jail)
{
	struct json json = JSON_NONE;

	log_begin(&json, "info", "jail");
	json_put_text(&json, "uid", jail->uid);
	json_put_text(&json, "capabilities", jail->effective);
	json_put_text(&json, "bounding_set", jail->bounding);
	json_put_text(&json, "no_new_privs", jail->no_new_privs);
	json_put_text(&json, "seccomp", jail->seccomp);
	json_put_bool(&json, "opens_root_directory", jail->sees_root);
	log_end(&front->log, &json);
}

/* Jobs of that class wait, and fail in the end, for no fault of theirs: who runs the service has to know. */
static void log_stuck(void *at, const char *class, const char *why)
{
	struct front *const front = at;
	struct json json = JSON_NONE;
	char text[512];

	if (why)
		snprintf(text, sizeof(text), "%s: three boxes in a row could not be built: %s", class, why);
	else
		snprintf(text, sizeof(text), "%s: boxes can be built again", class);
	log_begin(&json, why ? "error" : "info", "boxes");
	json_put_text(&json, "text", text);
	log_end(&front->log, &json);
}

static int start(struct front *front, struct err *e)
{
	const struct store_options store = { .dir = ".", .max_wait_ms = front->options.queue_wait_ms };
	struct dispatch_setup setup = { .launcher_fd = LAUNCHER_FD, .state_fd = STATE_FD, .node = "local", .raised = alert_raised, .stuck = log_stuck, .at = front,
					.rules = front->options.rules,
					.cache_each = front->options.cache_each, .cache_most = front->options.cache_most };
	struct jail jail;

	if (prepare(front, e) < 0 || jail_enter(&jail, e) < 0)
		return -1;
	log_jail(front, &jail);
	if (first_cursor_key(front, e) < 0 || store_open(&store, &front->store, e) < 0)
		return -1;
	store_watch(front->store, on_change, front);
	setup.store = front->store;
	setup.stats = &front->stats;
	if (dispatch_new(&setup, &front->dispatch, e) < 0)
		return -1;
	add_to_loop(front);
	return first_start(front, e) < 0 || http_start(front, e) < 0 || metrics_start(front, e) < 0 ? -1 : 0;
}

static void say_ready(const struct front *front)
{
	const struct front_options *const o = &front->options;
	const char *const colon = strrchr(o->listen, ':');

	metrics_say(front);
	if (front->is_unix)
		printf("ward serve: listening on %s\n", o->listen);
	else
		printf("ward serve: listening on %s://%.*s:%u\n", front->tls_cert ? "https" : "http", (int)(colon - o->listen),
		       o->listen, front->port);
	fflush(stdout);
}

static void stop(struct front *front)
{
	front->is_ending = true;
	if (front->store)
		admit_beat(front);
	/* Calls back for all that was asked for, so that nobody waits any more. */
	if (front->store)
		store_close(front->store);
	if (front->daemon) {
		streams_end(front);
		http_turn(front);
		http_stop(front);
	}
	metrics_stop(front);
	webhook_end(front);
	uploads_sweep(front, true);
	if (front->dispatch)
		dispatch_free(front->dispatch);
	stats_done(&front->stats);
	fd_close(front->listen_fd);
	fd_close(front->log.journal_fd);
	fd_close(front->signal_fd);
	fd_close(front->socket_epoll_fd);
	free(front->openapi);
	free(front->tls_cert);
	free(front->tls_key);
}

int main(int argc, char **argv)
{
	static struct front front = { .options = { .listen = "127.0.0.1:8086", .log = "json", .connections = 4096, .connections_each = 2048,
						   .queue_wait_ms = 600000,
						   .cache_each = (uint64_t)32 << 20, .cache_most = (uint64_t)512 << 20,
						   .rules = DETECT_RULES_DEFAULT },
				      .log = { .fd = STDERR_FILENO, .journal_fd = -1 }, .listen_fd = -1, .signal_fd = -1, .socket_epoll_fd = -1 };
	struct err e = ERR_INIT;
	int status = argc > 0 ? read_options(argv + 1, &front.options, &e) : 0;

	if (status == 1)
		return 0;
	if (status == 0)
		status = start(&front, &e);
	if (status == 0) {
		say_ready(&front);
		dispatch_ready(front.dispatch);
		status = run(&front, &e);
	}
	if (status < 0)
		log_say(&front.log, "error", "failed", e.text);
	stop(&front);
	return status < 0 ? EXIT_SETUP : 0;
}
