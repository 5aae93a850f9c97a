/* serve/attempt_out: what a job wrote is in files by its name, its outputs in files of their own; who has lost the job takes
 * away what is nobody else's. */
#include "serve/attempt.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "serve/place.h"
#include "serve/syncer.h"

static void tell(void *at, enum live kind, const char *bytes, size_t len, uint64_t offset)
{
	(void)at, (void)kind, (void)bytes, (void)len, (void)offset;
}

static void take(struct attempt *attempt, uint32_t kind, const char *bytes, size_t len)
{
	struct frame frame = { .head = { .kind = (uint8_t)kind, .len = (uint32_t)len }, .bytes = (char *)(uintptr_t)bytes };

	attempt_take(attempt, &frame, tell, NULL);
}

static bool is_there(const struct attempt *attempt, enum place place, const struct store_id *id)
{
	char path[PLACE_MAX];

	place_name(place, id, path);
	return faccessat(attempt->state_fd, path, F_OK, 0) == 0;
}

static void who_lost_the_job_leaves_what_may_be_anothers(void **state)
{
	static struct attempt attempt;
	char dir[] = "/tmp/ward-attempt-XXXXXX", remove[64];
	static char much[SPOOL_SMALL + 1];
	struct store_hold whose;
	struct err e = ERR_INIT;
	int fault = -1;

	(void)state;
	assert_non_null(mkdtemp(dir));
	attempt = (struct attempt){ .hold = { .id = store_id_new(), .fence = 1 }, .in_fd = -1, .artifact_fd = -1, .artifact_budget = 100,
				    .written = { { .spool = SPOOL_NONE, .cap = 1 << 20 }, { .spool = SPOOL_NONE } }, .mix = MIX_NONE };
	attempt.written[0].spool.place = PLACE_STDOUT;
	attempt.state_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(place_make(attempt.state_fd, &e), 0);
	assert_int_equal(syncer_new(&attempt.syncer, &e), 0);
	take(&attempt, FRAME_STDOUT, much, sizeof(much));
	take(&attempt, FRAME_ARTIFACT, "out", 3);
	take(&attempt, FRAME_DATA, "bytes", 5);
	assert_int_equal(attempt_keep(&attempt, &e), 0);
	const struct store_id output = attempt.artifacts[0].file;
	assert_int_equal(attempt.n_syncs, 2);
	while (attempt.n_syncs)
		if (syncer_next(attempt.syncer, &whose, &fault)) {
			assert_int_equal(fault, 0);
			attempt.n_syncs--;
		}
	assert_true(is_there(&attempt, PLACE_BLOB, &output));
	attempt_forget_outputs(&attempt);
	assert_false(is_there(&attempt, PLACE_BLOB, &output));
	assert_true(is_there(&attempt, PLACE_STDOUT, &attempt.hold.id));
	attempt_forget(&attempt);
	assert_false(is_there(&attempt, PLACE_STDOUT, &attempt.hold.id));
	syncer_free(attempt.syncer);
	close(attempt.state_fd);
	arena_done(&attempt.arena);
	snprintf(remove, sizeof(remove), "rm -r %s", dir);
	assert_int_equal(system(remove), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_lost_the_job_leaves_what_may_be_anothers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
