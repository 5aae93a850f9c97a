/* From signals to what is done about them: kept, told, the box ended, the tenant suspended. What a job did before a
 * level was reached is evidence of it; what it does afterwards is counted at its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/dispatch_parts.h"

#define TITLE 240

/* An alert on its way into the store. */
struct telling {
	struct dispatch *d;
	struct store_alert alert;       /* without evidence */
	char title[TITLE];
};

static void kept(void *at, const struct store_answer *answer)
{
	OWN_MEM struct telling *telling = at;
	const struct dispatch_setup *const setup = &telling->d->setup;

	if (answer->err.kind == ERR_NONE && answer->outcome != STORE_DONE)
		return; /* the job was removed meanwhile, with all that is known of it */
	telling->alert.id = answer->err.kind == ERR_NONE ? answer->items[0].number : 0;
	telling->alert.title = telling->title;
	if (telling->alert.level && setup->raised)
		setup->raised(setup->at, &telling->alert);
}

/* What is put into one transaction, and the texts it points to. */
struct finding {
	struct store_found found;
	struct store_signal signals[SIGNALS];
	struct store_refusal refusals[ORDER_REFUSED_MAX];
	struct store_alert alert;
	struct json evidence[SIGNALS], all;
	char why[TITLE + 64];
};

static void put_signals(struct finding *finding, const struct detect *detect)
{
	struct json *const all = &finding->all;
	size_t n = 0;

	json_put_array(all, NULL);
	for (unsigned kind = 0; kind < SIGNALS; kind++) {
		struct json *const json = &finding->evidence[kind];

		if (!detect->n[kind])
			continue;
		detect_put_evidence(json, NULL, detect, kind);
		finding->signals[n++] = (struct store_signal){
			.kind = signal_name(kind), .weight = signal_weight(kind), .n = detect->n[kind],
			.evidence = { json_written(json), json->out.len },
		};
		json_put_object(all, NULL);
		json_put_text(all, "kind", signal_name(kind));
		json_put_u64(all, "weight", signal_weight(kind));
		json_put_u64(all, "count", detect->n[kind]);
		json_put_raw(all, "evidence", json_written(json), json->out.len);
		json_put_end(all);
	}
	json_put_end(all);
	finding->found.signals = finding->signals;
	finding->found.n_signals = n;
}

static void put_refusals(struct finding *finding, const struct order_report *report)
{
	for (uint32_t i = 0; i < report->n_refused; i++)
		finding->refusals[i] = (struct store_refusal){ report->refused[i].nr, report->refused[i].count };
	finding->found.refusals = finding->refusals;
	finding->found.n_refusals = report->n_refused;
}

static void put_alert(struct finding *finding, struct telling *telling, const struct attempt *attempt,
		      enum detect_action action)
{
	const struct detect *const detect = &attempt->detect;
	char id[STORE_ID_TEXT];

	detect_title(detect, telling->title, sizeof(telling->title));
	telling->alert = (struct store_alert){
		.tenant = attempt->hold.tenant, .job = attempt->hold.id, .level = detect->level, .score = detect->score,
		.action = action,
	};
	finding->alert = telling->alert;
	finding->alert.title = telling->title;
	finding->alert.evidence = (struct store_bytes){ json_written(&finding->all), finding->all.out.len };
	finding->found.alert = &finding->alert;
	if (action != DETECT_QUARANTINE)
		return;
	store_id_write(&attempt->hold.id, id);
	snprintf(finding->why, sizeof(finding->why), "detection: %s (job %s)", telling->title, id);
	finding->found.suspend_why = finding->why;
}

static void keep(struct dispatch *d, struct attempt *attempt, enum detect_action action, const struct order_report *report)
{
	struct finding *const finding = mem_alloc(sizeof(*finding));
	struct telling *const telling = mem_alloc(sizeof(*telling));

	*finding = (struct finding){ .found = { .tenant = attempt->hold.tenant, .job = attempt->hold.id } };
	*telling = (struct telling){ .d = d };
	put_signals(finding, &attempt->detect);
	if (report)
		put_refusals(finding, report);
	if (attempt->detect.level > attempt->detect.told)
		put_alert(finding, telling, attempt, action);
	attempt->detect.told = attempt->detect.level;
	store_found_put(d->setup.store, &finding->found, kept, telling);
	for (unsigned kind = 0; kind < SIGNALS; kind++)
		json_done(&finding->evidence[kind]);
	json_done(&finding->all);
	free(finding);
}

static void end_box(struct dispatch *d, struct attempt *attempt)
{
	if (attempt->is_finishing || attempt->is_cancelled)
		return;
	attempt->is_suspect = true;
	if (attempt->slot && attempt->slot->state == SLOT_CLAIMED)
		box_kill(d, attempt->slot);
}

static void act(struct dispatch *d, struct attempt *attempt, enum detect_action action)
{
	if (action >= DETECT_KILL)
		end_box(d, attempt);
	for (size_t i = 0; i < d->n_attempts && action == DETECT_QUARANTINE; i++)
		if (d->attempts[i]->hold.tenant == attempt->hold.tenant && d->attempts[i]->slot &&
		    d->attempts[i]->slot->state == SLOT_CLAIMED)
			end_box(d, d->attempts[i]);
}

static enum detect_action action_of(const struct dispatch *d, const struct attempt *attempt)
{
	const struct detect *const detect = &attempt->detect;

	return detect->level > detect->told ? d->setup.rules.action[detect->level] : DETECT_LOG;
}

void alert_hear(struct dispatch *d, struct slot *slot)
{
	struct attempt *const attempt = slot->attempt;
	enum detect_action action;
	uint64_t honey = 0;
	bool is_new;

	if (!slot->has_refusals || !attempt || slot->state == SLOT_PARKED)
		return;
	slot->has_refusals = false;
	for (size_t i = 0; i < HONEY_FILES; i++)
		honey += slot->refusals->honey[i];
	is_new = detect_tally(&attempt->detect, &slot->refusals->tally);
	memcpy(attempt->detect.honey, slot->refusals->honey, sizeof(attempt->detect.honey));
	is_new |= detect_note(&attempt->detect, SIGNAL_HONEY, honey);
	if (!is_new || attempt->is_fenced)
		return;
	action = action_of(d, attempt);
	job_say_started(d, attempt);
	keep(d, attempt, action, NULL);
	act(d, attempt, action);
}

/* Its box is over: a kill that comes now would be told of and never have happened. */
void alert_ended(struct dispatch *d, struct attempt *attempt)
{
	enum detect_action action;
	struct detect_end end;

	attempt_tell_end(attempt, &end);
	(void)detect_ended(&attempt->detect, &end);
	if (attempt->is_fenced || (!attempt->detect.score && !attempt->report.n_refused))
		return;
	action = action_of(d, attempt);
	keep(d, attempt, action == DETECT_KILL ? DETECT_LOG : action, &attempt->report);
	act(d, attempt, action == DETECT_KILL ? DETECT_LOG : action);
}
