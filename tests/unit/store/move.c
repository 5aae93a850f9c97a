/* store/move: every interleaving of what two holders, a client and time can do to one job, up to a bound; and walks at
 * random over everything, beside a model in a few variables. */
#include "store/move.h"

#include "scene.h"

/* A step anybody may take at any time. One and two are nodes: each remembers the hold it got last, and may use it though it
 * is long lost. */
enum step {
	CLAIM_ONE, CLAIM_TWO, RUN_ONE, RUN_TWO, FINISH_ONE, FINISH_TWO, BACK_ONE, BACK_TWO, CANCEL, LEASE_ENDS, PAUSE_ENDS,
	RESTART, STEPS
};

#define MAX_ATTEMPTS 2

/* What must be true, in as few words as possible. */
struct model {
	enum job_state state;
	uint64_t fence, attempt;
	bool is_paused, is_cancel_asked;
	uint64_t held[2];       /* fence of each node's hold; 0: it never had one */
	unsigned results;
};

static bool model_is_held(const struct model *m)
{
	return m->state >= JOB_LEASED && m->state <= JOB_FINISHING;
}

static void model_end(struct model *m, enum job_state state)
{
	m->state = state;
	m->is_paused = false;
	m->results++;
}

static void model_back(struct model *m, bool has_pause)
{
	if (m->is_cancel_asked)
		model_end(m, JOB_CANCELLED);
	else if (m->attempt == MAX_ATTEMPTS)
		model_end(m, JOB_INFRA_FAILED);
	else
		*m = (struct model){ JOB_QUEUED, m->fence, m->attempt, has_pause, false, { m->held[0], m->held[1] }, m->results };
}

/* What the model says becomes of the step: true when it has an effect. */
static bool model_step(struct model *m, enum step step)
{
	const int node = (int)step % 2;
	const bool mine = step < CANCEL && m->held[node] && m->held[node] == m->fence && model_is_held(m);

	switch (step) {
	case CLAIM_ONE: case CLAIM_TWO:
		if (m->state != JOB_QUEUED || m->is_paused)
			return false;
		m->state = JOB_LEASED;
		m->attempt++;
		m->held[node] = ++m->fence;
		return true;
	case RUN_ONE: case RUN_TWO:
		if (mine && m->state < JOB_RUNNING)
			m->state = JOB_RUNNING;
		return mine;
	case FINISH_ONE: case FINISH_TWO:
		if (mine)
			model_end(m, JOB_SUCCEEDED);
		return mine;
	case BACK_ONE: case BACK_TWO:
		if (mine)
			model_back(m, true);
		return mine;
	case CANCEL:
		if (m->state == JOB_QUEUED)
			model_end(m, JOB_CANCELLED);
		else
			m->is_cancel_asked |= model_is_held(m);
		return true;
	case LEASE_ENDS:
		if (model_is_held(m))
			model_back(m, true);
		return true;
	case PAUSE_ENDS:
		m->is_paused = false;
		return true;
	default: /* every hold of the process before is gone, and pauses with it */
		if (model_is_held(m))
			model_back(m, false);
		m->is_paused = false;
		return true;
	}
}

struct play {
	struct scene s;
	struct store_id id;
	struct store_hold holds[2];
};

static bool is_done(struct scene *s, enum store_outcome outcome)
{
	(void)s;
	return outcome == STORE_DONE || outcome == STORE_REQUEUED;
}

static bool real_claim(struct play *p, int node)
{
	if (!scene_claim(&p->s, 1))
		return false;
	p->holds[node] = p->s.leases[0].hold;
	return true;
}

static void pass_and_reap(struct scene *s, uint64_t ms)
{
	scene_pass(s, ms);
	while (scene_reap(s))
		;
}

static bool real_step(struct play *p, enum step step)
{
	struct scene *const s = &p->s;
	const int node = (int)step % 2;

	switch (step) {
	case CLAIM_ONE: case CLAIM_TWO:
		return real_claim(p, node);
	case RUN_ONE: case RUN_TWO:
		return is_done(s, scene_move(s, &p->holds[node], JOB_RUNNING));
	case FINISH_ONE: case FINISH_TWO:
		return is_done(s, scene_finish(s, &p->holds[node], JOB_SUCCEEDED));
	case BACK_ONE: case BACK_TWO:
		store_job_requeue(s->store, &p->holds[node], REASON_SETUP, "", false, scene_answer, s);
		return is_done(s, scene_turn(s));
	case CANCEL:
		store_job_cancel(s->store, s->tenant, &p->id, scene_answer, s);
		scene_turn(s);
		return true;
	case LEASE_ENDS: /* time that ends no pause */
		pass_and_reap(s, job_state_is_held(scene_get(s, &p->id).state) ? 1000 : 0);
		return true;
	case PAUSE_ENDS: /* a lease is kept up meanwhile */
		store_job_beat(s->store, p->holds, 2, scene_answer, s);
		scene_turn(s);
		for (int i = 0; i < 3; i++) {
			pass_and_reap(s, 999);
			store_job_beat(s->store, p->holds, 2, scene_answer, s);
			scene_turn(s);
		}
		return true;
	default:
		scene_reopen(s);
		return true;
	}
}

