/* The owner's side of a zygote: orders, ends, and a park of guests that wait. Refuses to report an end that the zygote
 * has not told, unless the zygote is gone itself. */
#include "engine/isolates.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "model/layer.h"
#include "monitor/client.h"

#define WARM_US 30000000        /* a loaded machine, a cold page cache */

struct guest {
	uint64_t id, begun_us;
	bool killed;            /* on the owner's word */
	bool is_late;           /* and that because its time is over */
	bool is_asked;          /* whether the zygote adopts it is not told yet */
	bool is_kept;           /* it waits: nobody is told of its end, for it was not handed out */
	int parked_fd;          /* its channel while it waits, if we have it; else -1 */
};

struct isolates {
	struct box box;
	int control_fd, epoll_fd, words_fd;     /* words: what the box writes, which is nothing while all is well */
	struct guest *guests;
	size_t n, cap, n_parked;
	uint64_t next_id, layers;
	bool is_started;        /* its box has said so, and what holds it */
	uint32_t left, park;
	struct isolate_limits park_limits;
	isolates_ended *ended;
	void *at;
};

int isolates_pair(int ends[2], struct err *e)
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? err_sys(e, "socketpair") : 0;
}

enum verdict isolates_verdict(int status, bool killed)
{
	static const struct {
		int signal;
		enum verdict verdict;
	} rows[] = {
		{ SIGPROF, VERDICT_LIMIT_CPU }, { SIGALRM, VERDICT_LIMIT_WALL }, { SIGSYS, VERDICT_DENIED_SYSCALL },
	};

	if (WIFEXITED(status) && WEXITSTATUS(status) == ISOLATE_CODE_MEMORY)
		return VERDICT_LIMIT_MEMORY;
	if (WIFEXITED(status) && WEXITSTATUS(status) == ISOLATE_CODE_SETUP)
		return VERDICT_SETUP;
	if (WIFEXITED(status))
		return WEXITSTATUS(status) ? VERDICT_NONZERO : VERDICT_OK;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (WIFSIGNALED(status) && WTERMSIG(status) == rows[i].signal)
			return rows[i].verdict;
	/* Nobody else can: the box has run out of memory. */
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !killed ? VERDICT_LIMIT_MEMORY : VERDICT_SIGNAL;
}

static struct guest *find(const struct isolates *isolates, uint64_t id)
{
	for (size_t i = 0; i < isolates->n; i++)
		if (isolates->guests[i].id == id)
			return &isolates->guests[i];
	return NULL;
}

/* What a process of the box has for itself: a guest's are its own, whatever its zygote has. */
static const struct {
	enum isolate_has has;
	enum layer layer;
} own_layers[] = {
	{ ISOLATE_HAS_RLIMITS, LAYER_RLIMITS },
	{ ISOLATE_HAS_LANDLOCK, LAYER_LANDLOCK },
	{ ISOLATE_HAS_FDS, LAYER_FDS },
	{ ISOLATE_HAS_SECCOMP, LAYER_SECCOMP },
};

static uint64_t layers_of_guest(uint64_t box, uint64_t has)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_layers); i++) {
		box &= ~LAYER_BIT(own_layers[i].layer);
		if (has >> own_layers[i].has & 1)
			box |= LAYER_BIT(own_layers[i].layer);
	}
	return box;
}

/* Takes the guest out, and says so unless nobody had it. */
static void end_guest(struct isolates *isolates, struct guest *guest, const struct isolate_answer *answer)
{
	const struct guest was = *guest;
	const struct isolate_end end = {
		.id = was.id,
		.verdict = was.is_late && answer->status == SIGKILL ? VERDICT_LIMIT_WALL : isolates_verdict(answer->status, was.killed),
		.status = answer->status,
		.cpu_us = answer->cpu_us,
		.wall_us = loop_now_us() - was.begun_us,
		.rss_peak_bytes = answer->rss_peak_bytes,
		.layers = layers_of_guest(isolates->layers, answer->has),
	};

	*guest = isolates->guests[--isolates->n];
	isolates->n_parked -= was.parked_fd >= 0;
	fd_close(was.parked_fd);
	if (!was.is_kept && isolates->ended)
		isolates->ended(isolates->at, &end);
}

static int order(struct isolates *isolates, const struct isolate_request *request, int fd, struct err *e)
{
	return fd_send(isolates->control_fd, request, sizeof(*request), fd >= 0 ? &fd : NULL, fd >= 0, e);
}

