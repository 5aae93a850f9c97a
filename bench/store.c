/* What the store does in a second: durable creates, claims, finishes, with nothing queued and with a hundred thousand jobs.
 * In flight at a time: as many as a busy front has, because they share a sync.
 *
 *   store [DIR] [N] [QUEUED]     measures N of each in DIR (a new one in .), beside QUEUED waiting jobs */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/store_list.h"
#include "store/store_tenant.h"

#define IN_FLIGHT 256

struct bench {
	struct store *store;
	uint64_t tenant;
	size_t answered, failed, n_leases;
	struct store_lease_kept {
		struct store_hold hold;
	} *leases;
	double *took_ms;        /* of each answer */
	uint64_t *began_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void answered(void *at, const struct store_answer *answer)
{
	struct bench *const bench = at;

	bench->failed += answer->err.kind || answer->outcome != STORE_DONE;
	bench->took_ms[bench->answered] = (double)(now_ns() - bench->began_ns[bench->answered]) / 1e6;
	bench->answered++;
}

static void made(void *at, const struct store_answer *answer)
{
	struct bench *const bench = at;

	bench->tenant = answer->items[0].number;
	bench->answered++;
}

static void leased(void *at, const struct store_answer *answer)
{
	struct bench *const bench = at;

	for (size_t i = 0; i < answer->n_leases; i++)
		bench->leases[bench->n_leases++].hold = answer->leases[i].hold;
	bench->failed += answer->err.kind != ERR_NONE;
	bench->answered++;
}

static void wait_until(struct bench *bench, size_t n)
{
	while (bench->answered < n) {
		struct pollfd ready = { .fd = store_fd(bench->store), .events = POLLIN };

		(void)poll(&ready, 1, 10000);
		store_turn(bench->store);
	}
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(struct bench *bench, const char *what, size_t n, uint64_t began_ns)
{
	const double seconds = (double)(now_ns() - began_ns) / 1e9;

	qsort(bench->took_ms, bench->answered, sizeof(double), by_size);
	printf("%-24s %8.0f/s   p50 %7.3f ms   p99 %7.3f ms   (%zu, %zu failed)\n", what, (double)n / seconds,
	       bench->answered ? bench->took_ms[bench->answered / 2] : 0,
	       bench->answered ? bench->took_ms[bench->answered * 99 / 100] : 0, n, bench->failed);
}

static struct store_create job_of(const struct bench *bench)
{
	static const char document[] = "{\"runtime\":\"python@3.11\",\"files\":[{\"path\":\"main.py\",\"text\":\"print(1)\"}],"
				       "\"steps\":[{\"argv\":[\"python3\",\"main.py\"]}],\"limits\":{\"wall_ms\":1000}}";

	return (struct store_create){
		.tenant = bench->tenant, .document = { document, sizeof(document) - 1 }, .name = "bench", .runtime = "python",
		.boundary = "container", .class = "python/container", .priority = 5, .max_attempts = 3,
	};
}

static void create(struct bench *bench, size_t n, size_t in_flight, const char *what)
{
	const struct store_create job = job_of(bench);
	const uint64_t began = now_ns();

	bench->answered = bench->failed = 0;
	for (size_t i = 0; i < n; i++) {
		wait_until(bench, i < in_flight ? 0 : i - in_flight + 1);
		bench->began_ns[i] = now_ns();
		store_job_create(bench->store, &job, answered, bench);
	}
	wait_until(bench, n);
	report(bench, what, n, began);
}

static void claim(struct bench *bench, size_t n, size_t each, const char *what)
{
	const struct store_room room = { "python/container", each };
	const uint64_t began = now_ns();

	bench->answered = bench->failed = bench->n_leases = 0;
	for (size_t i = 0; i < n / each; i++) {
		bench->began_ns[i] = now_ns();
		store_job_claim(bench->store, &room, 1, each, false, leased, bench);
		wait_until(bench, i + 1);
		bench->took_ms[i] = (double)(now_ns() - bench->began_ns[i]) / 1e6;
	}
	report(bench, what, bench->n_leases, began);
}

static void finish(struct bench *bench, size_t in_flight, const char *what)
{
	const struct store_finish end = { .state = JOB_SUCCEEDED, .reason = REASON_EXIT, .cpu_us = 1000, .wall_us = 2000,
					  .document = { "{\"steps\":[{\"exit_code\":0}]}", 27 } };
	const size_t n = bench->n_leases;
	const uint64_t began = now_ns();

	bench->answered = bench->failed = 0;
	for (size_t i = 0; i < n; i++) {
		wait_until(bench, i < in_flight ? 0 : i - in_flight + 1);
		bench->began_ns[i] = now_ns();
		store_job_finish(bench->store, &bench->leases[i].hold, &end, answered, bench);
	}
	wait_until(bench, n);
	report(bench, what, n, began);
}

static void queue_up(struct bench *bench, size_t n)
{
	static struct store_create jobs[STORE_BATCH_MAX];

	for (size_t i = 0; i < STORE_BATCH_MAX; i++)
		jobs[i] = job_of(bench);
	for (size_t i = 0; i < n; i += STORE_BATCH_MAX) {
		bench->answered = 0;
		bench->began_ns[0] = now_ns();
		store_job_create_batch(bench->store, jobs, STORE_BATCH_MAX, true, answered, bench);
		wait_until(bench, 1);
	}
}

static void list(struct bench *bench)
{
	const struct store_filter filters[] = { { .states = 0 }, { .states = 1 << JOB_QUEUED }, { .runtime = "python" },
						{ .states = 1 << JOB_SUCCEEDED } };
	static const char *const names[] = { "list, all", "list, queued", "list, a runtime", "list, succeeded" };
	struct err e;

	for (size_t i = 0; i < 4; i++) {
		const uint64_t began = now_ns();

		bench->answered = bench->failed = 0;
		for (size_t k = 0; k < 200; k++) {
			struct arena arena = { .blocks = NULL };
			struct store_place place = { .created_ms = 0 };
			struct store_page page;

			bench->began_ns[k] = now_ns();
			bench->failed += store_job_list(bench->store, bench->tenant, &filters[i], &place, 100, &arena, &page,
							&e) < 0;
			bench->took_ms[bench->answered++] = (double)(now_ns() - bench->began_ns[k]) / 1e6;
			arena_done(&arena);
		}
		report(bench, names[i], 200, began);
	}
}

int main(int argc, char **argv)
{
	char dir[4096] = "bench-store-XXXXXX";
	const size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 5000;
	const size_t queued = argc > 3 ? strtoul(argv[3], NULL, 10) : 100000;
	const struct store_tenant tenant = { .name = "bench", .weight = 1 };
	struct bench bench = { .leases = calloc(n + 1000, sizeof(*bench.leases)), .took_ms = calloc(n + 1000, sizeof(double)),
			       .began_ns = calloc(n + 1000, sizeof(uint64_t)) };
	struct store_options options = { .dir = dir, .lease_ms = 3600000 };
	struct err e = ERR_INIT;

	if (argc > 1 ? snprintf(dir, sizeof(dir), "%s", argv[1]) >= (int)sizeof(dir) : !mkdtemp(dir))
		return 2;
	if (store_open(&options, &bench.store, &e) < 0) {
		fprintf(stderr, "bench: %s\n", e.text);
		return 1;
	}
	store_tenant_put(bench.store, &tenant, made, &bench);
	wait_until(&bench, 1);
	for (int round = 0; round < 2; round++) {
		printf("-- %zu jobs wait\n", round ? queued : 0);
		create(&bench, 500, 1, "create, one at a time");
		create(&bench, n, IN_FLIGHT, "create, 256 in flight");
		claim(&bench, 500, 1, "claim of one");
		claim(&bench, n, 16, "claim of sixteen");
		finish(&bench, IN_FLIGHT, "finish, 256 in flight");
		if (round == 0)
			queue_up(&bench, queued);
	}
	list(&bench);
	store_close(bench.store);
	printf("state directory: %s\n", dir);
	return 0;
}