static void compare(struct play *p, const struct model *m, const char *path)
{
	const struct store_job job = scene_get(&p->s, &p->id);
	struct arena arena = { .blocks = NULL };
	struct store_result result;
	struct err e;
	const int results = store_result_get(p->s.store, p->s.tenant, &p->id, &arena, &result, &e);

	if (job.state != m->state || job.fence != m->fence || job.attempt != m->attempt ||
	    job.is_cancel_asked != m->is_cancel_asked || (job.not_before_ms != 0) != m->is_paused ||
	    results != (int)m->results)
		fail_msg("%s: %s fence %d attempt %d paused %d results %d; expected %s fence %d attempt %d paused %d results %d",
			 path, job_state_name(job.state), (int)job.fence, (int)job.attempt, job.not_before_ms != 0, results,
			 job_state_name(m->state), (int)m->fence, (int)m->attempt, m->is_paused, (int)m->results);
	arena_done(&arena);
}

static void begin_play(struct play *p, struct model *m)
{
	struct store_create job;

	memset(p->holds, 0, sizeof(p->holds));
	job = scene_job(&p->s, "{}");
	job.max_attempts = MAX_ATTEMPTS;
	p->id = scene_create_as(&p->s, &job);
	p->holds[0] = p->holds[1] = (struct store_hold){ .tenant = p->s.tenant, .id = p->id };
	*m = (struct model){ .state = JOB_QUEUED };
}

/* Ends what a path left, so that the next one begins with an empty queue. */
static void end_play(struct play *p)
{
	store_job_cancel(p->s.store, p->s.tenant, &p->id, scene_answer, &p->s);
	if (scene_turn(&p->s) == STORE_STOPPING)
		pass_and_reap(&p->s, 1000);
	store_job_purge(p->s.store, p->s.tenant, &p->id, scene_answer, &p->s);
	assert_int_equal(scene_turn(&p->s), STORE_DONE);
}

/* One path from the start. Returns where the model went no further than the path before it could have: the first step
 * without any effect, so that all paths with that beginning can be left out; `length` when every step counted. */
static size_t play_path(struct play *p, const enum step *path, size_t length)
{
	char text[64] = "";
	struct model m;
	size_t useless = length;

	begin_play(p, &m);
	for (size_t i = 0; i < length && useless == length; i++) {
		const struct model before = m;
		const bool expected = model_step(&m, path[i]);

		snprintf(text + 2 * i, sizeof(text) - 2 * i, "%c ", 'A' + (int)path[i]);
		if (real_step(p, path[i]) != expected)
			fail_msg("%s: the last step %s", text, expected ? "was refused" : "was not refused");
		compare(p, &m, text);
		if (!memcmp(&before, &m, sizeof(m)))
			useless = i;
	}
	end_play(p);
	return useless;
}

/* Every path of that many steps in which each step changes something: a step that changes nothing was looked at, and
 * leads nowhere that is not looked at without it. */
static void every_interleaving_ends_as_the_model_says(void **state)
{
	const size_t length = getenv("WARD_MODEL_STEPS") ? (size_t)atoi(getenv("WARD_MODEL_STEPS")) : 4;
	static struct play p;
	enum step path[16] = { 0 };
	size_t paths = 0;

	(void)state;
	assert_in_range(length, 1, 16);
	scene_begin(&p.s, (struct store_options){ .lease_ms = 1000, .backoff_ms = 1500 });
	for (;;) {
		size_t at = play_path(&p, path, length);

		paths++;
		at = at == length ? length - 1 : at;
		for (size_t i = at + 1; i < length; i++)
			path[i] = 0;
		while (path[at] == STEPS - 1) {
			path[at] = 0;
			if (at-- == 0)
				break;
		}
		if (at == (size_t)-1)
			break;
		path[at]++;
	}
	print_message("%zu paths of up to %zu steps\n", paths, length);
	assert_true(paths > 100);
	scene_end(&p.s);
}

static unsigned rolled(unsigned *random, unsigned sides)
{
	*random = *random * 1103515245 + 12345;
	return (*random >> 8) % sides;
}

/* Longer than any bound: many steps on one job, then the next; the ledger is looked at between them. */
static void walks_at_random_end_as_the_model_says(void **state)
{
	const int walks = getenv("WARD_MODEL_WALKS") ? atoi(getenv("WARD_MODEL_WALKS")) : 30;
	static struct play p;
	unsigned random = 20260101;

	(void)state;
	scene_begin(&p.s, (struct store_options){ .lease_ms = 1000, .backoff_ms = 1500 });
	for (int walk = 0; walk < walks; walk++) {
		struct model m;
		char text[64];

		begin_play(&p, &m);
		for (int i = 0; i < 25; i++) {
			/* Cancels and restarts are rarer, or every walk would soon be over. */
			const unsigned pick = rolled(&random, 3) ? rolled(&random, CANCEL) : rolled(&random, STEPS);
			const bool expected = model_step(&m, pick);

			snprintf(text, sizeof(text), "walk %d step %d (%c)", walk, i, 'A' + (int)pick);
			if (real_step(&p, pick) != expected)
				fail_msg("%s %s", text, expected ? "was refused" : "was not refused");
			compare(&p, &m, text);
		}
		if (walk % 10 == 0)
			ledger_check(p.s.dir);
		end_play(&p);
	}
	scene_end(&p.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_interleaving_ends_as_the_model_says),
		cmocka_unit_test(walks_at_random_end_as_the_model_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
