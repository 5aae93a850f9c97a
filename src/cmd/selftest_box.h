/* One selftest in flight, and the boxes it asks. */
#pragma once

#include <stdbool.h>

#include "cmd/markers.h"
#include "judge/guest.h"
#include "judge/selftest.h"
#include "model/host.h"

struct selftest {
	struct policy policy;
	const char *source, *socket;
	struct host host;
	struct markers markers;
	struct arena arena;
	bool *selected;  /* of each attempt */
	uint64_t cpu_ms; /* the policy's own limit: only rows about it get it */
	bool is_process; /* no mounts: no scratch space, no terminal */
	struct selftest_report report;
	/* Of a boundary with an engine; kind NULL: it has none. */
	const struct guest_kind *kind;
	const char *engine, *in_its_place, *guest; /* paths: the engine, ward-escaped, the guest's file */
	struct guest_scene scene;
	struct policy of_engine; /* what the engine's process may do; borrows from policy */
};

struct selftest_asked {
	const char *const *only; /* "only=ID" */
	size_t n;
	bool pty;
	enum layer without; /* a layer, GUARD_SEAL, GUARD_GVISOR, or LAYERS: nothing */
};

/* The policy under test plus the probe itself. Time and output are not what most rows are about. */
MUST_USE int selftest_prepare_policy(struct selftest *self, struct err *e);

/* The scratch space that attempts use; NULL: the policy grants none. */
const struct grant *selftest_scratch(const struct policy *policy);

/* One box with that command line; its records go into the pass. */
MUST_USE int selftest_launch(struct selftest *self, struct selftest_pass *pass, const char *const *argv,
			     const struct selftest_asked *asked, struct result *result, struct err *e);

/* One box of ward-probe, or of what stands in the engine's place. */
MUST_USE int selftest_ask_box(struct selftest *self, struct selftest_pass *pass, const struct selftest_asked *asked,
			      struct result *result, struct err *e);

/* A box that was set up and in which the probe began? */
MUST_USE int selftest_check_ran(const struct result *result, struct err *e);

/* Every selected attempt once, in the box without that layer.
 *
 * without  LAYERS: the whole box
 * result   of the last box */
MUST_USE int selftest_pass_make(struct selftest *self, struct selftest_pass *pass, enum layer without,
				struct result *result, struct err *e);
