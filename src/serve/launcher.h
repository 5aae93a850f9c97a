/* `ward serve` itself: starts the front, and a runner for each box the front orders. It reads no byte of a tenant:
 * orders are fixed structs of numbers. When it ends, everything ends. */
#pragma once

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "boundary/boundary.h"
#include "model/plan.h"
#include "serve/honey.h"
#include "serve/order.h"

/* What starting boxes and ending them takes of root, and becoming the front: files of others, ids and groups,
 * namespaces and mounts, priorities, killing. CAP_SYS_PTRACE is for one look: a keeper compares the namespaces of a first
 * process that may have changed its ids already. Neither modules, devices, raw sockets nor the clock. */
#define LAUNCHER_RIGHTS (1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH | 1u << CAP_FOWNER | 1u << CAP_KILL | \
		1u << CAP_SETGID | 1u << CAP_SETUID | 1u << CAP_SETPCAP | 1u << CAP_SYS_ADMIN | 1u << CAP_SYS_NICE | 1u << CAP_SYS_PTRACE)

/* Descriptors of the front when it is executed. */
enum {
	FRONT_FD_LAUNCHER = 3, FRONT_FD_STATE, FRONT_FD_LISTEN, FRONT_FD_HERALD, FRONT_FD_TLS_CERT, FRONT_FD_TLS_KEY,
	FRONT_FDS = FRONT_FD_TLS_KEY - FRONT_FD_LAUNCHER + 1
};

/* A box ready to be started: what `ward run` would have after reading and planning. Borrowed by the runner. */
struct launch_plan {
	struct policy *policy;          /* the runner's own: wall and processor time become the job's */
	const struct filter_set *filter;
	struct plan *plan;              /* the runner's own: it gets an id that no other box has */
	int *fds;
	size_t n_fds;
	uint32_t notes;
	int guests_fd;                  /* our end of a zygote's control channel, -1 = its boxes have one program; the
					 * other is fds[3], which nobody may hold once the box runs */
	const char *monitor_socket;
	struct honey honey;             /* the decoys; their files are among fds[] */
};

struct launcher_setup {
	const struct order_class *classes;
	size_t n_classes, boxes_max;
	/* The plan of a class with these limits (0 = its own). Called in the runner, with the launcher's rights. */
	int (*plan)(void *at, uint32_t class_index, const struct order_limits *limits, struct launch_plan *out,
		    struct err *e);
	/* Whether its boxes tell of a socket before it is made, and so may have a network that was another's before. */
	bool (*lends)(void *at, uint32_t class_index);
	void *at;
	const char *front;              /* path of ward-serve */
	const char *const *front_argv;  /* ends with NULL */
	const char *herald;             /* path of ward-herald, NULL: there is none; it gets its channel at 3 */
	const char *const *herald_argv;
	const char *tls_cert, *tls_key; /* opened for each front, with the launcher's rights; NULL: none */
	int state_fd;                   /* the state directory, locked */
	int listen_fd;                  /* 10 or more: a socket that listens already, for the front; -1: it makes its own */
	uid_t front_uid;                /* of root: what the front becomes; else its own */
	gid_t front_gid;
	uint64_t grace_ms;              /* for the front to end by itself */
};

/* Runs until SIGTERM or SIGINT, or until the front cannot be kept alive. Nothing is left when it returns.
 *
 * Errors: ERR_SYSTEM: why the front would not stay */
MUST_USE int launcher_run(const struct launcher_setup *setup, struct err *e);
