/* Between the front, the launcher and the runners: fixed structs, one a packet of a SOCK_SEQPACKET pair,
 * descriptors beside them. No byte of a tenant is in any of them: classes, numbers, digests.
 *
 *   launcher -> front   HELLO, then CLASS for each box class, once
 *   front -> launcher   START (descriptors: the box's stdin, its stdout, the runner's control channel) | END
 *                       ZYGOTE (descriptor: the channel below) for classes whose boxes take a guest a job
 *                       HERALD: the one there is does not answer, and is to be replaced
 *                       READY: it listens
 *   front -> zygote's runner   START (descriptors: the guest's end of its channel, the guest's control channel)
 *   zygote's runner -> front   PARKED when the zygote is warm | FAILED
 *   runner -> front     PARKED | FAILED, REFUSED and SAMPLE now and then, later ENDED  (on the runner's control channel)
 *   front -> runner     SETTLE when the box is ready, CLAIM once; KILL, SIGNAL
 *
 * The end of a control channel, either way, is the end of the box, or of the guest. The end of a zygote's, from the
 * front, is the end of its orders: it ends with its last guest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/result.h"

#define ORDER_MAGIC 0x31647277u         /* "wrd1" */
#define ORDER_CLASSES_MAX 64
#define ORDER_BOXES_MAX 512
#define ORDER_ZYGOTES_MAX 16            /* at once, those that end counted */
#define ORDER_NO_CLASS UINT32_MAX

enum order_kind {
	ORDER_HELLO, ORDER_CLASS,                               /* launcher to front */
	ORDER_START, ORDER_END, ORDER_ZYGOTE, ORDER_HERALD, ORDER_READY,        /* front to launcher, START to zygotes' runners as well */
	ORDER_SETTLE, ORDER_CLAIM, ORDER_KILL, ORDER_SIGNAL,    /* front to runner */
	ORDER_PARKED, ORDER_FAILED, ORDER_ENDED, ORDER_REFUSED, ORDER_SAMPLE,   /* runner to front */
	ORDER_KINDS
};

/* Limits as a plan has them; 0 in an order = the class's default. Wall and processor time are told at the
 * claim instead, so that any parked box serves. */
struct order_limits {
	uint64_t memory_bytes, pids, disk_bytes, inodes, cpus_milli;
	uint64_t terminals;             /* 1: programs in it may make some */
};

struct order_hello {
	uint32_t magic, kind, n_classes, boxes_max;
};

/* How a runtime's jobs are shown to the box. */
enum order_park { PARK_BARE, PARK_PYTHON, PARK_NODE, PARK_JS, PARK_WASM, ORDER_PARKS };

/* One way of running one runtime, planned by the launcher. */
struct order_class {
	uint32_t magic, kind, index, park;
	char runtime[32], version[32], boundary[16], image[80];  /* image: "host" or "sha256:..." */
	char main[64], build[160], run[160];    /* the operator's, "" = those of runtime.def */
	char why[240];                  /* "" = available; else cause and fix */
	struct order_limits limits;     /* the defaults */
	uint64_t wall_ms, cpu_ms;       /* defaults of a claim */
	uint64_t wall_max_ms, cpu_max_ms, memory_max_bytes, pids_max, disk_max_bytes, cpus_max_milli;
	uint32_t warm;                  /* boxes to keep parked */
	uint64_t guests_memory_bytes;   /* that guests of one zygote may have together; 0 = its jobs have boxes */
	uint32_t hostile_ok;            /* holds strangers' native code, or the operator says it may run it */
};

/* "python/container": what jobs, rows of the store and figures call a class. */
#define ORDER_CLASS_NAME 64
void order_class_name(const struct order_class *class, char out[ORDER_CLASS_NAME]);

struct order {
	uint32_t magic, kind;           /* START, END, ZYGOTE, HERALD or READY */
	uint32_t class_index, zero;
	uint64_t box;                   /* the front's number for it, never used twice */
	struct order_limits limits;
	uint64_t wall_ms, cpu_ms;       /* of a guest, whose clocks are set before its claim; 0 = the class's */
};
#define ORDER_INODES_MAX 1000000
/* Whether its limits are no wider than its class may have: the launcher's question, for a front may be broken into. */
bool order_is_within(const struct order *order, const struct order_class *class);
enum { ORDER_FD_IN, ORDER_FD_OUT, ORDER_FD_CONTROL, ORDER_FDS };
enum { ORDER_GUEST_FD_CHANNEL, ORDER_GUEST_FD_CONTROL, ORDER_GUEST_FDS };

struct order_word {
	uint32_t magic, kind;           /* CLAIM: n = wall_ms, m = cpu_ms, 0 = none; SIGNAL: n */
	uint64_t n, m, at_us;           /* at_us: CLOCK_MONOTONIC, when it was said */
};

#define ORDER_REFUSED_MAX 16
struct order_refused {
	uint32_t nr, sys;
	uint64_t count, args[6];
};
struct order_report {
	uint32_t magic, kind;
	int32_t exit_code, signal;      /* of the program in the box; -1 and 0 when it had none */
	uint32_t verdict;               /* enum verdict */
	uint32_t killed, n_refused;
	uint32_t have;                  /* USAGE_*: counters that were read */
	uint64_t setup_us, wall_us;     /* wall: since the claim */
	uint64_t cpu_us, user_us, system_us;    /* since the claim */
	uint64_t memory_peak_bytes, pids_peak, read_bytes, write_bytes, oom_kills, pids_refused;
	uint64_t layers, notes;
	uint64_t refused_total;
	struct order_refused refused[ORDER_REFUSED_MAX];
	struct err err;                 /* FAILED; and ENDED with a verdict that is ours */
};

/* Whether a packet is one of these: size, magic, kind, and every number within its range. */
bool order_is_sound(const void *packet, size_t len);
bool order_class_is_sound(const void *packet, size_t len);
bool order_word_is_sound(const void *packet, size_t len);
bool order_report_is_sound(const void *packet, size_t len);

/* The state of a box in the front's eyes: a one-way street, so that a box that has seen a byte of a tenant
 * can never be parked again. */
enum slot_state { SLOT_NONE, SLOT_BUILDING, SLOT_PARKED, SLOT_CLAIMED, SLOT_ENDING, SLOT_GONE, SLOT_STATES };
bool slot_may_move(enum slot_state from, enum slot_state to);
