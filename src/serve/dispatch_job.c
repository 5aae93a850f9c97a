/* Leases: claimed, held, finished or given back. Refuses to write for a job that is not its own any more. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "serve/attempt_guest.h"
#include "serve/dispatch_parts.h"
#include "store/crash.h"

struct attempt *job_find(const struct dispatch *d, const struct store_id *id)
{
	for (size_t i = 0; i < d->n_attempts; i++)
		if (memcmp(&d->attempts[i]->hold.id, id, sizeof(*id)) == 0 && !d->attempts[i]->is_fenced)
			return d->attempts[i];
	return NULL;
}

/* What a callback of the store is about: the attempt may have gone meanwhile, the scheduler may not. */
struct asked {
	struct dispatch *d;
	struct store_hold hold;
};

static struct asked *ask(struct dispatch *d, const struct attempt *attempt)
{
	struct asked *const asked = mem_alloc(sizeof(*asked));

	*asked = (struct asked){ d, attempt->hold };
	return asked;
}

static struct attempt *find_held(const struct dispatch *d, const struct store_hold *hold)
{
	for (size_t i = 0; i < d->n_attempts; i++) {
		struct attempt *const attempt = d->attempts[i];

		if (attempt->hold.fence == hold->fence && memcmp(&attempt->hold.id, &hold->id, sizeof(hold->id)) == 0)
			return attempt;
	}
	return NULL;
}

static void tell(struct dispatch *d, const struct attempt *attempt, enum live kind, uint64_t n)
{
	struct live_source source = { d, &attempt->hold.id };

	live_tell(&source, kind, NULL, 0, n);
}

/* What it kept is nobody's: its outputs, and all where there is no such job, as of one that began before a commit that
 * failed. */
static void forget_fenced(struct dispatch *d, struct attempt *attempt)
{
	OWN(arena) arena = { .blocks = NULL };
	struct store_job job;
	struct err ignored;

	attempt_forget_outputs(attempt);
	if (store_job_get(d->setup.store, attempt->hold.tenant, &attempt->hold.id, &arena, &job, &ignored) == 0)
		attempt_forget(attempt);
}

static void drop(struct dispatch *d, struct attempt *attempt)
{
	size_t i = 0;

	while (d->attempts[i] != attempt)
		i++;
	d->attempts[i] = d->attempts[--d->n_attempts];
	tell(d, attempt, LIVE_END, 0);
	attempt_free(attempt);
	d->wants_claim = true;
}

static void drop_fenced(struct dispatch *d, struct attempt *attempt)
{
	forget_fenced(d, attempt);
	drop(d, attempt);
}

/* Somebody else has it: its box ends, and nothing is written. */
static void fence(struct dispatch *d, struct attempt *attempt)
{
	attempt->is_fenced = true;
	stats_count(d->setup.stats, STAT_FENCED, 1);
	if (attempt->slot)
		box_kill(d, attempt->slot);
	else if (!attempt->is_finishing)
		drop(d, attempt);
}

static void moved(void *at, const struct store_answer *answer)
{
	OWN_MEM struct asked *asked = at;
	struct attempt *const attempt = find_held(asked->d, &asked->hold);

	if (attempt && answer->err.kind == ERR_NONE && answer->outcome == STORE_FENCED)
		fence(asked->d, attempt);
}

/* Most jobs end within milliseconds: then one operation says that it ran and how it ended. */
void job_started(struct dispatch *d, struct attempt *attempt)
{
	attempt->started_ms = loop_wall_ms();
	attempt->say_started_us = loop_now_us() + SAY_STARTED_US;
	if (!d->say_started_us)
		d->say_started_us = attempt->say_started_us;
	tell(d, attempt, LIVE_STATE, JOB_RUNNING);
}

void job_say_started(struct dispatch *d, struct attempt *attempt)
{
	if (!attempt->say_started_us || attempt->is_finishing)
		return; /* it was said, or is said with the end */
	attempt->say_started_us = 0;
	store_job_move(d->setup.store, &attempt->hold, JOB_RUNNING, moved, ask(d, attempt));
}

/* All that are due, and when the next one is. */
static void say_all_started(struct dispatch *d, uint64_t now)
{
	if (!d->say_started_us || now < d->say_started_us)
		return;
	d->say_started_us = 0;
	for (size_t i = 0; i < d->n_attempts; i++) {
		struct attempt *const attempt = d->attempts[i];

		if (attempt->say_started_us && now >= attempt->say_started_us)
			job_say_started(d, attempt);
		else if (attempt->say_started_us && (!d->say_started_us || attempt->say_started_us < d->say_started_us))
			d->say_started_us = attempt->say_started_us;
	}
}

