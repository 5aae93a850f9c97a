/* The front's state: everything that lives as long as the process. One thread, one loop; the store has a thread of its
 * own that never comes here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/burst.h"
#include "api/hmac.h"
#include "api/log.h"
#include "api/session.h"
#include "api/throttle.h"
#include "api/watch.h"
#include "base/loop.h"
#include "serve/detect.h"
#include "serve/stats.h"
#include "store/store_tenant.h"

struct MHD_Daemon;
struct client;
struct inner;
struct dispatch;
struct request;
struct store;
struct mcp_call;
struct metrics;
struct post;
struct stream;
struct upload;
struct socket_job;

struct front_options {
	const char *listen;             /* "127.0.0.1:8086", "[::1]:8086", "unix:PATH" */
	const char *hosts[8];           /* further names in Host */
	const char *tls_cert, *tls_key; /* files */
	const char *log;                /* "json", "text", "journal" */
	const char *first_keys;         /* a name in the state directory; NULL: standard output */
	const char *metrics;            /* as listen; NULL: nowhere */
	size_t n_hosts;
	bool is_behind_proxy;
	unsigned connections, connections_each;
	uint64_t cache_each, cache_most;        /* see struct dispatch_setup */
	uint64_t queue_wait_ms;         /* the longest that a job may have to wait */
	struct detect_rules rules;      /* what is done about suspicious jobs */
};

struct front {
	struct front_options options;
	struct loop loop;
	struct log log;
	struct store *store;
	struct dispatch *dispatch;
	struct MHD_Daemon *daemon;
	int state_fd, listen_fd, signal_fd, socket_epoll_fd;
	bool is_loopback, is_unix, is_ending;
	uint16_t port;                  /* that it listens on */
	char listen_text[128];          /* where, when the socket was inherited */
	char *tls_cert, *tls_key;       /* PEM */
	uint8_t cursor_key[HMAC_KEY];
	struct watch watch;
	struct throttle throttle;
	struct burst burst;             /* of wrong keys */
	char burst_from[64];            /* who had to wait last */
	struct stats stats;
	struct sessions sessions;
	struct store_ledger ledger;     /* as it was at ledger_us; metrics_show.c */
	uint64_t ledger_us;
	bool has_herald;                /* who delivers webhooks; delivery.c */
	struct post *post;              /* NULL: there is none */
	struct metrics *metrics;        /* NULL: nobody asked for them */
	/* Lists of what is open; each has its bound. */
	struct client *clients;
	struct request *waiting;
	struct mcp_call *mcp_calls;     /* of tools, that have no answer yet */
	struct inner *inners;           /* answered, and not told yet */
	struct stream *streams;
	struct upload *uploads;
	struct socket_job *sockets;
	struct audit_seen {             /* chains that held, by the tenant's number: usage.c */
		uint64_t tenant, since_us;
		struct store_audit_walk walk;
	} audit_seen[16];
	size_t n_streams, n_uploads, n_sockets;
	uint64_t began_ms, requests, refused_keys;
	char *openapi;                  /* the document, made once */
	size_t openapi_len;
	size_t wait_alarm, http_alarm, sweep_alarm, dispatch_alarm, beat_alarm, overview_alarm;
	unsigned beats;
};
