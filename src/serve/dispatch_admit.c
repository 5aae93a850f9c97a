/* Which class takes a job, before it is accepted. Refuses to put strangers' native code behind a wall that does not
 * hold it, whatever the job asks for. */
#include <stdio.h>
#include <string.h>

#include "serve/dispatch_parts.h"

/* From the weakest to the strongest; those in between hold what the ones before them hold. */
static const char *const ranks[] = { "container", "js", "wasm", "gvisor", "microvm" };

static size_t rank_of(const char *boundary)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(ranks) && strcmp(ranks[i], boundary) != 0)
		i++;
	return i;
}

static bool has_version(const struct order_class *class, const char *version)
{
	const size_t len = version ? strlen(version) : 0;

	return !len || (strncmp(class->version, version, len) == 0 &&
			(!class->version[len] || class->version[len] == '.'));
}

static const struct order_class *refuse(struct job_fault *fault, const char *code, const char *field)
{
	fault->code = code;
	snprintf(fault->field, sizeof(fault->field), "%s", field);
	return NULL;
}

/* The least that holds who wrote the job: the first available one in the order of ranks. */
static const struct order_class *find(const struct dispatch *d, const struct job_spec *spec, bool is_hostile,
				      size_t least, const char **why)
{
	const struct order_class *best = NULL;

	for (size_t i = 0; i < d->n_classes; i++) {
		const struct order_class *const class = &d->classes[i];
		const size_t rank = rank_of(class->boundary);

		if (strcmp(class->runtime, spec->runtime) != 0 || !has_version(class, spec->version) || rank < least ||
		    (spec->boundary != JOB_AUTO && strcmp(class->boundary, job_boundary_name(spec->boundary)) != 0))
			continue;
		if (is_hostile && !class->hostile_ok)
			*why = "its boundary does not hold code of strangers (this tenant's threat is hostile); use gvisor, or "
			       "let the operator start the service with --hostile-container";
		else if (*class->why)
			*why = class->why;
		else if (!best || rank < rank_of(best->boundary))
			best = class;
	}
	return best;
}

static bool is_below(uint64_t asked, uint64_t most, const char *name, struct job_fault *fault)
{
	if (asked <= most)
		return true;
	fault->code = "limit_above_ceiling";
	snprintf(fault->field, sizeof(fault->field), "/limits/%s", name);
	snprintf(fault->detail, sizeof(fault->detail), "is above this runtime's ceiling of %llu", (unsigned long long)most);
	return false;
}

static bool fits(const struct order_class *class, const struct job_limits *limits, struct job_fault *fault)
{
	return is_below(limits->wall_ms, class->wall_max_ms, "wall_ms", fault) &&
	       is_below(limits->cpu_ms, class->cpu_max_ms, "cpu_ms", fault) &&
	       is_below(limits->mem_bytes, class->memory_max_bytes, "mem_bytes", fault) &&
	       is_below(limits->pids, class->pids_max, "pids", fault) &&
	       is_below(limits->disk_bytes, class->disk_max_bytes, "disk_bytes", fault) &&
	       is_below(limits->cpus_milli, class->cpus_max_milli, "cpus_milli", fault);
}

/* What would only be found when it is run. */
static bool can_run(const struct order_class *class, const struct job_spec *spec, struct job_fault *fault)
{
	struct runtime own;
	struct runtime_step steps[ATTEMPT_STEPS];
	OWN(arena) arena = { .blocks = NULL };
	const struct runtime *const runtime = runtime_of(class, &own);
	size_t n;

	if (!runtime)
		return refuse(fault, "invalid_value", "/runtime");
	n = runtime_steps(runtime, spec, steps, &arena, fault);
	for (size_t i = 0; i < n; i++) {
		size_t len = 0;

		for (const char *const *word = steps[i].argv; *word; word++)
			len += strlen(*word) + 1;
		if (len > FRAME_MAX - 64) {
			snprintf(fault->detail, sizeof(fault->detail), "the words of a step are more than 64 KiB");
			return refuse(fault, "invalid_value", "/steps");
		}
	}
	return n;
}

const struct order_class *dispatch_admits(const struct dispatch *dispatch, const struct job_spec *spec,
					  const char *threat, const char *minimum, struct job_fault *fault)
{
	const size_t least = *minimum ? rank_of(minimum) : 0;
	const char *why = "this service has no such runtime, version and boundary; GET /v1/runtimes lists them";
	const struct order_class *const class = find(dispatch, spec, strcmp(threat, "hostile") == 0, least, &why);

	if (!class) {
		snprintf(fault->detail, sizeof(fault->detail), "%s", why);
		return refuse(fault, runtime_find(spec->runtime) ? "boundary_unavailable" : "runtime_unavailable",
			      runtime_find(spec->runtime) ? "/boundary" : "/runtime");
	}
	return fits(class, &spec->limits, fault) && can_run(class, spec, fault) ? class : NULL;
}
