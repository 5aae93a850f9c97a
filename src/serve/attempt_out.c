/* What comes out of a box: two streams and declared files, each kept for itself, hashed on the way. No path of
 * a box is a path here: a file has an id of ours, and the box's name for it is data. */
#include "serve/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/fd.h"
#include "serve/attempt_product.h"
#include "serve/place.h"
#include "serve/syncer.h"
#include "store/crash.h"

static int open_place(const struct attempt *attempt, enum place place, const struct store_id *id)
{
	char path[PLACE_MAX];

	place_name(place, id, path);
	return openat(attempt->state_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* Of a disk that is full the attempt breaks: its output would be less than it says. */
static void break_attempt(struct attempt *attempt, struct err *e)
{
	err_add(e, "keep what the job wrote");
	attempt->broken = *e;
}

static void take_stream(struct attempt *attempt, const struct frame *frame, dispatch_live *tell, void *at)
{
	const bool is_err = frame->head.kind == FRAME_STDERR;
	struct written *const written = &attempt->written[is_err];
	const uint64_t before = written->spool.kept, room = written->cap - before;
	const size_t n = frame->head.len < room ? frame->head.len : (size_t)room;
	struct err e = ERR_INIT;

	written->seen += frame->head.len;
	if (!n || attempt->broken.kind != ERR_NONE)
		return;
	if (mix_add(&attempt->mix, is_err, n, attempt->state_fd, &attempt->hold.id, &e) < 0 ||
	    spool_add(&written->spool, attempt->state_fd, &attempt->hold.id, frame->bytes, n, &e) < 0) {
		break_attempt(attempt, &e);
		return;
	}
	crash_at(CRASH_DISPATCH_OUTPUT);
	sha256_add(&written->hash, frame->bytes, n);
	tell(at, is_err ? LIVE_STDERR : LIVE_STDOUT, frame->bytes, n, before);
}

/* Takes the file away: closed when it lies on the disk, here or behind another thread's back. */
static int keep_file(struct attempt *attempt, int *fd, struct err *e)
{
	int status = 0;

	if (*fd < 0)
		return 0;
	if (attempt->syncer && syncer_add(attempt->syncer, *fd, &attempt->hold)) {
		attempt->n_syncs++;
		*fd = -1;
		return 0;
	}
	if (fsync(*fd) < 0)
		status = err_sys(e, "sync a file");
	fd_close_at(fd);
	return status;
}

static void end_artifact(struct attempt *attempt)
{
	if (attempt->artifact_fd < 0)
		return;
	attempt->artifacts[attempt->n_artifacts - 1].digest = sha256_end(&attempt->artifact_hash);
	if (keep_file(attempt, &attempt->artifact_fd, &attempt->broken) < 0)
		err_add(&attempt->broken, "keep an output");
	crash_at(CRASH_DISPATCH_ARTIFACT);
}

static void leave_out(struct attempt *attempt, const char *name, size_t len, enum frame_left why)
{
	if (attempt->n_left_out < ATTEMPT_LEFT_OUT)
		attempt->left_out[attempt->n_left_out++] =
			(struct left_out){ arena_copy(&attempt->arena, name, len), why };
}

/* Names are shown to people and written into documents: clean, and relative. */
static bool is_name(const char *name, size_t len)
{
	return clean_is(name, len) && name[0] != '/';
}

static bool is_there(const struct attempt *attempt, const char *name, size_t len)
{
	for (size_t i = 0; i < attempt->n_artifacts; i++)
		if (strlen(attempt->artifacts[i].name) == len && memcmp(attempt->artifacts[i].name, name, len) == 0)
			return true;
	return false;
}

static void take_artifact(struct attempt *attempt, const struct frame *frame)
{
	struct kept *kept;

	end_artifact(attempt);
	if (is_there(attempt, frame->bytes, frame->head.len))
		return; /* two patterns named it */
	if (attempt->n_artifacts == ATTEMPT_ARTIFACTS || !is_name(frame->bytes, frame->head.len)) {
		leave_out(attempt, frame->bytes, frame->head.len,
			  attempt->n_artifacts == ATTEMPT_ARTIFACTS ? FRAME_LEFT_COUNT : FRAME_LEFT_NAME);
		return;
	}
	kept = &attempt->artifacts[attempt->n_artifacts];
	*kept = (struct kept){ .name = arena_copy(&attempt->arena, frame->bytes, frame->head.len), .file = store_id_new() };
	attempt->artifact_fd = open_place(attempt, PLACE_BLOB, &kept->file);
	if (attempt->artifact_fd < 0) {
		err_sys(&attempt->broken, "keep an output");
		return;
	}
	attempt->n_artifacts++;
	sha256_init(&attempt->artifact_hash);
}

/* The step bounds what it sends; this bounds what is believed of it. */
static void take_data(struct attempt *attempt, const struct frame *frame)
{
	struct kept *const kept = &attempt->artifacts[attempt->n_artifacts - 1];
	struct err e = ERR_INIT;

	if (attempt->artifact_fd < 0)
		return;
	if (frame->head.len > attempt->artifact_budget) {
		attempt->slot->is_broken = true;
		return;
	}
	attempt->artifact_budget -= frame->head.len;
	if (fd_write_all(attempt->artifact_fd, frame->bytes, frame->head.len, &e) < 0) {
		break_attempt(attempt, &e);
		return;
	}
	sha256_add(&attempt->artifact_hash, frame->bytes, frame->head.len);
	kept->bytes += frame->head.len;
}

static void take_fault(struct attempt *attempt, const struct frame *frame)
{
	attempt->has_fault = true;
	attempt->fault_is_room = frame->head.flag;
	snprintf(attempt->fault, sizeof(attempt->fault), "%.*s", (int)frame->head.len, frame->bytes);
}

void attempt_take(struct attempt *attempt, const struct frame *frame, dispatch_live *tell, void *at)
{
	if (attempt->product.is_coming && frame->head.kind != FRAME_DATA)
		attempt_end_product(attempt);
	switch (frame->head.kind) {
	case FRAME_STDOUT:
	case FRAME_STDERR:
		take_stream(attempt, frame, tell, at);
		break;
	case FRAME_STARTED:
		attempt->n_started++;
		break;
	case FRAME_ENDED:
		memcpy(&attempt->ended[attempt->n_ended++], frame->bytes, sizeof(struct frame_ended));
		break;
	case FRAME_ARTIFACT:
		take_artifact(attempt, frame);
		break;
	case FRAME_PRODUCT:
		attempt_take_product(attempt, frame);
		break;
	case FRAME_DATA:
		if (attempt->product.is_coming)
			attempt_take_product_data(attempt, frame);
		else
			take_data(attempt, frame);
		break;
	case FRAME_LEFT_OUT:
		end_artifact(attempt);
		if (is_name(frame->bytes, frame->head.len))
			leave_out(attempt, frame->bytes, frame->head.len, frame->head.flag);
		break;
	case FRAME_DONE:
		end_artifact(attempt);
		attempt->is_done = true;
		break;
	case FRAME_FAULT:
		end_artifact(attempt);
		take_fault(attempt, frame);
		break;
	}
}

int attempt_keep(struct attempt *attempt, struct err *e)
{
	end_artifact(attempt);
	for (size_t i = 0; i < 2; i++)
		if (keep_file(attempt, &attempt->written[i].spool.fd, e) < 0)
			return err_add(e, "keep what the job wrote");
	if (keep_file(attempt, &attempt->mix.spool.fd, e) < 0)
		return err_add(e, "keep the order of what the job wrote");
	if (attempt->broken.kind == ERR_NONE)
		return 0;
	*e = attempt->broken;
	return -1;
}

void attempt_forget_outputs(struct attempt *attempt)
{
	char path[PLACE_MAX];

	fd_close_at(&attempt->artifact_fd);
	for (size_t i = 0; i < attempt->n_artifacts; i++) {
		place_name(PLACE_BLOB, &attempt->artifacts[i].file, path);
		unlinkat(attempt->state_fd, path, 0);
	}
	attempt->n_artifacts = 0;
}

void attempt_forget(struct attempt *attempt)
{
	attempt_forget_outputs(attempt);
	for (size_t i = 0; i < 2; i++)
		spool_forget(&attempt->written[i].spool, attempt->state_fd, &attempt->hold.id);
	spool_forget(&attempt->mix.spool, attempt->state_fd, &attempt->hold.id);
}
