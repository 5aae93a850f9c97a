/* Reads one plan from one client, verifies it against root's ceiling, sets the limits, and gives up
 * being root before anything of the plan is done. */
#include "monitor/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/drop.h"
#include "monitor/keeper.h"

#define PATIENCE_S 5    /* a client that connects and says nothing loses its slot */

/* Everything a client sent; static, because nothing is allocated here. */
struct received {
	const struct plan *plan;
	int fds[PLAN_FDS], note_fd;
	size_t n_fds;
};

static ssize_t receive(int fd, struct mon_req *req, int *fds, size_t *n_fds)
{
	static _Alignas(struct cmsghdr) char control[CMSG_SPACE(MON_FDS_PER_PACKET * sizeof(int))];
	struct iovec iov = { req, sizeof(*req) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	const struct cmsghdr *cmsg;
	ssize_t got;

	do
		got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	*n_fds = 0;
	cmsg = got < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS) {
		*n_fds = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cmsg), *n_fds * sizeof(int));
	}
	/* Descriptors that did not fit are closed by this process's end, which follows. */
	return got == sizeof(*req) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ? got : -1;
}

int slot_receive_fd(int from)
{
	struct mon_req req;
	int fds[MON_FDS_PER_PACKET];
	size_t n;

	return receive(from, &req, fds, &n) < 0 || n != 1 ? -1 : fds[0];
}

int slot_send_fd(int to, int fd)
{
	struct mon_req req = { .op = MON_FDS, .arg = 1 };
	struct iovec iov = { &req, sizeof(req) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	return sendmsg(to, &msg, MSG_NOSIGNAL) == sizeof(req) ? 0 : -1;
}

/* The plan must be sealed against its sender before it is looked at. */
static const struct plan *map_plan(int fd, struct err *e)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat st;
	void *at;

	if (fstat(fd, &st) < 0 || st.st_size != (off_t)sizeof(struct plan) ||
	    (fcntl(fd, F_GET_SEALS) & seals) != seals) {
		err_set(e, ERR_DENIED, "the plan is not a sealed memfd of the right size");
		return NULL;
	}
	at = mmap(NULL, sizeof(struct plan), PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED) {
		err_sys(e, "map the plan");
		return NULL;
	}
	return at;
}

static int receive_plan(int client_fd, struct received *in, struct err *e)
{
	struct mon_req req;
	int first[MON_FDS_PER_PACKET];
	size_t n, wanted;

	if (receive(client_fd, &req, first, &n) < 0 || req.op != MON_SPAWN || req.zero || n != 2 || req.arg > PLAN_FDS)
		return err_set(e, ERR_DENIED, "that was no request to start a box");
	wanted = req.arg;
	in->note_fd = first[0];
	in->plan = map_plan(first[1], e);
	close(first[1]);
	while (in->plan && in->n_fds < wanted) {
		if (receive(client_fd, &req, first, &n) < 0 || req.op != MON_FDS || n == 0 || n > wanted - in->n_fds)
			return err_set(e, ERR_DENIED, "the plan's descriptors did not all come");
		memcpy(in->fds + in->n_fds, first, n * sizeof(int));
		in->n_fds += n;
	}
	return in->plan ? 0 : -1;
}

static int set_limits(const struct plan *plan, const struct cgroup *cgroup, uint64_t *layers, struct err *e)
{
	static const uint8_t layer_of[PLAN_LIMITS] = {
		LAYER_CG_MEMORY, LAYER_CG_SWAP, LAYER_CG_PIDS, LAYER_CG_CPU, LAYER_CG_IO, LAYER_CG_IO, 0,
	};

	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		/* This process is in the box's group too. */
		const uint64_t self = step->flags == LIMIT_PIDS ? 1 : 0;

		if (step->op != OP_CGROUP_LIMIT || step->flags == LIMIT_CPU_TIME)
			continue;
		if (cgroup_set(cgroup, (enum cgroup_limit)step->flags, step->n + self, e) < 0)
			return -1;
		*layers |= LAYER_BIT(layer_of[step->flags]);
	}
	return 0;
}

/* From here on everything happens with the client's own rights. Its groups are not known: it has none. */
static int become(const struct ucred *client, struct err *e)
{
	if (client->uid == 0)
		return err_set(e, ERR_DENIED, "root needs no monitor: add --monitor none");
	if (setgroups(0, NULL) < 0)
		return err_sys(e, "setgroups");
	if (drop_identity(client->uid, client->gid, false, e) < 0 || drop_caps(0, e) < 0)
		return -1;
	/* Cleared by the change of identity: our end is the monitor's end. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* The maps in /proc/PID must be ours to write. */
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ? err_sys(e, "PR_SET_DUMPABLE") : 0;
}

static int serve(int client_fd, const struct cgroup *cgroup, const struct ceiling *ceiling, struct keeper *keeper,
		 struct err *e)
{
	static struct received in;
	struct ucred client;
	socklen_t len = sizeof(client);
	uint64_t layers = 0;

	if (getsockopt(client_fd, SOL_SOCKET, SO_PEERCRED, &client, &len) < 0)
		return err_sys(e, "SO_PEERCRED");
	if (receive_plan(client_fd, &in, e) < 0 ||
	    plan_verify(in.plan, sizeof(*in.plan), in.n_fds, ceiling, e) < 0 ||
	    set_limits(in.plan, cgroup, &layers, e) < 0 || become(&client, e) < 0 || keeper_begin(in.plan, e) < 0 ||
	    apply_start(in.plan, in.fds, in.note_fd, true, &keeper->held, e) < 0)
		return -1;
	keeper->held.layers |= layers;
	keeper->held.cgroup = *cgroup;
	keeper->born = true;
	close(in.note_fd);
	for (size_t i = 0; i < in.n_fds; i++)
		close(in.fds[i]);
	return 0;
}

_Noreturn void slot_live(int wait_fd, struct cgroup *cgroup, const struct ceiling *ceiling)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct keeper keeper = { .held = HELD_NONE };
	struct mon_res res = { .op = MON_SPAWN };

	prctl(PR_SET_NAME, "ward-slot", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	keeper.control_fd = slot_receive_fd(wait_fd);
	close(wait_fd);
	if (keeper.control_fd < 0)
		_exit(0);
	setsockopt(keeper.control_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (serve(keeper.control_fd, cgroup, ceiling, &keeper, &res.err) < 0) {
		res.status = -1;
		keeper_write(keeper.control_fd, &res);
		_exit(1);
	}
	setsockopt(keeper.control_fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0 }, sizeof(patience));
	res.layers = keeper.held.layers;
	keeper_write(keeper.control_fd, &res);
	keeper_live(&keeper);
}
