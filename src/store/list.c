/* Pages of jobs. The narrowest filter says which index is walked, in the order of ids; the others are looked at row
 * by row. A page ends after so many rows, found or not: what a list costs is not up to who asks. */
#include <string.h>

#include "store/read_job.h"

struct walk {
	struct db_rows *rows;
	struct db_value values[7];
	size_t n, n_labels;             /* labels: how many the index answers for */
};

/* The least id of a moment. */
static struct store_id id_at(uint64_t wall_ms)
{
	struct store_id id = { .bytes = { 0 } };

	for (int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(wall_ms >> (40 - 8 * i));
	return id;
}

static bool is_less(const struct store_id *a, const struct store_id *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) < 0;
}

/* The ids from low to below high: what the range of times and the page before leave. */
static void bounds(const struct store_filter *filter, const struct store_place *after, struct store_id *low,
		   struct store_id *high)
{
	*low = id_at(filter->created_from_ms);
	memset(high->bytes, 0xff, sizeof(high->bytes));
	if (filter->created_to_ms)
		*high = id_at(filter->created_to_ms);
	if (after->created_ms && is_less(&after->id, high))
		*high = after->id;
}

static int only_state(uint32_t states)
{
	return states && !(states & (states - 1)) ? __builtin_ctz(states) : -1;
}

static enum query way_in(const struct store_filter *filter, uint64_t tenant, struct walk *walk)
{
	if (!tenant)
		return Q_LIST_EVERY;
	walk->values[walk->n++] = db_number(tenant);
	if (filter->n_labels) {
		walk->values[walk->n++] = db_text(filter->labels[0].name);
		walk->values[walk->n++] = db_text(filter->labels[0].value);
		walk->n_labels = 1;
		return Q_LIST_LABEL;
	}
	if (only_state(filter->states) >= 0) {
		walk->values[walk->n++] = db_number((uint64_t)only_state(filter->states));
		return Q_LIST_STATE;
	}
	if (filter->runtime) {
		walk->values[walk->n++] = db_text(filter->runtime);
		return Q_LIST_RUNTIME;
	}
	return Q_LIST_ALL;
}

/* 1: the row is what was asked for. */
static int is_wanted(struct store *store, const struct store_filter *filter, size_t n_labels, const struct store_job *job,
		     struct err *e)
{
	int found = 1;

	if ((filter->states && !(filter->states >> job->state & 1)) ||
	    (filter->runtime && strcmp(filter->runtime, job->runtime)))
		return 0;
	for (size_t i = n_labels; i < filter->n_labels && found == 1; i++) {
		struct db_rows *rows;

		found = db_first(store->reader, Q_LABEL_IS,
				 DB_WITH(db_number(job->tenant), db_id(&job->id), db_text(filter->labels[i].name),
					 db_text(filter->labels[i].value)), &rows, e);
		if (found == 1)
			db_end(rows);
	}
	return found;
}

/* Walks until the page is full, the rows are at an end, or enough were looked at. */
static int fill(struct store *store, const struct store_filter *filter, size_t limit, struct arena *arena,
		struct walk *walk, struct store_job *jobs, struct store_page *page, struct err *e)
{
	size_t seen = 0;
	int more;

	page->n = 0;
	while ((more = db_next(walk->rows, e)) == 1) {
		struct job_row row;
		int wanted;

		job_columns(walk->rows, arena, &row);
		wanted = is_wanted(store, filter, walk->n_labels, &row.job, e);
		if (wanted < 0)
			return -1;
		if (wanted)
			read_job(store, &row, &jobs[page->n++]);
		if (++seen == STORE_SCAN_MAX || page->n == limit) {
			page->next = (struct store_place){ row.job.created_ms, row.job.id };
			return 0;
		}
	}
	return more;
}

int store_job_list(struct store *store, uint64_t tenant, const struct store_filter *filter,
		   const struct store_place *after, size_t limit, struct arena *arena, struct store_page *out,
		   struct err *e)
{
	struct store_job *const jobs = arena_alloc(arena, (limit + 1) * sizeof(*jobs));
	struct walk walk = { .n = 0 };
	struct store_page page = { .jobs = jobs };
	struct store_id low, high;
	const enum query query = way_in(filter, tenant, &walk);
	int status;

	bounds(filter, after, &low, &high);
	walk.values[walk.n++] = db_id(&high);
	walk.values[walk.n++] = db_id(&low);
	walk.values[walk.n++] = db_number(STORE_SCAN_MAX + 1);
	if (!limit || db_ask(store->reader, query, walk.values, walk.n, &walk.rows, e) < 0)
		return limit ? -1 : err_set(e, ERR_USAGE, "a page has at least one row");
	status = fill(store, filter, limit, arena, &walk, jobs, &page, e);
	db_end(walk.rows);
	if (status == 0)
		*out = page;
	return status;
}
