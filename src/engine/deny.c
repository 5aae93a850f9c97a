/* The seccomp listener. Refuses to answer anything but a refusal, save where the filter tells of a socket before it is made:
 * what is judged of that call are numbers in registers, which cannot change while it waits. */
#include "engine/deny.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#include "boundary/floor.h"
#include "engine/notice.h"
#include "model/syscalls.h"

struct ruling deny_judge(const struct filter_set *set, uint32_t nr, const uint64_t args[6])
{
	const struct filter_row *row = NULL;
	struct ruling ruling = { .act = filter_judge(set, nr, args, &row), .origin = "default" };

	/* A call that the rows allow must not have come here: the filter disagrees, so no. */
	ruling.sys = EPERM;
	if (ruling.act == FILTER_ERRNO || ruling.act == FILTER_NOTIFY)
		ruling.sys = filter_errno(set, row);
	if (!row)
		return ruling;
	ruling.line = row->line;
	ruling.origin = row->origin ? row->origin : "policy";
	return ruling;
}

static struct denial *find(struct result *result, uint32_t nr, const struct ruling *ruling)
{
	for (size_t i = 0; i < result->n_denials; i++) {
		struct denial *const one = &result->denials[i];

		if (one->nr == nr && one->line == ruling->line &&
		    strcmp(one->origin, ruling->origin) == 0)
			return one;
	}
	return NULL;
}

const struct denial *deny_record(struct result *result, const struct ruling *ruling, uint32_t nr,
				 const uint64_t args[6])
{
	struct denial *one = find(result, nr, ruling);

	if (one) {
		one->count++;
		return NULL;
	}
	if (result->n_denials == RESULT_DENIALS) {
		result->denials_more++;
		return NULL;
	}
	one = &result->denials[result->n_denials++];
	*one = (struct denial){ .nr = nr, .line = ruling->line, .origin = ruling->origin,
				.act = (uint8_t)ruling->act, .sys = ruling->sys, .count = 1 };
	memcpy(one->args, args, sizeof(one->args));
	return one;
}

static bool is_waiting(int listener, short *revents)
{
	struct pollfd one = { .fd = listener, .events = POLLIN };
	const bool any = poll(&one, 1, 0) > 0;

	*revents = one.revents;
	return any && (one.revents & POLLIN);
}

/* Whether a call that makes a socket goes on. A filter that only asks hides the answer of the older one beneath it (observe.c),
 * so the floor is asked here; what it refuses has its ruling. */
static bool goes_on(const struct deny_call *call, struct ruling *ruling)
{
	if (ruling->act != FILTER_ALLOW && ruling->act != FILTER_LOG)
		return false;
	if (floor_allows(call->nr, call->args))
		return true;
	*ruling = (struct ruling){ .act = FILTER_ERRNO, .sys = ENOSYS, .origin = "floor" };
	return false;
}

/* As deny_turn, for one notification that is known to be there. */
static int answer_one(int listener, const struct filter_set *set, struct result *result, const struct deny_ears *ears)
{
	union notice notice;
	const struct denial *fresh;
	struct ruling ruling;
	struct deny_call call;

	memset(&notice, 0, sizeof(notice));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0)
		return notice_is_passing(errno) ? 0 : -2;
	call = (struct deny_call){ .nr = (uint32_t)notice.known.data.nr, .pid = notice.known.pid,
				   .ip = notice.known.data.instruction_pointer };
	for (size_t i = 0; i < ARRAY_SIZE(call.args); i++)
		call.args[i] = notice.known.data.args[i];
	ruling = deny_judge(set, call.nr, call.args);
	if (set->tells && ears->opens && syscalls_makes_socket(call.nr) && goes_on(&call, &ruling)) {
		ears->opens(ears->at);
		return notice_let_go(listener, notice.known.id) ? 0 : -2;
	}
	/* The caller waits: it gets its answer first. */
	if (ruling.act != FILTER_KILL && !notice_refuse(listener, notice.known.id, ruling.sys))
		return -2;
	fresh = deny_record(result, &ruling, call.nr, call.args);
	if (fresh && ears->fresh)
		ears->fresh(ears->at, fresh);
	if (ears->call)
		ears->call(ears->at, &call);
	return ruling.act == FILTER_KILL;
}

int deny_turn(int listener, const struct filter_set *set, struct result *result, const struct deny_ears *ears)
{
	for (int i = 0; i < DENY_TURN; i++) {
		short revents = 0;
		int status;

		/* RECV waits when nothing is there, O_NONBLOCK or not. */
		if (!is_waiting(listener, &revents))
			return revents & (POLLHUP | POLLERR | POLLNVAL) ? -1 : 0;
		status = answer_one(listener, set, result, ears);
		if (status)
			return status;
	}
	return 0;
}
