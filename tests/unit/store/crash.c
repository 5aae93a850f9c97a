/* store/crash: a process is ended at each of the named points, and at moments nobody chose; what it had acknowledged is
 * there afterwards, once, and nothing else is. */
#include "store/crash.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "scene.h"
#include "store/store_alert.h"

/* What the child was told: written to a pipe as it happens, read after its death. */
struct told {
	char what;              /* 'c': created, 'f': finished, 'x': cancelled, 'b': a blob is kept */
	struct store_id id;
	uint32_t number;        /* of the idempotency key */
};

struct child {
	struct store *store;
	int pipe;
	uint64_t tenant;
	uint32_t next;
	struct store_hold holds[64];
	size_t n_holds;
	struct store_id last, gone;
	uint64_t wall_ms, steady_ms;
};

static uint64_t child_wall(void *at)
{
	return ((struct child *)at)->wall_ms;
}

static uint64_t child_steady(void *at)
{
	return ((struct child *)at)->steady_ms;
}

struct ask {
	struct child *child;
	struct told told;
};

static void tell(void *at, const struct store_answer *answer)
{
	struct ask *const ask = at;

	if (answer->outcome == STORE_DONE || answer->outcome == STORE_REPLAYED) {
		if (ask->told.what == 'c')
			ask->told.id = ask->child->last = answer->items[0].id;
		if (write(ask->child->pipe, &ask->told, sizeof(ask->told)) != sizeof(ask->told))
			_exit(3);
	}
	free(ask);
}

static void hold(void *at, const struct store_answer *answer)
{
	struct child *const child = at;

	for (size_t i = 0; i < answer->n_leases && child->n_holds < 64; i++)
		child->holds[child->n_holds++] = answer->leases[i].hold;
}

static void note_tenant(void *at, const struct store_answer *answer)
{
	((struct child *)at)->tenant = answer->items[0].number;
}

static struct ask *ask(struct child *child, char what, const struct store_id *id)
{
	struct ask *const one = malloc(sizeof(*one));

	*one = (struct ask){ child, { .what = what, .number = child->next } };
	if (id)
		one->told.id = *id;
	return one;
}

static void create(struct child *child)
{
	static const char *const name = "job";
	char key[32];
	struct store_create job = {
		.tenant = child->tenant, .document = { "{}", 2 }, .name = name, .runtime = "r", .boundary = "b",
		.class = "k", .priority = 5, .max_attempts = 1000, .key = key, .webhook = "w",
		.labels = &(struct store_label){ "l", "v" }, .n_labels = 1,
		.deadline_ms = child->next % 7 == 3 ? child->wall_ms + 200 : 0,
	};

	child->next++;
	snprintf(key, sizeof(key), "%u", child->next);
	store_job_create(child->store, &job, tell, ask(child, 'c', NULL));
}

static void finish(struct child *child, const struct store_hold *held)
{
	const struct store_artifact artifact = { "a", sha256_of(&child->next, 4), store_id_new(), 10 };
	const struct store_finish end = { .state = JOB_SUCCEEDED, .document = { "{}", 2 }, .artifacts = &artifact,
					  .n_artifacts = 1 };

	store_job_finish(child->store, held, &end, tell, ask(child, 'f', &held->id));
}

/* Everything the store can be asked for, over and over, until the process ends. */
static void work(struct child *child, int rounds)
{
	const struct store_room room = { "k", 8 };

	for (int i = 0; i < rounds; i++) {
		for (int k = 0; k < 4; k++)
			create(child);
		store_job_claim(child->store, &room, 1, 3, false, hold, child);
		store_turn(child->store);
		if (i % 3 == 0) {
			const struct store_blob blob = { .digest = sha256_of(&i, 4), .file = store_id_new(), .bytes = 5 };

			store_blob_put(child->store, child->tenant, &blob, NULL, NULL);
			child->gone = child->last;
			store_job_cancel(child->store, child->tenant, &child->gone, NULL, NULL);
		}
		store_job_beat(child->store, child->holds, child->n_holds, NULL, NULL);
		for (size_t k = 0; k < child->n_holds; k++) {
			store_job_move(child->store, &child->holds[k], JOB_RUNNING, NULL, NULL);
			if (k == 0)
				store_job_requeue(child->store, &child->holds[k], REASON_SETUP, "x", false, NULL, NULL);
			else if (k == 1)
				finish(child, &child->holds[k]);
			else if (i % 2)
				store_job_cancel(child->store, child->tenant, &child->holds[k].id, NULL, NULL);
		} /* the third is left to its lease */
		if (child->n_holds) {
			const struct store_alert alert = { .level = 1, .title = "t", .evidence = { "[]", 2 } };

			store_found_put(child->store, &(struct store_found){ .tenant = child->tenant, .job = child->holds[0].id,
									     .alert = &alert }, NULL, NULL);
		}
		child->n_holds = 0;
		store_turn(child->store);
		if (i % 5 == 4)
			store_job_purge(child->store, child->tenant, &child->gone, NULL, NULL);
		child->wall_ms += 150;
		child->steady_ms += 150;
		store_reap(child->store, NULL, NULL);
		store_turn(child->store);
	}
}

