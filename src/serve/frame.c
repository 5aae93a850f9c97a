/* Frames: what one may look like, and which may follow which. Refuses everything else: whoever is at the other
 * end has broken the protocol and is given up. */
#include "serve/frame.h"

#include <assert.h>
#include <string.h>

#define HEAD sizeof(struct frame_head)

/* Of each kind: who sends it, flags it may carry (or how many values), and its length. */
static const struct {
	bool in, out;
	uint8_t max_flag;
	uint32_t least, most;
} rows[FRAME_KINDS] = {
	[FRAME_ENV] = { true, false, 0, 2, FRAME_MAX },
	[FRAME_FILE] = { true, false, FRAME_EXECUTABLE, 1, 255 },
	[FRAME_STEP] = { true, false, FRAME_PARKED | FRAME_FEED | FRAME_TTY, 2, FRAME_MAX },
	[FRAME_OUTPUT] = { true, false, 0, sizeof(struct frame_output) + 1, sizeof(struct frame_output) + 255 },
	[FRAME_GO] = { true, false, 0, sizeof(struct frame_go), sizeof(struct frame_go) },
	[FRAME_STDIN] = { true, false, 0, 1, FRAME_MAX },
	[FRAME_STDIN_END] = { true, false, 0, 0, 0 },
	[FRAME_RESIZE] = { true, false, 0, sizeof(struct frame_resize), sizeof(struct frame_resize) },
	[FRAME_KEEP] = { true, false, 0, sizeof(struct frame_keep) + 1, sizeof(struct frame_keep) + 255 },
	[FRAME_DATA] = { true, true, 0, 1, FRAME_MAX },
	[FRAME_READY] = { false, true, 1, 0, 0 },
	[FRAME_STARTED] = { false, true, 0, sizeof(struct frame_started), sizeof(struct frame_started) },
	[FRAME_STDOUT] = { false, true, 0, 1, FRAME_MAX },
	[FRAME_STDERR] = { false, true, 0, 1, FRAME_MAX },
	[FRAME_ENDED] = { false, true, 0, sizeof(struct frame_ended), sizeof(struct frame_ended) },
	[FRAME_PRODUCT] = { false, true, FRAME_EXECUTABLE, 0, 0 },
	[FRAME_ARTIFACT] = { false, true, 0, 1, 255 },
	[FRAME_LEFT_OUT] = { false, true, FRAME_LEFTS - 1, 1, 255 },
	[FRAME_DONE] = { false, true, 0, 0, 0 },
	[FRAME_FAULT] = { false, true, 1, 1, 400 },
};

bool frame_head_is_sound(const struct frame_head *head)
{
	return head->kind > FRAME_NONE && head->kind < FRAME_KINDS && !head->zero &&
	       head->flag <= rows[head->kind].max_flag && head->len >= rows[head->kind].least &&
	       head->len <= rows[head->kind].most;
}

char *frame_space(struct frame_reader *reader, size_t *room)
{
	memmove(reader->bytes, reader->bytes + reader->taken, reader->n - reader->taken);
	reader->n -= reader->taken;
	reader->taken = 0;
	*room = sizeof(reader->bytes) - reader->n;
	return reader->bytes + reader->n;
}

void frame_filled(struct frame_reader *reader, size_t n)
{
	assert(n <= sizeof(reader->bytes) - reader->n);
	reader->n += n;
}

int frame_take(struct frame_reader *reader, struct frame *out)
{
	const size_t left = reader->n - reader->taken;
	struct frame_head head;

	if (left < HEAD)
		return 0;
	memcpy(&head, reader->bytes + reader->taken, HEAD);
	if (!frame_head_is_sound(&head))
		return -1;
	if (left - HEAD < head.len)
		return 0;
	*out = (struct frame){ head, reader->bytes + reader->taken + HEAD };
	reader->taken += HEAD + head.len;
	return 1;
}

size_t frame_put(char *at, enum frame_kind kind, unsigned flag, const void *bytes, size_t len)
{
	const struct frame_head head = { .kind = (uint8_t)kind, .flag = (uint8_t)flag, .len = (uint32_t)len };

	assert(frame_head_is_sound(&head));
	memcpy(at, &head, HEAD);
	if (len)
		memcpy(at + HEAD, bytes, len);
	return HEAD + len;
}

static bool holds_nul(const struct frame *frame, size_t from)
{
	return memchr(frame->bytes + from, '\0', frame->head.len - from) != NULL;
}

/* Words, each terminated; the first is not empty. */
static bool are_words(const struct frame *frame)
{
	return frame->bytes[0] && !frame->bytes[frame->head.len - 1];
}

