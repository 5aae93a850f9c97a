/* Reads one plan from one client, verifies it against root's ceiling, sets the limits, and gives up
 * being root before anything of the plan is done. */
#include "monitor/slot.h"

#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "mech/drop.h"
#include "monitor/keeper.h"
#include "monitor/receive.h"

#define PATIENCE_S 5    /* a client that connects and says nothing loses its slot */

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
	static struct received in; /* static, because nothing is allocated here */
	struct ucred client;
	socklen_t len = sizeof(client);
	uint64_t layers = 0;

	if (getsockopt(client_fd, SOL_SOCKET, SO_PEERCRED, &client, &len) < 0)
		return err_sys(e, "SO_PEERCRED");
	if (receive_plan(client_fd, &in, e) < 0 ||
	    plan_verify(in.plan, sizeof(*in.plan), in.n_fds, ceiling, e) < 0 ||
	    apply_limits(in.plan, cgroup, 1 /* ourselves */, &layers, e) < 0 || become(&client, e) < 0 || keeper_adopt(in.plan, e) < 0 ||
	    apply_start(in.plan, in.fds, in.note_fd, &(struct early){ .born = true }, &keeper->held, e) < 0)
		return -1;
	keeper->held.layers |= layers;
	keeper->held.cgroup = *cgroup;
	keeper->born = true;
	receive_close(&in);
	return 0;
}

_Noreturn void slot_live(int wait_fd, struct cgroup *cgroup, const struct ceiling *ceiling)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct keeper keeper = { .held = HELD_NONE };
	struct mon_res res = { .op = MON_SPAWN };

	keeper_begin();
	prctl(PR_SET_NAME, "ward-slot", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	keeper.control_fd = receive_fd(wait_fd);
	close(wait_fd);
	if (keeper.control_fd < 0)
		_exit(0);
	setsockopt(keeper.control_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (serve(keeper.control_fd, cgroup, ceiling, &keeper, &res.err) < 0) {
		res.status = -1;
		(void)keeper_write(keeper.control_fd, &res);
		_exit(1);
	}
	setsockopt(keeper.control_fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0 }, sizeof(patience));
	res.layers = keeper.held.layers;
	if (keeper_write(keeper.control_fd, &res))
		keeper_live(&keeper);
	_exit(keeper_release(&keeper, &res.err) < 0);
}