/* The child's whole life. Errors of the store are its exit status 4. */
static void live(const char *dir, int pipe, uint32_t seed, bool is_threaded, int rounds)
{
	struct child child = { .pipe = pipe, .next = seed * 100000, .wall_ms = SCENE_WALL + seed * 1000ULL,
			       .steady_ms = SCENE_STEADY };
	const struct store_options options = {
		.dir = dir, .is_inline = !is_threaded, .lease_ms = 300, .backoff_ms = 100, .tick_ms = UINT64_MAX,
		.clock = { child_wall, child_steady, &child },
	};
	struct store_tenant tenant = { .name = "t", .weight = 1 };
	struct store_key key = { .name = "k" };
	char text[STORE_KEY_TEXT];
	struct arena arena = { .blocks = NULL };
	struct err e = ERR_INIT;

	if (store_open(&options, &child.store, &e) < 0)
		_exit(4);
	if (store_tenant_find(child.store, "t", &arena, &tenant, &e) < 0)
		_exit(4);
	child.tenant = tenant.id;
	store_tenant_put(child.store, &tenant, note_tenant, &child);
	for (int i = 0; !child.tenant && i < 1000; i++) {
		usleep(is_threaded ? 1000 : 0);
		store_turn(child.store);
	}
	key.tenant = child.tenant;
	if (store_key_make(text, key.public, &e) < 0)
		_exit(4);
	store_key_put(child.store, &key, text, NULL, NULL);
	work(&child, rounds);
	store_close(child.store);
	_exit(0);
}

/* What was told in all lives, against what there is. */
struct book {
	char dir[64];
	struct told *told;
	size_t n, cap;
	struct arena arena;
};

static void read_told(struct book *book, int pipe)
{
	struct told told;

	while (read(pipe, &told, sizeof(told)) == sizeof(told)) {
		book->told = mem_grow(book->told, &book->cap, book->n + 1, sizeof(told));
		book->told[book->n++] = told;
	}
}

/* Returns the child's exit status, or 128 and the signal. */
static int run_child(struct book *book, const char *crash, uint32_t seed, int kill_after_us)
{
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0, 1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		crash_arm(crash);
		live(book->dir, ends[1], seed, kill_after_us > 0, kill_after_us ? 100000 : 8);
	}
	close(ends[1]);
	if (kill_after_us) {
		usleep((useconds_t)kill_after_us);
		kill(pid, SIGKILL);
	}
	read_told(book, ends[0]);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static uint64_t ask_number(sqlite3 *db, const char *sql, const struct store_id *id)
{
	sqlite3_stmt *statement;
	uint64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	if (id)
		sqlite3_bind_blob(statement, 1, id->bytes, sizeof(id->bytes), SQLITE_STATIC);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	n = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return n;
}

/* Every acknowledged create has its one job, or its purge; every acknowledged finish its one result. */
static void check_book(struct book *book)
{
	sqlite3 *const db = ledger_open(book->dir);

	ledger_check(book->dir);
	for (size_t i = 0; i < book->n; i++) {
		const struct store_id *const id = &book->told[i].id;
		const uint64_t gone = ask_number(db, "SELECT count(*) FROM trash WHERE kind = 1 AND file = ?", id);

		assert_int_equal(ask_number(db, "SELECT count(*) FROM jobs WHERE job_id = ?", id) + gone, 1);
		if (book->told[i].what == 'f')
			assert_int_equal(ask_number(db, "SELECT count(*) FROM results WHERE job_id = ? AND state = 5", id) +
					 gone, 1);
		if (book->told[i].what == 'c')
			assert_int_equal(ask_number(db, "SELECT count(*) FROM idem WHERE job_id = ?", id), 1);
	}
	assert_int_equal(ask_number(db, "SELECT count(*) FROM outbox", NULL),
			 ask_number(db, "SELECT coalesce(sum(n), 0) FROM endings", NULL));
	assert_int_equal(ask_number(db, "SELECT count(*) FROM idem", NULL),
			 ask_number(db, "SELECT coalesce(sum(created), 0) FROM usage", NULL));
	sqlite3_close(db);
}

