/* A service by hand: two classes, of which one is missing, and a box with the layers a test gives it. Include it behind
 * cmocka.h. */
#pragma once

#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "explain/explain.h"

#define SAMPLE_LAYERS (LAYER_BIT(LAYER_USERNS) | LAYER_BIT(LAYER_MOUNTNS) | LAYER_BIT(LAYER_NETNS) | LAYER_BIT(LAYER_SECCOMP))

struct explain_sample {
	struct explain explain;
	struct explain_box boxes[1];
	struct order_class classes[2];
	struct config config;
	struct host host;
	uint64_t layers;
};

static inline void explain_sample_init(struct explain_sample *sample)
{
	*sample = (struct explain_sample){ .layers = SAMPLE_LAYERS };
	sample->host = (struct host){ .kernel = 0x060100, .landlock_abi = 4, .smt = true };
	sample->classes[0] = (struct order_class){ .runtime = "bash", .boundary = "container", .warm = 2, .wall_ms = 1000 };
	sample->classes[1] = (struct order_class){ .runtime = "bash", .boundary = "gvisor", .why = "runsc is missing <here>; install it" };
	sample->explain = (struct explain){
		.version = "ward 0", .listen = "127.0.0.1:1", .state = "/state", .config = &sample->config, .host = &sample->host,
		.classes = sample->classes, .n_classes = 2, .boxes = sample->boxes, .n_boxes = 1, .connections = 7, .boxes_max = 3,
		.has_decoys = true, .is_root = true,
	};
	for (size_t i = 0; i < PARTS; i++)
		sample->explain.processes[i] = (struct explain_process){ .runs_as = "uid 1", .rights = "none", .files = "none" };
	sample->explain.processes[PART_HERALD].is_absent = true;
}

/* Once the test has set what it wants. */
static inline void explain_sample_conclude(struct explain_sample *sample)
{
	static const struct sock_filter deny[] = { { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | 1 } };
	struct explain_box *const box = &sample->boxes[0];

	*box = (struct explain_box){
		.boundary = BOUNDARY_CONTAINER, .runtimes = "bash", .layers = sample->layers, .first = &sample->classes[0],
		.subject = SUBJECT_NONE, .reach = { PLACE_NONE, SURFACE_NONE },
	};
	box->subject.name = box->reach.place.name = box->reach.place.boundary = "container";
	box->reach.place.is_ward = true;
	box->reach.place.holds = sample->layers | (sample->layers & LAYER_BIT(LAYER_NETNS) ? PLACE_OFFLINE : 0);
	subject_add_filter(&box->subject, "deny", deny, 1);
	explain_conclude(&sample->explain);
}

static inline void explain_sample_done(struct explain_sample *sample)
{
	explain_done(&sample->explain);
}