/* DONE and REPLAYED: it is recorded. FENCED: it is another's. An error: the disk may be full; the result waits. */
static void finished(void *at, const struct store_answer *answer)
{
	OWN_MEM struct asked *asked = at;
	struct dispatch *const d = asked->d;
	struct attempt *const attempt = find_held(d, &asked->hold);

	crash_at(CRASH_DISPATCH_FINISHED);
	if (!attempt)
		return;
	if (answer->err.kind != ERR_NONE) {
		attempt->again_us = loop_now_us() + FINISH_AGAIN_US;
		return;
	}
	if (answer->outcome == STORE_FENCED)
		drop_fenced(d, attempt);
	else
		drop(d, attempt);
}

static void reject(struct dispatch *d, const struct store_hold *hold, const char *why)
{
	OWN(json) json = JSON_NONE;
	struct store_finish finish = { .state = JOB_REJECTED, .reason = REASON_SETUP, .exit_code = -1 };

	json_put_object(&json, NULL);
	json_put_text(&json, "state", job_state_name(JOB_REJECTED));
	json_put_text(&json, "detail", why);
	json_put_end(&json);
	finish.document = (struct store_bytes){ json_written(&json), json.out.len };
	store_job_finish(d->setup.store, hold, &finish, NULL, NULL);
}

static void finish(struct dispatch *d, struct attempt *attempt)
{
	OWN(json) json = JSON_NONE;
	struct store_artifact artifacts[ATTEMPT_ARTIFACTS];
	struct store_finish finish;

	crash_at(CRASH_DISPATCH_KEPT);
	attempt_judge(attempt, d->setup.node, &finish, &json);
	for (size_t i = 0; i < attempt->n_artifacts; i++)
		artifacts[i] = (struct store_artifact){
			attempt->artifacts[i].name, attempt->artifacts[i].digest, attempt->artifacts[i].file,
			attempt->artifacts[i].bytes,
		};
	finish.document = (struct store_bytes){ json_written(&json), json.out.len };
	for (size_t i = 0; i < 2; i++)
		finish.small[i] = spool_small(&attempt->written[i].spool);
	finish.small[STORE_MIX] = spool_small(&attempt->mix.spool);
	finish.kept_bytes = attempt->written[0].spool.kept + attempt->written[1].spool.kept + attempt->mix.spool.kept;
	finish.started_ms = attempt->say_started_us ? attempt->started_ms : 0;
	finish.artifacts = artifacts;
	finish.n_artifacts = attempt->n_artifacts;
	store_job_finish(d->setup.store, &attempt->hold, &finish, finished, ask(d, attempt));
	crash_at(CRASH_DISPATCH_FINISH);
	tell(d, attempt, LIVE_STATE, finish.state);
}

/* Nothing is known of the job that another attempt would not tell better. */
static void give_back(struct dispatch *d, struct attempt *attempt)
{
	attempt_forget(attempt);
	store_job_requeue(d->setup.store, &attempt->hold, REASON_SETUP, attempt->why, attempt->is_untried, finished,
			  ask(d, attempt));
}

static void begin_give_back(struct dispatch *d, struct attempt *attempt, const char *why, bool is_untried)
{
	snprintf(attempt->why, sizeof(attempt->why), "%s", why);
	attempt->is_finishing = attempt->is_given_back = true;
	attempt->is_untried = is_untried;
	give_back(d, attempt);
}

/* Why this attempt says nothing about the job; NULL when it does. */
static const char *infra_fault(const struct attempt *attempt)
{
	const struct slot *const slot = attempt->slot;

	if (attempt->broken.kind != ERR_NONE)
		return attempt->broken.text;
	if (attempt->is_overdue)
		return NULL;
	if (!slot->has_report)
		return "the runner of its box ended";
	if (slot->report.kind == ORDER_FAILED || slot->report.verdict == VERDICT_INTERNAL ||
	    slot->report.verdict == VERDICT_SETUP)
		return *slot->report.err.text ? slot->report.err.text : "its box could not be started";
	/* A job can kill ward-step, but not have it give up before it has said that a program of the job runs. */
	if (!slot->is_guest && slot->report.exit_code == STEP_BROKEN && !attempt->n_started && !attempt->has_fault)
		return "the interpreter that waited for it was gone";
	return NULL;
}

