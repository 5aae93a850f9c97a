/* POST /v1/jobs: a document becomes a job. Nothing of it is run, opened or resolved here. */
#include "api/job_create.h"

#include <string.h>

#include "api/handlers.h"
#include "api/job_show.h"
#include "serve/dispatch.h"

static const char *const threats[] = { [STORE_OWN] = "own", [STORE_KNOWN] = "known", [STORE_HOSTILE] = "hostile" };

static int fault_is(struct job_fault *fault, const char *code, const char *field, const char *detail)
{
	*fault = (struct job_fault){ .code = code };
	strncat(fault->field, field, sizeof(fault->field) - 1);
	strncat(fault->detail, detail, sizeof(fault->detail) - 1);
	return -1;
}

static void take_blob(const struct job_bytes *bytes, struct digest *digests, size_t *n)
{
	if (bytes->source == JOB_BLOB && digest_read(bytes->blob, JOB_DIGEST, &digests[*n]))
		(*n)++;
}

/* All that the job needs, for the store to hold on to: a blob that is missing then refuses the job. */
static void take_blobs(struct request *request, const struct job_spec *spec, struct store_create *create)
{
	struct digest *const digests = arena_alloc(&request->arena, (spec->n_files + spec->n_steps + 1) * sizeof(*digests));
	size_t n = 0;

	for (size_t i = 0; i < spec->n_files; i++)
		take_blob(&spec->files[i].bytes, digests, &n);
	for (size_t i = 0; i < spec->n_steps; i++)
		take_blob(&spec->steps[i].input, digests, &n);
	take_blob(&spec->input, digests, &n);
	create->blobs = digests;
	create->n_blobs = n;
}

static void take_labels(struct request *request, const struct job_spec *spec, struct store_create *create)
{
	struct store_label *const labels = arena_alloc(&request->arena, (spec->n_labels + 1) * sizeof(*labels));

	for (size_t i = 0; i < spec->n_labels; i++)
		labels[i] = (struct store_label){ spec->labels[i].name, spec->labels[i].value };
	create->labels = labels;
	create->n_labels = spec->n_labels;
}

const struct order_class *job_class(const struct request *request, const struct job_spec *spec, struct job_fault *fault)
{
	const struct store_tenant *const tenant = &request->tenant;

	return dispatch_admits(request->front->dispatch, spec, threats[tenant->threat],
			       tenant->boundary_min ? tenant->boundary_min : "", fault);
}

static bool takes_input(const struct job_spec *spec)
{
	for (size_t i = 0; i < spec->n_steps; i++)
		if (spec->steps[i].input.source == JOB_LIVE)
			return true;
	return spec->input.source == JOB_LIVE;
}

int job_prepare(struct request *request, const char *json, size_t len, const char *key, struct job_spec *spec,
		struct store_create *create, struct job_fault *fault)
{
	const struct store_tenant *const tenant = &request->tenant;
	const struct order_class *class;
	char name[ORDER_CLASS_NAME];

	if (job_spec_read(json, len, spec, fault) < 0)
		return -1;
	class = job_class(request, spec, fault);
	if (!class)
		return -1;
	order_class_name(class, name);
	*create = (struct store_create){
		.tenant = tenant->id,
		.document = { spec->canonical, spec->canonical_len },
		.name = spec->name, .runtime = spec->runtime, .boundary = class->boundary,
		.class = arena_copy(&request->arena, name, strlen(name)),
		.priority = spec->priority, .max_attempts = spec->max_attempts,
		.ttl_ms = spec->ttl_s * 1000, .deadline_ms = (uint64_t)spec->deadline_ms, .key = key,
		.memory_bytes = spec->limits.mem_bytes ? spec->limits.mem_bytes : class->limits.memory_bytes,
		.is_session = takes_input(spec),
	};
	if (tenant->retention_ms && create->ttl_ms > tenant->retention_ms)
		return fault_is(fault, "limit_above_ceiling", "/ttl_s", "is more than this tenant's retention");
	take_blobs(request, spec, create);
	take_labels(request, spec, create);
	return 0;
}

/* -- one job -- */

struct creating {
	uint64_t wait_ms;
	bool needs_blobs;
};

static void created(void *at, const struct store_answer *answer)
{
	struct request *const request = at;
	const struct creating *const creating = request->own;
	const bool is_replay = answer->outcome == STORE_REPLAYED;

	if (answer->err.kind == ERR_NONE && answer->outcome == STORE_MISSING && creating->needs_blobs) {
		request_fail(request, "blob_missing", "/files", "a blob that the document names is not there; upload it first");
		return;
	}
	if (job_refused(request, answer))
		return;
	request->job = answer->items[0].id;
	if (!is_replay)
		dispatch_wake(request->front->dispatch);
	request->is_replay = is_replay;
	if (is_replay || !creating->wait_ms || request->front->is_ending)
		job_show_when(request, is_replay ? MHD_HTTP_OK : MHD_HTTP_CREATED, creating->wait_ms, job_has_ended);
	else
		job_show_ended(request, MHD_HTTP_CREATED, creating->wait_ms);
}

void api_job_create(struct request *request)
{
	struct creating *const creating = arena_alloc(&request->arena, sizeof(*creating));
	OWN(job_spec) spec = JOB_SPEC_NONE;
	struct store_create create;
	struct job_fault fault;

	if (!request_query_wait(request, &creating->wait_ms))
		return;
	if (job_prepare(request, str_text(&request->body), request->body.len, request_header_in(request, "Idempotency-Key"),
			&spec, &create, &fault) < 0) {
		request_fail(request, fault.code, fault.field, "%s", fault.detail);
		return;
	}
	creating->needs_blobs = create.n_blobs > 0;
	request->own = creating;
	str_done(&request->body);
	store_job_create(request->front->store, &create, created, request);
}