static struct guest *add_guest(struct isolates *isolates)
{
	isolates->guests = mem_grow(isolates->guests, &isolates->cap, isolates->n + 1, sizeof(*isolates->guests));
	isolates->guests[isolates->n] = (struct guest){ .id = isolates->next_id, .begun_us = loop_now_us(), .parked_fd = -1 };
	return &isolates->guests[isolates->n++];
}

/* A new guest that reads from theirs. */
static int have(struct isolates *isolates, const struct isolate_limits *limits, int theirs, struct err *e)
{
	if (!isolates->left)
		return err_set(e, ERR_CONFLICT, "this zygote has had all its guests; start another one");
	const struct isolate_request request = { .op = ISOLATE_FORK, .id = ++isolates->next_id, .limits = *limits };

	if (order(isolates, &request, theirs, e) < 0)
		return -1;
	isolates->left--;
	add_guest(isolates);
	return 0;
}

/* One that is parked until somebody wants it. */
static int park(struct isolates *isolates, const struct isolate_limits *limits, struct err *e)
{
	OWN_FD int theirs = -1;
	OWN_FD int ours = -1;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "socketpair");
	ours = ends[0];
	theirs = ends[1];
	if (fd_set_nonblock(ours, e) < 0 || have(isolates, limits, theirs, e) < 0)
		return -1;
	isolates->guests[isolates->n - 1].parked_fd = TAKE_FD(ours);
	isolates->guests[isolates->n - 1].is_kept = true;
	isolates->n_parked++;
	return 0;
}

static void fill_park(struct isolates *isolates)
{
	struct err e;

	while (isolates->n_parked < isolates->park && isolates->left)
		if (park(isolates, &isolates->park_limits, &e) < 0)
			return; /* the socket is full: at the next turn */
}

static bool same_limits(const struct isolate_limits *a, const struct isolate_limits *b)
{
	return a->memory_bytes == b->memory_bytes && a->cpu_us == b->cpu_us && a->wall_us == b->wall_us;
}

static struct guest *find_parked(struct isolates *isolates)
{
	for (size_t i = 0; i < isolates->n; i++)
		if (isolates->guests[i].parked_fd >= 0)
			return &isolates->guests[i];
	return NULL;
}

static int check_limits(const struct isolate_limits *limits, struct err *e)
{
	if (limits->memory_bytes && limits->memory_bytes < ISOLATE_MEMORY_LEAST)
		return err_set(e, ERR_USAGE, "an isolate needs 4 MiB of memory at least");
	return 0;
}

int isolates_fork(struct isolates *isolates, const struct isolate_limits *limits, uint64_t *id, int *channel_fd,
		  struct err *e)
{
	struct guest *guest = isolates->park && same_limits(limits, &isolates->park_limits) ? find_parked(isolates) : NULL;

	if (check_limits(limits, e) < 0)
		return -1;
	if (!guest) {
		if (park(isolates, limits, e) < 0)
			return -1;
		guest = &isolates->guests[isolates->n - 1];
	}
	isolates->n_parked--;
	guest->is_kept = false;
	guest->begun_us = loop_now_us();
	*id = guest->id;
	*channel_fd = TAKE_FD(guest->parked_fd);
	return 0;
}

int isolates_fork_on(struct isolates *isolates, const struct isolate_limits *limits, int guest_fd, uint64_t *id,
		     struct err *e)
{
	if (check_limits(limits, e) < 0 || have(isolates, limits, guest_fd, e) < 0)
		return -1;
	*id = isolates->next_id;
	return 0;
}

static void kill_guest(struct isolates *isolates, uint64_t id, bool is_late)
{
	const struct isolate_request request = { .op = ISOLATE_KILL, .id = id };
	struct guest *const guest = find(isolates, id);
	struct err e;

	if (!guest)
		return;
	guest->is_late = is_late && !guest->killed;
	guest->killed = true;
	(void)!order(isolates, &request, -1, &e); /* a zygote that is gone took it along */
}

void isolates_kill(struct isolates *isolates, uint64_t id)
{
	kill_guest(isolates, id, false);
}

void isolates_expire(struct isolates *isolates, uint64_t id)
{
	kill_guest(isolates, id, true);
}

int isolates_adopt(struct isolates *isolates, uint64_t of, int32_t pid, const struct isolate_limits *limits, uint64_t *id,
		   struct err *e)
{
	const struct isolate_request request = {
		.op = ISOLATE_ADOPT, .pid = pid, .id = ++isolates->next_id, .limits = { .cpu_us = limits->cpu_us }, .of = of,
	};