static void count(struct dispatch *d, const struct attempt *attempt)
{
	const struct order_report *const report = &attempt->report;

	stats_observe(d->setup.stats, STAT_HIST_RUN, report->wall_us);
	stats_denied(d->setup.stats, attempt->hold.tenant, report->refused_total, loop_now_us());
	for (size_t i = 0; i < 2; i++)
		stats_count(d->setup.stats, STAT_OUTPUT_TRUNCATED, attempt_written(attempt, i) > attempt->written[i].spool.kept);
}

/* What the result is made of outlives the box. */
static void take_report(struct attempt *attempt)
{
	struct slot *const slot = attempt->slot;

	attempt->report = slot->report;
	if (!slot->has_report)
		attempt->report.exit_code = -1;
	attempt->layers = slot->parked.layers | slot->report.layers;
	attempt->series = TAKE_PTR(slot->series);
	attempt->was_broken = slot->is_broken;
	attempt->was_cold = slot->is_cold;
	if (slot->is_guest && slot->has_report) {
		attempt->report.wall_us = loop_now_us() - slot->claimed_us;
		attempt_end_guest(attempt);
	}
}

/* What its files had to say is known. */
static void conclude_kept(struct dispatch *d, struct attempt *attempt, const struct err *fault)
{
	attempt->is_keeping = false;
	if (attempt->is_fenced)
		drop_fenced(d, attempt);
	else if (fault->kind != ERR_NONE && !attempt->is_cancelled && !attempt->is_suspect)
		begin_give_back(d, attempt, fault->text, false);
	else
		finish(d, attempt);
}

void job_synced(struct dispatch *d)
{
	struct store_hold hold;
	int fault;

	while (syncer_next(d->syncer, &hold, &fault)) {
		struct attempt *const attempt = find_held(d, &hold);

		if (!attempt)
			continue;
		attempt->n_syncs--;
		if (fault && attempt->broken.kind == ERR_NONE) {
			errno = fault;
			err_sys(&attempt->broken, "bring what the job wrote to the disk");
		}
		if (attempt->is_keeping && !attempt->n_syncs)
			conclude_kept(d, attempt, &attempt->broken);
	}
}

void job_conclude(struct dispatch *d, struct attempt *attempt)
{
	const char *const why = infra_fault(attempt);
	struct err e = ERR_INIT;

	crash_at(CRASH_DISPATCH_REPORT);
	attempt->is_finishing = d->wants_claim = true;
	attempt->give_up_at_us = 0;
	take_report(attempt);
	if (attempt->slot->claimed_us)
		count(d, attempt);
	alert_ended(d, attempt);
	attempt->slot = NULL;
	if (attempt->is_fenced) {
		drop_fenced(d, attempt);
		return;
	}
	if (why && !attempt->is_cancelled && !attempt->is_suspect)
		begin_give_back(d, attempt, why, false);
	else if (attempt_keep(attempt, &e) < 0 || !attempt->n_syncs)
		conclude_kept(d, attempt, &e);
	else
		attempt->is_keeping = true;
}

void job_cancel(struct dispatch *d, struct attempt *attempt)
{
	if (attempt->is_cancelled || attempt->is_finishing)
		return;
	attempt->is_cancelled = true;
	if (attempt->slot && attempt->slot->state == SLOT_CLAIMED) {
		slot_say(attempt->slot, ORDER_SIGNAL, 15, 0);
		attempt->slot->due_us = loop_now_us() + CANCEL_GRACE_US;
	} else if (attempt->slot) {
		box_kill(d, attempt->slot);
	} else {
		begin_give_back(d, attempt, "cancelled before it had a box", true);
	}
}

static const struct order_class *find_class(const struct dispatch *d, const char *name)
{
	for (size_t i = 0; i < d->n_classes; i++)
		if (strcmp(d->names[i], name) == 0)
			return &d->classes[i];
	return NULL;
}

