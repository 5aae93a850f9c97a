/* Fuzz: any bytes as a job document. A fault has a code, one line and a place; what is taken is read again, from
 * its canonical form, as the same. */
#include <string.h>

#include "require.h"
#include "serve/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void look(const struct job_spec *spec)
{
	require_that(spec->n_files <= JOB_FILES && spec->n_steps <= JOB_STEPS && spec->n_args <= JOB_ARGS);
	for (size_t i = 0; i < spec->n_files; i++)
		require_that(*spec->files[i].path && *spec->files[i].path != '/' && !strstr(spec->files[i].path, "//") &&
			     !strchr(spec->files[i].path, '\n') && strncmp(spec->files[i].path, "../", 3));
	for (size_t i = 0; i < spec->n_steps; i++)
		require_that(spec->steps[i].argc && !spec->steps[i].argv[spec->steps[i].argc]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	OWN(job_spec) spec = JOB_SPEC_NONE;
	OWN(job_spec) again = JOB_SPEC_NONE;
	struct job_fault fault = { .code = NULL };

	if (job_spec_read((const char *)bytes, n, &spec, &fault) < 0) {
		require_that(fault.code && *fault.detail && !strchr(fault.detail, '\n') && !spec.runtime);
		return 0;
	}
	look(&spec);
	require_that(job_spec_read(spec.canonical, spec.canonical_len, &again, &fault) == 0);
	require_that(spec.canonical_len == again.canonical_len && !memcmp(spec.canonical, again.canonical, again.canonical_len));
	require_that(spec.deadline_ms == again.deadline_ms && spec.limits.cpus_milli == again.limits.cpus_milli);
	return 0;
}