	if (order(isolates, &request, -1, e) < 0)
		return -1;
	*id = request.id;
	struct guest *const guest = add_guest(isolates);

	guest->is_kept = guest->is_asked = true;
	return 0;
}

enum isolates_handed isolates_hand_out(struct isolates *isolates, uint64_t id)
{
	struct guest *const guest = find(isolates, id);

	if (!guest)
		return ISOLATES_GONE;
	if (guest->is_asked)
		return ISOLATES_NOT_YET;
	guest->is_kept = false;
	guest->begun_us = loop_now_us();
	return ISOLATES_HANDED_OUT;
}

/* Returns 1 when an answer was there, 0 when none is, -1 when none will come any more. */
static int hear(struct isolates *isolates, struct isolate_answer *answer, struct err *e)
{
	size_t n_fds = 0;
	const ssize_t got = fd_receive(isolates->control_fd, answer, sizeof(*answer), NULL, 0, &n_fds, e);

	if (got < 0 && e->sys == EAGAIN)
		return 0;
	if (got == sizeof(*answer) && answer->kind < ISOLATE_ANSWERS)
		return 1;
	return got < 0 ? -1 : err_set(e, ERR_SYSTEM, "the zygote is gone");
}

static void take(struct isolates *isolates, const struct isolate_answer *answer)
{
	struct isolate_answer end = *answer;
	struct guest *const guest = find(isolates, answer->id);

	if (answer->kind == ISOLATE_REFUSED)
		end.status = ISOLATE_CODE_SETUP << 8; /* as if it had said so itself */
	if (guest && answer->kind == ISOLATE_ADOPTED)
		guest->is_asked = false;
	else if (guest && answer->kind != ISOLATE_READY)
		end_guest(isolates, guest, &end);
}

/* What its box says: that it is over, at most. */
static void drain_notes(struct isolates *isolates)
{
	struct pollfd one = { .fd = isolates->box.note_fd, .events = POLLIN };
	struct box_note note;
	struct err e;

	while (one.fd >= 0 && poll(&one, 1, 0) > 0) {
		int fd = -1;

		/* The listener's other end is nobody's then: what the zygote's filter refuses gets ENOSYS. */
		if (mon_read_note(&isolates->box, &note, &fd, &e) <= 0) {
			epoll_ctl(isolates->epoll_fd, EPOLL_CTL_DEL, one.fd, NULL);
			fd_close_at(&isolates->box.note_fd);
			one.fd = -1;
		}
		fd_close(fd);
	}
}

int isolates_turn(struct isolates *isolates, struct err *e)
{
	const struct isolate_answer killed = { .status = SIGKILL };
	struct isolate_answer answer;
	int rc;

	while ((rc = hear(isolates, &answer, e)) > 0)
		take(isolates, &answer);
	drain_notes(isolates);
	if (rc == 0) {
		fill_park(isolates);
		return 0;
	}
	/* They die with their parent. */
	while (isolates->n) {
		isolates->guests[isolates->n - 1].killed = true;
		end_guest(isolates, &isolates->guests[isolates->n - 1], &killed);
	}
	isolates->left = 0;
	return -1;
}

int isolates_fd(const struct isolates *isolates)
{
	return isolates->epoll_fd;
}

uint32_t isolates_left(const struct isolates *isolates)
{
	return isolates->left;
}

uint64_t isolates_layers(const struct isolates *isolates)
{
	return layers_of_guest(isolates->layers, 0);
}

size_t isolates_alive(const struct isolates *isolates)
{
	size_t n = 0;

	for (size_t i = 0; i < isolates->n; i++)
		n += !isolates->guests[i].is_kept;
	return n;
}

void isolates_stop(struct isolates *isolates)
{
	struct mon_res res;
	struct err e;

	if (!isolates)
		return;
	if (isolates->box.control_fd >= 0)
		(void)!mon_ask(&isolates->box, MON_RELEASE, 0, &res, &e); /* else closing its channel is the order */
	mon_close(&isolates->box);
	for (size_t i = 0; i < isolates->n; i++)
		fd_close(isolates->guests[i].parked_fd);
	fd_close(isolates->control_fd);
	fd_close(isolates->epoll_fd);
	fd_close(isolates->words_fd);
	free(isolates->guests);
	free(isolates);
}

/* Its own words are worth more than that it is gone. */
static int explain(const struct isolates *isolates, struct err *e)
{
	char words[256];
	const ssize_t got = read(isolates->words_fd, words, sizeof(words) - 1);

	if (got > 0) {
		words[got - (words[got - 1] == '\n')] = '\0';
		err_set(e, ERR_SYSTEM, "%s", words);
	}
	return err_add(e, "start a zygote");
}

