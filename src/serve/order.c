/* The shape of orders. Refuses whatever is not exactly one of them. */
#include "serve/order.h"

#include <stdio.h>
#include <string.h>

#include "serve/refusals.h"
#include "serve/series.h"

#define BIT(kind) (1u << (kind))

static bool is_kind(const void *packet, size_t len, size_t size, unsigned kinds)
{
	uint32_t head[2];

	if (len != size)
		return false;
	memcpy(head, packet, sizeof(head));
	return head[0] == ORDER_MAGIC && head[1] < ORDER_KINDS && (BIT(head[1]) & kinds);
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

bool order_is_sound(const void *packet, size_t len)
{
	const struct order *const order = packet;

	return is_kind(packet, len, sizeof(*order), BIT(ORDER_START) | BIT(ORDER_END) | BIT(ORDER_ZYGOTE) | BIT(ORDER_HERALD) |
		       BIT(ORDER_READY)) &&
	       !order->zero && order->class_index < ORDER_CLASSES_MAX;
}

bool order_is_within(const struct order *order, const struct order_class *class)
{
	const struct order_limits *const limits = &order->limits;

	return limits->memory_bytes <= class->memory_max_bytes && limits->pids <= class->pids_max &&
	       limits->disk_bytes <= class->disk_max_bytes && limits->inodes <= ORDER_INODES_MAX &&
	       limits->cpus_milli <= class->cpus_max_milli && limits->terminals <= 1 &&
	       order->wall_ms <= class->wall_max_ms && order->cpu_ms <= class->cpu_max_ms;
}

bool order_class_is_sound(const void *packet, size_t len)
{
	const struct order_class *const class = packet;

	return is_kind(packet, len, sizeof(*class), BIT(ORDER_CLASS)) && class->index < ORDER_CLASSES_MAX &&
	       class->park < ORDER_PARKS && ends(class->runtime, sizeof(class->runtime)) &&
	       ends(class->version, sizeof(class->version)) && ends(class->boundary, sizeof(class->boundary)) &&
	       ends(class->image, sizeof(class->image)) &&
	       ends(class->main, sizeof(class->main)) && ends(class->build, sizeof(class->build)) &&
	       ends(class->run, sizeof(class->run)) && ends(class->why, sizeof(class->why)) &&
	       class->warm <= ORDER_BOXES_MAX;
}

bool order_word_is_sound(const void *packet, size_t len)
{
	const struct order_word *const word = packet;

	return is_kind(packet, len, sizeof(*word), BIT(ORDER_SETTLE) | BIT(ORDER_CLAIM) | BIT(ORDER_KILL) | BIT(ORDER_SIGNAL)) &&
	       (word->kind != ORDER_SIGNAL || (word->n > 0 && word->n < 32));
}

bool order_report_is_sound(const void *packet, size_t len)
{
	const struct order_report *const report = packet;

	return is_kind(packet, len, sizeof(*report), BIT(ORDER_PARKED) | BIT(ORDER_FAILED) | BIT(ORDER_ENDED)) &&
	       report->verdict < VERDICTS && report->n_refused <= ORDER_REFUSED_MAX && report->signal >= 0 &&
	       report->signal < 65 && report->exit_code >= -1 && report->exit_code <= 255 &&
	       ends(report->err.text, sizeof(report->err.text)) && report->err.kind < ERR_KINDS;
}

bool order_refusals_are_sound(const void *packet, size_t len)
{
	const struct order_refusals *const refusals = packet;

	return is_kind(packet, len, sizeof(*refusals), BIT(ORDER_REFUSED)) && refusals->tally.n <= TALLY_CALLS &&
	       !refusals->tally.zero;
}

bool order_sample_is_sound(const void *packet, size_t len)
{
	const struct order_sample *const sample = packet;

	return is_kind(packet, len, sizeof(*sample), BIT(ORDER_SAMPLE)) && !sample->zero &&
	       !(sample->have & ~(uint32_t)(SERIES_CPU | SERIES_MEMORY | SERIES_PIDS));
}

void order_class_name(const struct order_class *class, char out[ORDER_CLASS_NAME])
{
	snprintf(out, ORDER_CLASS_NAME, "%.31s/%.15s", class->runtime, class->boundary);
}

bool slot_may_move(enum slot_state from, enum slot_state to)
{
	static const uint8_t next[SLOT_STATES] = {
		[SLOT_NONE] = BIT(SLOT_BUILDING),
		[SLOT_BUILDING] = BIT(SLOT_PARKED) | BIT(SLOT_ENDING) | BIT(SLOT_GONE),
		[SLOT_PARKED] = BIT(SLOT_CLAIMED) | BIT(SLOT_ENDING) | BIT(SLOT_GONE),
		[SLOT_CLAIMED] = BIT(SLOT_ENDING) | BIT(SLOT_GONE),
		[SLOT_ENDING] = BIT(SLOT_GONE),
	};

	return from < SLOT_STATES && to < SLOT_STATES && (next[from] & BIT(to));
}
