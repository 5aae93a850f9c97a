/* A lease becomes an attempt: its document is read once more, by the same strict reader. */
#include "serve/attempt.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/loop.h"
#include "serve/attempt_product.h"

#define STREAM_BYTES ((uint64_t)1 << 20)        /* of a job that states no limit */
#define OUTPUT_BYTES ((uint64_t)16 << 20)       /* of a pattern; attempt_in.c sends the same */

static uint64_t since_us(uint64_t then_ms)
{
	const uint64_t now_ms = loop_wall_ms();

	return now_ms > then_ms ? (now_ms - then_ms) * 1000 : 0; /* clocks jump */
}

static void set_bounds(struct attempt *attempt)
{
	const struct job_limits *const limits = &attempt->spec.limits;

	for (size_t i = 0; i < 2; i++) {
		const uint64_t cap = i ? limits->stderr_bytes : limits->stdout_bytes;

		attempt->written[i] = (struct written){ .spool = SPOOL_NONE, .cap = cap ? cap : STREAM_BYTES };
		attempt->written[i].spool.place = i ? PLACE_STDERR : PLACE_STDOUT;
		sha256_init(&attempt->written[i].hash);
	}
	for (size_t i = 0; i < attempt->spec.n_outputs; i++)
		attempt->artifact_budget += attempt->spec.outputs[i].max_bytes ? attempt->spec.outputs[i].max_bytes :
										 OUTPUT_BYTES;
}

static int read_job(struct attempt *attempt, const struct store_lease *lease, struct err *e)
{
	const struct runtime *runtime;
	struct runtime own;
	struct job_fault fault = { .code = "" };

	if (job_spec_read_again(lease->document.at, lease->document.len, &attempt->spec, &fault) < 0)
		return err_set(e, ERR_USAGE, "%.100s: %.200s", fault.field, fault.detail);
	runtime = runtime_of(attempt->class, &own);
	if (!runtime)
		return err_set(e, ERR_USAGE, "there is no runtime '%.40s'", attempt->spec.runtime);
	attempt->n_steps = runtime_steps(runtime, &attempt->spec, attempt->steps, &attempt->arena, &fault);
	return attempt->n_steps ? 0 : err_set(e, ERR_USAGE, "%.100s: %.200s", fault.field, fault.detail);
}

int attempt_new(const struct store_lease *lease, const struct order_class *class, struct store *store,
		struct products *products, struct syncer *syncer, int state_fd, struct attempt **out, struct err *e)
{
	struct attempt *const attempt = mem_alloc(sizeof(*attempt));

	attempt->hold = lease->hold;
	attempt->number = lease->attempt;
	attempt->max_attempts = lease->max_attempts;
	attempt->queue_us = since_us(lease->created_ms);
	attempt->leased_us = loop_now_us();
	attempt->class = class;
	attempt->store = store;
	attempt->state_fd = state_fd;
	attempt->syncer = syncer;
	attempt->in_fd = attempt->artifact_fd = attempt->product.fd = -1;
	attempt->written[0].spool = attempt->written[1].spool = SPOOL_NONE;
	attempt->mix = MIX_NONE;
	attempt->spec = JOB_SPEC_NONE;
	if (read_job(attempt, lease, e) < 0) {
		attempt_free(attempt);
		return -1;
	}
	attempt_find_product(attempt, products);
	set_bounds(attempt);
	*out = attempt;
	return 0;
}

void attempt_free(struct attempt *attempt)
{
	if (!attempt)
		return;
	fd_close(attempt->in_fd);
	fd_close(attempt->artifact_fd);
	attempt_drop_product(attempt);
	for (size_t i = 0; i < 2; i++)
		spool_done(&attempt->written[i].spool);
	spool_done(&attempt->mix.spool);
	guest_writer_done(&attempt->frames);
	free(attempt->out);
	free(attempt->feed);
	free(attempt->series);
	job_spec_done(&attempt->spec);
	arena_done(&attempt->arena);
	free(attempt);
}
