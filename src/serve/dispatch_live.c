/* Running jobs and those who watch or feed them. Refuses to let a slow watcher hold a job up: it is told, and what it
 * does with it is its own business. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "serve/dispatch_parts.h"

void live_tell(void *at, enum live kind, const char *bytes, size_t len, uint64_t offset)
{
	const struct live_source *const source = at;
	struct follower **link = &source->d->followers;

	while (*link) {
		struct follower *const follower = *link;

		if (memcmp(&follower->job, source->job, sizeof(follower->job)) != 0) {
			link = &follower->next;
			continue;
		}
		follower->tell(follower->at, kind, bytes, len, offset);
		if (kind != LIVE_END) {
			link = &follower->next;
			continue;
		}
		*link = follower->next;
		free(follower);
	}
}

uint64_t dispatch_follow(struct dispatch *dispatch, const struct store_id *job, dispatch_live *tell, void *at)
{
	struct follower *follower;

	if (!job_find(dispatch, job))
		return 0;
	follower = mem_alloc(sizeof(*follower));
	*follower = (struct follower){ dispatch->followers, ++dispatch->next_follower, *job, tell, at };
	dispatch->followers = follower;
	return follower->number;
}

void dispatch_unfollow(struct dispatch *dispatch, uint64_t follower)
{
	for (struct follower **link = &dispatch->followers; *link; link = &(*link)->next)
		if ((*link)->number == follower) {
			struct follower *const gone = *link;

			*link = gone->next;
			free(gone);
			return;
		}
}

const struct series *dispatch_usage(struct dispatch *dispatch, const struct store_id *job)
{
	const struct attempt *const attempt = job_find(dispatch, job);

	return !attempt ? NULL : attempt->slot ? attempt->slot->series : attempt->series;
}

ssize_t dispatch_output(const struct dispatch *dispatch, const struct store_id *job, unsigned which, uint64_t offset, char *bytes,
			size_t max)
{
	const struct attempt *const attempt = job_find(dispatch, job);

	if (!attempt)
		return DISPATCH_NOT_HERE;
	return spool_read(which == STORE_MIX ? &attempt->mix.spool : &attempt->written[which].spool, offset, bytes, max);
}

bool dispatch_cancel(struct dispatch *dispatch, const struct store_id *job)
{
	struct attempt *const attempt = job_find(dispatch, job);

	if (attempt)
		job_cancel(dispatch, attempt);
	return attempt;
}

static bool takes_input(const struct attempt *attempt)
{
	for (size_t i = 0; i < attempt->n_steps; i++)
		if (attempt->steps[i].input->source == JOB_LIVE)
			return attempt->slot && attempt->slot->state == SLOT_CLAIMED && !attempt->feed_is_ended;
	return false;
}

ssize_t dispatch_stdin(struct dispatch *dispatch, const struct store_id *job, const char *bytes, size_t len, bool is_end)
{
	struct attempt *const attempt = job_find(dispatch, job);
	size_t n;

	if (!attempt || !takes_input(attempt))
		return -1;
	n = ATTEMPT_FEED - attempt->feed_len < len ? ATTEMPT_FEED - attempt->feed_len : len;
	if (!attempt->feed)
		attempt->feed = mem_raw(ATTEMPT_FEED);
	memcpy(attempt->feed + attempt->feed_len, bytes, n);
	attempt->feed_len += n;
	attempt->feed_is_ended = is_end && n == len;
	box_write(dispatch, attempt->slot);
	return (ssize_t)n;
}

bool dispatch_resize(struct dispatch *dispatch, const struct store_id *job, const struct job_window *size)
{
	struct attempt *const attempt = job_find(dispatch, job);

	if (!attempt || !attempt->spec.tty.rows || attempt->feed_is_ended)
		return false;
	attempt->resize = (struct frame_resize){ size->rows, size->cols };
	if (attempt->slot && attempt->slot->state == SLOT_CLAIMED)
		box_write(dispatch, attempt->slot);
	return true;
}

bool dispatch_signal(struct dispatch *dispatch, const struct store_id *job, int signal)
{
	static const int passed[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct attempt *const attempt = job_find(dispatch, job);

	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		if (attempt && attempt->slot && attempt->slot->state == SLOT_CLAIMED && passed[i] == signal) {
			slot_say(attempt->slot, ORDER_SIGNAL, (uint64_t)signal, 0);
			return true;
		}
	return false;
}