/* In the end every job that was accepted has its one result: all that is left is claimed and finished. */
static void finish_all(struct book *book)
{
	static struct scene s;
	const struct store_room room = { "k", 1000 };
	struct arena arena = { .blocks = NULL };
	struct store_tenant tenant = { .id = 0 };
	struct err e;
	sqlite3 *db;

	memset(&s, 0, sizeof(s));
	memcpy(s.dir, book->dir, sizeof(s.dir));
	s.wall_ms = SCENE_WALL + 500000;
	s.steady_ms = SCENE_STEADY;
	scene_open(&s);
	assert_true(store_tenant_find(s.store, "t", &arena, &tenant, &e) >= 0);
	s.tenant = tenant.id;
	for (;;) {
		store_job_claim(s.store, &room, 1, 1000, false, scene_answer, &s);
		scene_turn(&s);
		if (!s.n_leases)
			break;
		for (size_t i = 0, n = s.n_leases; i < n; i++)
			assert_int_equal(scene_finish(&s, &(struct store_hold[]){ s.leases[i].hold }[0], JOB_SUCCEEDED),
					 STORE_DONE);
	}
	store_close(s.store);
	arena_done(&arena);
	ledger_check(book->dir);
	db = ledger_open(book->dir);
	assert_int_equal(ask_number(db, "SELECT count(*) FROM jobs WHERE state < 5", NULL), 0);
	assert_int_equal(ask_number(db, "SELECT coalesce(sum(created), 0) FROM usage", NULL),
			 ask_number(db, "SELECT coalesce(sum(n), 0) FROM endings", NULL));
	sqlite3_close(db);
}

static struct book begin_book(void)
{
	struct book book = { .n = 0 };

	ledger_place(book.dir);
	return book;
}

static void end_book(struct book *book)
{
	scene_remove(book->dir);
	free(book->told);
}

static void nothing_is_lost_at_any_named_point(void **state)
{
	(void)state;
	for (size_t point = 0; point < CRASH_DISPATCH_CLAIMED; point++) { /* those behind it are the service's */
		struct book book = begin_book();
		char later[64];
		int status;

		assert_int_equal(run_child(&book, NULL, 1, 0), 0); /* something to recover */
		status = run_child(&book, crash_name(point), 2, 0);
		if (status != CRASH_STATUS && point != CRASH_OPEN_SCHEMA && point != CRASH_OPEN_RECOVERING)
			fail_msg("%s was not reached: %d", crash_name(point), status);
		check_book(&book);
		snprintf(later, sizeof(later), "%s:5", crash_name(point));
		status = run_child(&book, later, 3, 0);
		assert_true(status == CRASH_STATUS || status == 0);
		check_book(&book);
		finish_all(&book);
		end_book(&book);
	}
}

/* A new state directory, and one whose process died while it held jobs. */
static void the_points_of_an_opening_are_reached_too(void **state)
{
	struct book book = begin_book();

	(void)state;
	assert_int_equal(run_child(&book, "open.schema", 1, 0), CRASH_STATUS);
	assert_int_equal(run_child(&book, "batch.answered:9", 1, 0), CRASH_STATUS);
	assert_int_equal(run_child(&book, "claim.leased:5", 2, 0), CRASH_STATUS);
	assert_int_equal(run_child(&book, "batch.answered:4", 3, 0), CRASH_STATUS);
	assert_int_equal(run_child(&book, "open.recovering", 4, 0), CRASH_STATUS);
	check_book(&book);
	finish_all(&book);
	end_book(&book);
}

static void nothing_is_lost_when_killed_at_any_moment(void **state)
{
	struct book book = begin_book();
	unsigned random = 12345;
	size_t told = 0;

	(void)state;
	/* Where the machine is so slow that nobody lived to tell anything, the next dozen lives twice as long. */
	for (uint32_t i = 0; i < 12 || (!told && i < 72); i++) {
		random = random * 1103515245 + 12345;
		assert_int_equal(run_child(&book, NULL, i, (20000 + (int)(random >> 16) % 150000) << i / 12), 128 + SIGKILL);
		told += book.n;
		check_book(&book);
		book.n = 0; /* each life's are looked at once */
	}
	assert_true(told > 0);
	finish_all(&book);
	end_book(&book);
}

static void every_point_has_a_name_of_its_own(void **state)
{
	(void)state;
	assert_true(CRASH_POINTS >= 20);
	assert_null(crash_name(CRASH_POINTS));
	for (size_t i = 0; i < CRASH_POINTS; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(crash_name(i), crash_name(k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_point_has_a_name_of_its_own),
		cmocka_unit_test(nothing_is_lost_at_any_named_point),
		cmocka_unit_test(the_points_of_an_opening_are_reached_too),
		cmocka_unit_test(nothing_is_lost_when_killed_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