static void take_lease(struct dispatch *d, const struct store_lease *lease)
{
	const struct order_class *const class = find_class(d, lease->class);
	struct attempt *attempt;
	struct err e = ERR_INIT;

	crash_at(CRASH_DISPATCH_CLAIMED);
	if (!class || *class->why) {
		reject(d, &lease->hold, class ? class->why : "this service has no such runtime and boundary now");
		return;
	}
	if (attempt_new(lease, class, d->setup.store, d->products, d->syncer, d->setup.state_fd, &attempt, &e) < 0) {
		reject(d, &lease->hold, e.text);
		return;
	}
	d->attempts[d->n_attempts++] = attempt;
	stats_observe(d->setup.stats, STAT_HIST_QUEUE, attempt->queue_us);
	stats_count(d->setup.stats, STAT_COMPILE_HITS, attempt->product.is_cached);
	stats_count(d->setup.stats, STAT_COMPILE_MISSES, attempt->product.is_wanted);
	/* Without a box it waits: the next one that goes makes room. */
	(void)box_find(d, attempt);
}

static void claimed(void *at, const struct store_answer *answer)
{
	struct dispatch *const d = at;

	d->n_claims--;
	for (size_t i = 0; i < answer->n_leases && answer->err.kind == ERR_NONE; i++)
		take_lease(d, &answer->leases[i]);
	d->wants_claim |= answer->err.kind == ERR_NONE;
}

/* One whose result is on its way has no box any more. Of those that cannot be written there are not more than boxes. */
static size_t find_room(const struct dispatch *d)
{
	const size_t left = d->boxes_max - d->n_attempts;
	size_t busy = 0;

	for (size_t i = 0; i < d->n_attempts; i++)
		busy += !d->attempts[i]->is_finishing;
	if (busy >= d->run_max)
		return 0;
	return d->run_max - busy < left ? d->run_max - busy : left;
}

void job_claim(struct dispatch *d)
{
	struct store_room rooms[ORDER_CLASSES_MAX];
	size_t room, n = 0;

	if (!d->wants_claim || d->is_draining || d->n_claims)
		return;
	room = find_room(d);
	if (!room)
		return;
	d->wants_claim = false;
	for (size_t i = 0; i < d->n_classes; i++)
		if (!*d->classes[i].why)
			rooms[n++] = (struct store_room){ d->names[i], room };
	if (!n)
		return;
	d->n_claims++;
	store_job_claim(d->setup.store, rooms, n, room, true, claimed, d);
}

static void fence_all(struct dispatch *d)
{
	for (size_t i = d->n_attempts; i-- > 0;)
		fence(d, d->attempts[i]);
}

static void beaten(void *at, const struct store_answer *answer)
{
	struct dispatch *const d = at;

	d->is_beating = false;
	if (answer->err.kind != ERR_NONE)
		return;
	d->beat_ok_us = loop_now_us();
	for (size_t i = 0; i < answer->n_items; i++) {
		struct attempt *const attempt = job_find(d, &answer->items[i].id);

		if (attempt && answer->items[i].outcome == STORE_FENCED)
			fence(d, attempt);
		else if (attempt && answer->items[i].state == JOB_CANCELLED)
			job_cancel(d, attempt);
	}
}

void job_beat(struct dispatch *d)
{
	struct store_hold holds[ORDER_BOXES_MAX];

	d->beat_at_us = loop_now_us() + BEAT_US;
	if (!d->n_attempts) {
		d->beat_ok_us = loop_now_us();
		return;
	}
	if (d->is_beating)
		return;
	for (size_t i = 0; i < d->n_attempts; i++)
		holds[i] = d->attempts[i]->hold;
	d->is_beating = true;
	store_job_beat(d->setup.store, holds, d->n_attempts, beaten, d);
}

static void tell_again(struct dispatch *d, struct attempt *attempt)
{
	attempt->again_us = 0;
	if (attempt->is_given_back)
		give_back(d, attempt);
	else
		finish(d, attempt);
}

void job_look_at_clocks(struct dispatch *d, uint64_t now)
{
	if (now >= d->beat_at_us)
		job_beat(d);
	say_all_started(d, now);
	/* Its leases end soon and it cannot hold them: nobody else may find its boxes alive. */
	if (d->n_attempts && now - d->beat_ok_us > SELF_FENCE_US)
		fence_all(d);
	for (size_t i = d->n_attempts; i-- > 0;) {
		struct attempt *const attempt = d->attempts[i];

		if (!attempt->slot && !attempt->is_finishing)
			(void)box_find(d, attempt);
		if (attempt->again_us && now >= attempt->again_us)
			tell_again(d, attempt);
	}
}
