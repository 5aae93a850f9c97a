/* The service's box classes: each a policy, planned once on this host, that runs `ward-step`. */
#pragma once

#include "base/err.h"
#include "cmd/fit.h"
#include "cmd/openings.h"
#include "cmd/serve_files.h"
#include "model/host.h"
#include "serve/config.h"
#include "serve/launcher.h"
#include "serve/runtime.h"

struct serve_class {
	struct order_class told;
	char program[64];               /* the interpreter, absolute inside the box; "" = none */
	const struct serve_image *image; /* NULL: the host's programs */
	const char *files;              /* lines of its policy: what its boxes show of this host */
	int guests_inside;              /* the number of a zygote's control channel in its box */
	struct policy policy;
	struct payload payload;
	const char *argv[4];
	struct fit fit;
	struct openings openings;
	struct plan *shared;            /* fit's plan with a root that was made already, openings' last; NULL: each box makes its own */
};

struct serve_classes {
	struct serve_class classes[ORDER_CLASSES_MAX];
	struct order_class told[ORDER_CLASSES_MAX];     /* copies, for the launcher */
	size_t n;
	const char *step;               /* path of ward-step */
	struct serve_image image;       /* that was looked at last: runtimes often share one */
	int honey_fd;                   /* where decoys are made, -1: there are none */
	const char *honey;              /* lines of a policy, "" without decoys */
	struct host host;
	const char *monitor_socket;
	struct arena arena;
};
#define SERVE_CLASSES_NONE ((struct serve_classes){ .honey_fd = -1 })
void serve_classes_done(struct serve_classes *classes);

struct serve_wishes {
	uint32_t warm;                  /* boxes to keep parked of each kind that starts in milliseconds */
	bool hostile_container;         /* strangers' native code may run in a bare container, the operator says */
	const struct config *config;    /* limits, ceilings and runtimes; borrowed */
};

/* Plans every runtime on every boundary; what cannot be had here is a class that says why.
 *
 * Errors: ward-step is missing; ERR_SYSTEM */
MUST_USE int serve_classes_make(struct serve_classes *classes, const struct serve_wishes *wishes, struct err *e);

/* As struct launcher_setup's plan(); `at` is the classes. */
MUST_USE int serve_classes_plan(void *at, uint32_t class_index, const struct order_limits *limits,
				struct launch_plan *out, struct err *e);

/* As its lends(). */
bool serve_classes_lends(void *at, uint32_t class_index);