/* A box that says anything but that it has started will have no zygote. */
static int hear_box(struct isolates *isolates, struct err *e)
{
	struct box_note note;
	int fd = -1;

	if (mon_read_note(&isolates->box, &note, &fd, e) <= 0)
		return err_set(e, ERR_SYSTEM, "its box is gone");
	fd_close(fd); /* of the listener: what the box's filter refuses gets ENOSYS */
	if (note.kind == BOX_STARTED) {
		isolates->is_started = true;
		isolates->layers |= note.layers & (LAYER_BIT(LAYERS) - 1);
		return 0;
	}
	if (note.kind == BOX_FAILED) {
		*e = note.err;
		e->text[sizeof(e->text) - 1] = '\0';
		return -1;
	}
	return err_set(e, ERR_SYSTEM, "the engine ended before it was warm");
}

/* Both have to say so: the box that it holds, and the zygote. */
static int wait_warm(struct isolates *isolates, struct err *e)
{
	const uint64_t until_us = loop_now_us() + WARM_US;
	struct isolate_answer answer = { .kind = ISOLATE_ENDED };
	bool is_warm = false;

	while (!is_warm || !isolates->is_started) {
		struct pollfd ready[] = {
			{ .fd = is_warm ? -1 : isolates->control_fd, .events = POLLIN },
			{ .fd = isolates->box.note_fd, .events = POLLIN },
		};
		int rc;

		if (loop_now_us() > until_us)
			return err_set(e, ERR_SYSTEM, "it is not warm after %u s", WARM_US / 1000000);
		if (poll(ready, 2, 200) <= 0)
			continue;
		rc = ready[0].revents ? hear(isolates, &answer, e) : 0;
		if (rc < 0)
			return -1;
		if (rc > 0 && answer.kind != ISOLATE_READY)
			return err_set(e, ERR_SYSTEM, "its first word is not that it is ready");
		is_warm |= rc > 0;
		if (ready[1].revents && hear_box(isolates, e) < 0)
			return -1;
	}
	isolates->left = answer.left;
	return 0;
}

static int watch(const struct isolates *isolates, int fd, uint32_t events, struct err *e)
{
	struct epoll_event event = { .events = events };

	return epoll_ctl(isolates->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? err_sys(e, "epoll_ctl") : 0;
}

static int spawn(struct isolates *isolates, const struct isolates_setup *setup, struct err *e)
{
	OWN_MEM int *fds = mem_alloc(setup->n_fds * sizeof(int));
	OWN_FD int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int words[2], rc;

	if (null < 0)
		return err_sys(e, "/dev/null");
	if (fd_pipe(words, e) < 0)
		return -1;
	isolates->words_fd = words[0];
	memcpy(fds, setup->fds, setup->n_fds * sizeof(int));
	fds[0] = null;
	fds[1] = fds[2] = words[1];
	rc = mon_spawn(setup->plan, fds, setup->n_fds, setup->monitor, &isolates->box, &isolates->layers, e);
	close(words[1]);
	return rc;
}

static int begin(struct isolates *isolates, const struct isolates_setup *setup, struct err *e)
{
	if (isolates->epoll_fd < 0)
		return err_sys(e, "epoll_create");
	if (fd_set_nonblock(isolates->control_fd, e) < 0 || spawn(isolates, setup, e) < 0)
		return -1;
	if (fd_set_nonblock(isolates->words_fd, e) < 0 || watch(isolates, isolates->control_fd, EPOLLIN, e) < 0 ||
	    watch(isolates, isolates->box.note_fd, EPOLLIN, e) < 0)
		return -1;
	if (wait_warm(isolates, e) < 0)
		return explain(isolates, e);
	fill_park(isolates);
	return 0;
}

int isolates_start(const struct isolates_setup *setup, struct isolates **out, struct err *e)
{
	struct isolates *const isolates = mem_alloc(sizeof(*isolates));

	*isolates = (struct isolates){
		.box = BOX_NONE,
		.control_fd = setup->control_fd,
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
		.words_fd = -1,
		.park = setup->parked,
		.park_limits = setup->park_limits,
		.ended = setup->ended,
		.at = setup->at,
	};
	if (begin(isolates, setup, e) < 0) {
		isolates_stop(isolates);
		return -1;
	}
	*out = isolates;
	return 0;
}