static bool payload_is_sound(const struct frame *frame)
{
	struct frame_output output;
	struct frame_keep keep;

	switch (frame->head.kind) {
	case FRAME_ENV:
		return !holds_nul(frame, 0) && memchr(frame->bytes + 1, '=', frame->head.len - 1);
	case FRAME_FILE:
	case FRAME_ARTIFACT:
	case FRAME_LEFT_OUT:
	case FRAME_FAULT:
		return !holds_nul(frame, 0);
	case FRAME_STEP:
		return are_words(frame);
	case FRAME_OUTPUT:
		memcpy(&output, frame->bytes, sizeof(output));
		return !output.zero && !holds_nul(frame, sizeof(output));
	case FRAME_KEEP:
		memcpy(&keep, frame->bytes, sizeof(keep));
		return !keep.zero && !holds_nul(frame, sizeof(keep)) && !memchr(frame->bytes + sizeof(keep), '/', frame->head.len - sizeof(keep));
	default:
		return true;
	}
}

/* One direction as a table: in this phase this kind may come, and then it is that phase. */
struct follow {
	uint8_t phase, kind, next;
	bool opens;             /* DATA may come behind it */
};

static const struct follow *find(const struct follow *table, size_t n, enum frame_phase phase, unsigned kind)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].phase == phase && table[i].kind == kind)
			return &table[i];
	return NULL;
}

static bool follows(const struct follow *table, size_t n, struct frame_order *order, const struct frame *frame)
{
	const struct follow *row;

	if (!payload_is_sound(frame))
		return false;
	if (frame->head.kind == FRAME_DATA)
		return order->takes_data;
	row = find(table, n, order->phase, frame->head.kind);
	if (!row)
		return false;
	order->phase = row->next;
	order->takes_data = row->opens;
	return true;
}

bool frame_in_follows(struct frame_order *order, const struct frame *frame)
{
	static const struct follow table[] = {
		{ FRAME_AT_START, FRAME_ENV, FRAME_AT_START, false },
		{ FRAME_AT_START, FRAME_FILE, FRAME_AT_START, true },
		{ FRAME_AT_START, FRAME_STEP, FRAME_AT_START, true },
		{ FRAME_AT_START, FRAME_OUTPUT, FRAME_AT_START, false },
		{ FRAME_AT_START, FRAME_RESIZE, FRAME_AT_START, false },
		{ FRAME_AT_START, FRAME_KEEP, FRAME_AT_START, false },
		{ FRAME_AT_START, FRAME_GO, FRAME_AT_RUN, false },
		{ FRAME_AT_RUN, FRAME_STDIN, FRAME_AT_RUN, false },
		{ FRAME_AT_RUN, FRAME_RESIZE, FRAME_AT_RUN, false },
		{ FRAME_AT_RUN, FRAME_STDIN_END, FRAME_AT_END, false },
	};

	order->n_steps += frame->head.kind == FRAME_STEP;
	return order->n_steps <= FRAME_STEPS_MAX && (frame->head.kind != FRAME_GO || order->n_steps) &&
	       follows(table, sizeof(table) / sizeof(*table), order, frame);
}

/* STARTED and ENDED name the step they speak of: one after the other. */
static bool counts(struct frame_order *order, const struct frame *frame)
{
	uint32_t step;

	if (frame->head.kind != FRAME_STARTED && frame->head.kind != FRAME_ENDED)
		return true;
	memcpy(&step, frame->bytes, sizeof(step));
	order->n_started += frame->head.kind == FRAME_STARTED;
	return order->n_started <= order->n_steps && step + 1 == order->n_started;
}

bool frame_out_follows(struct frame_order *order, const struct frame *frame)
{
	static const struct follow table[] = {
		{ FRAME_AT_START, FRAME_READY, FRAME_AT_RUN, false },
		{ FRAME_AT_RUN, FRAME_STARTED, FRAME_AT_STEP, false },
		{ FRAME_AT_RUN, FRAME_PRODUCT, FRAME_AT_RUN, true },
		{ FRAME_AT_RUN, FRAME_ARTIFACT, FRAME_AT_OUTPUT, true },
		{ FRAME_AT_RUN, FRAME_LEFT_OUT, FRAME_AT_OUTPUT, false },
		{ FRAME_AT_RUN, FRAME_DONE, FRAME_AT_END, false },
		{ FRAME_AT_RUN, FRAME_FAULT, FRAME_AT_END, false },
		{ FRAME_AT_STEP, FRAME_STDOUT, FRAME_AT_STEP, false },
		{ FRAME_AT_STEP, FRAME_STDERR, FRAME_AT_STEP, false },
		{ FRAME_AT_STEP, FRAME_ENDED, FRAME_AT_RUN, false },
		{ FRAME_AT_STEP, FRAME_FAULT, FRAME_AT_END, false },
		{ FRAME_AT_OUTPUT, FRAME_ARTIFACT, FRAME_AT_OUTPUT, true },
		{ FRAME_AT_OUTPUT, FRAME_LEFT_OUT, FRAME_AT_OUTPUT, false },
		{ FRAME_AT_OUTPUT, FRAME_DONE, FRAME_AT_END, false },
		{ FRAME_AT_OUTPUT, FRAME_FAULT, FRAME_AT_END, false },
	};

	return follows(table, sizeof(table) / sizeof(*table), order, frame) && counts(order, frame);
}
